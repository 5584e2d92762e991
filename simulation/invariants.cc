// What must always be true, checked against the scheduler's truth and the store, not against what
// the remediator believes.
#include <algorithm>

#include <fmt/format.h>

#include "simulation/world.h"

namespace fleetmedic::sim {
namespace {

constexpr Micros kEvidenceSlack = Seconds(21);  // a slow worker may be under way

bool Covered(const std::vector<Override>& overrides, OverrideKind kind, const HostFacts& facts) {
  return std::ranges::any_of(overrides, [&](const Override& override) {
    return override.kind == kind && ScopeCovers(override.scope, facts);
  });
}

template <typename T, typename Parse>
std::vector<T> ReadTable(const Store& store, Table table, Parse parse) {
  std::vector<T> values;
  const auto rows = ScanAll(store, table);
  FLEETMEDIC_CHECK(rows.has_value());
  for (const Row& row : *rows) values.push_back(parse(*Json::Parse(row.value)).value());
  return values;
}

}  // namespace

void World::Fail(const std::string& what) {
  if (failure_.empty()) failure_ = fmt::format("{}: {}", FormatWall(loop_.wall()), what);
}

void World::Check() {
  dirty_ = false;
  // The records of a store that was put back do not know what is out: nothing may change.
  if (unaccepted_) return CheckUnaccepted();
  CheckTrueAgain();
  CheckLimits();
  CheckGrants();
  CheckRecords();
  for (const auto& [id, count] : fleet_.repairs_run()) {
    if (count > 1) Fail(fmt::format("repair {} ran {} times", id, count));
  }
  const std::string unsound = scheduler_->Unsound();
  if (!unsound.empty()) Fail("scheduler: " + unsound);
}

// 1 and 3: hosts that the scheduler keeps tainted or draining stay within each concurrent limit,
// and each has an open grant.
void World::CheckLimits() {
  std::set<HostId> granted;
  for (const Grant& grant : ReadTable<Grant>(store_, Table::kGrants, GrantFromJson)) {
    if (grant.open()) granted.insert(grant.host);
  }
  int out = 0;
  for (const auto& [host, directive] : scheduler_->Directives()) {
    if (directive.want == Want::kSchedulable) continue;
    ++out;
    if (!granted.contains(host)) {
      Fail(fmt::format("{} is {} (revision {}) and holds no grant", host.str(),
                       WantName(directive.want), directive.revision));
    }
  }
  const int hosts = static_cast<int>(fleet_.hosts().size());
  for (const Limit& limit : options_.remediator.limits) {
    if (limit.kind != LimitKind::kConcurrent) continue;
    const int max = std::max(limit.at_least, static_cast<int>(limit.share * hosts));
    if (out > max) Fail(fmt::format("{}: {} hosts are out of {}", limit.name, out, max));
    if (static_cast<int>(granted.size()) > max) {
      Fail(fmt::format("{}: {} grants are open of {}", limit.name, granted.size(), max));
    }
  }
}

// 2: grants started in any window stay within its limit.
void World::CheckGrants() {
  const auto grants = ReadTable<Grant>(store_, Table::kGrants, GrantFromJson);
  for (const Grant& grant : grants) {
    if (!grants_checked_.insert(grant.id.str()).second) continue;
    // Its host was out already: it starts nothing.
    if (grant.reason == kAdoptedReason) continue;
    ++grants_given_;
    for (const Limit& limit : options_.remediator.limits) {
      if (limit.kind != LimitKind::kWindow) continue;
      const auto started = std::ranges::count_if(grants, [&](const Grant& other) {
        return other.reason != kAdoptedReason && other.granted_at <= grant.granted_at &&
               other.granted_at + limit.window > grant.granted_at;
      });
      if (started > limit.at_least) {
        Fail(fmt::format("{}: {} grants started in {}", limit.name, started,
                         FormatDuration(limit.window)));
      }
    }
  }
}

// The records agree with themselves, and step only along the edges of the machine's table.
void World::CheckRecords() {
  const auto entries = store_.ReadAudit(audit_seen_, "", 10'000);
  FLEETMEDIC_CHECK(entries.has_value());
  for (const AuditEntry& entry : *entries) {
    audit_seen_ = entry.seq;
    loop_.Trace(fmt::format("audit {} {} {} {}", entry.who, entry.action, entry.object, entry.why));
    const std::string* from = entry.detail["from"].string();
    const std::string* to = entry.detail["to"].string();
    if (from == nullptr || to == nullptr || *from == *to) continue;
    const bool known = std::ranges::any_of(Transitions(), [&](const Transition& row) {
      return HostStateName(row.from) == *from && HostStateName(row.to) == *to;
    });
    if (!known) Fail(fmt::format("{} went from {} to {}: no such edge", entry.object, *from, *to));
  }
}

// 4, 5, 8: at the instant a directive arrives, it is the newest, nothing holds it, and its
// evidence stands.
void World::CheckApply(const Directive& directive) {
  if (unaccepted_) {
    return Fail(fmt::format("{} {} before a person accepted the older store",
                            WantName(directive.want), directive.host.str()));
  }
  const auto text = store_.Get(Table::kHosts, directive.host.str());
  if (!text || !*text) return Fail("a directive for " + directive.host.str() + " without a record");
  const HostRecord record = HostRecordFromJson(*Json::Parse(**text)).value();
  const auto overrides = ReadTable<Override>(store_, Table::kOverrides, OverrideFromJson);
  const std::string what = fmt::format("{} {} (revision {})", WantName(directive.want),
                                       directive.host.str(), directive.revision);
  if (directive.revision > record.revision) Fail(what + ": revision is not durable");
  // What an earlier life sent may arrive after a newer one; the scheduler refuses it by revision.
  if (directive.revision < record.revision) return;
  if (Covered(overrides, OverrideKind::kProtect, record.facts)) Fail(what + " while protected");
  if (Covered(overrides, OverrideKind::kHold, record.facts)) Fail(what + " while held");
  if (directive.want == Want::kSchedulable || record.state == HostState::kProbation) return;
  const std::optional<std::string> brake = store_.Get(Table::kMeta, "brake").value();
  if (brake && BrakeStateFromJson(*Json::Parse(*brake))->tripped() && !record.drain_wanted) {
    Fail(what + " while the brake is on");
  }
  if (record.drain_wanted) return;
  if (record.evidence_boot_id != record.facts.boot_id) Fail(what + " on evidence of another boot");
  const Millis age_max = options_.remediator.policy.evidence_age_max;
  const HostRecordPtr newest = NewestRecord(directive.host);
  if (newest != nullptr && newest->seen_at + age_max + kEvidenceSlack < loop_.wall()) {
    Fail(fmt::format("{} on evidence of {}", what, FormatWall(newest->seen_at)));
  }
}

HostRecordPtr World::NewestRecord(const HostId& host) const {
  for (const Process& process : processes_) {
    if (process.controller == nullptr || process.paused) continue;  // paused: it only thinks so
    if (!process.controller->leading()) continue;
    return process.controller->ledger().Host(host);
  }
  return nullptr;
}

}  // namespace fleetmedic::sim
