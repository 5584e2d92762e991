// The last look before a side effect. It is asked on the thread that is about to act, after
// everything else was decided and made durable.
#ifndef FLEETMEDIC_REMEDIATION_GATE_H_
#define FLEETMEDIC_REMEDIATION_GATE_H_

#include <atomic>
#include <string>

#include "base/clock.h"

namespace fleetmedic {

// Thread-safe.
class Gate {
 public:
  // `hold_file`: the path whose existence holds everything, so that `touch` works with everything
  // else dead. Empty: there is none (the simulator).
  Gate(const Clock& clock, std::string hold_file);

  // The leader renewed: it may act until this instant, by the monotonic clock.
  void LeadUntil(MonoTime until) { lead_until_ = until.time_since_epoch().count(); }

  // Holds everything at once, before any reply and before the hold is durable. Taken back by the
  // role alone, when its records say that nothing holds.
  void Hold() { held_.store(true); }
  void Unhold() { held_.store(false); }

  // Empty where a side effect may happen now; otherwise why not. A hold file that cannot be
  // looked for counts as there.
  std::string Closed() const;

  // Whether the hold file is there (or cannot be looked for); one system call. `since`, when not
  // null, is set to when it was last touched, where that can be told.
  bool HoldFilePresent(WallTime* since = nullptr) const;
  const std::string& hold_file() const { return hold_file_; }

 private:
  const Clock& clock_;
  const std::string hold_file_;
  std::atomic<MonoTime::rep> lead_until_{0};
  std::atomic<bool> held_{false};
};

}  // namespace fleetmedic

#endif  // FLEETMEDIC_REMEDIATION_GATE_H_
