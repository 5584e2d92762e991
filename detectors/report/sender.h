// From the agent's own threads to the event log: state first, log frames in order, and the spool
// while the log is away.
#ifndef FLEETMEDIC_DETECTORS_REPORT_SENDER_H_
#define FLEETMEDIC_DETECTORS_REPORT_SENDER_H_

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "base/clock.h"
#include "base/metrics.h"
#include "base/unique_fd.h"
#include "detectors/report/spool.h"
#include "eventlog/event_log.h"

namespace fleetmedic {

// Where the log pump puts its frames. Thread-safe.
class FrameSink {
 public:
  virtual ~FrameSink() = default;
  // Takes the frame, and gives its ticket, which grows with each; 0 and nothing taken when the
  // queue is at its limit: keep it and come again.
  virtual uint64_t PostFrame(SpooledFrame* frame) = 0;
  // Every frame up to this ticket is in the event log or on the disk.
  virtual uint64_t StoredTicket() const = 0;
};

// Posting is thread-safe and never blocks. Run does all that blocks (the log, the disk) and is
// called by one thread at a time, on a worker; one that does nothing else waits in Wait between.
//
// State (health events, facts) is kept newest per key: while the log is away, in memory and in the
// spool's `states`; a beat is kept in memory alone, since an old one says nothing. Log frames go
// straight to the log while it answers and nothing is spooled before them; else to the spool.
class Sender final : public FrameSink {
 public:
  struct Options {
    std::string folder;  // of the spool and of the reporter's state
    int64_t spool_bytes_max = int64_t{64} << 20;
    size_t queue_bytes_max = size_t{8} << 20;  // of frames that wait in memory
    Millis retry_min = Millis(500);            // doubled with each failure up to ...
    Millis retry_max = Seconds(10);
    std::string host;  // for metrics
  };

  // `metrics` may be null.
  Sender(const Clock* clock, EventLog* log, Metrics* metrics, Options options);
  ~Sender() override;

  // The newest word on `state.key`. `keep`: also on the disk while the log is away.
  void PostState(SpooledState state, bool keep);
  // Those that are posted at once are appended at once.
  struct PostedState {
    SpooledState state;
    bool keep = false;
  };
  void PostStates(std::vector<PostedState> states);
  // Is durable before any state that was posted after it is sent.
  void PostReporterState(std::string text);
  uint64_t PostFrame(SpooledFrame* frame) override;
  uint64_t StoredTicket() const override;

  // The reporter's state as the agent before this one left it; kNotFound where there is none.
  static Result<std::string> ReadReporterState(const std::string& folder);

  // One bounded pass.
  void Run();
  // When Run has something to do: at once (MonoTime{}), later, or kMonoForever.
  MonoTime NextRun() const;
  // Until then, posts included. On the thread of Run.
  void Wait();
  // Thread-safe: ends the wait of a Wait, now or next.
  void Interrupt();

  struct Counts {
    Spool::Counts spool;
    bool log_away = false;
    std::string log_error;
    // Why the spool or the reporter's state cannot be written; empty while they can.
    std::string disk_error;
    uint64_t refused_lines = 0;  // the log would never take them
    uint64_t queue_bytes = 0;
  };
  Counts counts() const;

 private:
  struct Pending {
    SpooledState state;
    bool keep = false;
    uint64_t version = 0;
  };
  struct QueuedFrame {
    SpooledFrame frame;
    uint64_t ticket = 0;
    size_t bytes = 0;  // of its value
  };

  MonoTime NextRunLocked() const ABSL_SHARED_LOCKS_REQUIRED(mutex_);
  // There is something to do. True: somebody waits for it and is to be woken by Interrupt.
  bool NoteWork() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void OpenSpool(MonoTime now);
  void WriteReporterState(std::string text);
  void SendStates(const std::vector<Pending>& pending, MonoTime now);
  void KeepStates(const std::vector<Pending>& pending);
  void SendFrames(MonoTime now);
  void DrainSpool(MonoTime now);
  // The frames are as before when it returns.
  Status AppendFrames(std::vector<SpooledFrame>* frames);
  // A record that the log will never take is counted, by the lines of its frame, and left out.
  Status AppendRecords(std::span<const Record> records, std::span<const SpooledFrame> frames);
  std::vector<QueuedFrame> TakeFrames();
  void PutBack(std::vector<QueuedFrame> frames);
  void Stored(const std::vector<QueuedFrame>& frames);
  void LogAnswered();
  void LogFailed(const Error& error, MonoTime now);
  void DiskResult(const Status& status);
  void PublishCounts();

  const Clock* const clock_;
  EventLog* const log_;
  const Options options_;
  const UniqueFd interrupt_;  // an eventfd
  MetricCounter appended_;
  MetricCounter append_failures_;
  MetricGauge spool_bytes_;
  MetricGauge spool_frames_;
  MetricGauge queue_bytes_gauge_;

  // Of Run alone.
  std::unique_ptr<Spool> spool_;
  MonoTime spool_retry_at_{};
  uint64_t kept_version_ = 0;  // of the states that are on the disk
  bool states_on_disk_ = false;
  Millis retry_{0};
  bool disk_failed_in_run_ = false;
  std::string disk_failure_;

  mutable absl::Mutex mutex_;
  std::vector<Pending> states_ ABSL_GUARDED_BY(mutex_);  // oldest post first
  std::optional<std::string> reporter_state_ ABSL_GUARDED_BY(mutex_);
  std::deque<QueuedFrame> frames_ ABSL_GUARDED_BY(mutex_);
  size_t frames_bytes_ ABSL_GUARDED_BY(mutex_) = 0;
  uint64_t version_ ABSL_GUARDED_BY(mutex_) = 0;
  uint64_t ticket_ ABSL_GUARDED_BY(mutex_) = 0;
  uint64_t stored_ticket_ ABSL_GUARDED_BY(mutex_) = 0;
  bool waits_ ABSL_GUARDED_BY(mutex_) = false;    // in Wait
  bool new_work_ ABSL_GUARDED_BY(mutex_) = true;  // the first Run looks into the spool
  bool spool_has_frames_ ABSL_GUARDED_BY(mutex_) = false;
  MonoTime retry_at_ ABSL_GUARDED_BY(mutex_){};  // of appends
  MonoTime disk_retry_at_ ABSL_GUARDED_BY(mutex_){};
  Counts counts_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace fleetmedic

#endif  // FLEETMEDIC_DETECTORS_REPORT_SENDER_H_
