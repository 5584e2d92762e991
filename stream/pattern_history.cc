#include "stream/pattern_history.h"

#include <algorithm>
#include <set>
#include <utility>

#include <fmt/format.h>

#include "base/text.h"
#include "stream/fleet_hosts.h"
#include "stream/pattern_diff.h"

namespace fleetmedic {
namespace {

constexpr double kNoveltyMin = 0.01;
constexpr double kUsualTimes = 2;
constexpr uint64_t kRisingHostsMin = 3;
constexpr Minute kAheadMax = 10;  // a clock that is ahead
constexpr Minute kMinuteStepMax = 120;
constexpr Minute kKnownTensMin = 3;  // of a past that says something
constexpr size_t kExamplesKept = 5;
constexpr size_t kValuesKept = 16;
// A sixteenth goes at once, so that looking for the oldest is seldom.
constexpr size_t kRoomParts = 16;
constexpr size_t kPatternBytes = 256;  // a row without its texts

Minute MinuteOf(WallTime time) {
  return static_cast<Minute>(
      std::max<int64_t>(0, std::chrono::duration_cast<Minutes>(time.time_since_epoch()).count()));
}

WallTime TimeOf(Minute minute) { return WallTime(Minutes(minute)); }

Minute TenBefore(Minute minute) { return minute - minute % kTenMinutes; }

char Lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

bool HasWord(std::string_view text, std::string_view word) {
  return !std::ranges::search(text, word, {}, Lower, Lower).empty();
}

size_t BytesOf(const PatternVariable& variable) {
  size_t bytes = variable.name.size();
  for (const auto& [value, lines] : variable.values) bytes += value.size() + 64;
  return bytes;
}

size_t BytesOf(const PatternExample& example) {
  return example.line.size() + example.source.size() + example.host.str().size() + 96;
}

// The least frequent ones become `other_lines`.
void KeepMostFrequent(PatternVariable* variable) {
  while (variable->values.size() > kValuesKept) {
    const auto least = std::ranges::min_element(variable->values, {},
                                                [](const auto& value) { return value.second; });
    variable->other_lines += least->second;
    variable->values.erase(least);
  }
}

void Merge(const PatternVariable& told, std::vector<PatternVariable>* variables) {
  auto known = std::ranges::find(*variables, told.name, &PatternVariable::name);
  if (known == variables->end()) {
    if (variables->size() >= PatternCount::kVariablesMax) return;
    variables->push_back(told);
    return;
  }
  for (const auto& [value, lines] : told.values) known->values[value] += lines;
  known->other_lines += told.other_lines;
  KeepMostFrequent(&*known);
}

// One for each host where there are several, the newest first.
void Merge(const PatternExample& told, std::vector<PatternExample>* examples) {
  const auto same = std::ranges::find(*examples, told.host, &PatternExample::host);
  if (same != examples->end()) {
    if (same->at > told.at) return;
    examples->erase(same);
  }
  const auto place = std::ranges::find_if(
      *examples, [&](const PatternExample& example) { return example.at <= told.at; });
  examples->insert(place, told);
  if (examples->size() > kExamplesKept) examples->pop_back();
}

bool Before(const PatternSummary& a, const PatternSummary& b, PatternSort sort) {
  switch (sort) {
    case PatternSort::kRank:
      if (a.rank != b.rank) return a.rank > b.rank;
      break;
    case PatternSort::kHosts:
      break;
    case PatternSort::kLines:
      if (a.lines != b.lines) return a.lines > b.lines;
      break;
    case PatternSort::kNew:
      if (a.first_seen != b.first_seen) return a.first_seen > b.first_seen;
      break;
    case PatternSort::kName:
      return a.pattern < b.pattern;
  }
  return std::tuple(b.hosts, b.lines, std::string_view(a.pattern)) <
         std::tuple(a.hosts, a.lines, std::string_view(b.pattern));
}

tl::unexpected<Error> NotSeen(std::string_view pattern) {
  return Fail(Code::kNotFound,
              fmt::format("no pattern {} was seen in the last 24 hours", Quote(pattern)));
}

}  // namespace

PatternHistory::PatternHistory(const PatternHistoryLimits& limits)
    : limits_(limits), hosts_(limits.hosts) {}

PatternHistory::Span PatternHistory::SpanOf(Millis range, WallTime now) {
  const auto minutes = static_cast<Minute>(
      std::clamp<int64_t>(std::chrono::duration_cast<Minutes>(range).count(), 1, kDayMinutes));
  Span span;
  span.to = MinuteOf(now);
  span.from = span.to >= minutes ? span.to - minutes + 1 : 0;
  return span;
}

void PatternHistory::NoteHeard(HostIndex host, Minute minute) {
  if (presence_.size() <= host) presence_.resize(hosts_.index_end());
  Presence& presence = presence_[host];
  presence.heard = std::max(presence.heard, minute);
  if (std::exchange(presence.gone, false)) --gone_;
}

void PatternHistory::Heard(const HostId& host, WallTime at) {
  if (const std::optional<HostIndex> index = hosts_.Add(host)) NoteHeard(*index, MinuteOf(at));
}

void PatternHistory::TakeFacts(const HostFacts& facts, WallTime at) {
  if (hosts_.SetFacts(facts, at)) Heard(facts.host, at);
}

void PatternHistory::TakeWork(const ExecutorReport& report, WallTime at) {
  if (report.complete) hosts_.SetWork(report.host, WorkOf(report), at);
  Heard(report.host, at);
}

void PatternHistory::PruneHosts(WallTime now) {
  const Minute gone_before = MinuteOf(now - kGoneAfter);
  for (HostIndex host = 0; host < presence_.size(); ++host) {
    Presence& presence = presence_[host];
    if (presence.gone || presence.heard == 0 || presence.heard >= gone_before) continue;
    presence.gone = true;
    ++gone_;
    hosts_.Remove(hosts_.Host(host), now);
  }
  // Marks are a day old at most, and a host was heard of when it made its last.
  for (const HostIndex host : hosts_.Forget(now - Minutes(kDayMinutes) - kGoneAfter)) {
    presence_[host] = {};
    --gone_;
  }
}

void PatternHistory::MakeRoom() {
  std::vector<Minute> seen;
  seen.reserve(rows_.size());
  for (const auto& [name, row] : rows_) seen.push_back(row.trace.last());
  const auto limit = seen.begin() + static_cast<ptrdiff_t>(seen.size() / kRoomParts);
  std::ranges::nth_element(seen, limit);
  size_t left = std::max<size_t>(1, seen.size() / kRoomParts);
  for (auto row = rows_.begin(); row != rows_.end() && left > 0;) {
    if (row->second.trace.last() > *limit || open_issue_.contains(row->first)) {
      ++row;
      continue;
    }
    marks_ -= row->second.trace.hosts().size();
    text_bytes_ -= row->second.text_bytes;
    row = rows_.erase(row);
    ++dropped_.patterns;
    --left;
  }
}

PatternHistory::Row* PatternHistory::RowFor(const PatternCount& count) {
  const auto known = rows_.find(count.pattern);
  if (known != rows_.end()) return &known->second;
  // A template under another identifier is not new.
  for (const std::string& alias : count.aliases) {
    auto row = rows_.extract(alias);
    if (row.empty()) continue;
    row.key() = count.pattern;
    return &rows_.insert(std::move(row)).position->second;
  }
  if (rows_.size() >= limits_.patterns_max) MakeRoom();
  if (rows_.size() >= limits_.patterns_max) {
    ++dropped_.patterns;
    return nullptr;
  }
  return &rows_[count.pattern];
}

void PatternHistory::Take(const PatternCount& count, WallTime now) {
  const Minute minute = MinuteOf(count.minute);
  const Minute now_minute = MinuteOf(now);
  if (minute > now_minute + kAheadMax || minute + kDayMinutes < now_minute) {
    ++dropped_.out_of_time;
    return;
  }
  Row* row = RowFor(count);
  if (row == nullptr) return;
  if (begins_ == 0 || minute < begins_) begins_ = minute;
  row->kind = count.kind;
  const WallTime first = count.first_seen == kWallNever ? count.minute : count.first_seen;
  if (row->first_seen == kWallNever || first < row->first_seen) row->first_seen = first;
  std::vector<HostIndex> hosts;
  hosts.reserve(count.hosts.size());
  for (const HostId& host : count.hosts) {
    const std::optional<HostIndex> index = hosts_.Add(host);
    if (!index) continue;
    NoteHeard(*index, minute);
    hosts.push_back(*index);
  }
  const size_t free = limits_.host_marks_max - std::min(marks_, limits_.host_marks_max);
  const PatternTrace::Taken taken = row->trace.Take(minute, count.partition, count.first_offset,
                                                    count.last_offset, count.lines, hosts, free);
  marks_ += taken.marks;
  dropped_.hosts += taken.unmarked;
  TakeTexts(row, count, taken.lines > 0);
}

void PatternHistory::TakeTexts(Row* row, const PatternCount& count, bool lines_are_new) {
  text_bytes_ -= row->text_bytes;
  // A text that is short is no matter; what a pattern is called must not be missing.
  row->version = count.version;
  row->text = count.text;
  if (text_bytes_ + row->text_bytes < limits_.text_bytes_max) {
    for (const PatternExample& example : count.examples) Merge(example, &row->examples);
    if (lines_are_new) {
      for (const PatternVariable& variable : count.variables) Merge(variable, &row->variables);
    }
  } else if (!count.examples.empty() || !count.variables.empty()) {
    ++dropped_.texts;
  }
  row->text_bytes = row->text.size() + row->version.size();
  for (const PatternExample& example : row->examples) row->text_bytes += BytesOf(example);
  for (const PatternVariable& variable : row->variables) row->text_bytes += BytesOf(variable);
  text_bytes_ += row->text_bytes;
}

void PatternHistory::MapIssues() {
  open_issue_.clear();
  for (const auto& [id, issue] : issues_) {
    if (issue->state == IssueState::kOpen) open_issue_[issue->pattern] = id;
  }
}

void PatternHistory::TakeIssue(FleetIssue issue) {
  const std::string id = issue.id;
  issues_[id] = std::make_shared<const FleetIssue>(std::move(issue));
  while (issues_.size() > limits_.issues_max) {
    const auto oldest = std::ranges::min_element(issues_, {}, [](const auto& each) {
      return std::pair(each.second->state == IssueState::kOpen, each.second->updated_at);
    });
    issues_.erase(oldest);
    ++dropped_.issues;
  }
  MapIssues();
}

void PatternHistory::Prune(WallTime now) {
  const Minute minute = MinuteOf(now);
  // Where hosts take too much room the older ones go first.
  Minute kept = kDayMinutes;
  bool again = true;
  while (again) {
    const Minute hosts_from = minute > kept ? minute - kept : 0;
    for (auto row = rows_.begin(); row != rows_.end();) {
      marks_ -= row->second.trace.Prune(minute, hosts_from);
      if (row->second.trace.last() + kDayMinutes < minute) {
        marks_ -= row->second.trace.hosts().size();
        text_bytes_ -= row->second.text_bytes;
        row = rows_.erase(row);
      } else {
        ++row;
      }
    }
    again = marks_ >= limits_.host_marks_max && kept > 15;
    if (again) kept /= 2;
  }
  if (minute > kDayMinutes) begins_ = std::max(begins_, minute - kDayMinutes);
  PruneHosts(now);
}

PatternHistory::ScopeColumn PatternHistory::ColumnOf(const IssueScope& scope) const {
  ScopeColumn column;
  if (scope.fact.empty()) return column;
  column.all = false;
  column.column = hosts_.Column(scope.fact);
  const std::optional<KeyNumber> key = hosts_.FindKey(scope.fact);
  if (!key) return column;
  column.value = hosts_.FindValue(*key, scope.value).value_or(kValueUnknown);
  return column;
}

bool PatternHistory::Wanted(const std::string& name, const Row& row,
                            const PatternQuery& query) const {
  if (query.only_unmatched && row.kind != PatternKind::kTemplate) return false;
  if (query.new_since != kWallNever && row.first_seen < query.new_since) return false;
  return std::ranges::all_of(query.words, [&](const std::string& word) {
    return HasWord(name, word) || HasWord(row.text, word);
  });
}

double PatternHistory::MeanTenHosts(const Row& row, Minute now) const {
  const Minute day = now > kDayMinutes ? now - kDayMinutes : 0;
  const bool seen_since = MinuteOf(row.first_seen) >= begins_;
  const Minute from = TenBefore(seen_since ? day : std::max(day, begins_));
  const Minute tens = (TenBefore(now) - from) / kTenMinutes + 1;
  double sum = 0;
  double peak = 0;
  for (const TracePoint& point : row.trace.tens()) {
    if (point.at < from) continue;
    sum += point.hosts;
    peak = std::max(peak, static_cast<double>(point.hosts));
  }
  // Of so short a past nothing is known: what is there is as always.
  return tens < kKnownTensMin ? peak : sum / tens;
}

std::vector<uint64_t> PatternHistory::Trend(const Row& row, Span span) const {
  const Minute minutes = span.to - span.from + 1;
  const bool fine = minutes <= kMinuteStepMax;
  const Minute steps = fine ? minutes : (minutes + kTenMinutes - 1) / kTenMinutes;
  const auto parts = std::min<Minute>(steps, PatternSummary::kTrendMax);
  std::vector<uint64_t> trend(parts, 0);
  for (const TracePoint& point : fine ? row.trace.minutes() : row.trace.tens()) {
    const Minute at = std::max(point.at, span.from);
    if (point.at + (fine ? 0 : kTenMinutes - 1) < span.from || at > span.to) continue;
    uint64_t& part = trend[static_cast<size_t>(at - span.from) * parts / minutes];
    part = std::max<uint64_t>(part, point.hosts);
  }
  return trend;
}

PatternSummary PatternHistory::Summary(const std::string& name, const Row& row, Span span,
                                       const ScopeColumn& scope) const {
  PatternSummary summary;
  summary.pattern = name;
  summary.kind = row.kind;
  summary.first_seen = row.first_seen;
  // Known by its minute, and better where there is an example.
  summary.last_seen = std::max(TimeOf(row.trace.last()), row.first_seen);
  if (!row.examples.empty()) {
    summary.last_seen = std::max(summary.last_seen, row.examples.front().at);
  }
  summary.lines = row.trace.LinesSince(span.from);
  summary.hosts_cut = row.trace.hosts_cut(span.from);
  for (const auto& [host, marks] : row.trace.hosts()) {
    if (marks.last() < span.from || !scope.Has(host)) continue;
    ++summary.hosts;
    if (marks.last() + kTenMinutes > span.to) ++summary.hosts_10m;
  }
  summary.is_new = MinuteOf(row.first_seen) >= span.from;
  const double mean = MeanTenHosts(row, span.to);
  double peak = 0;
  for (const TracePoint& point : row.trace.tens()) {
    if (point.at >= TenBefore(span.from)) peak = std::max<double>(peak, point.hosts);
  }
  summary.novelty = peak == 0 ? kNoveltyMin : std::max(kNoveltyMin, 1 - kUsualTimes * mean / peak);
  summary.rising = summary.hosts_10m >= kRisingHostsMin &&
                   static_cast<double>(summary.hosts_10m) > kUsualTimes * mean;
  summary.rank = static_cast<double>(summary.hosts) * summary.novelty;
  const auto issue = open_issue_.find(name);
  if (issue != open_issue_.end()) summary.issue = issue->second;
  return summary;
}

PatternList PatternHistory::List(const PatternQuery& query, WallTime now) const {
  const Span span = SpanOf(query.range, now);
  const ScopeColumn scope = ColumnOf(query.scope);
  PatternList list;
  list.now = now;
  list.from = TimeOf(span.from);
  list.patterns_total = rows_.size();
  for (const auto& [name, row] : rows_) {
    if (row.trace.last() < span.from || !Wanted(name, row, query)) continue;
    PatternSummary summary = Summary(name, row, span, scope);
    if (!scope.all && summary.hosts == 0) continue;
    if (query.only_rising && !summary.rising) continue;
    list.lines_total += summary.lines;
    list.items.push_back(std::move(summary));
  }
  list.matching_total = list.items.size();
  const size_t shown = std::min(list.items.size(), query.items_max);
  std::ranges::partial_sort(
      list.items, list.items.begin() + static_cast<ptrdiff_t>(shown),
      [&](const PatternSummary& a, const PatternSummary& b) { return Before(a, b, query.sort); });
  list.items.resize(shown);
  // Only of those that are shown, since texts and trends are long.
  for (PatternSummary& summary : list.items) {
    const Row& row = rows_.find(summary.pattern)->second;
    summary.version = row.version;
    summary.text = row.text;
    summary.trend = Trend(row, span);
  }
  return list;
}

Result<PatternDetail> PatternHistory::Show(std::string_view pattern, Millis range,
                                           WallTime now) const {
  const auto found = rows_.find(pattern);
  if (found == rows_.end()) return NotSeen(pattern);
  const Row& row = found->second;
  const Span span = SpanOf(range, now);
  PatternDetail detail;
  detail.summary = Summary(found->first, row, span, ScopeColumn());
  detail.summary.version = row.version;
  detail.summary.text = row.text;
  detail.summary.trend = Trend(row, span);
  detail.now = now;
  detail.from = TimeOf(span.from);
  const bool fine = span.to - span.from + 1 <= kMinuteStepMax;
  detail.step = fine ? Minutes(1) : Minutes(kTenMinutes);
  for (const TracePoint& point : fine ? row.trace.minutes() : row.trace.tens()) {
    if (point.at < (fine ? span.from : TenBefore(span.from))) continue;
    detail.series.push_back({TimeOf(point.at), point.hosts, point.lines});
  }
  for (const auto& [host, marks] : row.trace.hosts()) {
    if (marks.last() < span.from) continue;
    detail.hosts.emplace_back(hosts_.Host(host), TimeOf(marks.last()));
  }
  const size_t shown = std::min(detail.hosts.size(), PatternDetail::kHostsMax);
  std::ranges::partial_sort(detail.hosts, detail.hosts.begin() + static_cast<ptrdiff_t>(shown),
                            [](const auto& a, const auto& b) {
                              return std::tie(b.second, a.first) < std::tie(a.second, b.first);
                            });
  detail.hosts.resize(shown);
  detail.examples = row.examples;
  detail.variables = row.variables;
  return detail;
}

Result<std::vector<uint64_t>> PatternHistory::BitsAmong(const PatternSelection& selection,
                                                        Minute from) const {
  std::vector<uint64_t> bits;
  if (gone_ > 0) bits.assign(hosts_.index_end() / 64 + 1, ~uint64_t{0});
  for (HostIndex host = 0; gone_ > 0 && host < presence_.size(); ++host) {
    const bool left = presence_[host].gone && presence_[host].heard < from;
    if (left) bits[host / 64] &= ~(uint64_t{1} << host % 64);
  }
  for (const auto& [fact, value] : selection.among) {
    const ScopeColumn column = ColumnOf({fact, value});
    if (column.value == kValueUnknown) {
      return Fail(Code::kInvalidArgument,
                  fmt::format("no host has {}={}", Quote(fact), Quote(value)));
    }
    if (bits.empty()) bits.assign(hosts_.index_end() / 64 + 1, ~uint64_t{0});
    for (HostIndex host = 0; host < hosts_.index_end(); ++host) {
      if (!column.Has(host)) bits[host / 64] &= ~(uint64_t{1} << host % 64);
    }
  }
  return bits;
}

Result<PatternDiff> PatternHistory::Diff(std::string_view pattern,
                                         const PatternSelection& selection, WallTime now) const {
  const auto found = rows_.find(pattern);
  if (found == rows_.end()) return NotSeen(pattern);
  Span span = SpanOf(selection.range, now);
  if (selection.from != kWallNever) {
    span = {MinuteOf(selection.from), MinuteOf(selection.to)};
    const Minute known = MinuteOf(now) - HostMarks::kKnown;
    if (span.from > span.to) {
      return Fail(Code::kInvalidArgument, "the selection ends before it begins");
    }
    if (span.from < known && span.to < MinuteOf(now)) {
      return Fail(Code::kInvalidArgument,
                  fmt::format("who was hit before {} is not known to the minute any more",
                              FormatWallSecond(TimeOf(known))));
    }
  }
  std::vector<HostIndex> hit;
  for (const auto& [host, marks] : found->second.trace.hosts()) {
    if (marks.Within(span.from, span.to)) hit.push_back(host);
  }
  FLEETMEDIC_ASSIGN_OR_RETURN(const std::vector<uint64_t> among, BitsAmong(selection, span.from));
  PatternDiff diff = DifferencesOf(hosts_, hit, among, now);
  diff.pattern = found->first;
  diff.from = TimeOf(span.from);
  diff.to = TimeOf(span.to) + Minutes(1);
  return diff;
}

std::vector<FleetIssuePtr> PatternHistory::Issues() const {
  std::vector<FleetIssuePtr> issues;
  for (const auto& [id, issue] : issues_) issues.push_back(issue);
  std::ranges::stable_sort(issues, [](const FleetIssuePtr& a, const FleetIssuePtr& b) {
    return std::tuple(a->state, b->updated_at) < std::tuple(b->state, a->updated_at);
  });
  return issues;
}

Result<FleetIssuePtr> PatternHistory::Issue(std::string_view id) const {
  const auto found = issues_.find(id);
  if (found != issues_.end()) return found->second;
  return Fail(Code::kNotFound, fmt::format("no fleet issue {} is known", Quote(id)));
}

PatternHistory::Figures PatternHistory::Count(WallTime now) const {
  Figures figures;
  for (const auto& [name, row] : rows_) {
    ++(row.kind == PatternKind::kRule ? figures.rules : figures.templates);
    if (row.first_seen + Hours(1) > now) ++figures.fresh;
  }
  std::set<HostId> hit;
  uint64_t hit_at_least = 0;
  for (const auto& [id, issue] : issues_) {
    if (issue->state != IssueState::kOpen) continue;
    ++figures.issues_open;
    hit.insert(issue->hosts.begin(), issue->hosts.end());
    hit_at_least = std::max(hit_at_least, issue->hosts_total);
  }
  // An issue of more hosts than it lists has at least so many.
  figures.issue_hosts = std::max<size_t>(hit.size(), hit_at_least);
  figures.host_marks = marks_;
  figures.text_bytes = text_bytes_;
  return figures;
}

size_t PatternHistory::MemoryBytes() const {
  size_t bytes = hosts_.MemoryBytes() + presence_.capacity() * sizeof(Presence) + text_bytes_;
  for (const auto& [name, row] : rows_) bytes += kPatternBytes + row.trace.MemoryBytes();
  return bytes;
}

}  // namespace fleetmedic
