#include "detectors/clock/clock_detector.h"

#include <sys/timex.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "base/text.h"
#include "detectors/condition_types.h"
#include "detectors/proc_text.h"

namespace fleetmedic {
namespace {

constexpr std::string_view kSource =
    "/sys/devices/system/clocksource/clocksource0/current_clocksource";
constexpr std::string_view kAvailable =
    "/sys/devices/system/clocksource/clocksource0/available_clocksource";
constexpr size_t kFileBytesMax = 4096;
constexpr size_t kCpuInfoBytesMax = size_t{4} << 20;

// What a time service leaves in /run while it runs, and some after it was killed: it is to be
// there all the same.
constexpr std::pair<std::string_view, std::string_view> kServices[] = {
    {"/run/chrony/chronyd.pid", "chrony"},
    {"/run/chronyd.pid", "chrony"},
    {"/run/systemd/timesync", "systemd-timesyncd"},
    {"/run/ntpd.pid", "ntpd"},
    {"/run/ntpd/ntpd.pid", "ntpd"},
};
// Made by systemd-timesyncd at the first synchronisation of a boot (systemd-time-wait-sync(8)).
constexpr std::string_view kTimesyncDone = "/run/systemd/timesync/synchronized";

bool HasSteadyTsc(const FsRoot& root) {
  const std::string text = root.ReadFile("/proc/cpuinfo", kCpuInfoBytesMax).value_or("");
  for (const std::string_view line : Lines(text)) {
    if (!line.starts_with("flags")) continue;
    const std::vector<std::string_view> flags = Fields(line);
    const auto has = [&flags](std::string_view flag) {
      return std::ranges::find(flags, flag) != flags.end();
    };
    return has("constant_tsc") && has("nonstop_tsc");  // all processors alike
  }
  return false;
}

}  // namespace

Result<KernelTime> ReadKernelTime() {
  struct timex raw {};
  if (adjtimex(&raw) < 0) return FailErrno("adjtimex", errno);
  KernelTime time;
  time.synchronised = (raw.status & STA_UNSYNC) == 0;
  time.offset = (raw.status & STA_NANO) != 0
                    ? std::chrono::duration_cast<Micros>(std::chrono::nanoseconds(raw.offset))
                    : Micros(raw.offset);
  time.estimated_error = Micros(raw.esterror);
  time.maximum_error = Micros(raw.maxerror);
  return time;
}

ClockDetector::ClockDetector(const Clock* clock, const HostConfig& host, const ClockConfig& config,
                             ReadTime read_time)
    : clock_(clock), root_(host.root), config_(config), read_time_(std::move(read_time)) {}

std::vector<std::string> ClockDetector::types() const { return ConditionTypesOf("clock"); }

bool ClockDetector::Supported() const { return root_.root() == "/" || root_.Exists(kSource); }

ClockSample ClockDetector::Sample() const {
  ClockSample sample;
  sample.time = read_time_();
  for (const auto& [path, service] : kServices) {
    if (!root_.Exists(path)) continue;
    sample.service = service;
    break;
  }
  sample.was_synchronised = root_.Exists(kTimesyncDone);
  sample.source = Trim(root_.ReadFile(kSource, kFileBytesMax).value_or(""));
  const std::string available = root_.ReadFile(kAvailable, kFileBytesMax).value_or("");
  for (const std::string_view name : Fields(available)) sample.available.emplace_back(name);
  if (IsSlowClockSource(sample.source)) sample.steady_tsc = HasSteadyTsc(root_);
  return sample;
}

Result<std::vector<Condition>> ClockDetector::Probe(MonoTime) {
  const ClockSample sample = Sample();
  history_.Add(sample, clock_->Mono());
  return EvaluateClock(sample, history_,
                       {.required = config_.required,
                        .grace = config_.grace,
                        .offset_max = config_.offset_max,
                        .maximum_error_max = config_.maximum_error_max});
}

}  // namespace fleetmedic
