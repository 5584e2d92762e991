#include "remediation/open_issues.h"

#include <algorithm>

namespace fleetmedic {

bool OpenIssues::Take(FleetIssue issue, WallTime now) {
  std::string id = issue.id;
  if (issue.state != IssueState::kOpen) {
    Forget(id);
    return false;
  }
  const bool fresh = !issues_.contains(id);
  if (fresh && issues_.size() >= kIssuesMax) {
    const auto oldest = std::ranges::min_element(
        issues_, {}, [](const auto& entry) { return entry.second->opened_at; });
    Forget(std::string(oldest->first));
  }
  heard_at_[id] = now;
  issues_[std::move(id)] = std::make_shared<const FleetIssue>(std::move(issue));
  return fresh;
}

void OpenIssues::Forget(const std::string& id) {
  issues_.erase(id);
  heard_at_.erase(id);
  stale_.erase(id);
}

OpenIssues::Aged OpenIssues::Age(WallTime now, Millis stale_after) {
  Aged aged;
  for (const auto& [id, issue] : issues_) {
    if (heard_at_.at(id) + stale_after <= now) {
      if (stale_.insert(id).second) aged.stale.push_back(issue);
    } else if (stale_.erase(id) > 0) {
      aged.renewed.push_back(issue);
    }
  }
  return aged;
}

FleetIssuePtr OpenIssues::Holding(const HostRecord& record,
                                  const TrackedCondition& condition) const {
  for (const auto& [id, issue] : issues_) {
    if (!issue->Covers(record.facts)) continue;
    if (condition.detector == "rule:" + issue->pattern) return issue;
    if (condition.verdict_since >= issue->first_at - kBeforeFirstLine) return issue;
  }
  return nullptr;
}

}  // namespace fleetmedic
