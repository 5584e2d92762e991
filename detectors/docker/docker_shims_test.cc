#include "detectors/docker/docker_shims.h"

#include <algorithm>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fmt/format.h>

#include "detectors/docker/docker_probes.h"

namespace fleetmedic {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

std::string Id(char digit) { return std::string(64, digit); }

// Recorded from containerd 1.6, the id shortened to one digit.
std::string ShimLine(const std::string& id, const std::string& space = "moby",
                     const std::string& address = "/run/containerd/containerd.sock") {
  std::string line = "/usr/bin/containerd-shim-runc-v2 -namespace " + space + " -id " + id +
                     " -address " + address + " ";
  std::ranges::replace(line, ' ', '\0');
  return line;
}

DockerShim Shim(char digit, char state = 'S',
                const std::string& address = "/run/containerd/containerd.sock") {
  return {100, Id(digit), address, state};
}

TEST(ShimFromCommandLineTest, ReadsDockersShimsOnly) {
  const auto shim = ShimFromCommandLine(ShimLine(Id('a')));
  ASSERT_TRUE(shim.has_value());
  EXPECT_EQ(shim->container, Id('a'));
  EXPECT_EQ(shim->address, "/run/containerd/containerd.sock");
  EXPECT_FALSE(ShimFromCommandLine(ShimLine(Id('a'), "k8s.io")).has_value());
  EXPECT_FALSE(ShimFromCommandLine(ShimLine("../x")).has_value());
  EXPECT_FALSE(ShimFromCommandLine("").has_value());
  EXPECT_FALSE(ShimFromCommandLine(std::string("vi\0containerd-shim\0-id\0a", 25)).has_value());
  EXPECT_FALSE(ShimFromCommandLine(std::string("containerd-shim\0-namespace\0moby\0-id", 36)))
      << "the last word has no value";
}

TEST(ShimFromCommandLineTest, ReadsTheFirstRuntimesShims) {
  std::string line =
      "containerd-shim -namespace moby -workdir /var/lib/containerd/io.containerd.runtime.v1.linux/"
      "moby/" +
      Id('b') + " -address /run/containerd/containerd.sock ";
  std::ranges::replace(line, ' ', '\0');
  const auto shim = ShimFromCommandLine(line);
  ASSERT_TRUE(shim.has_value());
  EXPECT_EQ(shim->container, Id('b'));
}

struct ShimCase {
  const char* sentence;
  std::vector<DockerContainer> containers;
  std::vector<DockerShim> shims;
  std::set<std::string> orphaned;
  std::set<std::string> missing;
  std::set<std::string> halted;
};

TEST(JudgeShimsTest, SaysWhoIsWithoutWhom) {
  const DockerContainer runs{Id('a'), "/a", "running", {}};
  const DockerContainer ended{Id('b'), "/b", "exited", {}};
  const ShimCase cases[] = {
      {"each has its own", {runs}, {Shim('a')}, {}, {}, {}},
      {"an ended one without", {runs, ended}, {Shim('a')}, {}, {}, {}},
      {"an ended one with", {runs, ended}, {Shim('a'), Shim('b')}, {Id('b')}, {}, {}},
      {"a shim of nobody", {runs}, {Shim('a'), Shim('c')}, {Id('c')}, {}, {}},
      {"a shim of another daemon",
       {runs},
       {Shim('a'), Shim('c', 'S', "/run/other.sock")},
       {},
       {},
       {}},
      {"a running one without", {runs}, {}, {}, {Id('a')}, {}},
      {"a stopped shim", {runs}, {Shim('a', 'T')}, {}, {}, {Id('a')}},
      {"a shim that waits for its disk", {runs}, {Shim('a', 'D')}, {}, {}, {Id('a')}},
      {"a container that is being removed keeps its shim for a while",
       {{Id('a'), "/a", "removing", {}}},
       {Shim('a')},
       {},
       {},
       {}},
  };
  for (const ShimCase& c : cases) {
    ProcessScan scan;
    scan.whole = scan.daemon_seen = true;
    scan.shims = c.shims;
    std::set<std::string> addresses;
    const ShimFindings findings = JudgeShims(c.containers, scan, ExecutorRule(), &addresses);
    EXPECT_EQ(findings.orphaned, c.orphaned) << c.sentence;
    EXPECT_EQ(findings.missing, c.missing) << c.sentence;
    EXPECT_EQ(findings.halted, c.halted) << c.sentence;
  }
}

TEST(JudgeShimsTest, MissesNothingThatItCouldNotSee) {
  const DockerContainer runs{Id('a'), "/a", "running", {}};
  std::set<std::string> addresses;
  ProcessScan scan;
  scan.whole = true;
  EXPECT_THAT(JudgeShims({runs}, scan, {}, &addresses).missing, IsEmpty())
      << "the daemon is in another PID namespace";
  scan.daemon_seen = true;
  scan.whole = false;
  EXPECT_THAT(JudgeShims({runs}, scan, {}, &addresses).missing, IsEmpty());
}

TEST(JudgeShimsTest, KnowsItsDaemonsShimsAfterTheLastContainerIsGone) {
  std::set<std::string> addresses;
  ProcessScan scan;
  scan.whole = scan.daemon_seen = true;
  scan.shims = {Shim('a')};
  JudgeShims({{Id('a'), "/a", "running", {}}}, scan, {}, &addresses);
  EXPECT_THAT(JudgeShims({}, scan, {}, &addresses).orphaned, ElementsAre(Id('a')));
}

TEST(JudgeShimsTest, FindsExecutorsByWhatTheConfigSays) {
  const std::vector<DockerContainer> containers = {
      {Id('a'), "/mesos-1", "running", {}}, {Id('b'), "/mesos-2", "running", {}},
      {Id('c'), "/other", "running", {}},   {Id('d'), "/labelled", "running", {{"task", "t-9"}}},
      {Id('e'), "/mesos-3", "exited", {}},
  };
  ProcessScan scan;
  scan.whole = scan.daemon_seen = true;
  scan.command_lines = {"mesos-docker-executor --container=mesos-1 --docker=docker",
                        "executor --task=t-9"};
  std::set<std::string> addresses;
  EXPECT_THAT(JudgeShims(containers, scan, {"", {"mesos-"}, "--container={name}"}, &addresses)
                  .executor_gone,
              ElementsAre(Id('b')));
  EXPECT_THAT(
      JudgeShims(containers, scan, {"task", {}, "--task={label}"}, &addresses).executor_gone,
      IsEmpty());
  EXPECT_THAT(JudgeShims(containers, scan, {"task", {}, "--id={id}"}, &addresses).executor_gone,
              ElementsAre(Id('d')));
  EXPECT_THAT(JudgeShims(containers, scan, {"task", {"mesos-"}, ""}, &addresses).executor_gone,
              IsEmpty())
      << "off";
}

TEST(ScanProcessesTest, ReadsAProcessTable) {
  TempFolder folder;
  const auto process = [&](int pid, const std::string& comm, const std::string& line,
                           const std::string& nspid, char state) {
    const std::string at = folder / ("proc/" + std::to_string(pid));
    ASSERT_TRUE(MakeFolders(at));
    ASSERT_TRUE(WriteFileAtomic(at + "/comm", comm + "\n"));
    ASSERT_TRUE(WriteFileAtomic(at + "/cmdline", line));
    ASSERT_TRUE(WriteFileAtomic(at + "/status", "Name:\t" + comm + "\nNSpid:\t" + nspid + "\n"));
    ASSERT_TRUE(WriteFileAtomic(
        at + "/stat",
        fmt::format("{} ({}) {} 1 1 1 0 -1 0 1 2 3 4 5 6 7 8 20 0 17 0 99 1\n", pid, comm, state)));
  };
  process(10, "dockerd", std::string("dockerd\0-H\0x\0", 13), "10", 'S');
  process(11, "containerd-shim", ShimLine(Id('a')), "11", 'T');
  process(12, "containerd-shim", ShimLine(Id('b')), "12\t7", 'S');
  process(13, "containerd-shim", ShimLine(Id('c')), "13", 'Z');
  process(14, "sleep",
          std::string("sleep\0"
                      "100\0",
                      10),
          "14", 'S');
  ASSERT_TRUE(MakeFolders(folder / "proc/sys"));
  SystemClock clock;
  const FsRoot root(folder.path());
  const auto scan = ScanProcesses(root, clock, clock.Mono() + Minutes(1), true);
  ASSERT_TRUE(scan) << scan.error().message;
  EXPECT_TRUE(scan->whole);
  EXPECT_TRUE(scan->daemon_seen);
  EXPECT_THAT(scan->shims,
              ElementsAre(DockerShim{11, Id('a'), "/run/containerd/containerd.sock", 'T'}))
      << "one is in a container, one has ended";
  EXPECT_THAT(scan->command_lines, testing::Contains("sleep 100"));
  const auto late = ScanProcesses(root, clock, clock.Mono() - Micros(1), false);
  ASSERT_TRUE(late);
  EXPECT_FALSE(late->whole);
  EXPECT_EQ(ScanProcesses(FsRoot(folder / "proc/sys"), clock, kMonoForever, false).error().code,
            Code::kNotFound);
}

TEST(NextRunningTest, GoesRound) {
  const std::vector<DockerContainer> containers = {
      {"c", "", "running", {}}, {"a", "", "running", {}}, {"b", "", "exited", {}}};
  EXPECT_EQ(NextRunning(containers, "", {}), "a");
  EXPECT_EQ(NextRunning(containers, "a", {}), "c");
  EXPECT_EQ(NextRunning(containers, "c", {}), "a");
  EXPECT_EQ(NextRunning(containers, "a", {"c"}), "a");
  EXPECT_EQ(NextRunning(containers, "a", {"a", "c"}), "");
  EXPECT_EQ(NextRunning({}, "", {}), "");
}

TEST(ProbeImageTarTest, HasTheHeaderOfPosix) {
  EXPECT_EQ(ProbeImageTar().size() % 512, 0u);
  // The sum of POSIX: of all bytes of the header, its own taken as blanks.
  std::string header = ProbeImageTar().substr(0, 512);
  const unsigned long said = std::stoul(header.substr(148, 6), nullptr, 8);
  header.replace(148, 8, "        ");
  unsigned long sum = 0;
  for (const char c : header) sum += static_cast<unsigned char>(c);
  EXPECT_EQ(said, sum);
  EXPECT_EQ(header.substr(257, 5), "ustar");
}

}  // namespace
}  // namespace fleetmedic
