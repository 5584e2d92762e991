// Reads what the stream wrote of the fleet's log patterns and fleet issues, for those who look.
#ifndef FLEETMEDIC_STREAM_PATTERN_KEEPER_H_
#define FLEETMEDIC_STREAM_PATTERN_KEEPER_H_

#include <atomic>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "base/clock.h"
#include "base/metrics.h"
#include "base/role.h"
#include "eventlog/event_log.h"
#include "stream/pattern_history.h"

namespace fleetmedic {

// A role that reads fleetmedic.hosts, .tasks, .issues and .counts from their beginning and on, into
// memory, and from fleetmedic.health who is there: each process that serves the API has its own,
// and a restart reads again what the log keeps. Nothing that it knows decides anything.
//
// Turn reads the log. The PatternBook is thread-safe.
class PatternKeeper final : public Role, public PatternBook {
 public:
  struct Options {
    PatternHistoryLimits limits;
    size_t records_per_turn_max = 1000;  // of each topic
    size_t metric_patterns_max = 50;
  };

  // Nothing is owned.
  PatternKeeper(const Clock* clock, EventLog* log, Metrics* metrics, const Options& options);
  ~PatternKeeper() override;

  std::string_view name() const override { return "patterns"; }
  void Turn(MonoTime now) override;
  MonoTime NextWake() const override { return next_wake_; }

  PatternList List(const PatternQuery& query) const override;
  Result<PatternDetail> Show(std::string_view pattern, Millis range) const override;
  Result<PatternDiff> Diff(std::string_view pattern,
                           const PatternSelection& selection) const override;
  std::vector<FleetIssuePtr> Issues() const override;
  Result<FleetIssuePtr> Issue(std::string_view id) const override;
  PatternNews News() const override {
    return {counts_news_.load(), issues_news_.load(), issues_open_now_.load()};
  }
  std::string MetricsText() const override;

 private:
  // The next records of a topic; empty at its head. An error is logged, and tried again later.
  std::vector<LogRecord> Next(Topic topic, std::unique_ptr<Reader>* reader);
  void TakeHosts();
  void TakeTasks();
  void TakeBeats();
  void TakeIssues();
  // Whether there may be more.
  bool TakeCounts();
  void Tidy(MonoTime now);
  void Refuse(Topic topic, const LogRecord& record, const Error& error);
  void CountDropped(const PatternHistoryDropped& now) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const Clock* const clock_;
  EventLog* const log_;
  const Options options_;
  MetricGauge rules_;
  MetricGauge templates_;
  MetricGauge fresh_;
  MetricGauge issues_open_;
  MetricGauge issue_hosts_;
  MetricGauge bytes_;
  MetricCounter refused_;
  MetricCounter dropped_patterns_;
  MetricCounter dropped_hosts_;
  MetricCounter dropped_texts_;
  MetricCounter dropped_issues_;
  MetricCounter dropped_time_;
  std::unique_ptr<Reader> hosts_;
  std::unique_ptr<Reader> tasks_;
  std::unique_ptr<Reader> beats_;
  std::unique_ptr<Reader> issues_;
  std::unique_ptr<Reader> counts_;
  MonoTime next_wake_{};
  MonoTime tidy_at_{};
  std::atomic<uint64_t> counts_news_ = 0;
  std::atomic<uint64_t> issues_news_ = 0;
  std::atomic<uint64_t> issues_open_now_ = 0;

  mutable absl::Mutex mutex_;
  PatternHistory history_ ABSL_GUARDED_BY(mutex_);
  PatternHistoryDropped told_ ABSL_GUARDED_BY(mutex_);
  bool reading_ ABSL_GUARDED_BY(mutex_) = true;
};

}  // namespace fleetmedic

#endif  // FLEETMEDIC_STREAM_PATTERN_KEEPER_H_
