#include "app/rules_backtest.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "app/cli/exit_codes.h"
#include "app/cli/fake_api.h"
#include "eventlog/sqlite_event_log.h"
#include "model/log_frame.h"

namespace fleetmedic {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

constexpr WallTime kNoon = WallFromMillis(1'767'268'800'000);  // 2026-01-01T12:00:00Z

constexpr std::string_view kRules = R"(
[[rule]]
name = "site.disk"
pattern = 'I/O error on (?P<device>\w+)'
sources = ["kernel"]
condition = "DiskError"
severity = "soft"
reason = "IoError"
unit = "{device}"
message = "{device} fails"
threshold = { count = 2, within = "1m" }
clear = "quiet"
help = "Look at the disk."
examples = ['I/O error on sda']
counter_examples = ['no error on sda']

[[rule]]
name = "site.never"
pattern = 'never seen'
sources = ["kernel"]
condition = "Never"
severity = "info"
reason = "Never"
message = "never"
clear = "quiet"
help = "Nothing."
examples = ['never seen']
counter_examples = ['seen']
)";

class RulesBacktest : public testing::Test {
 protected:
  RulesBacktest() {
    cli_.env.roles.rules_backtest = RunRulesBacktest;
    path_ = Write("site.toml", kRules);
  }

  std::string Write(const std::string& name, std::string_view text) {
    EXPECT_TRUE(WriteFileAtomic(cli_.folder / name, text));
    return cli_.folder / name;
  }
  void Keep(const std::string& host, const std::string& text, WallTime at) {
    const auto log = SqliteEventLog::Open(cli_.folder / "state/log.db", cli_.clock).value();
    LogFrame frame;
    frame.host = HostId(host);
    frame.boot_id = "boot-1";
    frame.source = "kernel";
    frame.first_at = at;
    frame.lines = static_cast<uint32_t>(std::ranges::count(text, '\n'));
    const Record record{host, text, LogFrameHeaders(frame), cli_.clock.Wall()};
    ASSERT_TRUE(log->Append(Topic::kLogs, std::span(&record, 1)));
  }
  void KeepThree() {
    Keep("web-1", "I/O error on sda\nI/O error on sda\nwell\n", kNoon);
    Keep("web-2", "I/O error on \x1b[31msdb\n", kNoon + Minutes(5));
    Keep("web-3", "I/O error on sdc\nI/O error on sdc\n", kNoon + Hours(2));
  }

  cli::CliUnderTest cli_;
  std::string path_;
};

TEST_F(RulesBacktest, SaysWhatWouldHaveFiredWhereAndHowOften) {
  KeepThree();
  const cli::CliResult run = cli_.Run("rules backtest " + path_);
  EXPECT_EQ(run.code, cli::kExitDone) << run.err;
  EXPECT_EQ(
      run.out,
      "RULE       SEVERITY  FINDINGS  HOSTS  LINES  FIRST                 LAST\n"
      "site.disk  soft      2         2      4      2026-01-01T12:00:00Z  2026-01-01T14:00:00Z\n"
      "\n"
      "site.disk\n"
      "  hosts (lines): web-1 (2), web-3 (2)\n"
      "  web-1: I/O error on sda\n"
      "\n"
      "1 of 2 rules would have matched nothing\n");
  EXPECT_EQ(run.err,
            "6 lines in 3 frames of 3 hosts, from 2026-01-01T12:00:00Z to "
            "2026-01-01T14:00:00Z\n");
}

TEST_F(RulesBacktest, LooksAtTheTimeAskedForAndListsNoMoreHostsThanAskedFor) {
  KeepThree();
  cli::CliResult run = cli_.Run("rules backtest " + path_ +
                                " --from 2026-01-01T12:00:00Z --to 2026-01-01T13:00:00Z");
  EXPECT_THAT(run.out, AllOf(HasSubstr("site.disk  soft      1         1      2 "),
                             Not(HasSubstr("web-3"))));
  EXPECT_THAT(run.err, HasSubstr("; 1 of another time\n"));
  run = cli_.Run("rules backtest " + path_ + " --hosts 1");
  EXPECT_THAT(run.out, HasSubstr("  hosts (lines): web-1 (2), and 1 more\n"));
  // The log is older than six hours.
  run = cli_.Run("rules backtest " + path_ + " --from 6h");
  EXPECT_EQ(run.code, cli::kExitDone);
  EXPECT_EQ(run.out, "2 of 2 rules would have matched nothing\n");
}

TEST_F(RulesBacktest, IsJsonForScripts) {
  KeepThree();
  const cli::CliResult run =
      cli_.Run("rules backtest " + path_ + " -o json --from 2026-01-01T00:00:00Z -q");
  EXPECT_EQ(run.err, "");
  const Json json = Json::Parse(run.out).value();
  EXPECT_EQ(json["from"].Dump(), "\"2026-01-01T00:00:00.000000Z\"");
  EXPECT_TRUE(json["to"].is_null());
  EXPECT_EQ(json["interrupted"].boolean(), false);
  EXPECT_EQ(json["lines"].integer(), 6);
  ASSERT_EQ(json["rules"].array()->size(), 2u);
  const Json& disk = json["rules"].array()->front();
  EXPECT_EQ(disk["findings"].integer(), 2);
  EXPECT_EQ(disk["hosts"].array()->size(), 2u);
}

TEST_F(RulesBacktest, AnInterruptPrintsWhatThereIs) {
  KeepThree();
  const HttpCancel cancel;
  cli_.env.cancel = &cancel;
  cancel.Cancel();
  const cli::CliResult run = cli_.Run("rules backtest " + path_);
  EXPECT_EQ(run.code, 130);
  EXPECT_EQ(run.out, "2 of 2 rules would have matched nothing\n");
  EXPECT_THAT(run.err, HasSubstr("interrupted: the log was not read to its end\n"));
}

TEST_F(RulesBacktest, WhatIsWrongIsSaidAndMakesNothing) {
  cli::CliResult run = cli_.Run("rules backtest " + path_);
  EXPECT_EQ(run.code, cli::kExitFailed);
  EXPECT_THAT(run.err, StartsWith("fleetmedic: no event log at " + cli_.folder.path() +
                                  "/state/log.db; --state-dir or --config names"));
  EXPECT_FALSE(FsRoot().Exists(cli_.folder / "state/log.db"));
  run = cli_.Run("rules backtest " + path_ + " --from yesterday");
  EXPECT_EQ(run.code, cli::kExitUsage);
  EXPECT_THAT(run.err, HasSubstr("--from: expected a duration before now (6h), a time"));
  run = cli_.Run("rules backtest " + path_ + " --from 1h --to 2h");
  EXPECT_EQ(run.code, cli::kExitUsage);
  EXPECT_THAT(run.err, HasSubstr("--from: expected a time before --to"));
  const std::string bad = Write("bad.toml", "[[rule]]\nname = \"a\"\n");
  run = cli_.Run("rules backtest " + bad);
  EXPECT_EQ(run.code, cli::kExitBadConfig);
  EXPECT_THAT(run.err, HasSubstr(bad + ":1:"));
  run = cli_.Run("rules backtest " + (cli_.folder / "none.toml"));
  EXPECT_EQ(run.code, cli::kExitBadConfig);
}

TEST_F(RulesBacktest, ShowsItsProgressOnATerminalAlone) {
  KeepThree();
  cli_.env.err_is_terminal = true;
  const cli::CliResult run = cli_.Run("rules backtest " + path_);
  EXPECT_THAT(run.err, AllOf(HasSubstr("\r0 % of the log read, at "), HasSubstr(" \r6 lines")));
}

}  // namespace
}  // namespace fleetmedic
