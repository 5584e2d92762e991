#include <filesystem>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "detectors/fixture_host.h"
#include "detectors/memory/cgroup_walk.h"
#include "detectors/memory/memory_detector.h"

namespace fleetmedic {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

// A copy of the recorded host, to be changed.
class MemoryDetectorTest : public FixtureHostTest {
 protected:
  MemoryDetectorTest() : FixtureHostTest("detectors/memory/testdata/healthy") {}

  // As Documentation/admin-guide/cgroup-v1/memory.rst has it.
  void PutV1(const std::string& cgroup, int kills) {
    Put("sys/fs/cgroup/memory" + cgroup + "/memory.oom_control",
        "oom_kill_disable 0\nunder_oom 0\noom_kill " + std::to_string(kills) + "\n");
  }
  // As Documentation/admin-guide/cgroup-v2.rst has it.
  void PutV2(const std::string& cgroup, int kills) {
    Put("sys/fs/cgroup" + cgroup + "/memory.events.local",
        "low 0\nhigh 0\nmax 9\noom 9\noom_kill " + std::to_string(kills) + "\noom_group_kill 0\n");
  }
  void PutKills(int kills) {
    std::string vmstat = Get("proc/vmstat");
    const size_t at = vmstat.find("\noom_kill ") + 1;
    vmstat.replace(at, vmstat.find('\n', at) - at, "oom_kill " + std::to_string(kills));
    Put("proc/vmstat", vmstat);
  }

  std::vector<Condition> Probe(MemoryDetector* detector) {
    clock_.Advance(Seconds(15));
    const auto conditions = detector->Probe(clock_.Mono() + Seconds(5));
    EXPECT_TRUE(conditions) << conditions.error().message;
    return conditions.value_or(std::vector<Condition>());
  }
  static std::vector<std::string> Bad(const std::vector<Condition>& conditions) {
    std::vector<std::string> titles;
    for (const Condition& condition : conditions) {
      if (condition.verdict != Verdict::kOk) titles.push_back(ConditionTitle(condition));
    }
    return titles;
  }
};

TEST_F(MemoryDetectorTest, FindsNothingOnTheRecordedHost) {
  MemoryDetector detector(&clock_, host_, MemoryConfig());
  ASSERT_TRUE(detector.Supported());
  for (int i = 0; i < 20; ++i) EXPECT_THAT(Bad(Probe(&detector)), IsEmpty());
}

TEST_F(MemoryDetectorTest, NamesTheCgroupOfAKillWithV1) {
  const std::string container = "/docker/" + std::string(64, 'a');
  PutV1("", 0);
  PutV1(container, 2);
  PutV1("/system.slice/nginx.service", 7);
  PutKills(9);
  MemoryDetector detector(&clock_, host_, MemoryConfig());
  EXPECT_THAT(Bad(Probe(&detector)), IsEmpty()) << "killed before the first look";
  PutV1(container, 3);
  PutKills(10);
  EXPECT_THAT(Bad(Probe(&detector)), ElementsAre("OomKill(" + container + ")"));
  EXPECT_THAT(Bad(Probe(&detector)), ElementsAre("OomKill(" + container + ")")) << "told on";
  PutV1("/batch/new", 1);
  PutKills(11);
  EXPECT_THAT(Bad(Probe(&detector)),
              ElementsAre("OomKill(/batch/new)", "OomKill(" + container + ")"))
      << "a cgroup that was made since the look before";
}

TEST_F(MemoryDetectorTest, NamesTheCgroupOfAKillWithV2AndCountsWhatDies) {
  std::filesystem::remove(folder_ / "proc/cgroups");
  Put("sys/fs/cgroup/cgroup.controllers", "cpuset cpu io memory hugetlb pids rdma misc\n");
  Put("sys/fs/cgroup/cgroup.stat", "nr_descendants 84\nnr_dying_descendants 3\n");
  PutV2("/system.slice/nginx.service", 0);
  MemoryDetector detector(&clock_, host_, MemoryConfig());
  EXPECT_THAT(Bad(Probe(&detector)), IsEmpty());
  PutV2("/system.slice/nginx.service", 1);
  Put("sys/fs/cgroup/cgroup.stat", "nr_descendants 84\nnr_dying_descendants 20000\n");
  PutKills(1);
  EXPECT_THAT(Bad(Probe(&detector)),
              ElementsAre("OomKill(/system.slice/nginx.service)", "CgroupLeak"));
}

TEST_F(MemoryDetectorTest, SaysWhyAKillCannotBeNamed) {
  MemoryDetector detector(&clock_, host_, MemoryConfig());
  EXPECT_THAT(Bad(Probe(&detector)), IsEmpty());
  PutKills(1);
  const auto without = Probe(&detector);
  EXPECT_THAT(Bad(without), ElementsAre("OomKill"));
  EXPECT_THAT(without[4].message, HasSubstr("no cgroups with the memory controller"));
  PutV1("", 0);
  PutKills(2);
  EXPECT_THAT(Probe(&detector)[4].message, HasSubstr("was removed"));
}

TEST_F(MemoryDetectorTest, CountsDyingCgroupsOfV1AsThoseThatHaveNoFolder) {
  PutV1("", 0);
  PutV1("/docker", 0);
  Put("proc/cgroups", "#subsys_name\thierarchy\tnum_cgroups\tenabled\nmemory\t4\t12002\t1\n");
  MemoryDetector detector(&clock_, host_, MemoryConfig());
  const auto conditions = Probe(&detector);
  EXPECT_THAT(Bad(conditions), ElementsAre("CgroupLeak"));
  EXPECT_THAT(conditions.back().message, HasSubstr("12000 more are removed"));
}

TEST_F(MemoryDetectorTest, SaysWhichPressureFilesTheKernelDoesNotHave) {
  std::filesystem::remove_all(folder_ / "proc/pressure");
  MemoryDetector detector(&clock_, host_, MemoryConfig());
  const auto conditions = Probe(&detector);
  EXPECT_THAT(Bad(conditions), ElementsAre("CpuPressure", "MemoryPressure", "IoPressure"));
  EXPECT_EQ(conditions[0].verdict, Verdict::kUnknown);
  EXPECT_EQ(conditions[1].severity, Severity::kInfo);
  EXPECT_THAT(conditions[0].message, HasSubstr("CONFIG_PSI"));
}

TEST_F(MemoryDetectorTest, FailsWhereMeminfoCannotBeUnderstood) {
  Put("proc/meminfo", "MemTotal: lots\n");
  MemoryDetector detector(&clock_, host_, MemoryConfig());
  EXPECT_FALSE(detector.Probe(clock_.Mono() + Seconds(5)));
}

TEST_F(MemoryDetectorTest, IsNotSupportedBelowABareFolder) {
  TempFolder bare;
  host_.root = bare.path();
  EXPECT_FALSE(MemoryDetector(&clock_, host_, MemoryConfig()).Supported());
}

TEST_F(MemoryDetectorTest, CutsALookThatTakesTooLongAndTellsNoOldKillAsNewAfterIt) {
  PutV1("", 0);
  PutV1("/docker", 3);
  CgroupWalk walk(&clock_, folder_.path());
  const auto cut = walk.Take(clock_.Mono());
  ASSERT_TRUE(cut);
  EXPECT_THAT(cut->cut, HasSubstr("time was up"));
  const auto whole = walk.Take(clock_.Mono() + Seconds(1));
  ASSERT_TRUE(whole);
  EXPECT_EQ(whole->cgroups, 2u);
  EXPECT_THAT(whole->kills, IsEmpty());
}

TEST(MemoryDetectorHereTest, LooksAtThisMachine) {
  SystemClock clock;
  MemoryDetector detector(&clock, HostConfig(), MemoryConfig());
  ASSERT_TRUE(detector.Supported());
  const auto conditions = detector.Probe(clock.Mono() + Seconds(30));
  ASSERT_TRUE(conditions) << conditions.error().message;
  for (const Condition& condition : *conditions) {
    EXPECT_NE(condition.verdict, Verdict::kBad) << "at the first look: " << condition.message;
  }
}

}  // namespace
}  // namespace fleetmedic
