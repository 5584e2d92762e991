// Rules run over a log that was kept: what would have fired, where and how often. For `fleetmedic
// rules backtest`.
#ifndef FLEETMEDIC_STREAM_BACKTEST_H_
#define FLEETMEDIC_STREAM_BACKTEST_H_

#include <cstdint>
#include <limits>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "base/json.h"
#include "eventlog/event_log.h"
#include "model/log_frame.h"
#include "stream/kernel_record.h"
#include "stream/matcher.h"
#include "stream/thresholds.h"

namespace fleetmedic {

struct BacktestOptions {
  // Frames whose first line was read from `from` on and before `to`, by the host's own clock.
  WallTime from = kWallNever;
  WallTime to = WallTime::max();
  // Pairs of a rule and a host that are told apart. What a further host has is counted for its
  // rule, the host is not.
  size_t rule_hosts_max = 1'000'000;
  // Hosts that are told apart in all.
  size_t hosts_max = 200'000;
  ThresholdLimits thresholds;
};

// What one rule would have done.
struct BacktestRule {
  struct Counts {
    uint64_t lines = 0;     // that it matched
    uint64_t findings = 0;  // as often as its threshold was passed and that was due to be told
  };
  Counts all;
  std::map<HostId, Counts> hosts;
  bool hosts_over_limit = false;  // there are more than that
  // Of the frames with its lines; kWallNever where there are none.
  WallTime first_at = kWallNever;
  WallTime last_at = kWallNever;
  // The first line, as visible text cut to Thresholds::kEvidenceBytesMax, and whose it is.
  std::string example;
  HostId example_host;
};

struct BacktestTotals {
  uint64_t frames = 0;  // in the time asked for, readable
  uint64_t lines = 0;   // of these, repeats counted
  uint64_t bytes = 0;
  uint64_t frames_unreadable = 0;
  std::string unreadable_why;   // of the first
  uint64_t frames_outside = 0;  // of another time
  uint64_t hosts = 0;
  uint64_t windows_dropped = 0;  // thresholds that were forgotten for their limit
  WallTime first_at = kWallNever;
  WallTime last_at = kWallNever;
};

// Takes records in the order of the log. What a rule counts, what a kernel's call trace hides and
// what takes a finding back are as in the stream role. Owned by one thread.
class Backtest {
 public:
  Backtest(std::shared_ptr<const RuleSet> rules, const BacktestOptions& options);

  // A record of fleetmedic.logs.
  void Take(Record record);

  const std::vector<Rule>& rules() const { return matcher_.rules().rules(); }
  // By the index of the rule.
  const std::vector<BacktestRule>& by_rule() const { return by_rule_; }
  BacktestTotals totals() const;
  // The rules that matched a line, the one with the most findings first, then by hosts, by lines
  // and by name.
  std::vector<size_t> Ranked() const;

 private:
  void TakeFrame(const LogFrame& frame);
  void TakeMatch(const LogFrame& frame, std::string_view line, uint64_t times,
                 const RuleMatch& match, KernelRecord* record);

  const BacktestOptions options_;
  Matcher matcher_;
  Thresholds thresholds_;
  KernelRecords records_;
  std::vector<BacktestRule> by_rule_;
  size_t rule_hosts_ = 0;
  std::set<HostId> hosts_;
  BacktestTotals totals_;
};

// {"from", "to", "frames", "lines", ..., "rules": [{"rule", "lines", "findings", "hosts_count",
// "hosts": [{"host", "lines", "findings"}], "first_at", "last_at", "example", ...}]}: every rule,
// those that matched first; of each at most `hosts_listed_max` hosts, those with the most findings
// and then lines first.
Json ToJson(const Backtest& backtest, size_t hosts_listed_max);

// The hosts of a rule, those with the most findings and then lines first.
std::vector<std::pair<HostId, BacktestRule::Counts>> TopHosts(const BacktestRule& rule,
                                                              size_t hosts_max);

}  // namespace fleetmedic

#endif  // FLEETMEDIC_STREAM_BACKTEST_H_
