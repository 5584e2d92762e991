#include "detectors/agent/own_usage.h"

#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <ctime>

#include "base/file.h"
#include "base/text.h"

namespace fleetmedic {

Result<int64_t> ResidentBytes(std::string_view statm, int64_t page_bytes) {
  const std::vector<std::string_view> fields = Split(Trim(statm), ' ');
  int64_t pages = -1;
  if (fields.size() >= 2) {
    const std::string_view text = fields[1];
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), pages);
    if (error != std::errc() || end != text.data() + text.size()) pages = -1;
  }
  if (pages < 0) return Fail(Code::kCorrupt, "/proc/self/statm has another form");
  return pages * page_bytes;
}

Result<OwnUsage> ReadOwnUsage() {
  OwnUsage usage;
  FLEETMEDIC_ASSIGN_OR_RETURN(const std::string statm, ReadFile("/proc/self/statm", 4096));
  FLEETMEDIC_ASSIGN_OR_RETURN(usage.resident_bytes, ResidentBytes(statm, ::sysconf(_SC_PAGESIZE)));
  timespec cpu{};
  if (::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &cpu) != 0) {
    return FailErrno("read the CPU time of the process", errno);
  }
  usage.cpu = Seconds(cpu.tv_sec) + Micros(cpu.tv_nsec / 1000);
  return usage;
}

}  // namespace fleetmedic
