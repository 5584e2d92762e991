#include "stream/backtest.h"

#include <algorithm>
#include <numeric>
#include <tuple>
#include <utility>

#include "base/text.h"
#include "stream/finding_owner.h"

namespace fleetmedic {
namespace {

void Widen(WallTime at, WallTime* first, WallTime* last) {
  if (*first == kWallNever || at < *first) *first = at;
  if (*last == kWallNever || at > *last) *last = at;
}

Json TimeJson(WallTime at) { return at == kWallNever ? Json() : Json(FormatWall(at)); }

Json RuleJson(const Rule& rule, const BacktestRule& found, size_t hosts_listed_max) {
  Json json;
  json.Set("rule", rule.name);
  json.Set("rule_version", rule.version);
  json.Set("condition", rule.condition);
  json.Set("severity", std::string(SeverityName(rule.severity)));
  json.Set("lines", found.all.lines);
  json.Set("findings", found.all.findings);
  json.Set("hosts_count", uint64_t{found.hosts.size()});
  json.Set("hosts_over_limit", found.hosts_over_limit);
  Json hosts(Json::Array{});
  for (const auto& [host, counts] : TopHosts(found, hosts_listed_max)) {
    Json one;
    one.Set("host", host.str());
    one.Set("lines", counts.lines);
    one.Set("findings", counts.findings);
    hosts.Append(std::move(one));
  }
  json.Set("hosts", std::move(hosts));
  json.Set("first_at", TimeJson(found.first_at));
  json.Set("last_at", TimeJson(found.last_at));
  json.Set("example", found.example);
  json.Set("example_host", found.example_host.str());
  return json;
}

}  // namespace

Backtest::Backtest(std::shared_ptr<const RuleSet> rules, const BacktestOptions& options)
    : options_(options),
      matcher_(std::move(rules)),
      thresholds_(options.thresholds),
      by_rule_(matcher_.rules().rules().size()) {}

void Backtest::Take(Record record) {
  const Result<LogFrame> frame = LogFrameFrom(record.key, record.headers, std::move(record.value));
  if (!frame) {
    if (totals_.frames_unreadable++ == 0) totals_.unreadable_why = frame.error().message;
    return;
  }
  if (frame->first_at < options_.from || frame->first_at >= options_.to) {
    ++totals_.frames_outside;
    return;
  }
  TakeFrame(*frame);
}

void Backtest::TakeFrame(const LogFrame& frame) {
  ++totals_.frames;
  totals_.lines += frame.Written();
  totals_.bytes += frame.text.size();
  Widen(frame.first_at, &totals_.first_at, &totals_.last_at);
  if (hosts_.size() < options_.hosts_max) hosts_.insert(frame.host);
  if (!matcher_.Trusts(frame.source)) return;
  KernelRecord* const record =
      frame.source == "kernel" ? records_.Of(frame.host, frame.boot_id) : nullptr;
  auto run = frame.repeats.begin();
  matcher_.Look(frame.text, frame.source);
  ForEachLine(frame.text, [&](size_t number, std::string_view line) {
    const bool repeated = run != frame.repeats.end() && run->line + 1 == number;
    const uint64_t times = repeated ? (run++)->times : 1;
    if (record != nullptr && !record->Take(line, frame.first_at)) return;
    matcher_.MatchLooked(
        line, [&](const RuleMatch& match) { TakeMatch(frame, line, times, match, record); });
  });
  if (matcher_.WantsPlan()) matcher_.Use(matcher_.Planning()());
  // What the record would have told is counted already; it forgets it here.
  if (record != nullptr) (void)record->Told(frame.first_at, "");
}

void Backtest::TakeMatch(const LogFrame& frame, std::string_view line, uint64_t times,
                         const RuleMatch& match, KernelRecord* record) {
  RuleHit hit = {frame.host,           frame.boot_id, match.rule,     match.Unit(), match.Message(),
                 match.CaptureTexts(), line,          frame.first_at, "",           times};
  const bool in_record = record != nullptr && record->joined() && !match.cancels;
  if (hit.unit.empty() && match.rule.clear == Clear::kTime) {
    std::string_view cgroup = CgroupOfPid(frame, hit.captures);
    if (cgroup.empty() && in_record) cgroup = record->VictimsCgroup(hit.captures);
    hit.unit = OwnerUnit(cgroup);
  }
  if (match.cancels) {
    (void)thresholds_.Cancel(hit);
    return;
  }
  BacktestRule& found = by_rule_[match.rule_index];
  const bool counts = !in_record || record->Counts(match.rule.name, hit.unit);
  const uint64_t findings = counts && thresholds_.Add(hit) ? 1 : 0;
  found.all.lines += times;
  found.all.findings += findings;
  Widen(frame.first_at, &found.first_at, &found.last_at);
  if (found.example.empty()) {
    found.example = VisibleText(line.substr(0, Thresholds::kEvidenceBytesMax));
    found.example_host = frame.host;
  }
  auto host = found.hosts.find(frame.host);
  if (host == found.hosts.end()) {
    if (rule_hosts_ == options_.rule_hosts_max) {
      found.hosts_over_limit = true;
      return;
    }
    ++rule_hosts_;
    host = found.hosts.emplace(frame.host, BacktestRule::Counts{}).first;
  }
  host->second.lines += times;
  host->second.findings += findings;
}

BacktestTotals Backtest::totals() const {
  BacktestTotals totals = totals_;
  totals.hosts = hosts_.size();
  totals.windows_dropped = thresholds_.dropped();
  return totals;
}

std::vector<size_t> Backtest::Ranked() const {
  std::vector<size_t> ranked;
  for (size_t i = 0; i < by_rule_.size(); ++i) {
    if (by_rule_[i].all.lines != 0) ranked.push_back(i);
  }
  const auto key = [this](size_t index) {
    const BacktestRule& rule = by_rule_[index];
    return std::tuple(rule.all.findings, rule.hosts.size(), rule.all.lines);
  };
  std::ranges::sort(ranked, [&](size_t a, size_t b) {
    return key(a) != key(b) ? key(a) > key(b) : rules()[a].name < rules()[b].name;
  });
  return ranked;
}

std::vector<std::pair<HostId, BacktestRule::Counts>> TopHosts(const BacktestRule& rule,
                                                              size_t hosts_max) {
  std::vector<std::pair<HostId, BacktestRule::Counts>> hosts(rule.hosts.begin(), rule.hosts.end());
  std::ranges::stable_sort(hosts, [](const auto& a, const auto& b) {
    return std::tie(a.second.findings, a.second.lines) >
           std::tie(b.second.findings, b.second.lines);
  });
  if (hosts.size() > hosts_max) hosts.resize(hosts_max);
  return hosts;
}

Json ToJson(const Backtest& backtest, size_t hosts_listed_max) {
  const BacktestTotals totals = backtest.totals();
  Json json;
  json.Set("frames", totals.frames);
  json.Set("lines", totals.lines);
  json.Set("bytes", totals.bytes);
  json.Set("hosts", totals.hosts);
  json.Set("first_at", TimeJson(totals.first_at));
  json.Set("last_at", TimeJson(totals.last_at));
  json.Set("frames_unreadable", totals.frames_unreadable);
  json.Set("unreadable_why", totals.unreadable_why);
  json.Set("frames_outside", totals.frames_outside);
  json.Set("windows_dropped", totals.windows_dropped);
  Json rules(Json::Array{});
  const std::vector<size_t> ranked = backtest.Ranked();
  for (const size_t index : ranked) {
    rules.Append(RuleJson(backtest.rules()[index], backtest.by_rule()[index], hosts_listed_max));
  }
  for (size_t i = 0; i < backtest.rules().size(); ++i) {
    if (backtest.by_rule()[i].all.lines != 0) continue;
    rules.Append(RuleJson(backtest.rules()[i], backtest.by_rule()[i], hosts_listed_max));
  }
  json.Set("rules", std::move(rules));
  return json;
}

}  // namespace fleetmedic
