#include <fcntl.h>
#include <sys/stat.h>
#include <utmp.h>

#include <filesystem>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "detectors/fixture_host.h"
#include "detectors/kernel/kernel_detector.h"

namespace fleetmedic {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

// A copy of the recorded host, up for two days, to be changed.
class KernelDetectorTest : public FixtureHostTest {
 protected:
  KernelDetectorTest() : FixtureHostTest("detectors/kernel/testdata/healthy") {
    PutBoots({Hours(200), Hours(48)});
  }

  void Age(const std::string& path, Hours age) {
    timespec times[2] = {};
    times[0].tv_sec = times[1].tv_sec = MillisOf(clock_.Wall() - age) / 1000;
    ASSERT_EQ(utimensat(AT_FDCWD, (folder_ / path).c_str(), times, 0), 0);
  }
  void PutBoots(const std::vector<Minutes>& ages) {
    std::string wtmp;
    for (const Minutes age : ages) {
      utmp record{};
      record.ut_type = BOOT_TIME;
      record.ut_tv.tv_sec = static_cast<int32_t>(MillisOf(clock_.Wall() - age) / 1000);
      wtmp.append(reinterpret_cast<const char*>(&record), sizeof record);
    }
    Put("var/log/wtmp", wtmp);
  }

  std::vector<Condition> Probe() {
    KernelDetector detector(&clock_, host_, KernelConfig());
    EXPECT_TRUE(detector.Supported());
    const auto conditions = detector.Probe(clock_.Mono() + Seconds(5));
    EXPECT_TRUE(conditions) << conditions.error().message;
    return conditions.value_or(std::vector<Condition>());
  }
  std::vector<std::string> Bad() {
    std::vector<std::string> titles;
    for (const Condition& condition : Probe()) {
      if (condition.verdict != Verdict::kOk) titles.push_back(ConditionTitle(condition));
    }
    return titles;
  }
};

TEST_F(KernelDetectorTest, FindsNothingOnTheRecordedHost) { EXPECT_THAT(Bad(), IsEmpty()); }

TEST_F(KernelDetectorTest, SeesAnOopsUntilTheReboot) {
  Put("proc/sys/kernel/tainted", "4224\n");
  EXPECT_THAT(Bad(), ElementsAre("KernelTainted"));
  Put("proc/sys/kernel/tainted", "4096\n");
  EXPECT_THAT(Bad(), IsEmpty());
}

TEST_F(KernelDetectorTest, FindsTheRecordsOfACrash) {
  PutBoots({Hours(30), Hours(1)});
  for (const char* path : {"sys/fs/pstore/dmesg-efi-170000000001001",
                           "var/lib/systemd/pstore/170000000001001/dmesg.txt",
                           "var/crash/127.0.0.1-2026-01-01/vmcore-dmesg.txt"}) {
    Put(path, "Kernel panic - not syncing: Fatal exception\n");
    const std::string entry(path, std::string_view(path).starts_with("sys")
                                      ? std::string_view(path).size()
                                      : std::string_view(path).rfind('/'));
    Age(entry, Hours(2));
    EXPECT_THAT(Bad(), ElementsAre("KernelCrashDump")) << path;
    EXPECT_THAT(Probe()[1].message, HasSubstr(entry)) << path;
    Age(entry, Hours(40));
    EXPECT_THAT(Bad(), IsEmpty()) << path << " is older than the boot before";
    std::filesystem::remove_all(folder_ / entry);
  }
}

TEST_F(KernelDetectorTest, LeavesCrashesOfProgramsOut) {
  Put("var/crash/_usr_bin_python3.11.1000.crash", "ProblemType: Crash\n");
  Age("var/crash/_usr_bin_python3.11.1000.crash", Hours(1));
  ASSERT_TRUE(MakeFolders(folder_ / "var/crash/empty"));
  Age("var/crash/empty", Hours(1));
  EXPECT_THAT(Bad(), IsEmpty());
}

TEST_F(KernelDetectorTest, SeesALoopOfBootsAndAYoungOne) {
  PutBoots({Hours(48), Minutes(40), Minutes(20), Minutes(2)});
  Put("proc/uptime", "120.00 230.00\n");
  EXPECT_THAT(Bad(), ElementsAre("BootedRecently", "BootLoop"));
}

TEST_F(KernelDetectorTest, SaysWhatCannotBeRead) {
  std::filesystem::remove(folder_ / "var/log/wtmp");
  Put("proc/uptime", "inf\n");
  ASSERT_TRUE(MakeFolders(folder_ / "sys/fs"));
  std::filesystem::create_symlink("pstore", folder_ / "sys/fs/pstore");
  EXPECT_THAT(Bad(), ElementsAre("KernelCrashDump", "BootedRecently", "BootLoop"));
  for (const Condition& condition : Probe()) EXPECT_NE(condition.verdict, Verdict::kBad);
}

TEST_F(KernelDetectorTest, NamesWhoAsksForAReboot) {
  Put("run/reboot-required", "*** System restart required ***\n");
  Put("run/reboot-required.pkgs", "dbus\nlinux-base\ndbus\n");
  const auto conditions = Probe();
  EXPECT_THAT(Bad(), ElementsAre("RebootRequired"));
  EXPECT_THAT(conditions[4].message, HasSubstr("for \"dbus\", \"linux-base\""));
}

TEST_F(KernelDetectorTest, SeesANewerKernelBesideTheRunningOne) {
  Put("proc/sys/kernel/osrelease", "6.1.0-18-amd64\n");
  ASSERT_TRUE(MakeFolders(folder_ / "lib/modules/6.1.0-18-amd64"));
  EXPECT_THAT(Bad(), IsEmpty());
  ASSERT_TRUE(MakeFolders(folder_ / "lib/modules/6.1.0-21-amd64"));
  EXPECT_THAT(Bad(), ElementsAre("RebootRequired"));
}

TEST_F(KernelDetectorTest, IsNotSupportedBelowABareFolder) {
  TempFolder bare;
  host_.root = bare.path();
  EXPECT_FALSE(KernelDetector(&clock_, host_, KernelConfig()).Supported());
}

TEST(KernelDetectorHereTest, LooksAtThisMachine) {
  SystemClock clock;
  KernelDetector detector(&clock, HostConfig(), KernelConfig());
  ASSERT_TRUE(detector.Supported());
  const auto conditions = detector.Probe(clock.Mono() + Seconds(30));
  ASSERT_TRUE(conditions) << conditions.error().message;
  EXPECT_EQ(conditions->size(), 7u);
}

}  // namespace
}  // namespace fleetmedic
