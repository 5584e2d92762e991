// The remediator's store is put back to what it was some time before, as from a backup:
// scenario 12.
#include <fmt/format.h>

#include "model/command.h"
#include "simulation/world.h"

namespace fleetmedic::sim {
namespace {

constexpr Micros kTrueAgainMax = Minutes(5);

}  // namespace

void World::PutStoreBack(bool marked) {
  loop_.Trace("put the store back");
  for (size_t i = 0; i < kProcesses; ++i) Crash(i, loop_.Between(Seconds(1), Seconds(20)));
  if (marked) {
    const ReconcileMark mark{loop_.wall(), "restored from a backup, simulated", false};
    saved_.tables[Table::kMeta][std::string(kReconcileKey)] = ToJson(mark).Dump();
  }
  store_.PutBack(std::move(saved_));
  invariants_.Reload();
  directives_then_ = scheduler_->Directives();
  repairs_ordered_then_ = RepairsOrdered();
  for (const auto& [host, directive] : directives_then_) {
    const auto row = store_.Get(Table::kHosts, host.str()).value();
    if (!row) {
      ++hosts_behind_;
      continue;
    }
    const HostRecord record = HostRecordFromJson(*Json::Parse(*row)).value();
    hosts_behind_ += directive.revision > record.revision ? 1 : 0;
  }
  // Nothing was decided since: then it is no older store, and nobody need look at it.
  unaccepted_ = marked || hosts_behind_ > 0;
  invariants_.Suspend(unaccepted_);
}

// A person looks at the report some time after, and accepts it.
void World::AcceptReconcile() {
  if (!unaccepted_) return;
  for (Process& process : processes_) {
    if (process.controller == nullptr || !process.controller->leading()) continue;
    const auto snapshot = process.controller->Snapshot();
    if (!snapshot->reconcile || snapshot->reconcile_report == nullptr) continue;
    (void)process.controller->Post(request::AcceptReconcile{"op1", "simulated"},
                                   [this](const Result<RequestAnswer>& answer) {
                                     if (!answer) return;
                                     CheckUnaccepted();
                                     if (RepairsOrdered() != repairs_ordered_then_) {
                                       Fail("a repair was ordered before the acceptance");
                                     }
                                     unaccepted_ = false;
                                     invariants_.Suspend(false);
                                     accepted_at_ = loop_.mono();
                                     loop_.Trace("accepted");
                                   });
  }
}

void World::CheckUnaccepted() {
  if (scheduler_->Directives() != directives_then_) {
    Fail("a directive came before a person accepted the older store");
  }
}

int World::RepairsOrdered() {
  const auto reader = log_.OpenAt(Topic::kCommands, {}).value();
  int repairs = 0;
  while (true) {
    const std::vector<LogRecord> records = reader->Poll(1000).value();
    if (records.empty()) return repairs;
    for (const LogRecord& record : records) {
      const auto command = ExecutorCommandFromJson(*Json::Parse(record.record.value));
      repairs += command && command->kind == CommandKind::kRepair ? 1 : 0;
    }
  }
}

// Each record says what the scheduler holds, and what is out has a grant. Empty where so.
std::string World::RecordsDiffer() const {
  std::set<std::string> granted;
  const auto grants = ScanAll(store_, Table::kGrants).value();
  for (const Row& row : grants) {
    const Grant grant = GrantFromJson(*Json::Parse(row.value)).value();
    if (grant.open()) granted.insert(grant.host.str());
  }
  for (const auto& [host, directive] : scheduler_->Directives()) {
    const auto row = store_.Get(Table::kHosts, host.str()).value();
    if (!row) return host.str() + " has no record";
    const HostRecord record = HostRecordFromJson(*Json::Parse(*row)).value();
    // One that is under way is the record's to confirm.
    const bool told = record.acknowledged <= directive.revision;
    if (record.revision < directive.revision || !told) return host.str() + " is another revision";
    if (record.revision == directive.revision && record.want != directive.want) {
      return host.str() + " is wanted otherwise";
    }
    if (directive.want != Want::kSchedulable && !granted.contains(host.str())) {
      return host.str() + " is out without a grant";
    }
  }
  return "";
}

void World::CheckTrueAgain() {
  if (accepted_at_ == kMonoForever || true_again_after_) return;
  const Micros since = loop_.mono() - accepted_at_;
  const std::string why = RecordsDiffer();
  if (why.empty()) {
    true_again_after_ = since;
  } else if (since > kTrueAgainMax) {
    Fail("accepted 5 minutes ago, and still: " + why);
  }
}

}  // namespace fleetmedic::sim
