#include "detectors/hardware/hardware_detector.h"

#include <algorithm>
#include <utility>

#include "base/text.h"
#include "detectors/condition_types.h"
#include "detectors/proc_text.h"

namespace fleetmedic {
namespace {

constexpr std::string_view kMemory = "/sys/devices/system/edac/mc";
constexpr std::string_view kPcie = "/sys/bus/pci/devices";
constexpr std::string_view kCpus = "/sys/devices/system/cpu";
constexpr std::string_view kSensors = "/sys/class/hwmon";

constexpr size_t kFileBytesMax = 16384;
constexpr size_t kEntriesMax = 8192;
constexpr size_t kModulesMax = 512;
constexpr size_t kPcieMax = 512;
constexpr size_t kCpusMax = 4096;
constexpr size_t kChipsMax = 64;
constexpr size_t kHotMax = 64;

bool IsNumbered(std::string_view name, std::string_view prefix) {
  return name.starts_with(prefix) && ParseCount(name.substr(prefix.size())).has_value();
}

std::map<std::string, uint64_t> WithoutProbeErrors(std::map<std::string, uint64_t> counts) {
  std::erase_if(counts, [](const auto& entry) { return IsProbeError(entry.first); });
  return counts;
}

}  // namespace

HardwareDetector::HardwareDetector(const Clock* clock, const HostConfig& host,
                                   const HardwareConfig& config)
    : clock_(clock),
      root_(host.root),
      config_(config),
      history_(config.error_window, config.throttle_window) {}

std::vector<std::string> HardwareDetector::types() const { return ConditionTypesOf("hardware"); }

bool HardwareDetector::Supported() const { return root_.Exists(kCpus); }

std::string HardwareDetector::Text(const std::string& path) const {
  return std::string(Trim(root_.ReadFile(path, kFileBytesMax).value_or("")));
}

std::optional<uint64_t> HardwareDetector::Count(const std::string& path) const {
  return ParseCount(Text(path));
}

std::vector<std::string> HardwareDetector::Names(const std::string& folder) const {
  return root_.List(folder, kEntriesMax).value_or(std::vector<std::string>());
}

void HardwareDetector::SampleController(const std::string& controller,
                                        HardwareSample* sample) const {
  const std::string folder = std::string(kMemory) + "/" + controller;
  const std::optional<uint64_t> corrected = Count(folder + "/ce_count");
  const std::optional<uint64_t> uncorrected = Count(folder + "/ue_count");
  if (!corrected || !uncorrected) return;
  sample->has_memory = true;
  // What belongs to no module: the controller's counts are those of all and of that.
  MemorySample rest;
  rest.unit = controller;
  rest.label = Text(folder + "/mc_name");
  rest.corrected = *corrected;
  rest.uncorrected = *uncorrected;
  const auto add = [&](MemorySample module) {
    rest.corrected -= std::min(rest.corrected, module.corrected);
    rest.uncorrected -= std::min(rest.uncorrected, module.uncorrected);
    if (sample->memory.size() < kModulesMax) sample->memory.push_back(std::move(module));
  };
  const std::vector<std::string> names = Names(folder);
  bool modules = false;
  for (const std::string& name : names) {
    if (!IsNumbered(name, "dimm") && !IsNumbered(name, "rank")) continue;
    const std::string path = folder + "/" + name;
    const std::optional<uint64_t> module_corrected = Count(path + "/dimm_ce_count");
    const std::optional<uint64_t> module_uncorrected = Count(path + "/dimm_ue_count");
    if (!module_corrected || !module_uncorrected) continue;
    modules = true;
    add({controller + "/" + name, Text(path + "/dimm_label"), *module_corrected,
         *module_uncorrected});
  }
  for (const std::string& name : names) {
    // Older kernels count by rows of chips.
    if (modules || !IsNumbered(name, "csrow")) continue;
    const std::string path = folder + "/" + name;
    const std::optional<uint64_t> row_corrected = Count(path + "/ce_count");
    const std::optional<uint64_t> row_uncorrected = Count(path + "/ue_count");
    if (!row_corrected || !row_uncorrected) continue;
    add({controller + "/" + name, Text(path + "/ch0_dimm_label"), *row_corrected,
         *row_uncorrected});
  }
  add(std::move(rest));
}

void HardwareDetector::SampleMemory(HardwareSample* sample) const {
  for (const std::string& name : Names(std::string(kMemory))) {
    if (IsNumbered(name, "mc")) SampleController(name, sample);
  }
}

void HardwareDetector::SamplePcie(HardwareSample* sample) const {
  for (const std::string& address : Names(std::string(kPcie))) {
    const std::string folder = std::string(kPcie) + "/" + address;
    const Result<std::string> correctable =
        root_.ReadFile(folder + "/aer_dev_correctable", kFileBytesMax);
    if (!correctable) continue;
    if (sample->pcie.size() >= kPcieMax) break;
    sample->has_pcie = true;
    PcieSample device;
    device.address = address;
    device.correctable = WithoutProbeErrors(AerCounts(*correctable));
    device.nonfatal = WithoutProbeErrors(AerCounts(Text(folder + "/aer_dev_nonfatal")));
    device.fatal = WithoutProbeErrors(AerCounts(Text(folder + "/aer_dev_fatal")));
    const std::string uevent = Text(folder + "/uevent");
    for (const std::string_view line : Lines(uevent)) {
      if (line.starts_with("DRIVER=")) device.driver = line.substr(7);
    }
    sample->pcie.push_back(std::move(device));
  }
}

void HardwareDetector::FindThrottleCounters(const std::set<int>& online) {
  throttle_of_ = online;
  throttle_counters_.clear();
  std::set<std::string> seen;
  for (const int cpu : online) {
    const std::string folder = std::string(kCpus) + "/cpu" + std::to_string(cpu);
    const std::string counters = folder + "/thermal_throttle/";
    // Where the first has none, no other has one.
    if (!root_.Exists(counters)) return;
    const std::string package = "package-" + Text(folder + "/topology/physical_package_id");
    const std::string core = package + "/core-" + Text(folder + "/topology/core_id");
    if (seen.insert(package).second) throttle_counters_.push_back({package, counters + "package"});
    if (seen.insert(core).second) throttle_counters_.push_back({core, counters + "core"});
  }
}

void HardwareDetector::SampleCpus(HardwareSample* sample) {
  const auto cpus = [&](std::string_view name) -> std::optional<std::set<int>> {
    const std::string text = Text(std::string(kCpus) + "/" + std::string(name));
    return text.empty() ? std::nullopt : ParseCpuList(text, kCpusMax);
  };
  sample->present = cpus("present");
  sample->online = cpus("online");
  const std::string siblings = Text(std::string(kCpus) + "/smt/control");
  sample->siblings_off = siblings == "off" || siblings == "forceoff";
  if (!sample->online) return;
  if (throttle_of_ != *sample->online) FindThrottleCounters(*sample->online);
  for (const ThrottleCounters& counters : throttle_counters_) {
    const std::optional<uint64_t> events = Count(counters.path + "_throttle_count");
    if (!events) continue;
    sample->has_throttle = true;
    sample->throttle.push_back(
        {counters.unit, *events, Count(counters.path + "_throttle_total_time_ms")});
  }
}

void HardwareDetector::SampleSensors(HardwareSample* sample) const {
  size_t chips = 0;
  for (const std::string& chip : Names(std::string(kSensors))) {
    if (++chips > kChipsMax) break;
    const std::string folder = std::string(kSensors) + "/" + chip;
    for (const std::string& name : Names(folder)) {
      const bool critical = name.ends_with("_crit_alarm");
      const bool emergency = name.ends_with("_emergency_alarm");
      if (!name.starts_with("temp") || !(critical || emergency)) continue;
      sample->has_sensors = true;
      if (Text(folder + "/" + name) != "1" || sample->hot.size() >= kHotMax) continue;
      const std::string sensor = name.substr(0, name.find('_'));
      HotSensor hot;
      hot.unit = VisibleText(Text(folder + "/name")) + "/" + chip + "/" + sensor;
      hot.label = Text(folder + "/" + sensor + "_label");
      hot.emergency = emergency;
      hot.millidegrees = ParseSigned(Text(folder + "/" + sensor + "_input"));
      hot.limit_millidegrees =
          ParseSigned(Text(folder + "/" + sensor + (emergency ? "_emergency" : "_crit")));
      // One whose both alarms are on is told of once.
      const auto same = std::ranges::find(sample->hot, hot.unit, &HotSensor::unit);
      if (same == sample->hot.end()) {
        sample->hot.push_back(std::move(hot));
      } else if (emergency) {
        *same = std::move(hot);
      }
    }
  }
}

Result<std::vector<Condition>> HardwareDetector::Probe(MonoTime) {
  HardwareSample sample;
  SampleMemory(&sample);
  SamplePcie(&sample);
  SampleCpus(&sample);
  SampleSensors(&sample);
  history_.Add(sample, clock_->Mono());
  HardwareThresholds thresholds;
  thresholds.corrected_max = static_cast<uint64_t>(config_.corrected_max);
  thresholds.pcie_correctable_max = static_cast<uint64_t>(config_.pcie_corrected_max);
  thresholds.throttled_share = config_.throttled_share;
  thresholds.throttle_events_max = static_cast<uint64_t>(config_.throttle_events_max);
  return EvaluateHardware(sample, history_, thresholds);
}

}  // namespace fleetmedic
