// What the kernel says in several lines — a fault and its call trace, a report of who was killed
// for memory — as one record. Pure.
//
// Lines of one record come in one frame or in several, and other lines may stand between. A rule
// counts once in a record, the lines that only go with it (registers, addresses, tables) are not
// asked about, and what is found shows the head and the call trace.
#ifndef FLEETMEDIC_STREAM_KERNEL_RECORD_H_
#define FLEETMEDIC_STREAM_KERNEL_RECORD_H_

#include <cstddef>
#include <list>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "model/finding.h"
#include "stream/oom_report.h"

namespace fleetmedic {

enum class KernelLine : uint8_t {
  kOther,
  kHead,    // begins a record, or is a further head of one that has no trace yet
  kMember,  // belongs to an open record, and rules are asked about it
  kBody,    // belongs to an open record, and says nothing by itself
  kEnd,     // a member with which the record ends
};
// What a line would be in an open record; `memory`: the record tells of memory.
KernelLine KindOfKernelLine(std::string_view line, bool memory);

class KernelRecord {
 public:
  // A record ends at these, and when no line came for kGapMax of the host's time.
  static constexpr size_t kLinesMax = 400;
  static constexpr size_t kBytesMax = size_t{32} << 10;
  static constexpr Millis kGapMax = Seconds(5);
  // Of what it keeps to be shown.
  static constexpr size_t kHeadsMax = 5;
  static constexpr size_t kTraceBytesMax = 2000;

  // Whether rules are to be asked about the line. What an ended record had to tell is told first.
  bool Take(std::string_view line, WallTime at);
  // Whether the line that was taken last belongs to the record.
  bool joined() const { return joined_; }
  // The cgroup of the process that the captures name as "pid", where the record tells that it was
  // killed for memory; empty: it does not. Valid until the next call that is not const.
  std::string_view VictimsCgroup(const std::map<std::string, std::string>& captures) const;
  // False where this rule has counted in this record, and the line is not the head of another.
  // What an ended record had to tell is told first.
  bool Counts(const std::string& rule, const std::string& unit);
  // Keeps a finding of the line that was taken last.
  void Add(Finding finding) { pending_.push_back(std::move(finding)); }

  // The findings that are new, and those told before of which more is known now, in order; as of
  // this place in the log. To be called at the end of each frame.
  std::vector<Finding> Told(WallTime at, std::string_view position);

 private:
  void Begin();
  void End();
  void Join(std::string_view line, KernelLine kind);
  void Dress(Finding* finding) const;

  bool open_ = false;
  bool complete_ = false;  // its last line was taken
  bool joined_ = false;
  bool last_was_head_ = false;
  bool memory_ = false;
  bool traced_ = false;
  bool grew_ = false;  // since it was told
  size_t lines_ = 0;
  size_t bytes_ = 0;
  WallTime last_at_ = kWallNever;
  std::vector<std::string> heads_;
  std::string trace_;
  std::optional<OomReport> oom_;
  std::set<std::pair<std::string, std::string>> counted_;
  std::vector<Finding> pending_;
  std::vector<Finding> told_;
  std::vector<Finding> ended_;  // dressed, of records that are over
};

// The open record of each host's boot, of the hosts that spoke last.
class KernelRecords {
 public:
  static constexpr size_t kHostsMax = 10'000;

  // Valid until the next call.
  KernelRecord* Of(const HostId& host, std::string_view boot_id);

 private:
  struct Entry {
    std::string key;
    KernelRecord record;
  };
  std::list<Entry> entries_;  // most recently used first
  std::map<std::string, std::list<Entry>::iterator, std::less<>> by_key_;
};

}  // namespace fleetmedic

#endif  // FLEETMEDIC_STREAM_KERNEL_RECORD_H_
