#include "console/api_json.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

namespace fleetmedic {
namespace {

// A time that is never is left out: 1970 would be a lie.
void SetTime(Json* json, std::string_view key, WallTime time) {
  if (time != kWallNever) json->Set(key, time);
}

int64_t AgeMillis(WallTime now, WallTime then) {
  if (then == kWallNever || then > now) return 0;
  return std::chrono::duration_cast<Millis>(now - then).count();
}

Json HoldSource(std::string_view source, std::string_view scope, std::string_view who,
                std::string_view reason, WallTime since) {
  Json json;
  json.Set("source", source);
  json.Set("scope", scope);
  json.Set("who", who);
  json.Set("reason", reason);
  SetTime(&json, "since", since);
  return json;
}

std::string_view ActOf(const Grant& grant, const FleetSnapshot& snapshot) {
  if (grant.lent()) return grant.act;
  const auto host = snapshot.hosts.find(grant.host);
  if (host == snapshot.hosts.end()) return "drain";
  const HostRecord& record = *host->second;
  return record.grant == grant.id && record.state == HostState::kRepairing ? "repair" : "drain";
}

class NeedList {
 public:
  void Add(std::string_view what, const HostId& host, WallTime since, std::string_view detail) {
    ++wanted_;
    if (items_.size() >= kNeedsYouMax - 1) return;
    Json item;
    item.Set("what", what);
    if (!host.empty()) item.Set("host", host.str());
    SetTime(&item, "since", since);
    item.Set("detail", detail);
    items_.push_back(std::move(item));
  }
  Json::Array Take() && {
    if (wanted_ > items_.size()) {
      Json item;
      item.Set("what", "There is more");
      item.Set("detail", fmt::format("{} more; see the hosts", wanted_ - items_.size()));
      items_.push_back(std::move(item));
    }
    return std::move(items_);
  }

 private:
  Json::Array items_;
  size_t wanted_ = 0;
};

void AddHostNeeds(const HostRecord& record, NeedList* needs) {
  const HostId& host = record.facts.host;
  if (record.state == HostState::kRetired) {
    needs->Add("A host is out of service", host, record.since,
               record.why + "; return it when it is well");
  } else if (record.state == HostState::kDrained && record.drain_wanted) {
    needs->Add("A host was drained as asked", host, record.since,
               fmt::format("{} tasks left; return it when it is well", record.tasks_left));
  } else if (record.state == HostState::kDraining && !record.blocked_by.empty()) {
    needs->Add("A drain is blocked", host, record.since, record.blocked_by + "; nothing is forced");
  }
}

void AddSilentHosts(const std::vector<const HostRecord*>& silent, NeedList* needs) {
  if (silent.empty()) return;
  if (silent.size() <= kSilentNamedMax) {
    for (const HostRecord* record : silent) {
      needs->Add("A host is silent", record->facts.host, record->seen_at,
                 record->scheduler_lost ? "no report, and the scheduler lost it too"
                                        : "no report; the scheduler still reaches it");
    }
    return;
  }
  const auto first = std::ranges::min_element(
      silent, {}, [](const HostRecord* record) { return record->seen_at; });
  needs->Add("Hosts are silent", HostId(), (*first)->seen_at,
             fmt::format("{} hosts have not reported; silence is not sickness: nothing is drained "
                         "for it",
                         silent.size()));
}

}  // namespace

bool IsSilent(const HostRecord& record, WallTime now, Millis silent_after) {
  return record.seen_at == kWallNever || record.seen_at + silent_after < now;
}

Json ConditionJson(const TrackedCondition& tracked) {
  Json json = ToJson(tracked.condition);
  if (tracked.condition.since == kWallNever) json.Set("since", tracked.verdict_since);
  json.Set("detector", tracked.detector);
  if (!tracked.origin.empty()) json.Set("origin", tracked.origin);
  SetTime(&json, "observed_at", tracked.observed_at);
  return json;
}

Json HostSummaryJson(const HostRecord& record, bool silent) {
  const HostFacts& facts = record.facts;
  Json json;
  json.Set("host", facts.host.str());
  json.Set("state", HostStateName(record.state));
  SetTime(&json, "since", record.since);
  SetTime(&json, "deadline", record.deadline);
  json.Set("why", record.why);
  json.Set("waits_for", record.waits_for);
  json.Set("held", record.held);
  json.Set("protected", record.protected_);
  json.Set("silent", silent);
  json.Set("revision", record.revision);
  json.Set("acknowledged", record.acknowledged);
  json.Set("attempt", record.attempt);
  json.Set("tasks_left", std::max(record.tasks_left, 0));
  json.Set("tasks_total", std::max({record.tasks_total, record.tasks_left, 0}));
  json.Set("tasks_known", record.tasks_left >= 0);
  json.Set("cell", facts.cell);
  json.Set("pool", facts.pool);
  json.Set("rack", facts.rack);
  json.Set("zone", facts.zone);
  json.Set("kernel", facts.kernel);
  json.Set("image", facts.image);
  json.Set("agent_version", facts.agent_version);
  SetTime(&json, "seen_at", record.seen_at);
  Json conditions(Json::Array{});
  int64_t not_ok = 0;
  for (const TrackedCondition& tracked : record.conditions) {
    if (tracked.condition.verdict == Verdict::kOk) continue;
    if (++not_ok <= kSummaryConditionsMax) conditions.Append(ConditionJson(tracked));
  }
  json.Set("conditions", std::move(conditions));
  json.Set("conditions_total", not_ok);
  return json;
}

Json HostDetailJson(const HostRecord& record, bool silent) {
  Json json = HostSummaryJson(record, silent);
  Json conditions(Json::Array{});
  for (const TrackedCondition& tracked : record.conditions) {
    conditions.Append(ConditionJson(tracked));
  }
  json.Set("conditions", std::move(conditions));
  Json facts = ToJson(record.facts);
  // Labels stand beside the facts, as selectors see them; a fact of the same name wins.
  const Json labels = facts["labels"];
  facts.object()->erase("labels");
  if (labels.object() != nullptr) {
    for (const auto& [name, value] : *labels.object()) {
      if (facts[name].is_null()) facts.Set(name, value);
    }
  }
  json.Set("facts", std::move(facts));
  json.Set("episode", record.episode);
  json.Set("want", WantName(record.want));
  json.Set("blocked_by", record.blocked_by);
  json.Set("over_reason", record.over_reason);
  SetTime(&json, "retry_at", record.retry_at);
  return json;
}

Json GrantJson(const Grant& grant, const FleetSnapshot& snapshot) {
  Json json;
  json.Set("id", grant.id.str());
  json.Set("host", grant.host.str());
  json.Set("act", ActOf(grant, snapshot));
  json.Set("cell", grant.cell);
  json.Set("pool", grant.pool);
  json.Set("rack", grant.rack);
  json.Set("granted_at", grant.granted_at);
  json.Set("reason", grant.reason);
  if (grant.lent()) {
    json.Set("holder", grant.holder);
    json.Set("ends_at", grant.ends_at);
    json.Set("overdue", grant.overdue);
  }
  return json;
}

Json LimitJson(const LimitView& limit) {
  Json json;
  json.Set("name", limit.name);
  json.Set("scope", limit.scope);
  json.Set("kind", LimitKindName(limit.kind));
  json.Set("used", limit.used);
  json.Set("max", limit.max);
  if (limit.kind == LimitKind::kWindow) json.Set("window_ms", limit.window.count());
  SetTime(&json, "next_at", limit.next_at);
  return json;
}

Json AuditJson(const AuditEntry& entry) {
  Json json;
  json.Set("seq", entry.seq);
  json.Set("at", entry.at);
  json.Set("who", entry.who);
  json.Set("action", entry.action);
  json.Set("object", entry.object);
  json.Set("why", entry.why);
  json.Set("result", entry.result);
  return json;
}

Json BrakeJson(const BrakeState& brake) {
  Json causes(Json::Array{});
  for (const BrakeCause& cause : brake.causes) {
    Json item;
    item.Set("cause", cause.cause);
    item.Set("detail", cause.detail);
    SetTime(&item, "since", cause.since);
    causes.Append(std::move(item));
  }
  Json json;
  json.Set("tripped", brake.tripped());
  json.Set("causes", std::move(causes));
  return json;
}

Json::Array HoldSources(const FleetSnapshot& snapshot) {
  Json::Array sources;
  for (const Override& override : snapshot.overrides) {
    if (override.kind != OverrideKind::kHold) continue;
    Json source = HoldSource("override", ScopeText(override.scope), override.who, override.reason,
                             override.created_at);
    source.Set("id", override.id.str());
    SetTime(&source, "review_at", override.review_at);
    sources.push_back(std::move(source));
  }
  if (snapshot.hold_file_present) {
    Json source = HoldSource("file", "fleet", "the file",
                             "the file " + snapshot.hold_file + " is there: remove it on the host",
                             snapshot.hold_file_since);
    source.Set("path", snapshot.hold_file);
    sources.push_back(std::move(source));
  }
  if (!snapshot.leader) {
    sources.push_back(HoldSource("store", "fleet", "fleetmedic",
                                 "this remediator does not lead: whether a hold is in force is not "
                                 "known here, and it does nothing",
                                 kWallNever));
  }
  return sources;
}

Json ModeJson(const FleetSnapshot& snapshot) {
  Mode mode = snapshot.mode;
  std::string reason = snapshot.mode_reason;
  if (!snapshot.leader && mode < Mode::kDegraded) {
    mode = Mode::kDegraded;
    reason = "this remediator does not lead";
    if (!snapshot.trouble.empty()) reason += ": " + snapshot.trouble;
  }
  Json json;
  json.Set("mode", ModeName(mode));
  json.Set("reason", reason);
  json.Set("holds", HoldSources(snapshot));
  json.Set("brake", BrakeJson(snapshot.brake));
  if (snapshot.ramp.on()) {
    Json ramp;
    ramp.Set("allowed", int64_t{snapshot.ramp.allowed});
    ramp.Set("why", snapshot.ramp.why);
    ramp.Set("since", snapshot.ramp.since);
    json.Set("ramp", std::move(ramp));
  }
  json.Set("hold_file", snapshot.hold_file);
  return json;
}

Json FreshnessJson(const FleetSnapshot& snapshot, const ApiView& view) {
  const auto silent = std::ranges::count_if(snapshot.hosts, [&](const auto& host) {
    return IsSilent(*host.second, snapshot.now, view.silent_after);
  });
  const auto total = static_cast<int64_t>(snapshot.hosts.size());
  Json json;
  json.Set("log_lag_ms", snapshot.log_lag.count());
  json.Set("hosts_total", total);
  json.Set("hosts_silent", int64_t{silent});
  json.Set("hosts_reporting", total - silent);
  json.Set("oldest_ms", AgeMillis(snapshot.now, snapshot.oldest_seen_at));
  json.Set("leader", snapshot.leader);
  json.Set("trouble", snapshot.trouble);
  return json;
}

Json LimitsJson(const FleetSnapshot& snapshot) {
  Json limits(Json::Array{});
  for (const LimitView& limit : snapshot.limits) limits.Append(LimitJson(limit));
  Json grants(Json::Array{});
  for (const Grant& grant : snapshot.grants) grants.Append(GrantJson(grant, snapshot));
  Json json;
  json.Set("limits", std::move(limits));
  json.Set("grants", std::move(grants));
  return json;
}

Json::Array NeedsYou(const FleetSnapshot& snapshot, const ApiView& view) {
  NeedList needs;
  if (!snapshot.trouble.empty()) {
    needs.Add("The remediator cannot work", HostId(), view.trouble_since, snapshot.trouble);
  }
  if (snapshot.reconcile) {
    needs.Add("The records are older than the scheduler", HostId(), snapshot.reconcile->since,
              snapshot.reconcile->reason + "; look at `fleetmedic reconcile`");
  }
  for (const BrakeCause& cause : snapshot.brake.causes) {
    needs.Add("The brake is tripped: " + cause.cause, HostId(), cause.since, cause.detail);
  }
  for (const FleetIssuePtr& issue : snapshot.issues) {
    const bool stale = snapshot.issues_stale.contains(issue->id);
    needs.Add(
        (stale ? "A fleet issue is open and nobody watches it: " : "A fleet issue is open: ") +
            issue->Title(),
        HostId(), issue->opened_at,
        stale ? "Not renewed since " + FormatWall(issue->updated_at) +
                    ": its stream is silent, and it still holds drains. " + issue->why
              : issue->why);
  }
  std::vector<const HostRecord*> silent;
  for (const auto& [host, record] : snapshot.hosts) {
    AddHostNeeds(*record, &needs);
    if (IsSilent(*record, snapshot.now, view.silent_after)) silent.push_back(record.get());
  }
  AddSilentHosts(silent, &needs);
  return std::move(needs).Take();
}

Json ReconcileJson(const FleetSnapshot& snapshot) {
  Json json;
  json.Set("reconciling", snapshot.reconcile.has_value());
  if (!snapshot.reconcile) return json;
  SetTime(&json, "since", snapshot.reconcile->since);
  json.Set("reason", snapshot.reconcile->reason);
  json.Set("overrides", static_cast<int64_t>(snapshot.overrides.size()));
  const ReconcileReport* report = snapshot.reconcile_report.get();
  json.Set("listed", report != nullptr);
  if (report == nullptr) return json;
  SetTime(&json, "listed_at", report->listed_at);
  json.Set("hosts_listed", static_cast<int64_t>(report->hosts_listed));
  json.Set("foreign_taints", static_cast<int64_t>(report->foreign_taints));
  json.Set("differences", static_cast<int64_t>(report->differences_total));
  Json items(Json::Array{});
  for (const HostDifference& difference : report->differences) {
    Json item;
    item.Set("host", difference.host.str());
    item.Set("state", HostStateName(difference.state));
    item.Set("recorded_revision", difference.our_revision);
    item.Set("recorded_want", WantName(difference.our_want));
    item.Set("scheduler_revision", difference.their_revision);
    item.Set("scheduler_want", WantName(difference.their_want));
    item.Set("text", DifferenceText(difference));
    items.Append(std::move(item));
  }
  json.Set("items", std::move(items));
  return json;
}

Json::Array OverridesOf(const FleetSnapshot& snapshot, const HostRecord& record) {
  Json::Array overrides;
  for (const Override& override : snapshot.overrides) {
    if (ScopeCovers(override.scope, record.facts)) overrides.push_back(ToJson(override));
  }
  return overrides;
}

Json StateJson(const FleetSnapshot& snapshot, const ApiView& view,
               std::span<const AuditEntry> recent) {
  Json json = LimitsJson(snapshot);
  json.Set("apiVersion", "fleetmedic/v1");
  SetTime(&json, "now", snapshot.now);
  json.Set("version", view.version);
  json.Set("mode", ModeJson(snapshot));
  json.Set("freshness", FreshnessJson(snapshot, view));
  Json::Array hosts;
  hosts.reserve(snapshot.hosts.size());
  for (const auto& [host, record] : snapshot.hosts) {
    hosts.push_back(HostSummaryJson(*record, IsSilent(*record, snapshot.now, view.silent_after)));
  }
  json.Set("hosts", std::move(hosts));
  json.Set("needs_you", NeedsYou(snapshot, view));
  Json::Array entries;
  for (const AuditEntry& entry : recent) entries.push_back(AuditJson(entry));
  json.Set("recent", std::move(entries));
  return json;
}

Json NotifyJson(std::span<const NotifyChannelState> channels) {
  Json list(Json::Array{});
  for (const NotifyChannelState& channel : channels) {
    Json item;
    item.Set("channel", channel.name);
    item.Set("kind", channel.kind);
    item.Set("failing", channel.failing());
    SetTime(&item, "failing_since", channel.failing_since);
    if (channel.failing()) item.Set("error", channel.error);
    SetTime(&item, "delivered_at", channel.delivered_at);
    item.Set("queued", channel.queued);
    list.Append(std::move(item));
  }
  return list;
}

Json ItemsJson(Json::Array items) {
  Json json;
  json.Set("items", std::move(items));
  return json;
}

}  // namespace fleetmedic
