// A fleet issue: a rule or a template that hits more hosts than chance explains, with its scope and
// its why. What the stream writes to fleetmedic.issues, keyed by its identifier; the newest record
// of an identifier is the issue.
#ifndef FLEETMEDIC_MODEL_FLEET_ISSUE_H_
#define FLEETMEDIC_MODEL_FLEET_ISSUE_H_

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "model/host_facts.h"
#include "model/ids.h"
#include "model/pattern_count.h"

namespace fleetmedic {

enum class IssueState : uint8_t { kOpen, kClosed };
std::string_view IssueStateName(IssueState state);

// The smallest part of the fleet that explains who is hit: the whole fleet, or the hosts with one
// value of one fact ("cell", "zone", "rack", "pool", "kernel", …).
struct IssueScope {
  std::string fact;  // empty: the fleet
  std::string value;

  // "fleet", "rack r17". One rack that is sick is a rack's trouble and not the fleet's: people are
  // told, and its hosts' drains are held all the same.
  std::string Text() const;
  bool Covers(const HostFacts& facts) const;

  bool operator==(const IssueScope&) const = default;
};

// What hosts that are hit have in common and the others have not.
struct IssueCause {
  // "kernel" and "6.1.99"; up to three that only together tell.
  std::vector<std::pair<std::string, std::string>> facts;
  // Other facts that exactly the same hosts have: "image=ami-7".
  std::vector<std::string> same_hosts;
  uint64_t hit_with = 0;     // hosts that are hit and have it
  uint64_t hit = 0;          // hosts that are hit
  uint64_t others_with = 0;  // of the hosts that are not hit
  uint64_t others = 0;
  double log10_p = 0;                // of so many by chance, corrected for all that was tried
  bool likely = false;               // fewer hosts than can be sure
  WallTime changed_at = kWallNever;  // when most of them came to have it, where that is recent
  // "41 of 41 hit run kernel 6.1.99; 0 of 3,959 others do."
  std::string sentence;

  bool operator==(const IssueCause&) const = default;
};

struct IssuePoint {
  WallTime minute = kWallNever;
  uint64_t hosts = 0;  // distinct within it

  bool operator==(const IssuePoint&) const = default;
};

struct FleetIssue {
  std::string id;  // "I-3fa94c21": of the pattern and of when it was opened
  IssueState state = IssueState::kOpen;
  std::string pattern;
  PatternKind kind = PatternKind::kRule;
  std::string version;  // of the rule
  std::string text;     // PatternCount::text
  IssueScope scope;

  // The window that told: x distinct hosts of those that report, where so many were expected.
  Millis window{0};
  uint64_t hosts_in_window = 0;
  uint64_t hosts_reporting = 0;
  double expected = 0;
  double log10_p = 0;

  WallTime first_at = kWallNever;  // the first line of it
  WallTime opened_at = kWallNever;
  WallTime updated_at = kWallNever;
  WallTime closed_at = kWallNever;

  // Every host that was hit since it was opened, sorted; at most kHostsMax are listed.
  std::vector<HostId> hosts;
  uint64_t hosts_total = 0;
  uint64_t lines = 0;

  std::vector<IssueCause> causes;          // the strongest first
  std::string why;                         // for people, a sentence or two; never empty
  std::vector<std::string> not_different;  // facts that tell nothing
  std::vector<IssuePoint> series;          // the newest last
  std::vector<PatternExample> examples;
  // What the remediator does about it, for people.
  std::string response;

  // "I-3fa94c21, NvmeTimeout on 41 hosts", for people.
  std::string Title() const;

  // Whether the drains of a host are held for it: an open issue covers whom it lists and, where it
  // cannot list all, all of its scope.
  bool Covers(const HostFacts& facts) const;

  static constexpr size_t kIdCharsMax = 64;
  static constexpr size_t kHostsMax = 2000;
  static constexpr size_t kCausesMax = 8;
  static constexpr size_t kFactsMax = 3;
  static constexpr size_t kSameHostsMax = 8;
  static constexpr size_t kNotDifferentMax = 64;
  static constexpr size_t kSeriesMax = 240;
  static constexpr size_t kExamplesMax = 5;

  bool operator==(const FleetIssue&) const = default;
};

using FleetIssuePtr = std::shared_ptr<const FleetIssue>;

Json ToJson(const FleetIssue& issue);
// kInvalidArgument for anything that is past a limit above.
Result<FleetIssue> FleetIssueFromJson(const Json& json);

}  // namespace fleetmedic

#endif  // FLEETMEDIC_MODEL_FLEET_ISSUE_H_
