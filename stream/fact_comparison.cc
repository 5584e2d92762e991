#include "stream/fact_comparison.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <string_view>
#include <utility>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include "stream/hypergeometric.h"

namespace fleetmedic {
namespace {

template <typename Visit>
void EachBit(std::span<const uint64_t> bits, Visit visit) {
  for (size_t w = 0; w < bits.size(); ++w) {
    for (uint64_t word = bits[w]; word != 0; word &= word - 1) {
      visit(static_cast<HostIndex>(w * 64 + std::countr_zero(word)));
    }
  }
}

size_t CountBits(std::span<const uint64_t> bits) { return CountBoth(bits, bits); }

#ifdef __x86_64__
__attribute__((target("popcnt"))) size_t CountBothFast(const uint64_t* a, const uint64_t* b,
                                                       size_t words) {
  size_t count = 0;
  for (size_t w = 0; w < words; ++w) {
    count += static_cast<size_t>(__builtin_popcountll(a[w] & b[w]));
  }
  return count;
}
#endif

// One bit for each of 64 numbers: whether it is `wanted`.
uint64_t EqualBits(const uint32_t* numbers, uint32_t wanted) {
  uint64_t word = 0;
#ifdef __SSE2__
  // Sixteen at a time: thirty bitmaps of 100,000 hosts are else most of the time.
  const __m128i all = _mm_set1_epi32(static_cast<int>(wanted));
  const auto* at = reinterpret_cast<const __m128i*>(numbers);
  for (int i = 0; i < 4; ++i, at += 4) {
    const __m128i low = _mm_packs_epi32(_mm_cmpeq_epi32(_mm_loadu_si128(at), all),
                                        _mm_cmpeq_epi32(_mm_loadu_si128(at + 1), all));
    const __m128i high = _mm_packs_epi32(_mm_cmpeq_epi32(_mm_loadu_si128(at + 2), all),
                                         _mm_cmpeq_epi32(_mm_loadu_si128(at + 3), all));
    const auto mask = static_cast<uint32_t>(_mm_movemask_epi8(_mm_packs_epi16(low, high)));
    word |= uint64_t{mask} << (16 * i);
  }
#else
  for (size_t i = 0; i < 64; ++i) word |= uint64_t{numbers[i] == wanted} << i;
#endif
  return word;
}

HostBits BitsOfValue(std::span<const ValueNumber> column, ValueNumber value,
                     std::span<const uint64_t> population) {
  HostBits bits(population.size());
  const size_t full = column.size() / 64;
  for (size_t w = 0; w < full; ++w) {
    bits[w] = EqualBits(column.data() + w * 64, value) & population[w];
  }
  for (size_t i = full * 64; i < column.size(); ++i) {
    bits[full] |= uint64_t{column[i] == value} << (i % 64);
  }
  if (full < bits.size()) bits[full] &= population[full];
  return bits;
}

// The same: whether it is `least` or more.
uint64_t LeastBits(const uint32_t* numbers, uint32_t least) {
  uint64_t word = 0;
#ifdef __SSE2__
  // Only signed numbers are compared; turning the top bit keeps the order. Requires least > 0.
  const __m128i turn = _mm_set1_epi32(INT32_MIN);
  const __m128i below = _mm_xor_si128(_mm_set1_epi32(static_cast<int>(least - 1)), turn);
  const auto* at = reinterpret_cast<const __m128i*>(numbers);
  const auto more = [&](const __m128i* four) {
    return _mm_cmpgt_epi32(_mm_xor_si128(_mm_loadu_si128(four), turn), below);
  };
  for (int i = 0; i < 4; ++i, at += 4) {
    const __m128i low = _mm_packs_epi32(more(at), more(at + 1));
    const __m128i high = _mm_packs_epi32(more(at + 2), more(at + 3));
    const auto mask = static_cast<uint32_t>(_mm_movemask_epi8(_mm_packs_epi16(low, high)));
    word |= uint64_t{mask} << (16 * i);
  }
#else
  for (size_t i = 0; i < 64; ++i) word |= uint64_t{numbers[i] >= least} << i;
#endif
  return word;
}

HostBits BitsSince(std::span<const uint32_t> seconds, uint32_t since,
                   std::span<const uint64_t> population) {
  HostBits bits(population.size());
  const size_t full = seconds.size() / 64;
  for (size_t w = 0; w < full; ++w) {
    bits[w] = LeastBits(seconds.data() + w * 64, since) & population[w];
  }
  for (size_t i = full * 64; i < seconds.size(); ++i) {
    bits[full] |= uint64_t{seconds[i] >= since} << (i % 64);
  }
  if (full < bits.size()) bits[full] &= population[full];
  return bits;
}

}  // namespace

size_t CountBoth(std::span<const uint64_t> a, std::span<const uint64_t> b) {
#ifdef __x86_64__
  static const bool has_popcnt = __builtin_cpu_supports("popcnt") != 0;
  if (has_popcnt) return CountBothFast(a.data(), b.data(), a.size());
#endif
  size_t count = 0;
  for (size_t w = 0; w < a.size(); ++w) count += static_cast<size_t>(std::popcount(a[w] & b[w]));
  return count;
}

FactComparison::FactComparison(const HostTable& table, HostBits population,
                               std::vector<HostIndex> hit, WallTime recent_since)
    : table_(table),
      population_(std::move(population)),
      hit_(std::move(hit)),
      recent_seconds_(static_cast<uint32_t>(
          std::clamp<int64_t>(MillisOf(recent_since) / 1000, 1, UINT32_MAX))) {
  hosts_ = CountBits(population_);
  // The table has the counts of all hosts; those of a part are counted from whichever side is
  // shorter.
  const std::span<const uint64_t> told = table_.told();
  HostBits side(population_);
  const bool from_all = hosts_ * 2 >= table_.told_hosts();
  if (from_all) {
    for (size_t w = 0; w < side.size(); ++w) side[w] = told[w] & ~population_[w];
  }
  CountColumns(side, from_all);
  CountRecent();
  CountWork(side, from_all);
  for (const auto& [name, key] : keys_) facts_tested_ += key.values;
}

// `side`: who is left out of all (from_all), or who is in.
void FactComparison::CountColumns(std::span<const uint64_t> side, bool from_all) {
  std::vector<HostIndex> members;
  EachBit(side, [&](HostIndex host) { members.push_back(host); });
  hosts_with_.resize(table_.keys_end());
  for (KeyNumber k = 0; k < table_.keys_end(); ++k) {
    if (table_.KeyName(k).empty() || table_.TooVaried(k)) continue;
    std::vector<uint32_t>& counts = hosts_with_[k];
    counts.assign(table_.values_end(k), 0);
    if (from_all) {
      for (ValueNumber v = 1; v < counts.size(); ++v) counts[v] = table_.HostsWith(k, v);
    }
    const std::span<const ValueNumber> column = table_.Column(k);
    const uint32_t step = from_all ? UINT32_MAX : 1;  // one less, or one more
    for (const HostIndex host : members) counts[column[host]] += step;
    counts[kValueUnknown] = 0;
    keys_[table_.KeyName(k)].values +=
        static_cast<uint64_t>(std::ranges::count_if(counts, [](uint32_t n) { return n >= 2; }));
  }
}

void FactComparison::CountRecent() {
  const auto add = [this](FactKind kind, KeyNumber key, std::span<const uint32_t> seconds) {
    const size_t count = CountBits(BitsSince(seconds, recent_seconds_, population_));
    if (count < 2) return;
    recent_.push_back({FactRef{kind, key, kValueUnknown}, static_cast<uint32_t>(count)});
    ++facts_tested_;
  };
  for (KeyNumber k = 0; k < table_.keys_end(); ++k) {
    if (hosts_with_[k].empty() || table_.ChangedSeconds(k).empty()) continue;
    if (MillisOf(table_.NewestChange(k)) / 1000 < recent_seconds_) continue;
    add(FactKind::kChanged, k, table_.ChangedSeconds(k));
  }
  add(FactKind::kBooted, 0, table_.BootedSeconds());
}

void FactComparison::CountWork(std::span<const uint64_t> side, bool from_all) {
  work_hosts_.assign(table_.work_values_end(), 0);
  if (from_all) {
    for (ValueNumber v = 1; v < work_hosts_.size(); ++v) {
      work_hosts_[v] = static_cast<uint32_t>(table_.WorkHosts(v).size());
    }
  }
  const uint32_t step = from_all ? UINT32_MAX : 1;
  EachBit(side, [&](HostIndex host) {
    for (const ValueNumber value : table_.Work(host)) work_hosts_[value] += step;
  });
  work_keys_.resize(work_hosts_.size());
  std::map<std::string, KeyComparison>::value_type* last = nullptr;
  for (ValueNumber v = 1; v < work_hosts_.size(); ++v) {
    if (work_hosts_[v] < 2) continue;
    const std::string_view name = table_.WorkName(v);
    const std::string_view key = name.substr(0, name.find('='));
    // Names of one key often follow each other.
    if (last == nullptr || last->first != key) last = &*keys_.try_emplace(std::string(key)).first;
    work_keys_[v] = &last->second;
    ++last->second.values;
    ++facts_tested_;  // a second time, for that it started lately
  }
}

double FactComparison::sets_tested(size_t facts) const {
  const auto n = static_cast<double>(std::max<uint64_t>(facts_tested_, 3));
  switch (facts) {
    case 1:
      return n;
    case 2:
      return n * (n - 1) / 2;
    default:
      return n * (n - 1) * (n - 2) / 6;
  }
}

void FactComparison::Test(ComparedFact* fact) const {
  fact->llr = 0;
  fact->log_p = 0;
  const auto all = static_cast<double>(hosts_);
  const auto a = static_cast<double>(fact->hit);
  const auto x = static_cast<double>(hit_.size());
  const double share = fact->hosts / all;
  const double expected = x * share;
  if (a <= expected) return;
  fact->llr = a * std::log(a / expected);
  if (x > a) fact->llr += (x - a) * std::log((x - a) / (x - expected));
  fact->log_p = LogHypergeometricTail(hosts_, fact->hosts, hit_.size(), fact->hit);
}

void FactComparison::Add(ComparedFact fact, KeyComparison* key,
                         std::vector<ComparedFact>* facts) const {
  Test(&fact);
  if (key != nullptr) key->log_p_min = std::min(key->log_p_min, fact.log_p);
  facts->push_back(fact);
}

std::vector<ComparedFact> FactComparison::Facts(uint32_t hit_min) {
  std::vector<ComparedFact> facts;
  for (const Recent& recent : recent_) {
    uint32_t hit = 0;
    for (const uint32_t since : HitSince(recent.fact)) hit += since != kHasNot ? 1 : 0;
    if (hit >= hit_min) Add({recent.fact, hit, recent.hosts}, nullptr, &facts);
  }
  AddColumns(hit_min, &facts);
  AddWork(hit_min, &facts);
  return facts;
}

void FactComparison::AddColumns(uint32_t hit_min, std::vector<ComparedFact>* facts) {
  std::vector<uint32_t> hits;
  for (KeyNumber k = 0; k < hosts_with_.size(); ++k) {
    const std::vector<uint32_t>& hosts = hosts_with_[k];
    if (hosts.empty()) continue;
    hits.assign(hosts.size(), 0);
    const std::span<const ValueNumber> column = table_.Column(k);
    for (const HostIndex host : hit_) ++hits[column[host]];
    KeyComparison* key = &keys_[table_.KeyName(k)];
    for (ValueNumber v = 1; v < hosts.size(); ++v) {
      if (hosts[v] < 2 || hits[v] < hit_min) continue;
      Add({FactRef{FactKind::kValue, k, v}, hits[v], hosts[v]}, key, facts);
    }
  }
}

void FactComparison::AddWork(uint32_t hit_min, std::vector<ComparedFact>* facts) {
  std::vector<uint32_t> hits(work_hosts_.size());
  std::vector<uint32_t> started(work_hosts_.size());
  for (const HostIndex host : hit_) {
    const std::span<const ValueNumber> work = table_.Work(host);
    const std::span<const uint32_t> since = table_.WorkSince(host);
    for (size_t i = 0; i < work.size(); ++i) {
      ++hits[work[i]];
      started[work[i]] += since[i] >= recent_seconds_ ? 1 : 0;
    }
  }
  for (ValueNumber v = 1; v < work_hosts_.size(); ++v) {
    if (work_hosts_[v] < 2 || hits[v] < hit_min) continue;
    KeyComparison* key = work_keys_[v];
    if (started[v] >= std::max(hit_min, 2u)) {
      const FactRef fact{FactKind::kWorkStarted, 0, v};
      Add({fact, started[v], static_cast<uint32_t>(CountBits(Bits(fact)))}, key, facts);
    }
    Add({FactRef{FactKind::kWork, 0, v}, hits[v], work_hosts_[v]}, key, facts);
  }
}

// Both lists are sorted by host. Where one is much longer, the other's hosts are looked up in it.
std::vector<uint32_t> FactComparison::WorkSince(ValueNumber work) const {
  constexpr size_t kMuchLonger = 8;
  std::vector<uint32_t> since(hit_.size(), kHasNot);
  const std::span<const WorkHost> hosts = table_.WorkHosts(work);
  if (hit_.size() * kMuchLonger < hosts.size()) {
    for (size_t i = 0; i < hit_.size(); ++i) {
      since[i] = table_.FindWork(hit_[i], work).value_or(kHasNot);
    }
  } else if (hosts.size() * kMuchLonger < hit_.size()) {
    for (const WorkHost& host : hosts) {
      const auto found = std::ranges::lower_bound(hit_, host.host);
      if (found == hit_.end() || *found != host.host) continue;
      since[static_cast<size_t>(found - hit_.begin())] = host.since_seconds;
    }
  } else {
    size_t j = 0;
    for (size_t i = 0; i < hit_.size(); ++i) {
      while (j < hosts.size() && hosts[j].host < hit_[i]) ++j;
      if (j < hosts.size() && hosts[j].host == hit_[i]) since[i] = hosts[j].since_seconds;
    }
  }
  return since;
}

std::vector<uint32_t> FactComparison::HitSince(const FactRef& fact) const {
  std::vector<uint32_t> since(hit_.size(), kHasNot);
  const auto lately = [&](std::span<const uint32_t> seconds) {
    for (size_t i = 0; i < hit_.size(); ++i) {
      if (seconds[hit_[i]] >= recent_seconds_) since[i] = seconds[hit_[i]];
    }
  };
  switch (fact.kind) {
    case FactKind::kValue: {
      const std::span<const ValueNumber> column = table_.Column(fact.key);
      const std::span<const uint32_t> changed = table_.ChangedSeconds(fact.key);
      for (size_t i = 0; i < hit_.size(); ++i) {
        if (column[hit_[i]] != fact.value) continue;
        since[i] = changed.empty() ? 0 : changed[hit_[i]];
      }
      return since;
    }
    case FactKind::kChanged:
      lately(table_.ChangedSeconds(fact.key));
      return since;
    case FactKind::kBooted:
      lately(table_.BootedSeconds());
      return since;
    case FactKind::kWork:
      return WorkSince(fact.value);
    case FactKind::kWorkStarted:
      break;
  }
  since = WorkSince(fact.value);
  for (uint32_t& s : since) s = s >= recent_seconds_ ? s : kHasNot;
  return since;
}

HostBits FactComparison::Bits(const FactRef& fact) const {
  switch (fact.kind) {
    case FactKind::kValue:
      return BitsOfValue(table_.Column(fact.key), fact.value, population_);
    case FactKind::kChanged:
      return BitsSince(table_.ChangedSeconds(fact.key), recent_seconds_, population_);
    case FactKind::kBooted:
      return BitsSince(table_.BootedSeconds(), recent_seconds_, population_);
    case FactKind::kWork:
    case FactKind::kWorkStarted:
      break;
  }
  HostBits bits(population_.size());
  const uint32_t since = fact.kind == FactKind::kWork ? 0 : recent_seconds_;
  for (const WorkHost& work : table_.WorkHosts(fact.value)) {
    if (work.since_seconds >= since) bits[work.host / 64] |= uint64_t{1} << (work.host % 64);
  }
  for (size_t w = 0; w < bits.size(); ++w) bits[w] &= population_[w];
  return bits;
}

HostBits FactComparison::HitBits(const FactRef& fact) const {
  HostBits bits((hit_.size() + 63) / 64);
  const std::vector<uint32_t> since = HitSince(fact);
  for (size_t i = 0; i < since.size(); ++i) {
    bits[i / 64] |= uint64_t{since[i] != kHasNot} << (i % 64);
  }
  return bits;
}

}  // namespace fleetmedic
