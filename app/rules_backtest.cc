#include "app/rules_backtest.h"

#include <algorithm>
#include <ostream>
#include <string>

#include <fmt/format.h>

#include "app/assembly.h"
#include "app/cli/moment.h"
#include "app/cli/table.h"
#include "app/cli/terminal.h"
#include "app/progress.h"
#include "app/settings.h"
#include "base/file.h"
#include "base/text.h"
#include "eventlog/sqlite_event_log.h"
#include "stream/backtest.h"
#include "stream/rule_check.h"

namespace fleetmedic {

using namespace cli;  // NOLINT(build/namespaces): the handler is the command line's
namespace {

constexpr size_t kRecordsPerPoll = 256;
constexpr int64_t kHostsListedMax = 100'000;

struct Range {
  WallTime from = kWallNever;
  WallTime to = WallTime::max();
};

Result<Range> RangeOf(const Invocation& call) {
  const WallTime now = call.env.clock->Wall();
  Range range;
  const auto read = [&](std::string_view flag, WallTime* at) -> Status {
    if (!call.args.Has(flag)) return {};
    const Result<WallTime> moment = ParseMoment(call.args.Text(flag), now);
    if (!moment) return Fail("--" + std::string(flag), moment.error());
    *at = *moment;
    return {};
  };
  FLEETMEDIC_RETURN_IF_ERROR(read("from", &range.from));
  FLEETMEDIC_RETURN_IF_ERROR(read("to", &range.to));
  if (range.from >= range.to) {
    return Fail(Code::kInvalidArgument, "--from: expected a time before --to");
  }
  return range;
}

// The whole log through the rules; true where it was not interrupted.
Result<bool> ReadLog(const Invocation& call, const std::string& path, Backtest* backtest) {
  // Opening would make a new one.
  if (!FsRoot().Exists(path)) {
    return Fail(Code::kNotFound, "no event log at " + path +
                                     "; --state-dir or --config names where the roles keep it");
  }
  FLEETMEDIC_ASSIGN_OR_RETURN(const std::unique_ptr<SqliteEventLog> log,
                              SqliteEventLog::Open(path, *call.env.clock));
  FLEETMEDIC_ASSIGN_OR_RETURN(const std::unique_ptr<Reader> reader, log->OpenAt(Topic::kLogs, {}));
  FLEETMEDIC_ASSIGN_OR_RETURN(const Reader::Lag all, reader->Behind());
  ProgressLine progress(call);
  // What comes while it is read is not waited for.
  for (int64_t left = all.records; left > 0;) {
    if (Interrupted(call)) return false;
    FLEETMEDIC_ASSIGN_OR_RETURN(std::vector<LogRecord> records, reader->Poll(kRecordsPerPoll));
    if (records.empty()) break;
    if (progress.Due()) {
      progress.Show(fmt::format("{} % of the log read, at {}",
                                100 * (all.records - left) / all.records,
                                FormatWallSecond(records.front().record.timestamp)));
    }
    for (LogRecord& record : records) backtest->Take(std::move(record.record));
    left -= static_cast<int64_t>(records.size());
  }
  return true;
}

std::string HostsText(const BacktestRule& found, size_t listed_max) {
  std::string text;
  const auto top = TopHosts(found, listed_max);
  for (const auto& [host, counts] : top) {
    text += fmt::format("{}{} ({})", text.empty() ? "" : ", ", host.str(), counts.lines);
  }
  const size_t more = found.hosts.size() - top.size();
  if (more > 0) text += fmt::format("{}and {} more", text.empty() ? "" : ", ", more);
  return text;
}

std::string CountText(const BacktestRule& found) {
  return fmt::format("{}{}", found.hosts.size(), found.hosts_over_limit ? "+" : "");
}

void PrintTable(const Terminal& terminal, const Backtest& backtest, size_t hosts_listed) {
  const std::vector<size_t> ranked = backtest.Ranked();
  TextTable table({"RULE", "SEVERITY", "FINDINGS", "HOSTS", "LINES", "FIRST", "LAST"});
  std::string details;
  for (const size_t index : ranked) {
    const Rule& rule = backtest.rules()[index];
    const BacktestRule& found = backtest.by_rule()[index];
    table.Add({rule.name, SeverityName(rule.severity), fmt::format("{}", found.all.findings),
               CountText(found), fmt::format("{}", found.all.lines),
               FormatWallSecond(found.first_at), FormatWallSecond(found.last_at)});
    details += fmt::format("\n{}\n  hosts (lines): {}\n  {}: {}\n", VisibleText(rule.name),
                           VisibleText(HostsText(found, hosts_listed)),
                           VisibleText(found.example_host.str()), found.example);
  }
  if (!table.empty()) terminal.Print(table.Text(terminal.style()) + details);
  const size_t silent = backtest.rules().size() - ranked.size();
  terminal.Print(fmt::format("{}{} of {} rules would have matched nothing\n",
                             table.empty() ? "" : "\n", silent, backtest.rules().size()));
}

void SayTotals(const Terminal& terminal, const BacktestTotals& totals) {
  std::string text =
      fmt::format("{} lines in {} frames of {} hosts", totals.lines, totals.frames, totals.hosts);
  if (totals.frames > 0) {
    text += fmt::format(", from {} to {}", FormatWallSecond(totals.first_at),
                        FormatWallSecond(totals.last_at));
  }
  if (totals.frames_outside > 0) text += fmt::format("; {} of another time", totals.frames_outside);
  terminal.Say(text + "\n");
  if (totals.frames_unreadable > 0) {
    terminal.Say(fmt::format("{} frames could not be read; the first: {}\n",
                             totals.frames_unreadable, VisibleText(totals.unreadable_why)));
  }
  if (totals.windows_dropped > 0) {
    terminal.Say(
        fmt::format("{} threshold windows were forgotten for their limit: findings may be "
                    "missing\n",
                    totals.windows_dropped));
  }
}

int Problem(const Terminal& terminal, ExitCode code, const Error& error) {
  terminal.Error(error.message);
  return code;
}

}  // namespace

int RunRulesBacktest(const Invocation& call) {
  const Terminal terminal(call);
  const Result<Range> range = RangeOf(call);
  if (!range) return Problem(terminal, kExitUsage, range.error());
  Diagnostics diagnostics;
  const std::vector<std::string>& paths = call.args.positionals;
  const std::shared_ptr<const RuleSet> rules = paths.empty()
                                                   ? CheckRules(ShippedRules(), &diagnostics)
                                                   : CheckRuleFiles(paths, &diagnostics);
  if (rules == nullptr) {
    *call.env.err << diagnostics.Text();
    return kExitBadConfig;
  }
  const Result<Config> config = LoadSettings(call);
  if (!config) return Problem(terminal, kExitBadConfig, config.error());
  BacktestOptions options;
  options.from = range->from;
  options.to = range->to;
  Backtest backtest(rules, options);
  const Result<bool> whole = ReadLog(call, LogPath(*config), &backtest);
  if (!whole) return Problem(terminal, kExitFailed, whole.error());
  const auto listed = static_cast<size_t>(std::min(call.args.Integer("hosts"), kHostsListedMax));
  if (terminal.Format() == "json") {
    Json json = ToJson(backtest, listed);
    json.Set("from", range->from == kWallNever ? Json() : Json(range->from));
    json.Set("to", range->to == WallTime::max() ? Json() : Json(range->to));
    json.Set("interrupted", !*whole);
    terminal.PrintJson(json);
  } else {
    PrintTable(terminal, backtest, listed);
  }
  SayTotals(terminal, backtest.totals());
  if (*whole) return kExitDone;
  terminal.Say("interrupted: the log was not read to its end\n");
  return kExitDetached;
}

}  // namespace fleetmedic
