#include "detectors/gpu/gpu_evaluate.h"

#include <algorithm>
#include <set>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "base/text.h"
#include "detectors/condition_types.h"
#include "detectors/gpu/gpu_instances.h"
#include "detectors/gpu/nvml_api.h"

namespace fleetmedic {
namespace {

// What is found without NVML; everything else is unknown where it could not be asked.
constexpr std::string_view kWithoutNvml[] = {"GpuDriverHung", "GpuLost", "GpuDriverNotLoaded"};
// Of foreign texts and lists in a message.
constexpr size_t kListedMax = 16;

std::string Listed(const std::vector<std::string>& names) {
  std::string text;
  for (size_t i = 0; i < names.size() && i < kListedMax; ++i) {
    text += (i == 0 ? "" : ", ") + names[i];
  }
  if (names.size() > kListedMax) text += fmt::format(" and {} more", names.size() - kListedMax);
  return text;
}

class Judge {
 public:
  Judge(const GpuSample& sample, const GpuThresholds& thresholds, GpuHistory* history)
      : sample_(sample), thresholds_(thresholds), history_(*history) {
    for (const PciGpu& gpu : sample_.host.gpus) {
      if (CountsAsGpu(gpu, sample_.host)) counted_.push_back(gpu);
    }
    if (sample_.state == GpuSample::Nvml::kAnswered) {
      for (const GpuReading& gpu : sample_.nvml.gpus) listed_.insert(gpu.pci);
    }
  }

  std::vector<Condition> All() {
    JudgeBus();
    JudgeDriver();
    if (CanSee()) {
      JudgeCount();
      for (const GpuReading& gpu : sample_.nvml.gpus) JudgeGpu(gpu);
    }
    TellTheRest();
    return std::move(conditions_);
  }

 private:
  Condition* Tell(std::string_view type, std::string_view unit, Verdict verdict,
                  std::string_view reason, std::string message) {
    told_.insert(std::string(type));
    conditions_.push_back(MakeCondition(type, unit, verdict, reason, std::move(message)));
    return &conditions_.back();
  }
  Condition* Bad(std::string_view type, std::string_view unit, std::string_view reason,
                 std::string message) {
    return Tell(type, unit, Verdict::kBad, reason, std::move(message));
  }

  bool CanSee() const {
    return sample_.state == GpuSample::Nvml::kAnswered && sample_.nvml.library_error.empty() &&
           sample_.nvml.init_status == nvml::kSuccess &&
           sample_.nvml.count_status == nvml::kSuccess;
  }

  // Once for a GPU, however many ways show it.
  void BadLost(const std::string& unit, std::string_view reason, std::string message) {
    if (lost_.insert(unit).second) Bad("GpuLost", unit, reason, std::move(message));
  }

  void JudgeBus() {
    std::vector<std::string> idle;
    for (const PciGpu& gpu : counted_) {
      if (gpu.off_the_bus) {
        BadLost(GpuUnit(gpu.address, 0), "OffTheBus",
                fmt::format("nothing answers at {} on the PCI bus", gpu.address));
      } else if (gpu.driver.empty()) {
        idle.push_back(gpu.address);
      }
    }
    if (!idle.empty() && !sample_.host.module_loaded) {
      Bad("GpuDriverNotLoaded", "", "NotLoaded",
          fmt::format("{} GPUs have no driver: {}", idle.size(), Listed(idle)));
    }
  }

  void JudgeDriver() {
    if (sample_.state == GpuSample::Nvml::kHung) {
      Bad("GpuDriverHung", "", "NvmlHung", sample_.message);
      return;
    }
    if (sample_.silent_for > Micros(0)) {
      // Soft, and no reason to act yet: a driver that is well may be busy with the start of a job.
      Bad("GpuDriverHung", "", "NoAnswer",
          fmt::format("for {} the driver has not answered what it answers within milliseconds",
                      FormatDuration(std::chrono::duration_cast<Millis>(sample_.silent_for))))
          ->severity = Severity::kSoft;
    } else if (sample_.state == GpuSample::Nvml::kNotYet ||
               sample_.state == GpuSample::Nvml::kFailed) {
      Tell("GpuDriverHung", "", Verdict::kUnknown, "CouldNotTell",
           sample_.message.empty() ? "the first look has not come back yet" : sample_.message);
    }
    if (sample_.state != GpuSample::Nvml::kAnswered) return;
    if (sample_.nvml.init_status == nvml::kLibRmVersionMismatch) {
      Bad("GpuDriverMismatch", "", "VersionsDiffer",
          fmt::format("the loaded driver is {}, the library {}",
                      sample_.host.module_version.empty() ? "of unknown version"
                                                          : sample_.host.module_version,
                      sample_.nvml.library_version.empty()
                          ? "is another"
                          : VisibleText(sample_.nvml.library_version)));
    }
    if (sample_.nvml.init_status == nvml::kDriverNotLoaded && !counted_.empty() &&
        !told_.contains("GpuDriverNotLoaded")) {
      Bad("GpuDriverNotLoaded", "", "NotLoaded",
          fmt::format("NVML says so, with {} GPUs on the PCI bus", counted_.size()));
    }
  }

  // How many NVML should list, and who says so.
  std::pair<size_t, std::string> Expected() const {
    if (thresholds_.expected > 0) return {static_cast<size_t>(thresholds_.expected), ""};
    const int gpus = GpusOfInstanceType(sample_.host.instance_type);
    if (gpus == 0) return {counted_.size(), ""};
    // Without those that were given to another driver (vfio-pci).
    const size_t others = sample_.host.gpus.size() - counted_.size();
    return {static_cast<size_t>(gpus) - std::min(others, static_cast<size_t>(gpus)),
            " that a " + sample_.host.instance_type + " has"};
  }

  void JudgeCount() {
    const size_t listed = sample_.nvml.gpus.size();
    const auto [expected, by] = Expected();
    if (listed >= expected) return;
    std::vector<std::string> missing;
    for (const PciGpu& gpu : counted_) {
      if (!listed_.contains(gpu.address)) missing.push_back(gpu.address);
    }
    Bad("GpuMissing", "", listed == 0 ? "NoneListed" : "FewerThanExpected",
        fmt::format("{} of {} GPUs{} are listed by NVML, {} are on the PCI bus{}{}", listed,
                    expected, by, counted_.size(),
                    missing.empty() ? "" : "; not listed: ", Listed(missing)));
  }

  // A GPU that does not say its own address is the one of the bus that no other is.
  std::string UnitOf(const GpuReading& gpu) const {
    if (!gpu.pci.empty()) return GpuUnit(gpu.pci, gpu.index);
    for (const PciGpu& other : counted_) {
      if (!listed_.contains(other.address)) return GpuUnit(other.address, gpu.index);
    }
    return GpuUnit("", gpu.index);
  }

  void JudgeGpu(const GpuReading& gpu) {
    const std::string unit = UnitOf(gpu);
    if (gpu.status == nvml::kGpuIsLost) {
      BadLost(unit, "GpuIsLost", "NVML says that the GPU is lost");
    } else if (gpu.status == nvml::kInsufficientPower) {
      BadLost(unit, "NoPower", "NVML says that the GPU's external power is not connected");
    } else if (gpu.status == nvml::kResetRequired) {
      Bad("GpuResetRequired", unit, "ResetRequired", "NVML says that the GPU must be reset");
    } else if (gpu.status != nvml::kSuccess) {
      const bool right = gpu.status == nvml::kNoPermission;
      Tell("GpuLost", unit, Verdict::kUnknown, right ? "NoPermission" : "CouldNotTell",
           right ? "no permission (to read and write /dev/nvidia*)"
                 : fmt::format("NVML answers with code {} for GPU {}", gpu.status, gpu.index));
    }
    JudgeRecovery(gpu, unit);
    JudgeMemory(gpu, unit);
    JudgeNvlinks(gpu, unit);
    JudgeClocks(gpu, unit);
    JudgeFabric(gpu, unit);
    if (gpu.persistence == false) {
      Bad("GpuPersistenceOff", unit, "Off", "persistence mode is off");
    }
  }

  void JudgeRecovery(const GpuReading& gpu, const std::string& unit) {
    const uint64_t action = gpu.recovery_action.value_or(nvml::kRecoveryNone);
    if (action == nvml::kRecoveryNodeReboot) {
      Bad("GpuRebootRequired", unit, "NodeReboot", "the driver asks for a reboot of the host");
    } else if (action == nvml::kRecoveryGpuReset || action == nvml::kRecoveryDrainAndReset) {
      Bad("GpuResetRequired", unit,
          action == nvml::kRecoveryGpuReset ? "GpuReset" : "DrainAndReset",
          "the driver asks for a reset of the GPU");
    } else if (action == nvml::kRecoveryDrainP2p) {
      Bad("GpuResetRequired", unit, "DrainP2p",
          "the driver asks that peer-to-peer traffic of the GPU ends, then for a reset")
          ->severity = Severity::kSoft;
    }
  }

  void JudgeMemory(const GpuReading& gpu, const std::string& unit) {
    if (gpu.ecc_uncorrected) {
      const uint64_t grown = history_.Grown(unit + "/ecc", *gpu.ecc_uncorrected, sample_.nvml_at,
                                            thresholds_.error_window);
      if (grown > 0) {
        Bad("GpuEccUncorrected", unit, "Uncorrected",
            fmt::format("{} uncorrected ECC errors of late, {} since its last reset", grown,
                        *gpu.ecc_uncorrected));
      }
    }
    if (gpu.row_remap && gpu.row_remap->failed) {
      Bad("GpuRowRemapFailed", unit, "Failed",
          fmt::format("a row could not be remapped; {} were, {} of them for uncorrected errors",
                      gpu.row_remap->corrected_rows + gpu.row_remap->uncorrected_rows,
                      gpu.row_remap->uncorrected_rows));
    }
    if (gpu.row_remap && gpu.row_remap->pending) {
      Bad("GpuRowRemapPending", unit, "Pending", "a row is to be remapped at the next reset");
    }
    if (gpu.retirement_pending == true) {
      Bad("GpuPageRetirementPending", unit, "Pending", "a page is to be retired at the next reset");
    }
  }

  void JudgeNvlinks(const GpuReading& gpu, const std::string& unit) {
    std::vector<std::string> wrong;
    bool down = false;
    for (const NvlinkReading& link : gpu.nvlinks) {
      const std::string name = fmt::format("{}/link{}", unit, link.link);
      const auto grown = [&](std::string_view what, const std::optional<uint64_t>& value) {
        return value ? history_.Grown(fmt::format("{}/{}", name, what), *value, sample_.nvml_at,
                                      thresholds_.error_window)
                     : 0;
      };
      const uint64_t recoveries = grown("recoveries", link.recoveries);
      const uint64_t errors = grown("replays", link.replays) + grown("crc", link.crc_errors);
      // A connector to which nothing was ever connected is not down.
      if (history_.WasEver(name, link.active) && !link.active) {
        down = true;
        wrong.push_back(fmt::format("link {} is down", link.link));
      } else if (recoveries > 0 || errors > thresholds_.nvlink_errors_max) {
        wrong.push_back(fmt::format("link {}: {} recoveries, {} replays and CRC errors", link.link,
                                    recoveries, errors));
      }
    }
    if (!wrong.empty()) {
      Bad("GpuNvlinkErrors", unit, down ? "LinkDown" : "LinkErrors",
          Listed(wrong) + fmt::format(" within {}", FormatDuration(thresholds_.error_window)));
    }
  }

  void JudgeClocks(const GpuReading& gpu, const std::string& unit) {
    if (!gpu.clock_reasons) return;
    const uint64_t reasons = *gpu.clock_reasons;
    const bool power = (reasons & nvml::kReasonHwPowerBrake) != 0;
    const bool thermal = (reasons & (nvml::kReasonHwThermal | nvml::kReasonSwThermal)) != 0 ||
                         ((reasons & nvml::kReasonHwSlowdown) != 0 && !power);
    const uint64_t clock = gpu.sm_clock_mhz.value_or(0);
    const uint64_t clock_max = gpu.sm_clock_max_mhz.value_or(0);
    const bool idle = (reasons & nvml::kReasonIdle) != 0;
    const bool low =
        gpu.sm_clock_mhz && clock_max > 0 && !idle && !thermal && !power &&
        (reasons & nvml::kReasonSwPowerCap) == 0 &&
        static_cast<double>(clock) < thresholds_.clock_low_share * static_cast<double>(clock_max);
    const std::string figures = fmt::format("SM clock {} of {} MHz, {} °C, reasons 0x{:x}", clock,
                                            clock_max, gpu.temperature_c.value_or(0), reasons);
    const auto lasts = [&](std::string_view type, bool holds) {
      return history_.Lasting(fmt::format("{}/{}", unit, type), holds, sample_.nvml_at) >=
                 thresholds_.throttled_after &&
             holds;
    };
    if (lasts("GpuThrottledThermal", thermal)) {
      Bad("GpuThrottledThermal", unit,
          (reasons & nvml::kReasonHwThermal) != 0   ? "HwThermal"
          : (reasons & nvml::kReasonSwThermal) != 0 ? "SwThermal"
                                                    : "HwSlowdown",
          figures);
    }
    if (lasts("GpuThrottledPower", power)) {
      Bad("GpuThrottledPower", unit, "HwPowerBrake", figures);
    }
    if (lasts("GpuClocksLow", low)) Bad("GpuClocksLow", unit, "ClocksLow", figures);
  }

  void JudgeFabric(const GpuReading& gpu, const std::string& unit) {
    if (!gpu.fabric_state) return;
    const bool waits = *gpu.fabric_state == nvml::kFabricNotStarted ||
                       *gpu.fabric_state == nvml::kFabricInProgress;
    const Micros lasts = history_.Lasting(unit + "/fabric", waits, sample_.nvml_at);
    if (waits && lasts >= thresholds_.fabric_grace) {
      Bad("GpuFabricNotReady", unit,
          *gpu.fabric_state == nvml::kFabricNotStarted ? "NotStarted" : "InProgress",
          fmt::format("its registration with the fabric has not completed for {}",
                      FormatDuration(std::chrono::duration_cast<Seconds>(lasts))));
    } else if (*gpu.fabric_state == nvml::kFabricCompleted && gpu.fabric_status.value_or(0) != 0) {
      Bad("GpuFabricNotReady", unit, "Failed",
          fmt::format("its registration with the fabric ended with code {}", *gpu.fabric_status));
    }
  }

  // Why NVML tells nothing.
  std::pair<std::string_view, std::string> Blindness() const {
    switch (sample_.state) {
      case GpuSample::Nvml::kNotYet:
        return {"NotYetAnswered", "the first look has not come back yet"};
      case GpuSample::Nvml::kHung:
        return {"DriverHung", "the driver hangs: " + sample_.message};
      case GpuSample::Nvml::kFailed:
        return {"CouldNotTell", sample_.message};
      case GpuSample::Nvml::kAsleep:
      case GpuSample::Nvml::kAnswered:
        break;
    }
    const NvmlSample& nvml = sample_.nvml;
    if (!nvml.library_error.empty()) {
      return {"LibraryMissing", "cannot load NVML: " + Quote(nvml.library_error)};
    }
    if (nvml.init_status == nvml::kNoPermission) {
      return {"NoPermission", "no permission (to read and write /dev/nvidiactl and /dev/nvidia*)"};
    }
    if (nvml.init_status != nvml::kSuccess) {
      return {"InitFailed", fmt::format("nvmlInit answers with code {}: {}", nvml.init_status,
                                        Quote(nvml.init_text))};
    }
    return {"CouldNotTell", fmt::format("NVML does not count GPUs, code {}", nvml.count_status)};
  }

  void TellTheRest() {
    const bool asleep = sample_.state == GpuSample::Nvml::kAsleep;
    for (const std::string& type : ConditionTypesOf("gpu")) {
      if (told_.contains(type)) continue;
      const bool needs_nvml =
          std::ranges::find(kWithoutNvml, std::string_view(type)) == std::end(kWithoutNvml);
      if (asleep) {
        Tell(type, "", Verdict::kOk, "Asleep", "every GPU is suspended and left alone");
      } else if (needs_nvml && !CanSee()) {
        const auto [reason, message] = Blindness();
        TellUnknown(type, reason, message);
      } else {
        Tell(type, "", Verdict::kOk, "NoneSeen",
             fmt::format("not seen; {} GPUs on the PCI bus, {} listed by NVML", counted_.size(),
                         CanSee() ? sample_.nvml.gpus.size() : 0));
      }
    }
    history_.last_bad.clear();
    for (const Condition& condition : conditions_) {
      if (condition.verdict != Verdict::kOk && !condition.unit.empty()) {
        history_.last_bad.emplace_back(condition.type, condition.unit);
      }
    }
  }

  // What was bad of a GPU is unknown of it now.
  void TellUnknown(const std::string& type, std::string_view reason, const std::string& message) {
    for (const auto& [bad_type, unit] : history_.last_bad) {
      if (bad_type == type) Tell(type, unit, Verdict::kUnknown, reason, message);
    }
    if (!told_.contains(type)) Tell(type, "", Verdict::kUnknown, reason, message);
  }

  const GpuSample& sample_;
  const GpuThresholds& thresholds_;
  GpuHistory& history_;
  std::vector<PciGpu> counted_;
  std::set<std::string> listed_;  // addresses
  std::set<std::string> lost_;    // units
  std::set<std::string> told_;    // types
  std::vector<Condition> conditions_;
};

}  // namespace

uint64_t GpuHistory::Grown(const std::string& name, uint64_t value, MonoTime at, Millis window) {
  auto found = counters_.find(name);
  if (found == counters_.end()) {
    if (counters_.size() >= kNamesMax) return 0;
    found = counters_.emplace(name, Counter{value, 0, at}).first;
  }
  Counter& counter = found->second;
  if (value < counter.value || at - counter.grown_at > window) counter.grown = 0;
  if (value > counter.value) {
    counter.grown += value - counter.value;
    counter.grown_at = at;
  }
  counter.value = value;
  return counter.grown;
}

Micros GpuHistory::Lasting(const std::string& name, bool holds, MonoTime at) {
  if (!holds) {
    since_.erase(name);
    return Micros(0);
  }
  if (since_.size() >= kNamesMax && !since_.contains(name)) return Micros(0);
  return std::chrono::duration_cast<Micros>(at - since_.emplace(name, at).first->second);
}

bool GpuHistory::WasEver(const std::string& name, bool holds) {
  if (holds && ever_.size() < kNamesMax) ever_.insert(name);
  return ever_.contains(name);
}

std::string GpuUnit(std::string_view pci, int64_t index) {
  if (pci.empty()) return fmt::format("gpu-{}", index);
  return "gpu-" + std::string(pci.substr(0, pci.rfind('.')));
}

bool CountsAsGpu(const PciGpu& gpu, const GpuHost& host) {
  if (gpu.driver == "nvidia") return true;
  // Without a driver it is to have one where it can be for nothing else, or where somebody
  // installed the library. Another driver (nouveau, vfio-pci) was given it on purpose.
  return gpu.driver.empty() && (gpu.compute || host.library_installed || host.module_loaded);
}

std::vector<Condition> EvaluateGpu(const GpuSample& sample, const GpuThresholds& thresholds,
                                   GpuHistory* history) {
  return Judge(sample, thresholds, history).All();
}

}  // namespace fleetmedic
