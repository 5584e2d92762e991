#include "stream/fleet_watch.h"

#include <algorithm>
#include <cmath>
#include <iterator>

#include <fmt/format.h>

#include "base/sha256.h"
#include "base/text.h"
#include "stream/fleet_scope.h"
#include "stream/issue_why.h"

namespace fleetmedic {
namespace {

constexpr size_t kIdDigits = 8;
constexpr int kMergeStepsMax = 8;
constexpr size_t kScopeFacts = std::size(FleetHosts::kScopeKeys);

int64_t MinuteNumber(WallTime time) {
  return std::chrono::floor<std::chrono::minutes>(time).time_since_epoch() / Minutes(1);
}
WallTime MinuteStart(int64_t minute) { return WallTime{} + Minutes(minute); }

std::string IssueId(const std::string& pattern, int64_t minute) {
  return "I-" + Sha256Hex(fmt::format("{}@{}", pattern, minute)).substr(0, kIdDigits);
}

double Log10(double probability) { return std::log10(std::max(probability, 1e-300)); }

}  // namespace

FleetWatch::FleetWatch(const FleetWatchOptions& options, FleetHosts* hosts, WallTime now)
    : options_(options), hosts_(hosts), detect_(options.detect, MinuteNumber(now)) {}

void FleetWatch::UseRules(const std::set<std::string>& rules, WallTime now) {
  std::erase_if(ended_rules_, [&](const auto& ended) {
    return ended.second + kEndedRuleKept <= now || rules.contains(ended.first);
  });
  for (const PatternIndex index : detect_.Patterns()) {
    const PatternState state = detect_.State(index);
    if (state.kind != PatternKind::kRule || rules.contains(state.id)) continue;
    End(state.id, "Closed: the rule is not in use any more.", now);
    detect_.Remove(index);
    if (ended_rules_.size() < kEndedRulesMax) ended_rules_[state.id] = now;
  }
  for (const std::string& rule : rules) {
    if (detect_.Find(rule)) continue;
    // Kept from now on, so that a successor knows how long it was not seen.
    if (detect_.Intern(rule, PatternKind::kRule, FleetDetect::Before::kUnknown)) {
      dirty_.insert(rule);
    }
  }
}

std::optional<PatternIndex> FleetWatch::Interned(const std::string& pattern, PatternKind kind) {
  return detect_.Intern(
      pattern, kind,
      kind == PatternKind::kRule ? FleetDetect::Before::kUnknown : FleetDetect::Before::kSilent);
}

void FleetWatch::Take(const PatternCount& count, WallTime now) {
  if (MinuteNumber(count.minute) > detect_.present() && held_.size() < kHeldMax) {
    held_.push_back(count);
  } else {
    TakeNow(count, now);
  }
}

const std::string& FleetWatch::NameNow(const std::string& pattern) const {
  const std::string* name = &pattern;
  // One that was merged may be merged again, seldom far.
  for (int steps = 0; steps < kMergeStepsMax; ++steps) {
    const auto merged = merged_.find(*name);
    if (merged == merged_.end()) break;
    name = &merged->second;
  }
  return *name;
}

bool FleetWatch::NoteAlias(const std::string& alias, const std::string& into) {
  std::vector<std::string>& aliases = known_[into].aliases;
  if (alias == into || std::ranges::find(aliases, alias) != aliases.end()) return false;
  aliases.push_back(alias);
  if (aliases.size() > PatternCount::kAliasesMax) {
    merged_.erase(aliases.front());
    aliases.erase(aliases.begin());
  }
  if (merged_.size() < kMergedMax) merged_[alias] = into;
  return true;
}

void FleetWatch::Inherit(const PatternCount& count, const std::string& alias,
                         const PatternState& known) {
  const std::optional<PatternIndex> index = Interned(count.pattern, count.kind);
  if (!index || !NoteAlias(alias, count.pattern)) return;
  detect_.Inherit(*index, known.baselines);
  dirty_.insert(count.pattern);
}

void FleetWatch::TakeAlias(const std::string& alias, PatternIndex into, WallTime now) {
  const std::string name = detect_.State(into).id;
  const std::optional<PatternIndex> from = detect_.Find(alias);
  if (from && detect_.State(*from).kind != PatternKind::kTemplate) return;
  if (!NoteAlias(alias, name) || !from) return;
  const Known& known = known_[alias];
  Known& of = known_[name];
  const bool dated = known.first_seen != kWallNever;
  if (dated && (of.first_seen == kWallNever || known.first_seen < of.first_seen)) {
    of.first_seen = known.first_seen;
  }
  MoveIssue(alias, name, now);
  detect_.Merge(*from, into);
}

void FleetWatch::MoveIssue(const std::string& from, const std::string& into, WallTime now) {
  const auto moved = issues_.find(from);
  if (moved == issues_.end()) return;
  const auto there = issues_.find(into);
  if (there == issues_.end()) {
    Tracked tracked = std::move(moved->second);
    issues_.erase(moved);
    tracked.issue.pattern = into;
    tracked.changed = true;
    issues_.emplace(into, std::move(tracked));
    return;
  }
  for (const auto& [host, first] : moved->second.hit) {
    const auto [at, fresh] = there->second.hit.try_emplace(host, first);
    at->second = std::min(at->second, first);
    there->second.grown |= fresh;
  }
  End(from, fmt::format("Closed: it is one with {}.", there->second.issue.id), now);
}

void FleetWatch::TakeNow(const PatternCount& count, WallTime now) {
  const auto ended = ended_rules_.find(count.pattern);
  if (ended != ended_rules_.end() && now < ended->second + kEndedRuleKept) return;
  // Of two that are one the other gives the name now.
  const auto turned = merged_.find(count.pattern);
  const bool is_turned = turned != merged_.end() &&
                         std::ranges::find(count.aliases, turned->second) != count.aliases.end();
  if (is_turned) merged_.erase(turned);
  const std::string pattern = NameNow(count.pattern);
  const std::optional<PatternIndex> index = Interned(pattern, count.kind);
  if (!index) return;
  if (count.kind == PatternKind::kTemplate) {
    for (const std::string& alias : count.aliases) TakeAlias(alias, *index, now);
  }
  Known& known = known_[pattern];
  if (pattern == count.pattern) {
    known.version = count.version;
    known.text = count.text;
  }
  if (known.first_seen == kWallNever || count.first_seen < known.first_seen) {
    known.first_seen = count.first_seen;
  }
  for (const PatternExample& example : count.examples) {
    known.examples.push_back(example);
    if (known.examples.size() > FleetIssue::kExamplesMax) {
      known.examples.erase(known.examples.begin());
    }
  }
  dirty_.insert(pattern);
  const auto issue = issues_.find(pattern);
  const int64_t minute = MinuteNumber(count.minute);
  for (const HostId& host : count.hosts) {
    const std::optional<HostIndex> number = hosts_->IndexOf(host);
    if (!number) continue;
    hosts_->Heard(host, std::min(count.minute, now));
    detect_.Hit(*index, *number, minute);
    if (issue == issues_.end()) continue;
    const auto [at, fresh] = issue->second.hit.try_emplace(*number, count.minute);
    at->second = std::min(at->second, count.minute);
    issue->second.grown |= fresh;
  }
  // Lines are counted by where they stood: a record that comes again counts none. Those of an alias
  // stood where the pattern's own did.
  if (pattern != count.pattern) return;
  int64_t& lines_to = known.lines_to.try_emplace(count.partition, -1).first->second;
  if (count.last_offset < lines_to || count.lines == 0) return;
  lines_to = count.last_offset;
  if (issue != issues_.end()) issue->second.issue.lines += count.lines;
}

void FleetWatch::Advance(WallTime now) {
  std::vector<FleetEvent> events;
  for (int64_t minute = std::max(detect_.present(), MinuteNumber(now) - 2);
       MinuteStart(minute + 1) + kMinuteGrace <= now; ++minute) {
    detect_.EndOfMinute(minute, hosts_->Facts(now), &events);
    for (auto& [pattern, tracked] : issues_) tracked.changed = true;
    std::deque<PatternCount> held = std::exchange(held_, {});
    for (const PatternCount& count : held) Take(count, now);
  }
  detect_.Judge(hosts_->Facts(now), &events);
  OnEvents(std::move(events), now);
  for (auto& [pattern, tracked] : issues_) {
    if (tracked.grown && now >= tracked.told_at + kUpdateEvery) tracked.changed = true;
    if (tracked.changed) Update(&tracked, now);
  }
}

WallTime FleetWatch::NextDue() const { return MinuteStart(detect_.present() + 1) + kMinuteGrace; }

void FleetWatch::Forget(const std::vector<HostIndex>& hosts) {
  detect_.Forget(hosts);
  for (auto& [pattern, tracked] : issues_) {
    for (const HostIndex host : hosts) tracked.hit.erase(host);
  }
}

void FleetWatch::OnEvents(std::vector<FleetEvent> events, WallTime now) {
  for (const FleetEvent& event : events) {
    const std::string pattern = detect_.State(event.pattern).id;
    dirty_.insert(pattern);
    const auto known = issues_.find(pattern);
    switch (event.change) {
      case FleetChange::kOpened:
        if (known == issues_.end()) Open(event, now);
        break;
      case FleetChange::kWidened:
        if (known == issues_.end()) break;
        Measure(event, &known->second);
        SetScope(event, &known->second);
        break;
      case FleetChange::kClosed:
        Close(pattern, now);
        break;
    }
  }
}

void FleetWatch::Open(const FleetEvent& event, WallTime now) {
  if (issues_.size() >= options_.issues_max) {
    ++issues_dropped_;
    return;
  }
  const PatternState state = detect_.State(event.pattern);
  const Known& known = known_[state.id];
  Tracked tracked;
  FleetIssue& issue = tracked.issue;
  issue.id = IssueId(state.id, event.minute);
  issue.pattern = state.id;
  issue.kind = state.kind;
  issue.opened_at = now;
  // The trouble began with the oldest of what the window holds, and not before the window.
  const auto minutes = static_cast<size_t>(kWindowMinutes[event.window]);
  const std::vector<uint32_t> series = detect_.Series(event.pattern);
  size_t back = std::min(minutes, series.size());
  while (back > 1 && series[series.size() - back] == 0) --back;
  issue.first_at = MinuteStart(event.minute - static_cast<int64_t>(back) + 1);
  if (known.first_seen > issue.first_at && known.first_seen < now) {
    issue.first_at = known.first_seen;
  }
  Measure(event, &tracked);
  SetScope(event, &tracked);
  issues_.emplace(state.id, std::move(tracked));
}

void FleetWatch::Measure(const FleetEvent& event, Tracked* tracked) const {
  FleetIssue& issue = tracked->issue;
  tracked->reach = event.reach;
  tracked->changed = true;
  issue.window = Minutes(kWindowMinutes[event.window]);
  issue.hosts_in_window = event.hosts;
  issue.expected = event.expected.mean;
  issue.log10_p = Log10(event.probability);
  for (const uint32_t host : event.affected) tracked->hit.try_emplace(host, issue.first_at);
}

void FleetWatch::SetScope(const FleetEvent& event, Tracked* tracked) const {
  IssueScope& scope = tracked->issue.scope;
  const HostTable& table = hosts_->table();
  scope = {};
  if (event.reach == FleetReach::kRack) {
    const std::optional<KeyNumber> key = table.FindKey("rack");
    if (key) scope = {"rack", table.ValueName(*key, event.cohort.value)};
    return;
  }
  const std::vector<FactColumn> columns = hosts_->ScopeColumns();
  const FleetScope smallest = SmallestScope(
      columns, event.affected, static_cast<uint32_t>(table.told_hosts()), event.expected.mean);
  std::string_view fact;
  uint32_t value = smallest.value;
  if (smallest.fact && *smallest.fact < kScopeFacts) {
    fact = FleetHosts::kScopeKeys[*smallest.fact];
  } else if (event.reach == FleetReach::kCohort) {
    fact = FleetHosts::kCohortKeys[event.cohort.key];
    value = event.cohort.value;
  }
  const std::optional<KeyNumber> key = table.FindKey(fact);
  if (key) scope = {std::string(fact), table.ValueName(*key, value)};
}

void FleetWatch::Update(Tracked* tracked, WallTime now) {
  FleetIssue& issue = tracked->issue;
  const Known& known = known_[issue.pattern];
  issue.version = known.version;
  issue.text = known.text;
  issue.examples = known.examples;
  issue.updated_at = now;
  issue.hosts_reporting = hosts_->reporting(now);
  issue.hosts.clear();
  std::vector<HostHit> hits;
  for (const auto& [host, first] : tracked->hit) {
    hits.push_back({host, first});
    if (issue.hosts.size() < FleetIssue::kHostsMax) {
      issue.hosts.push_back(hosts_->table().Host(host));
    }
  }
  std::ranges::sort(issue.hosts);
  issue.hosts_total = std::max(issue.hosts_total, static_cast<uint64_t>(tracked->hit.size()));
  ExplainIssue(hosts_->table(), hits, now, &issue);
  if (const auto index = detect_.Find(issue.pattern)) {
    const std::vector<uint32_t> series = detect_.Series(*index);
    issue.series.clear();
    for (size_t i = 0; i < series.size(); ++i) {
      const int64_t minute = detect_.present() - static_cast<int64_t>(series.size() - 1 - i);
      issue.series.push_back({MinuteStart(minute), series[i]});
    }
    for (size_t w = 0; w < kWindows; ++w) {
      if (Minutes(kWindowMinutes[w]) == issue.window) {
        issue.hosts_in_window = detect_.HostsIn(*index, w);
      }
    }
  }
  tracked->grown = false;
}

void FleetWatch::Close(const std::string& pattern, WallTime now) {
  const auto found = issues_.find(pattern);
  if (found == issues_.end()) return;
  Update(&found->second, now);
  End(pattern, "Closed: drains are not held for it any more.", now);
}

void FleetWatch::End(const std::string& pattern, std::string response, WallTime now) {
  const auto found = issues_.find(pattern);
  if (found == issues_.end()) return;
  FleetIssue issue = std::move(found->second.issue);
  issues_.erase(found);
  issue.state = IssueState::kClosed;
  issue.closed_at = issue.updated_at = now;
  issue.response = std::move(response);
  closed_.push_back(std::move(issue));
}

std::vector<FleetIssue> FleetWatch::TakeChanged() {
  std::vector<FleetIssue> changed = std::exchange(closed_, {});
  for (auto& [pattern, tracked] : issues_) {
    if (!std::exchange(tracked.changed, false)) continue;
    tracked.told_at = tracked.issue.updated_at;
    changed.push_back(tracked.issue);
  }
  return changed;
}

}  // namespace fleetmedic
