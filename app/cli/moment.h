// A moment as people type it.
#ifndef FLEETMEDIC_APP_CLI_MOMENT_H_
#define FLEETMEDIC_APP_CLI_MOMENT_H_

#include <string_view>

#include "base/result.h"
#include "base/time.h"

namespace fleetmedic::cli {

// "6h": that long before now. "2026-03-01T02:00:00Z": then. "now": now. Errors: kInvalidArgument
// with what was expected and the text quoted.
Result<WallTime> ParseMoment(std::string_view text, WallTime now);

}  // namespace fleetmedic::cli

#endif  // FLEETMEDIC_APP_CLI_MOMENT_H_
