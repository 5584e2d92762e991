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
  begin_.assign(1, 0);
  for (const FactColumn& key : facts.cohorts) begin_.push_back(begin_.back() + key.values_end);
  hosts_.assign(begin_.back(), 0);
  size_t fleet = 0;
  for (size_t k = 0; k < facts.cohorts.size(); ++k) {
    fleet = std::max(fleet, facts.cohorts[k].value_of_host.size());
    for (const uint32_t value : facts.cohorts[k].value_of_host) ++hosts_[begin_[k] + value];
  }
  tested_.clear();
  for (uint32_t k = 0; k < facts.cohorts.size(); ++k) {
    for (uint32_t value = 1; value < facts.cohorts[k].values_end; ++value) {
      const uint32_t hosts = hosts_[begin_[k] + value];
      if (hosts >= limits_.hosts_min && size_t{hosts} * 2 <= fleet) {
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

void Cohorts::Count(const FleetFacts& facts, const PatternWindow& window) {
  narrow_.assign(hosts_.size(), 0);
  wide_.assign(hosts_.size(), 0);
  window.ForEach([&](uint32_t host, int age) {
    for (size_t k = 0; k < facts.cohorts.size(); ++k) {
      const size_t at = begin_[k] + facts.cohorts[k].ValueOf(host);
      ++wide_[at];
      if (age < kWindowMinutes[kWindowOf[0]]) ++narrow_[at];
    }
  });
}

uint32_t Cohorts::Seen(CohortRef ref, bool wide) const {
  if (HostsOf(ref) == 0) return 0;
  return (wide ? wide_ : narrow_)[At(ref)];
}

const CohortWatch::Entry* CohortWatch::EntryOf(CohortRef ref) const {
  if (ref.key >= entries_.size() || ref.value >= entries_[ref.key].size()) return nullptr;
  return &entries_[ref.key][ref.value];
}

Expectation CohortWatch::ExpectOf(const Entry* entry, uint32_t hosts, const Round& round,
                                  size_t t) const {
  const int minutes = kWindowMinutes[kWindowOf[t]];
  if (entry != nullptr && entry->known) return entry->baselines[t].Expect(hosts, minutes);
  const Expectation& fleet = round.fleet[kWindowOf[t]];
  const double mean = fleet.mean * hosts / std::max(1U, round.facts.hosts_reporting);
  return {mean, (1 + fleet.dispersion) * (1 + 1 / kNewCohortEvents) - 1};
}

std::optional<CohortFinding> CohortWatch::Test(const Cohorts::Cohort& cohort,
                                               const Cohorts& cohorts, const Round& round, size_t t,
                                               bool* over) {
  const uint32_t seen = cohorts.Seen(cohort.ref, t == 1);
  if (seen < round.hosts_min) return std::nullopt;
  const Expectation expected = ExpectOf(EntryOf(cohort.ref), cohort.hosts, round, t);
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
  cohorts->Count(round.facts, round.window);
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
  const bool all_new = watched_minutes_ < kLearnMinutes;
  watched_minutes_ = std::min(watched_minutes_ + kRoundMinutes, kLearnMinutes);
  entries_.resize(round.facts.cohorts.size());
  for (size_t k = 0; k < entries_.size(); ++k) {
    entries_[k].resize(std::max<size_t>(entries_[k].size(), round.facts.cohorts[k].values_end));
    // A value that no host has now is another one when it is seen again.
    for (uint32_t v = 0; v < entries_[k].size(); ++v) {
      if (cohorts.HostsOf({static_cast<uint32_t>(k), v}) == 0) entries_[k][v] = Entry{};
    }
  }
  for (size_t i = 0; i < over.size(); ++i) {
    if (over[i]) continue;
    const Cohorts::Cohort& cohort = cohorts.tested()[i];
    Entry& entry = entries_[cohort.ref.key][cohort.ref.value];
    for (size_t t = 0; t < kTested; ++t) {
      if (!entry.known && !all_new) {
        const Expectation expected = ExpectOf(nullptr, cohort.hosts, round, t);
        entry.baselines[t] =
            Baseline::Assumed(expected.mean, round.fleet[kWindowOf[t]].dispersion, cohort.hosts,
                              kWindowMinutes[kWindowOf[t]], kNewCohortEvents);
      }
      entry.baselines[t].Observe(cohorts.Seen(cohort.ref, t == 1), cohort.hosts, kRoundMinutes);
    }
    entry.known = true;
  }
}

bool CohortWatch::Calm(const Cohorts& cohorts, const Round& round, CohortRef ref) const {
  const uint32_t hosts = cohorts.HostsOf(ref);
  for (size_t t = 0; t < kTested && hosts > 0; ++t) {
    const Expectation expected = ExpectOf(EntryOf(ref), hosts, round, t);
    const uint32_t least = LeastOf(round, expected);
    const uint32_t flag_at = SmallestUnlikely(expected, round.level, least, std::max(least, hosts));
    if (cohorts.Seen(ref, t == 1) * uint64_t{2} >= flag_at) return false;
  }
  return true;
}

size_t CohortWatch::MemoryBytes() const {
  size_t bytes = sizeof *this + entries_.capacity() * sizeof(std::vector<Entry>);
  for (const std::vector<Entry>& key : entries_) bytes += key.capacity() * sizeof(Entry);
  return bytes;
}

}  // namespace fleetmedic
