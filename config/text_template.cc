#include "config/text_template.h"

#include <algorithm>
#include <utility>

namespace fleetmedic {

Result<TextTemplate> TextTemplate::Parse(std::string_view text) {
  TextTemplate out;
  std::string literal;
  const auto flush = [&] {
    if (!literal.empty()) out.parts_.push_back({std::exchange(literal, {}), false});
  };
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c != '{' && c != '}') {
      literal += c;
      continue;
    }
    if (i + 1 < text.size() && text[i + 1] == c) {
      literal += c;
      ++i;
      continue;
    }
    const size_t end = c == '{' ? text.find('}', i) : std::string_view::npos;
    const std::string_view name =
        end == std::string_view::npos ? std::string_view() : text.substr(i + 1, end - i - 1);
    const auto allowed = [](char n) {
      return (n >= 'a' && n <= 'z') || n == '_' || (n >= '0' && n <= '9');
    };
    if (name.empty() || !std::ranges::all_of(name, allowed)) {
      return Fail(Code::kInvalidArgument,
                  "expected {name} or a doubled brace at offset " + std::to_string(i));
    }
    flush();
    out.parts_.push_back({std::string(name), true});
    i = end;
  }
  flush();
  return out;
}

std::vector<std::string> TextTemplate::Names() const {
  std::vector<std::string> names;
  for (const Part& part : parts_) {
    if (part.hole) names.push_back(part.text);
  }
  return names;
}

std::string TextTemplate::Render(
    absl::FunctionRef<std::string(const std::string& name)> value) const {
  std::string out;
  for (const Part& part : parts_) out += part.hole ? value(part.text) : part.text;
  return out;
}

}  // namespace fleetmedic
