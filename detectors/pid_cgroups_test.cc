#include "detectors/pid_cgroups.h"

#include <gtest/gtest.h>

#include "detectors/logs/kmsg_reader.h"
#include "detectors/logs/log_pump.h"
#include "detectors/proc_text.h"

namespace fleetmedic {
namespace {

TEST(ParseCrashLine, ReadsWhatTheKernelSaysOfACrash) {
  const std::pair<const char*, CrashLine> lines[] = {
      {"nginx[314]: segfault at 10 ip 00007f1c sp 00007ffd error 4 in nginx[400000+b000]",
       {314, "nginx"}},
      {"traps: nginx[314] general protection fault ip:7f1c2a sp:7ffd10 error:0 in libc.so.6[7f1c]",
       {314, "nginx"}},
      {"traps: a b[1]c[4242] trap invalid opcode ip:55d0 sp:7ffd error:0 in a[55d0+1000]",
       {4242, "a b[1]c"}},
      {"java[7]: unhandled exception: SP Alignment, ESR 0x000000009a000000", {7, "java"}},
  };
  for (const auto& [line, crash] : lines) EXPECT_EQ(ParseCrashLine(line), crash) << line;
}

TEST(ParseCrashLine, TakesNothingElse) {
  for (const char* line :
       {"", "]", "[314]: segfault at 10", "nginx[314]", "nginx[x]: segfault at 10",
        "nginx[0]: segfault at 10", "nginx[99999999999]: segfault at 10", "nginx[314]: started",
        "a name that is longer than any[314]: segfault at 10",
        "systemd[1]: nginx.service: Main process exited, code=dumped, status=11/SEGV",
        "oom-kill:constraint=CONSTRAINT_MEMCG,task=a[1]: segfault at ,pid=7"}) {
    EXPECT_EQ(ParseCrashLine(line), std::nullopt) << line;
  }
}

TEST(CgroupPath, IsOfTheMemoryHierarchyElseOfV2) {
  EXPECT_EQ(CgroupPath("4:memory:/a:b\n1:cpu:/c\n0::/d\n"), "/a:b");
  EXPECT_EQ(CgroupPath("1:cpu:/c\n0::/d\n"), "/d");
  EXPECT_EQ(CgroupPath("1:cpu:/c\n"), "");
  EXPECT_EQ(CgroupPath(""), "");
}

class PidCgroupsTest : public testing::Test {
 protected:
  void Put(int pid, const std::string& name, const std::string& cgroup) {
    const std::string folder = folder_ / "proc/" + std::to_string(pid);
    ASSERT_TRUE(MakeFolders(folder));
    ASSERT_TRUE(WriteFileAtomic(folder + "/comm", name + "\n"));
    ASSERT_TRUE(WriteFileAtomic(folder + "/cgroup", "4:memory:" + cgroup + "\n0::/\n"));
  }
  void End(int pid) { ASSERT_TRUE(RemoveTree(folder_ / "proc/" + std::to_string(pid))); }

  TempFolder folder_;
  PidCgroups cgroups_{FsRoot(folder_.path())};
};

TEST_F(PidCgroupsTest, OfALivingProcessItIsRead) {
  Put(7, "web", "/web");
  EXPECT_EQ(cgroups_.Of(7, "web"), "/web");
  EXPECT_EQ(cgroups_.Of(7, "other"), "") << "the number was given again";
  EXPECT_EQ(cgroups_.Of(8, "web"), "");
}

TEST_F(PidCgroupsTest, OfOneThatIsGoneItIsRemembered) {
  Put(7, "web", "/web");
  cgroups_.Saw(7, 100, "web");
  cgroups_.EndWalk();
  End(7);
  EXPECT_EQ(cgroups_.Of(7, "web"), "/web");
  EXPECT_EQ(cgroups_.Of(7, "other"), "");
  cgroups_.EndWalk();
  EXPECT_EQ(cgroups_.Of(7, "web"), "/web") << "a crash may be told late";
  cgroups_.EndWalk();
  EXPECT_EQ(cgroups_.Of(7, "web"), "");
}

TEST_F(PidCgroupsTest, OfOneThatIsEndingTheRootIsNotTaken) {
  Put(7, "web", "/web");
  cgroups_.Saw(7, 100, "web");
  Put(7, "web", "/");
  EXPECT_EQ(cgroups_.Of(7, "web"), "/web");
}

TEST_F(PidCgroupsTest, IsReadAgainOnceAndForAnotherProcessOfTheNumber) {
  Put(7, "web", "/starter");
  cgroups_.Saw(7, 100, "web");
  Put(7, "web", "/web");
  cgroups_.Saw(7, 100, "web");
  Put(7, "web", "/later");
  cgroups_.Saw(7, 100, "web");
  End(7);
  EXPECT_EQ(cgroups_.Of(7, "web"), "/web");
  Put(7, "db", "/db");
  cgroups_.Saw(7, 200, "db");
  End(7);
  EXPECT_EQ(cgroups_.Of(7, "db"), "/db");
}

TEST_F(PidCgroupsTest, RemembersABoundedNumber) {
  for (int pid = 1; pid <= static_cast<int>(PidCgroups::kPidsMax); ++pid) {
    cgroups_.Saw(pid, 1, "web");
  }
  const int beyond = static_cast<int>(PidCgroups::kPidsMax) + 1;
  Put(beyond, "web", "/web");
  cgroups_.Saw(beyond, 1, "web");
  End(beyond);
  EXPECT_EQ(cgroups_.Of(beyond, "web"), "");
}

// What the pump does with a line of the kernel, from its file to the frame.
class CrashFrameTest : public testing::Test, public FrameSink {
 protected:
  uint64_t PostFrame(SpooledFrame* frame) override {
    frames_.push_back(std::move(*frame));
    return frames_.size();
  }
  uint64_t StoredTicket() const override { return frames_.size(); }

  void Write(const std::string& records) {
    ASSERT_TRUE(MakeFolders(folder_ / "dev"));
    ASSERT_TRUE(WriteFileAtomic(folder_ / "dev/kmsg", records));
  }
  std::vector<LogFrame> Read() {
    LogPump::Options options;
    options.frames.host = HostId("h");
    options.cursor_path = folder_ / "cursors.json";
    options.wait_max = Millis(0);
    options.cgroup_of = [](int pid, std::string_view name) {
      return pid == 7 && name == "web" ? std::string("/web") : std::string();
    };
    std::vector<std::unique_ptr<LogSource>> sources;
    sources.push_back(std::make_unique<KmsgReader>(&root_, &clock_, KmsgReader::Options{}));
    LogPump pump(&clock_, nullptr, this, options, std::move(sources));
    pump.SetBoot("b");
    for (int i = 0; i < 3; ++i) {
      pump.Cycle();
      clock_.Advance(Seconds(1));
    }
    std::vector<LogFrame> frames;
    for (const SpooledFrame& frame : frames_) {
      frames.push_back(
          LogFrameFrom(frame.record.key, frame.record.headers, frame.record.value).value());
    }
    return frames;
  }

  TempFolder folder_;
  const FsRoot root_{folder_.path()};
  SimulatedClock clock_;
  std::vector<SpooledFrame> frames_;
};

TEST_F(CrashFrameTest, CarriesTheCgroupOfWhatCrashed) {
  Write(
      "6,1,1000,-;web[7]: segfault at 10 ip 1 sp 2 error 4 in web[3+4]\n"
      "6,2,2000,-;web[8]: segfault at 10 ip 1 sp 2 error 4 in web[3+4]\n"
      "6,3,3000,-;eth0: link up\n");
  const std::vector<LogFrame> frames = Read();
  ASSERT_EQ(frames.size(), 1u);
  EXPECT_EQ(frames[0].lines, 3u);
  EXPECT_EQ(frames[0].cgroups, (std::map<std::string, std::string, std::less<>>{{"7", "/web"}}));
}

TEST_F(CrashFrameTest, BelievesNobodyButTheKernel) {
  // Facility 1: written by a program.
  Write("14,1,1000,-;web[7]: segfault at 10 ip 1 sp 2 error 4 in web[3+4]\n");
  const std::vector<LogFrame> frames = Read();
  ASSERT_EQ(frames.size(), 1u);
  EXPECT_EQ(frames[0].source, "kmsg-user");
  EXPECT_TRUE(frames[0].cgroups.empty());
}

}  // namespace
}  // namespace fleetmedic
