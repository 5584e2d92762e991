#include "stream/fleet_role.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/logging.h"
#include "eventlog/fault_event_log.h"
#include "eventlog/memory_event_log.h"
#include "eventlog/partition_of.h"
#include "model/health_event.h"
#include "store/fault_store.h"
#include "store/memory_store.h"

namespace fleetmedic {
namespace {

using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr int kHosts = 100;
constexpr int kPartitions = 2;
// Until it is known what is usual.
constexpr Minutes kQuiet{240};

class FleetRoleTest : public testing::Test {
 protected:
  FleetRoleTest() {
    SetLogLevel(LogLevel::kError);
    clock_.Advance(Hours(1000));
    for (int i = 0; i < kPartitions; ++i) stores_.push_back(std::make_unique<MemoryStore>(clock_));
    for (int host = 0; host < kHosts; ++host) {
      HostFacts facts;
      facts.host = HostId(Name(host));
      facts.rack = "r" + std::to_string(host / 10);
      facts.kernel = host % 4 == 0 ? "6.1.99" : "6.1.1";
      Append(Topic::kHosts, Name(host), ToJson(facts).Dump());
    }
  }

  static std::string Name(int host) { return "web-" + std::to_string(host); }

  std::unique_ptr<FleetRole> MakeRole() {
    FleetRole::Parts parts;
    parts.clock = &clock_;
    parts.log = &faults_;
    parts.metrics = &metrics_;
    parts.open_store = [this](int32_t partition) -> Result<std::unique_ptr<Store>> {
      auto store = std::make_unique<FaultStore>(stores_[static_cast<size_t>(partition)].get());
      opened_[partition] = store.get();
      if (on_open_) on_open_(partition, store.get());
      return store;
    };
    parts.owner = "process-" + std::to_string(++lives_);
    parts.rules = rules_;
    return std::make_unique<FleetRole>(std::move(parts));
  }

  void Append(Topic topic, const std::string& key, const std::string& value) {
    const Record record{key, value, {}, clock_.Wall()};
    ASSERT_TRUE(memory_.Append(topic, {&record, 1}).has_value());
  }
  void Beat() {
    for (int host = 0; host < kHosts; ++host) Append(Topic::kHealth, Name(host), "{}");
  }
  void Say(const std::string& pattern, int first, int step, int count,
           std::vector<std::string> aliases = {}) {
    PatternCount said;
    said.pattern = pattern;
    if (pattern.starts_with("t-")) said.kind = PatternKind::kTemplate;
    said.aliases = std::move(aliases);
    said.text = pattern + " said";
    said.first_seen = clock_.Wall();
    said.minute = std::chrono::floor<std::chrono::minutes>(clock_.Wall());
    said.first_offset = said.last_offset = ++offset_;
    said.lines = static_cast<uint64_t>(count);
    for (int i = 0; i < count; ++i) said.hosts.push_back(HostId(Name(first + i * step)));
    Append(Topic::kCounts, pattern, ToJson(said).Dump());
  }
  void Run(Seconds span, const std::vector<FleetRole*>& roles) {
    for (Seconds passed(0); passed < span; passed += Seconds(1)) {
      clock_.Advance(Seconds(1));
      if (++seconds_ % 30 == 0) Beat();
      for (FleetRole* role : roles) role->Turn(clock_.Mono());
    }
  }
  std::vector<FleetIssue> Told() {
    std::vector<FleetIssue> issues;
    const auto reader = memory_.OpenAt(Topic::kIssues, {}).value();
    while (true) {
      const auto records = reader->Poll(1000).value();
      if (records.empty()) return issues;
      for (const LogRecord& record : records) {
        auto issue = FleetIssueFromJson(Json::Parse(record.record.value).value());
        EXPECT_TRUE(issue) << issue.error().message;
        EXPECT_EQ(record.record.key, issue->id);
        issues.push_back(*std::move(issue));
      }
    }
  }

  SimulatedClock clock_;
  MemoryEventLog memory_{clock_, {.partitions = kPartitions, .records_per_topic_max = 1'000'000}};
  FaultEventLog faults_{&memory_};
  Metrics metrics_;
  std::vector<std::unique_ptr<MemoryStore>> stores_;
  std::map<int32_t, FaultStore*> opened_;  // by the latest role
  std::function<void(int32_t, FaultStore*)> on_open_;
  std::set<std::string> rules_ = {"k.io", "k.net"};
  int lives_ = 0;
  int seconds_ = 0;
  int64_t offset_ = 0;
};

TEST_F(FleetRoleTest, ReadsCountsAndTellsTheFleetsTrouble) {
  const auto role = MakeRole();
  Run(kQuiet, {role.get()});
  EXPECT_THAT(Told(), IsEmpty());
  Say("k.io", 0, 4, 25);
  Run(Seconds(5), {role.get()});
  const std::vector<FleetIssue> told = Told();
  ASSERT_FALSE(told.empty());
  EXPECT_EQ(told[0].pattern, "k.io");
  EXPECT_EQ(told[0].hosts_total, 25u);
  EXPECT_EQ(told[0].scope, (IssueScope{"kernel", "6.1.99"}));
  EXPECT_EQ(told[0].hosts_reporting, static_cast<uint64_t>(kHosts));
}

TEST_F(FleetRoleTest, ASuccessorGoesOnWithTheSameIssueAndEndsIt) {
  auto role = MakeRole();
  Run(kQuiet, {role.get()});
  Say("k.io", 0, 4, 25);
  Run(Minutes(2), {role.get()});
  const std::string id = Told().at(0).id;
  role = MakeRole();
  Run(Minutes(2), {role.get()});
  // What it read of the last hour again is no second issue.
  for (const FleetIssue& issue : Told()) EXPECT_EQ(issue.id, id);
  EXPECT_EQ(Told().back().state, IssueState::kOpen);
  EXPECT_EQ(Told().back().hosts_total, 25u);
  Run(Minutes(130), {role.get()});
  EXPECT_EQ(Told().back().state, IssueState::kClosed);
  for (const FleetIssue& issue : Told()) EXPECT_EQ(issue.id, id);
}

TEST_F(FleetRoleTest, ASuccessorsWindowsHoldWhatWasCountedBefore) {
  auto role = MakeRole();
  Run(kQuiet, {role.get()});
  Say("k.io", 0, 4, 4);
  Run(Minutes(3), {role.get()});
  EXPECT_THAT(Told(), IsEmpty());
  role = MakeRole();
  Run(Minutes(2), {role.get()});
  Say("k.io", 16, 4, 21);
  Run(Seconds(5), {role.get()});
  ASSERT_FALSE(Told().empty());
  uint64_t within_ten_minutes = 0;
  const std::vector<IssuePoint> series = Told()[0].series;
  for (size_t i = series.size() - 10; i < series.size(); ++i) within_ten_minutes += series[i].hosts;
  EXPECT_EQ(within_ten_minutes, 25u);
}

TEST_F(FleetRoleTest, TwoProcessesDivideThePatternsAndOneTakesOverWhatTheOtherHad) {
  auto one = MakeRole();
  Run(Seconds(5), {one.get()});
  auto two = MakeRole();
  Run(kQuiet, {one.get(), two.get()});
  Say("k.io", 0, 4, 25);
  Say("k.net", 1, 4, 25);
  Run(Minutes(1), {one.get(), two.get()});
  std::map<std::string, std::set<std::string>> ids;
  for (const FleetIssue& issue : Told()) ids[issue.pattern].insert(issue.id);
  EXPECT_THAT(ids["k.io"], SizeIs(1));
  EXPECT_THAT(ids["k.net"], SizeIs(1));
  one.reset();
  Run(Minutes(2), {two.get()});
  EXPECT_NE(two->watch(0), nullptr);
  EXPECT_NE(two->watch(1), nullptr);
  EXPECT_EQ(two->watch(0)->open_issues() + two->watch(1)->open_issues(), 2u);
  for (const FleetIssue& issue : Told()) ids[issue.pattern].insert(issue.id);
  EXPECT_THAT(ids["k.io"], SizeIs(1)) << "no issue twice";
  EXPECT_THAT(ids["k.net"], SizeIs(1));
}

TEST_F(FleetRoleTest, ACountThatCannotBeReadIsSetAsideWithItsReason) {
  const auto role = MakeRole();
  Append(Topic::kCounts, "k.io", "no json");
  PatternCount other;
  other.pattern = "k.net";
  Append(Topic::kCounts, "k.io", ToJson(other).Dump());
  Run(Seconds(3), {role.get()});
  const auto letters = memory_.OpenAt(Topic::kDeadLetter, {}).value()->Poll(100).value();
  ASSERT_THAT(letters, SizeIs(2));
  for (const LogRecord& letter : letters) {
    EXPECT_FALSE(HeaderOf(letter.record, "reason").empty());
    EXPECT_EQ(HeaderOf(letter.record, "topic"), "fleetmedic.counts");
  }
}

TEST_F(FleetRoleTest, TheIssueOfARuleThatIsTakenOutIsClosedAndItsBaselineGoes) {
  const auto role = MakeRole();
  Run(kQuiet, {role.get()});
  Say("k.io", 0, 4, 25);
  Run(Minutes(2), {role.get()});
  const std::string id = Told().at(0).id;
  ASSERT_TRUE(role->UseRules({"k.net", "k.new"}));
  Run(Minutes(2), {role.get()});
  EXPECT_EQ(Told().back().id, id);
  EXPECT_EQ(Told().back().state, IssueState::kClosed);
  EXPECT_EQ(Told().back().response, "Closed: the rule is not in use any more.");
  std::set<std::string> kept;
  for (const auto& store : stores_) {
    EXPECT_THAT(ScanAll(*store, Table::kIssues).value(), IsEmpty());
    const std::vector<Row> rows = ScanAll(*store, Table::kBaselines).value();
    for (const Row& row : rows) kept.insert(row.key);
  }
  EXPECT_THAT(kept, testing::ElementsAre("k.net", "k.new"));
}

TEST_F(FleetRoleTest, ARuleThatWasTakenOutBeforeTheStartEndsToo) {
  auto role = MakeRole();
  Run(kQuiet, {role.get()});
  Say("k.io", 0, 4, 25);
  Run(Minutes(2), {role.get()});
  const std::string id = Told().at(0).id;
  rules_ = {"k.net"};
  role = MakeRole();
  Run(Minutes(2), {role.get()});
  EXPECT_EQ(Told().back().id, id);
  EXPECT_EQ(Told().back().state, IssueState::kClosed);
  EXPECT_EQ(Told().back().hosts_total, 25u);
  const size_t told = Told().size();
  Run(Minutes(2), {role.get()});
  EXPECT_EQ(Told().size(), told) << "what is read of the last hour again brings nothing back";
}

TEST_F(FleetRoleTest, ATemplateInheritsFromAnotherPartition) {
  // By the partition that the log gives their counts.
  std::vector<std::vector<std::string>> names(kPartitions);
  for (int i = 0; names[0].size() < 2 || names[1].empty(); ++i) {
    const std::string name = "t-" + std::to_string(i);
    Append(Topic::kIssues, name, "{}");
    const auto records = memory_.OpenAt(Topic::kIssues, {}).value()->Poll(1000).value();
    for (const LogRecord& record : records) {
      if (record.record.key == name) names[static_cast<size_t>(record.partition)].push_back(name);
    }
  }
  const auto role = MakeRole();
  for (int i = 0; i < 30; ++i) {
    Say(names[1][0], 0, 4, 25);
    Run(Minutes(10), {role.get()});
  }
  const auto open = [&] { return role->watch(0)->open_issues() + role->watch(1)->open_issues(); };
  ASSERT_EQ(open(), 0u);
  Say(names[0][0], 0, 4, 25, {names[1][0]});
  Run(Seconds(5), {role.get()});
  EXPECT_EQ(open(), 0u);
  Say(names[0][1], 0, 4, 25);
  Run(Seconds(5), {role.get()});
  EXPECT_EQ(open(), 1u) << "and one of which nothing is known is flagged";
}

class FleetRoleFaults : public FleetRoleTest,
                        public testing::WithParamInterface<std::tuple<LogCall, CallFault, int>> {};

std::vector<std::tuple<LogCall, CallFault, int>> EveryFault() {
  std::vector<std::tuple<LogCall, CallFault, int>> all;
  for (const LogCall call : {LogCall::kAppend, LogCall::kCommit, LogCall::kPoll}) {
    for (size_t i = 0; i < kCallFaultCount; ++i) {
      const auto fault = static_cast<CallFault>(i);
      if (call == LogCall::kPoll && !HitsReads(fault)) continue;
      // The one record of counts is committed once.
      for (int nth = 1; nth <= (call == LogCall::kCommit ? 1 : 2); ++nth)
        all.emplace_back(call, fault, nth);
    }
  }
  return all;
}

TEST_P(FleetRoleFaults, LoseNoIssueAndDoubleNone) {
  const auto [call, fault, nth] = GetParam();
  auto role = MakeRole();
  Run(kQuiet, {role.get()});
  Say("k.io", 0, 4, 25);
  faults_.FailAt(call, nth, fault);
  for (int i = 0; i < 130; ++i) {
    Run(Seconds(1), {role.get()});
    if (!faults_.crashed()) continue;
    faults_.Reset();
    role = MakeRole();
  }
  EXPECT_EQ(faults_.faults(), 1);
  std::set<std::string> ids;
  for (const FleetIssue& issue : Told()) ids.insert(issue.id);
  ASSERT_THAT(ids, SizeIs(1));
  EXPECT_EQ(Told().back().hosts_total, 25u);
}

INSTANTIATE_TEST_SUITE_P(EveryCall, FleetRoleFaults, testing::ValuesIn(EveryFault()));

class FleetRoleStoreFaults : public FleetRoleTest,
                             public testing::WithParamInterface<std::tuple<StoreCall, int>> {};

TEST_P(FleetRoleStoreFaults, LoseNoIssueAndDoubleNone) {
  const auto [call, number] = GetParam();
  auto role = MakeRole();
  Run(kQuiet, {role.get()});
  Say("k.io", 0, 4, 25);
  for (const auto& [partition, store] : opened_) {
    store->FailAt(call, 1, static_cast<CallFault>(number));
  }
  int64_t faults = 0;
  const auto again = [&] {
    bool crashed = false;
    for (const auto& [partition, store] : opened_) crashed = crashed || store->crashed();
    if (!crashed) return;
    for (const auto& [partition, store] : opened_) faults += store->faults();
    role.reset();
    opened_.clear();
    role = MakeRole();
  };
  for (int i = 0; i < 130; ++i) {
    Run(Seconds(1), {role.get()});
    again();
  }
  for (const auto& [partition, store] : opened_) faults += store->faults();
  EXPECT_GE(faults, 1);
  std::set<std::string> ids;
  for (const FleetIssue& issue : Told()) ids.insert(issue.id);
  ASSERT_THAT(ids, SizeIs(1));
  EXPECT_EQ(Told().back().hosts_total, 25u);
}

INSTANTIATE_TEST_SUITE_P(EveryCall, FleetRoleStoreFaults,
                         testing::Combine(testing::Values(StoreCall::kLease, StoreCall::kCommit),
                                          testing::Range(0, static_cast<int>(kCallFaultCount))));

TEST_F(FleetRoleTest, OneThatWasFencedReadsTheLastHourAgain) {
  auto role = MakeRole();
  Run(kQuiet, {role.get()});
  Say("k.io", 0, 4, 4);
  Run(Minutes(2), {role.get()});
  // It stands still past its lease, and another has it for a moment.
  clock_.Advance(Seconds(11));
  for (const auto& store : stores_) {
    const Lease lease = store->Acquire("another", Seconds(10)).value();
    ASSERT_TRUE(store->Release(lease));
  }
  Run(Seconds(10), {role.get()});
  Say("k.io", 16, 4, 21);
  Run(Seconds(70), {role.get()});
  ASSERT_FALSE(Told().empty());
  uint64_t hosts = 0;
  const std::vector<IssuePoint> series = Told()[0].series;
  for (const IssuePoint& point : series) hosts += point.hosts;
  EXPECT_EQ(hosts, 25u);
}

// The lease goes between its renewal and the commit: another leads, and what this one would have
// written, told or believed of its windows is void.
TEST_F(FleetRoleTest, OneThatIsFencedAtACommitWritesNothingAndReadsTheLastHourAgain) {
  auto role = MakeRole();
  Run(kQuiet, {role.get()});
  Say("k.io", 0, 4, 4);
  Run(Minutes(2), {role.get()});
  const int32_t partition = PartitionOf("k.io", kPartitions);
  MemoryStore& store = *stores_[static_cast<size_t>(partition)];
  std::vector<std::vector<Row>> before;
  const auto rows = [&store] {
    std::vector<std::vector<Row>> all;
    for (const Table table : {Table::kMeta, Table::kBaselines, Table::kIssues}) {
      all.push_back(ScanAll(store, table).value());
    }
    return all;
  };
  // The hosts that make it an issue come, and with them the commit of the issue.
  Say("k.io", 16, 4, 21);
  bool fenced = false;
  opened_[partition]->BeforeNextCommit([&] {
    clock_.Advance(Seconds(11));
    const Lease lease = store.Acquire("another", Seconds(5)).value();
    before = rows();
    fenced = true;
  });
  for (int i = 0; i < 70 && !fenced; ++i) Run(Seconds(1), {role.get()});
  ASSERT_TRUE(fenced);
  EXPECT_EQ(rows(), before) << "nothing is written after the fence";
  EXPECT_EQ(role->watch(partition), nullptr) << "and the windows are forgotten";
  EXPECT_NE(role->watch(1 - partition), nullptr) << "those of the other partition are not";
  EXPECT_THAT(Told(), IsEmpty());
  // The other went without a word: this one leads again, and knows all 25 hosts.
  Run(Seconds(80), {role.get()});
  std::set<std::string> ids;
  for (const FleetIssue& issue : Told()) ids.insert(issue.id);
  ASSERT_THAT(ids, SizeIs(1)) << "no issue is lost or doubled";
  uint64_t hosts = 0;
  const FleetIssue last = Told().back();
  for (const IssuePoint& point : last.series) hosts += point.hosts;
  EXPECT_EQ(hosts, 25u);
  EXPECT_EQ(ScanAll(store, Table::kIssues)->size(), 1u);
}

// As it is for one that never kept anything: what it read and did not commit is read again.
TEST_F(FleetRoleTest, OneThatIsFencedAtItsFirstCommitLosesNoCount) {
  auto role = MakeRole();
  Say("k.io", 0, 4, 25);
  const int32_t partition = PartitionOf("k.io", kPartitions);
  MemoryStore& store = *stores_[static_cast<size_t>(partition)];
  // Its store is opened within the turn that commits first.
  on_open_ = [&](int32_t opened, FaultStore* faults) {
    if (opened != partition) return;
    faults->BeforeNextCommit([&] {
      clock_.Advance(Seconds(11));
      ASSERT_TRUE(store.Acquire("another", Seconds(5)));
    });
  };
  Run(Seconds(2), {role.get()});
  EXPECT_EQ(role->watch(partition), nullptr);
  EXPECT_THAT(ScanAll(store, Table::kMeta).value(), IsEmpty());
  Run(Seconds(10), {role.get()});
  ASSERT_NE(role->watch(partition), nullptr);
  const FleetDetect& detect = role->watch(partition)->detect();
  EXPECT_NE(detect.State(detect.Find("k.io").value()).last_hit, 0) << "it was read again";
}

}  // namespace
}  // namespace fleetmedic
