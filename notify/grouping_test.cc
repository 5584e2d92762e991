#include "notify/grouping.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fmt/format.h>

namespace fleetmedic {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;
using Act = NotifyEvent::Act;

constexpr WallTime kBegin = WallFromMillis(1'800'000'000'000);

NotifyEvent Event(Act act, const std::string& key, Micros at = Micros(0)) {
  NotifyEvent event;
  event.act = act;
  event.at = kBegin + at;
  event.kind = key.starts_with("brake:")   ? NotifyEvent::Kind::kBrake
               : key.starts_with("issue:") ? NotifyEvent::Kind::kIssue
                                           : NotifyEvent::Kind::kHost;
  event.key = key;
  event.object = key.substr(0, key.find('#'));
  event.title = "about " + key;
  event.why = "because";
  return event;
}

// "trigger host:a#1 x1", one a message.
std::vector<std::string> Told(Grouping* grouping, Micros at) {
  std::vector<std::string> told;
  for (const NotifyMessage& message : grouping->Due(kBegin + at)) {
    told.push_back(fmt::format("{} {} x{}", ActName(message.act), message.key, message.events));
  }
  return told;
}

struct Step {
  Micros at;
  std::optional<NotifyEvent> event;  // or else: what is due
  std::vector<std::string> told = {};
};

struct Case {
  const char* sentence;
  std::vector<Step> steps;
};

class GroupingTable : public testing::TestWithParam<Case> {};

TEST_P(GroupingTable, Tells) {
  // gather 5 s, window 5 min, 6 a minute, a digest each hour.
  Grouping grouping{NotifyConfig{}};
  for (const Step& step : GetParam().steps) {
    if (step.event) {
      grouping.Take(*step.event, kBegin + step.at);
    } else {
      EXPECT_EQ(Told(&grouping, step.at), step.told)
          << GetParam().sentence << ", at " << step.at.count() / 1000 << " ms";
    }
    // A restart changes nothing.
    Grouping restored{NotifyConfig{}};
    const Status status = restored.Restore(grouping.ToJson());
    ASSERT_TRUE(status) << status.error().message;
    EXPECT_EQ(restored.ToJson(), grouping.ToJson());
    grouping = restored;
  }
}

const Case kCases[] = {
    {"a_page_waits_for_what_belongs_to_it",
     {{Seconds(0), Event(Act::kPage, "host:a#1")},
      {Seconds(3), Event(Act::kPage, "host:a#1")},
      {Seconds(4), {}, {}},
      {Seconds(5), {}, {"trigger host:a#1 x2"}},
      {Seconds(6), {}, {}}}},
    {"news_of_what_was_told_wait_for_the_window",
     {{Seconds(0), Event(Act::kPage, "host:a#1")},
      {Seconds(5), {}, {"trigger host:a#1 x1"}},
      {Seconds(20), Event(Act::kPage, "host:a#1")},
      {Seconds(30), Event(Act::kPage, "host:a#1")},
      {Seconds(304), {}, {}},
      {Seconds(305), {}, {"update host:a#1 x3"}}}},
    {"news_after_the_window_wait_for_no_more_than_their_own",
     {{Seconds(0), Event(Act::kPage, "host:a#1")},
      {Seconds(5), {}, {"trigger host:a#1 x1"}},
      {Seconds(900), Event(Act::kPage, "host:a#1")},
      {Seconds(905), {}, {"update host:a#1 x2"}}}},
    {"another_episode_is_another_page",
     {{Seconds(0), Event(Act::kPage, "host:a#1")},
      {Seconds(0), Event(Act::kPage, "host:a#2")},
      {Seconds(5), {}, {"trigger host:a#1 x1", "trigger host:a#2 x1"}}}},
    {"an_end_is_told_at_once_and_once",
     {{Seconds(0), Event(Act::kPage, "issue:I-1")},
      {Seconds(5), {}, {"trigger issue:I-1 x1"}},
      {Seconds(7), Event(Act::kEnd, "issue:I-1")},
      {Seconds(7), {}, {"resolve issue:I-1 x1"}},
      {Seconds(9), Event(Act::kEnd, "issue:I-1")},
      {Seconds(900), {}, {}}}},
    {"what_is_over_before_it_was_told_is_only_a_line",
     {{Seconds(0), Event(Act::kPage, "host:a#1")},
      {Seconds(2), Event(Act::kEnd, "host:a#1")},
      {Seconds(600), {}, {}},
      {Seconds(3602), {}, {"digest digest x1"}}}},
    {"what_begins_again_before_its_end_was_told_is_no_end",
     {{Seconds(0), Event(Act::kPage, "host:a#1")},
      {Seconds(5), {}, {"trigger host:a#1 x1"}},
      {Seconds(7), Event(Act::kEnd, "host:a#1")},
      {Seconds(7), Event(Act::kPage, "host:a#1")},
      {Seconds(8), {}, {}},
      {Seconds(305), {}, {"update host:a#1 x2"}}}},
    {"a_person_who_acts_acknowledges_once",
     {{Seconds(0), Event(Act::kPage, "host:a#1")},
      {Seconds(5), {}, {"trigger host:a#1 x1"}},
      {Seconds(9), Event(Act::kAcknowledge, "host:a#")},
      {Seconds(9), {}, {"acknowledge host:a#1 x1"}},
      {Seconds(20), Event(Act::kAcknowledge, "host:a#")},
      {Seconds(20), {}, {}},
      {Seconds(30), Event(Act::kEnd, "host:a#1")},
      {Seconds(30), {}, {"resolve host:a#1 x1"}}}},
    {"an_acknowledgement_of_another_host_is_none",
     {{Seconds(0), Event(Act::kPage, "host:ab#1")},
      {Seconds(5), {}, {"trigger host:ab#1 x1"}},
      {Seconds(9), Event(Act::kAcknowledge, "host:a#")},
      {Seconds(9), {}, {}}}},
    {"a_digest_does_not_wait_for_a_clock_that_went_back",
     {{Hours(24), Event(Act::kNote, "mode")}, {Seconds(10), {}, {"digest digest x1"}}}},
    {"notes_wait_for_the_digest_and_are_counted",
     {{Seconds(10), Event(Act::kNote, "host:a#1")},
      {Seconds(20), Event(Act::kNote, "host:a#1")},
      {Seconds(30), Event(Act::kNote, "mode")},
      {Seconds(3609), {}, {}},
      {Seconds(3610), {}, {"digest digest x3"}},
      {Seconds(9000), {}, {}}}},
    {"the_brake_comes_before_issues_and_these_before_hosts",
     {{Seconds(0), Event(Act::kPage, "host:a#1")},
      {Seconds(0), Event(Act::kPage, "issue:I-1")},
      {Seconds(0), Event(Act::kPage, "brake:disrupted")},
      {Seconds(5),
       {},
       {"trigger brake:disrupted x1", "trigger issue:I-1 x1", "trigger host:a#1 x1"}}}},
};

INSTANTIATE_TEST_SUITE_P(Grouping, GroupingTable, testing::ValuesIn(kCases),
                         [](const auto& each) { return std::string(each.param.sentence); });

class StormTest : public testing::Test {
 protected:
  void Page(int from, int to, Micros at, const std::string& prefix = "host:h") {
    for (int i = from; i < to; ++i) {
      NotifyEvent event = Event(Act::kPage, fmt::format("{}{:05}#1", prefix, i), at);
      event.blast = {1, 2, {i % 2 == 0 ? "even" : "odd"}, {"c1"}};
      grouping_.Take(event, kBegin + at);
    }
  }
  void End(int from, int to, Micros at) {
    for (int i = from; i < to; ++i) {
      grouping_.Take(Event(Act::kEnd, fmt::format("host:h{:05}#1", i), at), kBegin + at);
    }
  }

  Grouping grouping_{NotifyConfig{}};
};

TEST_F(StormTest, AThousandHostsAreAHandfulOfMessages) {
  Page(0, 1000, Seconds(0));
  const std::vector<NotifyMessage> messages = grouping_.Due(kBegin + Seconds(5));
  ASSERT_THAT(messages, SizeIs(6));
  const NotifyMessage& storm = messages.back();
  EXPECT_EQ(storm.title, "And 995 more need a person");
  EXPECT_EQ(storm.events, 995u);
  EXPECT_THAT(storm.lines, SizeIs(NotifyMessage::kLinesMax));
  EXPECT_EQ(storm.lines.size() + storm.more, 995u);
  EXPECT_EQ(storm.blast, (BlastRadius{995, 1990, {"even", "odd"}, {"c1"}}));
  EXPECT_EQ(storm.severity, NotifyMessage::Severity::kError);
  for (int second = 6; second < 65; ++second) {
    EXPECT_THAT(Told(&grouping_, Seconds(second)), IsEmpty()) << second;
  }
}

TEST_F(StormTest, NoMinuteHasMoreThanItsMessages) {
  std::vector<Micros> told;
  for (int second = 0; second < 600; ++second) {
    Page(second * 10, second * 10 + 10, Seconds(second));
    for (const NotifyMessage& message : grouping_.Due(kBegin + Seconds(second))) {
      ASSERT_NE(message.act, NotifyMessage::Act::kDigest);
      told.push_back(Seconds(second));
    }
  }
  EXPECT_GE(told.size(), 50u);
  for (const Micros& begin : told) {
    const auto within = std::ranges::count_if(
        told, [begin](Micros at) { return at >= begin && at < begin + Minutes(1); });
    EXPECT_LE(within, 6) << begin.count();
  }
}

TEST_F(StormTest, EndsWhenAllOfItHas) {
  Page(0, 100, Seconds(0));
  const std::string key = grouping_.Due(kBegin + Seconds(5)).back().key;
  End(0, 99, Seconds(100));
  // Of those that were told by name each, of the others none alone.
  EXPECT_THAT(Told(&grouping_, Seconds(100)), SizeIs(5));
  End(99, 100, Seconds(200));
  EXPECT_THAT(Told(&grouping_, Seconds(200)), ElementsAre("resolve " + key + " x95"));
  EXPECT_EQ(grouping_.groups(), 0u);
}

TEST_F(StormTest, EndsWaitForTheNextMinuteAndAreNotFolded) {
  Page(0, 6, Seconds(0));
  EXPECT_THAT(Told(&grouping_, Seconds(5)), SizeIs(6));
  End(0, 6, Seconds(10));
  EXPECT_THAT(Told(&grouping_, Seconds(10)), IsEmpty());
  EXPECT_EQ(grouping_.NextDue(kBegin + Seconds(10)), kBegin + Seconds(65));
  EXPECT_THAT(Told(&grouping_, Seconds(65)), SizeIs(6));
  EXPECT_EQ(grouping_.groups(), 0u);
}

TEST_F(StormTest, OneThatIsToldAgainIsToldByName) {
  Page(0, 100, Seconds(0));
  (void)grouping_.Due(kBegin + Seconds(5));
  Page(50, 51, Seconds(10));
  EXPECT_THAT(Told(&grouping_, Seconds(310)), ElementsAre("trigger host:h00050#1 x2"));
  End(50, 51, Seconds(400));
  EXPECT_THAT(Told(&grouping_, Seconds(400)), ElementsAre("resolve host:h00050#1 x2"));
}

TEST_F(StormTest, EveryTeamThatHasAPartInItIsTold) {
  NotifyChannel web;
  web.pools = {"web"};
  NotifyChannel hosts_of_web = web;
  hosts_of_web.fleet = false;
  NotifyChannel last = hosts_of_web;
  last.pools = {"pool-39"};
  NotifyChannel batch = hosts_of_web;
  batch.pools = {"batch"};
  // Told by name, so that what follows is folded.
  Page(0, 10, Seconds(0), "host:a");
  NotifyEvent issue = Event(Act::kPage, "host:z#1");
  grouping_.Take(issue, kBegin);
  const NotifyMessage storm = grouping_.Due(kBegin + Seconds(5)).back();
  ASSERT_EQ(storm.title, "And 6 more need a person");
  EXPECT_TRUE(Takes(web, storm)) << "one of them concerns no pool alone";
  EXPECT_FALSE(Takes(hosts_of_web, storm));
  for (int i = 0; i < 50; ++i) {
    NotifyEvent event = Event(Act::kPage, fmt::format("host:b{:02}#1", i), Seconds(100));
    event.blast.pools = {fmt::format("pool-{:02}", i)};
    grouping_.Take(event, kBegin + Seconds(100));
  }
  const NotifyMessage wide = grouping_.Due(kBegin + Seconds(105)).back();
  ASSERT_EQ(wide.title, "And 45 more need a person");
  EXPECT_TRUE(Takes(last, wide)) << "there are more pools than are named";
  EXPECT_TRUE(Takes(batch, wide));
}

TEST(GroupingTest, WhoWasToldIsToldOfTheEndThoughMoreIsKnownByThen) {
  NotifyChannel web;
  web.pools = {"web"};
  Grouping grouping{NotifyConfig{}};
  grouping.Take(Event(Act::kPage, "host:a#1"), kBegin);
  ASSERT_TRUE(Takes(web, grouping.Due(kBegin + Seconds(5)).at(0)));
  NotifyEvent again = Event(Act::kPage, "host:a#1", Seconds(10));
  again.blast.pools = {"batch"};
  grouping.Take(again, kBegin + Seconds(10));
  grouping.Take(Event(Act::kEnd, "host:a#1", Seconds(20)), kBegin + Seconds(20));
  Grouping restored{NotifyConfig{}};
  ASSERT_TRUE(restored.Restore(grouping.ToJson()));
  const NotifyMessage end = restored.Due(kBegin + Seconds(20)).at(0);
  EXPECT_EQ(end.act, NotifyMessage::Act::kResolve);
  EXPECT_TRUE(Takes(web, end));
}

TEST_F(StormTest, MoreKeysThanAreFollowedAreCounted) {
  Page(0, 5000, Seconds(0));
  EXPECT_EQ(grouping_.groups(), Grouping::kGroupsMax);
  const std::vector<NotifyMessage> messages = grouping_.Due(kBegin + Seconds(5));
  ASSERT_THAT(messages, SizeIs(6));
  EXPECT_EQ(messages.back().title, "And 4995 more need a person");
  // Those that were told make room.
  Page(0, 1, Seconds(100), "host:new");
  EXPECT_THAT(Told(&grouping_, Seconds(105)), ElementsAre("trigger host:new00000#1 x1"));
  EXPECT_LE(grouping_.groups(), Grouping::kGroupsMax + 1);
}

TEST_F(StormTest, ADigestHasALimitedNumberOfLines) {
  for (int i = 0; i < 1000; ++i) {
    grouping_.Take(Event(Act::kNote, fmt::format("host:h{}#1", i)), kBegin);
  }
  const std::vector<NotifyMessage> messages = grouping_.Due(kBegin + Hours(1));
  ASSERT_THAT(messages, SizeIs(1));
  EXPECT_EQ(messages[0].title, "Digest: 1000 events");
  EXPECT_THAT(messages[0].lines, SizeIs(NotifyMessage::kLinesMax));
  EXPECT_EQ(messages[0].more, 980u);
}

TEST(GroupingTest, WithoutADigestNotesAreNotKept) {
  NotifyConfig config;
  config.digest_every = Millis(0);
  Grouping grouping(config);
  grouping.Take(Event(Act::kNote, "host:a#1"), kBegin);
  EXPECT_EQ(grouping.NextDue(kBegin), kWallNever);
  EXPECT_THAT(grouping.Due(kBegin + Hours(48)), IsEmpty());
}

TEST(GroupingTest, AClockThatWentBackHoldsNothingUp) {
  Grouping grouping{NotifyConfig{}};
  grouping.Take(Event(Act::kPage, "host:a#1"), kBegin + Hours(24));
  EXPECT_THAT(Told(&grouping, Seconds(0)), ElementsAre("trigger host:a#1 x1"));
}

TEST(GroupingTest, AStateThatCannotBeReadChangesNothing) {
  Grouping grouping{NotifyConfig{}};
  grouping.Take(Event(Act::kPage, "host:a#1"), kBegin);
  const Json before = grouping.ToJson();
  for (const char* text : {"{}", "[]", R"({"groups": {"a": {}}, "digest": {}, "told": [],
       "digest_more": 0, "digest_first_at": "1970-01-01T00:00:00Z", "untracked": 0,
       "last_number": 0})"}) {
    EXPECT_FALSE(grouping.Restore(Json::Parse(text).value())) << text;
  }
  EXPECT_EQ(grouping.ToJson(), before);
}

TEST(GroupingTest, APageHasItsLink) {
  Grouping grouping{NotifyConfig{}};
  grouping.Take(Event(Act::kPage, "issue:I-1"), kBegin);
  grouping.Take(Event(Act::kPage, "host:web 3#1"), kBegin);
  const std::vector<NotifyMessage> messages = grouping.Due(kBegin + Seconds(5));
  ASSERT_THAT(messages, SizeIs(2));
  EXPECT_EQ(messages[0].path, "/#/issues/I-1");
  EXPECT_EQ(messages[1].path, "/#/hosts/web%203");
  EXPECT_NE(messages[0].id, messages[1].id);
}

}  // namespace
}  // namespace fleetmedic
