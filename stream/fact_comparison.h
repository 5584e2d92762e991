// How often hosts that are hit have each fact, beside how often all have it. The numbers under the
// why (attribution.h). Pure, single-threaded.
#ifndef FLEETMEDIC_STREAM_FACT_COMPARISON_H_
#define FLEETMEDIC_STREAM_FACT_COMPARISON_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "stream/host_table.h"

namespace fleetmedic {

// One bit for each host index.
using HostBits = std::vector<uint64_t>;

// Bits that are set in both; the spans are equally long.
size_t CountBoth(std::span<const uint64_t> a, std::span<const uint64_t> b);

enum class FactKind : uint8_t {
  kValue,        // the key has the value
  kChanged,      // the key's value changed lately, whatever to
  kBooted,       // the host booted lately
  kWork,         // the host runs it
  kWorkStarted,  // the host runs it since lately
};

// A fact of hosts, by the table's numbers.
struct FactRef {
  FactKind kind = FactKind::kValue;
  KeyNumber key = 0;  // of kValue and kChanged
  ValueNumber value = kValueUnknown;

  bool operator==(const FactRef&) const = default;
};

// A fact and how it is spread.
struct ComparedFact {
  FactRef fact;
  uint32_t hit = 0;    // hosts that are hit and have it
  uint32_t hosts = 0;  // hosts that have it
  // a ln(a/E) + (X-a) ln((X-a)/(X-E)) where more have it than expected, else 0.
  double llr = 0;
  // ln of the chance that so many would.
  double log_p = 0;
};

// One key's part: "kernel", "job". What it is not: a key whose values are nearly all distinct.
struct KeyComparison {
  uint64_t values = 0;   // that at least two hosts have
  double log_p_min = 0;  // of its values, once Facts() was asked
};

class FactComparison {
 public:
  // Among the hosts of `population`, a part of table.told(). `hit` is sorted, without repeats and
  // of the population. The table must live, and stay as it is, as long as this.
  FactComparison(const HostTable& table, HostBits population, std::vector<HostIndex> hit,
                 WallTime recent_since);
  FactComparison(const FactComparison&) = delete;
  FactComparison& operator=(const FactComparison&) = delete;

  size_t hosts() const { return hosts_; }
  size_t hit() const { return hit_.size(); }
  std::span<const HostIndex> hit_hosts() const { return hit_; }
  uint32_t recent_seconds() const { return recent_seconds_; }
  // Facts that could be compared, whoever is hit: what an answer is corrected for.
  uint64_t facts_tested() const { return facts_tested_; }
  // How many sets of so many facts there are: 1, 2 or 3.
  double sets_tested(size_t facts) const;
  const std::map<std::string, KeyComparison>& keys() const { return keys_; }

  // Each fact that at least hit_min hosts that are hit have, with its numbers; in a fixed order.
  std::vector<ComparedFact> Facts(uint32_t hit_min);
  // The llr and log_p of the hit and hosts that stand in it.
  void Test(ComparedFact* fact) const;

  // Who of the population has it.
  HostBits Bits(const FactRef& fact) const;
  // Since when each of hit_hosts() has it, by its place there, in seconds since 1970: 0 where that
  // is not known, kHasNot where it has it not.
  static constexpr uint32_t kHasNot = UINT32_MAX;
  std::vector<uint32_t> HitSince(const FactRef& fact) const;
  // Who of hit_hosts() has it, by its place there.
  HostBits HitBits(const FactRef& fact) const;

 private:
  struct Recent {
    FactRef fact;
    uint32_t hosts = 0;
  };

  void CountColumns(std::span<const uint64_t> left_out, bool from_all);
  void CountRecent();
  void CountWork(std::span<const uint64_t> left_out, bool from_all);
  void AddColumns(uint32_t hit_min, std::vector<ComparedFact>* facts);
  void AddWork(uint32_t hit_min, std::vector<ComparedFact>* facts);
  std::vector<uint32_t> WorkSince(ValueNumber work) const;
  void Add(ComparedFact fact, KeyComparison* key, std::vector<ComparedFact>* facts) const;

  const HostTable& table_;
  const HostBits population_;
  const std::vector<HostIndex> hit_;
  const uint32_t recent_seconds_;
  size_t hosts_ = 0;
  uint64_t facts_tested_ = 0;
  std::vector<std::vector<uint32_t>> hosts_with_;  // of each key and value; empty: left out
  std::vector<Recent> recent_;
  std::vector<uint32_t> work_hosts_;
  std::map<std::string, KeyComparison> keys_;
  std::vector<KeyComparison*> work_keys_;  // in keys_, by work
};

}  // namespace fleetmedic

#endif  // FLEETMEDIC_STREAM_FACT_COMPARISON_H_
