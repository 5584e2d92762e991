#include "base/role_loop.h"

#include <gtest/gtest.h>

#include <vector>

#include "absl/synchronization/notification.h"
#include "base/inbox.h"

namespace fleetmedic {
namespace {

// Says when each turn begins, and asks for the next after `pause`.
class CountingRole final : public Role {
 public:
  explicit CountingRole(Micros pause) : pause_(pause) {}

  std::string_view name() const override { return "counting"; }
  void Turn(MonoTime now) override {
    last_ = now;
    absl::MutexLock lock(&mutex_);
    ++turns_;
  }
  MonoTime NextWake() const override {
    return pause_ == Micros::max() ? kMonoForever : last_ + pause_;
  }

  void AwaitTurns(int64_t wanted) {
    absl::MutexLock lock(&mutex_);
    wanted_ = wanted;
    mutex_.Await(absl::Condition(this, &CountingRole::Enough));
  }

 private:
  bool Enough() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) { return turns_ >= wanted_; }

  const Micros pause_;
  MonoTime last_{};
  absl::Mutex mutex_;
  int64_t turns_ ABSL_GUARDED_BY(mutex_) = 0;
  int64_t wanted_ ABSL_GUARDED_BY(mutex_) = 0;
};

TEST(RoleLoop, TurnsAtOnceAndThenWhenItIsDue) {
  const SystemClock clock;
  CountingRole role(Millis(2));
  RoleLoop loop(&role, &clock);
  const MonoTime start = clock.Mono();
  loop.Start();
  role.AwaitTurns(6);
  EXPECT_GE(clock.Mono() - start, Millis(10));
  loop.Stop();
  const int64_t turns = loop.state().turns;
  EXPECT_GE(turns, 6);
  EXPECT_FALSE(loop.state().in_turn);
  loop.Stop();
  EXPECT_EQ(loop.state().turns, turns);
}

TEST(RoleLoop, AWakeIsAnsweredThoughNothingIsDue) {
  const SystemClock clock;
  CountingRole role(Micros::max());
  RoleLoop loop(&role, &clock);
  loop.Start();
  for (int64_t turn = 1; turn <= 100; ++turn) {
    role.AwaitTurns(turn);
    loop.Wake();
  }
  role.AwaitTurns(101);
}

TEST(RoleLoop, StopsThoughItIsNeverDueOrNeverStarted) {
  const SystemClock clock;
  CountingRole role(Micros::max());
  { const RoleLoop loop(&role, &clock); }
  RoleLoop loop(&role, &clock);
  loop.Start();
  role.AwaitTurns(1);
}

// Adds up what is posted to its inbox.
class AddingRole final : public Role {
 public:
  explicit AddingRole(int wanted) : wanted_(wanted) {}

  std::string_view name() const override { return "adding"; }
  void Turn(MonoTime) override {
    for (const int item : inbox->TakeAll()) sum_ += item;
    // A last wake may turn it once more.
    if (sum_ == wanted_ && !done.HasBeenNotified()) done.Notify();
  }
  MonoTime NextWake() const override { return kMonoForever; }

  Inbox<int>* inbox = nullptr;
  absl::Notification done;

 private:
  const int wanted_;
  int sum_ = 0;
};

TEST(RoleLoop, NoPostIsLost) {
  const SystemClock clock;
  AddingRole role(10'000);
  RoleLoop loop(&role, &clock);
  Inbox<int> inbox(10'000, [&] { loop.Wake(); });
  role.inbox = &inbox;
  loop.Start();
  for (int i = 0; i < 10'000; ++i) ASSERT_TRUE(inbox.Post(1));
  role.done.WaitForNotification();
  loop.Stop();  // a last turn may still look into the inbox
}

TEST(RoleLoop, TellsTheDurationOfEachTurn) {
  const SystemClock clock;
  CountingRole role(Millis(1));
  std::atomic<int64_t> told{0};
  RoleLoop loop(&role, &clock, [&](Micros duration) {
    EXPECT_GE(duration, Micros(0));
    ++told;
  });
  loop.Start();
  role.AwaitTurns(3);
  loop.Stop();
  EXPECT_EQ(told, loop.state().turns);
}

TEST(RoleLoopState, KnowsWhenTheRoleIsStuck) {
  const MonoTime now{Hours(1)};
  RoleLoopState state;
  EXPECT_FALSE(state.Stuck(now, Seconds(5))) << "waits for a wake";
  state.due = now - Seconds(4);
  EXPECT_FALSE(state.Stuck(now, Seconds(5))) << "a little late";
  state.due = now - Seconds(6);
  EXPECT_TRUE(state.Stuck(now, Seconds(5))) << "should have turned";
  state.in_turn = true;
  state.turn_start = now - Seconds(1);
  EXPECT_FALSE(state.Stuck(now, Seconds(5))) << "is at work";
  state.turn_start = now - Seconds(6);
  EXPECT_TRUE(state.Stuck(now, Seconds(5))) << "has been at it for too long";
}

}  // namespace
}  // namespace fleetmedic
