#include "detectors/report/sender.h"

#include <sys/eventfd.h>

#include <algorithm>
#include <utility>

#include "base/logging.h"
#include "base/poll.h"

namespace fleetmedic {
namespace {

constexpr size_t kBatchBytesMax = size_t{1} << 20;
constexpr size_t kBatchRecordsMax = 256;
constexpr size_t kBytesPerRunMax = size_t{8} << 20;
constexpr size_t kReporterStateBytesMax = size_t{16} << 20;
constexpr Seconds kSpoolRetry{5};
constexpr std::string_view kReporterStateFile = "/reporter.json";

}  // namespace

Sender::Sender(const Clock* clock, EventLog* log, Metrics* metrics, Options options)
    : clock_(clock),
      log_(log),
      options_(std::move(options)),
      interrupt_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  FLEETMEDIC_CHECK(interrupt_.ok());
  if (metrics == nullptr) return;
  const MetricLabels labels = {{"host", options_.host}};
  appended_ = metrics->Counter("fleetmedic_agent_records_appended_total",
                               "Records that the event log took.", labels);
  append_failures_ = metrics->Counter("fleetmedic_agent_append_failures_total",
                                      "Appends that the event log did not take.", labels);
  spool_bytes_ =
      metrics->Gauge("fleetmedic_agent_spool_bytes",
                     "Log frames on the disk that the event log does not have yet.", labels);
  spool_frames_ =
      metrics->Gauge("fleetmedic_agent_spool_frames",
                     "Log frames on the disk that the event log does not have yet.", labels);
  queue_bytes_gauge_ =
      metrics->Gauge("fleetmedic_agent_queue_bytes",
                     "Log frames in memory, not yet in the log or on the disk.", labels);
}

Sender::~Sender() = default;

Result<std::string> Sender::ReadReporterState(const std::string& folder) {
  return ReadFile(folder + std::string(kReporterStateFile), kReporterStateBytesMax);
}

bool Sender::NoteWork() {
  new_work_ = true;
  return std::exchange(waits_, false);
}

void Sender::PostState(SpooledState state, bool keep) {
  std::vector<PostedState> states;
  states.push_back({std::move(state), keep});
  PostStates(std::move(states));
}

void Sender::PostStates(std::vector<PostedState> states) {
  if (states.empty()) return;
  bool wake = false;
  {
    absl::MutexLock lock(&mutex_);
    for (PostedState& posted : states) {
      std::erase_if(states_, [&](const Pending& pending) {
        return pending.state.topic == posted.state.topic && pending.state.key == posted.state.key;
      });
      states_.push_back({std::move(posted.state), posted.keep, ++version_});
    }
    wake = NoteWork();
  }
  if (wake) Interrupt();
}

void Sender::PostReporterState(std::string text) {
  bool wake = false;
  {
    absl::MutexLock lock(&mutex_);
    reporter_state_ = std::move(text);
    wake = NoteWork();
  }
  if (wake) Interrupt();
}

uint64_t Sender::PostFrame(SpooledFrame* frame) {
  uint64_t ticket = 0;
  bool wake = false;
  {
    absl::MutexLock lock(&mutex_);
    if (frames_bytes_ >= options_.queue_bytes_max) return 0;
    const size_t bytes = frame->record.value.size();
    frames_bytes_ += bytes;
    ticket = ++ticket_;
    frames_.push_back({std::move(*frame), ticket, bytes});
    wake = NoteWork();
  }
  if (wake) Interrupt();
  return ticket;
}

uint64_t Sender::StoredTicket() const {
  absl::MutexLock lock(&mutex_);
  return stored_ticket_;
}

MonoTime Sender::NextRun() const {
  absl::MutexLock lock(&mutex_);
  return NextRunLocked();
}

MonoTime Sender::NextRunLocked() const {
  if (new_work_) return MonoTime{};
  MonoTime next = kMonoForever;
  if (!states_.empty()) next = std::min(next, retry_at_);
  // A disk that cannot be read or written is not asked in a row.
  if (!frames_.empty() || spool_has_frames_) {
    next = std::min(next, std::max(retry_at_, disk_retry_at_));
  }
  if (reporter_state_.has_value()) next = std::min(next, disk_retry_at_);
  return next;
}

void Sender::Wait() {
  MonoTime until{};
  {
    absl::MutexLock lock(&mutex_);
    until = NextRunLocked();
    waits_ = true;
  }
  pollfd fd{interrupt_.get(), POLLIN, 0};
  if (PollUntil({&fd, 1}, *clock_, until) > 0) {
    eventfd_t interrupts = 0;
    (void)::eventfd_read(interrupt_.get(), &interrupts);
  }
  absl::MutexLock lock(&mutex_);
  waits_ = false;
}

// Fails only where it is readable already.
void Sender::Interrupt() { (void)::eventfd_write(interrupt_.get(), 1); }

void Sender::Run() {
  const MonoTime now = clock_->Mono();
  disk_failed_in_run_ = false;
  OpenSpool(now);
  std::optional<std::string> reporter_state;
  std::vector<Pending> states;
  {
    // Both at once: a state that is posted from here on may need a reporter's state of its own.
    absl::MutexLock lock(&mutex_);
    new_work_ = false;
    reporter_state.swap(reporter_state_);
    states = states_;
  }
  if (reporter_state.has_value()) WriteReporterState(*std::move(reporter_state));
  SendStates(states, now);
  SendFrames(now);
  DrainSpool(now);
  PublishCounts();
}

void Sender::OpenSpool(MonoTime now) {
  if (spool_ != nullptr || now < spool_retry_at_) return;
  Result<std::unique_ptr<Spool>> spool =
      Spool::Open({options_.folder + "/spool", options_.spool_bytes_max});
  if (!spool) {
    spool_retry_at_ = now + kSpoolRetry;
    DiskResult(tl::unexpected<Error>(spool.error()));
    return;
  }
  spool_ = *std::move(spool);
  absl::MutexLock lock(&mutex_);
  // What the agent before this one could not send, before anything of ours on the same key.
  std::vector<Pending> restored;
  for (const SpooledState& state : spool_->restored_states()) {
    const bool newer = std::ranges::any_of(states_, [&](const Pending& pending) {
      return pending.state.topic == state.topic && pending.state.key == state.key;
    });
    if (!newer) restored.push_back({state, true, ++version_});
    states_on_disk_ = true;
  }
  states_.insert(states_.begin(), restored.begin(), restored.end());
}

void Sender::WriteReporterState(std::string text) {
  Status written = MakeFolders(options_.folder, 0700);
  if (written) {
    written = WriteFileAtomic(options_.folder + std::string(kReporterStateFile), text, 0600);
  }
  DiskResult(written);
  if (written) return;
  absl::MutexLock lock(&mutex_);
  if (!reporter_state_.has_value()) reporter_state_ = std::move(text);
}

void Sender::SendStates(const std::vector<Pending>& pending, MonoTime now) {
  bool may_append = false;
  {
    absl::MutexLock lock(&mutex_);
    may_append = now >= retry_at_;
  }
  if (may_append) {
    for (size_t first = 0; first < pending.size();) {
      // Runs of one topic, so that the order between topics stays too.
      std::vector<Record> records;
      size_t last = first;
      size_t bytes = 0;
      while (last < pending.size() && pending[last].state.topic == pending[first].state.topic &&
             records.size() < kBatchRecordsMax && bytes < kBatchBytesMax) {
        bytes += pending[last].state.record.value.size();
        records.push_back(pending[last++].state.record);
      }
      const Status appended = log_->Append(pending[first].state.topic, records);
      const bool refused = !appended && appended.error().code == Code::kInvalidArgument;
      if (refused) LogError("the log refused a state", {{"error", appended.error().message}});
      if (!appended && !refused) {
        LogFailed(appended.error(), now);
        break;
      }
      if (appended) {
        LogAnswered();
        appended_.Add(static_cast<double>(records.size()));
      }
      absl::MutexLock lock(&mutex_);
      for (size_t i = first; i < last; ++i) {
        std::erase_if(states_, [&](const Pending& p) { return p.version == pending[i].version; });
      }
      first = last;
    }
  }
  std::vector<Pending> left;
  {
    absl::MutexLock lock(&mutex_);
    left = states_;
  }
  KeepStates(left);
}

void Sender::KeepStates(const std::vector<Pending>& pending) {
  if (spool_ == nullptr) return;
  std::vector<SpooledState> kept;
  uint64_t newest = 0;
  for (const Pending& state : pending) {
    if (!state.keep) continue;
    kept.push_back(state.state);
    newest = std::max(newest, state.version);
  }
  if (kept.empty() && !states_on_disk_) return;
  if (!kept.empty() && states_on_disk_ && newest == kept_version_) return;
  const Status written = spool_->KeepStates(kept);
  DiskResult(written);
  if (!written) return;
  states_on_disk_ = !kept.empty();
  kept_version_ = newest;
}

std::vector<Sender::QueuedFrame> Sender::TakeFrames() {
  absl::MutexLock lock(&mutex_);
  std::vector<QueuedFrame> taken;
  size_t bytes = 0;
  while (!frames_.empty() && taken.size() < kBatchRecordsMax && bytes < kBatchBytesMax) {
    bytes += frames_.front().bytes;
    taken.push_back(std::move(frames_.front()));
    frames_.pop_front();
  }
  return taken;
}

void Sender::PutBack(std::vector<QueuedFrame> frames) {
  absl::MutexLock lock(&mutex_);
  frames_.insert(frames_.begin(), std::make_move_iterator(frames.begin()),
                 std::make_move_iterator(frames.end()));
}

void Sender::Stored(const std::vector<QueuedFrame>& frames) {
  absl::MutexLock lock(&mutex_);
  for (const QueuedFrame& frame : frames) {
    frames_bytes_ -= frame.bytes;
    stored_ticket_ = frame.ticket;
  }
}

void Sender::SendFrames(MonoTime now) {
  for (size_t bytes = 0; bytes < kBytesPerRunMax;) {
    std::vector<QueuedFrame> frames = TakeFrames();
    if (frames.empty()) return;
    std::vector<SpooledFrame> batch;
    for (QueuedFrame& frame : frames) {
      batch.push_back(std::move(frame.frame));
      bytes += frame.bytes + 1;
    }
    bool may_append = false;
    {
      absl::MutexLock lock(&mutex_);
      may_append = now >= retry_at_;
    }
    // Behind what is spooled: the order of lines is the order in which they were written. Until
    // the spool could be opened, nothing is known to be before them.
    const bool spool_empty = spool_ == nullptr || !spool_->has_frames();
    if (may_append && spool_empty) {
      const Status appended = AppendFrames(&batch);
      if (appended) {
        LogAnswered();
        Stored(frames);
        continue;
      }
      LogFailed(appended.error(), now);
    }
    const Status pushed = spool_ == nullptr ? Status() : spool_->PushFrames(batch);
    DiskResult(pushed);
    if (spool_ == nullptr || !pushed) {
      for (size_t i = 0; i < frames.size(); ++i) frames[i].frame = std::move(batch[i]);
      PutBack(std::move(frames));
      return;
    }
    Stored(frames);
  }
  absl::MutexLock lock(&mutex_);
  new_work_ = true;
}

Status Sender::AppendFrames(std::vector<SpooledFrame>* frames) {
  // Lent to the log, and taken back: the texts are large.
  std::vector<Record> records;
  for (SpooledFrame& frame : *frames) records.push_back(std::move(frame.record));
  const Status appended = AppendRecords(records, *frames);
  for (size_t i = 0; i < records.size(); ++i) (*frames)[i].record = std::move(records[i]);
  return appended;
}

Status Sender::AppendRecords(std::span<const Record> records,
                             std::span<const SpooledFrame> frames) {
  Status appended = log_->Append(Topic::kLogs, records);
  if (appended || appended.error().code != Code::kInvalidArgument) {
    if (appended) appended_.Add(static_cast<double>(records.size()));
    return appended;
  }
  // One of them will never be taken; it must not hold up the others.
  for (size_t i = 0; i < records.size(); ++i) {
    appended = log_->Append(Topic::kLogs, records.subspan(i, 1));
    if (appended) {
      appended_.Add();
      continue;
    }
    if (appended.error().code != Code::kInvalidArgument) return appended;
    LogError("the log refused a frame", {{"error", appended.error().message}});
    absl::MutexLock lock(&mutex_);
    counts_.refused_lines += frames[i].lines;
  }
  return {};
}

void Sender::DrainSpool(MonoTime now) {
  if (spool_ == nullptr) return;
  for (size_t bytes = 0; spool_->has_frames() && bytes < kBytesPerRunMax;) {
    {
      absl::MutexLock lock(&mutex_);
      if (now < retry_at_) return;
    }
    Result<std::vector<SpooledFrame>> frames = spool_->PeekFrames(kBatchBytesMax);
    if (!frames) return DiskResult(tl::unexpected<Error>(frames.error()));
    if (frames->empty()) return;
    const Status appended = AppendFrames(&*frames);
    if (!appended) return LogFailed(appended.error(), now);
    LogAnswered();
    DiskResult(spool_->AcknowledgeFrames(frames->size()));
    for (const SpooledFrame& frame : *frames) bytes += frame.record.value.size() + 1;
  }
}

void Sender::LogAnswered() {
  retry_ = Millis(0);
  absl::MutexLock lock(&mutex_);
  if (counts_.log_away) LogInfo("the event log answers again", {{"host", options_.host}});
  counts_.log_away = false;
  counts_.log_error.clear();
  retry_at_ = MonoTime{};
}

void Sender::LogFailed(const Error& error, MonoTime now) {
  append_failures_.Add();
  retry_ = std::clamp(retry_ * 2, options_.retry_min, options_.retry_max);
  absl::MutexLock lock(&mutex_);
  if (!counts_.log_away) {
    LogWarning("the event log is away; spooling",
               {{"host", options_.host}, {"error", error.message}});
  }
  counts_.log_away = true;
  counts_.log_error = error.message;
  retry_at_ = now + retry_;
}

void Sender::DiskResult(const Status& status) {
  if (status) return;
  disk_failed_in_run_ = true;
  disk_failure_ = status.error().message;
  LogWarning("the agent cannot write its state",
             {{"host", options_.host}, {"error", disk_failure_}});
}

void Sender::PublishCounts() {
  const bool disk_failed = disk_failed_in_run_ || spool_ == nullptr;
  absl::MutexLock lock(&mutex_);
  if (spool_ != nullptr) counts_.spool = spool_->counts();
  counts_.disk_error = disk_failed ? disk_failure_ : "";
  counts_.queue_bytes = frames_bytes_;
  spool_has_frames_ = spool_ != nullptr && spool_->has_frames();
  disk_retry_at_ = disk_failed ? clock_->Mono() + options_.retry_min : MonoTime{};
  spool_bytes_.Set(static_cast<double>(counts_.spool.bytes));
  spool_frames_.Set(static_cast<double>(counts_.spool.frames));
  queue_bytes_gauge_.Set(static_cast<double>(frames_bytes_));
}

Sender::Counts Sender::counts() const {
  absl::MutexLock lock(&mutex_);
  return counts_;
}

}  // namespace fleetmedic
