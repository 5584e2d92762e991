// The role that tells people: reads what the remediator committed to its audit, groups it, and
// sends messages by the channels of [notify].
//
// It has a store and a lease of its own. One pass of who leads: read the audit after the position
// that is kept → group → one transaction with the position, the groups and the rows of what is to
// be sent → only then it sends. A crash before the commit: the audit is read again. After: the row
// is there and is sent, again where its try was under way; its id is the same.
#ifndef FLEETMEDIC_NOTIFY_NOTIFIER_H_
#define FLEETMEDIC_NOTIFY_NOTIFIER_H_

#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "base/clock.h"
#include "base/inbox.h"
#include "base/metrics.h"
#include "base/random.h"
#include "base/role.h"
#include "base/workers.h"
#include "config/notify_config.h"
#include "eventlog/event_log.h"
#include "model/notify_book.h"
#include "notify/grouping.h"
#include "notify/queue.h"
#include "notify/sender.h"
#include "store/store.h"

namespace fleetmedic {

// Nothing is owned; all of it outlives the notifier, and the workers are stopped before it ends.
struct NotifierParts {
  const Clock& clock;
  const Store& audit;  // the remediator's: read, never written
  Store& store;        // the notifier's own
  EventLog& log;       // for dead letters
  Workers& workers;
  Metrics& metrics;
  // One try at sending, on a worker. NotifySender::Try.
  std::function<TryOutcome(const NotifyChannel&, const NotifyMessage&)> send;
  std::function<void()> wake;  // asks for a turn, from any thread
  std::string owner;           // names this process in the lease
  uint64_t seed = 0;
};

// Turn is for the role's thread; Channels is thread-safe.
class Notifier final : public Role, public NotifyBook {
 public:
  Notifier(NotifyConfig config, NotifierParts parts);
  ~Notifier() override;

  std::string_view name() const override { return "notifier"; }
  void Turn(MonoTime now) override;
  MonoTime NextWake() const override { return next_wake_; }

  std::vector<NotifyChannelState> Channels() const override;

  bool leading() const { return lease_.has_value(); }

 private:
  struct Channel {
    NotifyChannel config;
    NotifyChannelState state;
    MetricCounter delivered, retried, failed;
    MetricGauge queued, failing;
  };
  struct Tried {
    std::string row;
    Epoch epoch = 0;
    TryOutcome outcome;
  };

  bool Lead(MonoTime now);
  Status Load();
  void StepDown(const Error& error);
  // Where a notifier that never was begins to read: what is older calls nobody any more.
  Result<uint64_t> FirstPosition() const;
  Status ReadAudit(MonoTime now);
  void QueueDue();
  void TakeOutcomes(MonoTime now);
  void TakeOutcome(const std::string& row, const TryOutcome& outcome, MonoTime now);
  void GiveUpOnTheOld();
  // The row goes to the dead letters, with why.
  void GiveUp(const std::string& row, const std::string& reason);
  void FlushDeadLetters();
  Status WriteTo(StoreTransaction* tx) const;
  Status Commit();
  void Send(MonoTime now);
  void SetNextWake(MonoTime now);
  void Publish();

  const NotifyConfig config_;
  const NotifierParts parts_;
  Random random_;
  Inbox<Tried> outcomes_;
  std::map<std::string, Channel> channels_;

  std::optional<Lease> lease_;
  MonoTime lease_renew_at_{};
  MonoTime next_wake_{};
  // Goes on with the monotonic clock, so that a jump of the wall clock sends nothing and loses
  // nothing.
  WallTime now_ = kWallNever;
  WallTime anchor_wall_ = kWallNever;
  MonoTime anchor_mono_{};

  uint64_t position_ = 0;  // the seq of the audit's entry that was taken last
  Grouping grouping_;
  NotifyQueue queue_;
  std::vector<std::pair<std::string, Record>> dead_letters_;  // by row
  // What the next commit writes.
  bool dirty_ = false;
  std::set<std::string> touched_;  // rows; one that is not in the queue any more is erased

  MetricCounter turns_failed_;
  MetricGauge leading_;
  MetricHistogram delay_;

  mutable absl::Mutex mutex_;
  std::vector<NotifyChannelState> published_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace fleetmedic

#endif  // FLEETMEDIC_NOTIFY_NOTIFIER_H_
