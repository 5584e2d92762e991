#include "remediation/reconcile.h"

#include <algorithm>
#include <set>

#include <fmt/format.h>

namespace fleetmedic {
namespace {

// More episodes than a host begins between two backups.
constexpr uint64_t kEpisodesSkipped = 1000;

Millis DeadlineOf(const Policy& policy, HostState state) {
  switch (state) {
    case HostState::kTainted:
      return policy.acknowledge_deadline;
    case HostState::kDraining:
    case HostState::kDrained:
      return policy.drain_deadline;
    case HostState::kRepairing:
      return policy.repair_deadline;
    case HostState::kProbation:
      return policy.probation_deadline;
    case HostState::kHealthy:
    case HostState::kSuspect:
    case HostState::kRetired:
      return Millis(0);
  }
  return Millis(0);
}

}  // namespace

Json ToJson(const ReconcileMark& mark) {
  Json json;
  json.Set("since", mark.since);
  json.Set("reason", mark.reason);
  json.Set("paged", mark.paged);
  return json;
}

Result<ReconcileMark> ReconcileMarkFromJson(const Json& json) {
  ReconcileMark mark;
  JsonReader in(json, "reconcile mark");
  in.Required("since", &mark.since);
  in.Required("reason", &mark.reason);
  in.Optional("paged", &mark.paged);
  FLEETMEDIC_RETURN_IF_ERROR(in.Done());
  return mark;
}

std::string DifferenceText(const HostDifference& d) {
  const std::string ours = fmt::format("{}, {} at revision {}", HostStateName(d.state),
                                       WantName(d.our_want), d.our_revision);
  const std::string theirs =
      fmt::format("{} at revision {}", WantName(d.their_want), d.their_revision);
  switch (d.kind) {
    case HostDifference::Kind::kNewer:
    case HostDifference::Kind::kOtherWant:
      return fmt::format("recorded as {}; the scheduler has {}: the scheduler's word is taken",
                         ours, theirs);
    case HostDifference::Kind::kOlder:
      return fmt::format("recorded as {}; the scheduler has {}: it is told again", ours, theirs);
    case HostDifference::Kind::kNotListed:
      return fmt::format("recorded as {}; the scheduler does not list it: watched", ours);
    case HostDifference::Kind::kUnrecorded:
      return fmt::format(
          "not recorded; the scheduler has {}: left as it is until its agent reports", theirs);
  }
  return "";
}

bool RecordIsBehind(const HostRecord& record, const HostView& view) {
  if (view.revision > record.revision) return true;
  // It confirms a revision that was decided again and never sent.
  return view.revision == record.revision && view.revision > record.acknowledged &&
         view.want != record.want;
}

std::optional<HostDifference> DifferenceOf(const HostRecord& record, const HostView& view) {
  HostDifference difference{HostDifference::Kind::kNewer,
                            record.facts.host,
                            record.state,
                            record.revision,
                            record.want,
                            view.revision,
                            view.want};
  if (view.revision > record.revision) return difference;
  if (view.revision < record.acknowledged) {
    difference.kind = HostDifference::Kind::kOlder;
    return difference;
  }
  if (view.revision == record.revision && view.want != record.want) {
    difference.kind = HostDifference::Kind::kOtherWant;
    return difference;
  }
  return std::nullopt;
}

bool GoesOnAsListed(const HostRecord& record, const HostView& view) {
  const std::optional<HostDifference> difference = DifferenceOf(record, view);
  if (difference) return difference->kind != HostDifference::Kind::kOlder;
  return view.revision == record.revision && view.want == Want::kSchedulable &&
         !record.grant.empty() && record.state != HostState::kRetired;
}

ReconcileReport Compare(const HostRecords& records, std::span<const HostView> views, WallTime now) {
  ReconcileReport report;
  report.listed_at = now;
  report.hosts_listed = views.size();
  std::map<HostId, HostDifference> found;
  std::set<HostId> listed;
  for (const HostView& view : views) {
    listed.insert(view.host);
    report.foreign_taints += view.foreign_taint ? 1 : 0;
    const auto record = records.find(view.host);
    if (record != records.end()) {
      if (const auto difference = DifferenceOf(*record->second, view)) {
        found.emplace(view.host, *difference);
      }
    } else if (view.revision > 0 && view.want != Want::kSchedulable) {
      found.emplace(view.host, HostDifference{HostDifference::Kind::kUnrecorded, view.host,
                                              HostState::kHealthy, 0, Want::kSchedulable,
                                              view.revision, view.want});
    }
  }
  for (const auto& [host, record] : records) {
    if (record->want == Want::kSchedulable || listed.contains(host)) continue;
    found.emplace(host, HostDifference{HostDifference::Kind::kNotListed, host, record->state,
                                       record->revision, record->want, 0, Want::kSchedulable});
  }
  report.differences_total = found.size();
  for (const auto& [host, difference] : found) {
    if (report.differences.size() == ReconcileReport::kDifferencesMax) break;
    report.differences.push_back(difference);
  }
  return report;
}

HostRecord GoOn(const Policy& policy, HostRecord record, WallTime now) {
  record.episode += kEpisodesSkipped;
  const Millis deadline = DeadlineOf(policy, record.state);
  if (deadline > Millis(0)) record.deadline = std::max(record.deadline, now + deadline);
  return record;
}

HostRecord Adopt(const Policy& policy, HostRecord record, const HostView& view, GrantId grant,
                 WallTime now) {
  record.revision = view.revision;
  record.acknowledged = view.revision;
  record.want = view.want;
  record.tasks_left = view.tasks_left;
  record.tasks_total = view.tasks_left;
  record.blocked_by = view.blocked_by;
  record.grant = std::move(grant);
  record.attempt = 0;
  record.repair_id.clear();
  record.in_place = false;
  record.waits_for.clear();
  record.since = now;
  switch (view.want) {
    case Want::kSchedulable:
      // In service: what is bad about it is seen afresh.
      record.state = HostState::kHealthy;
      record.evidence_boot_id.clear();
      break;
    case Want::kTainted:
      record.state = HostState::kTainted;
      record.evidence_boot_id = record.facts.boot_id;
      break;
    case Want::kDrained:
      // Not drained before the scheduler's list says that nothing is left.
      record.state = HostState::kDraining;
      record.evidence_boot_id = record.facts.boot_id;
      break;
  }
  const Millis deadline = DeadlineOf(policy, record.state);
  record.deadline = deadline > Millis(0) ? now + deadline : kWallNever;
  record.why = fmt::format("taken from the scheduler: {} at revision {}", WantName(view.want),
                           view.revision);
  return record;
}

}  // namespace fleetmedic
