// A store that fails on command or by chance, for tests and the simulator: a twin over any other.
#ifndef FLEETMEDIC_STORE_FAULT_STORE_H_
#define FLEETMEDIC_STORE_FAULT_STORE_H_

#include <array>
#include <cstdint>
#include <optional>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "base/random.h"
#include "store/store.h"

namespace fleetmedic {

enum class StoreCall : uint8_t {
  kLease,  // Acquire, Renew, Release
  kCommit,
  kRead,  // Get, Scan, ReadAudit, NewestAudit
};

// What a call meets. The caller cannot tell ...Before from ...After.
enum class StoreFault : uint8_t {
  kUnavailable,     // kUnavailable; a commit's body does not run
  kBusy,            // kBusy; a commit's body does not run
  kFull,            // kFull; the body ran, nothing changed
  kFailedBefore,    // kIo; the body ran, nothing changed
  kFailedAfter,     // kIo, and it happened
  kTimedOutBefore,  // kDeadlineExceeded; the body ran, nothing changed
  kTimedOutAfter,   // kDeadlineExceeded, and it happened
  kCrashBefore,     // as kFailedBefore, and all further calls fail until Reset
  kCrashAfter,      // as kFailedAfter, and all further calls fail until Reset
};
constexpr size_t kStoreFaultCount = 9;

// The probability of each fault for one call, in the order of StoreFault; together at most 1.
using StoreFaultChances = std::array<double, kStoreFaultCount>;

// Thread-safe. Without faults it is the wrapped store, call for call. A read has no "after" and
// fills no disk: kFull, kFailedAfter and kTimedOutAfter do not hit it. What the wrapped store
// refuses (fenced, held) and what a body fails with comes before an injected outcome.
class FaultStore final : public Store {
 public:
  // `wrapped` is not owned and stays as long as this. Several twins may share one store: each is
  // the way of one process to it.
  explicit FaultStore(Store* wrapped) : wrapped_(*wrapped) {}
  FaultStore(const FaultStore&) = delete;
  FaultStore& operator=(const FaultStore&) = delete;

  // The nth such call from now, 1 being the next, and those after it up to `times` in all. Where
  // two commands name the same call the earlier one holds.
  void FailAt(StoreCall call, int64_t nth, StoreFault fault, int64_t times = 1);
  // From now on every call may fail.
  void FailByChance(Random random, const StoreFaultChances& chances);
  // Forgets both.
  void Heal();

  bool crashed() const;
  // After a crash: calls pass again.
  void Reset();

  // Calls so far, the failed ones too: so that a test can fail each in turn.
  int64_t calls(StoreCall call) const;
  int64_t faults() const;

  Result<Lease> Acquire(std::string_view owner, Millis ttl) override;
  Result<Lease> Renew(const Lease& lease, Millis ttl) override;
  Status Release(const Lease& lease) override;
  Status Commit(Epoch epoch, absl::FunctionRef<Status(StoreTransaction&)> body) override;

  Result<std::optional<std::string>> Get(Table table, std::string_view key) const override;
  Result<std::vector<Row>> Scan(Table table, std::string_view after,
                                size_t rows_max) const override;
  Result<std::vector<AuditEntry>> ReadAudit(uint64_t after_seq, std::string_view object,
                                            size_t entries_max) const override;
  Result<std::vector<AuditEntry>> NewestAudit(std::string_view object,
                                              size_t entries_max) const override;

 private:
  struct Command {
    StoreCall call;
    int64_t first;  // counted as calls() are
    int64_t times;
    StoreFault fault;
  };
  // What one call is told before it goes to the wrapped store.
  struct Verdict {
    std::optional<Error> error;
    bool reaches = true;  // the store hears of it: a body runs
    bool happens = true;  // and it is done
  };

  Verdict Judge(StoreCall call) const;
  std::optional<StoreFault> Due(StoreCall call, int64_t count) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  Store& wrapped_;
  mutable absl::Mutex mutex_;
  std::vector<Command> commands_ ABSL_GUARDED_BY(mutex_);
  mutable std::optional<Random> random_ ABSL_GUARDED_BY(mutex_);
  StoreFaultChances chances_ ABSL_GUARDED_BY(mutex_){};
  mutable std::array<int64_t, 3> calls_ ABSL_GUARDED_BY(mutex_){};
  mutable int64_t faults_ ABSL_GUARDED_BY(mutex_) = 0;
  mutable bool crashed_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace fleetmedic

#endif  // FLEETMEDIC_STORE_FAULT_STORE_H_
