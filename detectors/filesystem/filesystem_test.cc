#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sys/mount.h>

#include "absl/synchronization/notification.h"
#include "detectors/filesystem/filesystem_detector.h"
#include "detectors/filesystem/filesystem_evaluate.h"

namespace fleetmedic {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

MountSample Healthy() {
  MountSample mount;
  mount.mount_point = "/data";
  mount.type = "ext4";
  mount.answered = true;
  mount.bytes_total = 1000;
  mount.bytes_free = 500;
  mount.bytes_available = 500;
  mount.inodes_total = 1000;
  mount.inodes_free = 900;
  return mount;
}

struct EvaluateCase {
  const char* sentence;
  std::function<void(MountSample*)> change;
  const char* type;
  const char* unit;
  Verdict verdict;
  Severity severity;
};

TEST(EvaluateFilesystemTest, SaysWhatEachSampleMeans) {
  const EvaluateCase cases[] = {
      {"half full is fine", [](MountSample*) {}, "FilesystemFull", "/data", Verdict::kOk,
       Severity::kHard},
      {"95 % is soft", [](MountSample* m) { m->bytes_free = m->bytes_available = 50; },
       "FilesystemFull", "/data", Verdict::kBad, Severity::kSoft},
      {"94.9 % is fine", [](MountSample* m) { m->bytes_free = m->bytes_available = 51; },
       "FilesystemFull", "/data", Verdict::kOk, Severity::kHard},
      {"99 % is hard", [](MountSample* m) { m->bytes_free = m->bytes_available = 10; },
       "FilesystemFull", "/data", Verdict::kBad, Severity::kHard},
      {"what is kept for root does not count as free",
       [](MountSample* m) {
         m->bytes_free = 60;
         m->bytes_available = 0;
       },
       "FilesystemFull", "/data", Verdict::kBad, Severity::kHard},
      {"no answer is unknown, not bad", [](MountSample* m) { m->answered = false; },
       "FilesystemFull", "/data", Verdict::kUnknown, Severity::kHard},
      {"few inodes are bad", [](MountSample* m) { m->inodes_free = 50; }, "FilesystemInodesFull",
       "/data", Verdict::kBad, Severity::kSoft},
      {"no fixed number of inodes is fine",
       [](MountSample* m) { m->inodes_total = m->inodes_free = 0; }, "FilesystemInodesFull", "",
       Verdict::kOk, Severity::kSoft},
      {"read-only and to be writable is bad",
       [](MountSample* m) { m->read_only = m->expected_writable = true; }, "FilesystemReadOnly",
       "/data", Verdict::kBad, Severity::kHard},
      {"read-only by intent is fine", [](MountSample* m) { m->read_only = true; },
       "FilesystemReadOnly", "", Verdict::kOk, Severity::kHard},
  };
  for (const EvaluateCase& c : cases) {
    MountSample mount = Healthy();
    c.change(&mount);
    bool found = false;
    for (const Condition& condition : EvaluateFilesystem({mount}, {})) {
      if (condition.type != c.type) continue;
      found = true;
      EXPECT_EQ(condition.unit, c.unit) << c.sentence;
      EXPECT_EQ(condition.verdict, c.verdict) << c.sentence;
      EXPECT_EQ(condition.severity, c.severity) << c.sentence;
    }
    EXPECT_TRUE(found) << c.sentence;
  }
}

TEST(DiskMountsTest, TakesEachDiskOnceAndNothingThatIsNoDisk) {
  const auto mounts = DiskMounts(
      "22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw,errors=remount-ro\n"
      "23 22 0:5 / /proc rw - proc proc rw\n"
      "24 22 0:21 / /tmp rw - tmpfs tmpfs rw\n"
      "25 22 8:17 / /mnt/with\\040space rw master:3 - xfs /dev/sdb1 ro\n"
      "26 22 8:1 /var /srv/bind ro - ext4 /dev/sda1 rw\n"
      "27 22 0:44 / /nfs rw - nfs4 server:/x rw\n"
      "28 22 0:45 / /var/lib/docker/overlay2/x/merged rw - overlay overlay rw\n"
      "torn line - \n"
      "29 22\n",
      10);
  ASSERT_THAT(mounts, SizeIs(2));
  EXPECT_EQ(mounts[0].mount_point, "/");
  EXPECT_FALSE(mounts[0].read_only) << "a read-only bind of a writable file system";
  EXPECT_EQ(mounts[1].mount_point, "/mnt/with space");
  EXPECT_TRUE(mounts[1].read_only);
}

TEST(WritableInFstabTest, LeavesOutWhatIsMountedReadOnly) {
  EXPECT_THAT(WritableInFstab("# <file system> <mount point>\n"
                              "UUID=1 / ext4 errors=remount-ro 0 1\n"
                              "UUID=2\t/boot\text4\tro,nosuid\t0 2\n"
                              "\nshort line\n"),
              ElementsAre("/"));
}

constexpr std::string_view kTwoMounts =
    "22 1 8:1 / / rw - ext4 /dev/sda1 rw\n"
    "23 1 8:2 / /slow rw - ext4 /dev/sda2 rw\n";

class MountStatSourceTest : public testing::Test {
 protected:
  MountStatSourceTest() {
    EXPECT_TRUE(MakeFolders(folder_ / "proc/self"));
    PutMounts(kTwoMounts);
  }
  void PutMounts(std::string_view text) {
    EXPECT_TRUE(WriteFileAtomic(folder_ / "proc/self/mountinfo", text));
  }

  TempFolder folder_;
  SystemClock clock_;
};

TEST_F(MountStatSourceTest, AMountThatHangsDoesNotHangTheOthersAndIsNotAskedTwice) {
  auto release = std::make_shared<absl::Notification>();
  auto entered = std::make_shared<std::atomic<int>>(0);
  MountStatSource source(&clock_, folder_.path(), [=](const char* path, struct statvfs* out) {
    if (std::string_view(path).ends_with("/slow")) {
      ++*entered;
      release->WaitForNotification();
    }
    out->f_frsize = 1;
    out->f_blocks = 100;
    out->f_bfree = out->f_bavail = 50;
    return 0;
  });
  const MonoTime start = clock_.Mono();
  for (int i = 0; i < 3; ++i) {
    const auto samples = source.Sample(clock_.Mono() + Millis(50));
    ASSERT_TRUE(samples);
    ASSERT_THAT(*samples, SizeIs(2));
    EXPECT_TRUE((*samples)[0].answered);
    EXPECT_FALSE((*samples)[1].answered);
    EXPECT_THAT((*samples)[1].error, testing::HasSubstr("not come back"));
  }
  EXPECT_EQ(*entered, 1);
  EXPECT_LT(clock_.Mono() - start, Seconds(5));
  release->Notify();
}

TEST_F(MountStatSourceTest, RemembersThatAFileSystemWasWritable) {
  MountStatSource source(&clock_, folder_.path());
  EXPECT_TRUE(source.Sample(clock_.Mono() + Seconds(1)));
  PutMounts("22 1 8:1 / / rw - ext4 /dev/sda1 ro,errors=remount-ro\n");
  const auto samples = source.Sample(clock_.Mono() + Seconds(1));
  ASSERT_THAT(*samples, SizeIs(1));
  EXPECT_TRUE((*samples)[0].read_only);
  EXPECT_TRUE((*samples)[0].expected_writable);
}

TEST_F(MountStatSourceTest, FailsWithoutAMountTable) {
  MountStatSource source(&clock_, folder_ / "nowhere");
  EXPECT_FALSE(source.Sample(clock_.Mono() + Seconds(1)));
}

TEST(FilesystemDetectorTest, LooksAtThisMachine) {
  SystemClock clock;
  FilesystemDetector detector(&clock, HostConfig(), FilesystemConfig());
  ASSERT_TRUE(detector.Supported());
  const auto conditions = detector.Probe(clock.Mono() + Seconds(5));
  ASSERT_TRUE(conditions) << conditions.error().message;
  EXPECT_THAT(*conditions, testing::Not(IsEmpty()));
}

TEST(FilesystemDetectorTest, TakesTheFileOfADemonstrationBelowAnotherRootAlone) {
  TempFolder folder;
  ASSERT_TRUE(MakeFolders(folder / "run/fleetmedic-demo"));
  const auto put = [&](int available) {
    ASSERT_TRUE(WriteFileAtomic(
        folder / "run/fleetmedic-demo/filesystems.json",
        "{\"filesystems\":[{\"mount\":\"/\",\"bytes_total\":1000,\"bytes_available\":" +
            std::to_string(available) + "}]}"));
  };
  put(500);
  SystemClock clock;
  HostConfig host;
  host.root = folder.path();
  FilesystemDetector detector(&clock, host, FilesystemConfig());
  ASSERT_TRUE(detector.Supported());
  EXPECT_EQ((*detector.Probe(clock.Mono()))[0].verdict, Verdict::kOk);
  put(1);
  EXPECT_EQ((*detector.Probe(clock.Mono()))[0].verdict, Verdict::kBad);
  ASSERT_TRUE(WriteFileAtomic(folder / "run/fleetmedic-demo/filesystems.json", "{"));
  EXPECT_FALSE(detector.Probe(clock.Mono())) << "torn: could not tell";
}

TEST(FilesystemDetectorTest, IsNotSupportedBelowABareFolder) {
  TempFolder folder;
  SystemClock clock;
  HostConfig host;
  host.root = folder.path();
  EXPECT_FALSE(FilesystemDetector(&clock, host, FilesystemConfig()).Supported());
}

}  // namespace
}  // namespace fleetmedic
