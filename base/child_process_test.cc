#include "base/child_process.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/file.h"
#include "base/text.h"

namespace fleetmedic {
namespace {

using testing::HasSubstr;

const SystemClock kClock;

Result<CommandResult> Shell(const std::string& script, Millis patience = Seconds(30)) {
  Command command;
  command.argv = {"/bin/sh", "-c", script};
  return RunCommand(command, kClock, kClock.Mono() + patience);
}

TEST(RunCommand, GivesBackHowItEndedAndWhatItSaid) {
  const CommandResult result = Shell("echo out; echo err >&2; exit 3").value();
  EXPECT_EQ(result.status, (ExitStatus{3, 0}));
  EXPECT_EQ(result.status.Text(), "exit code 3");
  EXPECT_EQ(result.standard_output, "out\n");
  EXPECT_EQ(result.standard_error, "err\n");
}

TEST(RunCommand, ASignalIsToldFromAnExitCode) {
  const CommandResult result = Shell("kill -TERM $$").value();
  EXPECT_EQ(result.status, (ExitStatus{0, SIGTERM}));
  EXPECT_EQ(result.status.Text(), "signal 15 (Terminated)");
}

TEST(RunCommand, FindsProgramsByNameAndSaysWhichIsMissing) {
  Command command;
  command.argv = {"true"};
  EXPECT_TRUE(RunCommand(command, kClock, kClock.Mono() + Seconds(30)).value().status.ok());
  command.argv = {"no-such-program"};
  const auto missing = RunCommand(command, kClock, kClock.Mono() + Seconds(30));
  EXPECT_EQ(missing.error().code, Code::kNotFound);
  EXPECT_THAT(missing.error().message, HasSubstr("no-such-program"));
  command.argv = {"/"};
  EXPECT_EQ(RunCommand(command, kClock, kClock.Mono() + Seconds(30)).error().code,
            Code::kPermissionDenied);
}

TEST(RunCommand, FeedsTheInput) {
  Command command;
  command.argv = {"cat"};
  command.input = std::string(200'000, 'x');
  command.output_bytes_max = 300'000;
  const CommandResult result = RunCommand(command, kClock, kClock.Mono() + Seconds(30)).value();
  EXPECT_EQ(result.standard_output, command.input);
  EXPECT_FALSE(result.output_cut);
}

TEST(RunCommand, OutputPastTheLimitIsDroppedAndTheProgramEnds) {
  Command command;
  command.argv = {"head", "-c", "1000000", "/dev/zero"};
  command.output_bytes_max = 1000;
  const CommandResult result = RunCommand(command, kClock, kClock.Mono() + Seconds(30)).value();
  EXPECT_TRUE(result.status.ok());
  EXPECT_EQ(result.standard_output.size(), 1000u);
  EXPECT_TRUE(result.output_cut);
  EXPECT_FALSE(result.error_cut);
}

TEST(RunCommand, TheDeadlineKillsTheWholeGroup) {
  const TempFolder folder;
  // The grandchild holds the write end of a FIFO: when it is gone, a reader sees the end.
  const std::string fifo = folder / "fifo";
  ASSERT_TRUE(Shell("mkfifo " + fifo));
  const UniqueFd reader(open(fifo.c_str(), O_RDONLY | O_NONBLOCK));
  const MonoTime start = kClock.Mono();
  const auto result = Shell("sleep 300 > " + fifo + " & echo hung >&2; wait", Millis(300));
  EXPECT_EQ(result.error().code, Code::kDeadlineExceeded);
  EXPECT_THAT(result.error().message, HasSubstr("hung"));
  EXPECT_LT(kClock.Mono() - start, Seconds(10));
  char byte = 0;
  ssize_t count = -1;
  while ((count = read(reader.get(), &byte, 1)) < 0) {
    ASSERT_LT(kClock.Mono() - start, Seconds(30)) << "the grandchild lives";
  }
  EXPECT_EQ(count, 0);
}

TEST(RunCommand, TheDeadlineHoldsForAProgramThatNeverStopsWriting) {
  const MonoTime start = kClock.Mono();
  EXPECT_EQ(Shell("yes", Millis(200)).error().code, Code::kDeadlineExceeded);
  EXPECT_LT(kClock.Mono() - start, Seconds(10));
}

TEST(RunCommand, DoesNotWaitForWhatTheProgramLeftRunning) {
  const MonoTime start = kClock.Mono();
  const CommandResult result = Shell("sleep 300 & echo done").value();
  EXPECT_EQ(result.standard_output, "done\n");
  EXPECT_LT(kClock.Mono() - start, Seconds(30));
  const CommandResult away = Shell("setsid sleep 3 & echo done").value();
  EXPECT_EQ(away.standard_output, "done\n");
}

TEST(Child, HasNothingOfOursButWhatItWasGiven) {
  const UniqueFd leak(open("/dev/null", O_RDONLY));  // without O_CLOEXEC
  ASSERT_TRUE(leak.ok());
  ASSERT_EQ(setenv("FLEETMEDIC_SECRET", "x", 1), 0);
  sigset_t blocked;
  sigset_t before;
  sigemptyset(&blocked);
  sigaddset(&blocked, SIGTERM);
  ASSERT_EQ(pthread_sigmask(SIG_BLOCK, &blocked, &before), 0);
  Command command;
  command.argv = {"/bin/sh", "-c", "ls /proc/self/fd; env; grep SigBlk /proc/self/status; pwd"};
  command.env = {"A=b"};
  command.cwd = "/usr";
  const CommandResult result = RunCommand(command, kClock, kClock.Mono() + Seconds(30)).value();
  ASSERT_EQ(pthread_sigmask(SIG_SETMASK, &before, nullptr), 0);
  // 3 is the folder that ls reads.
  EXPECT_THAT(result.standard_output, testing::StartsWith("0\n1\n2\n3\n"));
  EXPECT_THAT(result.standard_output, testing::Not(HasSubstr("\n4\n")));
  EXPECT_THAT(result.standard_output, HasSubstr("A=b\n"));
  EXPECT_THAT(result.standard_output, testing::Not(HasSubstr("SECRET")));
  EXPECT_THAT(result.standard_output, HasSubstr("SigBlk:\t0000000000000000"));
  EXPECT_THAT(result.standard_output, HasSubstr("\n/usr\n"));
}

TEST(Child, KeepsItsResourceLimits) {
  Command command;
  command.argv = {"/bin/sh", "-c", "ulimit -n"};
  command.limits = {{RLIMIT_NOFILE, 77, 77}};
  EXPECT_EQ(RunCommand(command, kClock, kClock.Mono() + Seconds(30))->standard_output, "77\n");
}

TEST(Child, AFailedStepIsNamed) {
  ChildOptions options;
  options.argv = {"/bin/true"};
  options.cwd = "/no/such/folder";
  const auto child = Child::Start(options);
  ASSERT_FALSE(child);
  EXPECT_EQ(child.error().code, Code::kNotFound);
  EXPECT_THAT(child.error().message, HasSubstr("change to its folder"));
}

TEST(Child, WritesToTheFileItWasGiven) {
  const TempFolder folder;
  const UniqueFd file(open((folder / "out").c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
  ChildOptions options;
  options.argv = {"echo", "hello"};
  options.standard_output = {ChildStream::Kind::kFd, file.get()};
  const Child child = Child::Start(options).value();
  EXPECT_TRUE(child.Wait(kClock, kClock.Mono() + Seconds(30)).value().ok());
  EXPECT_EQ(ReadFile(folder / "out", 100), "hello\n");
}

TEST(Child, CanBeAskedAgainAndKilledAfterItsEnd) {
  ChildOptions options;
  options.argv = {"sleep", "300"};
  options.new_session = true;
  const Child child = Child::Start(options).value();
  EXPECT_EQ(child.Wait(kClock, kClock.Mono()).error().code, Code::kDeadlineExceeded);
  EXPECT_EQ(getsid(child.pid()), child.pid());
  child.Kill(SIGTERM);
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(child.Wait(kClock, kClock.Mono() + Seconds(30)), (ExitStatus{0, SIGTERM}));
  }
  child.Kill(SIGTERM);
  EXPECT_EQ(Child::unreaped(), 0u);
}

TEST(Child, IsGoneWithItsObject) {
  pid_t pid = -1;
  {
    ChildOptions options;
    options.argv = {"sleep", "300"};
    const Child child = Child::Start(options).value();
    pid = child.pid();
    EXPECT_EQ(kill(pid, 0), 0);
  }
  EXPECT_EQ(kill(pid, 0), -1);
  EXPECT_EQ(errno, ESRCH);
}

}  // namespace
}  // namespace fleetmedic
