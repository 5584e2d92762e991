// The fleet issues that are open, as the stream told them last, and which of them holds back the
// drain of a host. Pure.
#ifndef FLEETMEDIC_REMEDIATION_OPEN_ISSUES_H_
#define FLEETMEDIC_REMEDIATION_OPEN_ISSUES_H_

#include <map>
#include <string>

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

  // The newest word of an issue. True: it is open and was not before.
  bool Take(FleetIssue issue);

  // The issue that the condition of this host is part of; null for none. It is part of one that
  // covers the host when the issue's own rule found it, or when it began with the issue: a host
  // that was sick for a reason of its own before the fleet was is drained as ever.
  FleetIssuePtr Holding(const HostRecord& record, const TrackedCondition& condition) const;

  const std::map<std::string, FleetIssuePtr>& all() const { return issues_; }
  void Clear() { issues_.clear(); }

 private:
  std::map<std::string, FleetIssuePtr> issues_;
};

}  // namespace fleetmedic

#endif  // FLEETMEDIC_REMEDIATION_OPEN_ISSUES_H_
