// Reading the audit for people: entries, and how far the chain of hashes was found whole.
#ifndef FLEETMEDIC_CONSOLE_AUDIT_VIEW_H_
#define FLEETMEDIC_CONSOLE_AUDIT_VIEW_H_

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "base/json.h"
#include "base/time.h"
#include "model/audit_chain.h"
#include "store/store.h"

namespace fleetmedic {

// Recomputes the chain a piece at a time, so that no request pays for years of audit. Starts over
// after kRecheckEvery, since what was whole may have been touched since. Thread-safe.
class ChainCheck {
 public:
  static constexpr size_t kEntriesPerLookMax = 2000;
  static constexpr Hours kRecheckEvery{1};

  // Goes on from where it stands. {"ok": true, "to_seq": n}; where an entry does not follow from
  // the one before: {"ok": false, "to_seq": the last that holds, "error"}. A store that cannot be
  // read is an error with ok: true, for nothing is known against the chain. While another request
  // is at it, what was found last.
  Json Look(const Store& store, MonoTime now);

 private:
  Status Advance(const Store& store) ABSL_EXCLUSIVE_LOCKS_REQUIRED(work_mutex_);

  // Held over reads of the store; nobody waits for it.
  absl::Mutex work_mutex_ ABSL_ACQUIRED_BEFORE(mutex_);
  AuditTail tail_ ABSL_GUARDED_BY(work_mutex_);
  MonoTime begun_at_ ABSL_GUARDED_BY(work_mutex_){};
  bool begun_ ABSL_GUARDED_BY(work_mutex_) = false;

  absl::Mutex mutex_;
  Json found_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace fleetmedic

#endif  // FLEETMEDIC_CONSOLE_AUDIT_VIEW_H_
