// Which patterns hit more hosts than chance explains. docs/fleet_issues.md has the formula and what
// a simulation shows of it. Pure: single-threaded, no clock; the present is the minute after the
// last that the caller ended.
//
// The order of calls: Intern the rules, then for each minute any number of Hit and Judge, then one
// EndOfMinute.
#ifndef FLEETMEDIC_STREAM_FLEET_DETECT_H_
#define FLEETMEDIC_STREAM_FLEET_DETECT_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "model/pattern_count.h"
#include "stream/baseline.h"
#include "stream/cohort_watch.h"
#include "stream/fleet_facts.h"
#include "stream/pattern_window.h"

namespace fleetmedic {

struct FleetDetectOptions {
  // Expected for all patterns, windows and cohorts together.
  double false_flags_per_day = 0.1;
  // Fewer hosts, or less than so many times as many as usual, are never flagged.
  uint32_t hosts_min = 5;
  double ratio_min = 3;
  // An issue closes after so many minutes with every window below half of its threshold. The
  // longest window falls below it when the last hosts were hit nearly an hour ago.
  int clear_minutes = 10;
  // Baselines are frozen while flagged, but not for ever: what lasts longer becomes the usual.
  int64_t freeze_minutes_max = int64_t{7} * 24 * 60;
  // A pattern that is expected on so many hosts within an hour is tested by cohort.
  double chatty_hosts_min = 2;

  // Numbers of hosts are below it; at most PatternWindow::kHostsEnd.
  uint32_t hosts_max = 200'000;
  // Past it a new template takes the place of the one that was longest without a hit; a new rule is
  // refused when there is no template left.
  size_t patterns_max = 60'000;
  // Of all windows. Past it a pattern that 1,000 hosts saw within the hour counts no more of them;
  // it is flagged by then, or so chatty that a host more tells nothing.
  size_t window_bytes_max = size_t{1} << 30;
  // Patterns that are tested by cohort, 120 bytes for each cohort and pattern.
  size_t chatty_patterns_max = 1'000;
  Cohorts::Limits cohorts;
};

// What limits took, since the start.
struct FleetDetectDropped {
  uint64_t late_hits = 0;        // of an hour ago or more
  uint64_t host_hits = 0;        // of hosts past hosts_max
  uint64_t window_hits = 0;      // past window_bytes_max
  uint64_t templates = 0;        // that made room for newer ones
  uint64_t patterns = 0;         // that found no room
  uint64_t chatty_patterns = 0;  // not tested by cohort: patterns, each minute
  uint64_t cohorts = 0;          // not tested, at present
};

// How far an issue reaches; each includes those before it.
enum class FleetReach : uint8_t {
  kNone,
  kRack,    // more hosts than chance explains, but not without the rack that most of them are in
  kCohort,  // more hosts of a cohort
  kFleet,
};

enum class FleetChange : uint8_t {
  kOpened,
  kWidened,  // it reaches further than it did
  kClosed,
};

using PatternIndex = uint32_t;

struct FleetEvent {
  FleetChange change = FleetChange::kOpened;
  FleetReach reach = FleetReach::kNone;
  PatternIndex pattern = 0;
  int64_t minute = 0;
  // The test that told; of several windows the least likely. Not set for kClosed.
  size_t window = 0;  // an index of kWindowMinutes
  uint32_t hosts = 0;
  uint32_t threshold = 0;
  Expectation expected;
  double probability = 1;
  // kRack: the rack's value (0: hosts without one). kCohort: key and value.
  CohortRef cohort;
  // The hosts in the window, sorted: of kRack and kCohort those of the rack or cohort alone.
  std::vector<uint32_t> affected;
};

// What the detector knows of a pattern, for a snapshot and for people.
struct PatternState {
  std::string id;
  PatternKind kind = PatternKind::kRule;
  // Minutes; 0: never.
  int64_t first_hit = 0;
  int64_t last_hit = 0;
  std::array<BaselineState, kWindows> baselines;
  FleetReach reach = FleetReach::kNone;
  int64_t flagged_since = 0;
  // Of the open issue (FleetEvent::cohort).
  CohortRef cohort;

  bool operator==(const PatternState&) const = default;
};

// The same of a pattern that was never seen: what a new template begins with.
using SilentState = std::array<BaselineState, kWindows>;

class FleetDetect {
 public:
  // Hits count from `minute`, and windows are whole when they lie after it.
  FleetDetect(const FleetDetectOptions& options, int64_t minute);

  // Whether a pattern that is new to us would have been seen before: a template that nobody wrote
  // would, and its silence is its baseline; a rule that was just added would not, and it learns.
  enum class Before : uint8_t { kSilent, kUnknown };
  // The pattern's index, a new one where it is not known. Valid until the pattern gives room, which
  // an Intern of another can do. None where there is no room.
  std::optional<PatternIndex> Intern(std::string_view id, PatternKind kind, Before before);
  std::optional<PatternIndex> Find(std::string_view id) const;
  // The pattern is no more, with its issue: a rule that was taken out.
  void Remove(PatternIndex pattern);

  // The two turned out to be one pattern: what was expected of `from` and what was seen of it in
  // the last hour is `into`'s, and so is its issue where `into` has none. `from` is no more.
  void Merge(PatternIndex from, PatternIndex into);
  // The same of a pattern that another detector has: what was expected of it alone.
  void Inherit(PatternIndex into, const std::array<BaselineState, kWindows>& baselines);

  // The pattern was seen on the host in this minute: O(1), a cache miss or two. Of the minute's
  // distinct hosts it is enough to say each once; more change nothing.
  void Hit(PatternIndex pattern, uint32_t host, int64_t minute);
  // What was flagged by the hits since. Within a minute counts only grow, so to look after every
  // hit is the same single test as to look at the minute's end, and says it earlier.
  void Judge(const FleetFacts& facts, std::vector<FleetEvent>* events);
  // The minute is over, for all partitions that hits come from. To be called for each minute in
  // turn: minutes that are left out were not watched, and baselines do not learn from windows that
  // reach into them. A minute before the present is ignored.
  void EndOfMinute(int64_t minute, const FleetFacts& facts, std::vector<FleetEvent>* events);
  // Numbers of hosts that are nobody's now.
  void Forget(std::span<const uint32_t> hosts);

  int64_t present() const { return present_; }
  // Patterns that share false_flags_per_day; where stage two is divided, of all replicas. 0: ours.
  void SetPatternsTotal(size_t patterns) { patterns_total_ = patterns; }

  // A pattern as it is now. Require a valid index.
  PatternState State(PatternIndex pattern) const;
  uint32_t HostsIn(PatternIndex pattern, size_t window);
  std::vector<uint32_t> HostListIn(PatternIndex pattern, size_t window);
  // Distinct hosts of each minute, the present last: PatternWindow::kSeriesMinutes.
  std::vector<uint32_t> Series(PatternIndex pattern);
  // None before the window was watched once.
  std::optional<Expectation> ExpectedIn(PatternIndex pattern, size_t window) const;
  // All patterns, in no order.
  std::vector<PatternIndex> Patterns() const;

  // Snapshots. After Restore windows are empty: until they are whole again nothing is closed and no
  // baseline learns, and what hits come in since can only be fewer than they were. Restore replaces
  // a pattern that is known; false where there is no room. Restore those hit longest ago first.
  SilentState Silent() const;
  void RestoreSilent(const SilentState& state);
  bool Restore(const PatternState& state);

  bool HasCohorts(PatternIndex pattern) const { return patterns_[pattern].cohorts != nullptr; }
  // The same of a pattern that is tested by cohort; none where it is not.
  std::optional<CohortWatch::State> CohortsOf(PatternIndex pattern) const;
  // After Restore of the pattern. False where as many as are allowed are tested by cohort.
  bool RestoreCohorts(PatternIndex pattern, const CohortWatch::State& state);
  // The patterns whose cohorts learnt for an hour since they were given here, at most so many:
  // those that wait the longest.
  std::vector<PatternIndex> TakeLearntCohorts(size_t patterns_max);

  size_t patterns() const { return by_id_.size(); }
  // That have been seen within two hours or are flagged.
  size_t active_patterns() const { return active_.size(); }
  const FleetDetectDropped& dropped() const { return dropped_; }
  size_t MemoryBytes() const;

 private:
  static constexpr uint32_t kNoPattern = UINT32_MAX;
  static constexpr uint32_t kNever = UINT32_MAX;
  static constexpr uint32_t kCrowdHosts = 1'000;

  // The test of one window. What costs is computed when the count reaches `least`, and again when
  // the expectation has moved.
  struct WindowTest {
    bool ready = false;
    Expectation expected;     // in the present minute
    uint32_t least = kNever;  // max(hosts_min, ratio_min * mean)
    Expectation computed_of;
    double computed_at = 0;        // the level
    uint32_t flag_at = kNever;     // hosts that are flagged
    uint32_t outside_at = kNever;  // hosts outside the fullest rack that are too many by themselves
    uint32_t spread_over = 0;      // hosts when racks were last counted, in this minute
  };
  struct Pattern {
    std::string id;
    PatternKind kind = PatternKind::kRule;
    bool used = false;
    bool active = false;
    uint32_t active_at = 0;  // in active_
    bool suspect = false;
    FleetReach reach = FleetReach::kNone;
    int calm_minutes = 0;
    int64_t first_hit = 0;
    int64_t last_hit = 0;
    int64_t flagged_since = 0;
    CohortRef cohort;
    PatternWindow window;
    std::array<Baseline, kWindows> baselines;
    // observations_ when the baselines were last brought up to date.
    std::array<int64_t, kWindows> observed{};
    std::array<WindowTest, kWindows> tests;
    std::unique_ptr<CohortWatch> cohorts;
    // Templates that are not flagged, by their last hit.
    uint32_t newer = kNoPattern;
    uint32_t older = kNoPattern;
  };

  void TakeBaselines(Pattern* pattern, const std::array<Baseline, kWindows>& baselines) const;
  double Level() const;
  void Activate(PatternIndex index);
  void Deactivate(PatternIndex index);
  void CatchUp(Pattern* pattern) const;
  void SetExpectations(Pattern* pattern) const;
  void Compute(WindowTest* test) const;
  // Hosts that came back all at once are expected to be seen from now, not from the next minute.
  bool NoteGrowth(const FleetFacts& facts);
  void Evaluate(PatternIndex index, const FleetFacts& facts, std::vector<FleetEvent>* events);
  void Flag(PatternIndex index, FleetEvent event, std::vector<FleetEvent>* events);
  void CloseIfCalm(PatternIndex index, bool calm, int minutes, std::vector<FleetEvent>* events);
  bool IsCalm(Pattern* pattern) const;
  bool Watched(size_t window) const;
  bool Frozen(const Pattern& pattern) const;
  void Learn(Pattern* pattern);
  void TestCohorts(PatternIndex index, const FleetFacts& facts, std::vector<FleetEvent>* events);
  bool IsChatty(const Pattern& pattern) const;
  void Link(PatternIndex index);
  void Unlink(PatternIndex index);

  const FleetDetectOptions options_;
  int64_t present_;
  int64_t watched_from_;  // the first minute that was watched from its beginning
  uint32_t hosts_end_ = 1;
  uint32_t hosts_reporting_ = 0;
  bool grown_ = false;  // hosts_reporting_, within this minute
  size_t patterns_total_ = 0;
  // Minutes whose windows were observed: a pattern that is not active has seen as many zeros.
  std::array<int64_t, kWindows> observations_{};
  std::array<Baseline, kWindows> silent_;
  std::vector<Pattern> patterns_;
  std::vector<PatternIndex> free_;
  absl::flat_hash_map<std::string, PatternIndex> by_id_;
  std::vector<PatternIndex> active_;
  std::vector<PatternIndex> suspects_;
  uint32_t newest_ = kNoPattern;
  uint32_t oldest_ = kNoPattern;
  Cohorts cohorts_;
  size_t chatty_ = 0;
  size_t window_bytes_ = 0;
  FleetDetectDropped dropped_;
};

}  // namespace fleetmedic

#endif  // FLEETMEDIC_STREAM_FLEET_DETECT_H_
