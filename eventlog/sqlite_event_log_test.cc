#include "eventlog/sqlite_event_log.h"

#include <sys/stat.h>

#include <atomic>

#include <gtest/gtest.h>

#include "absl/synchronization/notification.h"
#include "base/fault_vfs.h"
#include "base/file.h"
#include "base/thread_pool.h"
#include "eventlog/sqlite_log_bell.h"
#include "eventlog/sqlite_log_file.h"

namespace fleetmedic {
namespace {

using Effect = FaultVfs::Effect;
using Strings = std::vector<std::string>;

constexpr absl::Duration kPatience = absl::Seconds(20);

std::vector<Record> Batch(int64_t number, int size, size_t bytes = 10) {
  std::vector<Record> batch;
  for (int i = 0; i < size; ++i) {
    batch.push_back({"web-1", std::to_string(number), {}, WallFromMillis(1)});
    batch.back().value.resize(std::max(bytes, batch.back().value.size()), ' ');
  }
  return batch;
}

int64_t NumberOf(const LogRecord& record) { return std::stoll(record.record.value); }

class SqliteEventLogTest : public testing::Test {
 protected:
  std::unique_ptr<SqliteEventLog> Open(SqliteEventLogOptions options = {}) {
    options.busy_timeout = Millis(50);
    return SqliteEventLog::Open(path_, clock_, options).value();
  }
  std::unique_ptr<SqliteEventLog> OpenOn(const FaultVfs& disk) {
    SqliteEventLogOptions options;
    options.vfs = disk.name();
    return Open(options);
  }
  void RemoveFiles() {
    for (const char* suffix : {"", "-wal", "-shm"}) ASSERT_TRUE(RemoveTree(path_ + suffix));
  }
  static std::vector<LogRecord> ReadAll(EventLog* log, Topic topic = Topic::kHealth) {
    std::vector<LogRecord> all;
    const auto reader = log->OpenAt(topic, {}).value();
    while (true) {
      std::vector<LogRecord> some = reader->Poll(1'000).value();
      if (some.empty()) return all;
      std::move(some.begin(), some.end(), std::back_inserter(all));
    }
  }
  int64_t FileBytes(const char* suffix) const {
    struct stat status {};
    EXPECT_EQ(stat((path_ + suffix).c_str(), &status), 0);
    return status.st_size;
  }

  SimulatedClock clock_;
  TempFolder folder_;
  const std::string path_ = folder_ / "log.db";
};

// The power is cut at each write and each sync of a run in turn; the disk keeps, loses and tears
// what was not synced.
TEST_F(SqliteEventLogTest, AnAcknowledgedBatchSurvivesEveryCrashAndAnyOtherIsWholeOrNot) {
  constexpr int kBatchRecords = 3;
  int64_t crashes = 0;
  for (uint64_t seed = 1; seed <= 2; ++seed) {
    for (const bool at_write : {true, false}) {
      for (int64_t nth = 1;; ++nth) {
        RemoveFiles();
        FaultVfs disk(seed);
        int64_t confirmed = 0;
        int64_t committed = -1;
        {
          const auto log = OpenOn(disk);
          (at_write ? disk.AtWrite(nth, Effect::kCrash) : disk.AtSync(nth, Effect::kCrash));
          const auto reader = log->Open(Topic::kHealth, "g");
          for (int64_t number = 1; reader && number <= 5 && !disk.crashed(); ++number) {
            if (log->Append(Topic::kHealth, Batch(number, kBatchRecords, 3'000))) {
              confirmed = number;
            }
            if (const auto read = (*reader)->Poll(4); read && (*reader)->Commit()) {
              committed = (*reader)->Positions().at(0).offset;
            }
          }
        }
        if (!disk.crashed()) break;
        ++crashes;
        disk.Restart();
        const auto log = OpenOn(disk);
        const auto found = ReadAll(log.get());
        ASSERT_EQ(found.size() % kBatchRecords, 0U) << "seed " << seed << ", call " << nth;
        const auto batches = static_cast<int64_t>(found.size()) / kBatchRecords;
        ASSERT_GE(batches, confirmed) << "seed " << seed << ", call " << nth;
        ASSERT_LE(batches, confirmed + 1) << "seed " << seed << ", call " << nth;
        const auto next = log->Open(Topic::kHealth, "g").value()->Positions().at(0).offset;
        ASSERT_GE(next, committed);
        ASSERT_LE(next, static_cast<int64_t>(found.size()));
        ASSERT_TRUE(log->Append(Topic::kHealth, Batch(99, 1)));
        const auto after = ReadAll(log.get());
        ASSERT_EQ(after.size(), found.size() + 1);
        ASSERT_EQ(NumberOf(after.back()), 99);
      }
    }
  }
  EXPECT_GT(crashes, 50);
}

TEST_F(SqliteEventLogTest, ACrashWhileTheFileIsMadeLeavesOneThatOpens) {
  int64_t crashes = 0;
  for (const bool at_write : {true, false}) {
    for (int64_t nth = 1;; ++nth) {
      RemoveFiles();
      FaultVfs disk(static_cast<uint64_t>(nth));
      SqliteEventLogOptions options;
      options.vfs = disk.name();
      (at_write ? disk.AtWrite(nth, Effect::kCrash) : disk.AtSync(nth, Effect::kCrash));
      (void)SqliteEventLog::Open(path_, clock_, options);
      if (!disk.crashed()) break;
      ++crashes;
      disk.Restart();
      const auto log = SqliteEventLog::Open(path_, clock_, options);
      ASSERT_TRUE(log) << "call " << nth << ": " << log.error().message;
      ASSERT_TRUE((*log)->Append(Topic::kHealth, Batch(1, 1)));
      ASSERT_EQ(ReadAll(log->get()).size(), 1U);
    }
  }
  EXPECT_GT(crashes, 10);
}

TEST_F(SqliteEventLogTest, AFaultOfTheDiskFailsOneAppendAndNoMore) {
  struct Case {
    const char* sentence;
    bool write;
    Effect effect;
    Code code;
  };
  static constexpr Case kCases[] = {
      {"a full disk", true, Effect::kFull, Code::kFull},
      {"a write error", true, Effect::kIo, Code::kIo},
      {"a write cut short", true, Effect::kShortWrite, Code::kIo},
      {"a sync error", false, Effect::kIo, Code::kIo},
  };
  FaultVfs disk(1);
  const auto log = OpenOn(disk);
  const auto reader = log->OpenAt(Topic::kHealth, {}).value();
  for (const Case& c : kCases) {
    (c.write ? disk.AtWrite(1, c.effect) : disk.AtSync(1, c.effect));
    const Status status = log->Append(Topic::kHealth, Batch(1, 2, 5'000));
    ASSERT_FALSE(status) << c.sentence;
    EXPECT_EQ(status.error().code, c.code) << c.sentence << ": " << status.error().message;
    EXPECT_TRUE(reader->Poll(10)->empty()) << c.sentence;
    ASSERT_TRUE(log->Append(Topic::kHealth, Batch(2, 2))) << c.sentence;
    EXPECT_EQ(reader->Poll(10)->size(), 2U) << c.sentence;
  }
  EXPECT_EQ(log->stats().appends_failed, 4);
  EXPECT_EQ(log->stats().appends, 4);
}

TEST_F(SqliteEventLogTest, AWriterElsewhereMakesAnAppendBusyAndReadsGoOn) {
  const auto log = Open();
  ASSERT_TRUE(log->Append(Topic::kHealth, Batch(1, 1)));
  Database other = Database::Open(path_).value();
  {
    const Transaction blocker = Transaction::Begin(&other).value();
    EXPECT_EQ(log->Append(Topic::kHealth, Batch(2, 1)).error().code, Code::kBusy);
    EXPECT_EQ(ReadAll(log.get()).size(), 1U);
  }
  EXPECT_TRUE(log->Append(Topic::kHealth, Batch(2, 1)));
}

TEST_F(SqliteEventLogTest, AppendsOfManyThreadsShareSyncsAndKeepTheirOrder) {
  const auto log = Open();
  constexpr int kThreads = 8;
  constexpr int kAppends = 40;
  {
    ThreadPool pool("append", kThreads, kThreads);
    std::atomic<int> left = kThreads;
    absl::Notification done;
    for (int t = 0; t < kThreads; ++t) {
      ASSERT_TRUE(pool.Submit("append", [&, t] {
        for (int i = 0; i < kAppends; ++i) {
          const Record record{"web-" + std::to_string(t), std::to_string(i), {}, kWallNever};
          EXPECT_TRUE(log->Append(Topic::kHealth, std::span<const Record>(&record, 1)));
        }
        if (--left == 0) done.Notify();
      }));
    }
    done.WaitForNotification();
  }
  std::map<std::string, int64_t> next;
  for (const LogRecord& record : ReadAll(log.get())) {
    EXPECT_EQ(NumberOf(record), next[record.record.key]++);
  }
  ASSERT_EQ(next.size(), size_t{kThreads});
  for (const auto& [key, count] : next) EXPECT_EQ(count, kAppends);
  EXPECT_EQ(log->stats().appends, kThreads * kAppends);
  EXPECT_LT(log->stats().transactions, kThreads * kAppends);
}

TEST_F(SqliteEventLogTest, AboveTheQuotaAnAppendIsFullUntilRetentionMakesRoom) {
  SqliteEventLogOptions options;
  options.bytes_max = 10'000;
  options.retention = {.bytes_max = 1'000'000, .age_max = Hours(1)};
  const auto log = Open(options);
  ASSERT_TRUE(log->Append(Topic::kHealth, Batch(1, 8, 1'000)));
  const Status full = log->Append(Topic::kFindings, Batch(2, 2, 1'000));
  EXPECT_EQ(full.error().code, Code::kFull) << full.error().message;
  EXPECT_TRUE(log->Append(Topic::kFindings, Batch(2, 1, 500))) << "what fits is taken";
  EXPECT_EQ(log->stats().appends_over_quota, 1);
  clock_.Advance(Hours(2));
  EXPECT_FALSE(log->Trim().value());
  EXPECT_TRUE(log->Append(Topic::kFindings, Batch(3, 2, 1'000)));
  EXPECT_TRUE(ReadAll(log.get()).empty());
}

TEST_F(SqliteEventLogTest, ATopicIsTrimmedByBytesAsItIsWrittenTo) {
  SqliteEventLogOptions options;
  options.retention = {.bytes_max = 20'000, .age_max = Hours(1)};
  const auto log = Open(options);
  const auto behind = log->OpenAt(Topic::kHealth, {}).value();
  const auto kept = log->Open(Topic::kHealth, "g").value();
  ASSERT_TRUE(log->Append(Topic::kAudit, Batch(7, 1)));
  for (int64_t number = 0; number < 200; ++number) {
    ASSERT_TRUE(log->Append(Topic::kHealth, Batch(number, 1, 1'000)));
  }
  const auto records = ReadAll(log.get());
  EXPECT_GE(records.size(), 19U);
  EXPECT_LE(records.size(), 20U);
  EXPECT_EQ(NumberOf(records.back()), 199);
  EXPECT_EQ(behind->Behind()->records, static_cast<int64_t>(records.size()));
  EXPECT_EQ(NumberOf(behind->Poll(1)->at(0)), NumberOf(records.front()))
      << "a reader that was overtaken goes on at the oldest";
  EXPECT_EQ(kept->Poll(1'000)->size(), records.size());
  EXPECT_EQ(ReadAll(log.get(), Topic::kAudit).size(), 1U) << "topics are trimmed apart";
  EXPECT_EQ(log->stats().records_trimmed, 200 - static_cast<int64_t>(records.size()));
}

TEST_F(SqliteEventLogTest, OffsetsAreNotUsedTwiceWhenAllIsTrimmed) {
  SqliteEventLogOptions options;
  options.retention.age_max = Hours(1);
  std::vector<Position> positions;
  {
    const auto log = Open(options);
    ASSERT_TRUE(log->Append(Topic::kHealth, Batch(1, 5)));
    const auto reader = log->OpenAt(Topic::kHealth, {}).value();
    ASSERT_EQ(reader->Poll(10)->size(), 5U);
    positions = reader->Positions();
    clock_.Advance(Hours(2));
    while (log->Trim().value()) {
    }
    EXPECT_TRUE(ReadAll(log.get()).empty());
  }
  const auto log = Open(options);
  const auto reader = log->OpenAt(Topic::kHealth, positions).value();
  ASSERT_TRUE(log->Append(Topic::kHealth, Batch(2, 1)));
  const auto records = reader->Poll(10).value();
  ASSERT_EQ(records.size(), 1U);
  EXPECT_EQ(records[0].offset, 5);
}

TEST_F(SqliteEventLogTest, TrimmingGoesInSlices) {
  const auto log = Open();
  ASSERT_TRUE(log->Append(Topic::kHealth, Batch(1, 2'500)));
  clock_.Advance(Hours(24 * 30));
  EXPECT_TRUE(log->Trim().value());
  EXPECT_EQ(ReadAll(log.get()).size(), 1'500U);
  EXPECT_TRUE(log->Trim().value());
  EXPECT_FALSE(log->Trim().value());
  EXPECT_TRUE(ReadAll(log.get()).empty());
}

TEST_F(SqliteEventLogTest, AnOldRecordOfAnIdleTopicGoesWithTheAppendsOfOthers) {
  const auto log = Open();
  ASSERT_TRUE(log->Append(Topic::kFindings, Batch(1, 1)));
  clock_.Advance(Hours(24 * 30));
  for (size_t i = 0; i <= kTopics.size(); ++i) {
    ASSERT_TRUE(log->Append(Topic::kHealth, Batch(2, 1)));
  }
  EXPECT_TRUE(ReadAll(log.get(), Topic::kFindings).empty());
}

TEST_F(SqliteEventLogTest, TheWriteAheadLogStaysSmallBesideAReader) {
  const auto log = Open();
  const auto reader = log->OpenAt(Topic::kLogs, {}).value();
  for (int64_t number = 0; number < 60; ++number) {
    ASSERT_TRUE(log->Append(Topic::kLogs, Batch(number, 1, 1 << 20)));
    ASSERT_EQ(reader->Poll(10)->size(), 1U);
  }
  EXPECT_LT(FileBytes("-wal"), 16 << 20);
}

TEST_F(SqliteEventLogTest, APollEndsAtItsBytesAndTheNextGoesOn) {
  const auto log = Open();
  for (int64_t number = 0; number < 20; ++number) {
    ASSERT_TRUE(log->Append(Topic::kLogs, Batch(number, 1, 1 << 20)));
  }
  const auto reader = log->OpenAt(Topic::kLogs, {}).value();
  EXPECT_EQ(reader->Poll(1'000)->size(), 16U);
  EXPECT_EQ(reader->Poll(1'000)->size(), 4U);
}

TEST_F(SqliteEventLogTest, HeadersMayHoldAnyBytes) {
  const auto log = Open();
  const Record strange{
      "k", "v", {{"", ""}, {"3:a,", "\n,"}, {"n", std::string("\0\xff,5:", 5)}}, WallFromMillis(1)};
  ASSERT_TRUE(log->Append(Topic::kHealth, std::span<const Record>(&strange, 1)));
  EXPECT_EQ(ReadAll(log.get()).at(0).record, strange);
}

TEST_F(SqliteEventLogTest, HeadersThatCannotBeReadAreCorrupt) {
  const auto log = Open();
  for (const char* const headers : {"x", "1:a,", "9:a,1:b,", "1:a,1:b", "1:a,-1:b,", ":,:,",
                                    "99999999999999999999:a,1:b,", "1a,1:b,"}) {
    ASSERT_TRUE(log->Append(Topic::kHealth, Batch(1, 1)));
    Database other = Database::Open(path_).value();
    ASSERT_TRUE(other.Run(R"(UPDATE "fleetmedic.health" SET headers = ?)", SqlBlob{headers}));
    const auto polled = log->OpenAt(Topic::kHealth, {}).value()->Poll(1);
    ASSERT_FALSE(polled) << headers;
    EXPECT_EQ(polled.error().code, Code::kCorrupt);
    EXPECT_NE(polled.error().message.find("record 0 of fleetmedic.health"), std::string::npos);
  }
}

TEST_F(SqliteEventLogTest, AFileThatIsNotOursToReadIsRefused) {
  EXPECT_EQ(SqliteEventLog::Open(folder_ / "none/log.db", clock_).error().code, Code::kNotFound);
  ASSERT_TRUE(WriteFileAtomic(path_, std::string(4'096, 'n')));
  EXPECT_EQ(SqliteEventLog::Open(path_, clock_).error().code, Code::kCorrupt);
  RemoveFiles();
  ASSERT_TRUE(Database::Open(path_)->SetUserVersion(99));
  EXPECT_EQ(SqliteEventLog::Open(path_, clock_).error().code, Code::kUnsupported);
}

TEST_F(SqliteEventLogTest, AFileOfTheVersionBeforeGetsTheTopicThatItLacks) {
  const Record record{"h", "value", {}, clock_.Wall()};
  ASSERT_TRUE(Open()->Append(Topic::kHealth, {&record, 1}));
  {
    Database before = Database::Open(path_).value();
    ASSERT_TRUE(before.RunScript(R"(DROP TABLE "fleetmedic.evidence";
                                    DELETE FROM topics WHERE name = 'fleetmedic.evidence';)"));
    ASSERT_TRUE(before.SetUserVersion(1));
  }
  const auto log = Open();
  ASSERT_TRUE(log->Append(Topic::kEvidence, {&record, 1}));
  for (const Topic topic : {Topic::kHealth, Topic::kEvidence}) {
    EXPECT_EQ(log->OpenAt(topic, {}).value()->Poll(10).value().size(), 1u) << TopicName(topic);
  }
}

// Two logs on one file are to each other what two processes are.
TEST_F(SqliteEventLogTest, AnAppendElsewhereWakesTheSubscribersOfItsTopic) {
  const auto here = Open();
  const auto there = Open();
  absl::Notification health;
  std::atomic<int> others = 0;
  const Topic health_topics[] = {Topic::kHealth};
  const Topic other_topics[] = {Topic::kLogs, Topic::kAudit};
  const auto first = here->Subscribe(health_topics, [&] {
    if (!health.HasBeenNotified()) health.Notify();
  });
  const auto second = here->Subscribe(other_topics, [&] { ++others; });
  ASSERT_TRUE(there->Append(Topic::kHealth, Batch(1, 1)));
  EXPECT_TRUE(health.WaitForNotificationWithTimeout(kPatience));
  EXPECT_EQ(others, 0);
}

class SqliteGroupTest : public SqliteEventLogTest {
 protected:
  static constexpr int kRecords = 40;

  SqliteGroupTest() {
    SqliteEventLogOptions options;
    options.partitions = 4;
    log_ = Open(options);
  }
  std::unique_ptr<Reader> Join() { return log_->Open(Topic::kHealth, "g").value(); }
  void Append() {
    for (int i = 0; i < kRecords; ++i) {
      const Record record{"web-" + std::to_string(i), "x", {}, WallFromMillis(1)};
      ASSERT_TRUE(log_->Append(Topic::kHealth, {&record, 1}));
    }
  }
  // Rounds of all of them until nothing moves any more. How many partitions each has.
  std::vector<size_t> Settled(const std::vector<Reader*>& readers) {
    for (int round = 0; round < 4; ++round) {
      for (Reader* reader : readers) {
        polled_ += reader->Poll(1'000)->size();
        EXPECT_TRUE(reader->Commit());
      }
    }
    std::vector<size_t> sizes;
    std::set<int32_t> all;
    for (Reader* reader : readers) {
      sizes.push_back(reader->Positions().size());
      for (const Position& position : reader->Positions()) {
        EXPECT_TRUE(all.insert(position.partition).second) << "two have it";
      }
    }
    EXPECT_EQ(all.size(), 4U);
    return sizes;
  }

  std::unique_ptr<SqliteEventLog> log_;
  size_t polled_ = 0;
};

using Sizes = std::vector<size_t>;

TEST_F(SqliteGroupTest, ReadersShareThePartitionsEvenlyAsTheyComeAndGo) {
  Append();
  auto one = Join();
  EXPECT_EQ(Settled({one.get()}), Sizes{4});
  auto two = Join();
  EXPECT_EQ(Settled({one.get(), two.get()}), (Sizes{2, 2}));
  auto three = Join();
  EXPECT_EQ(Settled({one.get(), two.get(), three.get()}), (Sizes{2, 1, 1}));
  EXPECT_EQ(polled_, kRecords) << "what was committed is not read again by who takes it over";
  one.reset();
  EXPECT_EQ(Settled({two.get(), three.get()}), (Sizes{2, 2}));
  Append();
  EXPECT_EQ(Settled({two.get(), three.get()}), (Sizes{2, 2}));
  EXPECT_EQ(polled_, 2 * kRecords);
  std::vector<std::unique_ptr<Reader>> many;
  std::vector<Reader*> all = {two.get(), three.get()};
  for (int i = 0; i < 4; ++i) all.push_back(many.emplace_back(Join()).get());
  EXPECT_EQ(Settled(all), (Sizes{1, 1, 1, 1, 0, 0})) << "the others wait as spares";
}

TEST_F(SqliteGroupTest, WhatIsReadIsNotGivenUpBeforeItsCommit) {
  Append();
  const auto one = Join();
  EXPECT_EQ(one->Poll(1'000)->size(), kRecords);
  const auto two = Join();
  EXPECT_TRUE(two->Poll(1'000)->empty());
  EXPECT_TRUE(one->Poll(1'000)->empty());
  EXPECT_EQ(one->Positions().size(), 4U);
  EXPECT_TRUE(two->Positions().empty());
  ASSERT_TRUE(one->Commit());
  EXPECT_EQ(Settled({one.get(), two.get()}), (Sizes{2, 2}));
  EXPECT_EQ(polled_, 0U);
}

TEST_F(SqliteGroupTest, AFileKeepsThePartitionsThatItWasMadeWith) {
  Append();
  log_.reset();
  SqliteEventLogOptions options;
  options.partitions = 8;
  EXPECT_EQ(Open(options)->partitions(), 4);
}

TEST_F(SqliteGroupTest, AGroupWhoseNameLooksLikeOneOfAPartitionIsRefused) {
  EXPECT_EQ(log_->Open(Topic::kHealth, "g/1").error().code, Code::kInvalidArgument);
}

TEST_F(SqliteEventLogTest, ALostRingIsMadeGoodByALook) {
  const auto log = Open();
  absl::Notification woken;
  const Topic topics[] = {Topic::kHealth};
  const auto subscription = log->Subscribe(topics, [&] {
    if (!woken.HasBeenNotified()) woken.Notify();
  });
  // As a process does that dies between its commit and its ring.
  SqliteLogFile file = SqliteLogFile::Open(path_, {}).value();
  Transaction transaction = Transaction::Begin(file.database()).value();
  ASSERT_TRUE(file.Insert(Topic::kHealth, Batch(1, 1), clock_.Wall()));
  ASSERT_TRUE(transaction.Commit());
  EXPECT_TRUE(woken.WaitForNotificationWithTimeout(kPatience));
}

TEST_F(SqliteEventLogTest, WithoutAWatchTheBellIsPolled) {
  std::atomic<int> looks = 0;
  absl::Notification third;
  const LogBellWatch watch(folder_ / "not/there", [&] {
    if (++looks == 3) third.Notify();
  });
  EXPECT_FALSE(watch.watches());
  EXPECT_TRUE(third.WaitForNotificationWithTimeout(kPatience));
}

}  // namespace
}  // namespace fleetmedic
