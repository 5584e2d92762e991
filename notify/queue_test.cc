#include "notify/queue.h"

#include <gtest/gtest.h>

namespace fleetmedic {
namespace {

constexpr MonoTime kNow = MonoTime(Hours(1));

QueuedMessage Queued(const std::string& channel, const std::string& key, const std::string& id) {
  QueuedMessage queued;
  queued.channel = channel;
  queued.message.key = key;
  queued.message.id = id;
  queued.queued_at = WallFromMillis(5000);
  return queued;
}

class NotifyQueueTest : public testing::Test {
 protected:
  // The identifier of what may be sent now; "" for nothing.
  std::string Next(MonoTime now = kNow, const std::string& channel = "a") const {
    const std::optional<std::string> row = queue_.Next(channel, now);
    return row ? queue_.items().at(*row).queued.message.id : "";
  }

  NotifyQueue queue_;
};

TEST_F(NotifyQueueTest, SendsInOrderAndOneAtATime) {
  const std::string first = queue_.Add(Queued("a", "k1", "1"));
  queue_.Add(Queued("a", "k2", "2"));
  queue_.Add(Queued("b", "k1", "3"));
  EXPECT_EQ(Next(), "1");
  queue_.Sent(first);
  EXPECT_EQ(Next(), "");
  EXPECT_EQ(queue_.NextDue("a"), kMonoForever);
  EXPECT_EQ(Next(kNow, "b"), "3");
  queue_.Erase(first);
  EXPECT_EQ(Next(), "2");
}

TEST_F(NotifyQueueTest, WhatFailsHoldsUpItsOwnKeyAlone) {
  const std::string trigger = queue_.Add(Queued("a", "k1", "trigger"));
  queue_.Add(Queued("a", "k1", "resolve"));
  queue_.Add(Queued("a", "k2", "other"));
  queue_.Sent(trigger);
  EXPECT_TRUE(queue_.Failed(trigger, "no", kNow + Seconds(10)));
  EXPECT_EQ(Next(), "other");
  queue_.Erase(*queue_.Next("a", kNow));
  EXPECT_EQ(Next(), "") << "the end must not come before its begin";
  EXPECT_EQ(queue_.NextDue("a"), kNow + Seconds(10));
  EXPECT_EQ(Next(kNow + Seconds(10)), "trigger");
  EXPECT_EQ(queue_.items().at(trigger).failures, 1);
  EXPECT_EQ(queue_.items().at(trigger).reason, "no");
  EXPECT_FALSE(queue_.Failed("gone", "", kNow));
}

TEST_F(NotifyQueueTest, AChannelThatRestsSendsNothing) {
  queue_.Add(Queued("a", "k1", "1"));
  queue_.Rest("a", kNow + Seconds(30));
  EXPECT_EQ(Next(), "");
  EXPECT_EQ(queue_.NextDue("a"), kNow + Seconds(30));
  EXPECT_EQ(Next(kNow + Seconds(30)), "1");
  EXPECT_EQ(queue_.NextDue("b"), kMonoForever);
}

TEST_F(NotifyQueueTest, RowsThatAStoreKeptComeBeforeNewOnes) {
  const std::string row = queue_.Add(Queued("a", "k1", "old"));
  const auto read = QueuedMessageFromJson(ToJson(queue_.items().at(row).queued));
  ASSERT_TRUE(read) << read.error().message;
  NotifyQueue again;
  again.Restore(row, *read);
  EXPECT_LT(row, again.Add(Queued("a", "k2", "new")));
  EXPECT_EQ(again.items().at(row).queued, Queued("a", "k1", "old"));
  EXPECT_EQ(again.Oldest("a"), row);
  EXPECT_EQ(again.Count("a"), 2u);
  again.Sent(row);
  EXPECT_NE(again.Oldest("a"), row) << "one that is in flight is not given up";
}

}  // namespace
}  // namespace fleetmedic
