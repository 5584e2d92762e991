#include "base/environment.h"

#include <charconv>
#include <cstdlib>

#include "base/text.h"

namespace fleetmedic {

std::string EnvironmentVariable(const std::string& name) {
  const char* value = std::getenv(name.c_str());
  return value == nullptr ? "" : value;
}

Result<uint64_t> EnvironmentNumber(const std::string& name, uint64_t fallback) {
  const std::string text = EnvironmentVariable(name);
  if (text.empty()) return fallback;
  uint64_t number = 0;
  const char* const last = text.data() + text.size();
  const auto [end, error] = std::from_chars(text.data(), last, number);
  if (error != std::errc() || end != last) {
    return Fail(Code::kInvalidArgument, name + ": not a whole number: " + Quote(text));
  }
  return number;
}

}  // namespace fleetmedic
