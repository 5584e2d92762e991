#include "detectors/hardware/hardware_evaluate.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "base/text.h"
#include "detectors/condition_list.h"
#include "detectors/proc_text.h"

namespace fleetmedic {
namespace {

constexpr size_t kRemembered = 4096;
constexpr size_t kErrorsShown = 4;
constexpr int kHotLooksMin = 2;

std::string Key(std::string_view unit, std::string_view counter) {
  return fmt::format("{} {}", unit, counter);
}

std::string CpuNames(const std::set<int>& cpus) {
  std::string text;
  for (auto from = cpus.begin(); from != cpus.end();) {
    auto to = from;
    while (std::next(to) != cpus.end() && *std::next(to) == *to + 1) ++to;
    if (!text.empty()) text += ',';
    text += *from == *to ? fmt::format("{}", *from) : fmt::format("{}-{}", *from, *to);
    from = std::next(to);
  }
  return text;
}

void EvaluateMemory(const HardwareSample& sample, const HardwareHistory& history,
                    const HardwareThresholds& thresholds, ConditionList* out) {
  out->Fine("MemoryErrorsUncorrected", "None", "no module has uncorrected errors in this boot");
  out->Fine("MemoryErrorsCorrected", "Few",
            fmt::format("no module has {} corrected errors within {}", thresholds.corrected_max,
                        FormatDuration(history.errors().window())));
  for (const MemorySample& module : sample.memory) {
    const std::string label = module.label.empty() ? "" : " " + Quote(module.label);
    if (module.uncorrected > 0) {
      const bool grew = history.UncorrectedGrew(module.unit);
      out->Bad(
          "MemoryErrorsUncorrected", module.unit, grew ? Severity::kHard : Severity::kSoft,
          grew ? "Now" : "Earlier",
          fmt::format("{}{}: {} uncorrected errors in this boot{}", module.unit, label,
                      module.uncorrected, grew ? "" : ", none of them since the agent started"));
    }
    const uint64_t corrected = history.errors().Growth(Key(module.unit, "corrected"));
    if (corrected >= thresholds.corrected_max) {
      out->Bad("MemoryErrorsCorrected", module.unit, Severity::kSoft, "Many",
               fmt::format("{}{}: {} corrected errors within {} (from {}), {} in this boot",
                           module.unit, label, corrected, FormatDuration(history.errors().window()),
                           thresholds.corrected_max, module.corrected));
    }
  }
}

// "BadTLP 12, Timeout 3", most first.
std::string Named(const std::map<std::string, uint64_t>& counts) {
  std::vector<std::pair<uint64_t, std::string_view>> counted;
  for (const auto& [error, count] : counts) {
    if (count > 0) counted.emplace_back(count, error);
  }
  std::ranges::stable_sort(counted, [](const auto& a, const auto& b) { return a.first > b.first; });
  std::string text;
  for (size_t i = 0; i < std::min(counted.size(), kErrorsShown); ++i) {
    text += fmt::format("{}{} {}", i == 0 ? "" : ", ", VisibleText(counted[i].second),
                        counted[i].first);
  }
  return text;
}

uint64_t Sum(const std::map<std::string, uint64_t>& counts) {
  uint64_t sum = 0;
  for (const auto& [error, count] : counts) sum += count;
  return sum;
}

void EvaluatePcie(const HardwareSample& sample, const HardwareHistory& history,
                  const HardwareThresholds& thresholds, ConditionList* out) {
  const std::string window = FormatDuration(history.errors().window());
  out->Fine("PcieErrorsUncorrected", "None", "no PCIe device reported one within " + window);
  out->Fine(
      "PcieErrorsCorrected", "Few",
      fmt::format("no PCIe device reported {} within {}", thresholds.pcie_correctable_max, window));
  for (const PcieSample& device : sample.pcie) {
    const std::string who =
        device.address + (device.driver.empty() ? "" : " (" + VisibleText(device.driver) + ")");
    const uint64_t fatal = history.errors().Growth(Key(device.address, "fatal"));
    const uint64_t nonfatal = history.errors().Growth(Key(device.address, "nonfatal"));
    const uint64_t correctable = history.errors().Growth(Key(device.address, "correctable"));
    if (fatal + nonfatal > 0) {
      const std::string fatals = Named(device.fatal);
      const std::string nonfatals = Named(device.nonfatal);
      out->Bad("PcieErrorsUncorrected", device.address, Severity::kSoft,
               fatal > 0 ? "Fatal" : "NonFatal",
               fmt::format("{}: {} fatal and {} non-fatal errors within {}; in this boot {}{}{}",
                           who, fatal, nonfatal, window, fatals,
                           fatals.empty() || nonfatals.empty() ? "" : ", ", nonfatals));
    }
    if (correctable >= thresholds.pcie_correctable_max) {
      out->Bad("PcieErrorsCorrected", device.address, Severity::kInfo, "Many",
               fmt::format("{}: {} corrected errors within {} (from {}); in this boot {}", who,
                           correctable, window, thresholds.pcie_correctable_max,
                           Named(device.correctable)));
    }
  }
}

void EvaluateThrottle(const HardwareSample& sample, const HardwareHistory& history,
                      const HardwareThresholds& thresholds, ConditionList* out) {
  out->Fine("CpuThermalThrottled", "Cool", "no processor is slowed down for its heat");
  for (const ThrottleSample& processor : sample.throttle) {
    const std::string events_key = Key(processor.unit, "events");
    const uint64_t events = history.throttle().Growth(events_key);
    const double seconds = static_cast<double>(history.throttle().Span(events_key).count()) / 1e6;
    if (seconds <= 0) continue;
    if (processor.throttled_ms) {
      const double throttled =
          static_cast<double>(history.throttle().Growth(Key(processor.unit, "ms"))) / 1e3;
      const double share = throttled / seconds;
      if (share < thresholds.throttled_share) continue;
      out->Bad("CpuThermalThrottled", processor.unit, Severity::kSoft, "Hot",
               fmt::format("{}: slowed down for its heat for {:.0f} of {:.0f} s, {:.0f} % (from "
                           "{:.0f} %), {} times",
                           processor.unit, throttled, seconds, share * 100,
                           thresholds.throttled_share * 100, events));
    } else if (events >= thresholds.throttle_events_max) {
      out->Bad("CpuThermalThrottled", processor.unit, Severity::kSoft, "Hot",
               fmt::format("{}: slowed down for its heat {} times (from {}) within {:.0f} s",
                           processor.unit, events, thresholds.throttle_events_max, seconds));
    }
  }
}

void EvaluateCpus(const HardwareSample& sample, const HardwareHistory& history,
                  ConditionList* out) {
  if (!sample.present || !sample.online) return;
  std::set<int> offline;
  std::ranges::set_difference(*sample.present, *sample.online,
                              std::inserter(offline, offline.end()));
  out->Fine("CpuOffline", "Online",
            offline.empty() ? fmt::format("all {} processors are online", sample.present->size())
                            : fmt::format("{} of {} processors are offline as smt/control says",
                                          offline.size(), sample.present->size()));
  if (offline.empty() || sample.siblings_off) return;
  // One that was taken out is no longer present.
  std::set<int> lost;
  std::ranges::set_intersection(history.went_offline(), offline, std::inserter(lost, lost.end()));
  out->Bad("CpuOffline", "", lost.empty() ? Severity::kInfo : Severity::kSoft,
           lost.empty() ? "NotUsed" : "WentOffline",
           fmt::format("{} of {} processors are offline: {}{}", offline.size(),
                       sample.present->size(), CpuNames(offline),
                       lost.empty() ? "; it was so when the agent started"
                                    : "; since the agent started: " + CpuNames(lost)));
}

void EvaluateSensors(const HardwareSample& sample, const HardwareHistory& history,
                     ConditionList* out) {
  out->Fine("TemperatureCritical", "Cool", "no sensor raises a critical alarm");
  for (const HotSensor& sensor : sample.hot) {
    // Some drivers tell of an alarm that is over once more: the next look is without it.
    if (history.HotLooks(sensor.unit) < kHotLooksMin) continue;
    std::string message = sensor.unit;
    if (!sensor.label.empty()) message += " " + Quote(sensor.label);
    message += sensor.emergency ? ": emergency alarm" : ": critical alarm";
    if (sensor.millidegrees) {
      message += fmt::format(", {:.1f} °C", static_cast<double>(*sensor.millidegrees) / 1e3);
    }
    if (sensor.limit_millidegrees) {
      message +=
          fmt::format(" (limit {:.1f} °C)", static_cast<double>(*sensor.limit_millidegrees) / 1e3);
    }
    out->Bad("TemperatureCritical", sensor.unit, Severity::kSoft,
             sensor.emergency ? "Emergency" : "Critical", std::move(message));
  }
}

}  // namespace

std::map<std::string, uint64_t> AerCounts(std::string_view text) {
  std::map<std::string, uint64_t> counts;
  for (const std::string_view line : Lines(text)) {
    const size_t blank = line.rfind(' ');
    if (blank == std::string_view::npos || line.starts_with("TOTAL_ERR_")) continue;
    const std::optional<uint64_t> count = ParseCount(line.substr(blank + 1));
    if (count) counts.emplace(Trim(line.substr(0, blank)), *count);
  }
  return counts;
}

bool IsProbeError(std::string_view name) {
  // Older kernels write the long names. An advisory non-fatal error is an unsupported
  // request that the receiver shrugs off.
  return name == "UnsupReq" || name == "Unsupported Request" || name == "NonFatalErr" ||
         name == "Advisory Non-Fatal";
}

std::optional<std::set<int>> ParseCpuList(std::string_view text, size_t cpus_max) {
  std::set<int> cpus;
  text = Trim(text);
  if (text.empty()) return cpus;
  for (const std::string_view part : Split(text, ',')) {
    const size_t dash = part.find('-');
    const std::optional<uint64_t> from = ParseCount(part.substr(0, dash));
    const std::optional<uint64_t> to =
        dash == std::string_view::npos ? from : ParseCount(part.substr(dash + 1));
    if (!from || !to || *to < *from || *to >= 1'000'000) return std::nullopt;
    if (*to - *from + 1 + cpus.size() > cpus_max) return std::nullopt;
    for (uint64_t cpu = *from; cpu <= *to; ++cpu) cpus.insert(static_cast<int>(cpu));
  }
  return cpus;
}

void HardwareHistory::Add(const HardwareSample& sample, MonoTime now) {
  for (const MemorySample& module : sample.memory) {
    errors_.Add(Key(module.unit, "corrected"), module.corrected, now);
    if (uncorrected_at_first_.size() >= kRemembered) continue;
    const auto [first, fresh] = uncorrected_at_first_.try_emplace(module.unit, module.uncorrected);
    // The driver was loaded anew.
    if (module.uncorrected < first->second) first->second = module.uncorrected;
    if (module.uncorrected > first->second) uncorrected_grew_.insert(module.unit);
  }
  for (const PcieSample& device : sample.pcie) {
    errors_.Add(Key(device.address, "correctable"), Sum(device.correctable), now);
    errors_.Add(Key(device.address, "nonfatal"), Sum(device.nonfatal), now);
    errors_.Add(Key(device.address, "fatal"), Sum(device.fatal), now);
  }
  for (const ThrottleSample& processor : sample.throttle) {
    throttle_.Add(Key(processor.unit, "events"), processor.events, now);
    if (processor.throttled_ms) {
      throttle_.Add(Key(processor.unit, "ms"), *processor.throttled_ms, now);
    }
  }
  errors_.ForgetOlderThan(now);
  throttle_.ForgetOlderThan(now);
  if (sample.online) {
    were_online_.insert(sample.online->begin(), sample.online->end());
    went_offline_.clear();
    std::ranges::set_difference(were_online_, *sample.online,
                                std::inserter(went_offline_, went_offline_.end()));
  }
  std::map<std::string, int, std::less<>> hot;
  for (const HotSensor& sensor : sample.hot) hot[sensor.unit] = HotLooks(sensor.unit) + 1;
  hot_looks_ = std::move(hot);
}

bool HardwareHistory::UncorrectedGrew(std::string_view unit) const {
  return uncorrected_grew_.contains(unit);
}

int HardwareHistory::HotLooks(std::string_view unit) const {
  const auto found = hot_looks_.find(unit);
  return found == hot_looks_.end() ? 0 : found->second;
}

std::vector<Condition> EvaluateHardware(const HardwareSample& sample,
                                        const HardwareHistory& history,
                                        const HardwareThresholds& thresholds) {
  ConditionList out;
  if (sample.has_memory) EvaluateMemory(sample, history, thresholds, &out);
  if (sample.has_pcie) EvaluatePcie(sample, history, thresholds, &out);
  if (sample.has_throttle) EvaluateThrottle(sample, history, thresholds, &out);
  EvaluateCpus(sample, history, &out);
  if (sample.has_sensors) EvaluateSensors(sample, history, &out);
  return std::move(out).Take();
}

}  // namespace fleetmedic
