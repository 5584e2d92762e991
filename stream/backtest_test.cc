#include "stream/backtest.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "base/lz4.h"

namespace fleetmedic {
namespace {

constexpr WallTime kNoon = WallFromMillis(1'767'268'800'000);

Rule RuleOf(const std::string& name, const std::string& pattern, int threshold = 1) {
  Rule rule;
  rule.name = name;
  rule.version = "0123456789ab";
  rule.pattern = pattern;
  rule.sources = {"kernel"};
  rule.condition = "DiskError";
  rule.reason = "IoError";
  rule.message = "fails";
  rule.threshold_count = threshold;
  return rule;
}

std::shared_ptr<const RuleSet> Compile(std::vector<Rule> rules) {
  Diagnostics diagnostics;
  auto set = RuleSet::Compile(std::move(rules), &diagnostics);
  EXPECT_TRUE(diagnostics.ok()) << diagnostics.Text();
  return set;
}

Record RecordOf(const std::string& host, const std::string& text, WallTime at,
                const std::string& source = "kernel", uint64_t first_line_times = 1) {
  LogFrame frame;
  frame.host = HostId(host);
  frame.boot_id = "boot-1";
  frame.source = source;
  frame.first_at = at;
  frame.lines = static_cast<uint32_t>(std::ranges::count(text, '\n'));
  if (first_line_times > 1) frame.repeats = {{0, first_line_times}};
  return {host, text, LogFrameHeaders(frame), at};
}

TEST(Backtest, SaysWhatWouldHaveFiredWhereAndHowOften) {
  Backtest backtest(
      Compile({RuleOf("k.quiet", "never"), RuleOf("k.io", "I/O error"), RuleOf("k.hot", "hot")}),
      {});
  backtest.Take(RecordOf("web-1", "I/O error on sda\ncalm\nhot\n", kNoon));
  backtest.Take(RecordOf("web-2", "I/O error on \x1b[31msdb\n", kNoon + Minutes(5)));
  backtest.Take(RecordOf("web-1", "I/O error on sda\n", kNoon + Minutes(10)));
  // Another source is not believed.
  backtest.Take(RecordOf("web-3", "I/O error on sda\n", kNoon, "kmsg-user"));
  const BacktestRule& io = backtest.by_rule()[1];
  EXPECT_EQ(io.all.lines, 3u);
  EXPECT_EQ(io.all.findings, 3u);
  ASSERT_EQ(io.hosts.size(), 2u);
  EXPECT_EQ(io.hosts.at(HostId("web-1")).lines, 2u);
  EXPECT_EQ(io.first_at, kNoon);
  EXPECT_EQ(io.last_at, kNoon + Minutes(10));
  EXPECT_EQ(io.example, "I/O error on sda");
  EXPECT_EQ(io.example_host, HostId("web-1"));
  EXPECT_EQ(backtest.Ranked(), (std::vector<size_t>{1, 2}));
  const BacktestTotals totals = backtest.totals();
  EXPECT_EQ(totals.frames, 4u);
  EXPECT_EQ(totals.lines, 6u);
  EXPECT_EQ(totals.hosts, 3u);
  EXPECT_EQ(totals.first_at, kNoon);
  EXPECT_EQ(totals.last_at, kNoon + Minutes(10));
}

TEST(Backtest, FindsOnlyPastTheThresholdOfOneHost) {
  Backtest backtest(Compile({RuleOf("k.io", "I/O error", 3)}), {});
  for (int i = 0; i < 4; ++i) {
    // Each host of its own has too few within the minute.
    backtest.Take(RecordOf("few-" + std::to_string(i), "I/O error\nI/O error\n", kNoon));
  }
  EXPECT_EQ(backtest.by_rule()[0].all.findings, 0u);
  backtest.Take(RecordOf("web-1", "I/O error\n", kNoon + Seconds(5), "kernel", 3));
  const BacktestRule& io = backtest.by_rule()[0];
  EXPECT_EQ(io.all.lines, 11u);
  EXPECT_EQ(io.all.findings, 1u);
  EXPECT_EQ(io.hosts.at(HostId("web-1")).findings, 1u);
  EXPECT_EQ(TopHosts(io, 1).front().first, HostId("web-1"));
  EXPECT_EQ(TopHosts(io, 100).size(), 5u);
}

TEST(Backtest, LooksOnlyAtTheTimeAskedFor) {
  BacktestOptions options;
  options.from = kNoon;
  options.to = kNoon + Minutes(10);
  Backtest backtest(Compile({RuleOf("k.io", "I/O error")}), options);
  for (const int minute : {-1, 0, 9, 10}) {
    backtest.Take(RecordOf("web-1", "I/O error\n", kNoon + Minutes(minute)));
  }
  EXPECT_EQ(backtest.totals().frames, 2u);
  EXPECT_EQ(backtest.totals().frames_outside, 2u);
  EXPECT_EQ(backtest.by_rule()[0].all.lines, 2u);
}

TEST(Backtest, CountsWhatItCannotReadAndReadsWhatIsCompressed) {
  Backtest backtest(Compile({RuleOf("k.io", "I/O error")}), {});
  Record packed = RecordOf("web-1", "I/O error\n", kNoon);
  packed.value = Lz4Compress(packed.value);
  packed.headers.emplace_back("content-encoding", "lz4");
  Record cut = packed;
  cut.value.pop_back();
  backtest.Take(packed);
  backtest.Take(cut);
  backtest.Take({"web-1", "no frame", {}, kNoon});
  EXPECT_EQ(backtest.by_rule()[0].all.lines, 1u);
  EXPECT_EQ(backtest.totals().frames_unreadable, 2u);
  EXPECT_TRUE(backtest.totals().unreadable_why.starts_with("the LZ4 frame is truncated"))
      << backtest.totals().unreadable_why;
}

TEST(Backtest, ACallTraceIsOneRecordAndACancelTakesBack) {
  Rule bug = RuleOf("k.bug", "BUG: |RIP: ");
  Rule link = RuleOf("k.link", R"((?P<device>eth\d): down)", 2);
  link.unit = "{device}";
  link.cancel = R"((?P<device>eth\d): up)";
  Backtest backtest(Compile({bug, link}), {});
  backtest.Take(RecordOf("web-1",
                         "BUG: kernel NULL pointer dereference, address: 0000000000000010\n"
                         "RIP: 0010:do_thing+0x1/0x2\n"
                         "Call Trace:\n",
                         kNoon));
  EXPECT_EQ(backtest.by_rule()[0].all.findings, 1u);
  backtest.Take(RecordOf("web-1", "eth0: down\neth0: up\neth0: down\n", kNoon + Minutes(1)));
  EXPECT_EQ(backtest.by_rule()[1].all.lines, 2u);
  EXPECT_EQ(backtest.by_rule()[1].all.findings, 0u);
  backtest.Take(RecordOf("web-1", "eth0: down\n", kNoon + Minutes(1)));
  EXPECT_EQ(backtest.by_rule()[1].all.findings, 1u);
}

TEST(Backtest, HostsPastTheLimitAreCountedButNotTold) {
  BacktestOptions options;
  options.rule_hosts_max = 3;
  Backtest backtest(Compile({RuleOf("k.io", "I/O error")}), options);
  for (int i = 0; i < 5; ++i) {
    backtest.Take(RecordOf("web-" + std::to_string(i), "I/O error\n", kNoon));
  }
  const BacktestRule& io = backtest.by_rule()[0];
  EXPECT_EQ(io.all.lines, 5u);
  EXPECT_EQ(io.hosts.size(), 3u);
  EXPECT_TRUE(io.hosts_over_limit);
}

TEST(Backtest, IsJsonWithEveryRule) {
  Backtest backtest(Compile({RuleOf("k.quiet", "never"), RuleOf("k.io", "I/O error")}), {});
  backtest.Take(RecordOf("web-1", "I/O error\n", kNoon));
  backtest.Take(RecordOf("web-2", "I/O error\nI/O error\n", kNoon));
  const Json json = ToJson(backtest, 1);
  EXPECT_EQ(json["frames"].Dump(), "2");
  const Json& io = (*json["rules"].array())[0];
  EXPECT_EQ(io["rule"].Dump(), "\"k.io\"");
  EXPECT_EQ(io["hosts_count"].Dump(), "2");
  ASSERT_EQ(io["hosts"].array()->size(), 1u);
  EXPECT_EQ((*io["hosts"].array())[0]["host"].Dump(), "\"web-2\"");
  EXPECT_EQ((*io["hosts"].array())[0]["lines"].Dump(), "2");
  EXPECT_EQ(io["first_at"].Dump(), "\"2026-01-01T12:00:00.000000Z\"");
  const Json& quiet = (*json["rules"].array())[1];
  EXPECT_EQ(quiet["rule"].Dump(), "\"k.quiet\"");
  EXPECT_EQ(quiet["lines"].Dump(), "0");
  EXPECT_EQ(quiet["first_at"].Dump(), "null");
}

}  // namespace
}  // namespace fleetmedic
