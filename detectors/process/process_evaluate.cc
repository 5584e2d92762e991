#include "detectors/process/process_evaluate.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "base/text.h"
#include "detectors/condition_types.h"
#include "model/cgroup_owner.h"

namespace fleetmedic {
namespace {

constexpr size_t kNamedMax = 5;
constexpr size_t kEvidenceMax = 8;

// A parent in vfork(2) waits here for its child, uninterruptible by all but SIGKILL, as long as the
// child wants; a frozen process waits for its thaw. Neither waits for the kernel or a device.
constexpr std::array<std::string_view, 6> kHarmlessWaits = {
    "__refrigerator", "_do_fork", "do_fork", "kernel_clone", "vfork", "wait_for_vfork_done"};

std::string NameOf(int pid, std::string_view name) {
  return fmt::format("{} ({})", pid, VisibleText(name));
}

bool Harmless(const BlockedDetail& detail) {
  return detail.frozen ||
         std::ranges::find(kHarmlessWaits, detail.wait_channel) != kHarmlessWaits.end();
}

std::string EvidenceOf(const ProcessStat& stat, const BlockedDetail& detail, Seconds blocked) {
  std::string line = fmt::format("{}{} for {}", stat.kernel_thread ? "kernel thread " : "process ",
                                 NameOf(stat.key.pid, stat.name), FormatDuration(blocked));
  const std::string owner = OwnerOfCgroup(detail.cgroup).Text();
  if (!owner.empty()) line += ", of " + owner;
  if (!detail.wait_channel.empty()) line += ", in " + VisibleText(detail.wait_channel);
  for (size_t i = 0; i < detail.stack.size(); ++i) {
    line += (i == 0 ? "; stack " : " < ") + VisibleText(detail.stack[i]);
  }
  line.resize(std::min(line.size(), Condition::kEvidenceLineBytesMax));
  return line;
}

// Of a walk that did not reach everything, what is missing is not said to be fine.
Condition OkOrCut(std::string_view type, const ProcessWalk& walk, std::string_view reason,
                  std::string message) {
  if (!walk.cut.empty()) return MakeCondition(type, "", Verdict::kUnknown, walk.reason, walk.cut);
  return MakeCondition(type, "", Verdict::kOk, reason, std::move(message));
}

Condition EvaluateBlocked(const ProcessSample& sample, const ProcessHistory& history,
                          const ProcessThresholds& thresholds) {
  size_t processes = 0;
  size_t threads = 0;
  size_t hidden = 0;
  std::string names;
  std::vector<std::string> evidence;
  for (const ProcessStat& stat : history.BlockedSince(sample.at - thresholds.blocked_for)) {
    const auto found = sample.details.find(stat.key);
    const BlockedDetail detail = found == sample.details.end() ? BlockedDetail() : found->second;
    if (Harmless(detail)) continue;
    // Whose place cannot be seen may be a parent in vfork.
    ++(stat.kernel_thread ? threads : detail.wait_channel.empty() ? hidden : processes);
    if (processes + threads + hidden <= kNamedMax) {
      names += (names.empty() ? "" : ", ") + NameOf(stat.key.pid, stat.name);
    }
    const auto blocked =
        std::chrono::duration_cast<Seconds>(sample.at - history.BlockedAt(stat.key));
    if (evidence.size() < kEvidenceMax) evidence.push_back(EvidenceOf(stat, detail, blocked));
  }
  const std::string bound = FormatDuration(thresholds.blocked_for);
  if (processes + threads + hidden == 0) {
    return OkOrCut("ProcessBlocked", history.walk(), "NoneBlocked",
                   "no process was in uninterruptible sleep for " + bound);
  }
  std::string message = fmt::format(
      "{} processes and {} kernel threads are in uninterruptible sleep and have not run for {}: "
      "{}{}",
      processes + hidden, threads, bound, names,
      processes + threads + hidden > kNamedMax ? ", ..." : "");
  Condition condition;
  if (processes == 0 && hidden > 0) {
    condition = MakeCondition("ProcessBlocked", "", Verdict::kUnknown, "NoPermission",
                              message + "; where: no permission (CAP_SYS_PTRACE)");
  } else {
    condition = MakeCondition("ProcessBlocked", "", Verdict::kBad,
                              processes > 0 ? "Blocked" : "KernelThreads", std::move(message));
    if (processes == 0) condition.severity = Severity::kInfo;
  }
  condition.evidence = std::move(evidence);
  return condition;
}

Condition EvaluateZombies(const ProcessSample& sample, const ProcessHistory& history,
                          const ProcessThresholds& thresholds) {
  const std::map<int, size_t> by_parent = history.ZombiesSince(sample.at - thresholds.zombies_for);
  size_t zombies = 0;
  std::vector<std::pair<size_t, int>> parents;
  for (const auto& [parent, count] : by_parent) {
    zombies += count;
    parents.emplace_back(count, parent);
  }
  std::ranges::sort(parents, std::greater());
  std::string names;
  for (size_t i = 0; i < std::min(parents.size(), kNamedMax); ++i) {
    const auto [count, parent] = parents[i];
    const auto name = sample.parent_names.find(parent);
    names += fmt::format("{}{} of {}", i == 0 ? "" : ", ", count,
                         NameOf(parent, name == sample.parent_names.end() ? "?" : name->second));
  }
  std::string message = fmt::format(
      "{} processes have ended and were not reaped for {} (bad from {}){}{}", zombies,
      FormatDuration(thresholds.zombies_for), thresholds.zombies, names.empty() ? "" : ": ", names);
  if (zombies < static_cast<size_t>(thresholds.zombies)) {
    return OkOrCut("ZombieProcesses", history.walk(), "FewZombies", std::move(message));
  }
  return MakeCondition("ZombieProcesses", "", Verdict::kBad, "NotReaped", std::move(message));
}

Condition EvaluateShare(std::string_view type, std::string_view what, std::optional<uint64_t> used,
                        std::optional<uint64_t> limit, std::string_view limit_name,
                        double threshold) {
  if (!used || !limit || *limit == 0) {
    return MakeCondition(type, "", Verdict::kUnknown, "NotReadable",
                         fmt::format("{}, or how many are in use, cannot be read", limit_name));
  }
  const double share = static_cast<double>(*used) / static_cast<double>(*limit);
  const bool bad = share >= threshold;
  return MakeCondition(type, "", bad ? Verdict::kBad : Verdict::kOk,
                       bad ? "NearlyUsedUp" : "EnoughLeft",
                       fmt::format("{} {} of {} ({}), {:.1f} % (bad from {:.0f} %)", *used, what,
                                   *limit, limit_name, share * 100, threshold * 100));
}

Condition EvaluateInotify(const ProcessSample& sample) {
  const auto limit = [](std::optional<uint64_t> value) {
    return value ? std::to_string(*value) : std::string("unknown");
  };
  const std::string limits =
      fmt::format("max_user_instances {}, max_user_watches {}", limit(sample.inotify_instances_max),
                  limit(sample.inotify_watches_max));
  switch (sample.inotify) {
    case InotifyTry::kInstancesUsedUp:
      return MakeCondition("InotifyLimit", "", Verdict::kBad, "InstancesUsedUp",
                           "root can make no inotify instance more: " + limits);
    case InotifyTry::kWatchesUsedUp:
      return MakeCondition("InotifyLimit", "", Verdict::kBad, "WatchesUsedUp",
                           "root can make no inotify watch more: " + limits);
    case InotifyTry::kMade:
      return MakeCondition("InotifyLimit", "", Verdict::kOk, "Made",
                           "root can make inotify instances and watches; " + limits);
    case InotifyTry::kNotTried:
      break;
  }
  Condition condition = MakeCondition(
      "InotifyLimit", "", Verdict::kUnknown, "NoPermission",
      "no permission (root): the limits are a user's own, and only root's are tried; " + limits);
  condition.severity = Severity::kInfo;
  return condition;
}

Condition EvaluateOpenFiles(const ProcessHistory& history, const ProcessThresholds& thresholds) {
  std::vector<OpenFiles> near;
  for (const OpenFiles& process : history.walk().open_files) {
    if (static_cast<double>(process.open) >=
        static_cast<double>(process.limit) * thresholds.process_files_share) {
      near.push_back(process);
    }
  }
  if (near.empty()) {
    return OkOrCut("ProcessFileLimit", history.walk(), "EnoughLeft",
                   fmt::format("no process has {:.0f} % of the files open that it may",
                               thresholds.process_files_share * 100));
  }
  std::ranges::stable_sort(near, std::greater(), &OpenFiles::open);
  std::string names;
  for (size_t i = 0; i < std::min(near.size(), kNamedMax); ++i) {
    names += fmt::format("{}{} has {} of {}", i == 0 ? "" : ", ", NameOf(near[i].pid, near[i].name),
                         near[i].open, near[i].limit);
  }
  return MakeCondition("ProcessFileLimit", "", Verdict::kBad, "NearlyUsedUp",
                       fmt::format("{} processes have {:.0f} % or more of the files open that they "
                                   "may: {}",
                                   near.size(), thresholds.process_files_share * 100, names));
}

}  // namespace

std::vector<Condition> EvaluateProcess(const ProcessSample& sample, const ProcessHistory& history,
                                       const ProcessThresholds& thresholds) {
  // Threads have process ids too: both limits are on threads, and the lower one bites.
  std::optional<uint64_t> limit = sample.pid_max;
  std::string_view limit_name = "kernel.pid_max";
  if (sample.threads_max && (!limit || *sample.threads_max < *limit)) {
    limit = sample.threads_max;
    limit_name = "kernel.threads-max";
  }
  return {
      EvaluateBlocked(sample, history, thresholds),
      EvaluateZombies(sample, history, thresholds),
      EvaluateShare("PidLimit", "threads", sample.threads, limit, limit_name,
                    thresholds.pids_share),
      EvaluateShare("FileHandleLimit", "open files", sample.files, sample.files_max, "fs.file-max",
                    thresholds.files_share),
      EvaluateInotify(sample),
      EvaluateOpenFiles(history, thresholds),
  };
}

}  // namespace fleetmedic
