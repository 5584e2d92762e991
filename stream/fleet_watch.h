// Stage two of the stream, for the patterns of one partition of fleetmedic.counts: counts in, fleet
// issues out. It puts detection, scope and why together and keeps what is open. Pure: time comes
// with the calls.
#ifndef FLEETMEDIC_STREAM_FLEET_WATCH_H_
#define FLEETMEDIC_STREAM_FLEET_WATCH_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "model/fleet_issue.h"
#include "model/pattern_count.h"
#include "stream/fleet_detect.h"
#include "stream/fleet_hosts.h"

namespace fleetmedic {

struct FleetWatchOptions {
  FleetDetectOptions detect;
  // Issues that are open at once; past it a pattern that is flagged is not told, and counted.
  size_t issues_max = 500;
};

// Owned by one thread.
class FleetWatch {
 public:
  // A minute is ended so long after it is over: counts of it are still on their way.
  static constexpr Millis kMinuteGrace = Seconds(3);
  // Counts of a minute that has not begun for us are held back; past so many they are taken as of
  // the present.
  static constexpr size_t kHeldMax = 20'000;
  // An issue whose hosts grow is told again this often at most, and each minute in any case.
  static constexpr Millis kUpdateEvery = Seconds(10);

  // `hosts` is not owned and stays as long as the watch; others may share it.
  FleetWatch(const FleetWatchOptions& options, FleetHosts* hosts, WallTime now);

  // So long the counts of a rule that ended are left alone: those that were on their way, and those
  // that a successor reads again.
  static constexpr Millis kEndedRuleKept = Hours(2);
  static constexpr size_t kEndedRulesMax = 20'000;
  // Templates that go by another identifier: past it counts of more are taken as they come.
  static constexpr size_t kMergedMax = 20'000;

  // The rules that are in use, of all partitions: not to see one is news of it, too. Of a rule that
  // is not among them all ends, its open issue in words. Counts of a rule that was never named are
  // taken: whoever counted it may have read the rules before us.
  void UseRules(const std::set<std::string>& rules, WallTime now);
  // Counts may come twice, late and in any order (PatternCount).
  void Take(const PatternCount& count, WallTime now);
  // Before Take of a count with this alias: what was expected of it in another watch of this
  // process.
  void Inherit(const PatternCount& count, const std::string& alias, const PatternState& known);
  // Ends the minutes that are over and judges what came. To be called after the counts of a turn
  // and at NextDue at the latest.
  void Advance(WallTime now);
  WallTime NextDue() const;
  void Forget(const std::vector<HostIndex>& hosts);
  // Patterns that share the expected false flags, where other watches have some of them.
  void SetPatternsTotal(size_t patterns) { detect_.SetPatternsTotal(patterns); }

  // The issues that changed since the last call, as they are now; closed ones once.
  std::vector<FleetIssue> TakeChanged();
  size_t open_issues() const { return issues_.size(); }

  // What a successor goes on from. Windows are not in it: the counts of the last hour are read
  // again.
  struct Saved {
    std::string key;  // the pattern
    Json value;
  };
  // Rows of patterns that changed since the last call, and of the cohorts of some, each once an
  // hour; `removed`: that are no more. To be called about once a minute.
  static constexpr size_t kCohortRowsMax = 20;  // of one call
  static constexpr size_t kCohortRowBytesMax = size_t{128} << 10;
  std::vector<Saved> TakeChangedPatterns(std::set<std::string>* removed);
  // The pattern whose cohorts a row is of; none where it is of the pattern itself.
  static std::optional<std::string> CohortRowOf(std::string_view key);
  Json SavedWhole() const;
  // In this order, before anything else is called. Errors leave out what they are of.
  Status RestoreWhole(const Json& saved);
  Status RestorePattern(const std::string& key, const Json& saved);
  Status RestoreIssue(FleetIssue issue, FleetReach reach, WallTime now);
  // Values that no host has now are left out: the hosts' facts are to be known by then.
  Status RestoreCohorts(const std::string& pattern, const Json& saved);
  // Cohorts that a row had no room for, since the start.
  uint64_t cohorts_unkept() const { return cohorts_unkept_; }
  // A changed issue, as it is kept.
  Json SavedIssue(const FleetIssue& issue) const;
  static Result<std::pair<FleetIssue, FleetReach>> SavedIssueFrom(const Json& saved);

  const FleetDetect& detect() const { return detect_; }
  // Counts that came for an issue past issues_max.
  uint64_t issues_dropped() const { return issues_dropped_; }

 private:
  struct Tracked {
    FleetIssue issue;
    FleetReach reach = FleetReach::kNone;
    // Hosts that were hit since it was opened or shortly before, and when first.
    std::map<HostIndex, WallTime> hit;
    bool grown = false;    // since it was told
    bool changed = false;  // to be told now
    WallTime told_at = kWallNever;
  };
  // What is known of a pattern beside what detection keeps.
  struct Known {
    std::string version;
    std::string text;
    WallTime first_seen = kWallNever;
    std::vector<PatternExample> examples;  // the newest
    std::map<int32_t, int64_t> lines_to;   // by partition of the logs: the last offset counted
    std::vector<std::string> aliases;      // whose history it has, the latest last
  };

  void TakeNow(const PatternCount& count, WallTime now);
  // The pattern that counts of this one are of.
  const std::string& NameNow(const std::string& pattern) const;
  // False where it has its history already.
  bool NoteAlias(const std::string& alias, const std::string& into);
  void TakeAlias(const std::string& alias, PatternIndex into, WallTime now);
  void MoveIssue(const std::string& from, const std::string& into, WallTime now);
  void OnEvents(std::vector<FleetEvent> events, WallTime now);
  void Open(const FleetEvent& event, WallTime now);
  void Close(const std::string& pattern, WallTime now);
  // As it was measured last.
  void End(const std::string& pattern, std::string response, WallTime now);
  void Measure(const FleetEvent& event, Tracked* tracked) const;
  void Update(Tracked* tracked, WallTime now);
  void SetScope(const FleetEvent& event, Tracked* tracked) const;
  Json CohortsJson(const CohortWatch::State& state);
  CohortRef CohortOf(const IssueScope& scope, FleetReach reach) const;
  std::optional<PatternIndex> Interned(const std::string& pattern, PatternKind kind);

  const FleetWatchOptions options_;
  FleetHosts* const hosts_;
  FleetDetect detect_;
  std::map<std::string, Known> known_;
  std::map<std::string, Tracked> issues_;  // by pattern
  std::vector<FleetIssue> closed_;
  std::deque<PatternCount> held_;
  std::set<std::string> dirty_;
  std::set<std::string> saved_;
  std::set<std::string> saved_cohorts_;  // patterns
  uint64_t cohorts_unkept_ = 0;
  // Templates that go by another identifier now, and by which. Their counts are the other's, since
  // whoever counts them may not know it yet.
  std::map<std::string, std::string> merged_;
  std::map<std::string, WallTime> ended_rules_;  // and when they did
  int64_t saved_minute_ = 0;                     // of what was restored
  uint64_t issues_dropped_ = 0;
};

}  // namespace fleetmedic

#endif  // FLEETMEDIC_STREAM_FLEET_WATCH_H_
