#include "stream/fleet_detect.h"

#include <algorithm>
#include <cmath>

#include "absl/strings/string_view.h"
#include "base/result.h"

namespace fleetmedic {
namespace {

constexpr double kMinutesPerDay = 24 * 60;

// Whether what was computed of `then` is wrong by no more than a twentieth of a host or so.
bool Near(double now, double then, double share) { return std::abs(now - then) <= share * then; }

}  // namespace

FleetDetect::FleetDetect(const FleetDetectOptions& options, int64_t minute)
    : options_(options), present_(minute), watched_from_(minute + 1), cohorts_(options.cohorts) {
  FLEETMEDIC_CHECK(options.hosts_max > 0 && options.hosts_max <= PatternWindow::kHostsEnd);
}

double FleetDetect::Level() const {
  const size_t patterns = std::max<size_t>(patterns_total_, std::max<size_t>(by_id_.size(), 1));
  return options_.false_flags_per_day / (static_cast<double>(kWindows * patterns) * kMinutesPerDay);
}

std::optional<PatternIndex> FleetDetect::Intern(std::string_view id, PatternKind kind,
                                                Before before) {
  if (const auto known = Find(id)) return known;
  if (by_id_.size() >= options_.patterns_max) {
    if (oldest_ == kNoPattern) {
      ++dropped_.patterns;
      return std::nullopt;
    }
    ++dropped_.templates;
    Remove(oldest_);
  }
  if (free_.empty()) {
    free_.push_back(static_cast<PatternIndex>(patterns_.size()));
    patterns_.emplace_back();
  }
  const PatternIndex index = free_.back();
  free_.pop_back();
  Pattern& pattern = patterns_[index];
  pattern.id = id;
  pattern.kind = kind;
  pattern.used = true;
  pattern.observed = observations_;
  if (before == Before::kSilent) pattern.baselines = silent_;
  by_id_.emplace(pattern.id, index);
  Link(index);
  return index;
}

std::optional<PatternIndex> FleetDetect::Find(std::string_view id) const {
  const auto known = by_id_.find(absl::string_view(id.data(), id.size()));
  if (known == by_id_.end()) return std::nullopt;
  return known->second;
}

void FleetDetect::Remove(PatternIndex index) {
  Pattern& pattern = patterns_[index];
  FLEETMEDIC_CHECK(pattern.used);
  if (pattern.reach == FleetReach::kNone) Unlink(index);
  if (pattern.active) Deactivate(index);
  if (pattern.cohorts != nullptr) --chatty_;
  by_id_.erase(pattern.id);
  pattern = Pattern{};
  free_.push_back(index);
}

void FleetDetect::Merge(PatternIndex from_index, PatternIndex into_index) {
  FLEETMEDIC_CHECK(from_index != into_index);
  Pattern& from = patterns_[from_index];
  Pattern& into = patterns_[into_index];
  CatchUp(&from);
  CatchUp(&into);
  from.window.AdvanceTo(present_);
  from.window.ForEach([&](uint32_t host, int age) { Hit(into_index, host, present_ - age); });
  if (from.first_hit != 0 && (into.first_hit == 0 || from.first_hit < into.first_hit)) {
    into.first_hit = from.first_hit;
  }
  TakeBaselines(&into, from.baselines);
  if (into.reach == FleetReach::kNone && from.reach != FleetReach::kNone) {
    if (!into.active) Activate(into_index);
    Unlink(into_index);
    into.reach = from.reach;
    into.flagged_since = from.flagged_since;
    into.cohort = from.cohort;
  }
  // Of both together no cohort is known: where one alone had any they are the best guess.
  if (into.cohorts == nullptr) {
    into.cohorts = std::move(from.cohorts);
  } else if (from.cohorts != nullptr) {
    *into.cohorts = CohortWatch();
  }
  if (from.cohorts != nullptr) --chatty_;
  from.cohorts.reset();
  Remove(from_index);
}

void FleetDetect::Inherit(PatternIndex index, const std::array<BaselineState, kWindows>& states) {
  std::array<Baseline, kWindows> baselines;
  for (size_t w = 0; w < kWindows; ++w) baselines[w] = Baseline(states[w]);
  CatchUp(&patterns_[index]);
  TakeBaselines(&patterns_[index], baselines);
}

void FleetDetect::TakeBaselines(Pattern* pattern,
                                const std::array<Baseline, kWindows>& baselines) const {
  for (size_t w = 0; w < kWindows; ++w) pattern->baselines[w].Take(baselines[w]);
  if (pattern->active) SetExpectations(pattern);
}

void FleetDetect::Link(PatternIndex index) {
  Pattern& pattern = patterns_[index];
  if (pattern.kind != PatternKind::kTemplate) return;
  pattern.older = newest_;
  pattern.newer = kNoPattern;
  (newest_ == kNoPattern ? oldest_ : patterns_[newest_].newer) = index;
  newest_ = index;
}

void FleetDetect::Unlink(PatternIndex index) {
  Pattern& pattern = patterns_[index];
  if (pattern.kind != PatternKind::kTemplate) return;
  (pattern.newer == kNoPattern ? newest_ : patterns_[pattern.newer].older) = pattern.older;
  (pattern.older == kNoPattern ? oldest_ : patterns_[pattern.older].newer) = pattern.newer;
}

void FleetDetect::Activate(PatternIndex index) {
  Pattern& pattern = patterns_[index];
  pattern.active = true;
  pattern.active_at = static_cast<uint32_t>(active_.size());
  active_.push_back(index);
  CatchUp(&pattern);
  SetExpectations(&pattern);
}

void FleetDetect::Deactivate(PatternIndex index) {
  Pattern& pattern = patterns_[index];
  pattern.active = false;
  active_[pattern.active_at] = active_.back();
  patterns_[active_.back()].active_at = pattern.active_at;
  active_.pop_back();
}

void FleetDetect::CatchUp(Pattern* pattern) const {
  for (size_t w = 0; w < kWindows; ++w) {
    pattern->baselines[w].ObserveNone(observations_[w] - pattern->observed[w]);
    pattern->observed[w] = observations_[w];
  }
}

void FleetDetect::SetExpectations(Pattern* pattern) const {
  for (size_t w = 0; w < kWindows; ++w) {
    WindowTest& test = pattern->tests[w];
    test.spread_over = 0;
    test.ready = pattern->baselines[w].known() && hosts_reporting_ > 0;
    test.least = kNever;
    if (!test.ready) continue;
    test.expected = pattern->baselines[w].Expect(hosts_reporting_, kWindowMinutes[w]);
    const double ratio = std::ceil(options_.ratio_min * test.expected.mean);
    test.least = std::max(options_.hosts_min, static_cast<uint32_t>(std::min(ratio, 1e9)));
  }
}

void FleetDetect::Compute(WindowTest* test) const {
  const double level = Level();
  if (Near(test->expected.mean, test->computed_of.mean, 0.005) &&
      Near(test->expected.dispersion, test->computed_of.dispersion, 0.005) &&
      Near(level, test->computed_at, 0.02)) {
    test->flag_at = std::max(test->flag_at, test->least);
    return;
  }
  test->computed_of = test->expected;
  test->computed_at = level;
  const uint32_t most = std::max({hosts_end_, test->least, 2U});
  test->flag_at = SmallestUnlikely(test->expected, level, test->least, most);
  if (test->flag_at > most) test->flag_at = kNever;
  test->outside_at = SmallestUnlikely(test->expected, level, 2, most);
}

void FleetDetect::Hit(PatternIndex index, uint32_t host, int64_t minute) {
  if (host >= options_.hosts_max) {
    ++dropped_.host_hits;
    return;
  }
  Pattern& pattern = patterns_[index];
  FLEETMEDIC_CHECK(pattern.used);
  pattern.window.AdvanceTo(present_);
  if (window_bytes_ >= options_.window_bytes_max &&
      pattern.window.hosts(kWindows - 1) >= kCrowdHosts) {
    ++dropped_.window_hits;
    return;
  }
  hosts_end_ = std::max(hosts_end_, host + 1);
  const size_t bytes = pattern.window.MemoryBytes();
  const PatternWindow::Seen seen = pattern.window.Add(host, minute, hosts_end_);
  window_bytes_ += pattern.window.MemoryBytes() - bytes;
  switch (seen) {
    case PatternWindow::Seen::kLate:
      ++dropped_.late_hits;
      return;
    case PatternWindow::Seen::kKnown:
      return;
    case PatternWindow::Seen::kNew:
      break;
  }
  if (!pattern.active) Activate(index);
  minute = std::min(minute, present_);
  if (pattern.first_hit == 0) pattern.first_hit = minute;
  if (pattern.last_hit < minute) {
    pattern.last_hit = minute;
    if (pattern.reach == FleetReach::kNone && newest_ != index) {
      Unlink(index);
      Link(index);
    }
  }
  if (pattern.suspect) return;
  for (size_t w = 0; w < kWindows; ++w) {
    if (pattern.window.hosts(w) < pattern.tests[w].least) continue;
    pattern.suspect = true;
    suspects_.push_back(index);
    return;
  }
}

bool FleetDetect::NoteGrowth(const FleetFacts& facts) {
  if (facts.hosts_reporting > hosts_reporting_ + hosts_reporting_ / 100) {
    hosts_reporting_ = facts.hosts_reporting;
    grown_ = true;
  }
  return grown_;
}

void FleetDetect::Judge(const FleetFacts& facts, std::vector<FleetEvent>* events) {
  for (const PatternIndex index : suspects_) {
    if (!patterns_[index].suspect) continue;
    patterns_[index].suspect = false;
    patterns_[index].window.AdvanceTo(present_);
    Evaluate(index, facts, events);
  }
  suspects_.clear();
}

void FleetDetect::Evaluate(PatternIndex index, const FleetFacts& facts,
                           std::vector<FleetEvent>* events) {
  Pattern& pattern = patterns_[index];
  if (pattern.reach == FleetReach::kFleet) return;
  FleetEvent best{.reach = pattern.reach};
  for (size_t w = 0; w < kWindows; ++w) {
    WindowTest& test = pattern.tests[w];
    const uint32_t hosts = pattern.window.hosts(w);
    if (hosts < test.least || hosts <= test.spread_over) continue;
    Compute(&test);
    if (hosts < test.flag_at) continue;
    test.spread_over = hosts;
    std::vector<uint32_t> affected = pattern.window.HostsIn(w);
    const RackSpread spread = SpreadOver(facts.rack, affected);
    // Two racks are not enough where the pattern is seen here and there anyway: what a sick rack
    // adds to that is still one rack. So the hosts outside it must be too many by themselves. And
    // where they nearly are, no rack is to blame: one host more decides.
    const bool is_rack = spread.asked && spread.outside < test.outside_at;
    if (is_rack && !spread.concentrated) continue;
    const FleetReach reach = is_rack ? FleetReach::kRack : FleetReach::kFleet;
    const double probability = CountTail(test.expected, hosts);
    const bool better = reach > best.reach ||
                        (reach == best.reach && best.hosts > 0 && probability < best.probability);
    if (!better) continue;
    best = {.reach = reach,
            .window = w,
            .hosts = hosts,
            .threshold = test.flag_at,
            .expected = test.expected,
            .probability = probability};
    if (is_rack) {
      best.cohort.value = spread.fullest;
      std::erase_if(affected,
                    [&](uint32_t host) { return facts.rack.ValueOf(host) != spread.fullest; });
    }
    best.affected = std::move(affected);
  }
  if (best.hosts > 0) Flag(index, std::move(best), events);
}

void FleetDetect::Flag(PatternIndex index, FleetEvent event, std::vector<FleetEvent>* events) {
  Pattern& pattern = patterns_[index];
  event.change = FleetChange::kWidened;
  if (pattern.reach == FleetReach::kNone) {
    event.change = FleetChange::kOpened;
    pattern.flagged_since = present_;
    Unlink(index);
  }
  for (Baseline& baseline : pattern.baselines) baseline.Drop();
  if (pattern.cohorts != nullptr) pattern.cohorts->Drop();
  pattern.reach = event.reach;
  pattern.cohort = event.cohort;
  pattern.calm_minutes = 0;
  event.pattern = index;
  event.minute = present_;
  events->push_back(std::move(event));
}

void FleetDetect::CloseIfCalm(PatternIndex index, bool calm, int minutes,
                              std::vector<FleetEvent>* events) {
  Pattern& pattern = patterns_[index];
  pattern.calm_minutes = calm ? pattern.calm_minutes + minutes : 0;
  if (pattern.calm_minutes < options_.clear_minutes) return;
  events->push_back({.change = FleetChange::kClosed,
                     .reach = pattern.reach,
                     .pattern = index,
                     .minute = present_,
                     .cohort = pattern.cohort});
  pattern.reach = FleetReach::kNone;
  pattern.cohort = {};
  pattern.calm_minutes = 0;
  Link(index);
}

bool FleetDetect::Watched(size_t window) const {
  return present_ - watched_from_ + 1 >= kWindowMinutes[window];
}

bool FleetDetect::Frozen(const Pattern& pattern) const {
  return pattern.reach != FleetReach::kNone &&
         present_ - pattern.flagged_since < options_.freeze_minutes_max;
}

bool FleetDetect::IsCalm(Pattern* pattern) const {
  for (size_t w = 0; w < kWindows; ++w) {
    WindowTest& test = pattern->tests[w];
    if (!Watched(w) || !test.ready) return false;
    Compute(&test);
    if (uint64_t{pattern->window.hosts(w)} * 2 >= test.flag_at) return false;
  }
  return true;
}

void FleetDetect::Learn(Pattern* pattern) {
  for (size_t w = 0; w < kWindows; ++w) {
    if (observations_[w] == pattern->observed[w]) continue;
    pattern->observed[w] = observations_[w];
    if (!Frozen(*pattern)) {
      pattern->baselines[w].Observe(pattern->window.hosts(w), hosts_reporting_);
    }
  }
}

void FleetDetect::EndOfMinute(int64_t minute, const FleetFacts& facts,
                              std::vector<FleetEvent>* events) {
  if (minute < present_) return;
  if (minute > present_) watched_from_ = minute + 1;
  present_ = minute;
  hosts_end_ = std::max(hosts_end_, std::min(facts.hosts_end, options_.hosts_max));
  suspects_.clear();
  const bool grown = NoteGrowth(facts);
  for (const PatternIndex index : active_) {
    patterns_[index].suspect = false;
    patterns_[index].window.AdvanceTo(minute);
    if (grown) SetExpectations(&patterns_[index]);
    Evaluate(index, facts, events);
  }
  grown_ = false;
  if (facts.hosts_reporting > 0) hosts_reporting_ = facts.hosts_reporting;
  for (size_t w = 0; w < kWindows; ++w) {
    // While no host reports nothing is seen, and nothing is learnt from that.
    if (!Watched(w) || facts.hosts_reporting == 0) continue;
    ++observations_[w];
    silent_[w].ObserveNone(1);
  }
  if (chatty_ > 0 || minute % CohortWatch::kRoundMinutes == 0) cohorts_.Measure(facts);
  dropped_.cohorts = cohorts_.left_out();
  for (const PatternIndex index : active_) {
    Pattern& pattern = patterns_[index];
    Learn(&pattern);
    SetExpectations(&pattern);
    TestCohorts(index, facts, events);
    if (pattern.reach == FleetReach::kRack || pattern.reach == FleetReach::kFleet) {
      CloseIfCalm(index, IsCalm(&pattern), 1, events);
    }
  }
  window_bytes_ = 0;
  for (size_t i = active_.size(); i-- > 0;) {
    const Pattern& pattern = patterns_[active_[i]];
    window_bytes_ += pattern.window.MemoryBytes();
    if (pattern.window.blank() && pattern.reach == FleetReach::kNone) Deactivate(active_[i]);
  }
  present_ = minute + 1;
}

bool FleetDetect::IsChatty(const Pattern& pattern) const {
  // What is tested by cohort stays so until it is half as chatty.
  const double hosts_min = options_.chatty_hosts_min / (pattern.cohorts == nullptr ? 1 : 2);
  const WindowTest& test = pattern.tests[kWindows - 1];
  return test.ready && test.expected.mean >= hosts_min;
}

void FleetDetect::TestCohorts(PatternIndex index, const FleetFacts& facts,
                              std::vector<FleetEvent>* events) {
  Pattern& pattern = patterns_[index];
  if ((present_ + index) % CohortWatch::kRoundMinutes != 0 || !Watched(kWindows - 1)) return;
  if (pattern.reach == FleetReach::kRack || pattern.reach == FleetReach::kFleet) return;
  const bool flagged = pattern.reach == FleetReach::kCohort;
  if (!flagged && !IsChatty(pattern)) {
    if (pattern.cohorts != nullptr) --chatty_;
    pattern.cohorts.reset();
    return;
  }
  if (pattern.cohorts == nullptr) {
    if (!flagged && chatty_ >= options_.chatty_patterns_max) {
      ++dropped_.chatty_patterns;
      return;
    }
    if (chatty_++ == 0) cohorts_.Measure(facts);
    pattern.cohorts = std::make_unique<CohortWatch>();
  }
  const CohortWatch::Round round{
      .facts = facts,
      .window = pattern.window,
      .level = Level() / static_cast<double>(std::max<size_t>(1, cohorts_.tested().size())),
      .hosts_min = options_.hosts_min,
      .ratio_min = options_.ratio_min,
      .learn = !Frozen(pattern)};
  std::optional<CohortFinding> found = pattern.cohorts->Run(&cohorts_, round);
  if (flagged) {
    const bool calm = pattern.cohorts->Calm(cohorts_, round, pattern.cohort);
    CloseIfCalm(index, calm, CohortWatch::kRoundMinutes, events);
  } else if (found) {
    Flag(index,
         {.reach = FleetReach::kCohort,
          .window = found->window,
          .hosts = static_cast<uint32_t>(found->hosts.size()),
          .threshold = found->threshold,
          .expected = found->expected,
          .probability = found->probability,
          .cohort = found->cohort,
          .affected = std::move(found->hosts)},
         events);
  }
}

void FleetDetect::Forget(std::span<const uint32_t> hosts) {
  for (const PatternIndex index : active_) {
    for (const uint32_t host : hosts) patterns_[index].window.Forget(host);
  }
}

PatternState FleetDetect::State(PatternIndex index) const {
  const Pattern& pattern = patterns_[index];
  PatternState state{.id = pattern.id,
                     .kind = pattern.kind,
                     .first_hit = pattern.first_hit,
                     .last_hit = pattern.last_hit,
                     .reach = pattern.reach,
                     .flagged_since = pattern.flagged_since,
                     .cohort = pattern.cohort};
  for (size_t w = 0; w < kWindows; ++w) {
    Baseline baseline = pattern.baselines[w];
    baseline.ObserveNone(observations_[w] - pattern.observed[w]);
    state.baselines[w] = baseline.state();
  }
  return state;
}

uint32_t FleetDetect::HostsIn(PatternIndex index, size_t window) {
  patterns_[index].window.AdvanceTo(present_);
  return patterns_[index].window.hosts(window);
}

std::vector<uint32_t> FleetDetect::HostListIn(PatternIndex index, size_t window) {
  patterns_[index].window.AdvanceTo(present_);
  return patterns_[index].window.HostsIn(window);
}

std::vector<uint32_t> FleetDetect::Series(PatternIndex index) {
  patterns_[index].window.AdvanceTo(present_);
  return patterns_[index].window.Series();
}

std::optional<Expectation> FleetDetect::ExpectedIn(PatternIndex index, size_t window) const {
  const Pattern& pattern = patterns_[index];
  Baseline baseline = pattern.baselines[window];
  baseline.ObserveNone(observations_[window] - pattern.observed[window]);
  if (!baseline.known() || hosts_reporting_ == 0) return std::nullopt;
  return baseline.Expect(hosts_reporting_, kWindowMinutes[window]);
}

std::vector<PatternIndex> FleetDetect::Patterns() const {
  std::vector<PatternIndex> all;
  all.reserve(by_id_.size());
  for (PatternIndex index = 0; index < patterns_.size(); ++index) {
    if (patterns_[index].used) all.push_back(index);
  }
  return all;
}

SilentState FleetDetect::Silent() const {
  SilentState state;
  for (size_t w = 0; w < kWindows; ++w) state[w] = silent_[w].state();
  return state;
}

void FleetDetect::RestoreSilent(const SilentState& state) {
  for (size_t w = 0; w < kWindows; ++w) silent_[w] = Baseline(state[w]);
}

bool FleetDetect::Restore(const PatternState& state) {
  if (const auto known = Find(state.id)) Remove(*known);
  const auto index = Intern(state.id, state.kind, Before::kUnknown);
  if (!index) return false;
  Pattern& pattern = patterns_[*index];
  pattern.first_hit = state.first_hit;
  pattern.last_hit = state.last_hit;
  for (size_t w = 0; w < kWindows; ++w) pattern.baselines[w] = Baseline(state.baselines[w]);
  if (state.reach == FleetReach::kNone) return true;
  Unlink(*index);
  pattern.reach = state.reach;
  pattern.flagged_since = state.flagged_since;
  pattern.cohort = state.cohort;
  Activate(*index);
  return true;
}

std::optional<CohortWatch::State> FleetDetect::CohortsOf(PatternIndex index) const {
  const Pattern& pattern = patterns_[index];
  if (pattern.cohorts == nullptr) return std::nullopt;
  return pattern.cohorts->state();
}

bool FleetDetect::RestoreCohorts(PatternIndex index, const CohortWatch::State& state) {
  Pattern& pattern = patterns_[index];
  if (pattern.cohorts == nullptr && chatty_ >= options_.chatty_patterns_max) return false;
  if (pattern.cohorts == nullptr) ++chatty_;
  pattern.cohorts = std::make_unique<CohortWatch>(state);
  return true;
}

std::vector<PatternIndex> FleetDetect::TakeLearntCohorts(size_t patterns_max) {
  std::vector<PatternIndex> due;
  for (const PatternIndex index : active_) {
    const CohortWatch* const cohorts = patterns_[index].cohorts.get();
    if (cohorts == nullptr || cohorts->unkept_minutes() < Lag<int>::kBlockMinutes) continue;
    due.push_back(index);
  }
  std::ranges::sort(due, std::greater<>(), [this](PatternIndex index) {
    return std::pair(patterns_[index].cohorts->unkept_minutes(), index);
  });
  if (due.size() > patterns_max) due.resize(patterns_max);
  for (const PatternIndex index : due) patterns_[index].cohorts->Keep();
  return due;
}

size_t FleetDetect::MemoryBytes() const {
  // Of the hash table: a control byte, the key and the value for each slot; 7/8 full at most.
  size_t bytes = sizeof *this + by_id_.capacity() * (1 + sizeof(std::string) + sizeof(uint32_t)) +
                 patterns_.capacity() * sizeof(Pattern) +
                 (active_.capacity() + suspects_.capacity() + free_.capacity()) * sizeof(uint32_t);
  for (const Pattern& pattern : patterns_) {
    bytes += pattern.window.MemoryBytes() - sizeof pattern.window;
    if (pattern.id.capacity() > 15) bytes += 2 * (pattern.id.capacity() + 1);
    if (pattern.cohorts != nullptr) bytes += pattern.cohorts->MemoryBytes();
  }
  return bytes;
}

}  // namespace fleetmedic
