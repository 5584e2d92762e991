#include "simulation/invariants.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

namespace fleetmedic::sim {
namespace {

constexpr Micros kEvidenceSlack = Seconds(21);  // a slow worker may be under way

template <typename T, typename Parse>
T Parsed(const std::string& text, Parse parse) {
  return parse(*Json::Parse(text)).value();
}

std::string Named(const std::pair<LimitScope, std::string>& scope) {
  return scope.first == LimitScope::kFleet
             ? "fleet"
             : fmt::format("{}:{}", LimitScopeName(scope.first), scope.second);
}

}  // namespace

Invariants::Invariants(const Parts& parts) : parts_(parts) {
  for (const SimHost& host : parts_.fleet->hosts()) {
    const HostFacts& facts = host.facts;
    for (const ScopeKey& scope : ScopesOf(facts.cell, facts.pool, facts.rack)) ++hosts_in_[scope];
  }
}

void Invariants::Fail(const std::string& what) {
  if (failure_.empty()) failure_ = fmt::format("{}: {}", FormatWall(parts_.loop->wall()), what);
}

std::vector<Invariants::ScopeKey> Invariants::ScopesOf(const std::string& cell,
                                                       const std::string& pool,
                                                       const std::string& rack) {
  std::vector<ScopeKey> scopes = {
      {LimitScope::kFleet, ""}, {LimitScope::kCell, cell}, {LimitScope::kPool, pool}};
  // A host without a rack is in no rack's limit.
  if (!rack.empty()) scopes.emplace_back(LimitScope::kRack, rack);
  return scopes;
}

// By the design's words, not by ratelimit's code: that is what is being checked.
int Invariants::MaxOf(const Limit& limit, const ScopeKey& scope) const {
  const auto hosts = hosts_in_.find(scope);
  const double exact = limit.share * (hosts == hosts_in_.end() ? 0 : hosts->second);
  const double rounded =
      limit.kind == LimitKind::kFloor ? std::ceil(exact - 1e-9) : std::floor(exact + 1e-9);
  return std::max(limit.at_least, static_cast<int>(rounded));
}

bool Invariants::Applies(const Limit& limit, const ScopeKey& scope) const {
  return limit.scope == scope.first && (limit.only.empty() || limit.only == scope.second);
}

// 1: hosts that are out, and grants that are open, stay within each concurrent limit; and a pool
// keeps its floor.
void Invariants::CheckConcurrent(const ScopeKey& scope) {
  const int out = out_in_[scope];
  const int open = open_in_[scope];
  for (const Limit& limit : parts_.config->limits) {
    if (!Applies(limit, scope) || limit.kind == LimitKind::kWindow) continue;
    const int max = MaxOf(limit, scope);
    if (limit.kind == LimitKind::kFloor) {
      const int left = hosts_in_[scope] - std::max(out, open);
      if (left < max && std::max(out, open) > 0) {
        Fail(fmt::format("{} of {}: {} hosts are left, {} must stay", limit.name, Named(scope),
                         left, max));
      }
      continue;
    }
    if (out > max) {
      Fail(fmt::format("{} of {}: {} hosts are out of {}", limit.name, Named(scope), out, max));
    }
    if (open > max) {
      Fail(fmt::format("{} of {}: {} grants are open of {}", limit.name, Named(scope), open, max));
    }
  }
}

// 2: grants started in any window stay within its limit.
void Invariants::CheckStarted(const Grant& grant) {
  for (const ScopeKey& scope : ScopesOf(grant.cell, grant.pool, grant.rack)) {
    for (const Limit& limit : parts_.config->limits) {
      if (limit.kind != LimitKind::kWindow || !Applies(limit, scope)) continue;
      std::deque<WallTime>& started = started_[{limit.name, scope}];
      while (!started.empty() && started.front() + limit.window <= grant.granted_at) {
        started.pop_front();
      }
      started.push_back(grant.granted_at);
      const int max = MaxOf(limit, scope);
      if (static_cast<int>(started.size()) <= max) continue;
      Fail(fmt::format("{} of {}: {} grants started in {}, of {}", limit.name, Named(scope),
                       started.size(), FormatDuration(limit.window), max));
    }
  }
}

// 3: what is out has an open grant.
void Invariants::CheckGranted(const HostId& host) {
  const auto out = out_.find(host);
  if (out == out_.end() || open_.contains(host)) return;
  Fail(fmt::format("{} is {} (revision {}) and holds no grant", host.str(),
                   WantName(out->second.want), out->second.revision));
}

void Invariants::CountGrant(const Grant& grant, int by) {
  for (const ScopeKey& scope : ScopesOf(grant.cell, grant.pool, grant.rack)) open_in_[scope] += by;
}

void Invariants::CountOut(const HostId& host, int by) {
  const HostFacts& facts = parts_.fleet->hosts()[parts_.fleet->IndexOf(host)].facts;
  for (const ScopeKey& scope : ScopesOf(facts.cell, facts.pool, facts.rack)) out_in_[scope] += by;
}

void Invariants::TakeGrant(const std::string& key, const std::string* value) {
  const auto known = grants_.find(key);
  const bool was_open = known != grants_.end() && known->second.open();
  if (value == nullptr) {
    if (was_open) Fail("grant " + key + " was open and is gone");
    if (known != grants_.end()) grants_.erase(known);
    return;
  }
  const Grant grant = Parsed<Grant>(*value, GrantFromJson);
  const bool fresh = known == grants_.end();
  grants_.insert_or_assign(key, grant);
  if (grant.open() && !was_open) {
    const auto [other, first] = open_.insert_or_assign(grant.host, grant);
    if (!first && fresh) Fail(grant.host.str() + " holds two grants");
    CountGrant(grant, 1);
    if (!suspended_) {
      for (const ScopeKey& scope : ScopesOf(grant.cell, grant.pool, grant.rack)) {
        CheckConcurrent(scope);
      }
    }
  } else if (!grant.open() && was_open) {
    open_.erase(grant.host);
    CountGrant(grant, -1);
    released_.push_back(grant.host);
  }
  // A grant whose host was out already starts nothing.
  if (fresh && grant.reason != kAdoptedReason) CheckStarted(grant);
}

void Invariants::OnRow(Table table, const std::string& key, const std::string* value) {
  if (table == Table::kGrants) return TakeGrant(key, value);
  if (table == Table::kOverrides) {
    if (value == nullptr) {
      overrides_.erase(key);
    } else {
      overrides_.insert_or_assign(key, Parsed<Override>(*value, OverrideFromJson));
    }
  } else if (table == Table::kMeta && key == "brake" && value != nullptr) {
    brake_ = Parsed<BrakeState>(*value, BrakeStateFromJson);
  }
}

// The records step only along the edges of the machine's table.
void Invariants::OnAudit(const AuditEntry& entry) {
  const std::string* from = entry.detail["from"].string();
  const std::string* to = entry.detail["to"].string();
  if (from == nullptr || to == nullptr || *from == *to) return;
  const bool known = std::ranges::any_of(Transitions(), [&](const Transition& row) {
    return HostStateName(row.from) == *from && HostStateName(row.to) == *to;
  });
  if (!known) Fail(fmt::format("{} went from {} to {}: no such edge", entry.object, *from, *to));
}

void Invariants::OnCommitted() {
  for (const HostId& host : std::exchange(released_, {})) {
    if (!suspended_) CheckGranted(host);
  }
}

void Invariants::OnDirective(const Directive& before, const Directive& now) {
  if (now.revision <= before.revision) {
    Fail(fmt::format("{}: the scheduler took revision {} after {}", now.host.str(), now.revision,
                     before.revision));
  }
  const bool was_out = before.want != Want::kSchedulable;
  const bool is_out = now.want != Want::kSchedulable;
  if (is_out) {
    out_.insert_or_assign(now.host, now);
  } else {
    out_.erase(now.host);
  }
  if (was_out != is_out) CountOut(now.host, is_out ? 1 : -1);
  if (!is_out || suspended_) return;
  const HostFacts& facts = parts_.fleet->hosts()[parts_.fleet->IndexOf(now.host)].facts;
  for (const ScopeKey& scope : ScopesOf(facts.cell, facts.pool, facts.rack)) CheckConcurrent(scope);
  CheckGranted(now.host);
}

bool Invariants::Covered(OverrideKind kind, const HostFacts& facts) const {
  return std::ranges::any_of(overrides_, [&](const auto& item) {
    return item.second.kind == kind && ScopeCovers(item.second.scope, facts);
  });
}

// 4, 5, 8: at the instant a directive arrives it is the newest, nothing holds it, and its evidence
// stands.
void Invariants::OnApply(const Directive& directive, const HostRecordPtr& newest) {
  const std::string what = fmt::format("{} {} (revision {})", WantName(directive.want),
                                       directive.host.str(), directive.revision);
  if (suspended_) return Fail(what + " before a person accepted the older store");
  const auto text = parts_.store->Get(Table::kHosts, directive.host.str());
  if (!text || !*text) return Fail(what + " without a record");
  const HostRecord record = Parsed<HostRecord>(**text, HostRecordFromJson);
  if (directive.revision > record.revision) Fail(what + ": revision is not durable");
  // What an earlier life sent may arrive after a newer one; the scheduler refuses it by revision.
  if (directive.revision < record.revision) return;
  if (Covered(OverrideKind::kProtect, record.facts)) Fail(what + " while protected");
  if (Covered(OverrideKind::kHold, record.facts)) Fail(what + " while held");
  if (directive.want == Want::kSchedulable || record.state == HostState::kProbation) return;
  if (brake_.tripped() && !record.drain_wanted) Fail(what + " while the brake is on");
  if (record.drain_wanted) return;
  if (record.evidence_boot_id != record.facts.boot_id) Fail(what + " on evidence of another boot");
  const Millis age_max = parts_.config->policy.evidence_age_max;
  if (newest != nullptr && newest->seen_at + age_max + kEvidenceSlack < parts_.loop->wall()) {
    Fail(fmt::format("{} on evidence of {}", what, FormatWall(newest->seen_at)));
  }
}

// 6: each step of an episode is performed at most once.
void Invariants::OnRepairRun(const Repair& repair, int times) {
  if (times > 1) Fail(fmt::format("repair {} ran {} times", repair.id, times));
}

void Invariants::OnTaskStarted(size_t host, const TaskId& task) {
  const auto [other, fresh] = runs_on_.emplace(task, host);
  if (fresh || other->second == host) return;
  const auto name = [this](size_t i) { return parts_.fleet->hosts()[i].facts.host.str(); };
  Fail(fmt::format("scheduler: task {} runs on {} and {}", task.str(), name(other->second),
                   name(host)));
}

void Invariants::OnTaskEnded(size_t host, const TaskId& task) {
  const auto it = runs_on_.find(task);
  if (it != runs_on_.end() && it->second == host) runs_on_.erase(it);
}

// Everything again, from the store and the scheduler themselves.
void Invariants::CheckAll() {
  if (suspended_) return;
  std::map<HostId, Grant> open;
  std::map<ScopeKey, int> open_in;
  const std::vector<Row> rows = ScanAll(*parts_.store, Table::kGrants).value();
  for (const Row& row : rows) {
    const Grant grant = Parsed<Grant>(row.value, GrantFromJson);
    if (!grant.open()) continue;
    open.emplace(grant.host, grant);
    for (const ScopeKey& scope : ScopesOf(grant.cell, grant.pool, grant.rack)) ++open_in[scope];
  }
  if (open != open_) Fail("the grants that are open are not those that were seen opening");
  for (const auto& [host, directive] : parts_.scheduler->Directives()) {
    const auto out = out_.find(host);
    const bool is_out = directive.want != Want::kSchedulable;
    if (is_out != (out != out_.end())) {
      Fail(host.str() + " is out by the scheduler and was not seen leaving, or the other way");
    }
    if (is_out) CheckGranted(host);
  }
  for (const auto& [scope, hosts] : hosts_in_) {
    if (open_in[scope] != open_in_[scope]) Fail("grants of " + Named(scope) + " were miscounted");
    CheckConcurrent(scope);
  }
  const std::string unsound = parts_.scheduler->Unsound();
  if (!unsound.empty()) Fail("scheduler: " + unsound);
}

void Invariants::Reload() {
  grants_.clear();
  open_.clear();
  open_in_.clear();
  started_.clear();
  overrides_.clear();
  brake_ = {};
  const bool suspended = std::exchange(suspended_, true);
  std::vector<Grant> grants;
  for (const Table table : {Table::kGrants, Table::kOverrides, Table::kMeta}) {
    const std::vector<Row> rows = ScanAll(*parts_.store, table).value();
    for (const Row& row : rows) {
      if (table == Table::kGrants) {
        grants.push_back(Parsed<Grant>(row.value, GrantFromJson));
      } else {
        OnRow(table, row.key, &row.value);
      }
    }
  }
  // By time, as they were given.
  std::ranges::sort(grants, {}, &Grant::granted_at);
  for (const Grant& grant : grants) {
    const std::string text = ToJson(grant).Dump();
    TakeGrant(grant.id.str(), &text);
  }
  released_.clear();
  suspended_ = suspended;
}

}  // namespace fleetmedic::sim
