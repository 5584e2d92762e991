#include "detectors/checks/check_detector.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/poll.h"

namespace fleetmedic {
namespace {

using testing::HasSubstr;

class CheckDetectorTest : public testing::Test {
 protected:
  CheckConfig Shell(const std::string& script) {
    CheckConfig config;
    config.name = "shell";
    config.type = "ShellProblem";
    config.command = {"/bin/sh", "-c", script};
    config.deadline = Seconds(60);
    return config;
  }
  Condition Run(const CheckConfig& config) {
    CheckDetector detector(&clock_, config, slots_, FsRoot(folder_.path()));
    const auto conditions = detector.Probe(clock_.Mono() + detector.probe_deadline());
    EXPECT_TRUE(conditions);
    EXPECT_EQ(conditions->size(), 1u);
    return conditions->front();
  }

  SystemClock clock_;
  TempFolder folder_;
  std::shared_ptr<CheckSlots> slots_ = std::make_shared<CheckSlots>(1);
};

TEST_F(CheckDetectorTest, RunsTheProgramAndTakesItsWord) {
  EXPECT_EQ(Run(Shell("echo fine")).verdict, Verdict::kOk);
  const Condition bad = Run(Shell("echo broken; exit 1"));
  EXPECT_EQ(bad.verdict, Verdict::kBad);
  EXPECT_EQ(bad.message, "broken");
  EXPECT_EQ(Run(Shell("kill -9 $$")).reason, "EndedBySignal");
}

TEST_F(CheckDetectorTest, AProgramThatIsNotThereIsUnknown) {
  CheckConfig config = Shell("");
  config.command = {"/nonexistent/check"};
  const Condition condition = Run(config);
  EXPECT_EQ(condition.verdict, Verdict::kUnknown);
  EXPECT_EQ(condition.reason, "CannotStart");
  EXPECT_THAT(condition.message, HasSubstr("/nonexistent/check"));
}

TEST_F(CheckDetectorTest, KillsTheWholeProcessGroupAtTheDeadline) {
  // Its child, too, holds the write end of the FIFO: the end of file comes when both are dead.
  const std::string fifo = folder_ / "alive";
  ASSERT_EQ(mkfifo(fifo.c_str(), 0600), 0);
  const UniqueFd reader(open(fifo.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
  CheckConfig config = Shell("exec 3>" + fifo + "; echo x >&3; sleep 1000 & sleep 1000");
  config.deadline = Seconds(2);
  const MonoTime start = clock_.Mono();
  const Condition condition = Run(config);
  EXPECT_EQ(condition.reason, "TimedOut");
  EXPECT_EQ(condition.verdict, Verdict::kUnknown);
  EXPECT_GE(clock_.Mono() - start, Seconds(2));
  EXPECT_LT(clock_.Mono() - start, Seconds(30));
  pollfd end{reader.get(), POLLIN, 0};
  char byte = 0;
  ASSERT_EQ(read(reader.get(), &byte, 1), 1) << "it ran";
  ASSERT_EQ(read(reader.get(), &byte, 1), 1) << "its line end";
  ASSERT_EQ(PollUntil({&end, 1}, clock_, clock_.Mono() + Seconds(30)), 1);
  EXPECT_EQ(read(reader.get(), &byte, 1), 0) << "nobody is left who could write";
}

TEST_F(CheckDetectorTest, OutputWithoutEndIsBoundedInTimeAndBytes) {
  CheckConfig config = Shell("yes broken");
  config.deadline = Millis(500);
  EXPECT_EQ(Run(config).reason, "TimedOut");
  EXPECT_EQ(Run(Shell("head -c 10000000 /dev/zero; exit 1")).verdict, Verdict::kBad);
}

TEST_F(CheckDetectorTest, RunsAsItsUser) {
  ASSERT_TRUE(MakeFolders(folder_ / "etc"));
  ASSERT_TRUE(WriteFileAtomic(folder_ / "etc/passwd", "checks:x:65531:65532::/:/bin/sh\n"));
  ASSERT_TRUE(WriteFileAtomic(folder_ / "etc/group", "more:x:65533:checks\n"));
  CheckConfig config = Shell("echo $(id -u) $(id -g) $(id -G)");
  config.user = "checks";
  const Condition condition = Run(config);
  if (geteuid() == 0) {
    EXPECT_EQ(condition.message, "65531 65532 65532 65533");
  } else {
    EXPECT_EQ(condition.reason, "CannotStart");
    EXPECT_THAT(condition.message, HasSubstr("CAP_SETUID"));
  }
  config.user = "nobody-of-that-name";
  const Condition nobody = Run(config);
  EXPECT_EQ(nobody.verdict, Verdict::kUnknown);
  EXPECT_THAT(nobody.message, HasSubstr("nobody-of-that-name"));
}

TEST_F(CheckDetectorTest, ReportsThatItHadNoTurn) {
  ASSERT_TRUE(slots_->Take(Millis(0)));
  CheckConfig config = Shell("echo fine");
  config.deadline = Millis(50);
  EXPECT_EQ(Run(config).reason, "NoTurn");
  slots_->Return();
  config.deadline = Seconds(60);
  EXPECT_EQ(Run(config).verdict, Verdict::kOk);
  EXPECT_TRUE(slots_->Take(Millis(0))) << "it gave its own back";
}

}  // namespace
}  // namespace fleetmedic
