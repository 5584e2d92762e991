#include "model/ids.h"

#include <algorithm>

namespace fleetmedic {

bool ValidId(std::string_view text) {
  const auto allowed = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '_' || c == ':' || c == '/' || c == '-' || c == '@';
  };
  return !text.empty() && text.size() <= kIdCharsMax && std::ranges::all_of(text, allowed);
}

}  // namespace fleetmedic
