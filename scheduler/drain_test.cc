#include "scheduler/drain.h"

#include "scheduler/test_fleet.h"

namespace fleetmedic {
namespace {

// Checks after every command that no job ever ran fewer tasks than min_healthy.
void WatchFloor(TestFleet* fleet, const std::string& job, int floor) {
  fleet->after_command = [fleet, job, floor] { EXPECT_GE(fleet->Running(job), floor); };
}

TEST(DrainTest, AReplacementRunsBeforeTheTaskLeaves) {
  TestFleet fleet;
  fleet.AddHost("a");
  fleet.AddHost("b");
  fleet.Put(TestJob("web", 1, 0));
  fleet.Turns(3);
  ASSERT_EQ(fleet.RunningOn("a").size(), 1U);
  WatchFloor(&fleet, "web", 1);
  ASSERT_TRUE(fleet.Direct("a", Want::kDrained, 1));
  fleet.Turns(6);
  EXPECT_EQ(fleet.View("a").tasks_left, 0);
  EXPECT_EQ(fleet.View("a").blocked_by, "");
  EXPECT_EQ(fleet.Running("web"), 1);
}

TEST(DrainTest, WithoutRoomForAReplacementTheTaskLeavesWhenMinHealthyAllows) {
  TestFleet fleet;
  fleet.AddHost("a");
  fleet.Put(TestJob("web", 2, 1));
  fleet.Turns(4);
  ASSERT_TRUE(fleet.Direct("a", Want::kDrained, 1));
  fleet.Turns(10);
  EXPECT_EQ(fleet.View("a").tasks_left, 1);
  EXPECT_EQ(fleet.View("a").blocked_by, "job web: min_healthy 1 of 2 (1 healthy)");
}

TEST(DrainTest, AReplacementThatDoesNotComeUpIsNotWaitedForForEver) {
  TestFleet fleet;
  fleet.AddHost("a");
  fleet.Put(TestJob("web", 2, 1));
  fleet.Turns(4);
  fleet.AddHost("b").stuck = true;
  ASSERT_TRUE(fleet.Direct("a", Want::kDrained, 1));
  fleet.Turns(30);
  EXPECT_EQ(fleet.View("a").tasks_left, 2);
  fleet.Turns(60);
  EXPECT_EQ(fleet.View("a").tasks_left, 1);
}

TEST(DrainTest, MinHealthyOfAllInstancesMeansNeverAndIsNamed) {
  TestFleet fleet;
  for (const char* id : {"a", "b", "c", "d"}) fleet.AddHost(id);
  fleet.Put(TestJob("web", 3, 3));
  fleet.Turns(4);
  const std::set<TaskId> before = fleet.RunningOn("a");
  ASSERT_EQ(before.size(), 1U);
  ASSERT_TRUE(fleet.Direct("a", Want::kDrained, 1));
  fleet.Turns(300);
  EXPECT_EQ(fleet.RunningOn("a"), before);
  EXPECT_EQ(fleet.View("a").blocked_by, "job web: min_healthy 3 of 3 (3 healthy)");
  EXPECT_EQ(fleet.started.size(), 3U) << "no replacement is started for it";
}

TEST(DrainTest, APersonWhoRaisesTheInstancesMovesAJobThatIsNeverEvicted) {
  TestFleet fleet;
  for (const char* id : {"a", "b", "c", "d"}) fleet.AddHost(id);
  fleet.Put(TestJob("web", 3, 3));
  fleet.Turns(4);
  ASSERT_TRUE(fleet.Direct("a", Want::kDrained, 1));
  fleet.Turns(3);
  WatchFloor(&fleet, "web", 3);
  fleet.Put(TestJob("web", 4, 3));
  fleet.Turns(6);
  EXPECT_EQ(fleet.View("a").tasks_left, 0);
  EXPECT_EQ(fleet.Running("web"), 4);
}

TEST(DrainTest, MinHealthyOfMoreThanTheInstancesIsNeverToo) {
  TestFleet fleet;
  fleet.AddHost("a");
  fleet.AddHost("b");
  fleet.Put(TestJob("web", 2, 5));
  fleet.Turns(4);
  ASSERT_TRUE(fleet.Direct("a", Want::kDrained, 1));
  fleet.Turns(20);
  EXPECT_EQ(fleet.RunningOn("a").size(), 1U);
}

TEST(DrainTest, HealthThatIsMissingCountsAsUnhealthy) {
  TestFleet fleet;
  fleet.AddHost("a");
  fleet.AddHost("b");
  fleet.Put(TestJob("web", 2, 1));
  fleet.Turns(4);
  ASSERT_EQ(fleet.RunningOn("b").size(), 1U);
  fleet.hosts.at(HostId("b")).silent = true;
  fleet.Turns(31);  // nobody knows how b's task is
  ASSERT_TRUE(fleet.Direct("a", Want::kDrained, 1));
  fleet.Turns(20);
  EXPECT_EQ(fleet.RunningOn("a").size(), 1U);
  EXPECT_EQ(fleet.View("a").blocked_by, "job web: min_healthy 1 of 2 (1 healthy)");
}

TEST(DrainTest, ATaskOfAnotherHostThatIsBeingStoppedIsNotHealthy) {
  TestFleet fleet;
  fleet.AddHost("a");
  fleet.AddHost("b");
  fleet.Put(TestJob("web", 2, 1));
  fleet.Turns(4);
  fleet.hosts.at(HostId("a")).capacity = {};
  fleet.hosts.at(HostId("b")).capacity = {};
  ASSERT_TRUE(fleet.Direct("a", Want::kDrained, 1));
  ASSERT_TRUE(fleet.Direct("b", Want::kDrained, 1));
  fleet.Turn();
  fleet.Turn();
  const DrainPlan plan = PlanDrain(fleet.core.cluster(), fleet.now);
  EXPECT_TRUE(plan.evict.empty()) << "one left already; the second is the last healthy one";
  fleet.Turns(20);
  EXPECT_EQ(fleet.Running("web"), 1);
}

TEST(DrainTest, HostsThatCanBeEmptiedCompletelyGoFirst) {
  TestFleet fleet(SchedulerOptions{.surge_share_max = 0});
  fleet.AddHost("a").capacity = {.cpu_milli = 2000, .memory_bytes = 2000};
  fleet.Put(TestJob("pinned", 1, 1));
  fleet.Put(TestJob("web", 2, 1));
  fleet.Turns(3);
  fleet.AddHost("b");
  fleet.Turns(4);
  ASSERT_EQ(fleet.RunningOn("a").size(), 2U) << "the pinned one and one of web";
  ASSERT_EQ(fleet.RunningOn("b").size(), 1U) << "the other of web";
  ASSERT_TRUE(fleet.Direct("a", Want::kDrained, 1));
  ASSERT_TRUE(fleet.Direct("b", Want::kDrained, 1));
  fleet.Turns(20);
  EXPECT_EQ(fleet.View("b").tasks_left, 0);
  EXPECT_EQ(fleet.View("a").tasks_left, 2);
  EXPECT_EQ(fleet.View("a").blocked_by, "job pinned: min_healthy 1 of 1 (1 healthy)");
}

TEST(DrainTest, ABatchTaskIsRunAgainUnderANewId) {
  TestFleet fleet;
  fleet.AddHost("a");
  Job batch = TestJob("report", 1, 0);
  batch.kind = JobKind::kBatch;
  batch.restart = Restart::kOnFailure;
  fleet.Put(batch);
  fleet.Turns(3);
  fleet.AddHost("b");
  ASSERT_TRUE(fleet.Direct("a", Want::kDrained, 1));
  fleet.Turns(5);
  EXPECT_EQ(fleet.View("a").tasks_left, 0);
  ASSERT_EQ(fleet.started.size(), 2U);
  EXPECT_NE(fleet.started[0], fleet.started[1]);
  EXPECT_EQ(fleet.ViewJob("report").finished, 0) << "evicted is not done";
}

TEST(DrainTest, ABatchTaskThatMayNotBeRunAgainIsNeverEvicted) {
  TestFleet fleet;
  fleet.AddHost("a");
  fleet.AddHost("b");
  Job batch = TestJob("migrate", 1, 0);
  batch.kind = JobKind::kBatch;
  batch.restart = Restart::kNever;
  fleet.Put(batch);
  fleet.Turns(3);
  ASSERT_TRUE(fleet.Direct("a", Want::kDrained, 1));
  fleet.Turns(20);
  EXPECT_EQ(fleet.RunningOn("a").size(), 1U);
  EXPECT_EQ(fleet.View("a").blocked_by,
            "job migrate: batch with restart never, task migrate/0-1 may not be run again");
}

TEST(DrainTest, AHostThatIsNotConnectedSaysThatItsTasksMayStillRun) {
  TestFleet fleet;
  TestFleet::Host& a = fleet.AddHost("a");
  fleet.AddHost("b");
  fleet.Put(TestJob("web", 1, 0));
  fleet.Turns(3);
  ASSERT_TRUE(fleet.Direct("a", Want::kDrained, 1));
  a.silent = true;
  fleet.now += Seconds(31);
  fleet.Turns(5);
  EXPECT_EQ(fleet.View("a").tasks_left, 1);
  EXPECT_EQ(fleet.View("a").blocked_by, "host is not connected: 1 tasks may still run on it");
}

TEST(DrainTest, ATaskThatDoesNotStopIsNamed) {
  TestFleet fleet;
  TestFleet::Host& a = fleet.AddHost("a");
  fleet.Put(TestJob("web", 1, 0));
  fleet.Turns(3);
  ASSERT_TRUE(fleet.Direct("a", Want::kDrained, 1));
  a.deaf = true;
  fleet.Turns(30);
  EXPECT_EQ(fleet.View("a").blocked_by, "");
  fleet.Turns(60);
  EXPECT_EQ(fleet.View("a").blocked_by, "job web: task web/0-1 was told to stop and does not");
}

TEST(DrainTest, TenHostsAtOnceNeverTakeAJobBelowItsFloor) {
  TestFleet fleet;
  for (int i = 0; i < 20; ++i) fleet.AddHost("h" + std::to_string(10 + i));
  fleet.Put(TestJob("web", 40, 36));
  fleet.Turns(6);
  ASSERT_EQ(fleet.Running("web"), 40);
  WatchFloor(&fleet, "web", 36);
  for (int i = 0; i < 10; ++i) {
    ASSERT_TRUE(fleet.Direct("h" + std::to_string(10 + i), Want::kDrained, 1));
  }
  fleet.Turns(60);
  for (int i = 0; i < 10; ++i) EXPECT_EQ(fleet.View("h" + std::to_string(10 + i)).tasks_left, 0);
  EXPECT_EQ(fleet.Running("web"), 40);
}

TEST(DrainTest, ADrainThatIsTakenBackStopsTheReplacementAndNotTheTask) {
  TestFleet fleet;
  fleet.AddHost("a");
  fleet.Put(TestJob("web", 1, 0));
  fleet.Turns(3);
  const std::set<TaskId> before = fleet.RunningOn("a");
  TestFleet::Host& b = fleet.AddHost("b");
  b.stuck = true;
  ASSERT_TRUE(fleet.Direct("a", Want::kDrained, 1));
  fleet.Turns(5);
  EXPECT_EQ(fleet.View("b").tasks_left, 1);
  ASSERT_TRUE(fleet.Direct("a", Want::kSchedulable, 2));
  fleet.Turns(5);
  EXPECT_EQ(fleet.RunningOn("a"), before);
  EXPECT_EQ(fleet.View("b").tasks_left, 0);
}

}  // namespace
}  // namespace fleetmedic
