// How one value of the config is read, checked and written, whatever its type: the pieces that
// the table of keys (config/keys.h) is made of.
#ifndef FLEETMEDIC_CONFIG_VALUE_H_
#define FLEETMEDIC_CONFIG_VALUE_H_

#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "config/config.h"
#include "config/toml.h"

namespace fleetmedic {

// Where a value is stored; the type says how it is read.
using Slot = std::variant<std::string*, bool*, int*, int64_t*, uint16_t*, double*, Millis*,
                          std::optional<Millis>*, std::vector<std::string>*,
                          std::map<std::string, std::string>*, Mode*, Severity*, std::vector<Rung>*,
                          LimitScope*, LimitKind*>;

// What texts may look like.
enum class TextForm : uint8_t {
  kAny,
  kNotEmpty,
  kId,  // ValidId
  kIdOrEmpty,
  kPath,  // absolute
  kPathOrEmpty,
};

// What a value may be. Only the members that its type looks at matter.
struct Range {
  int64_t min = 0;  // integers; durations in milliseconds
  int64_t max = std::numeric_limits<int64_t>::max();
  double share_min = 0;  // numbers with a fraction
  double share_max = 1;
  TextForm form = TextForm::kAny;
  std::span<const std::string_view> words = {};  // texts of a closed set
  bool bytes = false;                            // an integer that may be "64MiB"
};

constexpr Range Between(int64_t min, int64_t max) { return {.min = min, .max = max}; }
constexpr Range Between(Millis min, Millis max) { return {.min = min.count(), .max = max.count()}; }
constexpr Range Bytes(int64_t min, int64_t max) { return {.min = min, .max = max, .bytes = true}; }
constexpr Range Share(double min, double max) { return {.share_min = min, .share_max = max}; }
constexpr Range Form(TextForm form) { return {.form = form}; }
constexpr Range OneOf(std::span<const std::string_view> words) { return {.words = words}; }

// What is expected, with its article and range: "an integer from 0 to 65535", "a duration from 1s
// to 1h, like \"30s\"".
std::string Expected(const Slot& slot, const Range& range);

// Takes a value of a file into the slot. On a value that cannot be taken the slot stays, an error
// "PATH: expected ..., got ..." is added, and the answer is false.
bool ReadValue(const TomlNode& node, std::string_view path, const Slot& slot, const Range& range,
               Diagnostics* diagnostics);

// The same for a value given as one text (an environment variable): numbers and words as they
// stand, lists as "a,b", maps as "a=1,b=2". `place` is for the message.
bool ReadText(std::string_view text, const SourcePlace& place, std::string_view path,
              const Slot& slot, const Range& range, Diagnostics* diagnostics);

// The slot's value as TOML reads it back. An optional that is empty is an empty text.
std::string FormatValue(const Slot& slot, const Range& range);

// A TOML basic string.
std::string TomlString(std::string_view text);

// A JSON Schema for the values that ReadValue takes.
Json ValueSchema(const Slot& slot, const Range& range);

}  // namespace fleetmedic

#endif  // FLEETMEDIC_CONFIG_VALUE_H_
