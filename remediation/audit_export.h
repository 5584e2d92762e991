// Tells the audit to its topic: each entry at least once, in the order of the chain, after the
// commit that made it. Nothing else waits for it: a log that is away delays the topic and no
// decision.
#ifndef FLEETMEDIC_REMEDIATION_AUDIT_EXPORT_H_
#define FLEETMEDIC_REMEDIATION_AUDIT_EXPORT_H_

#include <functional>

#include "base/inbox.h"
#include "base/metrics.h"
#include "base/workers.h"
#include "eventlog/event_log.h"
#include "remediation/ledger.h"
#include "store/store.h"

namespace fleetmedic {

// Owned by the role's thread; the work that it submits touches only the store, the log and the
// inbox. One batch is under way at a time, so that the order holds. The place up to which entries
// were told is the ledger's: who leads next goes on from there. A crash between the append and the
// mark, and a leader that acts late, repeat entries, and leave none out.
class AuditExport {
 public:
  static constexpr size_t kEntriesMax = 256;  // of one batch
  static constexpr Millis kRetryMin = Seconds(1);
  static constexpr Millis kRetryMax = Seconds(60);

  struct Environment {
    const Store& store;
    EventLog& log;
    Workers& workers;
    Metrics& metrics;
    std::function<void()> wake;
  };
  explicit AuditExport(Environment environment);

  // Entries were committed, or may have been by who led before.
  void Note() { waiting_ = true; }
  // What workers brought back: the place goes into the ledger, for the pass's commit.
  void TakeOutcome(MonoTime now, Ledger* ledger);
  // After the commit: starts a batch where one is due.
  void Act(MonoTime now, const Ledger& ledger);
  // When something is to be done next; kMonoForever for never.
  MonoTime NextDue() const { return waiting_ && !in_flight_ ? due_ : kMonoForever; }

 private:
  struct Outcome {
    uint64_t to_seq = 0;
    size_t entries = 0;
    Status status;
  };
  Outcome TellBatch(uint64_t after_seq) const;

  const Environment env_;
  Inbox<Outcome> outcomes_;
  bool waiting_ = false;
  bool in_flight_ = false;
  int failures_ = 0;
  MonoTime due_{};
  MetricCounter told_;
  MetricCounter failed_;
};

}  // namespace fleetmedic

#endif  // FLEETMEDIC_REMEDIATION_AUDIT_EXPORT_H_
