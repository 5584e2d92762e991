#include "remediation/audit_detail.h"
#include "remediation/controller.h"
#include "remediation/evidence.h"

namespace fleetmedic {
namespace {

constexpr std::string_view kStillHeld = "its drains stay held; a person may drain a host by name";

std::string NotRenewedSince(const FleetIssue& issue) {
  return "not renewed since " + FormatWall(issue.updated_at);
}

}  // namespace

void Controller::TakeIssues() {
  for (Intake::IssueNews& news : intake_.TakeIssues()) {
    const std::string object = "issue:" + news.issue.id;
    const std::string text = news.issue.Title() + ": " + news.issue.why;
    Json detail = IssueDetail(news.issue);
    const bool was_open = issues_.all().contains(news.issue.id);
    const bool closed = news.issue.state == IssueState::kClosed;
    const bool opened = issues_.Take(std::move(news.issue), now_);
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

void Controller::AgeIssues() {
  const OpenIssues::Aged aged = issues_.Age(now_, config_.policy.issue_stale_after);
  for (const FleetIssuePtr& issue : aged.stale) {
    const std::string object = "issue:" + issue->id;
    // A leader before us may have called already.
    const auto newest = env_.store.NewestAudit(object, 1);
    if (newest && !newest->empty() && newest->front().result == kStillHeld) continue;
    pages_.Add();
    AuditAct("fleetmedic", "page", object,
             issue->Title() + ": " + NotRenewedSince(*issue) +
                 "; is a stream running, and does it lead the partition of its pattern?",
             std::string(kStillHeld));
  }
  for (const FleetIssuePtr& issue : aged.renewed) {
    AuditAct("fleetmedic", "notify", "issue:" + issue->id, issue->Title() + ": renewed again", "");
  }
  issues_stale_gauge_.Set(static_cast<double>(issues_.stale().size()));
}

bool Controller::Allowed(const FleetIssue& issue, const HostFacts& facts) const {
  return std::ranges::any_of(ledger_.overrides(), [&](const auto& entry) {
    const Override& override = entry.second;
    if (override.kind != OverrideKind::kAllow) return false;
    if (override.scope.kind == ScopeKind::kRule) return override.scope.name == issue.pattern;
    return ScopeCovers(override.scope, facts);
  });
}

std::string Controller::IssueOver(const HostRecord& record) const {
  if (issues_.all().empty() || record.conditions.empty()) return "";
  const TrackedCondition* const worst = Assess(config_.PolicyOf(record.facts), record, now_).worst;
  if (worst == nullptr) return "";
  const FleetIssuePtr issue = issues_.Holding(record, *worst);
  if (issue == nullptr || Allowed(*issue, record.facts)) return "";
  const bool stale = issues_.stale().contains(issue->id);
  return issue->Title() + (stale ? ", " + NotRenewedSince(*issue) : "");
}

}  // namespace fleetmedic
