#include "detectors/daemon_process.h"

#include <unistd.h>

#include <gtest/gtest.h>

namespace fleetmedic {
namespace {

TEST(ProcessStatTest, ReadsThisProcess) {
  const auto process = ReadProcess(FsRoot(), ::getpid());
  ASSERT_TRUE(process) << process.error().message;
  EXPECT_EQ(process->pid, ::getpid());
  EXPECT_GT(process->start_ticks, 0u);
}

TEST(PidFileTest, FollowsTheNumberInTheFile) {
  TempFolder folder;
  const FsRoot root(folder.path());
  ASSERT_TRUE(MakeFolders(folder / "proc/12"));
  ASSERT_TRUE(WriteFileAtomic(folder / "proc/12/stat",
                              "12 (dockerd) S 1 1 1 0 -1 0 1 2 3 4 5 6 7 8 20 0 17 0 99 1\n"));
  ASSERT_TRUE(WriteFileAtomic(folder / "pid", "12\n"));
  const auto process = ReadPidFileProcess(root, "/pid");
  ASSERT_TRUE(process) << process.error().message;
  EXPECT_EQ(process->name, "dockerd");
  ASSERT_TRUE(WriteFileAtomic(folder / "pid", "13"));
  EXPECT_EQ(ReadPidFileProcess(root, "/pid").error().code, Code::kNotFound);
  ASSERT_TRUE(WriteFileAtomic(folder / "pid", "no"));
  EXPECT_EQ(ReadPidFileProcess(root, "/pid").error().code, Code::kCorrupt);
}

TEST(RestartWindowTest, CountsReplacementsWithinTheWindowAndForgetsThem) {
  RestartWindow window(Minutes(10));
  const MonoTime start{Hours(1)};
  window.Add({.pid = 1, .start_ticks = 5}, start);
  EXPECT_EQ(window.Count(start), 0u) << "the first is no restart";
  window.Add({.pid = 1, .start_ticks = 5}, start + Minutes(1));
  EXPECT_EQ(window.Count(start + Minutes(1)), 0u);
  window.Add({.pid = 1, .start_ticks = 9}, start + Minutes(2));
  window.Add({.pid = 7, .start_ticks = 9}, start + Minutes(3));
  EXPECT_EQ(window.Count(start + Minutes(3)), 2u) << "the same number again is another process";
  EXPECT_EQ(window.Count(start + Minutes(12)), 2u);
  EXPECT_EQ(window.Count(start + Minutes(12) + Micros(1)), 1u);
  EXPECT_EQ(window.Count(start + Minutes(14)), 0u);
}

TEST(HeldSinceTest, StartsAgainAfterABreak) {
  HeldSince held;
  const MonoTime start{Hours(1)};
  held.Replace({"a", "b"}, start);
  held.Replace({"a"}, start + Seconds(5));
  EXPECT_EQ(held.For("a", start + Seconds(9)), Seconds(9));
  EXPECT_EQ(held.For("b", start + Seconds(9)), Micros(0));
  held.Replace({"b"}, start + Seconds(10));
  EXPECT_EQ(held.For("b", start + Seconds(11)), Seconds(1));
}

}  // namespace
}  // namespace fleetmedic
