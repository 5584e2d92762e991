#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <memory>

#include "base/text.h"
#include "detectors/disk/disk_detector.h"
#include "detectors/disk/disk_evaluate.h"
#include "detectors/fixture_host.h"

namespace fleetmedic {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

// A disk that is fine, and what one look later is seen of it.
DiskSample Disk() {
  DiskSample disk;
  disk.name = "sda";
  disk.number = "8:0";
  disk.counters = DiskCounters{.reads = 1000, .read_ms = 500, .writes = 1000, .write_ms = 900};
  disk.scsi_state = "running";
  disk.scsi_errors = 7;
  disk.scsi_timeouts = 1;
  disk.mount_points = {"/", "/data"};
  disk.mounted_writable = true;
  return disk;
}

struct EvaluateCase {
  const char* sentence;
  std::function<void(DiskSample*)> change;
  const char* type;  // empty: nothing is wrong
  const char* reason;
  Severity severity;
};

TEST(EvaluateDiskTest, SaysWhatChangedWithinAWindow) {
  const EvaluateCase cases[] = {
      {"what was counted before the agent came is nobody's news", [](DiskSample*) {}, "", "", {}},
      {"a fast disk is fine",
       [](DiskSample* d) {
         d->counters->reads += 100'000;
         d->counters->read_ms += 400'000;
       },
       "",
       "",
       {}},
      {"half a second for an I/O is slow",
       [](DiskSample* d) {
         d->counters->reads += 100;
         d->counters->read_ms += 50'000;
       },
       "DiskSlow", "HighLatency", Severity::kSoft},
      {"a little less is not",
       [](DiskSample* d) {
         d->counters->reads += 100;
         d->counters->read_ms += 49'999;
       },
       "",
       "",
       {}},
      {"few I/Os say nothing",
       [](DiskSample* d) {
         d->counters->writes += 99;
         d->counters->write_ms += 990'000;
       },
       "",
       "",
       {}},
      {"half a second is not slow for a disk that turns",
       [](DiskSample* d) {
         d->rotational = true;
         d->counters->reads += 100;
         d->counters->read_ms += 50'000;
       },
       "",
       "",
       {}},
      {"a removable disk may be slow", [](DiskSample* d) { d->counters.reset(); }, "", "", {}},
      {"an offline disk that is mounted is hard", [](DiskSample* d) { d->scsi_state = "offline"; },
       "DiskOffline", "Offline", Severity::kHard},
      {"a lost path is too", [](DiskSample* d) { d->scsi_state = "transport-offline"; },
       "DiskOffline", "TransportOffline", Severity::kHard},
      {"an offline disk that nobody uses is soft",
       [](DiskSample* d) {
         d->scsi_state = "offline";
         d->mount_points.clear();
       },
       "DiskOffline", "Offline", Severity::kSoft},
      {"I/O that is held back is soft", [](DiskSample* d) { d->scsi_state = "blocked"; },
       "DiskOffline", "Blocked", Severity::kSoft},
      {"a device without a SCSI state is fine",
       [](DiskSample* d) { d->scsi_state = ""; },
       "",
       "",
       {}},
      {"nine new errors are fine", [](DiskSample* d) { *d->scsi_errors += 9; }, "", "", {}},
      {"ten are not", [](DiskSample* d) { *d->scsi_errors += 10; }, "DiskErrors", "CommandsFail",
       Severity::kSoft},
      {"three time-outs are not either", [](DiskSample* d) { *d->scsi_timeouts += 3; },
       "DiskErrors", "CommandsTimeOut", Severity::kSoft},
      {"errors that fell were reset", [](DiskSample* d) { *d->scsi_errors = 0; }, "", "", {}},
      {"read-only below a writable file system is bad", [](DiskSample* d) { d->read_only = true; },
       "DiskReadOnly", "ReadOnly", Severity::kSoft},
      {"read-only below a read-only file system is meant so",
       [](DiskSample* d) {
         d->read_only = true;
         d->mounted_writable = false;
       },
       "",
       "",
       {}},
      {"an array with all members is fine",
       [](DiskSample* d) {
         d->array = ArraySample{0, 2, "clean", "idle", "none"};
       },
       "",
       "",
       {}},
      {"an array that is checked is fine",
       [](DiskSample* d) {
         d->array = ArraySample{0, 2, "active", "check", "1 / 9"};
       },
       "",
       "",
       {}},
      {"a missing member is soft",
       [](DiskSample* d) {
         d->array = ArraySample{1, 2, "clean", "idle", "none"};
       },
       "RaidDegraded", "MembersMissing", Severity::kSoft},
      {"one that is rebuilt is for people to know",
       [](DiskSample* d) {
         d->array = ArraySample{1, 2, "active", "recover", "1 / 9"};
       },
       "RaidDegraded", "Rebuilding", Severity::kInfo},
      {"a broken array that is mounted is hard",
       [](DiskSample* d) {
         d->array = ArraySample{0, 2, "broken", "", ""};
       },
       "RaidDegraded", "Broken", Severity::kHard},
  };
  for (const EvaluateCase& c : cases) {
    SCOPED_TRACE(c.sentence);
    DiskHistory history(Minutes(5), Minutes(10));
    const MonoTime start{Hours(1)};
    history.Add({Disk()}, start);
    DiskSample later = Disk();
    c.change(&later);
    history.Add({later}, start + Seconds(15));
    const std::vector<Condition> bad = NotOk(EvaluateDisk({later}, history, {}));
    if (*c.type == '\0') {
      EXPECT_THAT(bad, IsEmpty());
      continue;
    }
    ASSERT_THAT(bad, SizeIs(1));
    EXPECT_EQ(bad[0].type, c.type);
    EXPECT_EQ(bad[0].unit, "sda");
    EXPECT_EQ(bad[0].reason, c.reason);
    EXPECT_EQ(bad[0].severity, c.severity);
    EXPECT_THAT(bad[0].message, HasSubstr("sda (8:0; "));
  }
}

class HungDiskTest : public testing::Test {
 protected:
  // One look after `step`; the condition, if the disk is said to be hung.
  std::vector<Condition> Look(Micros step, uint64_t completed, uint64_t in_flight) {
    now_ += step;
    disk_.counters->writes = completed;
    disk_.counters->in_flight = in_flight;
    history_.Add({disk_}, now_);
    return NotOk(EvaluateDisk({disk_}, history_, {}));
  }

  DiskHistory history_{Minutes(5), Minutes(10)};
  DiskSample disk_ = Disk();
  MonoTime now_{Hours(1)};
};

TEST_F(HungDiskTest, IsHardAfterAMinuteInWhichNothingCompletes) {
  EXPECT_THAT(Look(Seconds(15), 1000, 0), IsEmpty());
  EXPECT_THAT(Look(Seconds(15), 1010, 2), IsEmpty());
  for (int i = 0; i < 3; ++i) EXPECT_THAT(Look(Seconds(15), 1010, 9), IsEmpty());
  const auto bad = Look(Seconds(15), 1010, 9);
  ASSERT_THAT(bad, SizeIs(1));
  EXPECT_EQ(bad[0].type, "DiskHung");
  EXPECT_EQ(bad[0].severity, Severity::kHard);
  EXPECT_EQ(bad[0].message,
            "sda (8:0; /, /data): 9 I/Os in flight and none completed for 60 s (at most 60 s)");
  EXPECT_THAT(Look(Seconds(15), 1011, 9), IsEmpty()) << "one I/O completed: it moves";
}

TEST_F(HungDiskTest, IsSoftWhenItIsNotMounted) {
  disk_.mount_points.clear();
  Look(Seconds(15), 1000, 0);
  for (int i = 0; i < 4; ++i) Look(Seconds(15), 1000, 1);
  const auto bad = Look(Seconds(15), 1000, 1);
  ASSERT_THAT(bad, SizeIs(1));
  EXPECT_EQ(bad[0].severity, Severity::kSoft);
}

TEST_F(HungDiskTest, IsSoftWhenTheCountNeverFell) {
  // A count in flight that leaked stays above zero for ever; so does one that hangs from the first
  // look on. The two cannot be told apart.
  for (int i = 0; i < 4; ++i) EXPECT_THAT(Look(Seconds(15), 1000, 1), IsEmpty());
  const auto bad = Look(Seconds(15), 1000, 1);
  ASSERT_THAT(bad, SizeIs(1));
  EXPECT_EQ(bad[0].severity, Severity::kSoft);
  EXPECT_THAT(Look(Seconds(15), 1001, 1), IsEmpty());
}

TEST_F(HungDiskTest, IsNotSaidOfAMachineThatSlept) {
  Look(Seconds(15), 1000, 0);
  Look(Seconds(15), 1010, 3);
  EXPECT_THAT(Look(Hours(8), 1010, 3), IsEmpty());
}

TEST_F(HungDiskTest, IsNotSaidOfADiskThatCameBackUnderTheSameName) {
  Look(Seconds(15), 1000, 0);
  for (int i = 0; i < 3; ++i) Look(Seconds(15), 1000, 5);
  history_.Add({}, now_ + Seconds(15));
  EXPECT_THAT(Look(Seconds(30), 1000, 5), IsEmpty());
}

TEST(DisksFromDiskstatsTest, ReadsTheThreeFormsAndLeavesOutTornLines) {
  // Of a virtual machine with Linux 6.18; the lines of 14 and 18 fields are that cut to what
  // kernels before 5.5 and 4.18 wrote (Documentation/admin-guide/iostats.rst).
  const auto disks = DisksFromDiskstats(
      " 254       0 vda 127230 25711 5384954 81261 56757 23409 9101664 24897 3 35900 108125 10514 "
      "42 4482952 1657 6837 308\n"
      "   8       0 sda 127230 25711 5384954 81261 56757 23409 9101664 24897 3 35900 108125 10514 "
      "42 4482952 1657\n"
      "   8      16 sdb 127230 25711 5384954 81261 56757 23409 9101664 24897 3 35900 108125\n"
      "   8      32 sdc 127230 25711\n"
      "   8      48 sdd 1 1 x 1 1 1 1 1 1 1 1\n");
  ASSERT_THAT(disks, SizeIs(3));
  EXPECT_EQ(disks[0].name, "vda");
  EXPECT_EQ(disks[0].number, "254:0");
  EXPECT_EQ(disks[0].counters, (DiskCounters{127230, 81261, 56757, 24897, 10514 + 6837, 3, 35900}));
  EXPECT_EQ(disks[1].counters.others, 10514U);
  EXPECT_EQ(disks[2].counters.others, 0U);
}

// A tree of files as sysfs and procfs of a machine would have them: a SATA disk with two
// partitions, one of them below a mapping, an array of another, an optical drive and loops.
class DiskDetectorTest : public FixtureHostTest {
 protected:
  DiskDetectorTest() {
    Put("proc/diskstats",
        "7 0 loop0 900 0 0 900000 0 0 0 0 5 0 0\n"
        "8 0 sda 10 0 0 10 10 0 0 10 0 10 20\n"
        "8 1 sda1 5 0 0 5 5 0 0 5 0 5 10\n"
        "8 16 sdb 10 0 0 10 10 0 0 10 0 10 20\n"
        "9 0 md0 0 0 0 0 0 0 0 0 0 0 0\n"
        "253 0 dm-0 0 0 0 0 0 0 0 0 0 0 0\n");
    Put("proc/self/mountinfo",
        "22 1 8:1 / /boot rw - ext4 /dev/sda1 rw\n"
        "23 1 253:0 / / rw - ext4 /dev/mapper/vg-root rw\n"
        "24 1 9:0 / /data rw - xfs /dev/md0 rw\n"
        "25 1 0:40 / /pool rw - btrfs /dev/sdb rw\n");
    Put("proc/swaps",
        "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n"
        "/dev/sdb                               partition\t8388604\t\t0\t\t-2\n");
    Put("sys/block/loop0/dev", "7:0\n");
    Put("sys/block/sda/dev", "8:0\n");
    Put("sys/block/sda/ro", "0\n");
    Put("sys/block/sda/queue/rotational", "1\n");
    Put("sys/block/sda/device/state", "running\n");
    Put("sys/block/sda/device/ioerr_cnt", "0x2\n");
    Put("sys/block/sda/device/iotmo_cnt", "0x0\n");
    Put("sys/block/sda/sda1/partition", "1\n");
    Put("sys/block/sda/sda1/dev", "8:1\n");
    Put("sys/block/sda/sda1/ro", "0\n");
    Put("sys/block/sda/sda2/partition", "2\n");
    Put("sys/block/sda/sda2/dev", "8:2\n");
    Put("sys/block/sda/sda2/holders/dm-0", "");
    Put("sys/block/sdb/dev", "8:16\n");
    Put("sys/block/sdb/holders/md0", "");
    Put("sys/block/dm-0/dev", "253:0\n");
    Put("sys/block/md0/dev", "9:0\n");
    Put("sys/block/md0/md/array_state", "clean\n");
    Put("sys/block/md0/md/degraded", "0\n");
    Put("sys/block/md0/md/raid_disks", "2\n");
    Put("sys/block/md0/md/sync_action", "idle\n");
    Put("sys/block/md0/md/sync_completed", "none\n");
  }
  std::vector<Condition> Probe() {
    const auto conditions = detector_->Probe(clock_.Mono());
    EXPECT_TRUE(conditions) << conditions.error().message;
    clock_.Advance(Seconds(15));
    return conditions ? NotOk(*conditions) : std::vector<Condition>();
  }

  std::unique_ptr<DiskDetector> detector_ =
      std::make_unique<DiskDetector>(&clock_, host_, DiskConfig());
};

TEST_F(DiskDetectorTest, FindsNothingWrongWithATreeThatIsFine) {
  ASSERT_TRUE(detector_->Supported());
  EXPECT_THAT(Probe(), IsEmpty());
  const auto conditions = detector_->Probe(clock_.Mono());
  EXPECT_THAT(*conditions, SizeIs(detector_->types().size())) << "one ok for each type";
}

TEST_F(DiskDetectorTest, KnowsWhatIsMountedThroughPartitionsMappingsAndArrays) {
  Put("sys/block/sda/device/state", "offline\n");
  Put("sys/block/sdb/device/state", "offline\n");
  const auto bad = Probe();
  ASSERT_THAT(bad, SizeIs(2));
  EXPECT_EQ(bad[0].message, "sda (8:0; /, /boot): SCSI state is offline: every I/O fails");
  EXPECT_EQ(bad[0].severity, Severity::kHard);
  EXPECT_THAT(bad[1].message, HasSubstr("sdb (8:16; /data, /pool, [swap])"));
}

TEST_F(DiskDetectorTest, CountsScsiErrorsInHexadecimal) {
  EXPECT_THAT(Probe(), IsEmpty());
  Put("sys/block/sda/device/ioerr_cnt", "0xc\n");
  const auto bad = Probe();
  ASSERT_THAT(bad, SizeIs(1));
  EXPECT_THAT(bad[0].message, HasSubstr("10 commands failed (from 10)"));
}

TEST_F(DiskDetectorTest, FindsAPartitionThatIsReadOnly) {
  Put("sys/block/sda/sda1/ro", "1\n");
  const auto bad = Probe();
  ASSERT_THAT(bad, SizeIs(1));
  EXPECT_EQ(bad[0].type, "DiskReadOnly");
  EXPECT_EQ(bad[0].unit, "sda");
}

TEST_F(DiskDetectorTest, FindsADegradedArray) {
  Put("sys/block/md0/md/degraded", "1\n");
  const auto bad = Probe();
  ASSERT_THAT(bad, SizeIs(1));
  EXPECT_EQ(bad[0].unit, "md0");
  EXPECT_EQ(bad[0].message,
            "md0 (9:0; /data): 1 of 2 members missing; sync action \"idle\", done \"none\"");
}

TEST_F(DiskDetectorTest, FindsADiskThatHangsAndSaysWhenItMovesAgain) {
  EXPECT_THAT(Probe(), IsEmpty());
  const auto stats = [this](const char* line) { Put("proc/diskstats", line); };
  stats("8 0 sda 10 0 0 10 10 0 0 10 4 10 20\n");
  for (int i = 0; i < 4; ++i) Probe();
  const auto bad = Probe();
  ASSERT_THAT(bad, SizeIs(1));
  EXPECT_EQ(bad[0].type, "DiskHung");
  stats("8 0 sda 10 0 0 10 14 0 0 90010 0 10 20\n");
  EXPECT_THAT(Probe(), IsEmpty());
}

TEST_F(DiskDetectorTest, IsUnknownWithoutTheTableAndNotSupportedBelowABareFolder) {
  Put("proc/diskstats", std::string((size_t{8} << 20) + 1, 'x'));
  EXPECT_FALSE(detector_->Probe(clock_.Mono()));
  TempFolder bare;
  HostConfig host;
  host.root = bare.path();
  EXPECT_FALSE(DiskDetector(&clock_, host, DiskConfig()).Supported());
}

TEST(DiskDetectorOnThisMachineTest, TellsOfNoDeviceThatIsNone) {
  SystemClock clock;
  DiskDetector detector(&clock, HostConfig(), DiskConfig());
  if (!detector.Supported()) GTEST_SKIP() << "no /sys/block here";
  const auto conditions = detector.Probe(clock.Mono());
  ASSERT_TRUE(conditions) << conditions.error().message;
  for (const Condition& condition : *conditions) {
    EXPECT_FALSE(condition.unit.starts_with("loop")) << condition.unit;
  }
}

}  // namespace
}  // namespace fleetmedic
