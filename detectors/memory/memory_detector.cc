#include "detectors/memory/memory_detector.h"

#include <algorithm>

#include "detectors/condition_types.h"
#include "detectors/proc_text.h"

namespace fleetmedic {
namespace {

constexpr size_t kFileBytesMax = 256 * 1024;
// Below this there is nothing to count.
constexpr uint64_t kCgroupsFew = 1000;
constexpr Millis kCountEvery = Minutes(10);

// num_cgroups of the memory controller in /proc/cgroups (v1): those that are dying too.
std::optional<uint64_t> MemoryCgroups(std::string_view text) {
  for (const std::string_view line : Lines(text)) {
    // memory HIERARCHY NUM_CGROUPS ENABLED; hierarchy 0 is v2, where the number is of all kinds.
    const std::vector<std::string_view> fields = Fields(line);
    if (fields.size() == 4 && fields[0] == "memory" && fields[1] != "0") {
      return ParseCount(fields[2]);
    }
  }
  return std::nullopt;
}

MemoryThresholds ThresholdsOf(const MemoryConfig& config) {
  MemoryThresholds thresholds;
  thresholds.window = config.window;
  thresholds.cpu_some_share = config.cpu_some_share;
  thresholds.memory_full_share = config.memory_full_share;
  thresholds.io_full_share = config.io_full_share;
  thresholds.available_share = config.available_share;
  thresholds.available_bytes = config.available_bytes;
  thresholds.swap_share = config.swap_share;
  thresholds.swap_in_per_second = config.swap_in_per_second;
  thresholds.oom_window = config.oom_window;
  thresholds.fragmentation_blocks = config.fragmentation_blocks;
  thresholds.dying_cgroups = config.dying_cgroups;
  return thresholds;
}

}  // namespace

MemoryDetector::MemoryDetector(const Clock* clock, const HostConfig& host,
                               const MemoryConfig& config)
    : clock_(clock),
      root_(host.root),
      config_(config),
      kill_walk_(clock, host.root),
      count_walk_(clock, host.root),
      history_(config.window, config.oom_window) {}

std::vector<std::string> MemoryDetector::types() const { return ConditionTypesOf("memory"); }

bool MemoryDetector::Supported() const { return root_.Exists("/proc/meminfo"); }

PressureSample MemoryDetector::ReadPressure(const char* path) const {
  PressureSample sample;
  const Result<std::string> text = root_.ReadFile(path, kFileBytesMax);
  if (text) {
    sample.totals = ParsePressure(*text);
    sample.reason = "NotUnderstood";
    sample.message = std::string(path) + " has no line of a form that is known";
    return sample;
  }
  const Code code = text.error().code;
  sample.message = text.error().message;
  if (code == Code::kNotFound || code == Code::kUnsupported) {
    sample.reason = "NotSupported";
    sample.message += ": this kernel tells no pressure (CONFIG_PSI, boot option psi=1)";
  } else {
    const bool denied = code == Code::kPermissionDenied;
    sample.reason = denied ? "NoPermission" : "ReadFailed";
    if (denied) sample.message.insert(0, "no permission (to read " + std::string(path) + "): ");
  }
  return sample;
}

void MemoryDetector::LookForKills(MonoTime deadline, HostMemorySample* sample) {
  if (!sample->oom_kills || sample->oom_kills == oom_kills_) return;
  oom_kills_ = sample->oom_kills;
  const Result<CgroupWalk::Look> look = kill_walk_.Take(deadline);
  if (!look) {
    unnamed_why_ = look.error().message;
    return;
  }
  sample->cgroup_kills = look->kills;
  unnamed_why_ = look->cut.empty() ? "it is the root's, or was removed" : look->cut;
}

std::optional<CgroupCount> MemoryDetector::CountCgroups(MonoTime deadline) {
  const Result<std::string> text = root_.ReadFile("/proc/cgroups", kFileBytesMax);
  const std::optional<uint64_t> all = text ? MemoryCgroups(*text) : std::nullopt;
  if (!all) return kill_walk_.CountV2();
  if (*all < kCgroupsFew) return std::nullopt;
  const MonoTime now = clock_->Mono();
  if (counted_ && now - counted_at_ < kCountEvery) return counted_;
  counted_at_ = now;
  const Result<CgroupWalk::Look> look = count_walk_.Take(deadline);
  if (!look) return counted_ = std::nullopt;
  // Where not all were seen, none is called dying that may only not have been reached.
  const uint64_t live = look->cut.empty() ? std::min<uint64_t>(look->cgroups, *all) : *all;
  return counted_ = CgroupCount{live, *all - live};
}

Result<std::vector<Condition>> MemoryDetector::Probe(MonoTime deadline) {
  HostMemorySample sample;
  sample.at = clock_->Mono();
  FLEETMEDIC_ASSIGN_OR_RETURN(const std::string meminfo,
                              root_.ReadFile("/proc/meminfo", kFileBytesMax));
  FLEETMEDIC_ASSIGN_OR_RETURN(const std::string vmstat,
                              root_.ReadFile("/proc/vmstat", kFileBytesMax));
  if (!TakeMemoryTexts(meminfo, vmstat, &sample)) {
    return Fail(Code::kUnsupported, "/proc/meminfo does not say MemTotal and MemAvailable");
  }
  sample.cpu = ReadPressure("/proc/pressure/cpu");
  sample.memory = ReadPressure("/proc/pressure/memory");
  sample.io = ReadPressure("/proc/pressure/io");
  sample.free_blocks =
      ParseBuddyInfo(root_.ReadFile("/proc/buddyinfo", kFileBytesMax).value_or(""));
  LookForKills(deadline, &sample);
  sample.unnamed_why = unnamed_why_;
  sample.cgroups = CountCgroups(deadline);
  history_.Add(sample);
  return EvaluateMemory(sample, history_, ThresholdsOf(config_));
}

}  // namespace fleetmedic
