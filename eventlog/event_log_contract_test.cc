// What every EventLog does, whatever it is made of.
#include <algorithm>
#include <atomic>
#include <map>
#include <set>

#include <gtest/gtest.h>

#include "eventlog/log_under_test.h"

namespace fleetmedic {
namespace {

Record Of(std::string key, std::string value) {
  return {std::move(key), std::move(value), {}, WallFromMillis(1'000)};
}

// Everything up to the head. Bounded: a log that never ends fails the test.
std::vector<LogRecord> Drain(Reader* reader, size_t records_max = 100) {
  std::vector<LogRecord> all;
  for (int polls = 0; polls < 1000; ++polls) {
    std::vector<LogRecord> some = reader->Poll(records_max).value();
    EXPECT_LE(some.size(), records_max);
    if (some.empty()) return all;
    std::move(some.begin(), some.end(), std::back_inserter(all));
  }
  ADD_FAILURE() << "the reader never reaches the head";
  return all;
}

std::vector<std::string> ValuesOf(const std::vector<LogRecord>& records) {
  std::vector<std::string> values;
  for (const LogRecord& record : records) values.push_back(record.record.value);
  return values;
}

using Strings = std::vector<std::string>;

class EventLogContract : public testing::TestWithParam<LogFactory> {
 protected:
  EventLogContract() : under_test_(GetParam().make(clock_)) {}

  EventLog& log() { return under_test_->log(); }
  Status Append(Topic topic, const std::vector<Record>& records) {
    return log().Append(topic, records);
  }
  // Of one key, so that there is one order.
  void AppendValues(Topic topic, const Strings& values) {
    std::vector<Record> records;
    for (const std::string& value : values) records.push_back(Of("web-1", value));
    ASSERT_TRUE(Append(topic, records));
  }
  std::unique_ptr<Reader> Open(Topic topic, std::string_view group) {
    return log().Open(topic, group).value();
  }
  std::unique_ptr<Reader> OpenAt(Topic topic, const std::vector<Position>& positions = {}) {
    return log().OpenAt(topic, positions).value();
  }

  SimulatedClock clock_;
  std::unique_ptr<LogUnderTest> under_test_;
};

TEST_P(EventLogContract, ARecordIsReadAsItWasWritten) {
  std::string binary("a\0\n\xff\xc3 end", 9);
  const std::vector<Record> written = {
      {"web-1",
       binary,
       {{"source", "kernel"}, {"boot", ""}, {"source", "again"}},
       WallFromMillis(1'700'000'000'123)},
      {"web-1", "", {}, WallFromMillis(5)},
      {"web-1", std::string(Record::kValueBytesMax, 'x'), {}, WallFromMillis(4)}};
  ASSERT_TRUE(Append(Topic::kLogs, written));
  const auto reader = OpenAt(Topic::kLogs);
  const std::vector<LogRecord> read = Drain(reader.get());
  ASSERT_EQ(read.size(), written.size());
  for (size_t i = 0; i < written.size(); ++i) EXPECT_TRUE(read[i].record == written[i]) << i;
  EXPECT_EQ(HeaderOf(read[0].record, "source"), "kernel");
  EXPECT_EQ(HeaderOf(read[0].record, "nothing"), "");
}

TEST_P(EventLogContract, ARecordWithoutATimeGetsTheLogs) {
  ASSERT_TRUE(Append(Topic::kHealth, {{"web-1", "ill", {}, kWallNever}}));
  EXPECT_EQ(Drain(OpenAt(Topic::kHealth).get()).at(0).record.timestamp, clock_.Wall());
}

TEST_P(EventLogContract, RecordsOfOneKeyKeepTheirOrder) {
  std::map<std::string, Strings> written;
  for (int i = 0; i < 60; ++i) {
    const std::string key = "web-" + std::to_string(i % 7);
    written[key].push_back(std::to_string(i));
    ASSERT_TRUE(Append(Topic::kHealth, {Of(key, std::to_string(i))}));
  }
  std::map<std::string, Strings> read;
  std::map<int32_t, int64_t> last;
  std::map<std::string, std::set<int32_t>> partitions;
  const auto reader = OpenAt(Topic::kHealth);
  for (const LogRecord& record : Drain(reader.get(), 4)) {
    read[record.record.key].push_back(record.record.value);
    partitions[record.record.key].insert(record.partition);
    const auto [place, first] = last.try_emplace(record.partition, record.offset);
    EXPECT_TRUE(first || record.offset > std::exchange(place->second, record.offset));
  }
  EXPECT_EQ(read, written);
  for (const auto& [key, of] : partitions) EXPECT_EQ(of.size(), 1U) << key;
}

TEST_P(EventLogContract, AReaderAtTheHeadGetsNothingAndThenWhatComes) {
  const auto reader = OpenAt(Topic::kHealth);
  EXPECT_TRUE(reader->Poll(10)->empty());
  AppendValues(Topic::kHealth, {"a"});
  EXPECT_EQ(ValuesOf(*reader->Poll(10)), Strings{"a"});
  EXPECT_TRUE(reader->Poll(10)->empty());
  AppendValues(Topic::kHealth, {"b", "c"});
  EXPECT_EQ(ValuesOf(*reader->Poll(1)), Strings{"b"});
  EXPECT_TRUE(reader->Poll(0)->empty());
  EXPECT_EQ(ValuesOf(*reader->Poll(10)), Strings{"c"});
}

TEST_P(EventLogContract, TopicsAreApart) {
  AppendValues(Topic::kHealth, {"health"});
  AppendValues(Topic::kLogs, {"logs"});
  EXPECT_EQ(ValuesOf(Drain(OpenAt(Topic::kHealth).get())), Strings{"health"});
  EXPECT_EQ(ValuesOf(Drain(OpenAt(Topic::kLogs).get())), Strings{"logs"});
  EXPECT_TRUE(Drain(OpenAt(Topic::kAudit).get()).empty());
}

TEST_P(EventLogContract, AGroupGoesOnAfterItsLastCommit) {
  AppendValues(Topic::kHealth, {"a", "b", "c"});
  {
    const auto reader = Open(Topic::kHealth, "remediator");
    EXPECT_EQ(ValuesOf(*reader->Poll(2)), (Strings{"a", "b"}));
    ASSERT_TRUE(reader->Commit());
    EXPECT_EQ(ValuesOf(*reader->Poll(2)), Strings{"c"});
  }
  EXPECT_EQ(ValuesOf(Drain(Open(Topic::kHealth, "remediator").get())), Strings{"c"})
      << "what was polled and not committed comes again";
  EXPECT_EQ(ValuesOf(Drain(Open(Topic::kHealth, "stream").get())), (Strings{"a", "b", "c"}))
      << "groups are apart";
  AppendValues(Topic::kLogs, {"d"});
  EXPECT_EQ(ValuesOf(Drain(Open(Topic::kLogs, "remediator").get())), Strings{"d"})
      << "a commit is of one topic";
}

TEST_P(EventLogContract, TwoReadersOfAGroupShareItsRecords) {
  const auto first = Open(Topic::kHealth, "stream");
  auto second = Open(Topic::kHealth, "stream");
  std::multiset<std::string> written;
  std::multiset<std::string> read;
  for (int i = 0; i < 40; ++i) {
    written.insert(std::to_string(i));
    ASSERT_TRUE(Append(Topic::kHealth, {Of("web-" + std::to_string(i), std::to_string(i))}));
  }
  for (Reader* reader : {first.get(), second.get()}) {
    for (const std::string& value : ValuesOf(Drain(reader))) read.insert(value);
    ASSERT_TRUE(reader->Commit());
  }
  EXPECT_EQ(read, written);

  // When one ends the other takes over, from the last commit.
  second.reset();
  ASSERT_TRUE(Append(Topic::kHealth, {Of("web-1", "x"), Of("web-2", "y"), Of("web-3", "z")}));
  Strings rest = ValuesOf(Drain(first.get()));
  std::sort(rest.begin(), rest.end());
  EXPECT_EQ(rest, (Strings{"x", "y", "z"}));
}

TEST_P(EventLogContract, TheFirstReaderOfAGroupHandsOverToTheSecond) {
  auto first = Open(Topic::kHealth, "stream");
  const auto second = Open(Topic::kHealth, "stream");
  AppendValues(Topic::kHealth, {"a", "b"});
  (void)Drain(first.get());
  (void)Drain(second.get());
  ASSERT_TRUE(first->Commit());
  ASSERT_TRUE(second->Commit());
  first.reset();
  AppendValues(Topic::kHealth, {"c"});
  EXPECT_EQ(ValuesOf(Drain(second.get())), Strings{"c"});
}

TEST_P(EventLogContract, AReaderStartsWhereItsOwnerSays) {
  AppendValues(Topic::kHealth, {"a", "b", "c", "d"});
  std::vector<Position> kept;
  {
    const auto reader = OpenAt(Topic::kHealth);
    Strings read;
    while (read.size() < 3) read.push_back(reader->Poll(1)->at(0).record.value);
    kept = reader->Positions();
  }
  EXPECT_EQ(ValuesOf(Drain(OpenAt(Topic::kHealth, kept).get())), Strings{"d"});
}

TEST_P(EventLogContract, APositionFromAnotherLogStartsAtTheOldest) {
  AppendValues(Topic::kHealth, {"a", "b"});
  const auto first = OpenAt(Topic::kHealth);
  const int32_t partition = Drain(first.get()).at(0).partition;
  for (const int64_t offset : {int64_t{-5}, int64_t{1'000'000}}) {
    const auto reader = OpenAt(Topic::kHealth, {{partition, offset}});
    EXPECT_EQ(ValuesOf(Drain(reader.get())), (Strings{"a", "b"})) << offset;
  }
}

TEST_P(EventLogContract, AReaderOfOnePartitionGetsThatOneAlone) {
  std::map<int32_t, Strings> written;
  for (int i = 0; i < 40; ++i) {
    const std::string value = std::to_string(i);
    ASSERT_TRUE(Append(Topic::kHealth, {Of("web-" + value, value)}));
  }
  const auto all = OpenAt(Topic::kHealth);
  std::map<int32_t, int64_t> third;  // the offset of the third record of each
  for (const LogRecord& record : Drain(all.get())) {
    written[record.partition].push_back(record.record.value);
    if (written[record.partition].size() == 3) third[record.partition] = record.offset;
  }
  ASSERT_EQ(third.size(), all->Positions().size()) << "every partition has three records";
  for (const auto& [partition, values] : written) {
    const auto whole = log().OpenPartition(Topic::kHealth, {partition, 0}).value();
    EXPECT_EQ(ValuesOf(Drain(whole.get(), 3)), values);
    ASSERT_EQ(whole->Positions().size(), 1U);
    EXPECT_EQ(whole->Positions()[0].partition, partition);
    EXPECT_EQ(whole->Behind()->records, 0);
    const auto rest = log().OpenPartition(Topic::kHealth, {partition, third[partition]}).value();
    EXPECT_EQ(ValuesOf(Drain(rest.get())), Strings(values.begin() + 2, values.end()));
  }
}

TEST_P(EventLogContract, WhatCannotBeOpenedIsRefused) {
  const std::vector<Position> none = {{99, 0}};
  EXPECT_EQ(log().OpenAt(Topic::kHealth, none).error().code, Code::kInvalidArgument);
  EXPECT_EQ(log().OpenPartition(Topic::kHealth, none[0]).error().code, Code::kInvalidArgument);
  EXPECT_EQ(log().Open(Topic::kHealth, "").error().code, Code::kInvalidArgument);
  const std::string longer(EventLog::kGroupBytesMax + 1, 'g');
  EXPECT_EQ(log().Open(Topic::kHealth, longer).error().code, Code::kInvalidArgument);
}

TEST_P(EventLogContract, AReaderThatKeepsItsOffsetsCannotCommit) {
  EXPECT_EQ(OpenAt(Topic::kHealth)->Commit().error().code, Code::kInvalidArgument);
}

TEST_P(EventLogContract, ALagCountsWhatIsAheadAndKnowsItsAge) {
  const auto reader = OpenAt(Topic::kHealth);
  EXPECT_EQ(reader->Behind()->records, 0);
  EXPECT_EQ(reader->Behind()->oldest, kWallNever);
  ASSERT_TRUE(Append(Topic::kHealth, {{"a", "1", {}, WallFromMillis(10)},
                                      {"a", "2", {}, WallFromMillis(20)},
                                      {"a", "3", {}, WallFromMillis(30)}}));
  EXPECT_EQ(reader->Behind()->records, 3);
  EXPECT_EQ(reader->Behind()->oldest, WallFromMillis(10));
  ASSERT_EQ(reader->Poll(2)->size(), 2U);
  EXPECT_EQ(reader->Behind()->records, 1);
  EXPECT_EQ(reader->Behind()->oldest, WallFromMillis(30));
  (void)Drain(reader.get());
  EXPECT_EQ(reader->Behind()->records, 0);
  EXPECT_EQ(reader->Behind()->oldest, kWallNever);
}

TEST_P(EventLogContract, ABatchWithARecordPastALimitLeavesNothing) {
  using Headers = std::vector<std::pair<std::string, std::string>>;
  const std::map<std::string, Record> cases = {
      {"key bytes", Of(std::string(Record::kKeyBytesMax + 1, 'k'), "v")},
      {"value bytes", Of("k", std::string(Record::kValueBytesMax + 1, 'v'))},
      {"headers", {"k", "v", Headers(Record::kHeadersMax + 1, {"n", "v"}), kWallNever}},
      {"header bytes", {"k", "v", {{"n", std::string(Record::kHeaderBytesMax, 'v')}}, kWallNever}}};
  for (const auto& [what, record] : cases) {
    const Status status = Append(Topic::kHealth, {Of("k", "good"), record});
    ASSERT_FALSE(status) << what;
    EXPECT_EQ(status.error().code, Code::kInvalidArgument) << what;
    EXPECT_NE(status.error().message.find(what + " of record 1"), std::string::npos)
        << status.error().message;
  }
  EXPECT_EQ(Append(Topic::kHealth, std::vector<Record>(kAppendRecordsMax + 1)).error().code,
            Code::kInvalidArgument);
  EXPECT_TRUE(Drain(OpenAt(Topic::kHealth).get()).empty());
}

TEST_P(EventLogContract, AnEmptyBatchIsNothing) {
  EXPECT_TRUE(Append(Topic::kHealth, {}));
  EXPECT_TRUE(Drain(OpenAt(Topic::kHealth).get()).empty());
}

TEST_P(EventLogContract, ASubscriberIsWokenByItsTopicsUntilItEnds) {
  // An engine may wake from a thread of its own.
  std::atomic<int> wakes = 0;
  const Topic topics[] = {Topic::kHealth, Topic::kFindings};
  auto subscription = log().Subscribe(topics, [&wakes] { ++wakes; });
  AppendValues(Topic::kHealth, {"a"});
  EXPECT_GE(wakes, 1) << "in one process it is woken by the time Append returns";
  const int before = wakes;
  AppendValues(Topic::kFindings, {"b"});
  EXPECT_GT(wakes, before);
  subscription.reset();
  const int last = wakes;
  AppendValues(Topic::kHealth, {"c"});
  EXPECT_EQ(wakes, last);
}

TEST_P(EventLogContract, ACompactedTopicKeepsTheNewestOfEachKey) {
  const auto early = OpenAt(Topic::kHosts);
  for (int i = 0; i < 20; ++i) {
    ASSERT_TRUE(Append(Topic::kHosts, {Of("web-" + std::to_string(i % 3), std::to_string(i))}));
  }
  clock_.Advance(Hours(24 * 365));
  under_test_->Settle();
  std::map<std::string, std::string> newest;
  for (const LogRecord& record : Drain(OpenAt(Topic::kHosts).get())) {
    EXPECT_TRUE(newest.emplace(record.record.key, record.record.value).second)
        << "two records of " << record.record.key;
  }
  const std::map<std::string, std::string> expected = {
      {"web-0", "18"}, {"web-1", "19"}, {"web-2", "17"}};
  EXPECT_EQ(newest, expected);
  EXPECT_EQ(Drain(early.get()).size(), 3U) << "a reader behind steps over the gaps";
  EXPECT_EQ(early->Behind()->records, 0);
}

class DurableEventLogContract : public EventLogContract {};

TEST_P(DurableEventLogContract, WhatWasAppendedAndCommittedSurvivesAReopening) {
  AppendValues(Topic::kHealth, {"a", "b", "c"});
  {
    const auto reader = Open(Topic::kHealth, "remediator");
    ASSERT_EQ(reader->Poll(2)->size(), 2U);
    ASSERT_TRUE(reader->Commit());
  }
  under_test_->Reopen();
  EXPECT_EQ(ValuesOf(Drain(OpenAt(Topic::kHealth).get())), (Strings{"a", "b", "c"}));
  EXPECT_EQ(ValuesOf(Drain(Open(Topic::kHealth, "remediator").get())), Strings{"c"});
  AppendValues(Topic::kHealth, {"d"});
  EXPECT_EQ(ValuesOf(Drain(OpenAt(Topic::kHealth).get())), (Strings{"a", "b", "c", "d"}));
}

INSTANTIATE_TEST_SUITE_P(Log, EventLogContract, testing::ValuesIn(LogFactories()),
                         [](const auto& of) { return of.param.name; });

INSTANTIATE_TEST_SUITE_P(Log, DurableEventLogContract, testing::ValuesIn(DurableLogFactories()),
                         [](const auto& of) { return of.param.name; });

}  // namespace
}  // namespace fleetmedic
