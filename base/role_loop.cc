#include "base/role_loop.h"

#include <sys/eventfd.h>

#include <utility>

#include "base/poll.h"
#include "base/thread.h"

namespace fleetmedic {

bool RoleLoopState::Stuck(MonoTime now, Micros limit) const {
  if (in_turn) return now - turn_start > limit;
  return due != kMonoForever && due < now && now - due > limit;
}

RoleLoop::RoleLoop(Role* role, const Clock* clock, std::function<void(Micros)> turn_done)
    : role_(role),
      clock_(clock),
      turn_done_(std::move(turn_done)),
      wake_(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {
  FLEETMEDIC_CHECK(wake_.ok());
}

RoleLoop::~RoleLoop() { Stop(); }

void RoleLoop::Start() {
  FLEETMEDIC_CHECK(!thread_.joinable() && !stop_);
  {
    absl::MutexLock lock(&mutex_);
    state_.due = clock_->Mono();
  }
  thread_ = StartThread(role_->name(), [this] { Loop(); });
}

void RoleLoop::Stop() {
  stop_ = true;
  Wake();
  if (thread_.joinable()) thread_.join();
}

void RoleLoop::Wake() {
  // Fails only when 2^64 - 2 wakes are waiting already.
  (void)eventfd_write(wake_.get(), 1);
}

RoleLoopState RoleLoop::state() const {
  absl::MutexLock lock(&mutex_);
  return state_;
}

void RoleLoop::Loop() {
  while (!stop_) {
    // Wakes so far are answered by this turn, those from here on by the next.
    eventfd_t wakes = 0;
    (void)eventfd_read(wake_.get(), &wakes);
    const MonoTime start = clock_->Mono();
    {
      absl::MutexLock lock(&mutex_);
      state_.in_turn = true;
      state_.turn_start = start;
    }
    role_->Turn(start);
    const MonoTime due = role_->NextWake();
    const MonoTime end = clock_->Mono();
    {
      absl::MutexLock lock(&mutex_);
      state_.in_turn = false;
      ++state_.turns;
      state_.turn_end = end;
      state_.turn_duration = end - start;
      state_.due = due;
    }
    if (turn_done_) turn_done_(end - start);
    pollfd wake{wake_.get(), POLLIN, 0};
    PollUntil({&wake, 1}, *clock_, due);
  }
}

}  // namespace fleetmedic
