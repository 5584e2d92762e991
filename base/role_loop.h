// The thread of one role in production.
#ifndef FLEETMEDIC_BASE_ROLE_LOOP_H_
#define FLEETMEDIC_BASE_ROLE_LOOP_H_

#include <atomic>
#include <cstdint>
#include <functional>
#include <thread>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "base/clock.h"
#include "base/role.h"
#include "base/unique_fd.h"

namespace fleetmedic {

// What a loop is doing, for /healthz and metrics.
struct RoleLoopState {
  bool in_turn = false;
  int64_t turns = 0;            // finished
  MonoTime turn_start{};        // of the present turn, or else of the last one
  MonoTime turn_end{};          // of the last finished one
  Micros turn_duration{};       // of the last finished one
  MonoTime due = kMonoForever;  // while it waits: when the next turn starts at the latest

  // True when a turn takes longer than `limit`, or should have started that long ago: the role is
  // stuck, or the machine starves it.
  bool Stuck(MonoTime now, Micros limit) const;
};

// Calls Turn, waits until NextWake or Wake, and so on, all on a thread of its own. The first turn
// is at once. `role` and `clock` are not owned and must stay until Stop returned.
//
// Waiting is measured by the kernel's monotonic clock: a jump of the wall clock neither delays nor
// hurries a turn.
class RoleLoop {
 public:
  // `turn_done`, when not empty, is called on the loop's thread after each turn with its duration.
  RoleLoop(Role* role, const Clock* clock, std::function<void(Micros)> turn_done = {});
  RoleLoop(const RoleLoop&) = delete;
  RoleLoop& operator=(const RoleLoop&) = delete;
  ~RoleLoop();  // stops

  // Once. Start and Stop are for the owner's thread alone.
  void Start();
  // Waits for the end of the turn under way; there is none after it. May be repeated.
  void Stop();

  // Turn soon, though NextWake is later. A turn that is under way is followed by another, so that
  // what was posted before Wake is always seen. Thread-safe, and safe in a signal handler.
  void Wake();

  // Thread-safe.
  RoleLoopState state() const;

 private:
  void Loop();

  Role* const role_;
  const Clock* const clock_;
  const std::function<void(Micros)> turn_done_;
  const UniqueFd wake_;  // an eventfd: readable while somebody wants a turn
  std::atomic<bool> stop_{false};
  std::thread thread_;
  mutable absl::Mutex mutex_;
  RoleLoopState state_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace fleetmedic

#endif  // FLEETMEDIC_BASE_ROLE_LOOP_H_
