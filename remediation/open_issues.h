// The fleet issues that are open, as the stream told them last, and which of them holds back the
// drain of a host. Pure.
#ifndef FLEETMEDIC_REMEDIATION_OPEN_ISSUES_H_
#define FLEETMEDIC_REMEDIATION_OPEN_ISSUES_H_

#include <map>
#include <set>
#include <string>
#include <vector>

#include "model/fleet_issue.h"
#include "model/host_record.h"

namespace fleetmedic {

// Owned by one thread.
class OpenIssues {
 public:
  // Past this the one that was opened first is forgotten: so many are one trouble with many names,
  // and the others hold.
  static constexpr size_t kIssuesMax = 1000;
  // A host's condition may be seen this long before the first line of an issue that it is part of.
  static constexpr Millis kBeforeFirstLine = Minutes(10);

  // The newest word of an issue, heard now. True: it is open and was not before.
  bool Take(FleetIssue issue, WallTime now);

  // The stream renews an open issue each minute: one that is not is as it was when its stream went
  // silent, open or long over. Which came to be stale since the last call, and which were and are
  // not any more. Nothing else changes: a stale issue holds until it is closed, for to let all of
  // its hosts go because nobody watches would be the wrong way to be wrong.
  struct Aged {
    std::vector<FleetIssuePtr> stale;
    std::vector<FleetIssuePtr> renewed;
  };
  Aged Age(WallTime now, Millis stale_after);
  // As of the last Age.
  const std::set<std::string>& stale() const { return stale_; }

  // The issue that the condition of this host is part of; null for none. It is part of one that
  // covers the host when the issue's own rule found it, or when it began with the issue: a host
  // that was sick for a reason of its own before the fleet was is drained as ever.
  FleetIssuePtr Holding(const HostRecord& record, const TrackedCondition& condition) const;

  const std::map<std::string, FleetIssuePtr>& all() const { return issues_; }
  void Clear() { *this = OpenIssues(); }

 private:
  void Forget(const std::string& id);

  std::map<std::string, FleetIssuePtr> issues_;
  // By our own clock: to restart is not to be silent.
  std::map<std::string, WallTime> heard_at_;
  std::set<std::string> stale_;
};

}  // namespace fleetmedic

#endif  // FLEETMEDIC_REMEDIATION_OPEN_ISSUES_H_
