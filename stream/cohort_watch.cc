#include "stream/cohort_watch.h"

#include <algorithm>
#include <cmath>

namespace fleetmedic {
namespace {

// Of kWindowMinutes: within one minute a cohort has too few.
constexpr size_t kWindowOf[] = {1, 2};

uint32_t LeastOf(const CohortWatch::Round& round, const Expectation& expected) {
  return std::max(round.hosts_min,
                  static_cast<uint32_t>(std::min(std::ceil(round.ratio_min * expected.mean), 1e9)));
}

}  // namespace

void Cohorts::Measure(const FleetFacts& facts) {
  const size_t keys = facts.cohorts.size();
  begin_.assign(1, 0);
  for (const FactColumn& key : facts.cohorts) begin_.push_back(begin_.back() + key.values_end);
  hosts_.assign(begin_.back(), 0);
  rows_.assign(size_t{facts.hosts_end} * keys, 0);
  for (size_t k = 0; k < keys; ++k) {
    for (uint32_t host = 0; host < facts.hosts_end; ++host) {
      const size_t at = begin_[k] + facts.cohorts[k].ValueOf(host);
      rows_[host * keys + k] = static_cast<uint32_t>(at);
      if (facts.Reports(host)) ++hosts_[at];
    }
  }
  tested_.clear();
  for (uint32_t k = 0; k < facts.cohorts.size(); ++k) {
    for (uint32_t value = 1; value < facts.cohorts[k].values_end; ++value) {
      const uint32_t hosts = hosts_[begin_[k] + value];
      if (hosts >= limits_.hosts_min && size_t{hosts} * 2 <= facts.hosts_reporting) {
        tested_.push_back({{k, value}, hosts});
      }
    }
  }
  left_out_ = 0;
  if (tested_.size() <= limits_.cohorts_max) return;
  left_out_ = tested_.size() - limits_.cohorts_max;
  std::ranges::stable_sort(tested_, std::greater<>(), &Cohort::hosts);
  tested_.resize(limits_.cohorts_max);
  std::ranges::sort(tested_, std::less<>(), [](const Cohort& cohort) {
    return std::pair(cohort.ref.key, cohort.ref.value);
  });
}

uint32_t Cohorts::HostsOf(CohortRef ref) const {
  return ref.key + size_t{1} < begin_.size() && At(ref) < begin_[ref.key + 1] ? hosts_[At(ref)] : 0;
}

void Cohorts::Count(const PatternWindow& window) {
  const size_t keys = begin_.size() - 1;
  seen_.assign(hosts_.size(), 0);
  window.ForEach([&](uint32_t host, int age) {
    if ((host + size_t{1}) * keys > rows_.size()) return;
    const uint64_t both = uint64_t{age < kWindowMinutes[kWindowOf[0]] ? 1U : 0U} << 32 | 1;
    const uint32_t* row = rows_.data() + host * keys;
    for (size_t k = 0; k < keys; ++k) seen_[row[k]] += both;
  });
}

uint32_t Cohorts::Seen(CohortRef ref, bool wide) const {
  if (HostsOf(ref) == 0) return 0;
  return static_cast<uint32_t>(wide ? seen_[At(ref)] : seen_[At(ref)] >> 32);
}

CohortBaseline::Sums& CohortBaseline::Sums::operator+=(const Sums& more) {
  as_rest += more.as_rest;
  as_rest_sq += more.as_rest_sq;
  count += more.count;
  pairs += more.pairs;
  return *this;
}

CohortBaseline::CohortBaseline(const State& state) {
  const auto can_be = [](float sum) { return std::isfinite(sum) && sum >= 0; };
  for (const float sum :
       {state.weight, state.as_rest, state.as_rest_sq, state.count, state.pairs}) {
    if (!can_be(sum)) return;
  }
  weight_ = std::min(state.weight, static_cast<float>(Baseline::kWeightMax));
  sums_ = {state.as_rest, state.as_rest_sq, state.count, state.pairs};
}

CohortBaseline::State CohortBaseline::state() const {
  return {weight_, sums_.as_rest, sums_.as_rest_sq, sums_.count, sums_.pairs};
}

void CohortBaseline::Observe(uint32_t count, double as_rest, int minutes) {
  const auto sum = [minutes](double value) { return static_cast<float>(minutes * value); };
  const Sums sums{sum(as_rest), sum(as_rest * as_rest), sum(count), sum(count * (count - 1.0))};
  lag_.Add(sums, minutes, [this](const Sums& block, int block_minutes) {
    const auto keep = static_cast<float>(std::exp2(-block_minutes / Baseline::kHalfLifeMinutes));
    weight_ = weight_ * keep + static_cast<float>(block_minutes);
    sums_.as_rest *= keep;
    sums_.as_rest_sq *= keep;
    sums_.count *= keep;
    sums_.pairs *= keep;
    sums_ += block;
  });
}

Expectation CohortBaseline::Expect(double as_rest, double unsure, int window_minutes) const {
  const double window = window_minutes;
  const double events = sums_.count / window + kPriorEvents;
  const double ratio = events / (sums_.as_rest / window + kPriorEvents);
  const double usual_pairs = ratio * ratio * sums_.as_rest_sq;
  const double seen = usual_pairs > 0 ? std::max(0.0, sums_.pairs / usual_pairs - 1) : 0;
  const double prior = Baseline::PriorMinutes(weight_);
  const double dispersion =
      (seen * weight_ + kPriorDispersion * prior) / std::max(1.0, weight_ + prior);
  return {.mean = ratio * as_rest,
          .dispersion = (1 + dispersion) * (1 + 1 / events) * (1 + unsure) - 1};
}

CohortWatch::CohortWatch(const State& state)
    : watched_minutes_(std::clamp(state.watched_minutes, 0, kLearnMinutes)) {
  for (const Kept& kept : state.cohorts) {
    const auto [key, value] = kept.cohort;
    if (entries_.size() <= key) entries_.resize(key + size_t{1});
    if (entries_[key].size() <= value) entries_[key].resize(value + size_t{1});
    for (size_t t = 0; t < kTested; ++t) {
      entries_[key][value][t] = CohortBaseline(kept.windows[t]);
    }
  }
}

CohortWatch::State CohortWatch::state() const {
  State state;
  state.watched_minutes = watched_minutes_;
  for (uint32_t key = 0; key < entries_.size(); ++key) {
    for (uint32_t value = 0; value < entries_[key].size(); ++value) {
      Kept kept;
      kept.cohort = {key, value};
      for (size_t t = 0; t < kTested; ++t) kept.windows[t] = entries_[key][value][t].state();
      if (kept.windows[0].weight > 0) state.cohorts.push_back(kept);
    }
  }
  return state;
}

CohortWatch::AsRest CohortWatch::AsRestOf(const Cohorts::Cohort& cohort, uint32_t seen,
                                          const Round& round, size_t t) {
  const double rest_hosts =
      std::max(1.0, static_cast<double>(round.facts.hosts_reporting) - cohort.hosts);
  // Half a host more than were seen: that none were does not make one impossible.
  const double rest = round.window.hosts(kWindowOf[t]) - seen + 0.5;
  return {rest * cohort.hosts / rest_hosts, 1 / rest};
}

Expectation CohortWatch::ExpectOf(const Cohorts::Cohort& cohort, uint32_t seen, const Round& round,
                                  size_t t) const {
  const AsRest as_rest = AsRestOf(cohort, seen, round, t);
  const auto [key, value] = cohort.ref;
  const bool known = key < entries_.size() && value < entries_[key].size();
  const CohortBaseline baseline = known ? entries_[key][value][t] : CohortBaseline();
  return baseline.Expect(as_rest.hosts, as_rest.unsure, kWindowMinutes[kWindowOf[t]]);
}

std::optional<CohortFinding> CohortWatch::Test(const Cohorts::Cohort& cohort,
                                               const Cohorts& cohorts, const Round& round, size_t t,
                                               bool* over) const {
  const uint32_t seen = cohorts.Seen(cohort.ref, t == 1);
  if (seen < round.hosts_min) return std::nullopt;
  const Expectation expected = ExpectOf(cohort, seen, round, t);
  if (seen < LeastOf(round, expected)) return std::nullopt;
  const double probability = CountTail(expected, seen);
  if (!(probability < round.level)) return std::nullopt;
  *over = true;
  CohortFinding finding{.cohort = cohort.ref,
                        .window = kWindowOf[t],
                        .cohort_hosts = cohort.hosts,
                        .expected = expected,
                        .probability = probability};
  const FactColumn& key = round.facts.cohorts[cohort.ref.key];
  for (const uint32_t host : round.window.HostsIn(finding.window)) {
    if (key.ValueOf(host) == cohort.ref.value) finding.hosts.push_back(host);
  }
  const RackSpread spread = SpreadOver(round.facts.rack, finding.hosts);
  const bool one_rack =
      spread.asked && (spread.outside < 2 || !(CountTail(expected, spread.outside) < round.level));
  if (one_rack) return std::nullopt;
  finding.threshold =
      SmallestUnlikely(expected, round.level, LeastOf(round, expected), cohort.hosts + seen);
  return finding;
}

std::optional<CohortFinding> CohortWatch::Run(Cohorts* cohorts, const Round& round) {
  cohorts->Count(round.window);
  std::optional<CohortFinding> best;
  std::vector<bool> over(cohorts->tested().size());
  if (watched_minutes_ >= kLearnMinutes) {
    for (size_t i = 0; i < cohorts->tested().size(); ++i) {
      for (size_t t = 0; t < kTested; ++t) {
        bool is_over = false;
        std::optional<CohortFinding> found =
            Test(cohorts->tested()[i], *cohorts, round, t, &is_over);
        if (is_over) over[i] = true;
        if (found && (!best || found->probability < best->probability)) best = std::move(found);
      }
    }
  }
  if (round.learn && !best) Learn(*cohorts, round, over);
  return best;
}

void CohortWatch::Learn(const Cohorts& cohorts, const Round& round, const std::vector<bool>& over) {
  watched_minutes_ = std::min(watched_minutes_ + kRoundMinutes, kLearnMinutes);
  unkept_minutes_ += kRoundMinutes;
  entries_.resize(round.facts.cohorts.size());
  for (uint32_t k = 0; k < entries_.size(); ++k) {
    entries_[k].resize(std::max<size_t>(entries_[k].size(), round.facts.cohorts[k].values_end));
    // A value that no host has now is another one when it is seen again.
    for (uint32_t v = 0; v < entries_[k].size(); ++v) {
      if (cohorts.HostsOf({k, v}) == 0) entries_[k][v] = Entry{};
    }
  }
  for (size_t i = 0; i < over.size(); ++i) {
    if (over[i]) continue;
    const Cohorts::Cohort& cohort = cohorts.tested()[i];
    Entry& entry = entries_[cohort.ref.key][cohort.ref.value];
    for (size_t t = 0; t < kTested; ++t) {
      const uint32_t seen = cohorts.Seen(cohort.ref, t == 1);
      entry[t].Observe(seen, AsRestOf(cohort, seen, round, t).hosts, kRoundMinutes);
    }
  }
}

void CohortWatch::Drop() {
  for (std::vector<Entry>& key : entries_) {
    for (Entry& entry : key) {
      for (CohortBaseline& baseline : entry) baseline.Drop();
    }
  }
}

bool CohortWatch::Calm(const Cohorts& cohorts, const Round& round, CohortRef ref) const {
  const Cohorts::Cohort cohort{ref, cohorts.HostsOf(ref)};
  for (size_t t = 0; t < kTested && cohort.hosts > 0; ++t) {
    const uint32_t seen = cohorts.Seen(ref, t == 1);
    const Expectation expected = ExpectOf(cohort, seen, round, t);
    const uint32_t least = LeastOf(round, expected);
    const uint32_t flag_at =
        SmallestUnlikely(expected, round.level, least, std::max(least, cohort.hosts));
    if (seen * uint64_t{2} >= flag_at) return false;
  }
  return true;
}

size_t CohortWatch::MemoryBytes() const {
  size_t bytes = sizeof *this + entries_.capacity() * sizeof(std::vector<Entry>);
  for (const std::vector<Entry>& key : entries_) bytes += key.capacity() * sizeof(Entry);
  return bytes;
}

}  // namespace fleetmedic
