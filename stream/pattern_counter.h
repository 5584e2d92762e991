// Hosts and lines of each pattern, by minute, as the lines are read: what stage one of the stream
// tells stage two. Pure: time comes with the lines.
#ifndef FLEETMEDIC_STREAM_PATTERN_COUNTER_H_
#define FLEETMEDIC_STREAM_PATTERN_COUNTER_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "model/pattern_count.h"

namespace fleetmedic {

// A pattern as the counter knows it; from PatternNumber, for this counter alone.
using PatternNumber = uint32_t;

struct PatternCounterLimits {
  // Past it a pattern that is new is not counted, and dropped() tells.
  size_t patterns_max = 60'000;
  // Past it a host that is new is not counted, and dropped() tells.
  size_t hosts_max = 200'000;
  // Values of one variable that are told apart between two calls of Take.
  size_t values_max = 64;
};

// Owned by one thread.
class PatternCounter {
 public:
  using Values = std::span<const std::pair<std::string_view, std::string_view>>;

  explicit PatternCounter(const PatternCounterLimits& limits = {}) : limits_(limits) {}

  // Of the pattern, with what is told of it from now on.
  struct Pattern {
    std::string pattern;
    PatternKind kind = PatternKind::kRule;
    std::string version;
    std::string text;
    WallTime first_seen = kWallNever;  // kWallNever: with its first line
  };
  // None past patterns_max.
  std::optional<PatternNumber> NumberOf(Pattern pattern);

  // The lines that follow are of this record of the logs. `at` is when its host read them, `now`
  // when we do: a time that is ahead of now is taken as now.
  void Begin(int32_t partition, int64_t offset, const HostId& host, std::string_view source,
             WallTime at, WallTime now);
  // A line of the pattern, written `times` times, and what stands in its variable parts.
  void Add(PatternNumber pattern, std::string_view line, uint64_t times, Values values);

  // What was counted since the last call, and forgets minutes that are over for a while: a host
  // that comes late is then told again, which changes nothing.
  std::vector<PatternCount> Take();
  bool empty() const { return touched_.empty(); }

  // Lines that were not counted for a limit, since the start.
  uint64_t dropped() const { return dropped_; }
  size_t patterns() const { return patterns_.size(); }

 private:
  // The name of a variable, and lines by its value.
  struct Variable {
    std::string name;
    absl::flat_hash_map<std::string, uint64_t> values;
    uint64_t other_lines = 0;
  };
  struct Minute {
    int32_t partition = 0;
    WallTime minute = kWallNever;
    std::vector<uint64_t> told;   // a bit for each host number
    std::vector<uint32_t> hosts;  // not told yet
    uint64_t lines = 0;           // since the last Take, and so on
    size_t examples_told = 0;
    std::vector<PatternExample> examples;
    std::vector<Variable> variables;
  };
  struct State {
    Pattern of;
    bool touched = false;
    std::vector<Minute> minutes;
  };
  // Of one partition, since the last Take.
  struct Offsets {
    int64_t first = 0;
    int64_t last = 0;
  };

  Minute& MinuteOf(State* state) const;
  void AddValues(Minute* minute, uint64_t times, Values values) const;
  static PatternVariable MostFrequent(const Variable& variable);
  void TakePattern(State* state, std::vector<PatternCount>* counts);

  PatternCounterLimits limits_;
  absl::flat_hash_map<std::string, PatternNumber> by_name_;
  std::deque<State> patterns_;
  std::vector<PatternNumber> touched_;
  absl::flat_hash_map<HostId, uint32_t> by_host_;
  std::vector<HostId> hosts_;
  std::map<int32_t, Offsets> offsets_;
  WallTime newest_minute_ = kWallNever;
  uint64_t dropped_ = 0;

  // Of the record that is read now.
  int32_t partition_ = 0;
  std::optional<uint32_t> host_;
  std::string source_;
  WallTime at_ = kWallNever;
  WallTime first_seen_ = kWallNever;
  WallTime minute_ = kWallNever;
};

}  // namespace fleetmedic

#endif  // FLEETMEDIC_STREAM_PATTERN_COUNTER_H_
