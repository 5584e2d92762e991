#include "simulation/world.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

namespace fleetmedic::sim {

// What the remediator's processes call: the scheduler, with a network between that loses calls
// and answers, and delivers old calls again.
class World::Hook final : public SchedulerHook {
 public:
  explicit Hook(World* world) : world_(world) {}

  Result<HostView> Apply(const Directive& directive, MonoTime) override {
    World& w = *world_;
    w.dirty_ = true;
    const bool faulty = w.options_.hook_faults && w.chaos_;
    if (faulty && w.loop_.random().Chance(0.1)) {
      return fleetmedic::Fail(Code::kUnavailable, "simulated: the scheduler cannot be reached");
    }
    w.CheckApply(directive);
    w.loop_.Trace(fmt::format("apply {} {} {}", directive.host.str(), directive.revision,
                              WantName(directive.want)));
    Result<HostView> view = w.scheduler_->Apply(directive);
    if (faulty && w.loop_.random().Chance(0.1)) {
      w.loop_.After(w.loop_.Between(Seconds(1), Minutes(5)), [&w, directive] {
        w.dirty_ = true;
        (void)w.scheduler_->Apply(directive);  // the same call, delivered late
      });
    }
    if (faulty && w.loop_.random().Chance(0.1)) {
      return fleetmedic::Fail(Code::kDeadlineExceeded, "simulated: the answer was lost");
    }
    return view;
  }

  Result<std::vector<HostView>> List(MonoTime) override {
    World& w = *world_;
    if (w.options_.hook_faults && w.chaos_ && w.loop_.random().Chance(0.1)) {
      return fleetmedic::Fail(Code::kDeadlineExceeded, "simulated: no answer");
    }
    return w.scheduler_->List();
  }

 private:
  World* const world_;
};

WorldOptions RandomOptions(uint64_t seed) {
  Random random(seed ^ 0x5eedULL);
  WorldOptions options;
  options.fleet.hosts = 6 + static_cast<int>(random.Below(18));
  options.rival = random.Chance(0.3);
  options.store_faults = random.Chance(0.4);
  options.log_faults = random.Chance(0.4);
  options.hook_faults = random.Chance(0.6);
  options.break_per_minute = 0.2 + random.Unit();
  options.crash_per_minute = random.Chance(0.5) ? 0.3 : 0;

  RemediatorConfig& config = options.remediator;
  config.mode = Mode::kAuto;
  config.limits[0].at_least = 1 + static_cast<int>(random.Below(3));
  config.limits[1].at_least = config.limits[0].at_least;
  config.limits[2].at_least = 1 + static_cast<int>(random.Below(4));
  config.limits[2].window = Minutes(5);
  config.brake.disrupted_at_least = 3 + static_cast<int>(random.Below(6));
  Policy& policy = config.policy;
  policy.confirm_hard = Seconds(random.Chance(0.2) ? 0 : 10);
  policy.confirm_soft = Seconds(40);
  policy.settle = Seconds(30);
  policy.drain_deadline = Minutes(3);
  policy.acknowledge_deadline = Minutes(1);
  policy.repair_deadline = Minutes(3);
  policy.probation_deadline = Minutes(10);
  policy.conditions["SystemdUnitFailed"] = {.ladder = {Rung::kRestartUnit, Rung::kReboot},
                                            .repair_in_place = true};
  policy.conditions["DockerUnresponsive"] = {.ladder = {Rung::kRestartUnit, Rung::kReboot}};
  policy.conditions["Ignored"] = {.ignore = true};
  return options;
}

World::World(uint64_t seed, WorldOptions options)
    : loop_(seed),
      options_(std::move(options)),
      log_(loop_.clock()),
      store_(loop_.clock()),
      fleet_(&loop_, &log_, options_.fleet),
      scheduler_(MakeBundledScheduler(&loop_, &log_, &fleet_)),
      hook_(std::make_unique<Hook>(this)) {
  processes_[0].name = "remediator-a";
  processes_[1].name = "remediator-b";
}

World::~World() {
  for (Process& process : processes_) process.controller.reset();
}

void World::StartProcess(Process* process) {
  process->life += 1;
  process->workers = std::make_unique<SimWorkers>(&loop_);
  process->store = std::make_unique<FaultStore>(&store_);
  process->log = std::make_unique<FaultEventLog>(&log_);
  if (options_.store_faults && chaos_) {
    CallFaultChances chances{};
    chances.fill(0.002);
    process->store->FailByChance(loop_.random().Fork(), chances);
  }
  if (options_.log_faults && chaos_) {
    CallFaultChances chances{};
    chances.fill(0.001);
    process->log->FailByChance(loop_.random().Fork(), chances);
  }
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

void World::CrashProcess(Process* process, Micros down) {
  if (process->controller == nullptr) return;
  loop_.Trace("crash " + process->name);
  process->workers->Crash();
  // A killed process releases no lease: its store is cut off before the destructor runs.
  process->store->FailAt(StoreCall::kLease, 1, CallFault::kCrashBefore);
  process->controller.reset();
  process->life += 1;
  // The workers' events may still be queued; they belong to a life that is over.
  loop_.After(down,
              [this, process, old = std::shared_ptr<SimWorkers>(std::move(process->workers))] {
                StartProcess(process);
              });
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
    dirty_ = true;
    const MonoTime wake = process->controller->NextWake();
    const Micros wait = std::clamp(wake - loop_.mono(), Micros(Millis(1)), Micros(Millis(500)));
    PlanTurn(process, wait);
  });
}

void World::Run() {
  scheduler_->Start();
  fleet_.Start();
  StartProcess(&processes_[0]);
  if (options_.rival) {
    loop_.After(Seconds(20), [this] { StartProcess(&processes_[1]); });
  }
  ScheduleChaos();
  PlanRestore();
  const auto check = [this] {
    if (dirty_) Check();
  };
  const auto run_for = [&](Micros span) {
    // In slices, so that a failure ends the run soon.
    const MonoTime end = loop_.mono() + span;
    while (loop_.mono() < end && failure_.empty()) {
      loop_.RunUntil(std::min(end, loop_.mono() + Seconds(5)), check);
    }
  };
  run_for(options_.lasts);
  if (!failure_.empty()) return;
  EndChaos();
  std::string why;
  const MonoTime patience = loop_.mono() + options_.settles_within;
  while (failure_.empty() && loop_.mono() < patience && !AllWell(&why)) run_for(Seconds(30));
  if (failure_.empty() && !AllWell(&why)) Fail("faults have stopped, and still: " + why);
}

void World::ScheduleChaos() {
  loop_.Every(Seconds(6), Seconds(1), [this] { Chaos(); });
  if (loop_.random().Chance(options_.mass_break_chance)) {
    loop_.After(loop_.Between(Minutes(5), Minutes(20)), [this] {
      if (!chaos_) return;
      for (const auto& [id, host] : fleet_.hosts()) {
        if (loop_.random().Chance(0.33)) {
          fleet_.Break(id, "docker", "DockerUnresponsive", Severity::kHard);
        }
      }
    });
  }
}

void World::Chaos() {
  if (!chaos_) return;
  Random& random = loop_.random();
  const auto per_minute = [&](double rate) { return random.Chance(rate / 10); };
  if (per_minute(options_.break_per_minute)) {
    const HostId host = fleet_.RandomHost();
    switch (random.Below(6)) {
      case 0:
        fleet_.Break(host, "docker", "DockerUnresponsive", Severity::kHard);
        break;
      case 1:
        fleet_.Break(host, "systemd", "SystemdUnitFailed", Severity::kSoft);
        break;
      case 2:
        fleet_.Find(host, "kernel.oops", random.Chance(0.5));
        break;
      case 3:
        fleet_.Break(host, "filesystem", "FilesystemFull", Severity::kSoft);
        break;
      case 4:
        fleet_.Break(host, "agent", "Ignored", Severity::kHard);
        break;
      case 5:
        fleet_.Reboot(host);
        break;
    }
    if (random.Chance(0.3)) {
      loop_.After(loop_.Between(Seconds(5), Minutes(5)), [this, host] { fleet_.Heal(host); });
    }
  }
  if (per_minute(0.2)) fleet_.Silence(fleet_.RandomHost(), loop_.Between(Seconds(10), Minutes(3)));
  if (per_minute(0.2)) fleet_.SendGarbage(fleet_.RandomHost());
  if (per_minute(options_.crash_per_minute)) {
    CrashProcess(&processes_[random.Below(2)], loop_.Between(Seconds(1), Seconds(40)));
  }
  if (per_minute(0.1)) scheduler_->Crash();
  if (options_.rival && per_minute(0.2)) {
    Process* process = &processes_[random.Below(2)];
    process->paused = true;
    loop_.Trace("pause " + process->name);
    loop_.After(loop_.Between(Seconds(5), Minutes(2)), [process] { process->paused = false; });
  }
  if (per_minute(options_.person_per_minute)) PersonActs();
}

void World::Tell(Request request) {
  for (Process& process : processes_) {
    if (process.controller == nullptr || !process.controller->leading()) continue;
    (void)process.controller->Post(std::move(request), [](const Result<RequestAnswer>&) {});
    return;
  }
}

void World::PersonActs() {
  const Scope host{ScopeKind::kHost, fleet_.RandomHost().str()};
  const Scope fleet{ScopeKind::kFleet, ""};
  const auto add = [&](OverrideKind kind, const Scope& scope, Micros lasts) {
    loop_.Trace(fmt::format("person {} {}", OverrideKindName(kind), ScopeText(scope)));
    Tell(request::AddOverride{kind, scope, "op1", "simulated",
                              std::chrono::duration_cast<Millis>(lasts)});
  };
  switch (loop_.random().Below(8)) {
    case 0:
      add(OverrideKind::kHold, fleet, Seconds(0));
      loop_.After(loop_.Between(Seconds(5), Minutes(5)), [this] {
        Tell(request::Release{"op1", "simulated"});
      });
      break;
    case 1:
      add(OverrideKind::kHold, host, Seconds(0));
      break;
    case 2:
      add(OverrideKind::kHold, {ScopeKind::kPool, "db"}, Seconds(0));
      break;
    case 3:
      add(OverrideKind::kProtect, host, loop_.Between(Seconds(30), Minutes(10)));
      break;
    case 4:
      add(OverrideKind::kDrain, host, Seconds(0));
      break;
    case 5:
      add(OverrideKind::kReturn, host, Seconds(0));
      break;
    case 6:
      Tell(request::ReleaseBrake{"op1", "simulated"});
      break;
    case 7:
      Tell(request::Release{"op1", "simulated"});
      break;
  }
}

// Faults stop, people clear what they laid and release the brake, and give back what was retired.
void World::EndChaos() {
  loop_.Trace("quiet");
  chaos_ = false;
  for (Process& process : processes_) {
    process.paused = false;
    if (process.store == nullptr) continue;
    process.store->Heal();
    process.log->Heal();
    process.store->Reset();
    process.log->Reset();
  }
  fleet_.HealAll();
  for (const auto& [id, host] : fleet_.hosts()) {
    // Findings that only a boot clears are ended by one.
    loop_.After(loop_.Between(Seconds(0), Minutes(1)),
                [this, host_id = id] { fleet_.Reboot(host_id); });
  }
  loop_.Every(Seconds(30), Seconds(1), [this] {
    Tell(request::Release{"op1", "the end"});
    Tell(request::ReleaseBrake{"op1", "the end"});
    AcceptReconcile();
    for (Process& process : processes_) {
      if (process.controller == nullptr || !process.controller->leading()) continue;
      for (const auto& [id, record] : process.controller->ledger().hosts()) {
        const bool out = record->state == HostState::kRetired || record->drain_wanted;
        if (!out) continue;
        Tell(request::AddOverride{
            OverrideKind::kReturn, {ScopeKind::kHost, id.str()}, "op1", "the end", Millis(0)});
      }
    }
  });
}

bool World::AllWell(std::string* why) const {
  const auto rows = ScanAll(store_, Table::kHosts);
  for (const Row& row : *rows) {
    const HostRecord record = HostRecordFromJson(*Json::Parse(row.value)).value();
    if (record.state == HostState::kHealthy) continue;
    *why = fmt::format("{} is {}, waits for: {}", row.key, HostStateName(record.state),
                       record.waits_for);
    return false;
  }
  if (rows->size() != fleet_.hosts().size()) {
    *why = "hosts are missing from the records";
    return false;
  }
  for (const auto& [host, directive] : scheduler_->Directives()) {
    if (directive.want == Want::kSchedulable) continue;
    *why = host.str() + " is healthy and still " + std::string(WantName(directive.want));
    return false;
  }
  const auto grants = ScanAll(store_, Table::kGrants);
  for (const Row& row : *grants) {
    if (!GrantFromJson(*Json::Parse(row.value))->open()) continue;
    *why = "grant " + row.key + " is open and no host is out";
    return false;
  }
  *why = scheduler_->Unsettled();
  return why->empty();
}

}  // namespace fleetmedic::sim
