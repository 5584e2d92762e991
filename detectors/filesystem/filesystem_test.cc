#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>

#include <atomic>
#include <fstream>
#include <functional>
#include <memory>

#include "absl/synchronization/notification.h"
#include "base/poll.h"
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
      {"what is read-only by intent may be full",
       [](MountSample* m) {
         m->read_only = true;
         m->bytes_free = m->bytes_available = m->inodes_free = 0;
       },
       "FilesystemFull", "/data", Verdict::kOk, Severity::kHard},
      {"a temporary folder of memory that is full is soft",
       [](MountSample* m) {
         m->kind = MountKind::kTmp;
         m->bytes_free = m->bytes_available = 50;
       },
       "TmpFull", "/data", Verdict::kBad, Severity::kSoft},
      {"one without inodes is too",
       [](MountSample* m) {
         m->kind = MountKind::kTmp;
         m->inodes_free = 50;
       },
       "TmpFull", "/data", Verdict::kBad, Severity::kSoft},
      {"one that has room is fine", [](MountSample* m) { m->kind = MountKind::kTmp; }, "TmpFull",
       "", Verdict::kOk, Severity::kSoft},
      {"a full network file system is no host's matter",
       [](MountSample* m) {
         m->kind = MountKind::kNetwork;
         m->bytes_free = m->bytes_available = 0;
       },
       "FilesystemNotAnswering", "", Verdict::kOk, Severity::kSoft},
      {"one that has only just not answered is unknown",
       [](MountSample* m) {
         m->kind = MountKind::kNetwork;
         m->answered = false;
         m->hung_for = Seconds(179);
       },
       "FilesystemNotAnswering", "/data", Verdict::kUnknown, Severity::kSoft},
      {"one that hangs for three minutes is bad",
       [](MountSample* m) {
         m->kind = MountKind::kNetwork;
         m->answered = false;
         m->hung_for = Minutes(3);
       },
       "FilesystemNotAnswering", "/data", Verdict::kBad, Severity::kSoft},
      {"a stale handle is bad at once",
       [](MountSample* m) {
         m->kind = MountKind::kNetwork;
         m->answered = false;
         m->stale = true;
       },
       "FilesystemNotAnswering", "/data", Verdict::kBad, Severity::kSoft},
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

std::vector<std::string> Points(const std::vector<WatchedMount>& mounts, MountKind kind) {
  std::vector<std::string> points;
  for (const WatchedMount& mount : mounts) {
    if (mount.kind == kind) points.push_back(mount.entry.mount_point);
  }
  return points;
}

TEST(WatchedMountsTest, TakesEachDiskOnceThenTemporaryFoldersThenTheNetwork) {
  const auto mounts = WatchedMounts(
      "22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw,errors=remount-ro\n"
      "23 22 0:5 / /proc rw - proc proc rw\n"
      "24 22 0:21 / /tmp rw - tmpfs tmpfs rw\n"
      "25 22 8:17 / /mnt/with\\040space rw master:3 - xfs /dev/sdb1 ro\n"
      "26 22 8:1 /var /srv/bind ro - ext4 /dev/sda1 rw\n"
      "27 22 0:44 / /nfs rw - nfs4 server:/x rw\n"
      "28 22 0:45 / /var/lib/docker/overlay2/x/merged rw - overlay overlay rw\n"
      "31 22 0:46 / /var/lib/kubelet/pods/x/volumes/y rw - tmpfs tmpfs rw\n"
      "32 22 0:47 / /dev/shm rw - tmpfs tmpfs rw\n"
      "torn line - \n"
      "29 22\n",
      10);
  EXPECT_THAT(Points(mounts, MountKind::kDisk), ElementsAre("/", "/mnt/with space"));
  EXPECT_THAT(Points(mounts, MountKind::kTmp), ElementsAre("/tmp"));
  EXPECT_THAT(Points(mounts, MountKind::kNetwork), ElementsAre("/nfs"));
  ASSERT_THAT(mounts, SizeIs(4));
  EXPECT_EQ(mounts.back().kind, MountKind::kNetwork) << "asked last";
  EXPECT_FALSE(mounts[0].entry.read_only) << "a read-only bind of a writable file system";
  EXPECT_TRUE(mounts[1].entry.read_only);
}

TEST(WatchedMountsTest, LeavesAloneWhatAnAutomounterKeeps) {
  const auto mounts = WatchedMounts(
      "22 1 8:1 / / rw - ext4 /dev/sda1 rw\n"
      "40 22 0:50 / /home rw - autofs systemd-1 rw\n"
      "41 40 0:51 / /home rw - nfs4 server:/home rw\n"
      "42 22 0:52 / /net rw - autofs /etc/auto.net rw\n"
      "43 42 0:53 / /net/server rw - nfs4 server:/y rw\n",
      10);
  EXPECT_THAT(Points(mounts, MountKind::kNetwork), IsEmpty());
}

TEST(WatchedMountsTest, LeavesOutWhatIsCovered) {
  const auto mounts = WatchedMounts(
      "22 1 8:1 / / rw - ext4 /dev/sda1 rw\n"
      "40 22 8:2 / /data rw - ext4 /dev/sda2 rw\n"
      "41 40 0:51 / /data rw - tmpfs tmpfs rw\n",
      10);
  EXPECT_THAT(Points(mounts, MountKind::kDisk), ElementsAre("/"));
}

TEST(WatchedMountsTest, TakesTheRootOfALiveImageForADisk) {
  EXPECT_THAT(
      Points(WatchedMounts("22 1 0:33 / / rw - overlay overlay rw\n", 10), MountKind::kDisk),
      ElementsAre("/"));
  EXPECT_THAT(Points(WatchedMounts("22 1 0:33 / / rw - overlay overlay rw\n"
                                   "23 22 8:1 /hosts /etc/hosts rw - ext4 /dev/sda1 rw\n",
                                   10),
                     MountKind::kDisk),
              ElementsAre("/etc/hosts"))
      << "a container's overlay lies on that disk";
}

TEST(WatchedMountsTest, TakesNoMoreThanTheLimitOfEachKind) {
  std::string text;
  for (int i = 0; i < 50; ++i) {
    const std::string n = std::to_string(i);
    text += "22 1 8:" + n + " / /d" + n + " rw - ext4 /dev/x rw\n";
    text += "22 1 0:" + n + " / /n" + n + " rw - nfs server:/x rw\n";
  }
  const auto mounts = WatchedMounts(text, 10);
  EXPECT_THAT(Points(mounts, MountKind::kDisk), SizeIs(10));
  EXPECT_THAT(Points(mounts, MountKind::kNetwork), SizeIs(10));
}

TEST(WritableInFstabTest, LeavesOutWhatIsMountedReadOnly) {
  EXPECT_THAT(WritableInFstab("# <file system> <mount point>\n"
                              "UUID=1 / ext4 errors=remount-ro 0 1\n"
                              "UUID=2\t/boot\text4\tro,nosuid\t0 2\n"
                              "\nshort line\n"),
              ElementsAre("/"));
}

// Of one type, those that are not ok.
std::vector<Condition> NotOk(const std::vector<Condition>& conditions, std::string_view type) {
  std::vector<Condition> bad;
  for (const Condition& condition : conditions) {
    if (condition.type == type && condition.verdict != Verdict::kOk) bad.push_back(condition);
  }
  return bad;
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
    const auto samples = source.Sample(clock_.Mono() + Millis(500));
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

TEST_F(MountStatSourceTest, AsksADeadServerLastAndSaysForHowLongItHangs) {
  PutMounts(
      "22 1 0:44 / /a rw - nfs4 server:/x rw\n"
      "23 1 8:1 / / rw - ext4 /dev/sda1 rw\n"
      "24 1 0:45 / /b rw - nfs4 server:/y rw\n");
  auto release = std::make_shared<absl::Notification>();
  MountStatSource source(&clock_, folder_.path(), [=](const char* path, struct statvfs* out) {
    if (std::string_view(path).ends_with("/a")) release->WaitForNotification();
    if (std::string_view(path).ends_with("/b")) {
      errno = ESTALE;
      return -1;
    }
    *out = {};
    out->f_frsize = out->f_blocks = out->f_bfree = out->f_bavail = 1;
    return 0;
  });
  ASSERT_TRUE(source.Sample(clock_.Mono() + Seconds(5)));
  const auto samples = source.Sample(clock_.Mono() + Seconds(5));
  ASSERT_THAT(*samples, SizeIs(3));
  EXPECT_EQ((*samples)[0].mount_point, "/");
  EXPECT_TRUE((*samples)[0].answered);
  EXPECT_EQ((*samples)[1].mount_point, "/a");
  EXPECT_GT((*samples)[1].hung_for, Micros(0));
  EXPECT_FALSE((*samples)[1].stale);
  EXPECT_EQ((*samples)[2].mount_point, "/b");
  EXPECT_TRUE((*samples)[2].stale);
  release->Notify();
}

TEST_F(MountStatSourceTest, LeavesOutWhatCannotBeReachedAndSaysWhereTheRightIsMissing) {
  PutMounts(
      "22 1 8:1 / / rw - ext4 /dev/sda1 rw\n"
      "23 1 8:2 / /covered rw - ext4 /dev/sda2 rw\n"
      "24 1 8:3 / /secret rw - ext4 /dev/sda3 rw\n");
  MountStatSource source(&clock_, folder_.path(), [](const char* path, struct statvfs* out) {
    *out = {};
    out->f_frsize = out->f_blocks = out->f_bfree = out->f_bavail = 1;
    const std::string_view asked(path);
    errno = asked.ends_with("/covered") ? ENOENT : EACCES;
    return asked.ends_with("/covered") || asked.ends_with("/secret") ? -1 : 0;
  });
  const auto samples = source.Sample(clock_.Mono() + Seconds(5));
  ASSERT_THAT(*samples, SizeIs(2));
  const auto conditions = EvaluateFilesystem(*samples, {});
  const auto space = NotOk(conditions, "FilesystemFull");
  ASSERT_THAT(space, SizeIs(1));
  EXPECT_EQ(space[0].unit, "/secret");
  EXPECT_EQ(space[0].reason, "NoPermission");
  ASSERT_THAT(NotOk(conditions, "FilesystemNotAnswering"), SizeIs(1));
  EXPECT_EQ(NotOk(conditions, "FilesystemNotAnswering")[0].reason, "NoPermission");
}

// A FUSE file system whose daemon never answers, and a tmpfs without room, in a mount namespace of
// the test's own.
TEST_F(MountStatSourceTest, FindsARealMountThatHangsAndARealTmpfsThatIsFull) {
  UniqueFd daemon(open("/dev/fuse", O_RDWR | O_CLOEXEC));
  if (!daemon.ok() || unshare(CLONE_NEWNS) != 0 ||
      mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) {
    GTEST_SKIP() << "no /dev/fuse, or no right to mount";
  }
  const std::string dead = folder_ / "dead";
  const std::string tmp = folder_ / "tmp";
  ASSERT_TRUE(MakeFolders(dead));
  ASSERT_TRUE(MakeFolders(tmp));
  const std::string options =
      "rootmode=40000,user_id=0,group_id=0,subtype=sshfs,fd=" + std::to_string(daemon.get());
  ASSERT_EQ(mount("host:/", dead.c_str(), "fuse", 0, options.c_str()), 0) << errno;
  ASSERT_EQ(mount("tmpfs", tmp.c_str(), "tmpfs", 0, "size=1m"), 0) << errno;
  std::ofstream(tmp + "/big") << std::string(size_t{2} << 20, 'x');
  PutMounts(
      "22 1 8:1 / / rw - ext4 /dev/sda1 rw\n"
      "23 1 0:39 / /dead rw - fuse.sshfs host:/ rw\n"
      "24 1 0:40 / /tmp rw - tmpfs tmpfs rw\n");
  const FilesystemThresholds thresholds = {.hung_after = Millis(1)};
  {
    MountStatSource source(&clock_, folder_.path());
    const auto first = EvaluateFilesystem(*source.Sample(clock_.Mono() + Seconds(5)), thresholds);
    ASSERT_THAT(NotOk(first, "TmpFull"), SizeIs(1));
    EXPECT_EQ(NotOk(first, "TmpFull")[0].verdict, Verdict::kBad);
    ASSERT_THAT(NotOk(first, "FilesystemNotAnswering"), SizeIs(1));
    EXPECT_EQ(NotOk(first, "FilesystemNotAnswering")[0].verdict, Verdict::kUnknown);
    EXPECT_EQ(first[0].unit, "/") << "was asked all the same";

    const auto second = EvaluateFilesystem(*source.Sample(clock_.Mono() + Seconds(5)), thresholds);
    ASSERT_THAT(NotOk(second, "FilesystemNotAnswering"), SizeIs(1));
    EXPECT_EQ(NotOk(second, "FilesystemNotAnswering")[0].verdict, Verdict::kBad);
    EXPECT_EQ(NotOk(second, "FilesystemNotAnswering")[0].unit, "/dead");

    daemon.reset();  // the daemon is dead: what hung comes back with an error
    const MonoTime give_up = clock_.Mono() + Seconds(60);
    bool hangs = true;
    while (hangs && clock_.Mono() < give_up) {
      PollUntil({}, clock_, clock_.Mono() + Millis(10));
      const auto samples = source.Sample(clock_.Mono() + Seconds(5));
      hangs = samples->back().hung_for > Micros(0);
    }
    EXPECT_FALSE(hangs);
  }
  EXPECT_EQ(umount2(dead.c_str(), MNT_DETACH), 0);
  EXPECT_EQ(umount2(tmp.c_str(), MNT_DETACH), 0);
}

TEST_F(MountStatSourceTest, AsksNothingWhenTheTimeIsUp) {
  MountStatSource source(&clock_, folder_.path(), [](const char*, struct statvfs*) -> int {
    ADD_FAILURE() << "was asked";
    return -1;
  });
  const auto samples = source.Sample(clock_.Mono());
  ASSERT_THAT(*samples, SizeIs(2));
  EXPECT_FALSE((*samples)[0].answered);
  EXPECT_THAT((*samples)[0].error, testing::HasSubstr("not asked"));
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
