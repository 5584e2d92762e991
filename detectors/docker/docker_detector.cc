#include "detectors/docker/docker_detector.h"

#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "base/text.h"
#include "detectors/condition_types.h"
#include "detectors/filesystem/filesystem_evaluate.h"
#include "detectors/proc_text.h"

namespace fleetmedic {
namespace {

constexpr const char* kUnitFolders[] = {"/etc/systemd/system/", "/usr/lib/systemd/system/",
                                        "/lib/systemd/system/"};
constexpr std::string_view kProgram = "dockerd";
constexpr size_t kProcessesMax = 100'000;
constexpr size_t kUnitsMax = 10'000;
constexpr std::string_view kBooted = "/run/systemd/system";  // sd_booted(3)

bool HasUnit(const FsRoot& root, std::string_view unit) {
  return std::ranges::any_of(
      kUnitFolders, [&](const char* folder) { return root.Exists(folder + std::string(unit)); });
}

// Whether another unit pulls it in (systemd.unit(5)): "enabled" is a link in a folder UNIT.wants.
bool IsWanted(const FsRoot& root, std::string_view unit) {
  return std::ranges::any_of(kUnitFolders, [&](const char* folder) {
    const auto names = root.List(folder, kUnitsMax);
    return names && std::ranges::any_of(*names, [&](const std::string& name) {
             return (name.ends_with(".wants") || name.ends_with(".requires")) &&
                    root.Exists(fmt::format("{}{}/{}", folder, name, unit));
           });
  });
}

// A dockerd whose number is in another file than the configured one; 0 where none runs, and none
// where that cannot be told: a /proc without a process is none.
std::optional<int64_t> FindDaemon(const FsRoot& root) {
  const Result<std::vector<std::string>> names = root.List("/proc", kProcessesMax);
  if (!names) return std::nullopt;
  bool any = false;
  for (const std::string& name : *names) {
    const std::optional<uint64_t> pid = ParseCount(name);
    if (!pid.has_value()) continue;
    any = true;
    if (Trim(root.ReadFile("/proc/" + name + "/comm", 64).value_or("")) == kProgram) {
      return static_cast<int64_t>(*pid);
    }
  }
  return any ? std::optional<int64_t>(0) : std::nullopt;
}

// rename(2) over a running program leaves it with a name that ends so (proc(5), /proc/PID/exe).
bool ProgramReplaced(const FsRoot& root, int64_t pid) {
  char name[4096];
  const std::string link = root.Path(fmt::format("/proc/{}/exe", pid));
  const ssize_t size = ::readlink(link.c_str(), name, sizeof(name));
  return size > 0 && std::string_view(name, static_cast<size_t>(size)).ends_with(" (deleted)");
}

}  // namespace

DockerDetector::DockerDetector(const Clock* clock, const HostConfig& host,
                               const DockerConfig& config)
    : clock_(clock),
      root_(host.root),
      config_(config),
      api_(HttpAddress::Unix(root_.Path(config.socket)), clock),
      probes_(&api_),
      history_(config.restarts_within) {}

std::vector<std::string> DockerDetector::types() const {
  std::vector<std::string> types = ConditionTypesOf("docker");
  // What the config switches off is never told, so it is not unknown either.
  std::erase_if(types, [&](const std::string& type) {
    return (type == "DockerExecutorGone" && config_.executor_command.empty()) ||
           (type == "DockerExecStuck" && !config_.exec_probe);
  });
  return types;
}

bool DockerDetector::Supported() const {
  if (seen_) return true;
  if (root_.Exists(config_.socket)) return !Dormant();
  if (!HasUnit(root_, "docker.service")) return false;
  return !root_.Exists(kBooted) || Enabled() || DaemonRuns();
}

bool DockerDetector::Enabled() const {
  const MonoTime now = clock_->Mono();
  if (enabled_due_ == MonoTime{} || now >= enabled_due_) {
    enabled_due_ = now + config_.full_every;
    enabled_ = IsWanted(root_, "docker.service") || IsWanted(root_, "docker.socket");
  }
  return enabled_;
}

bool DockerDetector::DaemonRuns() const {
  const Result<DaemonProcess> process = ReadPidFileProcess(root_, config_.pid_file);
  if (process && process->name == kProgram) return true;
  if (found_pid_ != 0) {
    const Result<DaemonProcess> found = ReadProcess(root_, found_pid_);
    if (found && found->name == kProgram) return true;
    found_pid_ = 0;
  }
  const MonoTime now = clock_->Mono();
  if (now < find_due_) return false;
  find_due_ = now + config_.full_every;
  const std::optional<int64_t> found = FindDaemon(root_);
  // Where it cannot be told it is asked, as on a host without systemd.
  if (!found.has_value()) {
    find_due_ = now;
    return true;
  }
  found_pid_ = *found;
  return found_pid_ != 0;
}

bool DockerDetector::Dormant() const {
  return root_.Exists(kBooted) && root_.Exists(config_.socket) && !DaemonRuns();
}

bool DockerDetector::LookAtProcess(MonoTime now) {
  Result<DaemonProcess> process = ReadPidFileProcess(root_, config_.pid_file);
  if (!process && found_pid_ != 0) process = ReadProcess(root_, found_pid_);
  if (!process || process->name != kProgram) {
    const Result<int64_t> peer = PeerPid(root_.Path(config_.socket));
    if (!peer) return false;
    // The process may be out of sight, in another PID namespace: its number alone says enough.
    process = ReadProcess(root_, *peer).value_or(DaemonProcess{.pid = *peer});
  }
  const DaemonProcess* const before = history_.restarts.last();
  const bool other = before != nullptr && !before->SameAs(*process);
  history_.restarts.Add(*process, now);
  history_.binary_replaced = ProgramReplaced(root_, process->pid);
  return other;
}

void DockerDetector::StatDataRoot(DockerSample* sample) const {
  DockerDataRoot& root = sample->data_root;
  root.path = data_root_;
  if (data_root_.empty()) return;
  const std::string path = root_.Path(data_root_);
  struct statvfs result {};
  struct stat status {};
  // Docker's own disk: when it hangs, so does Docker, and the runner tells of this detector.
  if (::statvfs(path.c_str(), &result) != 0 || ::stat(path.c_str(), &status) != 0) return;
  root.bytes_used_share = UsedShare(result.f_blocks, result.f_bfree, result.f_bavail);
  root.bytes_available = result.f_bavail * uint64_t{result.f_frsize};
  root.read_only = (result.f_flag & ST_RDONLY) != 0;
  root.device = status.st_dev;
  if (result.f_files > 0) {
    root.inodes_used_share = UsedShare(result.f_files, result.f_ffree, result.f_favail);
  }
}

void DockerDetector::AskDaemon(MonoTime deadline, DockerSample* sample) {
  Json containers;
  sample->list = api_.Get("/containers/json?all=1", deadline, 4, &containers);
  if (!sample->list.ok()) return;
  Result<std::vector<DockerContainer>> read = DockerContainersFromJson(containers);
  if (!read) {
    sample->list.kind = DockerAnswer::Kind::kBroken;
    sample->list.error = read.error().message;
    return;
  }
  sample->containers = *std::move(read);
  seen_ = true;
  history_.Add(*sample);
  Json info;
  sample->info = api_.Get("/info", deadline, 3, &info);
  if (!sample->info.ok()) return;
  sample->information = DockerInfoFromJson(info);
  if (!sample->information.root_dir.empty()) data_root_ = sample->information.root_dir;
  probes_.AskTop(deadline, 1, sample, &history_);
  AskInTurn(deadline, sample);
}

void DockerDetector::AskInTurn(MonoTime deadline, DockerSample* sample) {
  const MonoTime now = clock_->Mono();
  if (config_.create_probe && now >= create_due_) {
    create_due_ = now + config_.probes_every;
    create_ = probes_.AskCreate(deadline);
    return;
  }
  if (config_.exec_probe && now >= exec_due_) {
    exec_due_ = now + config_.probes_every;
    probes_.AskExec(config_.exec_command, deadline, *sample, &history_);
    return;
  }
  if (history_.versions.empty() || turn_++ % 8 == 0) {
    Json version;
    if (api_.Get("/version", deadline, 0, &version).ok()) {
      history_.versions = DockerVersionsFromJson(version);
    }
    return;
  }
  if (config_.logs_probe) probes_.AskLogs(deadline, *sample, &history_);
}

void DockerDetector::ScanShims(MonoTime deadline, const DockerSample& sample) {
  const MonoTime now = clock_->Mono();
  if (!sample.list.ok() || now < shims_due_) return;
  shims_due_ = now + config_.shims_every;
  const Result<ProcessScan> scan =
      ScanProcesses(root_, *clock_, deadline, !config_.executor_command.empty());
  if (!scan || !scan->whole) return;
  const ExecutorRule rule{config_.executor_label, config_.executor_names, config_.executor_command};
  history_.AddShims(JudgeShims(sample.containers, *scan, rule, &shim_addresses_), sample.at);
}

std::vector<Condition> DockerDetector::Evaluate(const DockerSample& sample) const {
  DockerThresholds thresholds;
  thresholds.removing_max = config_.removing_max;
  thresholds.shim_grace = config_.shim_grace;
  thresholds.restarts_count = config_.restarts_count;
  thresholds.containers_max = config_.containers_max;
  thresholds.full_share = config_.full_share;
  thresholds.storage_driver = config_.storage_driver;
  thresholds.versions = config_.versions;
  thresholds.executors = !config_.executor_command.empty();
  thresholds.exec_probe = config_.exec_probe;
  return EvaluateDocker(sample, history_, thresholds);
}

Result<std::vector<Condition>> DockerDetector::Probe(MonoTime deadline) {
  DockerSample sample;
  sample.at = clock_->Mono();
  sample.dormant = Dormant();
  bool all = sample.at >= all_due_;
  if (!sample.dormant) {
    sample.ping = api_.Get("/_ping", std::min<MonoTime>(deadline, sample.at + config_.ping_max), 0);
    if (LookAtProcess(sample.at)) all = true;
  }
  sample.seen = seen_;
  if (sample.ping.ok()) {
    if (!all) {
      last_.at = sample.at;
      return Evaluate(last_);
    }
    all_due_ = sample.at + config_.full_every;
    AskDaemon(deadline, &sample);
    ScanShims(deadline, sample);
  } else {
    all_due_ = sample.at;
  }
  StatDataRoot(&sample);
  if (sample.info.ok()) history_.AddInfo(sample);
  sample.create = create_;
  sample.seen = seen_;
  last_ = std::move(sample);
  return Evaluate(last_);
}

}  // namespace fleetmedic
