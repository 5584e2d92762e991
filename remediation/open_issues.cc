#include "remediation/open_issues.h"

#include <algorithm>

namespace fleetmedic {

bool OpenIssues::Take(FleetIssue issue) {
  if (issue.state != IssueState::kOpen) {
    issues_.erase(issue.id);
    return false;
  }
  const bool fresh = !issues_.contains(issue.id);
  if (fresh && issues_.size() >= kIssuesMax) {
    issues_.erase(std::ranges::min_element(
        issues_, {}, [](const auto& entry) { return entry.second->opened_at; }));
  }
  std::string id = issue.id;
  issues_[std::move(id)] = std::make_shared<const FleetIssue>(std::move(issue));
  return fresh;
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
