// What is kept of one pattern of the last 24 hours: distinct hosts and lines by the minute for two
// hours and by ten minutes for all of them, and when each host had it. Pure.
#ifndef FLEETMEDIC_STREAM_PATTERN_TRACE_H_
#define FLEETMEDIC_STREAM_PATTERN_TRACE_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "stream/host_table.h"

namespace fleetmedic {

// Minutes since 1970.
using Minute = uint32_t;

constexpr Minute kTenMinutes = 10;
constexpr Minute kDayMinutes = 24 * 60;

// When one host had lines: to the minute for the 32 up to its last one, to ten minutes for 64 such.
class HostMarks {
 public:
  // Whether the host had no mark in that minute, and in those ten minutes, before. For what is too
  // old to know it says no to both: rather one too few than one twice.
  struct First {
    bool in_minute = false;
    bool in_ten = false;
  };
  First Mark(Minute minute);

  Minute last() const { return last_; }
  // Both ends count. Exact to the minute near the last one, to ten minutes before.
  bool Within(Minute from, Minute to) const;
  // Marks are forgotten from here back.
  static constexpr Minute kKnown = 630;

 private:
  // Of 32 bits, since there are millions of these.
  Minute last_ = 0;
  uint32_t minutes_ = 0;   // bit i: the minute last_ - i
  uint32_t tens_[2] = {};  // bit i of both: the ten minutes last_ / 10 - i
};

struct TracePoint {
  Minute at = 0;  // its first minute
  uint32_t hosts = 0;
  uint32_t lines = 0;  // no more than fit
};

// About 12 bytes for each point (at most 280), 30 for each host.
class PatternTrace {
 public:
  // The minute and ten-minute points that are kept.
  static constexpr Minute kMinutesKept = 130;
  static constexpr Minute kTensKept = kDayMinutes + kTenMinutes;
  // What was told lately, to know duplicates: of so many minutes, and of so many partitions of
  // them.
  static constexpr Minute kToldMinutes = 10;
  static constexpr size_t kToldMax = 256;

  // One count: `hosts` had the pattern in `minute`, on `lines` lines with offsets from
  // `first_offset` to `last_offset` of a partition. Hosts that had a mark there change nothing; of
  // lines whose offsets overlap with what was told, the share counts that does not. At most
  // marks_free hosts get marks that have none.
  struct Taken {
    size_t marks = 0;     // hosts that got marks
    size_t unmarked = 0;  // for which there was no room
    uint64_t lines = 0;   // that were not told before
  };
  Taken Take(Minute minute, int32_t partition, int64_t first_offset, int64_t last_offset,
             uint64_t lines, std::span<const HostIndex> hosts, size_t marks_free);
  // Forgets points that are too old, and hosts without a line since `hosts_from`. The answer: how
  // many hosts.
  size_t Prune(Minute now, Minute hosts_from);

  Minute last() const { return last_; }
  // Some hosts within the last day have no marks.
  bool hosts_cut(Minute from) const { return cut_at_ >= from && cut_at_ != 0; }
  const absl::flat_hash_map<HostIndex, HostMarks>& hosts() const { return hosts_; }
  std::span<const TracePoint> minutes() const { return minutes_; }
  std::span<const TracePoint> tens() const { return tens_; }
  uint64_t LinesSince(Minute from) const;

  size_t MemoryBytes() const;

 private:
  struct Told {
    int32_t partition = 0;
    Minute minute = 0;
    int64_t to = 0;
  };

  // How many of the lines were not told before; remembers them.
  uint64_t NewLines(Minute minute, int32_t partition, int64_t first, int64_t last, uint64_t lines);

  std::vector<TracePoint> minutes_;  // in order
  std::vector<TracePoint> tens_;
  absl::flat_hash_map<HostIndex, HostMarks> hosts_;
  std::vector<Told> told_;
  Minute last_ = 0;
  Minute cut_at_ = 0;
};

}  // namespace fleetmedic

#endif  // FLEETMEDIC_STREAM_PATTERN_TRACE_H_
