#include "remediation/audit_detail.h"
#include "remediation/controller.h"
#include "remediation/evidence.h"

namespace fleetmedic {

void Controller::TakeIssues() {
  for (Intake::IssueNews& news : intake_.TakeIssues()) {
    const std::string object = "issue:" + news.issue.id;
    const std::string text = news.issue.Title() + ": " + news.issue.why;
    Json detail = IssueDetail(news.issue);
    const bool was_open = issues_.all().contains(news.issue.id);
    const bool closed = news.issue.state == IssueState::kClosed;
    const bool opened = issues_.Take(std::move(news.issue));
    if (!news.fresh) continue;
    if (opened) {
      pages_.Add();
      AuditAct("fleetmedic", "page", object, text, "drains that are part of it are held",
               std::move(detail));
    } else if (closed && was_open) {
      AuditAct("fleetmedic", "notify", object, text, "closed; it holds no drain any more",
               std::move(detail));
    }
  }
  issues_gauge_.Set(static_cast<double>(issues_.all().size()));
}

std::string Controller::IssueOver(const HostRecord& record) const {
  if (issues_.all().empty() || record.conditions.empty()) return "";
  const TrackedCondition* const worst = Assess(config_.policy, record, now_).worst;
  if (worst == nullptr) return "";
  const FleetIssuePtr issue = issues_.Holding(record, *worst);
  return issue == nullptr ? "" : issue->Title();
}

}  // namespace fleetmedic
