// The real OOM killer: a cgroup of the test's own, with a limit, and a child that eats past it.
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fcntl.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "detectors/memory/memory_detector.h"
#include "tests/e2e/fault_time.h"

namespace fleetmedic {
namespace {

using ::testing::HasSubstr;

constexpr size_t kLimitBytes = size_t{32} << 20;

// /proc and /sys of a cgroup file system take one write, and no rename.
bool Write(const std::string& path, const std::string& text) {
  const int fd = open(path.c_str(), O_WRONLY | O_CLOEXEC);
  if (fd < 0) return false;
  const bool written = write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size());
  close(fd);
  return written;
}

// A memory cgroup with a limit; removed at the end.
class LimitedCgroup {
 public:
  LimitedCgroup() : name_("/fleetmedic-test-" + std::to_string(getpid())) {
    const FsRoot root;
    const bool v1 = root.Exists("/sys/fs/cgroup/memory/memory.oom_control");
    path_ = (v1 ? "/sys/fs/cgroup/memory" : "/sys/fs/cgroup") + name_;
    made_ =
        mkdir(path_.c_str(), 0755) == 0 &&
        Write(path_ + (v1 ? "/memory.limit_in_bytes" : "/memory.max"), std::to_string(kLimitBytes));
    // Without a limit on swap the child may only be swapped out; not every kernel has one.
    if (made_)
      Write(path_ + (v1 ? "/memory.memsw.limit_in_bytes" : "/memory.swap.max"),
            v1 ? std::to_string(kLimitBytes) : "0");
  }
  ~LimitedCgroup() { (void)rmdir(path_.c_str()); }

  bool made() const { return made_; }
  const std::string& name() const { return name_; }
  std::string Procs() const { return path_ + "/cgroup.procs"; }

 private:
  const std::string name_;
  std::string path_;
  bool made_ = false;
};

// The signal that ended a child which wrote to more memory than the cgroup has.
int EatIn(const LimitedCgroup& cgroup) {
  const std::string procs = cgroup.Procs();
  const pid_t child = fork();
  if (child == 0) {
    if (!Write(procs, "0")) _exit(1);
    constexpr size_t kBytes = kLimitBytes * 4;
    char* const memory = static_cast<char*>(
        mmap(nullptr, kBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    if (memory == MAP_FAILED) _exit(2);
    for (size_t i = 0; i < kBytes; i += 4096) memory[i] = 1;
    _exit(3);
  }
  int status = 0;
  if (child < 0 || waitpid(child, &status, 0) != child) return -1;
  return WIFSIGNALED(status) ? WTERMSIG(status) : -1;
}

TEST(MemoryDetectorE2eTest, NamesTheCgroupThatTheKernelKilledAProcessOf) {
  const LimitedCgroup cgroup;
  if (!cgroup.made()) GTEST_SKIP() << "no memory cgroup can be made here";
  SystemClock clock;
  MemoryDetector detector(&clock, HostConfig(), MemoryConfig());
  ASSERT_TRUE(detector.Probe(clock.Mono() + Seconds(30)));
  ASSERT_EQ(EatIn(cgroup), SIGKILL);
  const auto conditions = detector.Probe(clock.Mono() + Seconds(30));
  ASSERT_TRUE(conditions) << conditions.error().message;
  bool found = false;
  for (const Condition& condition : *conditions) {
    if (condition.type != "OomKill" || condition.unit != cgroup.name()) continue;
    found = true;
    EXPECT_EQ(condition.verdict, Verdict::kBad);
    EXPECT_THAT(condition.message, HasSubstr("1 process was killed for memory"));
  }
  EXPECT_TRUE(found);
}

TEST(MemoryDetectorE2eTest, TellsOfAKillAtItsNextLook) {
  const LimitedCgroup cgroup;
  if (!cgroup.made()) GTEST_SKIP() << "no memory cgroup can be made here";
  SystemClock clock;
  const MemoryConfig config;
  MemoryDetector detector(&clock, HostConfig(), config);
  EXPECT_LT(
      FaultTime(clock, &detector, "memory: a process is killed in a cgroup at its limit", "OomKill",
                [&] { ASSERT_EQ(EatIn(cgroup), SIGKILL); }, {.unit = cgroup.name()}),
      config.interval + Seconds(20));
}

}  // namespace
}  // namespace fleetmedic
