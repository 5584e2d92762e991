#include "detectors/nvme/nvme_evaluate.h"

#include <algorithm>
#include <limits>
#include <utility>

#include <fmt/format.h>

#include "base/text.h"
#include "detectors/condition_list.h"

namespace fleetmedic {
namespace {

constexpr std::string_view kHealthTypes[] = {"NvmeCriticalWarning", "NvmeMediaErrors",
                                             "NvmeTemperature", "NvmeWornOut"};

// Bytes are in little-endian order.
uint64_t Number(std::string_view page, size_t offset, size_t bytes) {
  uint64_t value = 0;
  for (size_t i = bytes; i > 0; --i) {
    value = value << 8 | static_cast<unsigned char>(page[offset + i - 1]);
  }
  return value;
}

uint64_t Number128(std::string_view page, size_t offset) {
  return Number(page, offset + 8, 8) == 0 ? Number(page, offset, 8)
                                          : std::numeric_limits<uint64_t>::max();
}

std::string Key(std::string_view name, std::string_view counter) {
  return fmt::format("{} {}", name, counter);
}

// "nvme0 (\"Amazon Elastic Block Store\")"
std::string Describe(const NvmeSample& controller) {
  return controller.model.empty() ? controller.name
                                  : controller.name + " (" + Quote(controller.model) + ")";
}

std::string Spare(const NvmeHealth& health) {
  return fmt::format("spare {} % (threshold {} %), used {} %", health.spare_percent,
                     health.spare_threshold_percent, health.used_percent);
}

void EvaluateState(const NvmeSample& controller, const NvmeHistory& history,
                   const NvmeThresholds& thresholds, ConditionList* out) {
  if (controller.state == "dead") {
    out->Bad("NvmeControllerDown", controller.name, Severity::kHard, "Dead",
             Describe(controller) + ": the kernel has given the controller up");
    return;
  }
  const Micros since = history.NotLiveFor(controller.name);
  if (since < thresholds.not_live_max) return;
  out->Bad("NvmeControllerDown", controller.name, Severity::kSoft, "NotLive",
           fmt::format("{}: state is {} for {} s (at most {} s): I/O waits", Describe(controller),
                       Quote(controller.state), since.count() / 1'000'000,
                       thresholds.not_live_max.count() / 1000));
}

void EvaluateWarning(const NvmeSample& controller, const NvmeHealth& health, ConditionList* out) {
  struct Warning {
    uint8_t bit;
    const char* reason;
    const char* text;
  };
  // The gravest first: its reason is told.
  constexpr Warning kWarnings[] = {
      {NvmeHealth::kMediaReadOnly, "MediaReadOnly", "all media are read-only"},
      {NvmeHealth::kReliabilityDegraded, "ReliabilityDegraded",
       "reliability is degraded by media or internal errors"},
      {NvmeHealth::kSpareLow, "SpareLow", "the spare has fallen below its threshold"},
      {NvmeHealth::kBackupFailed, "BackupFailed", "the backup of volatile memory has failed"},
      {NvmeHealth::kPersistentMemory, "PersistentMemory",
       "the persistent memory region is read-only or unreliable"},
      {NvmeHealth::kTemperature, "Temperature", "a temperature is beyond its threshold"},
  };
  uint8_t bits = health.critical_warning;
  // The same in figures, should the bit be missing.
  if (health.spare_percent < health.spare_threshold_percent) bits |= NvmeHealth::kSpareLow;
  const char* reason = nullptr;
  std::string texts;
  for (const Warning& warning : kWarnings) {
    if ((bits & warning.bit) == 0) continue;
    if (reason == nullptr) reason = warning.reason;
    texts += (texts.empty() ? "" : "; ") + std::string(warning.text);
  }
  // Bits 6 and 7 are reserved.
  if (reason == nullptr) return;
  const bool hard = (bits & NvmeHealth::kMediaReadOnly) != 0;
  out->Bad("NvmeCriticalWarning", controller.name, hard ? Severity::kHard : Severity::kSoft, reason,
           fmt::format("{}: critical warning {:#04x}: {}; {}", Describe(controller),
                       health.critical_warning, texts, Spare(health)));
}

void EvaluateTemperature(const NvmeSample& controller, const NvmeHealth& health,
                         const NvmeHistory& history, const NvmeThresholds& thresholds,
                         ConditionList* out) {
  const auto grown = [&](std::string_view counter) {
    return history.counters().Growth(Key(controller.name, counter));
  };
  const uint64_t critical = grown("critical");
  const uint64_t warning = grown("warning");
  if (critical == 0 && warning < thresholds.warning_minutes_max) return;
  const std::string now =
      health.kelvin == 0 ? "" : fmt::format(", now {} °C", static_cast<int>(health.kelvin) - 273);
  out->Bad("NvmeTemperature", controller.name, critical > 0 ? Severity::kSoft : Severity::kInfo,
           critical > 0 ? "Critical" : "Warning",
           fmt::format("{}: within {}, {} minutes above the critical temperature and {} (from {}) "
                       "above the warning one{}",
                       Describe(controller), FormatDuration(history.counters().window()), critical,
                       warning, thresholds.warning_minutes_max, now));
}

void EvaluateHealth(const NvmeSample& controller, const NvmeHealth& health,
                    const NvmeHistory& history, const NvmeThresholds& thresholds,
                    ConditionList* out) {
  EvaluateWarning(controller, health, out);
  EvaluateTemperature(controller, health, history, thresholds, out);
  if (health.used_percent >= thresholds.used_percent_max) {
    out->Bad("NvmeWornOut", controller.name, Severity::kInfo, "EnduranceUsed",
             fmt::format("{}: {} (from {} %) after {} hours", Describe(controller), Spare(health),
                         thresholds.used_percent_max, health.power_on_hours));
  }
  const uint64_t errors = history.counters().Growth(Key(controller.name, "media"));
  if (errors >= thresholds.media_errors_max) {
    out->Bad("NvmeMediaErrors", controller.name, Severity::kSoft, "DataLost",
             fmt::format("{}: {} unrecovered media or data integrity errors within {} (from {}), "
                         "{} in its life",
                         Describe(controller), errors, FormatDuration(history.counters().window()),
                         thresholds.media_errors_max, health.media_errors));
  }
}

}  // namespace

Result<NvmeHealth> ParseNvmeHealth(std::string_view page) {
  if (page.size() != NvmeHealth::kPageBytes) {
    return Fail(Code::kCorrupt, fmt::format("a health log page of {} bytes instead of {}",
                                            page.size(), NvmeHealth::kPageBytes));
  }
  NvmeHealth health;
  health.critical_warning = static_cast<uint8_t>(Number(page, 0, 1));
  health.kelvin = static_cast<uint16_t>(Number(page, 1, 2));
  health.spare_percent = static_cast<uint8_t>(Number(page, 3, 1));
  health.spare_threshold_percent = static_cast<uint8_t>(Number(page, 4, 1));
  health.used_percent = static_cast<uint8_t>(Number(page, 5, 1));
  health.power_on_hours = Number128(page, 128);
  health.unsafe_shutdowns = Number128(page, 144);
  health.media_errors = Number128(page, 160);
  health.error_log_entries = Number128(page, 176);
  health.warning_temperature_minutes = static_cast<uint32_t>(Number(page, 192, 4));
  health.critical_temperature_minutes = static_cast<uint32_t>(Number(page, 196, 4));
  return health;
}

void NvmeHistory::AddState(const std::vector<NvmeSample>& controllers, MonoTime now) {
  std::map<std::string, MonoTime, std::less<>> not_live;
  for (const NvmeSample& controller : controllers) {
    if (controller.state.empty() || controller.state == "live") continue;
    const auto before = not_live_since_.find(controller.name);
    not_live[controller.name] = before == not_live_since_.end() ? now : before->second;
  }
  not_live_since_ = std::move(not_live);
  last_ = now;
}

void NvmeHistory::AddHealth(std::string_view name, const NvmeHealth& health, MonoTime now) {
  counters_.Add(Key(name, "media"), health.media_errors, now);
  counters_.Add(Key(name, "warning"), health.warning_temperature_minutes, now);
  counters_.Add(Key(name, "critical"), health.critical_temperature_minutes, now);
}

Micros NvmeHistory::NotLiveFor(std::string_view name) const {
  const auto found = not_live_since_.find(name);
  return found == not_live_since_.end() ? Micros(0) : last_ - found->second;
}

std::vector<Condition> EvaluateNvme(const std::vector<NvmeSample>& controllers,
                                    const NvmeHistory& history, const NvmeThresholds& thresholds) {
  ConditionList out;
  out.Fine("NvmeControllerDown", "Live", "every controller is live or about to be");
  bool answered = false;
  for (const NvmeSample& controller : controllers) {
    EvaluateState(controller, history, thresholds, &out);
    if (controller.health && *controller.health) {
      answered = true;
      EvaluateHealth(controller, **controller.health, history, thresholds, &out);
      continue;
    }
    const bool asked = controller.health.has_value();
    const Code code = asked ? controller.health->error().code : Code::kUnavailable;
    // What a controller never tells is not unknown but not there.
    if (code == Code::kUnsupported) continue;
    for (const std::string_view type : kHealthTypes) {
      out.Unknown(type, controller.name,
                  !asked                            ? "NotLive"
                  : code == Code::kPermissionDenied ? "NoPermission"
                                                    : "CannotAsk",
                  Describe(controller) + ": " +
                      (asked ? controller.health->error().message
                             : "not asked, for its state is " + Quote(controller.state)));
    }
  }
  if (answered) {
    out.Fine("NvmeCriticalWarning", "None", "no controller raises a critical warning");
    out.Fine("NvmeMediaErrors", "Few", "no controller has new media errors");
    out.Fine("NvmeTemperature", "Cool", "no controller was too hot");
    out.Fine("NvmeWornOut", "EnduranceLeft", "no controller has used up its endurance");
  }
  return std::move(out).Take();
}

}  // namespace fleetmedic
