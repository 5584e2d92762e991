#include "detectors/kernel/kernel_evaluate.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/text.h"
#include "detectors/condition_types.h"

namespace fleetmedic {
namespace {

// A lockup that is over. Everything else that is not soft says what somebody loaded or did, and is
// told with an ok verdict.
constexpr std::string_view kInfoTaints = "L";
// Before 5.18 the pool has 4096 bits and is used up by reading; since then it is 256 once it was
// filled, whatever is read.
constexpr uint64_t kEntropyPoolOld = 4096;
// Half of what a key of 256 bits wants.
constexpr uint64_t kEntropyLow = 128;
// Where nothing says when the boot before was.
constexpr Millis kBootBeforeMax = Hours(24);
constexpr size_t kPackagesMax = 8;
constexpr size_t kDumpEvidenceMax = 8;

Condition EvaluateTaints(const KernelSample& sample, const KernelThresholds& thresholds) {
  if (!sample.tainted) {
    return MakeCondition("KernelTainted", "", Verdict::kUnknown, "NotReadable",
                         "/proc/sys/kernel/tainted cannot be read");
  }
  const std::string letters = TaintLetters(*sample.tainted);
  std::string grave;
  std::string told;
  for (const char letter : letters) {
    if (thresholds.taints.find(letter) != std::string::npos)
      grave += letter;
    else if (kInfoTaints.find(letter) != std::string_view::npos)
      told += letter;
  }
  if (letters.empty()) {
    return MakeCondition("KernelTainted", "", Verdict::kOk, "NotTainted",
                         "the kernel is not tainted");
  }
  const std::string all = fmt::format("tainted {}: {}", *sample.tainted, DescribeTaints(letters));
  if (grave.empty() && told.empty()) {
    return MakeCondition("KernelTainted", "", Verdict::kOk, "HarmlessTaints", all);
  }
  const bool died = grave.find('D') != std::string::npos;
  const bool page = grave.find('B') != std::string::npos;
  const bool machine = grave.find('M') != std::string::npos;
  Condition condition = MakeCondition("KernelTainted", "", Verdict::kBad,
                                      died             ? "KernelDied"
                                      : page           ? "BadPage"
                                      : machine        ? "MachineCheck"
                                      : !grave.empty() ? "Tainted"
                                                       : "SoftLockup",
                                      all);
  if (grave.empty()) condition.severity = Severity::kInfo;
  return condition;
}

Condition EvaluateDumps(const KernelSample& sample, const KernelThresholds& thresholds) {
  // Those of the boot before, and of this one: a crash of an earlier boot was told then.
  WallTime from = kWallNever;
  if (sample.boots && sample.boots->size() >= 2) {
    from = (*sample.boots)[sample.boots->size() - 2];
  } else if (sample.uptime) {
    from = sample.now - *sample.uptime - kBootBeforeMax;
  }
  std::vector<CrashDump> recent;
  for (const CrashDump& dump : sample.dumps) {
    if (dump.at >= from && sample.now - dump.at <= thresholds.crash_for) recent.push_back(dump);
  }
  if (!recent.empty()) {
    std::ranges::stable_sort(recent, std::greater(), &CrashDump::at);
    Condition condition = MakeCondition(
        "KernelCrashDump", "", Verdict::kBad, "Crashed",
        fmt::format("{} records of kernel crashes since the boot before; the newest is {} of {}",
                    recent.size(), Quote(recent[0].path), FormatWall(recent[0].at)));
    for (size_t i = 0; i < std::min(recent.size(), kDumpEvidenceMax); ++i) {
      condition.evidence.push_back(FormatWall(recent[i].at) + " " + VisibleText(recent[i].path));
    }
    return condition;
  }
  if (!sample.dumps_cut.empty()) {
    return MakeCondition("KernelCrashDump", "", Verdict::kUnknown, sample.dumps_reason,
                         sample.dumps_cut);
  }
  return MakeCondition("KernelCrashDump", "", Verdict::kOk, "NoneFound",
                       "no record of a kernel crash since the boot before");
}

void EvaluateBoots(const KernelSample& sample, const KernelThresholds& thresholds,
                   std::vector<Condition>* conditions) {
  if (!sample.uptime) {
    conditions->push_back(MakeCondition("BootedRecently", "", Verdict::kUnknown, "NotReadable",
                                        "/proc/uptime cannot be read"));
  } else {
    const bool recent = *sample.uptime < thresholds.boot_recent;
    conditions->push_back(
        MakeCondition("BootedRecently", "", recent ? Verdict::kBad : Verdict::kOk,
                      recent ? "BootedRecently" : "UpForLong",
                      fmt::format("up for {} (recent below {})", FormatDuration(*sample.uptime),
                                  FormatDuration(thresholds.boot_recent))));
  }
  const std::string within = FormatDuration(thresholds.boot_loop_within);
  if (!sample.boots) {
    Condition unknown = MakeCondition("BootLoop", "", Verdict::kUnknown, "NoBootRecords",
                                      "/var/log/wtmp is not there or cannot be read");
    // Many a host keeps none: that holds nothing back.
    unknown.severity = Severity::kInfo;
    conditions->push_back(std::move(unknown));
    return;
  }
  const auto count = std::ranges::count_if(*sample.boots, [&](WallTime boot) {
    // A record from the future is a clock that was wrong.
    return boot <= sample.now && sample.now - boot <= thresholds.boot_loop_within;
  });
  const bool loop = count >= thresholds.boot_loop_count;
  conditions->push_back(MakeCondition(
      "BootLoop", "", loop ? Verdict::kBad : Verdict::kOk, loop ? "ManyBoots" : "FewBoots",
      fmt::format("{} boots within {} (bad from {})", count, within, thresholds.boot_loop_count)));
}

Condition EvaluateReboot(const KernelSample& sample) {
  if (sample.reboot_flagged) {
    std::string packages;
    for (size_t i = 0; i < std::min(sample.reboot_packages.size(), kPackagesMax); ++i) {
      packages += (i == 0 ? "" : ", ") + Quote(sample.reboot_packages[i], 40);
    }
    if (sample.reboot_packages.size() > kPackagesMax) packages += ", ...";
    return MakeCondition(
        "RebootRequired", "", Verdict::kBad, "Flagged",
        "/run/reboot-required is there" + (packages.empty() ? "" : ", for " + packages));
  }
  if (const auto newer = NewerKernel(sample.running, sample.installed)) {
    return MakeCondition(
        "RebootRequired", "", Verdict::kBad, "NewerKernel",
        fmt::format("kernel {} runs, {} is installed", Quote(sample.running), Quote(*newer)));
  }
  return MakeCondition("RebootRequired", "", Verdict::kOk, "NotRequired",
                       "nothing asks for a reboot");
}

Condition EvaluateEntropy(const KernelSample& sample) {
  if (!sample.entropy || !sample.entropy_pool || *sample.entropy_pool < kEntropyPoolOld) {
    return MakeCondition("EntropyLow", "", Verdict::kOk, "DoesNotRunLow",
                         "the random numbers of this kernel do not run low");
  }
  const bool low = *sample.entropy < kEntropyLow;
  return MakeCondition("EntropyLow", "", low ? Verdict::kBad : Verdict::kOk,
                       low ? "RunsLow" : "Enough",
                       fmt::format("{} bits of {} (bad below {})", *sample.entropy,
                                   *sample.entropy_pool, kEntropyLow));
}

Condition EvaluateWatchdogs(const KernelSample& sample) {
  std::string off;
  if (sample.hung_task_seconds == 0u) off = "hung tasks (kernel.hung_task_timeout_secs = 0)";
  if (sample.soft_watchdog == 0u) {
    off += std::string(off.empty() ? "" : " and ") + "soft lockups (kernel.soft_watchdog = 0)";
  }
  return off.empty() ? MakeCondition("KernelWatchdogOff", "", Verdict::kOk, "On",
                                     "no detector of the kernel's own is switched off")
                     : MakeCondition("KernelWatchdogOff", "", Verdict::kBad, "SwitchedOff",
                                     "the kernel does not look for " + off);
}

}  // namespace

std::vector<Condition> EvaluateKernel(const KernelSample& sample,
                                      const KernelThresholds& thresholds) {
  std::vector<Condition> conditions;
  conditions.push_back(EvaluateTaints(sample, thresholds));
  conditions.push_back(EvaluateDumps(sample, thresholds));
  EvaluateBoots(sample, thresholds, &conditions);
  conditions.push_back(EvaluateReboot(sample));
  conditions.push_back(EvaluateEntropy(sample));
  conditions.push_back(EvaluateWatchdogs(sample));
  return conditions;
}

}  // namespace fleetmedic
