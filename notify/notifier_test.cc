#include "notify/notifier.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fmt/format.h>

#include "base/thread_pool.h"
#include "eventlog/memory_event_log.h"
#include "store/fault_store.h"
#include "store/memory_store.h"

namespace fleetmedic {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

class NotifierTest : public testing::Test {
 protected:
  NotifierTest() {
    NotifyChannel channel;
    channel.name = "hook";
    channel.kind = "webhook";
    channel.urgency = "all";
    config_.channels.push_back(channel);
    lease_ = audit_.Acquire("remediator", Hours(24)).value();
  }

  void Start(const std::string& owner = "one") {
    notifier_ = std::make_unique<Notifier>(
        config_, NotifierParts{clock_,
                               audit_,
                               faulty_,
                               log_,
                               workers_,
                               metrics_,
                               [this](const NotifyChannel& to, const NotifyMessage& message) {
                                 return Sent(to, message);
                               },
                               {},
                               owner,
                               1});
  }
  // Ends without a word: what kill -9 leaves. The lease is not given back.
  void Crash() {
    faulty_.FailAt(StoreCall::kLease, 1, CallFault::kUnavailable);
    notifier_.reset();
  }
  TryOutcome Sent(const NotifyChannel& to, const NotifyMessage& message) {
    ids_.push_back(message.id);
    tries_.push_back(fmt::format("{} {} {}", to.name, ActName(message.act), message.key));
    return answer_;
  }
  void Audit(const std::string& action, const std::string& object, const std::string& result = "",
             const char* detail = "{}") {
    AuditEntry entry;
    entry.at = clock_.Wall();
    entry.who = "fleetmedic";
    entry.action = action;
    entry.object = object;
    entry.why = "because";
    entry.result = result;
    entry.detail = Json::Parse(detail).value();
    ASSERT_TRUE(audit_.Commit(lease_.epoch,
                              [&entry](StoreTransaction& tx) { return tx.AppendAudit(entry); }));
  }
  // Host "a" needs a person, and that is committed while the notifier runs.
  void StartAndPage() {
    Start();
    Run(Seconds(2));
    Audit("page", "host:a", "", R"({"episode": 1})");
  }
  // A turn each second.
  void Run(Micros time) {
    for (Micros at(0); at <= time; at += Seconds(1)) {
      notifier_->Turn(clock_.Mono());
      clock_.Advance(Seconds(1));
    }
  }
  std::vector<std::string> TakeTries() { return std::exchange(tries_, {}); }
  std::vector<Record> DeadLetters() {
    std::vector<Record> letters;
    const auto reader = log_.OpenAt(Topic::kDeadLetter, {}).value();
    std::vector<LogRecord> records = reader->Poll(1000).value();
    for (LogRecord& each : records) letters.push_back(std::move(each.record));
    return letters;
  }
  size_t RowsKept() const { return ScanAll(store_, Table::kOutbox).value().size(); }

  SimulatedClock clock_;
  MemoryStore audit_{clock_};
  MemoryStore store_{clock_};
  FaultStore faulty_{&store_};
  MemoryEventLog log_{clock_};
  InlineWorkers workers_;
  Metrics metrics_;
  NotifyConfig config_;
  Lease lease_;
  TryOutcome answer_{TryVerdict::kDelivered, "HTTP status 200", std::nullopt};
  std::vector<std::string> tries_;
  std::vector<std::string> ids_;
  std::unique_ptr<Notifier> notifier_;
};

TEST_F(NotifierTest, WhatIsCommittedIsSentOnce) {
  StartAndPage();
  Run(Seconds(30));
  EXPECT_THAT(TakeTries(), ElementsAre("hook trigger host:a#1"));
  Audit("in_service", "host:a", "", R"({"episode": 1})");
  Run(Seconds(30));
  EXPECT_THAT(TakeTries(), ElementsAre("hook resolve host:a#1"));
  EXPECT_EQ(RowsKept(), 0u);
  const NotifyChannelState state = notifier_->Channels().at(0);
  EXPECT_FALSE(state.failing());
  EXPECT_EQ(state.queued, 0u);
  EXPECT_NE(state.delivered_at, kWallNever);
  EXPECT_THAT(metrics_.Text(),
              HasSubstr(R"(fleetmedic_notifications_total{channel="hook",outcome="delivered"} 2)"));
}

TEST_F(NotifierTest, ARestartLosesNothingAndRepeatsNothing) {
  StartAndPage();
  Run(Seconds(2));  // taken, not told yet
  EXPECT_THAT(TakeTries(), IsEmpty());
  Crash();
  Audit("page", "host:b", "", R"({"episode": 1})");  // while nobody reads
  clock_.Advance(Seconds(20));
  Start("two");
  Run(Seconds(20));
  EXPECT_THAT(TakeTries(), ElementsAre("hook trigger host:a#1", "hook trigger host:b#1"));
  Crash();
  clock_.Advance(Seconds(20));
  Start("three");
  Run(Seconds(900));
  EXPECT_THAT(TakeTries(), IsEmpty());
}

TEST_F(NotifierTest, WhatWasUnderWayIsSentAgainUnderItsName) {
  Start();
  Run(Seconds(2));
  Audit("trip", "brake", "tripped", R"({"cause": "silent"})");
  // The try is made, and the process ends before it can write that down.
  while (tries_.empty()) {
    notifier_->Turn(clock_.Mono());
    clock_.Advance(Seconds(1));
  }
  EXPECT_THAT(TakeTries(), ElementsAre("hook trigger brake:silent"));
  Crash();
  clock_.Advance(Seconds(20));
  Start("two");
  Run(Seconds(30));
  EXPECT_THAT(TakeTries(), ElementsAre("hook trigger brake:silent"));
  EXPECT_THAT(ids_, ElementsAre(ids_.front(), ids_.front()));
}

TEST_F(NotifierTest, AStateThatCannotBeReadIsLeftBehindAndPeopleAreToldAllTheSame) {
  StartAndPage();
  Run(Seconds(30));
  EXPECT_THAT(TakeTries(), SizeIs(1));
  notifier_.reset();
  const Lease lease = store_.Acquire("somebody", Seconds(10)).value();
  ASSERT_TRUE(store_.Commit(lease.epoch, [](StoreTransaction& tx) -> Status {
    FLEETMEDIC_RETURN_IF_ERROR(tx.Put(Table::kMeta, "notify.groups", "no json"));
    return tx.Put(Table::kOutbox, "00000000000000000009", "{}");
  }));
  ASSERT_TRUE(store_.Release(lease));
  clock_.Advance(Seconds(1));
  Audit("page", "host:b", "", R"({"episode": 1})");
  Start("two");
  Run(Seconds(30));
  EXPECT_THAT(TakeTries(), ElementsAre("hook trigger host:b#1"));
  EXPECT_NE(ids_.front(), ids_.back()) << "a receiver would drop it as one that it has";
  EXPECT_EQ(RowsKept(), 0u);
}

TEST_F(NotifierTest, WhatCannotBeCommittedIsNotSent) {
  StartAndPage();
  faulty_.FailAt(StoreCall::kCommit, 1, CallFault::kFull, 1000);
  Run(Seconds(60));
  EXPECT_THAT(TakeTries(), IsEmpty());
  EXPECT_FALSE(notifier_->leading());
}

TEST_F(NotifierTest, ASecondNotifierWaits) {
  Start();
  Run(Seconds(2));
  Notifier second(config_, NotifierParts{clock_,
                                         audit_,
                                         store_,
                                         log_,
                                         workers_,
                                         metrics_,
                                         [](const NotifyChannel&, const NotifyMessage&) {
                                           ADD_FAILURE() << "it sends";
                                           return TryOutcome{};
                                         },
                                         {},
                                         "second",
                                         1});
  Audit("page", "host:a", "", R"({"episode": 1})");
  for (int i = 0; i < 20; ++i) {
    second.Turn(clock_.Mono());
    Run(Seconds(0));
  }
  EXPECT_FALSE(second.leading());
  EXPECT_THAT(TakeTries(), SizeIs(1));
}

TEST_F(NotifierTest, AFailureIsRetriedEverLater) {
  StartAndPage();
  answer_ = {TryVerdict::kRetry, "HTTP status 503", std::nullopt};
  Run(Minutes(5));
  const size_t tries = TakeTries().size();
  EXPECT_GE(tries, 8u);
  EXPECT_LE(tries, 20u);
  const NotifyChannelState state = notifier_->Channels().at(0);
  EXPECT_TRUE(state.failing());
  EXPECT_EQ(state.error, "HTTP status 503");
  EXPECT_EQ(state.queued, 1u);
  answer_ = {TryVerdict::kDelivered, "HTTP status 200", std::nullopt};
  Run(Minutes(2));
  EXPECT_THAT(TakeTries(), SizeIs(1));
  EXPECT_FALSE(notifier_->Channels().at(0).failing());
  EXPECT_THAT(DeadLetters(), IsEmpty());
}

TEST_F(NotifierTest, RetryAfterIsHonouredForTheWholeChannel) {
  StartAndPage();
  answer_ = {TryVerdict::kRetry, "HTTP status 429", Seconds(120)};
  Run(Seconds(10));
  EXPECT_THAT(TakeTries(), SizeIs(1));
  answer_ = {TryVerdict::kDelivered, "", std::nullopt};
  Audit("page", "host:b", "", R"({"episode": 1})");
  Run(Seconds(100));
  EXPECT_THAT(TakeTries(), IsEmpty());
  Run(Seconds(30));
  EXPECT_THAT(TakeTries(), SizeIs(2));
}

TEST_F(NotifierTest, WhatIsRefusedGoesToTheDeadLettersWithItsReason) {
  StartAndPage();
  answer_ = {TryVerdict::kFinal, "HTTP status 404", std::nullopt};
  Run(Seconds(30));
  EXPECT_THAT(TakeTries(), SizeIs(1));
  const std::vector<Record> letters = DeadLetters();
  ASSERT_THAT(letters, SizeIs(1));
  EXPECT_EQ(letters[0].key, "hook");
  EXPECT_EQ(HeaderOf(letters[0], "origin"), "notify/hook");
  EXPECT_EQ(HeaderOf(letters[0], "reason"), "HTTP status 404");
  EXPECT_EQ(NotifyMessageFromJson(Json::Parse(letters[0].value).value())->key, "host:a#1");
  EXPECT_EQ(RowsKept(), 0u);
  EXPECT_TRUE(notifier_->Channels().at(0).failing());
  EXPECT_THAT(metrics_.Text(),
              HasSubstr(R"(fleetmedic_notifications_total{channel="hook",outcome="failed"} 1)"));
}

TEST_F(NotifierTest, WhatIsTooOldIsGivenUp) {
  config_.give_up_after = Minutes(10);
  StartAndPage();
  answer_ = {TryVerdict::kRetry, "HTTP status 503", std::nullopt};
  Run(Minutes(11));
  const std::vector<Record> letters = DeadLetters();
  ASSERT_THAT(letters, SizeIs(1));
  EXPECT_EQ(HeaderOf(letters[0], "reason"), "not sent within 10m: HTTP status 503");
  EXPECT_EQ(RowsKept(), 0u);
}

TEST_F(NotifierTest, TheQueueHasALimit) {
  config_.queue_messages_max = 3;
  config_.messages_per_minute_max = 100;
  Start();
  Run(Seconds(2));
  answer_ = {TryVerdict::kRetry, "HTTP status 503", Hours(1)};
  for (int i = 0; i < 10; ++i) Audit("page", fmt::format("host:h{}", i), "", R"({"episode": 1})");
  Run(Seconds(30));
  EXPECT_EQ(notifier_->Channels().at(0).queued, 3u);
  EXPECT_EQ(RowsKept(), 3u);
  EXPECT_THAT(DeadLetters(), SizeIs(7));
}

TEST_F(NotifierTest, MessagesOfAChannelThatIsGoneAreGivenUp) {
  StartAndPage();
  answer_ = {TryVerdict::kRetry, "HTTP status 503", std::nullopt};
  Run(Seconds(30));
  Crash();
  clock_.Advance(Seconds(20));
  config_.channels[0].name = "other";
  Start("two");
  Run(Seconds(5));
  const std::vector<Record> letters = DeadLetters();
  ASSERT_THAT(letters, SizeIs(1));
  EXPECT_THAT(HeaderOf(letters[0], "reason"), HasSubstr("not in the config"));
}

TEST_F(NotifierTest, TheFirstEverCallsNobodyForWhatIsLongPast) {
  Audit("page", "host:old", "", R"({"episode": 1})");
  clock_.Advance(Hours(1));
  Audit("page", "host:new", "", R"({"episode": 1})");
  Start();
  Run(Seconds(30));
  EXPECT_THAT(TakeTries(), ElementsAre("hook trigger host:new#1"));
}

TEST_F(NotifierTest, AStormOfLongTextsIsKeptAndOutlivesARestart) {
  Start();
  Run(Seconds(2));
  constexpr int kHosts = 2000;
  ASSERT_TRUE(audit_.Commit(lease_.epoch, [this](StoreTransaction& tx) -> Status {
    for (int i = 0; i < kHosts; ++i) {
      AuditEntry entry;
      entry.at = clock_.Wall();
      entry.who = "fleetmedic";
      entry.action = "page";
      entry.object = fmt::format("host:h{:04}", i);
      // What a log line may hold: as JSON it is twice as long.
      entry.why = std::string(NotifyEvent::kTextBytesMax, '"');
      FLEETMEDIC_RETURN_IF_ERROR(tx.AppendAudit(std::move(entry)));
    }
    return {};
  }));
  Run(Seconds(100));
  EXPECT_TRUE(notifier_->leading());
  EXPECT_THAT(TakeTries(), SizeIs(12)) << "two looks at the audit, each a storm";
  size_t kept = 0;
  const std::vector<Row> rows = ScanAll(store_, Table::kMeta).value();
  for (const Row& row : rows) kept += row.value.size();
  EXPECT_GT(kept, kStoreValueBytesMax) << "more than a row takes";
  Crash();
  clock_.Advance(Seconds(20));
  Start("two");
  Run(Seconds(20));
  EXPECT_THAT(TakeTries(), IsEmpty()) << "they were told already";
  ASSERT_TRUE(audit_.Commit(lease_.epoch, [this](StoreTransaction& tx) -> Status {
    for (int i = 0; i < kHosts; ++i) {
      AuditEntry entry;
      entry.at = clock_.Wall();
      entry.who = "fleetmedic";
      entry.action = "in_service";
      entry.object = fmt::format("host:h{:04}", i);
      FLEETMEDIC_RETURN_IF_ERROR(tx.AppendAudit(std::move(entry)));
    }
    return {};
  }));
  Run(Minutes(3));
  const std::vector<std::string> ends = TakeTries();
  EXPECT_THAT(ends, SizeIs(12));
  EXPECT_THAT(ends, testing::Each(HasSubstr("resolve")));
  Crash();
  clock_.Advance(Seconds(20));
  Start("three");
  Audit("page", "host:h0000");
  Run(Seconds(20));
  EXPECT_THAT(TakeTries(), ElementsAre("hook trigger host:h0000#"));
}

TEST_F(NotifierTest, WorkersThatAreBusyAreNotAskedWithoutPause) {
  class BusyWorkers final : public Workers {
   public:
    Status Submit(std::string_view, std::function<void()>) override {
      ++asked;
      return Fail(Code::kFull, "the queue is full");
    }
    int asked = 0;
  };
  BusyWorkers busy;
  Notifier notifier(config_, NotifierParts{clock_,
                                           audit_,
                                           store_,
                                           log_,
                                           busy,
                                           metrics_,
                                           [](const NotifyChannel&, const NotifyMessage&) {
                                             return TryOutcome{};
                                           },
                                           {},
                                           "one",
                                           1});
  notifier.Turn(clock_.Mono());
  Audit("page", "host:a", "", R"({"episode": 1})");
  const MonoTime end = clock_.Mono() + Seconds(20);
  int turns = 0;
  while (clock_.Mono() < end) {
    clock_.Advance(std::max<Micros>(notifier.NextWake() - clock_.Mono(), Micros(1)));
    notifier.Turn(clock_.Mono());
    ++turns;
  }
  EXPECT_GE(busy.asked, 10);
  EXPECT_LE(turns, 40);
}

TEST_F(NotifierTest, AStormIsAHandfulOfTries) {
  Start();
  Run(Seconds(2));
  for (int i = 0; i < 1000; ++i) {
    Audit("page", fmt::format("host:h{:04}", i), "", R"({"episode": 1})");
  }
  Run(Seconds(50));
  EXPECT_THAT(TakeTries(), SizeIs(6));
}

}  // namespace
}  // namespace fleetmedic
