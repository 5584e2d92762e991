#include "detectors/proc_text.h"

#include <charconv>

#include "base/text.h"

namespace fleetmedic {
namespace {

template <typename Number>
std::optional<Number> Parse(std::string_view text) {
  text = Trim(text);
  Number number{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

}  // namespace

std::vector<std::string_view> Lines(std::string_view text) {
  std::vector<std::string_view> lines = Split(text, '\n');
  std::erase_if(lines, [](std::string_view line) { return line.empty(); });
  return lines;
}

std::vector<std::string_view> Fields(std::string_view line) {
  constexpr std::string_view kBlanks = " \t\r\n";
  std::vector<std::string_view> fields;
  while (true) {
    const size_t begin = line.find_first_not_of(kBlanks);
    if (begin == std::string_view::npos) return fields;
    line.remove_prefix(begin);
    const size_t end = line.find_first_of(kBlanks);
    fields.push_back(line.substr(0, end));
    if (end == std::string_view::npos) return fields;
    line.remove_prefix(end);
  }
}

std::optional<uint64_t> ParseCount(std::string_view text) { return Parse<uint64_t>(text); }
std::optional<int64_t> ParseSigned(std::string_view text) { return Parse<int64_t>(text); }
std::optional<double> ParseDecimal(std::string_view text) { return Parse<double>(text); }

std::string_view CgroupPath(std::string_view text) {
  std::string_view unified;
  for (const std::string_view line : Lines(text)) {
    // HIERARCHY:CONTROLLERS:PATH
    const std::vector<std::string_view> parts = Split(line, ':');
    if (parts.size() < 3) continue;
    const std::string_view path = line.substr(parts[0].size() + parts[1].size() + 2);
    if (parts[1] == "memory") return path;
    if (parts[1].empty()) unified = path;
  }
  return unified;
}

std::map<std::string, uint64_t, std::less<>> NamedCounts(std::string_view text) {
  std::map<std::string, uint64_t, std::less<>> counts;
  for (const std::string_view line : Lines(text)) {
    const std::vector<std::string_view> fields = Fields(line);
    if (fields.size() < 2) continue;
    std::string_view name = fields[0];
    if (name.ends_with(':')) name.remove_suffix(1);
    if (const std::optional<uint64_t> count = ParseCount(fields[1])) counts.emplace(name, *count);
  }
  return counts;
}

}  // namespace fleetmedic
