#include "base/process_stat.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "base/text.h"

namespace fleetmedic {
namespace {

// include/linux/sched.h
constexpr uint64_t kKernelThreadFlag = 0x00200000;

template <typename Number>
bool Read(std::string_view text, Number* number) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), *number);
  return error == std::errc() && end == text.data() + text.size();
}

}  // namespace

std::optional<ProcessStat> ParseProcessStat(std::string_view text) {
  const size_t open = text.find('(');
  const size_t close = text.rfind(')');
  if (open == std::string_view::npos || close == std::string_view::npos || close < open) {
    return std::nullopt;
  }
  // Those behind the name, which is the second of the manual: the state is the third there.
  std::array<std::string_view, 22> fields;
  std::string_view rest = Trim(text.substr(close + 1));
  size_t count = 0;
  for (; count < fields.size() && !rest.empty(); ++count) {
    const size_t end = std::min(rest.find(' '), rest.size());
    fields[count] = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  ProcessStat stat;
  uint64_t flags = 0;
  uint64_t user = 0;
  uint64_t system = 0;
  if (fields[0].size() != 1 || !Read(Trim(text.substr(0, open)), &stat.key.pid) ||
      stat.key.pid <= 0 || !Read(fields[1], &stat.parent) || !Read(fields[2], &stat.group) ||
      !Read(fields[6], &flags) || !Read(fields[11], &user) || !Read(fields[12], &system) ||
      !Read(fields[19], &stat.key.start_ticks) ||
      // A text that was recorded without its end says the rest.
      (count == fields.size() && !Read(fields[21], &stat.resident_pages))) {
    return std::nullopt;
  }
  stat.state = fields[0][0];
  stat.kernel_thread = (flags & kKernelThreadFlag) != 0;
  stat.name = text.substr(open + 1, close - open - 1);
  stat.cpu_ticks = user + system;
  return stat;
}

}  // namespace fleetmedic
