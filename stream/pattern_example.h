// A line that a pattern matches, made from the pattern: so that rules that were written elsewhere
// get an example to be checked by. Pure.
#ifndef FLEETMEDIC_STREAM_PATTERN_EXAMPLE_H_
#define FLEETMEDIC_STREAM_PATTERN_EXAMPLE_H_

#include <optional>
#include <string>
#include <string_view>

namespace fleetmedic {

// The shortest that is easily found; none where the pattern is not in our language
// (config/pattern.h), or where what was made does not match after all (\b in odd places).
std::optional<std::string> ExampleOf(const std::string& pattern);

}  // namespace fleetmedic

#endif  // FLEETMEDIC_STREAM_PATTERN_EXAMPLE_H_
