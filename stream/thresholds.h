// From lines to findings: a rule may want several lines within a time on one host before it means
// anything. Pure: time is the host's own, as its frames carry it.
#ifndef FLEETMEDIC_STREAM_THRESHOLDS_H_
#define FLEETMEDIC_STREAM_THRESHOLDS_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <list>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/rule.h"
#include "model/finding.h"

namespace fleetmedic {

// A line that a rule matched. Lives as long as the call.
struct RuleHit {
  const HostId& host;
  std::string_view boot_id;
  const Rule& rule;
  std::string unit;
  std::string message;
  std::map<std::string, std::string> captures;
  std::string_view line;
  WallTime at = kWallNever;
  std::string_view position;  // Finding::position
  uint64_t times = 1;         // how often the line was written
};

struct ThresholdLimits {
  // Windows that are kept, one for each host, boot, rule and unit. Past a limit the one that was
  // longest without a line is forgotten, first of the same host: what it counted is lost, and
  // dropped() tells. A host that prints hostile units so harms itself alone.
  size_t windows_per_host_max = 1000;
  size_t windows_max = 100'000;
};

class Thresholds {
 public:
  // While the lines go on a window tells of itself this often, or after its threshold_within where
  // that is shorter: so that what clears by quiet does not.
  static constexpr Millis kRepeatAfterMax = Seconds(30);
  // Lines that a window keeps to show, each cut to kEvidenceBytesMax.
  static constexpr size_t kEvidenceLines = 5;
  static constexpr size_t kEvidenceBytesMax = 512;

  explicit Thresholds(const ThresholdLimits& limits = {}) : limits_(limits) {}

  // Counts the line. A finding when its window then holds the rule's count, and it is the first or
  // the repeat is due; `count` is the lines since the finding before. A time behind the newest of
  // the window is taken as that; one that is more than the window's length behind is a clock that
  // was put back, and the window begins anew.
  //
  // Of an event (Clear::kTime) a window tells once in its clear_after.
  std::optional<Finding> Add(const RuleHit& hit);

  // The line was the rule's cancel: what the window counted is forgotten. A finding whose verdict
  // is kOk, when the window told of something that this takes back; and once of a window that is
  // new to us, since what was found before we started may stand yet.
  std::optional<Finding> Cancel(const RuleHit& hit);

  size_t windows() const { return windows_; }
  // Windows that were forgotten for a limit, since the start.
  uint64_t dropped() const { return dropped_; }

 private:
  struct Window {
    std::string key;
    // Of the last lines, at most threshold_count.
    std::deque<WallTime> times;
    WallTime first_at = kWallNever;  // of the lines that `lines` counts
    WallTime found_at = kWallNever;  // of the last finding
    uint64_t lines = 0;              // since the last finding
    std::deque<std::string> evidence;
    bool cancelled = false;  // told so, and nothing bad since
  };
  // Most recently used first.
  struct Host {
    HostId id;
    std::list<Window> windows;
    std::map<std::string, std::list<Window>::iterator, std::less<>> by_key;
  };

  Window& WindowOf(const RuleHit& hit);
  static Finding FindingOf(const RuleHit& hit);
  void DropOldestOf(Host* host);

  const ThresholdLimits limits_;
  std::list<Host> hosts_;
  std::map<HostId, std::list<Host>::iterator> by_host_;
  size_t windows_ = 0;
  uint64_t dropped_ = 0;
};

}  // namespace fleetmedic

#endif  // FLEETMEDIC_STREAM_THRESHOLDS_H_
