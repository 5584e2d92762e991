// Acts on what is decided and durable, and brings back what came of it. Each row is repeated until
// it is confirmed or superseded; revisions and repair ids make a repeat harmless.
#ifndef FLEETMEDIC_REMEDIATION_OUTBOX_H_
#define FLEETMEDIC_REMEDIATION_OUTBOX_H_

#include <atomic>
#include <map>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "base/clock.h"
#include "base/inbox.h"
#include "base/metrics.h"
#include "base/workers.h"
#include "config/remediator_config.h"
#include "remediation/gate.h"
#include "remediation/ledger.h"
#include "scheduler-hooks/scheduler_hook.h"

namespace fleetmedic {

// What workers bring back.
namespace outcome {
struct Applied {
  std::string key;  // of the outbox row
  Directive directive;
  Result<HostView> view;
};
struct Ordered {  // a repair's command is in the log
  std::string key;
  std::string repair_id;
  Status status;
};
struct Listed {
  uint64_t life = 0;  // in which it was asked for: see Outbox::Reset
  Result<std::vector<HostView>> views;
};
}  // namespace outcome
using Outcome = std::variant<outcome::Applied, outcome::Ordered, outcome::Listed>;

// Owned by the role's thread; the work it submits touches only the gate, the hook, the log and
// the inbox.
class Outbox {
 public:
  static constexpr size_t kInFlightMax = 32;
  static constexpr Millis kRetryMin = Seconds(1);
  static constexpr Millis kRetryMax = Seconds(30);
  static constexpr size_t kOutcomesMax = 4096;

  struct Environment {
    const Clock& clock;
    const Gate& gate;
    EventLog& log;
    SchedulerHook& hook;
    Workers& workers;
    Metrics& metrics;
    std::function<void()> wake;
    // Whether a row that passed every check need not wait for its evidence any longer.
    std::function<bool(const OutboxRow&, MonoTime)> evidence_ready;
    // The open fleet issue that the worst condition of this host is part of; empty for none.
    std::function<std::string(const HostRecord&)> issue;
  };

  Outbox(const RemediatorConfig& config, Environment environment);

  // Starts what is due and passes every check: the row's record is as it was decided, nothing
  // holds it, the mode allows it, the evidence still stands. Rows that have no record any more,
  // or an overtaken one, are erased from the ledger.
  void Act(Mode mode, WallTime now, MonoTime mono, Ledger* ledger);
  // Takes back the permit of what was submitted and has not acted yet, where it may not any more.
  // Called before the commit that says so, so that no act follows a hold that was answered.
  void Revoke(Mode mode, WallTime now, const Ledger& ledger);
  // Asks the scheduler for its list, one request at a time.
  void AskList(MonoTime mono);

  std::vector<Outcome> TakeOutcomes();
  // After an error: not before its back-off is over.
  void Failed(const std::string& key, MonoTime mono);
  void Succeeded(const std::string& key) { attempts_.erase(key); }
  // When something is due next; kMonoForever for never.
  MonoTime NextDue() const;
  // Forgets attempts, back-offs and a list that is under way: another leader may have acted since.
  void Reset();

 private:
  struct Attempt {
    bool in_flight = false;
    int failures = 0;
    MonoTime due{};
    // Looked at by the worker at the last instant; cleared by Revoke.
    std::shared_ptr<std::atomic<bool>> permit;
  };

  // Why the row must not be acted on now; empty where it may.
  std::string Stopped(const OutboxRow& row, const HostRecord& record, Mode mode,
                      WallTime now) const;
  void Send(const std::string& key, const OutboxRow& row, MonoTime mono);

  const RemediatorConfig& config_;
  const Environment env_;
  Inbox<Outcome> outcomes_;
  std::map<std::string, Attempt> attempts_;
  bool list_in_flight_ = false;
  uint64_t life_ = 0;
  size_t in_flight_ = 0;
  MetricCounter sent_;
  MetricCounter failed_;
  MetricCounter stopped_;
};

}  // namespace fleetmedic

#endif  // FLEETMEDIC_REMEDIATION_OUTBOX_H_
