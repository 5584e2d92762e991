// The texts of /proc and /sys, taken apart. Pure; parts point into the text.
#ifndef FLEETMEDIC_DETECTORS_PROC_TEXT_H_
#define FLEETMEDIC_DETECTORS_PROC_TEXT_H_

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace fleetmedic {

// Every line that is not empty, without its end.
std::vector<std::string_view> Lines(std::string_view text);

// What stands between blanks, none of it empty.
std::vector<std::string_view> Fields(std::string_view line);

// A decimal number without a sign, and nothing else: "12", "12\n". None for what does not fit.
std::optional<uint64_t> ParseCount(std::string_view text);
std::optional<int64_t> ParseSigned(std::string_view text);
// "0.42".
std::optional<double> ParseDecimal(std::string_view text);

// Lines of a name and a count, as in /proc/vmstat ("oom_kill 3"), /proc/meminfo
// ("MemTotal:  1024 kB", said in kB) and cgroup files. Lines of any other form are left out.
std::map<std::string, uint64_t, std::less<>> NamedCounts(std::string_view text);

// Of /proc/PID/cgroup (cgroups(7)): the path in the memory hierarchy, else in that of v2. Empty
// where there is neither.
std::string_view CgroupPath(std::string_view text);

}  // namespace fleetmedic

#endif  // FLEETMEDIC_DETECTORS_PROC_TEXT_H_
