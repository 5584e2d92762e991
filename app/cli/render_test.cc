#include "app/cli/render.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "app/cli/fake_api.h"
#include "base/text.h"

namespace fleetmedic::cli {
namespace {

using testing::HasSubstr;
using testing::Not;

const TextStyle kPlain{.color = false, .columns = 100, .wide = false};

WallTime Now() { return ParseWall("2026-01-01T00:10:00Z").value(); }

TEST(Render, StatusIsOneScreen) {
  for (const char* name : {"calm", "held", "tripped"}) {
    const Json state = TestJson(std::string("state_") + name + ".json");
    const std::string text = RenderStatus(state, kPlain);
    ExpectGolden(std::string("status_") + name + ".txt", text);
    EXPECT_LE(Split(text, '\n').size(), 40u) << name;
  }
}

TEST(Render, AChannelThatFailsIsShownAndNeedsSomebody) {
  Json state = TestJson("state_calm.json");
  EXPECT_THAT(RenderStatus(state, kPlain), Not(HasSubstr("notify")));
  state.Set("notify",
            Json::Parse(R"([{"channel": "web", "failing": false, "queued": 0}])").value());
  EXPECT_THAT(RenderStatus(state, kPlain), HasSubstr("notify     none of 1 channels fails\n"));
  EXPECT_FALSE(NeedsAttention(state));
  Json channels = state["notify"];
  channels.Append(Json::Parse(R"({"channel": "oncall", "failing": true, "queued": 3,
      "failing_since": "2026-01-01T00:08:00Z", "error": "HTTP status 503 \u001b[31m"})")
                      .value());
  state.Set("notify", channels);
  const std::string text = RenderStatus(state, kPlain);
  EXPECT_THAT(text, HasSubstr("notify     1 of 2 channels failing\n"));
  EXPECT_THAT(text, testing::ContainsRegex("oncall +2m +3 +HTTP status 503"));
  EXPECT_THAT(text, Not(HasSubstr("\x1b")));
  EXPECT_TRUE(NeedsAttention(state));
}

TEST(Render, OnlyACalmFleetNeedsNobody) {
  const Json calm = TestJson("state_calm.json");
  EXPECT_FALSE(NeedsAttention(calm));
  EXPECT_TRUE(NeedsAttention(TestJson("state_held.json")));
  EXPECT_TRUE(NeedsAttention(TestJson("state_tripped.json")));
  struct Case {
    const char* mode;
    bool attention;
  };
  static constexpr Case kCases[] = {{"auto", false},   {"shadow", false}, {"degraded", true},
                                    {"tripped", true}, {"hold", true},    {"later word", true}};
  for (const Case& one : kCases) {
    Json state = calm;
    Json mode = calm["mode"];
    mode.Set("mode", one.mode);
    state.Set("mode", mode);
    EXPECT_EQ(NeedsAttention(state), one.attention) << one.mode;
  }
  Json leaderless = calm;
  leaderless.Set("freshness", Json());
  EXPECT_TRUE(NeedsAttention(leaderless)) << "unknown is not calm";
}

TEST(Render, HostsWhyAndDescribeAreWhatTheyWere) {
  const Json held = TestJson("state_held.json");
  ExpectGolden("hosts.txt",
               ListTable(Resource::kHosts, Items(held["hosts"]), kPlain, Now()).Text(kPlain));
  const TextStyle wide{.color = false, .columns = 0, .wide = true};
  ExpectGolden("hosts_wide.txt",
               ListTable(Resource::kHosts, Items(held["hosts"]), wide, Now()).Text(wide));
  ExpectGolden("describe_web-1.txt", RenderHost(TestJson("host_web-1.json"), kPlain, Now()));
  ExpectGolden("why_web-1.txt", RenderWhy(TestJson("why_web-1.json"), kPlain));
  ExpectGolden("why_not_web-1.txt", RenderWhyNot(TestJson("host_web-1.json"), held, kPlain));
  ExpectGolden("waiting.txt", RenderWaiting(held, kPlain));
}

// Whatever the server sends, only colours of ours reach the terminal, and each row is one line.
TEST(Render, NothingForeignReachesTheTerminalAsItIs) {
  const Json held = TestJson("state_held.json");
  const Json host = TestJson("host_web-1.json");
  for (const std::string& text :
       {RenderStatus(held, kPlain), RenderWaiting(held, kPlain), RenderHost(host, kPlain, Now()),
        RenderWhy(TestJson("why_web-1.json"), kPlain), RenderWhyNot(host, held, kPlain)}) {
    for (const char* bad : {"\x1b", "\u202e", "\u2066", "\x07"}) {
      EXPECT_EQ(text.find(bad), std::string::npos) << text;
    }
  }
}

TEST(Render, EveryMemberMayBeHostile) {
  const std::string evil = "\x1b[31m\n\u202e";
  Json item;
  for (const char* key :
       {"host", "state", "why",  "id",     "kind",   "scope",  "who",      "reason",   "act",
        "cell", "pool",  "rack", "zone",   "kernel", "image",  "name",     "version",  "job",
        "task", "seq",   "at",   "action", "object", "result", "severity", "condition"}) {
    item.Set(key, evil);
  }
  Json::Array list;
  list.emplace_back(evil);
  item.Set("argv", Json(list));
  item.Set("sources", Json(list));
  for (const Resource resource :
       {Resource::kHosts, Resource::kOverrides, Resource::kGrants, Resource::kRules,
        Resource::kJobs, Resource::kTasks, Resource::kAudit}) {
    const TextStyle wide{.color = false, .columns = 0, .wide = true};
    const std::string text = ListTable(resource, std::span(&item, 1), wide, Now()).Text(wide);
    EXPECT_EQ(text.find('\x1b'), std::string::npos);
    EXPECT_EQ(text.find("\u202e"), std::string::npos);
    EXPECT_EQ(Split(text, '\n').size(), 3u) << "a title and a row: " << text;
  }
}

TEST(Render, AnAnswerWithoutMembersIsShownAsUnknown) {
  EXPECT_THAT(RenderStatus(Json(), kPlain), HasSubstr("UNKNOWN"));
  EXPECT_THAT(RenderStatus(Json(), kPlain), HasSubstr("? of ? hosts report"));
  EXPECT_THAT(RenderHost(Json(), kPlain, Now()), HasSubstr("? unknown"));
  EXPECT_EQ(HostStateText(Json()), "? unknown");
}

TEST(Render, WhyNotNamesOnlyWhatConcernsTheHost) {
  const Json host = Json::Parse(R"({"host":"db-1","pool":"db","state":"suspect",
      "conditions":[{"verdict":"bad"}],
      "overrides":[{"kind":"return","scope":"host:db-1"}]})")
                        .value();
  Json state = TestJson("state_calm.json");
  EXPECT_THAT(RenderWhyNot(host, state, kPlain), HasSubstr("nothing is in the way"));
  Json mode = state["mode"];
  mode.Set("holds", Json::Parse(R"([{"scope":"pool:web"},{"scope":"pool:db"}])").value());
  state.Set("mode", mode);
  const std::string text = RenderWhyNot(host, state, kPlain);
  EXPECT_THAT(text, HasSubstr("pool:db"));
  EXPECT_THAT(text, Not(HasSubstr("pool:web")));
}

TEST(Render, StatesHaveALetterAndAWord) {
  struct Case {
    const char* state;
    const char* text;
  };
  static constexpr Case kCases[] = {
      {"healthy", "H healthy"},     {"suspect", "S suspect"}, {"tainted", "T tainted"},
      {"draining", "D draining"},   {"drained", "X drained"}, {"repairing", "R repairing"},
      {"probation", "R probation"}, {"retired", "F retired"}, {"of later", "? of later"}};
  for (const Case& one : kCases) {
    Json host;
    host.Set("state", one.state);
    EXPECT_EQ(HostStateText(host), one.text);
  }
  Json host;
  host.Set("state", "tainted");
  host.Set("silent", true);
  host.Set("held", true);
  host.Set("protected", true);
  EXPECT_EQ(HostStateText(host), "U silent (T tainted), held, P protected");
}

TEST(Table, AlignsByCharactersAndCutsTheLastColumn) {
  TextTable table({"A", "LONGER"});
  table.Add({"äöü", "a text that is too long for the screen"});
  table.Add({"", ""});
  const TextStyle narrow{.color = false, .columns = 20, .wide = false};
  EXPECT_EQ(table.Text(narrow), "A    LONGER\näöü  a text that is…\n-    -\n");
  const TextStyle whole;
  EXPECT_THAT(table.Text(whole), HasSubstr("too long for the screen"));
}

TEST(Table, ColoursOnlyWhereTheyAreWanted) {
  TextTable table({"A"});
  table.Add({TextTable::Cell("x", Color::kRed)});
  EXPECT_EQ(table.Text(TextStyle{}), "A\nx\n");
  EXPECT_THAT(table.Text(TextStyle{.color = true}), HasSubstr("\x1b[31mx\x1b[0m"));
}

TEST(Table, TellsDurationsInOneUnit) {
  struct Case {
    Micros duration;
    const char* text;
  };
  static constexpr Case kCases[] = {
      {Seconds(-5), "0s"},  {Millis(999), "0s"}, {Seconds(45), "45s"},     {Seconds(99), "99s"},
      {Seconds(100), "1m"}, {Minutes(4), "4m"},  {Minutes(99), "99m"},     {Minutes(100), "1h"},
      {Hours(47), "47h"},   {Hours(48), "2d"},   {Hours(24 * 400), "400d"}};
  for (const Case& one : kCases) EXPECT_EQ(ShortDuration(one.duration), one.text);
  EXPECT_EQ(Age(kWallNever, Now()), "-");
}

TEST(Table, JsonForATerminalIsTheSameValue) {
  Json json;
  json.Set("ä", "\x7f\u009b31m\u202e\U000e0041 \u00e4\n\x1b");
  const std::string safe = TerminalJson(json.DumpPretty());
  for (const char* bad : {"\x7f", "\u009b", "\u202e", "\U000e0041", "\x1b"}) {
    EXPECT_EQ(safe.find(bad), std::string::npos) << safe;
  }
  EXPECT_THAT(safe, HasSubstr("ä"));
  EXPECT_EQ(Json::Parse(safe).value(), json);
}

}  // namespace
}  // namespace fleetmedic::cli
