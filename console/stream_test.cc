#include "console/stream.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "console/fake_remediator.h"
#include "store/fault_store.h"
#include "store/memory_store.h"

namespace fleetmedic {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::StartsWith;

// "host web-1", "mode", "beat" of a stream's text.
std::vector<std::string> Names(std::string_view text) {
  std::vector<std::string> names;
  size_t at = 0;
  while ((at = text.find("\nevent: ", at)) != std::string_view::npos) {
    at += 8;
    std::string name(text.substr(at, text.find('\n', at) - at));
    const size_t data = text.find("data: ", at) + 6;
    const Json body = Json::Parse(text.substr(data, text.find('\n', data) - data)).value();
    if (name == "host") name += " " + *body["host"].string();
    if (name == "audit") name += " " + *body["action"].string();
    names.push_back(std::move(name));
  }
  return names;
}

// A client on simulated time: each wait moves the clock, and `script` may do something first.
class FakeStream final : public HttpStream {
 public:
  FakeStream(SimulatedClock* clock, std::function<bool(int wait)> script)
      : clock_(clock), script_(std::move(script)) {}

  bool Write(std::string_view chunk) override {
    text += chunk;
    return true;
  }
  bool Wait(MonoTime until) override {
    if (!script_(waits_++)) return false;
    if (until > clock_->Mono()) clock_->Advance(until - clock_->Mono());
    return true;
  }
  std::function<void()> Waker() override {
    return [] {};
  }

  std::string text;

 private:
  SimulatedClock* const clock_;
  const std::function<bool(int)> script_;
  int waits_ = 0;
};

// Of which there is news alone.
class NewsBook final : public PatternBook {
 public:
  PatternList List(const PatternQuery&) const override { return {}; }
  Result<PatternDetail> Show(std::string_view, Millis) const override {
    return Fail(Code::kNotFound, "no pattern");
  }
  Result<PatternDiff> Diff(std::string_view, const PatternSelection&) const override {
    return Fail(Code::kNotFound, "no pattern");
  }
  std::vector<FleetIssuePtr> Issues() const override { return {}; }
  Result<FleetIssuePtr> Issue(std::string_view) const override {
    return Fail(Code::kNotFound, "no issue");
  }
  PatternNews News() const override { return news; }
  std::string MetricsText() const override { return ""; }

  PatternNews news;
};

class StreamTest : public testing::Test {
 protected:
  // What the hub has told after `seq`.
  std::vector<std::string> After(uint64_t seq) { return Names(hub_.After(seq, 10'000).text); }
  uint64_t Advance(Micros step) {
    clock_.Advance(step);
    hub_.Advance(clock_.Mono());
    return hub_.head();
  }
  void Audit(const std::string& action) {
    if (lease_.epoch == 0) lease_ = store_.Acquire("test", Hours(1)).value();
    ASSERT_TRUE(store_.Commit(lease_.epoch, [&](StoreTransaction& transaction) {
      AuditEntry entry;
      entry.at = kTestNow;
      entry.who = "op1";
      entry.action = action;
      entry.object = "fleet";
      return transaction.AppendAudit(std::move(entry));
    }));
  }

  SimulatedClock clock_;
  FakeRemediator service_;
  MemoryStore store_{clock_};
  Lease lease_;
  Metrics metrics_;
  StreamHub hub_{service_, store_, {Seconds(30), "1.2.3", kWallNever}, "e1", &metrics_};
};

TEST_F(StreamTest, NewsOfPatternsAndIssuesIsToldNowAndThenAndTheLatestAlone) {
  NewsBook book;
  book.news = {5, 2, 1};
  StreamHub hub(service_, store_, {}, "e1", nullptr, {}, &book);
  service_.Show(TestFleet({TestHost("web-1")}));
  hub.Advance(clock_.Mono());
  EXPECT_EQ(hub.head(), 0u);
  const auto run = [&](Millis span, bool counts, bool issues) {
    for (Millis passed(0); passed < span; passed += Millis(100)) {
      clock_.Advance(Millis(100));
      book.news.counts += counts ? 1 : 0;
      book.news.issues += issues ? 1 : 0;
      hub.Advance(clock_.Mono());
    }
  };
  run(Seconds(10), false, false);
  EXPECT_EQ(hub.head(), 0u) << "nothing changed";
  run(Seconds(10), true, false);
  EXPECT_EQ(hub.head(), 5u) << "once in two seconds";
  EXPECT_THAT(Names(hub.After(0, 100).text), testing::ElementsAre("patterns"));
  const uint64_t before = hub.head();
  run(Seconds(3), false, true);
  EXPECT_LE(hub.head() - before, 12u);
  EXPECT_GE(hub.head() - before, 9u);
  const std::string text = hub.After(before, 100).text;
  EXPECT_THAT(text, testing::HasSubstr("event: issues\n"));
  EXPECT_THAT(text, testing::HasSubstr("\"open\":1"));
  EXPECT_EQ(Names(hub.After(0, 100).text).size(), 2u) << "of each the latest";
}

TEST_F(StreamTest, TheFirstPictureIsNoEvent) {
  Audit("hold");
  service_.Show(TestFleet({TestHost("web-1"), TestHost("web-2")}));
  hub_.Advance(clock_.Mono());
  const StreamHub::Look look = hub_.Newest();
  EXPECT_EQ(look.cursor, "e1:0");
  EXPECT_EQ(look.recent.size(), 1u);
  EXPECT_THAT(After(0), IsEmpty());
}

TEST_F(StreamTest, OnlyWhatChangedIsTold) {
  FleetSnapshot fleet = TestFleet({TestHost("web-1"), TestHost("web-2")});
  service_.Show(fleet);
  Advance(Seconds(1));
  HostRecord changed = TestHost("web-2");
  changed.state = HostState::kSuspect;
  fleet.hosts[changed.facts.host] = std::make_shared<const HostRecord>(changed);
  service_.Show(fleet);
  Advance(Seconds(1));
  EXPECT_THAT(After(0), ElementsAre("host web-2"));
  fleet.mode = Mode::kTripped;
  Audit("hold");
  service_.Show(fleet);
  Advance(Seconds(1));
  EXPECT_THAT(After(1), ElementsAre("audit hold", "mode"));
  fleet.hosts.erase(HostId("web-1"));
  service_.Show(fleet);
  Advance(Seconds(1));
  EXPECT_THAT(After(3), testing::Contains("reset"));
}

TEST_F(StreamTest, AHostIsToldAtMostOncePerQuarterSecondAndNothingIsLost) {
  HostRecord record = TestHost("web-1");
  service_.Show(TestFleet({record}));
  Advance(Seconds(1));
  // A change every 10 ms for two seconds.
  for (int i = 0; i < 205; ++i) {
    record.revision = 100 + static_cast<uint64_t>(i);
    service_.Show(TestFleet({record}));
    Advance(Millis(10));
  }
  EXPECT_GE(hub_.head(), 7u);
  EXPECT_LE(hub_.head(), 9u);
  EXPECT_THAT(hub_.After(0, 10).text, Not(HasSubstr("\"revision\":304"))) << "it waits";
  // The last change comes when its time has come, though no snapshot is new.
  Advance(Millis(250));
  EXPECT_THAT(hub_.After(0, 10).text, HasSubstr("\"revision\":304"));
}

TEST_F(StreamTest, AHostThatWasOnlyHeardOfIsToldNowAndThen) {
  HostRecord record = TestHost("web-1");
  service_.Show(TestFleet({record}));
  Advance(Seconds(1));
  for (int i = 0; i < 60; ++i) {
    record.seen_at += Seconds(1);
    service_.Show(TestFleet({record}));
    Advance(Seconds(1));
  }
  EXPECT_GE(After(0).size(), 1u);
  EXPECT_LE(hub_.head(), 5u) << "freshness and the host, twice at most";
}

TEST_F(StreamTest, AHostThatFallsSilentIsToldThoughItsRecordIsTheSame) {
  FleetSnapshot fleet = TestFleet({TestHost("web-1")});
  service_.Show(fleet);
  Advance(Seconds(1));
  fleet.now += Minutes(1);
  service_.Show(fleet);
  Advance(Seconds(1));
  EXPECT_THAT(hub_.After(0, 100).text, HasSubstr("\"silent\":true"));
}

TEST_F(StreamTest, AStreamBeginsWithABeatAndBeatsEveryTenSeconds) {
  service_.Show(TestFleet({TestHost("web-1")}));
  const MonoTime start = clock_.Mono();
  FakeStream stream(&clock_, [&](int) { return clock_.Mono() < start + Seconds(35); });
  RunStream(&hub_, clock_, "", &stream);
  EXPECT_THAT(stream.text, StartsWith("id: e1:0\nevent: beat\ndata: {}\n\n"));
  EXPECT_THAT(Names(stream.text), ElementsAre("beat", "beat", "beat", "beat"));
}

TEST_F(StreamTest, AStreamResumesAfterItsCursor) {
  HostRecord record = TestHost("web-1");
  service_.Show(TestFleet({record, TestHost("web-2")}));
  Advance(Seconds(1));
  record.state = HostState::kSuspect;
  service_.Show(TestFleet({record, TestHost("web-2")}));
  Advance(Seconds(1));
  FakeStream all(&clock_, [](int) { return false; });
  RunStream(&hub_, clock_, "e1:0", &all);
  EXPECT_THAT(Names(all.text), ElementsAre("host web-1", "beat"));
  EXPECT_THAT(all.text, StartsWith("id: e1:1\n"));
  FakeStream none(&clock_, [](int) { return false; });
  RunStream(&hub_, clock_, "e1:1", &none);
  EXPECT_THAT(Names(none.text), ElementsAre("beat"));
}

TEST_F(StreamTest, ACursorThatCannotBeResumedIsAReset) {
  service_.Show(TestFleet({TestHost("web-1")}));
  Advance(Seconds(1));
  for (const char* cursor :
       {"e0:1", "e1:99", "e1:x", "e1", "x", "e1:-1", "e1:99999999999999999999999"}) {
    FakeStream stream(&clock_, [](int) { return false; });
    RunStream(&hub_, clock_, cursor, &stream);
    EXPECT_THAT(Names(stream.text), ElementsAre("reset", "beat")) << cursor;
  }
}

TEST_F(StreamTest, WhatIsOlderThanTheRingIsAReset) {
  std::vector<HostRecord> hosts;
  for (int i = 0; i < 1000; ++i) hosts.push_back(TestHost("h-" + std::to_string(i)));
  service_.Show(TestFleet(hosts));
  Advance(Seconds(1));
  for (uint64_t round = 1; round <= 20; ++round) {
    for (HostRecord& record : hosts) record.revision = 100 + round;
    service_.Show(TestFleet(hosts));
    Advance(Seconds(1));
  }
  ASSERT_GT(hub_.head(), StreamLimits().events_max);
  EXPECT_TRUE(hub_.After(1, 10).reset);
  const StreamHub::Batch batch = hub_.After(hub_.head() - 10'000, 100'000);
  EXPECT_FALSE(batch.reset);
  EXPECT_EQ(Names(batch.text).size(), 1000u) << "of each host only the newest";
  FakeStream stream(&clock_, [](int) { return false; });
  RunStream(&hub_, clock_, "e1:1", &stream);
  EXPECT_THAT(Names(stream.text), ElementsAre("reset", "beat"));
}

TEST_F(StreamTest, TheRingIsBoundedInBytesToo) {
  StreamHub hub(service_, store_, {}, "e1", nullptr, {16 * 1024, 100'000});
  service_.Show(TestFleet({}));
  hub.Advance(clock_.Mono());
  for (int i = 0; i < 50; ++i) Audit(std::string(10'000, 'x'));
  clock_.Advance(Seconds(1));
  hub.Advance(clock_.Mono());
  EXPECT_EQ(hub.head(), 50u);
  EXPECT_TRUE(hub.After(0, 1).reset);
  EXPECT_TRUE(hub.After(40, 1).reset);
  EXPECT_FALSE(hub.After(41, 1).reset) << "nine of them fit";
}

TEST_F(StreamTest, ALongBacklogIsSentInPieces) {
  std::vector<HostRecord> hosts;
  for (int i = 0; i < 2000; ++i) hosts.push_back(TestHost("h-" + std::to_string(i)));
  service_.Show(TestFleet(hosts));
  Advance(Seconds(1));
  for (HostRecord& record : hosts) record.held = true;
  service_.Show(TestFleet(hosts));
  Advance(Seconds(1));
  FakeStream stream(&clock_, [](int) { return false; });
  RunStream(&hub_, clock_, "e1:0", &stream);
  EXPECT_EQ(Names(stream.text).size(), 2001u);
}

TEST_F(StreamTest, HostileTextCannotForgeAnEvent) {
  HostRecord record = TestHost("web-1");
  service_.Show(TestFleet({record}));
  Advance(Seconds(1));
  record.why = "x\n\nevent: mode\ndata: {}\r\n\r\nid: e1:9\n\n\u2028";
  service_.Show(TestFleet({record}));
  Advance(Seconds(1));
  EXPECT_THAT(After(0), ElementsAre("host web-1"));
  EXPECT_THAT(hub_.After(0, 10).text, Not(HasSubstr("\r")));
}

TEST_F(StreamTest, AStoreThatFailsTakesOnlyTheAuditAway) {
  FaultStore broken(&store_);
  broken.FailAt(StoreCall::kRead, 1, CallFault::kUnavailable, 1000);
  StreamHub hub(service_, broken, {}, "e1", &metrics_);
  service_.Show(TestFleet({TestHost("web-1")}));
  hub.Advance(clock_.Mono());
  const StreamHub::Look look = hub.Newest();
  EXPECT_EQ(look.snapshot->hosts.size(), 1u);
  EXPECT_THAT(look.recent, IsEmpty());
}

}  // namespace
}  // namespace fleetmedic
