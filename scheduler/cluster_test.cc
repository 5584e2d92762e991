#include "scheduler/cluster.h"

#include "scheduler/test_fleet.h"

namespace fleetmedic {
namespace {

TEST(ClusterTest, AnOlderDirectiveIsAConflictAndTheSameOneAnswersThePresentView) {
  TestFleet fleet;
  fleet.AddHost("a");
  ASSERT_TRUE(fleet.Direct("a", Want::kTainted, 5));
  const Result<HostView> older = fleet.Direct("a", Want::kSchedulable, 4);
  ASSERT_FALSE(older);
  EXPECT_EQ(older.error().code, Code::kConflict);
  const Result<HostView> same = fleet.Direct("a", Want::kDrained, 5);
  ASSERT_TRUE(same);
  EXPECT_EQ(same->want, Want::kTainted) << "a revision is one directive, whoever repeats it";
  EXPECT_EQ(fleet.Direct("b", Want::kTainted, 1).error().code, Code::kNotFound);
}

TEST(ClusterTest, AReportThatIsNotCompleteNeverSaysThatSomethingIsGone) {
  TestFleet fleet;
  TestFleet::Host& host = fleet.AddHost("a");
  fleet.Put(TestJob("web", 2, 0));
  fleet.Turns(4);
  ASSERT_EQ(fleet.Running("web"), 2);
  const auto kept = host.tasks;
  host.tasks.clear();
  fleet.Report(&host, /*complete=*/false);
  EXPECT_EQ(fleet.View("a").tasks_left, 2) << "an empty list collects nothing";
  host.tasks = kept;
  fleet.Turns(3);
  EXPECT_EQ(fleet.started.size(), 2U);
}

TEST(ClusterTest, ATaskThatACompleteReportDoesNotHaveIsLostAndReplaced) {
  TestFleet fleet;
  TestFleet::Host& host = fleet.AddHost("a");
  fleet.Put(TestJob("web", 1, 0));
  fleet.Turns(3);
  const TaskId first = fleet.started.at(0);
  host.tasks.clear();
  fleet.Turns(3);
  EXPECT_EQ(fleet.core.cluster().task(first).state, TaskState::kLost);
  EXPECT_EQ(fleet.Running("web"), 1);
  EXPECT_EQ(fleet.started.size(), 2U);
}

TEST(ClusterTest, ACompleteReportFromBeforeTheCommandDoesNotLoseTheTask) {
  TestFleet fleet;
  TestFleet::Host& host = fleet.AddHost("a");
  host.deaf = true;
  fleet.Put(TestJob("web", 1, 0));
  fleet.Turns(5);
  ASSERT_EQ(fleet.core.cluster().tasks().size(), 1U);
  EXPECT_EQ(fleet.core.cluster().tasks().begin()->second.state, TaskState::kStarting);
}

TEST(ClusterTest, ARepeatedOrReorderedReportChangesNothing) {
  TestFleet fleet;
  TestFleet::Host& host = fleet.AddHost("a");
  fleet.Put(TestJob("web", 1, 0));
  fleet.Turns(3);
  ExecutorReport late;
  late.host = HostId("a");
  late.boot_id = host.boot_id;
  late.sequence = 1;
  late.complete = true;
  EXPECT_EQ(*fleet.core.cluster().ObserveReport(late, fleet.now, fleet.now), ReportOutcome::kStale);
  EXPECT_EQ(fleet.View("a").tasks_left, 1);
  host.boot_id = "boot-2";
  host.sequence = 0;
  fleet.Turn();
  late.boot_id = "boot-1";
  late.sequence = 1000;
  EXPECT_EQ(*fleet.core.cluster().ObserveReport(late, fleet.now, fleet.now), ReportOutcome::kStale)
      << "a report of the boot before";
  EXPECT_EQ(fleet.View("a").tasks_left, 1);
}

TEST(ClusterTest, TwelveThousandUnknownTasksAreListedAndNoneIsKilled) {
  SchedulerOptions options;
  options.unknown_tasks_per_host_max = 12'000;
  TestFleet fleet(options);
  TestFleet::Host& host = fleet.AddHost("a");
  for (int i = 0; i < 12'000; ++i) {
    TaskStatus status;
    status.task = TaskId("old/" + std::to_string(i));
    status.job = JobId("old");
    status.state = TaskState::kRunning;
    host.tasks[status.task] = status;
  }
  for (int i = 0; i < 20; ++i) EXPECT_TRUE(fleet.Turn().empty());
  EXPECT_EQ(fleet.Running("old"), 12'000);
  EXPECT_EQ(fleet.core.summary().unknown_tasks, 12'000);
  EXPECT_EQ(fleet.View("a").tasks_left, 12'000);
  EXPECT_EQ(ListTasks(fleet.core.cluster(), HostId("a"), JobId()).size(), 12'000U);
}

TEST(ClusterTest, AnUnknownTaskIsAdoptedOrStoppedByPeopleAlone) {
  TestFleet fleet;
  TestFleet::Host& host = fleet.AddHost("a");
  for (const char* id : {"web/x", "web/y"}) {
    TaskStatus status;
    status.task = TaskId(id);
    status.job = JobId("web");
    status.state = TaskState::kRunning;
    host.tasks[status.task] = status;
  }
  fleet.Turn();
  Cluster& cluster = fleet.core.cluster();
  EXPECT_EQ(cluster.AdoptUnknown(HostId("a"), TaskId("web/x"), fleet.now).error().code,
            Code::kNotFound)
      << "its job is not known yet";
  fleet.Put(TestJob("web", 1, 0));
  ASSERT_TRUE(cluster.AdoptUnknown(HostId("a"), TaskId("web/x"), fleet.now));
  ASSERT_TRUE(cluster.StopUnknown(HostId("a"), TaskId("web/y")));
  fleet.Turns(3);
  EXPECT_EQ(fleet.RunningOn("a"), (std::set<TaskId>{TaskId("web/x")}));
  EXPECT_TRUE(fleet.started.empty()) << "the adopted one is the job's instance";
  EXPECT_EQ(cluster.AdoptUnknown(HostId("a"), TaskId("web/x"), fleet.now).error().code,
            Code::kNotFound);
}

TEST(ClusterTest, ARestartFromItsRowsChangesNothingAndTheRevisionHolds) {
  TestFleet fleet;
  fleet.AddHost("a");
  fleet.AddHost("b");
  fleet.Put(TestJob("web", 3, 2));
  fleet.Turns(5);
  ASSERT_TRUE(fleet.Direct("b", Want::kTainted, 7));
  fleet.Turn();

  TestFleet again(SchedulerOptions{.incarnation = "1"});
  again.now = fleet.now;
  again.hosts = fleet.hosts;
  EXPECT_TRUE(again.core.Restore(fleet.Rows(), again.now).empty());
  EXPECT_TRUE(again.core.cluster().changes().empty());
  EXPECT_FALSE(again.View("a").connected) << "nothing was heard of it yet";
  again.Turns(5);
  EXPECT_TRUE(again.started.empty());
  EXPECT_EQ(again.Running("web"), 3);
  EXPECT_EQ(again.Direct("b", Want::kSchedulable, 6).error().code, Code::kConflict);
  EXPECT_EQ(again.View("b").want, Want::kTainted);
}

TEST(ClusterTest, ATaskIdIsNeverGivenTwiceNotEvenAfterTheStoreWasLost) {
  TestFleet before(SchedulerOptions{.incarnation = "x"});
  before.AddHost("a");
  before.Put(TestJob("web", 1, 0));
  before.Turns(3);
  TestFleet after(SchedulerOptions{.incarnation = "y"});
  after.AddHost("a");
  after.Put(TestJob("web", 1, 0));
  after.Turns(3);
  EXPECT_NE(before.started.at(0), after.started.at(0));
}

TEST(ClusterTest, ARowThatCannotBeReadIsNamedAndTheHostIsHeldTainted) {
  TestFleet fleet;
  fleet.AddHost("a");
  fleet.Put(TestJob("web", 1, 0));
  fleet.Turns(3);
  ASSERT_TRUE(fleet.Direct("a", Want::kSchedulable, 3));
  fleet.Turn();
  std::vector<ClusterRow> rows = fleet.Rows();
  for (ClusterRow& row : rows) {
    if (row.table == ClusterTable::kDirectives || row.table == ClusterTable::kJobs) {
      row.value[1] = '!';
    }
  }
  TestFleet again(SchedulerOptions{.incarnation = "1"});
  again.now = fleet.now;
  again.hosts = fleet.hosts;
  EXPECT_EQ(again.core.Restore(rows, again.now).size(), 2U);
  EXPECT_EQ(again.View("a").want, Want::kTainted);
  again.Turns(5);
  EXPECT_EQ(again.Running("web"), 1) << "a task without its job is left alone";
  again.Put(TestJob("web", 1, 0));
  again.Turns(5);
  EXPECT_TRUE(again.started.empty()) << "the job has its task again";
}

TEST(ClusterTest, AForgottenHostLosesItsTasksAndCannotComeBackClean) {
  TestFleet fleet;
  TestFleet::Host& a = fleet.AddHost("a");
  fleet.Put(TestJob("web", 1, 0));
  fleet.Turns(3);
  ASSERT_TRUE(fleet.Direct("a", Want::kDrained, 2));
  EXPECT_EQ(fleet.core.cluster().ForgetHost(HostId("a"), fleet.now).error().code, Code::kRefused);
  a.silent = true;
  fleet.Turns(40);
  ASSERT_TRUE(fleet.core.cluster().ForgetHost(HostId("a"), fleet.now));
  EXPECT_TRUE(fleet.core.cluster().hosts().empty());
  ASSERT_TRUE(fleet.core.cluster().ObserveHost(a.facts, fleet.now));
  EXPECT_EQ(fleet.View("a").want, Want::kDrained);
}

TEST(ClusterTest, ReportsThatAreLongOnTheirWayDoNotMakeAHostFresh) {
  TestFleet fleet;
  fleet.AddHost("a");
  ExecutorReport report;
  report.host = HostId("a");
  report.boot_id = "boot-1";
  report.sequence = 1;
  ASSERT_TRUE(fleet.core.cluster().ObserveReport(report, fleet.now - Minutes(10), fleet.now));
  EXPECT_FALSE(fleet.View("a").connected);
}

TEST(ClusterTest, AJobThatIsTooLargeIsRefused) {
  TestFleet fleet;
  Job job = TestJob("web", 1, 0);
  job.resources.memory_bytes = INT64_MAX;
  EXPECT_EQ(fleet.core.cluster().PutJob(job).error().code, Code::kInvalidArgument);
  job = TestJob(std::string(250, 'x'), 1, 0);
  EXPECT_EQ(fleet.core.cluster().PutJob(job).error().code, Code::kInvalidArgument);
}

}  // namespace
}  // namespace fleetmedic
