// Real faults, and how long the detectors that ship take to tell of them. docs/detectors.md has
// what these print.
#include <fcntl.h>
#include <linux/fs.h>
#include <sched.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <unistd.h>

#include <atomic>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/child_process.h"
#include "base/http_server.h"
#include "detectors/checks/check_detector.h"
#include "detectors/dns/dns_detector.h"
#include "detectors/dns/fake_name_server.h"
#include "detectors/filesystem/filesystem_detector.h"
#include "detectors/mesos/mesos_detector.h"
#include "detectors/process/process_detector.h"
#include "tests/e2e/fault_time.h"

namespace fleetmedic {
namespace {

// What a loaded machine may add to an interval and a deadline.
constexpr Seconds kLate{20};

// A small ext4 of the test's own on a loop device, in a mount namespace of the test's own.
class OwnDisk {
 public:
  // False: this machine does not let us.
  bool Mount() {
    if (::geteuid() != 0 || ::unshare(CLONE_NEWNS) != 0) return false;
    if (::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) return false;
    const std::string image = folder_ / "image";
    const UniqueFd fd(::open(image.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
    if (!fd.ok() || ::ftruncate(fd.get(), off_t{64} << 20) != 0) return false;
    if (!MakeFolders(point())) return false;
    return Run({"mkfs.ext4", "-q", "-F", image}) && Run({"mount", "-o", "loop", image, point()});
  }
  ~OwnDisk() { (void)::umount2(point().c_str(), MNT_DETACH); }

  std::string point() const { return folder_ / "disk"; }
  std::string file(const std::string& name) const { return point() + "/" + name; }

 private:
  bool Run(std::vector<std::string> argv) const {
    Command command;
    command.argv = std::move(argv);
    const Result<CommandResult> ran = RunCommand(command, clock_, clock_.Mono() + Seconds(30));
    return ran && ran->status.ok();
  }

  SystemClock clock_;
  TempFolder folder_;
};

void FillUp(const std::string& path) {
  const UniqueFd fd(::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
  ASSERT_TRUE(fd.ok());
  const std::string megabyte(size_t{1} << 20, 'x');
  while (::write(fd.get(), megabyte.data(), megabyte.size()) > 0) {
  }
}

TEST(FaultTimeE2e, AFileSystemThatIsFullAndOneThatTurnsReadOnly) {
  OwnDisk disk;
  if (!disk.Mount()) GTEST_SKIP() << "no loop device can be mounted here";
  const SystemClock clock;
  FilesystemDetector detector(&clock, HostConfig(), FilesystemConfig());
  EXPECT_LT(FaultTime(clock, &detector, "filesystem: written full", "FilesystemFull",
                      [&] { FillUp(disk.file("full")); }, {.unit = disk.point()}),
            FilesystemConfig().interval + kLate);
  EXPECT_LT(FaultTime(clock, &detector, "filesystem: mounted read-only", "FilesystemReadOnly",
                      [&] {
                        ASSERT_EQ(::mount(nullptr, disk.point().c_str(), nullptr,
                                          MS_REMOUNT | MS_RDONLY, nullptr),
                                  0);
                      },
                      {.unit = disk.point()}),
            FilesystemConfig().interval + kLate);
}

// Thaws at its end, or its writer would never die.
class Frozen {
 public:
  explicit Frozen(const std::string& point)
      : fd_(::open(point.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)),
        frozen_(::ioctl(fd_.get(), FIFREEZE, 0) == 0) {}
  ~Frozen() {
    if (frozen_) (void)::ioctl(fd_.get(), FITHAW, 0);
  }
  bool frozen() const { return frozen_; }

 private:
  const UniqueFd fd_;
  const bool frozen_;
};

// With times of its own: five minutes blocked, as it ships, is not waited for.
TEST(FaultTimeE2e, AProcessThatIsBlockedInTheKernel) {
  OwnDisk disk;
  if (!disk.Mount()) GTEST_SKIP() << "no loop device can be mounted here";
  const SystemClock clock;
  ProcessConfig config;
  config.interval = Seconds(1);
  config.walk_every = Seconds(2);
  config.blocked_for = Seconds(10);
  ProcessDetector detector(&clock, HostConfig(), config);
  std::optional<Child> writer;
  std::optional<Frozen> frozen;
  const Micros took = FaultTime(clock, &detector, "process: writes to a frozen file system, 10 s",
                                "ProcessBlocked", [&] {
                                  frozen.emplace(disk.point());
                                  ASSERT_TRUE(frozen->frozen());
                                  ChildOptions options;
                                  options.argv = {"touch", disk.file("never")};
                                  Result<Child> started = Child::Start(options);
                                  ASSERT_TRUE(started) << started.error().message;
                                  writer.emplace(*std::move(started));
                                });
  EXPECT_GE(took, config.blocked_for);
  EXPECT_LT(took, config.blocked_for + config.walk_every + config.interval + kLate);
  frozen.reset();
  writer.reset();
}

TEST(FaultTimeE2e, AFolderForTemporaryFilesThatIsFull) {
  if (::geteuid() != 0 || ::unshare(CLONE_NEWNS) != 0) GTEST_SKIP() << "no mount namespace here";
  ASSERT_EQ(::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr), 0);
  ASSERT_EQ(::mount("tmpfs", "/var/tmp", "tmpfs", 0, "size=8m"), 0);
  const SystemClock clock;
  FilesystemDetector detector(&clock, HostConfig(), FilesystemConfig());
  EXPECT_LT(FaultTime(clock, &detector, "filesystem: tmpfs written full", "TmpFull",
                      [] { FillUp("/var/tmp/full"); }, {.unit = "/var/tmp"}),
            FilesystemConfig().interval + kLate);
  (void)::umount2("/var/tmp", MNT_DETACH);
}

TEST(FaultTimeE2e, ACheckThatFailsAndOneThatHangs) {
  const SystemClock clock;
  const TempFolder folder;
  CheckConfig config;
  config.name = "scratch";
  config.type = "ScratchDiskMissing";
  config.command = {"/bin/sh", "-c",
                    "if [ -e \"$0/hangs\" ]; then sleep 1000; fi; [ ! -e \"$0/fails\" ]",
                    folder.path()};
  CheckDetector detector(&clock, config, std::make_shared<CheckSlots>(1));
  const std::string fails = folder / "fails";
  EXPECT_LT(FaultTime(clock, &detector, "checks: the program exits with 1", config.type,
                      [&] { ASSERT_TRUE(WriteFileAtomic(fails, "")); }),
            config.interval + kLate);
  ASSERT_EQ(::unlink(fails.c_str()), 0);
  EXPECT_LT(FaultTime(clock, &detector, "checks: the program hangs (unknown)", config.type,
                      [&] { ASSERT_TRUE(WriteFileAtomic(folder / "hangs", "")); },
                      {.unit = config.name, .verdict = Verdict::kUnknown}),
            config.interval + config.deadline + kLate);
}

TEST(FaultTimeE2e, AMesosAgentThatAnswersNoMore) {
  const SystemClock clock;
  std::atomic<bool> hangs{false};
  std::atomic<bool> over{false};
  HttpServer agent({{"GET", "/health",
                     [&](const HttpRequest&) {
                       if (hangs) (void)WaitUntil(clock, Minutes(2), [&] { return over.load(); });
                       return HttpResponse::Empty(200);
                     }}},
                   &clock);
  const Status listens = agent.Start(HttpAddress::Loopback(0));
  ASSERT_TRUE(listens) << listens.error().message;
  MesosConfig config;
  config.address = agent.address().Text();
  const TempFolder root;
  HostConfig host;
  host.root = root.path();
  MesosDetector detector(&clock, host, config);
  EXPECT_LT(FaultTime(clock, &detector, "mesos: the agent's API hangs", "MesosAgentUnresponsive",
                      [&] { hangs = true; }),
            config.interval + config.answer_max + kLate);
  over = true;
  hangs = false;
  EXPECT_LT(FaultTime(clock, &detector, "mesos: the agent's API listens no more",
                      "MesosAgentUnresponsive", [&] { agent.Stop(); }),
            config.interval + kLate);
}

TEST(FaultTimeE2e, ANameServerThatFallsSilent) {
  const SystemClock clock;
  std::atomic<bool> silent{false};
  // Else every question comes back with the bit of a reply.
  const FakeNameServer server([&silent](std::string question) {
    constexpr size_t kFlagsAt = 2;
    if (silent || question.size() <= kFlagsAt) return std::string();
    question[kFlagsAt] = static_cast<char>(question[kFlagsAt] | 0x80);
    return question;
  });
  const TempFolder root;
  HostConfig host;
  host.root = root.path();
  ASSERT_TRUE(MakeFolders(root / "etc"));
  ASSERT_TRUE(WriteFileAtomic(root / "etc/resolv.conf", "nameserver 127.0.0.1\n"));
  const DnsConfig config;
  DnsDetector detector(&clock, host, config, server.port());
  EXPECT_LT(FaultTime(clock, &detector, "dns: the name server falls silent",
                      "DnsServerUnresponsive", [&] { silent = true; }, {.unit = "127.0.0.1"}),
            config.interval + config.timeout + kLate);
}

}  // namespace
}  // namespace fleetmedic
