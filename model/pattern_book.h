// What people may ask of the fleet's log patterns and fleet issues: between who reads them from the
// log and who shows them.
#ifndef FLEETMEDIC_MODEL_PATTERN_BOOK_H_
#define FLEETMEDIC_MODEL_PATTERN_BOOK_H_

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "model/fleet_issue.h"
#include "model/pattern_count.h"

namespace fleetmedic {

enum class PatternSort : uint8_t {
  kRank,   // hosts × novelty
  kHosts,  // distinct within the range
  kLines,
  kNew,  // seen first the latest
  kName,
};
std::string_view PatternSortName(PatternSort sort);
std::optional<PatternSort> ParsePatternSort(std::string_view word);

// Which patterns, of which hosts, and in which order.
struct PatternQuery {
  Millis range = Hours(1);         // back from now; kRangeMin to kRangeMax
  std::vector<std::string> words;  // each in the pattern's name or text, in any case
  IssueScope scope;                // hosts outside it do not count
  PatternSort sort = PatternSort::kRank;
  WallTime new_since = kWallNever;  // seen first not before; kWallNever: whenever
  bool only_rising = false;
  bool only_unmatched = false;  // of no rule
  size_t items_max = 100;       // 1 to kItemsMax

  static constexpr Millis kRangeMin = Minutes(1);
  static constexpr Millis kRangeMax = Hours(24);
  static constexpr size_t kItemsMax = 1000;
  static constexpr size_t kWordsMax = 16;
};

struct PatternSummary {
  std::string pattern;
  PatternKind kind = PatternKind::kRule;
  std::string version;
  std::string text;
  WallTime first_seen = kWallNever;
  WallTime last_seen = kWallNever;  // to the minute
  uint64_t hosts = 0;               // distinct within the range
  bool hosts_cut = false;           // there was no room for some: at least so many
  uint64_t lines = 0;               // within the range
  uint64_t hosts_10m = 0;           // distinct within the last ten minutes
  bool is_new = false;              // seen first within the range
  bool rising = false;
  double novelty = 0;  // 0.01 to 1
  double rank = 0;     // hosts × novelty
  // Hosts in up to kTrendMax parts of the range, the oldest first: of each part its highest step.
  std::vector<uint64_t> trend;
  std::string issue;  // the open fleet issue of it; empty where there is none

  static constexpr size_t kTrendMax = 60;
};

struct PatternList {
  WallTime now = kWallNever;
  WallTime from = kWallNever;
  // The log is not read to its end yet: figures will grow.
  bool reading = false;
  uint64_t patterns_total = 0;  // known, whatever was asked
  uint64_t matching_total = 0;  // of which `items` is the beginning
  uint64_t lines_total = 0;     // of those that match
  std::vector<PatternSummary> items;
};

struct PatternPoint {
  WallTime at = kWallNever;
  uint64_t hosts = 0;  // distinct within the step
  uint64_t lines = 0;
};

struct PatternDetail {
  PatternSummary summary;
  WallTime now = kWallNever;
  WallTime from = kWallNever;
  bool reading = false;
  Millis step = Minutes(1);          // ten minutes for ranges above two hours
  std::vector<PatternPoint> series;  // steps without lines are left out
  // The latest first, at most kHostsMax.
  std::vector<std::pair<HostId, WallTime>> hosts;
  std::vector<PatternExample> examples;  // the newest first
  std::vector<PatternVariable> variables;

  static constexpr size_t kHostsMax = 1000;
};

// Which hosts are compared with which.
struct PatternSelection {
  Millis range = Hours(1);  // hit within it, where from and to are not given
  WallTime from = kWallNever;
  WallTime to = kWallNever;
  // Only hosts with all of these facts are compared, hit or not.
  std::vector<std::pair<std::string, std::string>> among;

  static constexpr size_t kAmongMax = 8;
};

// A fact of which the hosts that are hit have more, or fewer, than the others.
struct PatternDifference {
  std::string fact;
  std::string value;    // empty: any, of a fact that came to be so lately
  bool lately = false;  // that it came to be so within the last hour
  uint64_t hit_with = 0;
  uint64_t hit = 0;
  uint64_t others_with = 0;
  uint64_t others = 0;
  double log10_p = 0;  // of so many or so few by chance, corrected for all that was tried
};

struct PatternDiff {
  std::string pattern;
  WallTime from = kWallNever;
  WallTime to = kWallNever;
  uint64_t hit = 0;     // hosts that are compared
  uint64_t others = 0;  // with these
  bool enough = false;  // of both, to compare them
  std::string why;      // for people, never empty: what explains it, or that nothing does
  std::vector<PatternDifference> rows;  // the strongest first
  std::vector<std::string> not_different;
};

// Numbers that grow with each change, so that who shows a page knows when to ask again.
struct PatternNews {
  uint64_t counts = 0;
  uint64_t issues = 0;
  uint64_t issues_open = 0;
};

using FleetIssuePtr = std::shared_ptr<const FleetIssue>;

// Thread-safe; none waits on the log.
class PatternBook {
 public:
  virtual ~PatternBook() = default;

  virtual PatternList List(const PatternQuery& query) const = 0;
  // kNotFound for a pattern without a line in the last 24 hours.
  virtual Result<PatternDetail> Show(std::string_view pattern, Millis range) const = 0;
  // kNotFound as Show; kInvalidArgument for facts that no host has, and for a time that is too long
  // ago to know who was hit.
  virtual Result<PatternDiff> Diff(std::string_view pattern,
                                   const PatternSelection& selection) const = 0;
  // The open ones first, then those updated the latest.
  virtual std::vector<FleetIssuePtr> Issues() const = 0;
  // Never null; kNotFound.
  virtual Result<FleetIssuePtr> Issue(std::string_view id) const = 0;
  // At once, whatever the others are at.
  virtual PatternNews News() const = 0;
  // Series that come and go, as Prometheus text: hosts of the patterns of the highest rank.
  virtual std::string MetricsText() const = 0;
};

}  // namespace fleetmedic

#endif  // FLEETMEDIC_MODEL_PATTERN_BOOK_H_
