#include "simulation/world.h"

#include <algorithm>

#include <fmt/format.h>

namespace fleetmedic::sim {
namespace {

// A failure ends the run within this.
constexpr Micros kSlice = Seconds(5);
constexpr int64_t kAllCalls = int64_t{1} << 62;

}  // namespace

// What the remediator's processes call: the scheduler, with a network between that loses calls
// and answers, and delivers old calls again.
class World::Hook final : public SchedulerHook {
 public:
  explicit Hook(World* world) : world_(*world) {}

  Result<HostView> Apply(const Directive& directive, MonoTime) override {
    const CallFaults& faults = world_.options_.faults;
    Random& random = world_.loop_.random();
    if (world_.scheduler_away_ || random.Chance(faults.scheduler_unreachable_chance)) {
      return fleetmedic::Fail(Code::kUnavailable, "simulated: the scheduler cannot be reached");
    }
    if (random.Chance(faults.late_again_chance)) Later(directive, faults.late_max);
    world_.invariants_.OnApply(directive, world_.NewestRecord(directive.host));
    world_.loop_.Trace(fmt::format("apply {} {} {}", directive.host.str(), directive.revision,
                                   WantName(directive.want)));
    Result<HostView> view = world_.scheduler_->Apply(directive);
    if (random.Chance(faults.answer_lost_chance)) {
      return fleetmedic::Fail(Code::kDeadlineExceeded, "simulated: the answer was lost");
    }
    return view;
  }

  Result<std::vector<HostView>> List(MonoTime) override {
    if (world_.scheduler_away_ ||
        world_.loop_.random().Chance(world_.options_.faults.list_lost_chance)) {
      return fleetmedic::Fail(Code::kDeadlineExceeded, "simulated: no answer");
    }
    std::vector<HostView> views = world_.scheduler_->List();
    for (const HostView& view : views) world_.figures_.OnBlocked(view.blocked_by);
    return views;
  }

 private:
  // What its sender checked may be so no more when it arrives: by then the revision alone judges.
  void Later(const Directive& directive, Millis late_max) {
    World* const w = &world_;
    w->loop_.After(w->loop_.Between(Seconds(1), late_max),
                   [w, directive] { (void)w->scheduler_->Apply(directive); });
  }

  World& world_;
};

World::World(uint64_t seed, WorldOptions options)
    : loop_(seed),
      options_(std::move(options)),
      log_(loop_.clock(), {.records_per_topic_max = std::max<size_t>(
                               100'000, 20 * static_cast<size_t>(options_.fleet.hosts))}),
      store_(loop_.clock()),
      watched_store_(&store_, this),
      fleet_(&loop_, &log_, options_.fleet),
      scheduler_(MakeBundledScheduler(&loop_, &log_, &fleet_, options_.jobs)),
      invariants_({&loop_, &options_.remediator, &fleet_, &store_, scheduler_.get()}),
      figures_(&loop_, &fleet_),
      hook_(std::make_unique<Hook>(this)) {
  processes_[0].name = "remediator-a";
  processes_[1].name = "remediator-b";
  fleet_.Watch(this);
}

World::~World() {
  for (Process& process : processes_) process.controller.reset();
}

void World::Start() {
  scheduler_->Start([this](const Directive& before, const Directive& now) {
    invariants_.OnDirective(before, now);
    figures_.OnDirective(before, now, invariants_.brake().tripped());
  });
  fleet_.Start();
  StartProcess(&processes_[0]);
  if (options_.rival) {
    loop_.After(Seconds(20), [this] { StartProcess(&processes_[1]); });
  }
  loop_.Every(options_.check_all_every, Micros(0), [this] {
    if (!unaccepted_) invariants_.CheckAll();
  });
}

void World::RunFor(Micros span) {
  const MonoTime end = loop_.mono() + span;
  while (loop_.mono() < end && failure().empty()) {
    loop_.RunUntil(std::min(end, loop_.mono() + kSlice));
  }
}

void World::StartProcess(Process* process) {
  process->life += 1;
  process->workers = std::make_unique<SimWorkers>(&loop_);
  process->store = std::make_unique<FaultStore>(&watched_store_);
  process->log = std::make_unique<FaultEventLog>(&log_);
  process->workers->BeSlow(options_.faults.worker_slow_chance, options_.faults.worker_slow_max);
  if (options_.faults.store) {
    CallFaultChances chances{};
    chances.fill(0.002);
    process->store->FailByChance(loop_.random().Fork(), chances);
  }
  if (options_.faults.log) {
    CallFaultChances chances{};
    chances.fill(0.001);
    process->log->FailByChance(loop_.random().Fork(), chances);
  }
  CutProcess(process);
  process->controller = std::make_unique<Controller>(
      options_.remediator, "",
      RemediatorEnvironment{loop_.clock(),
                            *process->log,
                            *process->store,
                            *hook_,
                            *process->workers,
                            metrics_,
                            {},
                            fmt::format("{}-{}", process->name, process->life),
                            std::nullopt,
                            &fleet_.evidence()});
  loop_.Trace("start " + process->name);
  PlanTurn(process, Millis(1));
}

void World::Crash(size_t index, Micros down) {
  Process* const process = &processes_[index];
  if (process->controller == nullptr) return;
  loop_.Trace("crash " + process->name);
  process->workers.reset();
  // A killed process releases no lease: its store is cut off before the destructor runs.
  process->store->FailAt(StoreCall::kLease, 1, CallFault::kCrashBefore);
  process->controller.reset();
  process->life += 1;
  loop_.After(down, [this, process] { StartProcess(process); });
}

void World::Pause(size_t index, Micros lasts) {
  Process* const process = &processes_[index];
  if (process->paused) return;
  process->paused = true;
  loop_.Trace("pause " + process->name);
  loop_.After(lasts, [process] { process->paused = false; });
}

void World::CutProcess(Process* process) {
  if (process->store == nullptr) return;
  if (store_away_) {
    for (const StoreCall call : {StoreCall::kLease, StoreCall::kCommit, StoreCall::kRead}) {
      process->store->FailAt(call, 1, CallFault::kUnavailable, kAllCalls);
    }
  }
  if (log_away_) {
    for (const LogCall call :
         {LogCall::kAppend, LogCall::kPoll, LogCall::kBehind, LogCall::kOpen}) {
      process->log->FailAt(call, 1, CallFault::kUnavailable, kAllCalls);
    }
  }
}

void World::CutStore(bool away) {
  store_away_ = away;
  loop_.Trace(away ? "the store is away" : "the store is back");
  for (Process& process : processes_) {
    if (!away && process.store != nullptr) process.store->Heal();
    CutProcess(&process);
  }
}

void World::CutLog(bool away) {
  log_away_ = away;
  loop_.Trace(away ? "the log is away" : "the log is back");
  for (Process& process : processes_) {
    if (!away && process.log != nullptr) process.log->Heal();
    CutProcess(&process);
  }
}

void World::HealCalls() {
  options_.faults = {};
  for (Process& process : processes_) {
    process.paused = false;
    if (process.store == nullptr) continue;
    process.store->Heal();
    process.log->Heal();
    process.store->Reset();
    process.log->Reset();
  }
}

void World::PlanTurn(Process* process, Micros delay) {
  const MonoTime at = loop_.mono() + delay;
  if (process->turn_at <= at && process->turn_at > loop_.mono()) return;
  process->turn_at = at;
  loop_.After(delay, [this, process, life = process->life, at] {
    if (process->life != life || process->controller == nullptr || process->turn_at != at) return;
    process->turn_at = kMonoForever;
    if (process->paused) return PlanTurn(process, Seconds(1));
    process->controller->Turn(loop_.mono());
    if (unaccepted_) CheckUnaccepted();
    CheckTrueAgain();
    const MonoTime wake = process->controller->NextWake();
    const Micros wait = std::clamp(wake - loop_.mono(), Micros(Millis(1)), Micros(Millis(500)));
    PlanTurn(process, wait);
  });
}

const Controller* World::Leading() const {
  for (const Process& process : processes_) {
    // One that stands still only thinks that it leads.
    if (process.controller == nullptr || process.paused) continue;
    if (process.controller->leading()) return process.controller.get();
  }
  return nullptr;
}

size_t World::Leader() const {
  const Controller* const leading = Leading();
  return leading != nullptr && leading == processes_[1].controller.get() ? 1 : 0;
}

HostRecordPtr World::NewestRecord(const HostId& host) const {
  const Controller* const leading = Leading();
  return leading == nullptr ? nullptr : leading->ledger().Host(host);
}

bool World::Tell(Request request, std::function<void(const Result<RequestAnswer>&)> done) {
  for (Process& process : processes_) {
    if (process.controller == nullptr || !process.controller->leading()) continue;
    return process.controller
        ->Post(std::move(request),
               [done = std::move(done)](const Result<RequestAnswer>& answer) {
                 if (done) done(answer);
               })
        .has_value();
  }
  return false;
}

const std::map<HostId, HostRecordPtr>& World::Records() const {
  static const std::map<HostId, HostRecordPtr> none;
  const Controller* const leading = Leading();
  return leading == nullptr ? none : leading->ledger().hosts();
}

std::shared_ptr<const FleetSnapshot> World::Snapshot() const {
  const Controller* const leading = Leading();
  return leading == nullptr ? std::make_shared<FleetSnapshot>() : leading->Snapshot();
}

bool World::AllWell(bool or_retired, std::string* why) const {
  const auto rows = ScanAll(store_, Table::kHosts);
  std::set<HostId> retired;
  for (const Row& row : *rows) {
    const HostRecord record = HostRecordFromJson(*Json::Parse(row.value)).value();
    if (record.state == HostState::kHealthy) continue;
    if (or_retired && record.state == HostState::kRetired) {
      retired.insert(record.facts.host);
      continue;
    }
    *why = fmt::format("{} is {}, waits for: {}", row.key, HostStateName(record.state),
                       record.waits_for);
    return false;
  }
  if (rows->size() != fleet_.size()) {
    *why = "hosts are missing from the records";
    return false;
  }
  for (const auto& [host, directive] : scheduler_->Directives()) {
    if (directive.want == Want::kSchedulable || retired.contains(host)) continue;
    *why = host.str() + " is healthy and still " + std::string(WantName(directive.want));
    return false;
  }
  for (const auto& [host, grant] : invariants_.open_grants()) {
    if (retired.contains(host)) continue;
    *why = "grant " + grant.id.str() + " is open and its host is not out";
    return false;
  }
  *why = scheduler_->Unsettled();
  return why->empty();
}

void World::OnRow(Table table, const std::string& key, const std::string* value) {
  invariants_.OnRow(table, key, value);
}

void World::OnAudit(const AuditEntry& entry) {
  loop_.Trace(fmt::format("audit {} {} {} {}", entry.who, entry.action, entry.object, entry.why));
  invariants_.OnAudit(entry);
  figures_.OnAudit(entry);
}

void World::OnCommitted() { invariants_.OnCommitted(); }

void World::OnRepairRun(size_t host, const Repair& repair, int times) {
  invariants_.OnRepairRun(repair, times);
  figures_.OnRepairRun(host, repair);
}

void World::OnTaskStarted(size_t host, const TaskId& task) {
  invariants_.OnTaskStarted(host, task);
}

void World::OnTaskEnded(size_t host, const TaskId& task) { invariants_.OnTaskEnded(host, task); }

}  // namespace fleetmedic::sim
