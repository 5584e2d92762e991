#include "detectors/process/process_detector.h"

#include <fcntl.h>
#include <sys/inotify.h>
#include <unistd.h>

#include <cerrno>

#include "base/text.h"
#include "detectors/condition_types.h"
#include "detectors/proc_text.h"

namespace fleetmedic {
namespace {

constexpr size_t kFileBytesMax = 64 * 1024;
// What is looked up of single processes, at most.
constexpr size_t kDetailsMax = 64;
constexpr size_t kParentsMax = 64;

ProcessThresholds ThresholdsOf(const ProcessConfig& config) {
  return {.blocked_for = config.blocked_for,
          .zombies = config.zombies,
          .zombies_for = config.zombies_for,
          .pids_share = config.pids_share,
          .files_share = config.files_share,
          .process_files_share = config.process_files_share};
}

// The limits are a user's own, so another's cannot be tried.
InotifyTry TryInotify() {
  if (geteuid() != 0) return InotifyTry::kNotTried;
  const UniqueFd instance(inotify_init1(IN_CLOEXEC | IN_NONBLOCK));
  if (!instance.ok()) {
    // EMFILE is said of our own files too: then no other can be opened either.
    const bool ours = errno != EMFILE || !FsRoot().Open("/", O_PATH);
    return ours ? InotifyTry::kNotTried : InotifyTry::kInstancesUsedUp;
  }
  if (inotify_add_watch(instance.get(), "/", IN_DELETE_SELF) < 0 && errno == ENOSPC) {
    return InotifyTry::kWatchesUsedUp;
  }
  return InotifyTry::kMade;
}

}  // namespace

ProcessDetector::ProcessDetector(const Clock* clock, const HostConfig& host,
                                 const ProcessConfig& config, std::shared_ptr<PidCgroups> cgroups)
    : clock_(clock),
      root_(host.root),
      config_(config),
      cgroups_(std::move(cgroups)),
      walker_(clock, host.root, cgroups_.get()) {}

std::vector<std::string> ProcessDetector::types() const { return ConditionTypesOf("process"); }

bool ProcessDetector::Supported() const { return root_.Exists("/proc/loadavg"); }

void ProcessDetector::Walk(MonoTime deadline) {
  const MonoTime now = clock_->Mono();
  if (walked_at_ && now - *walked_at_ < config_.walk_every) return;
  ProcessWalk walk = walker_.Walk(deadline);
  const MonoTime at = walk.at;
  walked_at_ = at;
  history_.Add(std::move(walk));
  details_.clear();
  for (const ProcessStat& stat : history_.BlockedSince(at - config_.blocked_for)) {
    if (details_.size() >= kDetailsMax || clock_->Mono() >= deadline) break;
    details_[stat.key] = walker_.DetailOf(stat.key.pid);
  }
  parent_names_.clear();
  for (const auto& [parent, count] : history_.ZombiesSince(at - config_.zombies_for)) {
    if (parent_names_.size() >= kParentsMax) break;
    parent_names_[parent] = walker_.NameOf(parent);
  }
}

void ProcessDetector::ReadLimits(ProcessSample* sample) const {
  const auto count = [this](const char* path) {
    const Result<std::string> text = root_.ReadFile(path, kFileBytesMax);
    return text ? ParseCount(*text) : std::nullopt;
  };
  sample->pid_max = count("/proc/sys/kernel/pid_max");
  sample->threads_max = count("/proc/sys/kernel/threads-max");
  sample->inotify_instances_max = count("/proc/sys/fs/inotify/max_user_instances");
  sample->inotify_watches_max = count("/proc/sys/fs/inotify/max_user_watches");
  // 1.70 1.12 0.91 15/152 24089: runnable and all threads.
  const std::string load = root_.ReadFile("/proc/loadavg", kFileBytesMax).value_or("");
  if (const std::vector<std::string_view> fields = Fields(load); fields.size() == 5) {
    sample->threads = ParseCount(fields[3].substr(fields[3].find('/') + 1));
  }
  // 1274 0 2466165: allocated, free (always 0 since 2.6), at most.
  const std::string files = root_.ReadFile("/proc/sys/fs/file-nr", kFileBytesMax).value_or("");
  if (const std::vector<std::string_view> fields = Fields(files); fields.size() == 3) {
    sample->files = ParseCount(fields[0]);
    sample->files_max = ParseCount(fields[2]);
  }
  if (root_.root() == "/") sample->inotify = TryInotify();
}

Result<std::vector<Condition>> ProcessDetector::Probe(MonoTime deadline) {
  // Limits are told even where there are more processes than a walk takes: then they matter most.
  Walk(deadline);
  ProcessSample sample;
  // As old as the walk: a process is blocked up to when it was last seen so.
  sample.at = *walked_at_;
  sample.details = details_;
  sample.parent_names = parent_names_;
  ReadLimits(&sample);
  return EvaluateProcess(sample, history_, ThresholdsOf(config_));
}

}  // namespace fleetmedic
