#include "detectors/report/sender.h"

#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fmt/format.h>

#include "detectors/report/fake_event_log.h"

namespace fleetmedic {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

class SenderTest : public testing::Test {
 protected:
  SenderTest() { Restart(); }

  void Restart() {
    sender_.reset();
    Sender::Options options;
    options.folder = folder_ / "agent";
    options.queue_bytes_max = 100'000;
    options.spool_bytes_max = spool_bytes_max_;
    options.host = "h";
    sender_ = std::make_unique<Sender>(&clock_, &log_, &metrics_, options);
  }
  uint64_t Frame(int number, size_t bytes = 10) {
    Record record;
    record.key = "h";
    record.value = fmt::format("{:0{}}\n", number, bytes);
    SpooledFrame frame{std::move(record), 1};
    return sender_->PostFrame(&frame);
  }
  void State(const std::string& key, const std::string& value, bool keep = true) {
    Record record;
    record.key = "h";
    record.value = value;
    sender_->PostState({Topic::kHealth, key, std::move(record)}, keep);
  }
  std::vector<int> SentFrames() {
    std::vector<int> numbers;
    for (const Record& record : log_.Of(Topic::kLogs)) numbers.push_back(std::stoi(record.value));
    return numbers;
  }
  std::vector<std::string> SentStates() {
    std::vector<std::string> values;
    for (const Record& record : log_.Of(Topic::kHealth)) values.push_back(record.value);
    return values;
  }
  void RunWhileDue() {
    for (int i = 0; i < 100 && clock_.Mono() >= sender_->NextRun(); ++i) sender_->Run();
  }

  TempFolder folder_;
  int64_t spool_bytes_max_ = 1 << 20;
  SimulatedClock clock_;
  Metrics metrics_;
  FakeEventLog log_;
  std::unique_ptr<Sender> sender_;
};

TEST_F(SenderTest, WhileTheLogAnswersNothingTouchesTheSpool) {
  State("health/docker", "d1");
  const uint64_t ticket = Frame(1);
  sender_->Run();
  EXPECT_THAT(SentFrames(), ElementsAre(1));
  EXPECT_THAT(SentStates(), ElementsAre("d1"));
  EXPECT_EQ(sender_->StoredTicket(), ticket);
  EXPECT_EQ(sender_->counts().spool.bytes, 0);
  EXPECT_EQ(sender_->NextRun(), kMonoForever);
}

TEST_F(SenderTest, KeepsFramesInOrderThroughAnAbsenceAndARestart) {
  Frame(1);
  sender_->Run();
  log_.Break();
  for (int i = 2; i <= 5; ++i) {
    Frame(i);
    sender_->Run();
  }
  EXPECT_TRUE(sender_->counts().log_away);
  EXPECT_EQ(sender_->counts().spool.frames, 4);
  Restart();
  Frame(6);
  RunWhileDue();
  EXPECT_THAT(SentFrames(), ElementsAre(1));
  log_.Heal();
  clock_.Advance(Minutes(1));
  Frame(7);
  RunWhileDue();
  EXPECT_THAT(SentFrames(), ElementsAre(1, 2, 3, 4, 5, 6, 7));
  EXPECT_FALSE(sender_->counts().log_away);
  EXPECT_EQ(sender_->counts().spool.frames, 0);
}

TEST_F(SenderTest, AFrameIsStoredOnceItIsOnTheDisk) {
  log_.Break();
  const uint64_t ticket = Frame(1);
  EXPECT_EQ(sender_->StoredTicket(), 0u);
  sender_->Run();
  EXPECT_EQ(sender_->StoredTicket(), ticket);
}

TEST_F(SenderTest, MergesStatesToTheNewestPerKeyWhileTheLogIsAway) {
  log_.Break();
  State("health/docker", "d1");
  State("health/systemd", "s1");
  sender_->Run();
  State("health/docker", "d2");
  sender_->Run();
  Restart();
  State("health/systemd", "s2");
  log_.Heal();
  RunWhileDue();
  EXPECT_THAT(SentStates(), ElementsAre("d2", "s2"));
  Restart();
  sender_->Run();
  EXPECT_THAT(SentStates(), SizeIs(2)) << "what was sent does not come again";
}

TEST_F(SenderTest, AnOldBeatIsNotSentAfterARestart) {
  log_.Break();
  State("beat", "b1", false);
  State("health/docker", "d1");
  sender_->Run();
  Restart();
  log_.Heal();
  sender_->Run();
  EXPECT_THAT(SentStates(), ElementsAre("d1"));
}

TEST_F(SenderTest, BacksOffWhileTheLogIsAway) {
  log_.Break();
  State("health/docker", "d1");
  for (int i = 0; i < 600; ++i) {
    if (clock_.Mono() >= sender_->NextRun()) sender_->Run();
    clock_.Advance(Millis(100));
  }
  // 0.5, 1, 2, 4, 8, 10, 10, ... within a minute.
  EXPECT_GE(log_.appends(), 6);
  EXPECT_LE(log_.appends(), 12);
}

TEST_F(SenderTest, RepeatsWhenTheAnswerWasLostSoThatNothingIsMissing) {
  log_.Break(Code::kDeadlineExceeded, true);
  Frame(1);
  sender_->Run();
  log_.Heal();
  clock_.Advance(Minutes(1));
  RunWhileDue();
  EXPECT_THAT(SentFrames(), ElementsAre(1, 1)) << "twice is better than never";
}

TEST_F(SenderTest, AFrameThatTheLogWillNeverTakeDoesNotHoldUpTheOthers) {
  log_.Refuse("0000000002");
  for (int i = 1; i <= 3; ++i) Frame(i);
  RunWhileDue();
  EXPECT_THAT(SentFrames(), ElementsAre(1, 3));
  EXPECT_EQ(sender_->counts().refused_lines, 1u);
}

TEST_F(SenderTest, DropsTheOldestFramesAtTheSpoolsLimitAndCountsTheirLines) {
  spool_bytes_max_ = 20'000;
  Restart();
  log_.Break();
  State("health/docker", "d1");
  for (int i = 1; i <= 120; ++i) {
    Frame(i, 200);
    sender_->Run();
  }
  const Sender::Counts counts = sender_->counts();
  EXPECT_GT(counts.spool.dropped_lines, 0u);
  log_.Heal();
  clock_.Advance(Minutes(1));
  RunWhileDue();
  EXPECT_THAT(SentFrames(), SizeIs(120 - counts.spool.dropped_lines));
  EXPECT_EQ(SentFrames().back(), 120);
  EXPECT_THAT(SentStates(), ElementsAre("d1")) << "health events are kept";
}

TEST_F(SenderTest, TheQueueIsBoundedAndSaysSo) {
  log_.Break();
  int taken = 0;
  while (Frame(taken + 1, 1000) != 0) ++taken;
  EXPECT_EQ(taken, 100);
  sender_->Run();
  EXPECT_NE(Frame(taken + 1), 0u);
}

TEST_F(SenderTest, WritesTheReportersStateBeforeTheEventsThatNeedIt) {
  sender_->PostReporterState("state-1");
  State("health/docker", "d1");
  EXPECT_FALSE(Sender::ReadReporterState(folder_ / "agent"));
  sender_->Run();
  EXPECT_EQ(Sender::ReadReporterState(folder_ / "agent").value(), "state-1");
}

TEST_F(SenderTest, OnAFullDiskItSendsWhatItCanAndKeepsTheRestInMemory) {
  const std::string mount = folder_ / "agent";
  ASSERT_TRUE(MakeFolders(mount));
  if (::mount("tmpfs", mount.c_str(), "tmpfs", 0, "size=64k") != 0) {
    GTEST_SKIP() << "not root: cannot mount a tmpfs";
  }
  Restart();
  log_.Break();
  int posted = 0;
  for (; posted < 60; ++posted) {
    Frame(posted + 1, 4000);
    State("health/docker", fmt::format("d{}", posted + 1));
    sender_->Run();
    if (!sender_->counts().disk_error.empty()) break;
  }
  ++posted;
  EXPECT_THAT(sender_->counts().disk_error, HasSubstr("No space left"));
  log_.Heal();
  clock_.Advance(Minutes(1));
  for (int i = 0; i < 20; ++i) {
    RunWhileDue();
    clock_.Advance(Seconds(1));
  }
  EXPECT_THAT(SentFrames(), SizeIs(posted)) << "nothing is lost";
  EXPECT_EQ(SentStates().back(), fmt::format("d{}", posted)) << "and the newest state is there";
  EXPECT_EQ(sender_->counts().disk_error, "");
  sender_.reset();
  EXPECT_EQ(::umount(mount.c_str()), 0);
}

}  // namespace
}  // namespace fleetmedic
