#include "stream/thresholds.h"

#include <gtest/gtest.h>

namespace fleetmedic {
namespace {

constexpr WallTime kStart = WallFromMillis(1'767'225'600'000);

Rule MakeRule(int count, Millis within) {
  Rule rule;
  rule.name = "k.r";
  rule.version = "0123456789ab";
  rule.condition = "DiskError";
  rule.severity = Severity::kHard;
  rule.reason = "IoError";
  rule.threshold_count = count;
  rule.threshold_within = within;
  rule.clear = Clear::kBoot;
  return rule;
}

std::optional<Finding> Add(Thresholds* thresholds, const Rule& rule, Seconds at,
                           std::string unit = "sda", std::string_view host = "h",
                           std::string_view boot = "b") {
  const HostId id{std::string(host)};
  return thresholds->Add({id,
                          boot,
                          rule,
                          std::move(unit),
                          "message",
                          {{"device", "sda"}},
                          "the \x1b line",
                          kStart + at,
                          "logs/0@7"});
}

std::optional<Finding> Cancel(Thresholds* thresholds, const Rule& rule, Seconds at) {
  const HostId id{"h"};
  return thresholds->Cancel({id, "b", rule, "sda", "", {}, "well again", kStart + at, "logs/0@9"});
}

TEST(Thresholds, ACancelTakesBackWhatWasFoundAndWhatWasCounted) {
  Thresholds thresholds;
  const Rule rule = MakeRule(2, Minutes(1));
  EXPECT_FALSE(Add(&thresholds, rule, Seconds(0)));
  EXPECT_TRUE(Add(&thresholds, rule, Seconds(1)));
  const std::optional<Finding> back = Cancel(&thresholds, rule, Seconds(1));
  ASSERT_TRUE(back.has_value());
  EXPECT_EQ(back->condition.verdict, Verdict::kOk);
  EXPECT_EQ(back->condition.type, "DiskError");
  EXPECT_EQ(back->condition.unit, "sda");
  EXPECT_EQ(back->condition.message, "taken back: well again");
  EXPECT_EQ(back->last_at, kStart + Seconds(1));
  EXPECT_EQ(back->position, "logs/0@9");
  EXPECT_EQ(FindingFromJson(ToJson(*back)), *back);
  EXPECT_FALSE(Cancel(&thresholds, rule, Seconds(2))) << "it is told once";
  // The count begins anew, and what is found then is told at once though a repeat is not due.
  EXPECT_FALSE(Add(&thresholds, rule, Seconds(3)));
  EXPECT_FALSE(Cancel(&thresholds, rule, Seconds(3))) << "nothing bad was told since";
  EXPECT_FALSE(Add(&thresholds, rule, Seconds(4)));
  EXPECT_TRUE(Add(&thresholds, rule, Seconds(5)));
  EXPECT_TRUE(Cancel(&thresholds, rule, Seconds(5)));
}

TEST(Thresholds, ACancelOfWhatAnEarlierStreamMayHaveFoundIsTold) {
  Thresholds thresholds;
  EXPECT_TRUE(Cancel(&thresholds, MakeRule(1, Minutes(1)), Seconds(0)));
  EXPECT_FALSE(Cancel(&thresholds, MakeRule(1, Minutes(1)), Seconds(1)));
}

TEST(Thresholds, ALineThatWasWrittenOftenCountsAsOften) {
  Thresholds thresholds;
  const Rule rule = MakeRule(3, Minutes(1));
  const HostId id{"h"};
  RuleHit hit{id, "b", rule, "sda", "message", {}, "line", kStart, "logs/0@7"};
  hit.times = 2;
  EXPECT_FALSE(thresholds.Add(hit));
  hit.times = 1'000'000'000'000;
  const std::optional<Finding> finding = thresholds.Add(hit);
  ASSERT_TRUE(finding.has_value());
  EXPECT_EQ(finding->count, 1'000'000'000'002u);
}

TEST(Thresholds, AnEventIsToldOnceInItsTime) {
  Thresholds thresholds;
  Rule rule = MakeRule(1, Seconds(1));
  rule.clear = Clear::kTime;
  rule.clear_after = Minutes(10);
  EXPECT_TRUE(Add(&thresholds, rule, Seconds(0)));
  for (int at = 1; at < 600; ++at) EXPECT_FALSE(Add(&thresholds, rule, Seconds(at))) << at;
  EXPECT_TRUE(Add(&thresholds, rule, Seconds(600)));
}

TEST(Thresholds, AFindingSaysAllThatTheRuleMeans) {
  Thresholds thresholds;
  const std::optional<Finding> finding = Add(&thresholds, MakeRule(1, Minutes(1)), Seconds(0));
  ASSERT_TRUE(finding.has_value());
  EXPECT_EQ(finding->host, HostId("h"));
  EXPECT_EQ(finding->boot_id, "b");
  EXPECT_EQ(finding->rule, "k.r");
  EXPECT_EQ(finding->rule_version, "0123456789ab");
  EXPECT_EQ(finding->condition.type, "DiskError");
  EXPECT_EQ(finding->condition.unit, "sda");
  EXPECT_EQ(finding->condition.verdict, Verdict::kBad);
  EXPECT_EQ(finding->condition.severity, Severity::kHard);
  EXPECT_EQ(finding->condition.since, kStart);
  EXPECT_EQ(finding->condition.evidence, std::vector<std::string>{"the \xe2\x90\x9b line"});
  EXPECT_EQ(finding->clear, Clear::kBoot);
  EXPECT_EQ(finding->count, 1u);
  EXPECT_EQ(finding->position, "logs/0@7");
  EXPECT_EQ(finding->captures.at("device"), "sda");
  EXPECT_EQ(FindingFromJson(ToJson(*finding)), *finding);
}

struct Course {
  std::string_view name;
  int count;
  Millis within;
  std::vector<int> lines_at;  // seconds
  std::vector<int> findings_at;
};

class Courses : public testing::TestWithParam<Course> {};

TEST_P(Courses, FindAtTheseSeconds) {
  const Rule rule = MakeRule(GetParam().count, GetParam().within);
  Thresholds thresholds;
  std::vector<int> found;
  for (const int at : GetParam().lines_at) {
    if (Add(&thresholds, rule, Seconds(at))) found.push_back(at);
  }
  EXPECT_EQ(found, GetParam().findings_at);
}

INSTANTIATE_TEST_SUITE_P(
    Thresholds, Courses,
    testing::Values(
        Course{"one_line_is_enough_for_one", 1, Minutes(1), {0}, {0}},
        Course{"the_third_of_three", 3, Minutes(1), {0, 1, 2}, {2}},
        Course{"three_that_are_too_far_apart", 3, Minutes(1), {0, 40, 80, 120}, {}},
        Course{"three_exactly_within", 3, Minutes(1), {0, 30, 60}, {60}},
        Course{"a_window_slides", 3, Minutes(1), {0, 50, 70, 100}, {100}},
        Course{"a_repeat_every_30_s_while_it_goes_on",
               1,
               Minutes(5),
               {0, 1, 10, 29, 30, 31, 59, 61, 90, 91},
               {0, 30, 61, 91}},
        Course{"a_repeat_after_a_shorter_window", 1, Seconds(10), {0, 5, 10, 15, 20}, {0, 10, 20}},
        Course{"after_a_silence_it_counts_anew", 3, Seconds(10), {0, 1, 2, 60, 61, 62}, {2, 62}},
        Course{"a_time_a_little_behind_counts_as_now", 3, Minutes(1), {10, 8, 9}, {9}},
        Course{"a_clock_put_back_begins_anew", 2, Minutes(1), {7200, 7201, 0, 1}, {7201, 1}},
        Course{
            "a_clock_put_back_does_not_silence_it", 1, Minutes(1), {7200, 0, 31}, {7200, 0, 31}}),
    [](const auto& test) { return std::string(test.param.name); });

TEST(Thresholds, HostsBootsUnitsAndRulesCountAlone) {
  Thresholds thresholds;
  const Rule rule = MakeRule(2, Minutes(1));
  Rule other = rule;
  other.name = "k.other";
  Rule changed = rule;
  changed.version = "ffffffffffff";
  EXPECT_FALSE(Add(&thresholds, rule, Seconds(0)));
  EXPECT_FALSE(Add(&thresholds, rule, Seconds(0), "sdb"));
  EXPECT_FALSE(Add(&thresholds, rule, Seconds(0), "sda", "h2"));
  EXPECT_FALSE(Add(&thresholds, rule, Seconds(0), "sda", "h", "b2"));
  EXPECT_FALSE(Add(&thresholds, other, Seconds(0)));
  EXPECT_FALSE(Add(&thresholds, changed, Seconds(0)));
  EXPECT_EQ(thresholds.windows(), 6u);
  EXPECT_TRUE(Add(&thresholds, rule, Seconds(0)));
}

TEST(Thresholds, ARepeatCountsTheLinesSinceTheLast) {
  Thresholds thresholds;
  const Rule rule = MakeRule(2, Minutes(1));
  Add(&thresholds, rule, Seconds(0));
  EXPECT_EQ(Add(&thresholds, rule, Seconds(1))->count, 2u);
  for (int i = 2; i < 31; ++i) EXPECT_FALSE(Add(&thresholds, rule, Seconds(i)));
  const std::optional<Finding> repeat = Add(&thresholds, rule, Seconds(31));
  EXPECT_EQ(repeat->count, 30u);
  EXPECT_EQ(repeat->first_at, kStart + Seconds(2));
  EXPECT_EQ(repeat->last_at, kStart + Seconds(31));
  EXPECT_EQ(repeat->condition.evidence.size(), Thresholds::kEvidenceLines);
}

TEST(Thresholds, AHostWithManyUnitsForgetsItsOwnWindows) {
  Thresholds thresholds({.windows_per_host_max = 3, .windows_max = 100});
  const Rule rule = MakeRule(2, Minutes(1));
  Add(&thresholds, rule, Seconds(0), "sda", "calm");
  for (int i = 0; i < 50; ++i) Add(&thresholds, rule, Seconds(0), std::to_string(i), "loud");
  EXPECT_EQ(thresholds.windows(), 4u);
  EXPECT_EQ(thresholds.dropped(), 47u);
  EXPECT_TRUE(Add(&thresholds, rule, Seconds(1), "sda", "calm"));
  EXPECT_TRUE(Add(&thresholds, rule, Seconds(1), "49", "loud"));
  EXPECT_FALSE(Add(&thresholds, rule, Seconds(1), "0", "loud"));
}

TEST(Thresholds, PastTheLimitOfAllTheHostLongestSilentIsForgotten) {
  Thresholds thresholds({.windows_per_host_max = 10, .windows_max = 3});
  const Rule rule = MakeRule(2, Minutes(1));
  for (int i = 0; i < 4; ++i) Add(&thresholds, rule, Seconds(0), "u", "h" + std::to_string(i));
  EXPECT_EQ(thresholds.windows(), 3u);
  EXPECT_TRUE(Add(&thresholds, rule, Seconds(1), "u", "h3"));
  EXPECT_FALSE(Add(&thresholds, rule, Seconds(1), "u", "h0"));
  Thresholds one({.windows_per_host_max = 10, .windows_max = 1});
  for (int i = 0; i < 20; ++i) Add(&one, rule, Seconds(0), std::to_string(i), "h");
  EXPECT_EQ(one.windows(), 1u);
}

}  // namespace
}  // namespace fleetmedic
