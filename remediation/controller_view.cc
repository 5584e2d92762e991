// What the remediator tells: the audit of each decision, and the snapshot that queries read.
#include <algorithm>

#include "base/logging.h"
#include "remediation/controller.h"
#include "remediation/evidence.h"

namespace fleetmedic {
namespace {

constexpr Millis kSnapshotEveryMin = Millis(200);

std::string_view ActionOf(HostState state) {
  switch (state) {
    case HostState::kHealthy:
      return "in_service";
    case HostState::kSuspect:
      return "suspect";
    case HostState::kTainted:
      return "taint";
    case HostState::kDraining:
      return "drain";
    case HostState::kDrained:
      return "drained";
    case HostState::kRepairing:
      return "repair";
    case HostState::kProbation:
      return "probation";
    case HostState::kRetired:
      return "retire";
  }
  return "";
}

Json EvidenceOf(const Policy& policy, const HostRecord& record) {
  Json list(Json::Array{});
  for (const TrackedCondition& tracked : record.conditions) {
    const Condition& condition = tracked.condition;
    if (condition.verdict != Verdict::kBad || !Actionable(policy, condition)) continue;
    Json item = ToJson(condition);
    item.Set("detector", tracked.detector);
    item.Set("origin", tracked.origin);
    item.Set("observed_at", tracked.observed_at);
    list.Append(std::move(item));
  }
  return list;
}

}  // namespace

void Controller::AuditAct(std::string who, std::string action, std::string object, std::string why,
                          std::string result, Json detail) {
  LogInfo("decided", {{"action", action}, {"object", object}, {"who", who}, {"why", why}});
  AuditEntry entry;
  entry.at = now_;
  entry.who = std::move(who);
  entry.action = std::move(action);
  entry.object = std::move(object);
  entry.why = std::move(why);
  entry.result = std::move(result);
  entry.detail = std::move(detail);
  ledger_.Audit(std::move(entry));
}

void Controller::AuditDecision(const HostRecord& before, const Decision& decision,
                               const Input& input) {
  const HostRecord& after = decision.next;
  const bool moved = before.state != after.state || before.revision != after.revision ||
                     before.repair_id != after.repair_id || before.grant != after.grant;
  const bool refused =
      std::holds_alternative<input::Refused>(input) && before.waits_for != after.waits_for;
  const bool overlaid = std::holds_alternative<input::Overlay>(input);
  const bool differs = decision.why.starts_with("difference");
  if (!moved && !refused && !overlaid && !differs) return;
  Json detail;
  detail.Set("input", InputName(input));
  detail.Set("from", HostStateName(before.state));
  detail.Set("to", HostStateName(after.state));
  detail.Set("episode", after.episode);
  detail.Set("revision", after.revision);
  detail.Set("want", WantName(after.want));
  const GrantId& grant = after.grant.empty() ? before.grant : after.grant;
  detail.Set("grant", grant.str());
  detail.Set("boot_id", after.facts.boot_id);
  if (moved) detail.Set("evidence", EvidenceOf(config_.PolicyOf(after.facts), after));
  std::string action(ActionOf(after.state));
  if (before.state == after.state) {
    action = refused ? "refuse" : overlaid ? "overlay" : differs ? "difference" : "direct";
    if (after.state == HostState::kRepairing && moved) action = "repair";
    if (before.grant != after.grant && before.revision == after.revision) action = "release_grant";
  }
  AuditAct("fleetmedic", std::move(action), "host:" + after.facts.host.str(), decision.why,
           after.grant.empty() ? "" : "grant " + after.grant.str(), std::move(detail));
}

// What a grant was counted against, the grant included: the figures are gone a moment later.
void Controller::AuditGrant(std::string who, const std::string& reason, const HostRecord& record,
                            const GrantId& grant, std::span<const Grant> grants) {
  const HostFacts& facts = record.facts;
  Json limits(Json::Array{});
  const std::vector<Limit> in_force = LimitsInForce();
  for (const LimitUse& use : UsesFor(in_force, grants, look_.census, facts, now_)) {
    Json item;
    item.Set("name", use.limit->name);
    item.Set("scope", use.scope);
    item.Set("kind", LimitKindName(use.limit->kind));
    item.Set("used", use.used);
    item.Set("max", use.max);
    limits.Append(std::move(item));
  }
  Json detail;
  detail.Set("grant", grant.str());
  detail.Set("episode", record.episode);
  detail.Set("limits", std::move(limits));
  AuditAct(std::move(who), "grant", "host:" + facts.host.str(), reason, "grant " + grant.str(),
           std::move(detail));
}

std::shared_ptr<const FleetSnapshot> Controller::Snapshot() const {
  absl::MutexLock lock(&snapshot_mutex_);
  return snapshot_;
}

void Controller::PublishSnapshot(MonoTime now) {
  if (now < next_snapshot_ && answers_.empty()) {
    next_wake_ = std::min(next_wake_, next_snapshot_);
    return;
  }
  next_snapshot_ = now + kSnapshotEveryMin;
  auto next = std::make_shared<FleetSnapshot>();
  next->epoch = lease_ ? lease_->epoch : 0;
  next->sequence = Snapshot()->sequence + 1;
  next->now = now_;
  next->leader = lease_.has_value();
  next->mode = mode_;
  next->mode_reason = mode_reason_;
  next->hold_file = gate_.hold_file();
  next->hold_file_present = gate_.HoldFilePresent(&next->hold_file_since);
  next->trouble = trouble_;
  next->hosts = ledger_.hosts();
  next->brake = ledger_.brake();
  next->reconcile = ledger_.reconcile();
  next->reconcile_report = report_;
  for (const auto& [id, issue] : issues_.all()) next->issues.push_back(issue);
  next->issues_stale = issues_.stale();
  for (const auto& [id, override] : ledger_.overrides()) next->overrides.push_back(override);
  const std::vector<Grant> grants = ledger_.GrantList();
  std::ranges::copy_if(grants, std::back_inserter(next->grants), &Grant::open);
  open_grants_gauge_.Set(static_cast<double>(next->grants.size()));
  next->ramp = ledger_.ramp();
  const std::vector<Limit> in_force = LimitsInForce();
  for (const LimitUse& use : Uses(in_force, grants, look_.census, now_)) {
    next->limits.push_back({use.limit->name, use.scope, use.limit->kind, use.used, use.max,
                            use.limit->window, use.next_at});
  }
  next->hosts_silent = look_.silent;
  next->oldest_seen_at = look_.oldest_seen_at;
  next->log_lag = Millis(static_cast<int64_t>(log_lag_gauge_.value() * 1000));
  absl::MutexLock lock(&snapshot_mutex_);
  snapshot_ = std::move(next);
}

}  // namespace fleetmedic
