#include "detectors/filesystem/filesystem_detector.h"

#include <algorithm>
#include <cerrno>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "base/json.h"
#include "base/text.h"
#include "base/thread_pool.h"
#include "detectors/condition_types.h"

namespace fleetmedic {
namespace {

constexpr std::string_view kMountInfo = "/proc/self/mountinfo";
constexpr size_t kMountInfoBytesMax = size_t{8} << 20;
constexpr size_t kFstabBytesMax = size_t{1} << 20;

}  // namespace

// One statvfs, which may outlive the source.
struct MountStatSource::Call {
  absl::Mutex mutex;
  bool done ABSL_GUARDED_BY(mutex) = false;
  int error_number ABSL_GUARDED_BY(mutex) = 0;
  struct statvfs result ABSL_GUARDED_BY(mutex) {};
};

struct MountStatSource::Stuck {
  std::shared_ptr<Call> call;
  std::unique_ptr<ThreadPool> pool;
  MonoTime since{};
};

MountStatSource::MountStatSource(const Clock* clock, std::string root, StatFunction stat)
    : clock_(clock), root_(std::move(root)), stat_(std::move(stat)) {}

MountStatSource::~MountStatSource() {
  FreeStuck();
  // A call that hangs in the kernel cannot be ended: its thread stays with it.
  for (auto& [mount_point, stuck] : stuck_) (void)stuck->pool.release();
}

void MountStatSource::FreeStuck() {
  std::erase_if(stuck_, [](const auto& entry) {
    absl::MutexLock lock(&entry.second->call->mutex);
    return entry.second->call->done;
  });
}

void MountStatSource::StatMount(const std::string& mount_point, MonoTime deadline,
                                MountSample* sample) {
  if (const auto found = stuck_.find(mount_point); found != stuck_.end()) {
    sample->hung_for = clock_->Mono() - found->second->since;
    sample->error =
        fmt::format("statvfs of {} has not come back for {}", Quote(mount_point),
                    FormatDuration(std::chrono::duration_cast<Seconds>(sample->hung_for)));
    return;
  }
  if (clock_->Mono() >= deadline) {
    sample->error = "not asked: others took all the time";
    return;
  }
  if (stuck_.size() >= kStuckMax) {
    sample->error = fmt::format("not asked: {} other mounts hang", stuck_.size());
    return;
  }
  if (pool_ == nullptr) pool_ = std::make_unique<ThreadPool>("statvfs", 1, 1);
  const auto call = std::make_shared<Call>();
  const MonoTime started = clock_->Mono();
  const Status submitted =
      pool_->Submit("statvfs", [call, stat = stat_, path = root_.Path(mount_point)] {
        struct statvfs result {};
        const int error_number = stat(path.c_str(), &result) == 0 ? 0 : errno;
        absl::MutexLock lock(&call->mutex);
        call->result = result;
        call->error_number = error_number;
        call->done = true;
      });
  if (!submitted) {
    sample->error = submitted.error().message;
    return;
  }
  const Micros wait = std::clamp<Micros>(deadline - started, Micros(0), kMountWaitMax);
  absl::MutexLock lock(&call->mutex);
  if (!call->mutex.AwaitWithTimeout(absl::Condition(&call->done),
                                    absl::Microseconds(wait.count()))) {
    sample->error = fmt::format("statvfs of {} does not come back", Quote(mount_point));
    auto stuck = std::make_unique<Stuck>();
    stuck->call = call;
    stuck->pool = std::exchange(pool_, nullptr);
    stuck->since = started;
    stuck_[mount_point] = std::move(stuck);
    return;
  }
  if (call->error_number != 0) {
    sample->stale = call->error_number == ESTALE;
    sample->forbidden = call->error_number == EACCES || call->error_number == EPERM;
    sample->unreachable = call->error_number == ENOENT || call->error_number == ENOTDIR;
    sample->error = (sample->forbidden ? "no permission (CAP_DAC_READ_SEARCH): " : "") +
                    FailErrno("statvfs " + Quote(mount_point), call->error_number).value().message;
    return;
  }
  const struct statvfs result = call->result;
  const uint64_t block = result.f_frsize;
  sample->answered = true;
  sample->bytes_total = result.f_blocks * block;
  sample->bytes_free = result.f_bfree * block;
  sample->bytes_available = result.f_bavail * block;
  sample->inodes_total = result.f_files;
  sample->inodes_free = result.f_ffree;
}

Result<std::vector<MountSample>> MountStatSource::Sample(MonoTime deadline) {
  FreeStuck();
  FLEETMEDIC_ASSIGN_OR_RETURN(const std::string mountinfo,
                              root_.ReadFile(kMountInfo, kMountInfoBytesMax));
  // A host without an fstab says nothing about what is to be writable.
  const std::set<std::string> writable =
      WritableInFstab(root_.ReadFile("/etc/fstab", kFstabBytesMax).value_or(""));
  std::vector<MountSample> samples;
  for (const auto& [mount, kind] : WatchedMounts(mountinfo, kMountsMax)) {
    MountSample sample;
    sample.kind = kind;
    sample.mount_point = mount.mount_point;
    sample.type = mount.type;
    sample.read_only = mount.read_only;
    if (!mount.read_only && seen_writable_.size() < kMountsMax) {
      seen_writable_.insert(mount.mount_point);
    }
    sample.expected_writable =
        writable.contains(mount.mount_point) || seen_writable_.contains(mount.mount_point);
    StatMount(mount.mount_point, deadline, &sample);
    if (!sample.unreachable) samples.push_back(std::move(sample));
  }
  return samples;
}

bool DemoStatSource::Applies(const FsRoot& root) {
  return root.root() != "/" && root.Exists(kPath);
}

Result<std::vector<MountSample>> DemoStatSource::Sample(MonoTime) {
  FLEETMEDIC_ASSIGN_OR_RETURN(const std::string text, root_.ReadFile(kPath, size_t{1} << 20));
  FLEETMEDIC_ASSIGN_OR_RETURN(const Json json, Json::Parse(text));
  std::vector<MountSample> samples;
  JsonReader in(json, "filesystems.json");
  in.ListAs("filesystems", &samples, [](const Json& member) -> Result<MountSample> {
    MountSample sample;
    bool hung = false;
    JsonReader read(member, "filesystem");
    read.Required("mount", &sample.mount_point);
    read.Optional("type", &sample.type);
    read.Required("bytes_total", &sample.bytes_total);
    read.Required("bytes_available", &sample.bytes_available);
    read.Optional("inodes_total", &sample.inodes_total);
    read.Optional("inodes_free", &sample.inodes_free);
    read.Optional("read_only", &sample.read_only);
    read.Optional("expected_writable", &sample.expected_writable);
    read.Optional("hung", &hung);
    FLEETMEDIC_RETURN_IF_ERROR(read.Done());
    sample.bytes_free = sample.bytes_available;
    sample.answered = !hung;
    if (hung) sample.error = "statvfs does not come back";
    return sample;
  });
  FLEETMEDIC_RETURN_IF_ERROR(in.Done());
  if (samples.size() > MountStatSource::kMountsMax) samples.resize(MountStatSource::kMountsMax);
  return samples;
}

FilesystemDetector::FilesystemDetector(const Clock* clock, const HostConfig& host,
                                       const FilesystemConfig& config)
    : config_(config) {
  const FsRoot root(host.root);
  if (DemoStatSource::Applies(root)) {
    source_ = std::make_unique<DemoStatSource>(host.root);
  } else if (root.Exists(kMountInfo)) {
    source_ = std::make_unique<MountStatSource>(clock, host.root);
  }
}

FilesystemDetector::FilesystemDetector(std::unique_ptr<StatSource> source,
                                       const FilesystemConfig& config)
    : config_(config), source_(std::move(source)) {}

std::vector<std::string> FilesystemDetector::types() const {
  return ConditionTypesOf("filesystem");
}

Result<std::vector<Condition>> FilesystemDetector::Probe(MonoTime deadline) {
  FLEETMEDIC_ASSIGN_OR_RETURN(const std::vector<MountSample> mounts, source_->Sample(deadline));
  return EvaluateFilesystem(mounts, {.full_share = config_.full_share,
                                     .full_hard_share = config_.full_hard_share,
                                     .inodes_share = config_.inodes_share,
                                     .tmp_share = config_.tmp_share,
                                     .hung_after = config_.hung_after});
}

}  // namespace fleetmedic
