#include "scheduler/reconcile.h"

#include <gmock/gmock.h>

#include "scheduler/test_fleet.h"

namespace fleetmedic {
namespace {

TEST(ReconcileTest, AFailedServiceTaskIsReplacedUnderANewId) {
  TestFleet fleet;
  fleet.AddHost("a");
  fleet.Put(TestJob("web", 1, 0));
  fleet.Turns(3);
  fleet.Fail(fleet.started.at(0));
  fleet.Turns(5);
  ASSERT_EQ(fleet.started.size(), 2U);
  EXPECT_NE(fleet.started[0], fleet.started[1]);
  EXPECT_EQ(fleet.core.cluster().task(fleet.started[0]).state, TaskState::kFailed);
}

TEST(ReconcileTest, ACrashLoopIsBackedOffAndIsTheJobsConditionNotTheHosts) {
  TestFleet fleet;
  fleet.AddHost("a");
  fleet.Put(TestJob("web", 1, 0));
  for (int second = 0; second < 600; ++second) {
    fleet.Turn();
    for (const TaskId& id : fleet.RunningOn("a")) fleet.Fail(id);
  }
  // 1 + 2 + 4 + ... + 256 seconds pass within ten minutes, and a few of starting each.
  EXPECT_GE(fleet.started.size(), 7U);
  EXPECT_LE(fleet.started.size(), 10U);
  EXPECT_THAT(fleet.ViewJob("web").condition, testing::AllOf(testing::StartsWith("crash loop: "),
                                                             testing::HasSubstr("exit code 1")));
  EXPECT_EQ(fleet.View("a").want, Want::kSchedulable);
}

TEST(ReconcileTest, ARestartOfTheSchedulerIsNoFreeRoundForAJobThatCrashes) {
  TestFleet fleet;
  fleet.AddHost("a");
  fleet.Put(TestJob("web", 1, 0));
  for (int second = 0; second < 200; ++second) {
    fleet.Turn();
    for (const TaskId& id : fleet.RunningOn("a")) fleet.Fail(id);
  }
  TestFleet again(SchedulerOptions{.incarnation = "1"});
  again.now = fleet.now;
  again.hosts = fleet.hosts;
  EXPECT_TRUE(again.core.Restore(fleet.Rows(), again.now).empty());
  again.Turns(60);
  EXPECT_TRUE(again.started.empty());
  again.Turns(600);
  EXPECT_EQ(again.started.size(), 1U);
}

TEST(ReconcileTest, TheRowOfCrashesEndsAfterTenQuietMinutes) {
  TestFleet fleet;
  fleet.AddHost("a");
  fleet.Put(TestJob("web", 1, 0));
  fleet.Turns(3);
  fleet.Fail(fleet.started.at(0));
  fleet.Turns(30);
  ASSERT_EQ(fleet.core.cluster().jobs().at(JobId("web")).crashes, 1);
  fleet.Turns(601);
  EXPECT_EQ(fleet.core.cluster().jobs().at(JobId("web")).crashes, 0);
}

TEST(ReconcileTest, ABatchJobIsDoneWhenEachOfItsTasksFinishedOnce) {
  TestFleet fleet;
  fleet.AddHost("a");
  Job batch = TestJob("report", 3, 0);
  batch.kind = JobKind::kBatch;
  batch.restart = Restart::kOnFailure;
  fleet.Put(batch);
  fleet.Turns(5);
  ASSERT_EQ(fleet.started.size(), 3U);
  for (const TaskId& id : fleet.RunningOn("a")) {
    fleet.hosts.at(HostId("a")).tasks[id].state = TaskState::kFinished;
    fleet.ended.insert(id);
  }
  fleet.Turns(20);
  EXPECT_EQ(fleet.started.size(), 3U);
  EXPECT_EQ(fleet.ViewJob("report").finished, 3);
  EXPECT_EQ(fleet.ViewJob("report").condition, "");
}

TEST(ReconcileTest, ABatchTaskWithRestartNeverThatFailedIsNotRunAgain) {
  TestFleet fleet;
  fleet.AddHost("a");
  Job batch = TestJob("migrate", 1, 0);
  batch.kind = JobKind::kBatch;
  batch.restart = Restart::kNever;
  fleet.Put(batch);
  fleet.Turns(3);
  fleet.Fail(fleet.started.at(0));
  fleet.Turns(60);
  EXPECT_EQ(fleet.started.size(), 1U);
  EXPECT_EQ(fleet.ViewJob("migrate").condition, "1 tasks failed and are not run again");
}

TEST(ReconcileTest, ATaskThatIsNotHeardOfInTimeIsStoppedAndReplacedNotForgotten) {
  TestFleet fleet;
  TestFleet::Host& a = fleet.AddHost("a");
  a.deaf = true;
  fleet.Put(TestJob("web", 1, 0));
  fleet.Turns(50);
  fleet.AddHost("b");
  fleet.Turns(30);
  EXPECT_EQ(fleet.RunningOn("b").size(), 1U);
  EXPECT_EQ(fleet.View("a").tasks_left, 1) << "the command may still be on its way";
  a.deaf = false;
  fleet.Turns(120);
  EXPECT_EQ(fleet.View("a").tasks_left, 0);
}

TEST(ReconcileTest, TasksOfALostHostAreReplacedAndTheSurplusIsStoppedWhenItComesBack) {
  TestFleet fleet;
  TestFleet::Host& a = fleet.AddHost("a");
  fleet.Put(TestJob("web", 2, 0));
  fleet.Turns(4);
  const std::set<TaskId> old = fleet.RunningOn("a");
  fleet.AddHost("b");
  a.silent = true;
  fleet.Turns(200);
  EXPECT_TRUE(fleet.RunningOn("b").empty()) << "five minutes are not over";
  fleet.Turns(150);
  EXPECT_EQ(fleet.RunningOn("b").size(), 2U);
  EXPECT_EQ(fleet.Running("web"), 4) << "the lost ones run on behind the broken wire";
  EXPECT_EQ(fleet.View("a").tasks_left, 2);
  a.silent = false;
  fleet.Turns(5);
  EXPECT_EQ(fleet.Running("web"), 2);
  EXPECT_EQ(fleet.RunningOn("a"), old) << "the newest go";
}

TEST(ReconcileTest, WithoutRoomForReplacementsTheReturningTasksAreKept) {
  TestFleet fleet;
  TestFleet::Host& a = fleet.AddHost("a");
  fleet.Put(TestJob("web", 3, 0));
  fleet.Turns(5);
  a.silent = true;
  fleet.Turns(400);
  EXPECT_EQ(fleet.ViewJob("web").pending, 3);
  a.silent = false;
  fleet.Turns(5);
  EXPECT_EQ(fleet.Running("web"), 3);
  EXPECT_EQ(fleet.started.size(), 3U);
  EXPECT_EQ(fleet.ViewJob("web").pending, 0);
}

TEST(ReconcileTest, AHostThatComesBackWithoutItsTasksHasLostThem) {
  TestFleet fleet;
  TestFleet::Host& a = fleet.AddHost("a");
  fleet.Put(TestJob("web", 1, 0));
  fleet.Turns(3);
  a.silent = true;
  fleet.Turns(400);
  a.silent = false;
  a.tasks.clear();
  a.boot_id = "boot-2";
  a.sequence = 0;
  fleet.Turns(4);
  EXPECT_EQ(fleet.core.cluster().task(fleet.started.at(0)).state, TaskState::kLost);
  EXPECT_EQ(fleet.Running("web"), 1);
}

TEST(ReconcileTest, ASilentCellIsFrozenNotReplaced) {
  TestFleet fleet;
  for (int i = 0; i < 40; ++i) fleet.AddHost("h" + std::to_string(10 + i));
  fleet.Put(TestJob("web", 40, 0));
  fleet.Turns(5);
  for (int i = 0; i < 5; ++i) fleet.hosts.at(HostId("h" + std::to_string(10 + i))).silent = true;
  fleet.Turns(900);
  EXPECT_TRUE(fleet.core.summary().frozen);
  EXPECT_EQ(fleet.started.size(), 40U);
  fleet.hosts.at(HostId("h10")).silent = false;
  fleet.hosts.at(HostId("h11")).silent = false;
  fleet.Turns(5);
  EXPECT_FALSE(fleet.core.summary().frozen);
  EXPECT_EQ(fleet.started.size(), 43U) << "three hosts are within the limit";
}

TEST(ReconcileTest, FewerInstancesStopFirstWhatDoesNotRunThenTheNewest) {
  TestFleet fleet;
  fleet.AddHost("a");
  fleet.Put(TestJob("web", 6, 0));
  fleet.Turns(8);
  ASSERT_EQ(fleet.Running("web"), 4);
  ASSERT_EQ(fleet.ViewJob("web").pending, 2);
  fleet.Put(TestJob("web", 4, 0));
  fleet.Turns(2);
  EXPECT_EQ(fleet.Running("web"), 4);
  fleet.Put(TestJob("web", 2, 0));
  fleet.Turns(3);
  EXPECT_EQ(fleet.RunningOn("a"), (std::set<TaskId>{fleet.started[0], fleet.started[1]}));
}

TEST(ReconcileTest, ARemovedJobGoesWhenItsLastTaskHasEnded) {
  TestFleet fleet;
  TestFleet::Host& a = fleet.AddHost("a");
  fleet.Put(TestJob("web", 2, 2));
  fleet.Turns(4);
  ASSERT_TRUE(fleet.core.cluster().RemoveJob(JobId("web")));
  a.deaf = true;
  fleet.Turns(2);
  EXPECT_EQ(fleet.core.cluster().PutJob(TestJob("web", 1, 0)).error().code, Code::kConflict);
  a.deaf = false;
  fleet.Turns(120);
  EXPECT_TRUE(fleet.core.cluster().jobs().empty());
  EXPECT_TRUE(fleet.core.cluster().tasks().empty());
  EXPECT_EQ(fleet.Running("web"), 0);
  EXPECT_EQ(fleet.rows.size(), 1U) << "the host's row is all that is left";
}

TEST(ReconcileTest, CommandsAreRepeatedUntilTheReportConfirmsThem) {
  TestFleet fleet(SchedulerOptions{.start_timeout = Minutes(10)});
  TestFleet::Host& a = fleet.AddHost("a");
  a.deaf = true;
  fleet.Put(TestJob("web", 1, 0));
  int sent = 0;
  for (int i = 0; i < 40; ++i) sent += static_cast<int>(fleet.Turn().size());
  EXPECT_EQ(sent, 4) << "at once, after 5 s, after 10 s more, after 20 s more";
  a.deaf = false;
  fleet.Turns(40);
  EXPECT_EQ(fleet.Running("web"), 1);
  for (int i = 0; i < 100; ++i) EXPECT_TRUE(fleet.Turn().empty());
}

TEST(ReconcileTest, EndedTasksAreKeptUpToTheirLimit) {
  SchedulerOptions options;
  options.ended_tasks_per_job_max = 2;
  options.crash_backoff_max = Seconds(1);
  TestFleet fleet(options);
  fleet.AddHost("a");
  fleet.Put(TestJob("web", 1, 0));
  for (int second = 0; second < 60; ++second) {
    fleet.Turn();
    for (const TaskId& id : fleet.RunningOn("a")) fleet.Fail(id);
  }
  EXPECT_GT(fleet.started.size(), 10U);
  EXPECT_LE(fleet.core.cluster().tasks().size(), 3U);
}

TEST(ReconcileTest, TheBackoffDoublesByRoundAndHasAnEnd) {
  const SchedulerOptions options;
  EXPECT_EQ(CrashBackoff(options, 0, 1), Seconds(0));
  EXPECT_EQ(CrashBackoff(options, 1, 1), Seconds(1));
  EXPECT_EQ(CrashBackoff(options, 2, 1), Seconds(2));
  EXPECT_EQ(CrashBackoff(options, 3, 3), Seconds(1)) << "each of three once is one round";
  EXPECT_EQ(CrashBackoff(options, 4, 3), Seconds(2));
  EXPECT_EQ(CrashBackoff(options, 11, 12'000), Seconds(2)) << "a round is at most ten";
  EXPECT_EQ(CrashBackoff(options, 1'000'000, 1), Minutes(5));
}

}  // namespace
}  // namespace fleetmedic
