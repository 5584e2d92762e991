// What a pass stores while the log holds more than it reads at once.
#include "remediation/controller_fixture.h"

namespace fleetmedic {
namespace {

class ControllerIntakeTest : public ControllerTest {
 protected:
  ControllerIntakeTest() {
    for (const char* name : {"a", "b", "c"}) AddHost(name);
    Run();
  }

  // More words than a pass reads, each as good as the one before, of "a" and "b" in turn.
  void FillThePass() {
    for (size_t i = 0; i < Intake::kRecordsPerPollMax; ++i) {
      Report(i % 2 == 0 ? "a" : "b", Verdict::kOk);
    }
  }
  void OneTurn() {
    clock_.Advance(Millis(1));
    controller_->Turn(clock_.Mono());
  }
  uint64_t StoredSequence(const std::string& name) {
    const auto text = memory_store_.Get(Table::kHosts, name).value();
    return HostRecordFromText(*text).value().detectors.at("docker").sequence;
  }
  uint64_t SequenceOf(const std::string& name) {
    return HostNow(name)->detectors.at("docker").sequence;
  }
  std::string StoredOffsets() {
    return memory_store_.Get(Table::kOffsets, TopicName(Topic::kHealth)).value().value();
  }
};

TEST_F(ControllerIntakeTest, WordsThatChangeNothingAreStoredTogetherWhenAllAreRead) {
  FillThePass();
  Report("c", Verdict::kOk);
  const std::string offsets = StoredOffsets();
  const uint64_t stored = StoredSequence("a");
  OneTurn();
  EXPECT_GT(SequenceOf("a"), stored);
  EXPECT_EQ(StoredSequence("a"), stored);
  // Where the words are not stored, the log's place is not: a successor reads them again.
  EXPECT_EQ(StoredOffsets(), offsets);
  OneTurn();
  EXPECT_EQ(StoredSequence("a"), SequenceOf("a"));
  EXPECT_NE(StoredOffsets(), offsets);
}

TEST_F(ControllerIntakeTest, ASuccessorReadsAgainWhatWasNotStored) {
  FillThePass();
  Report("c", Verdict::kOk);
  OneTurn();
  const uint64_t told = SequenceOf("a");
  Restart();
  clock_.Advance(Seconds(11));  // the lease of the process before
  Run();
  EXPECT_EQ(SequenceOf("a"), told);
  EXPECT_EQ(StoredSequence("a"), told);
}

TEST_F(ControllerIntakeTest, WhatIsConcludedIsStoredWithItsPass) {
  Report("c", Verdict::kBad);
  FillThePass();
  OneTurn();
  EXPECT_NE(StateOf("c"), HostState::kHealthy);
  const auto text = memory_store_.Get(Table::kHosts, "c").value();
  EXPECT_EQ(HostRecordFromText(*text).value(), *HostNow("c"));
  EXPECT_FALSE(AuditOf("host:c").empty());
}

TEST_F(ControllerIntakeTest, ALogThatIsNeverReadToItsEndIsStoredAllTheSame) {
  const uint64_t stored = StoredSequence("a");
  FillThePass();
  FillThePass();
  OneTurn();
  EXPECT_EQ(StoredSequence("a"), stored);
  FillThePass();
  FillThePass();
  clock_.Advance(Seconds(5));
  controller_->Turn(clock_.Mono());
  EXPECT_GT(StoredSequence("a"), stored);
  EXPECT_EQ(StoredSequence("a"), SequenceOf("a"));
}

}  // namespace
}  // namespace fleetmedic
