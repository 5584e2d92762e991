#include "detectors/mesos/mesos_detector.h"

#include <fcntl.h>
#include <sys/statvfs.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "base/http_client.h"
#include "base/text.h"
#include "detectors/condition_types.h"
#include "detectors/filesystem/filesystem_evaluate.h"

namespace fleetmedic {
namespace {

constexpr size_t kReplyBytesMax = size_t{16} << 20;
constexpr std::string_view kDefaultAddress = "http://127.0.0.1:5051";
constexpr const char* kUnits[] = {"mesos-agent.service", "mesos-slave.service",
                                  "dcos-mesos-slave.service"};
constexpr const char* kUnitFolders[] = {"/etc/systemd/system/", "/usr/lib/systemd/system/",
                                        "/lib/systemd/system/"};
// The folder of the agent's own checkpoints (src/slave/paths.hpp of Mesos); a master's work folder
// has none.
constexpr std::string_view kMetaFolder = "/meta/slaves";
constexpr std::string_view kLatest = "/meta/slaves/latest";
constexpr std::string_view kInfoFile = "/slave.info";

MesosAnswer::Kind KindOf(Code code) {
  if (code == Code::kDeadlineExceeded) return MesosAnswer::Kind::kTimedOut;
  return code == Code::kUnavailable ? MesosAnswer::Kind::kNobody : MesosAnswer::Kind::kBroken;
}

MesosCheckpoint LookAtCheckpoint(const FsRoot& root, const std::string& work_dir) {
  MesosCheckpoint checkpoint;
  const std::string latest = work_dir + std::string(kLatest);
  checkpoint.path = latest + std::string(kInfoFile);
  // The link itself, so that one that leads nowhere is told from none.
  const Result<UniqueFd> link = root.Open(latest, O_PATH | O_NOFOLLOW);
  if (!link && link.error().code == Code::kNotFound) {
    checkpoint.kind = MesosCheckpoint::Kind::kNone;
    return checkpoint;
  }
  Result<UniqueFd> file = root.Open(checkpoint.path, O_RDONLY | O_NONBLOCK);
  if (file) {
    char first[64];
    const ssize_t size = ::read(file->get(), first, sizeof(first));
    if (size > 0) {
      checkpoint.kind = MesosCheckpoint::Kind::kReadable;
      return checkpoint;
    }
    checkpoint.kind = MesosCheckpoint::Kind::kUnreadable;
    checkpoint.error =
        size == 0 ? "the file is empty" : "read: " + std::string(std::strerror(errno));
    return checkpoint;
  }
  checkpoint.kind = file.error().code == Code::kPermissionDenied
                        ? MesosCheckpoint::Kind::kNoRight
                        : MesosCheckpoint::Kind::kUnreadable;
  checkpoint.error = file.error().message;
  return checkpoint;
}

}  // namespace

MesosDetector::MesosDetector(const Clock* clock, const HostConfig& host, const MesosConfig& config)
    : clock_(clock),
      root_(host.root),
      config_(config),
      address_(HttpAddress::Parse(config.address.empty() ? kDefaultAddress
                                                         : std::string_view(config.address))),
      history_(config.failures_within) {}

std::vector<std::string> MesosDetector::types() const { return ConditionTypesOf("mesos"); }

bool MesosDetector::Supported() const {
  if (seen_ || !config_.address.empty()) return true;
  if (root_.Exists(config_.work_dir + std::string(kMetaFolder))) return true;
  return std::ranges::any_of(kUnits, [&](const char* unit) {
    return std::ranges::any_of(
        kUnitFolders, [&](const char* folder) { return root_.Exists(std::string(folder) + unit); });
  });
}

MesosAnswer MesosDetector::Ask(const HttpAddress& address, std::string_view target,
                               MonoTime deadline, std::string* body) const {
  HttpCall call;
  call.target = target;
  call.reply_bytes_max = kReplyBytesMax;
  Result<HttpReply> reply = HttpClient(address, clock_).Send(call, deadline);
  MesosAnswer answer;
  if (!reply) {
    answer.kind = KindOf(reply.error().code);
    answer.error = reply.error().message;
    return answer;
  }
  answer.kind = MesosAnswer::Kind::kReplied;
  answer.status = reply->status;
  if (body != nullptr) *body = std::move(reply->body);
  return answer;
}

void MesosDetector::AskState(MonoTime deadline, MesosSample* sample) {
  const MonoTime now = clock_->Mono();
  if (now < state_due_ && state_answer_.ok()) {
    sample->state_answer = state_answer_;
    sample->state = state_;
    return;
  }
  state_due_ = now + config_.state_every;
  std::string body;
  // Half of the time: the metrics and the master come after it.
  state_answer_ = Ask(*address_, "/state", now + (deadline - now) / 2, &body);
  if (state_answer_.ok()) {
    Result<MesosState> state = MesosStateFromJson(body);
    if (state) {
      state_ = *std::move(state);
    } else {
      state_answer_.kind = MesosAnswer::Kind::kBroken;
      state_answer_.error = state.error().message;
    }
  }
  sample->state_answer = state_answer_;
  sample->state = state_;
}

void MesosDetector::AskMetrics(MonoTime deadline, MesosSample* sample) const {
  const MonoTime now = clock_->Mono();
  std::string body;
  sample->metrics_answer = Ask(*address_, "/metrics/snapshot", now + (deadline - now) / 2, &body);
  if (!sample->metrics_answer.ok()) return;
  Result<MesosMetrics> metrics = MesosMetricsFromJson(body);
  if (metrics) {
    sample->metrics = *std::move(metrics);
  } else {
    sample->metrics_answer.kind = MesosAnswer::Kind::kBroken;
    sample->metrics_answer.error = metrics.error().message;
  }
}

void MesosDetector::AskMaster(MonoTime deadline, MesosSample* sample) const {
  std::optional<std::string> master;
  if (!config_.master.empty()) {
    master = config_.master;
  } else if (state_.has_value()) {
    master = NumericMaster(state_->master_flag);
  }
  if (!master.has_value()) return;
  sample->master = *master;
  const Result<HttpAddress> address = HttpAddress::Parse(*master);
  if (!address) return;
  sample->master_answer =
      Ask(*address, "/health", std::min<MonoTime>(deadline, clock_->Mono() + config_.answer_max),
          nullptr);
}

void MesosDetector::LookAtWorkFolder(MesosSample* sample) const {
  const std::string work_dir =
      state_.has_value() && !state_->work_dir.empty() ? state_->work_dir : config_.work_dir;
  struct statvfs result {};
  // Mesos' own disk: when it hangs, so does Mesos, and the runner tells of this detector.
  if (::statvfs(root_.Path(work_dir).c_str(), &result) != 0) return;
  sample->disk_used_share = UsedShare(result.f_blocks, result.f_bfree, result.f_bavail);
  sample->checkpoint = LookAtCheckpoint(root_, work_dir);
}

std::vector<Condition> MesosDetector::Evaluate(const MesosSample& sample) const {
  return EvaluateMesos(sample, history_,
                       {.register_max = config_.register_max,
                        .recovery_max = config_.recovery_max,
                        .launch_errors = config_.launch_errors,
                        .tasks_failed = config_.tasks_failed,
                        .failed_share = config_.failed_share});
}

Result<std::vector<Condition>> MesosDetector::Probe(MonoTime deadline) {
  if (!address_) return Fail("detectors.mesos.address", address_.error());
  MesosSample sample;
  sample.at = clock_->Mono();
  sample.limit = config_.answer_max;
  sample.health = Ask(*address_, "/health",
                      std::min<MonoTime>(deadline, sample.at + config_.answer_max), nullptr);
  seen_ |= sample.health.ok();
  sample.seen = seen_;
  if (sample.health.ok() && sample.at < all_due_) {
    last_.at = sample.at;
    return Evaluate(last_);
  }
  all_due_ = sample.at;
  if (sample.health.ok()) {
    all_due_ += config_.full_every;
    AskState(deadline, &sample);
    AskMetrics(deadline, &sample);
    AskMaster(deadline, &sample);
    history_.Add(sample);
  }
  LookAtWorkFolder(&sample);
  sample.state = state_;
  last_ = std::move(sample);
  return Evaluate(last_);
}

}  // namespace fleetmedic
