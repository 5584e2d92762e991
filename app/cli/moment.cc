#include "app/cli/moment.h"

#include <string>

#include "base/text.h"

namespace fleetmedic::cli {

Result<WallTime> ParseMoment(std::string_view text, WallTime now) {
  if (text == "now") return now;
  if (const Result<WallTime> at = ParseWall(text)) return *at;
  const Result<Millis> before = ParseDuration(text);
  if (before && *before >= Millis(0) && *before <= now.time_since_epoch()) return now - *before;
  return Fail(Code::kInvalidArgument,
              "expected a duration before now (6h), a time (2026-03-01T02:00:00Z) or now, got " +
                  Quote(text));
}

}  // namespace fleetmedic::cli
