#include "scheduler/placement.h"

#include "scheduler/test_fleet.h"

namespace fleetmedic {
namespace {

struct RefusalCase {
  const char* sentence;
  void (*arrange)(TestFleet*, TestFleet::Host*);
  UnplacedReason reason;
};

class RefusalTest : public testing::TestWithParam<RefusalCase> {};

// One host, one task: each reason by its name.
TEST_P(RefusalTest, NamesItsReason) {
  TestFleet fleet;
  TestFleet::Host& host = fleet.AddHost("a", "", "", "blue");
  fleet.Turn();
  Job job = TestJob("web", 1, 0);
  job.pool = "blue";
  fleet.Put(job);
  GetParam().arrange(&fleet, &host);
  fleet.Turns(2);
  EXPECT_EQ(fleet.Running("web"), 0);
  ASSERT_EQ(fleet.core.cluster().tasks().size(), 1U);
  EXPECT_EQ(fleet.core.cluster().tasks().begin()->second.unplaced, GetParam().reason);
  EXPECT_NE(fleet.ViewJob("web").condition.find(UnplacedReasonName(GetParam().reason)),
            std::string::npos);
}

INSTANTIATE_TEST_SUITE_P(
    Hosts, RefusalTest,
    testing::Values(RefusalCase{"ATaintedHostTakesNothing",
                                [](TestFleet* fleet, TestFleet::Host*) {
                                  EXPECT_TRUE(fleet->Direct("a", Want::kTainted, 1));
                                },
                                UnplacedReason::kNotSchedulable},
                    RefusalCase{"ADrainedHostTakesNothing",
                                [](TestFleet* fleet, TestFleet::Host*) {
                                  EXPECT_TRUE(fleet->Direct("a", Want::kDrained, 1));
                                },
                                UnplacedReason::kNotSchedulable},
                    RefusalCase{"ADrainedHostTakesNothingEvenOfAJobThatToleratesTaints",
                                [](TestFleet* fleet, TestFleet::Host*) {
                                  Job job = TestJob("web", 1, 0);
                                  job.tolerates_taint = true;
                                  fleet->Put(job);
                                  EXPECT_TRUE(fleet->Direct("a", Want::kDrained, 1));
                                },
                                UnplacedReason::kNotSchedulable},
                    RefusalCase{"AHostWhoseReportIsOlderThanThirtySecondsTakesNothing",
                                [](TestFleet* fleet, TestFleet::Host* host) {
                                  host->silent = true;
                                  fleet->now += Seconds(31);
                                },
                                UnplacedReason::kNotConnected},
                    RefusalCase{"AHostOfAnotherPoolTakesNothing",
                                [](TestFleet* fleet, TestFleet::Host*) {
                                  Job job = TestJob("web", 1, 0);
                                  job.pool = "green";
                                  fleet->Put(job);
                                },
                                UnplacedReason::kPool},
                    RefusalCase{"AHostWithoutTheMemoryTakesNothing",
                                [](TestFleet*, TestFleet::Host* host) {
                                  host->capacity.memory_bytes = 999;
                                },
                                UnplacedReason::kResources},
                    RefusalCase{"AHostWithoutAToldCapacityTakesNothing",
                                [](TestFleet*, TestFleet::Host* host) { host->capacity = {}; },
                                UnplacedReason::kResources},
                    RefusalCase{"AHostWithUnknownTasksTakesNothing",
                                [](TestFleet*, TestFleet::Host* host) {
                                  TaskStatus status;
                                  status.task = TaskId("old/1");
                                  status.job = JobId("old");
                                  status.state = TaskState::kRunning;
                                  host->tasks[status.task] = status;
                                },
                                UnplacedReason::kUnknownTasks}),
    [](const auto& test) { return test.param.sentence; });

TEST(PlacementTest, WithoutHostsTheReasonIsThatNoneIsKnown) {
  TestFleet fleet;
  fleet.Put(TestJob("web", 1, 0));
  fleet.Turn();
  EXPECT_EQ(fleet.ViewJob("web").condition, "1 tasks without a host: no host is known");
}

TEST(PlacementTest, AHostWhoseFactsAreNotKnownIsInNoPool) {
  TestFleet fleet;
  TestFleet::Host& host = fleet.hosts[HostId("a")];
  host.facts.host = HostId("a");
  Job job = TestJob("web", 1, 0);
  job.pool = "default";
  fleet.Put(job);
  fleet.Turns(3);
  EXPECT_EQ(fleet.Running("web"), 0);
  ASSERT_TRUE(fleet.core.cluster().ObserveHost(host.facts, fleet.now));
  fleet.Turns(3);
  EXPECT_EQ(fleet.Running("web"), 1);
}

TEST(PlacementTest, AJobThatToleratesTaintsIsPlacedOnATaintedHost) {
  TestFleet fleet;
  fleet.AddHost("a");
  ASSERT_TRUE(fleet.Direct("a", Want::kTainted, 1));
  Job job = TestJob("shipper", 1, 0);
  job.tolerates_taint = true;
  fleet.Put(job);
  fleet.Turns(3);
  EXPECT_EQ(fleet.Running("shipper"), 1);
}

TEST(PlacementTest, TasksOfAJobSpreadOverHostsRacksAndZones) {
  TestFleet fleet;
  for (const char* zone : {"z1", "z2"}) {
    for (const char* rack : {"r1", "r2"}) {
      for (const char* name : {"a", "b"}) {
        fleet.AddHost(std::string(zone) + rack + name, rack, zone);
      }
    }
  }
  fleet.Put(TestJob("web", 4, 0));
  fleet.Turns(3);
  std::set<std::string> racks;
  for (const auto& [id, host] : fleet.hosts) {
    if (!host.tasks.empty()) racks.insert(host.facts.zone + host.facts.rack);
  }
  EXPECT_EQ(racks.size(), 4U);
}

TEST(PlacementTest, AHostTakesOneLaunchATurn) {
  TestFleet fleet;
  fleet.AddHost("a");
  fleet.Put(TestJob("web", 3, 0));
  fleet.Turn();
  EXPECT_EQ(fleet.started.size(), 1U);
  EXPECT_EQ(fleet.ViewJob("web").pending, 2);
  fleet.Turns(2);
  EXPECT_EQ(fleet.started.size(), 3U);
}

TEST(PlacementTest, MemoryOfATaskThatIsBeingStoppedIsNotPromisedAgain) {
  TestFleet fleet;
  TestFleet::Host& host = fleet.AddHost("a");
  host.capacity = {.cpu_milli = 1000, .memory_bytes = 1000};
  fleet.Put(TestJob("web", 1, 0));
  fleet.Turns(3);
  host.deaf = true;  // it will not stop
  ASSERT_TRUE(fleet.core.cluster().RemoveJob(JobId("web")));
  fleet.Put(TestJob("other", 1, 0));
  fleet.Turns(3);
  EXPECT_EQ(fleet.ViewJob("other").pending, 1);
}

TEST(PlacementTest, AHostWhereTheJobFailedIsTheLastChoice) {
  TestFleet fleet;
  fleet.AddHost("a");
  fleet.AddHost("b");
  fleet.Put(TestJob("web", 1, 0));
  fleet.Turns(3);
  ASSERT_EQ(fleet.RunningOn("a").size(), 1U);
  fleet.Fail(fleet.started.at(0));
  fleet.Turns(5);
  EXPECT_EQ(fleet.RunningOn("b").size(), 1U);
}

TEST(PlacementTest, TheSameClusterIsPlacedTheSameWay) {
  const auto run = [] {
    TestFleet fleet;
    for (int i = 0; i < 20; ++i) {
      fleet.AddHost("h" + std::to_string(i), "r" + std::to_string(i % 3));
    }
    fleet.Put(TestJob("web", 30, 0));
    fleet.Put(TestJob("api", 17, 0));
    fleet.Turns(6);
    return fleet.rows;
  };
  EXPECT_EQ(run(), run());
}

}  // namespace
}  // namespace fleetmedic
