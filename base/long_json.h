// Reading JSON that may be longer than what Json::Parse takes: an answer as large as a fleet.
#ifndef FLEETMEDIC_BASE_LONG_JSON_H_
#define FLEETMEDIC_BASE_LONG_JSON_H_

#include <string_view>

#include "base/json.h"

namespace fleetmedic {

// As Json::Parse, with this limit in place of kTextBytesMax. In memory it is some ten times as
// much.
Result<Json> ParseLongJson(std::string_view text, size_t bytes_max);

}  // namespace fleetmedic

#endif  // FLEETMEDIC_BASE_LONG_JSON_H_
