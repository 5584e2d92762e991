#include "simulation/scenario_run.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

namespace fleetmedic::sim {
namespace {

constexpr Micros kProgressEvery = Minutes(1);
constexpr Micros kSickenEvery = Seconds(10);
// How long a task of a job that sickens runs before its host is bad.
constexpr Micros kSickensAfter = Seconds(30);

Ailment AilmentOf(const FaultSpec& spec, uint64_t cause) {
  Ailment ailment;
  ailment.condition.type = spec.type;
  ailment.condition.severity = spec.severity;
  if (spec.kind == FaultKind::kFinding) ailment.rule = spec.rule;
  ailment.clear = spec.until_boot ? Clear::kBoot : Clear::kQuiet;
  ailment.real = spec.real;
  ailment.curable = spec.curable;
  ailment.cause = cause;
  return ailment;
}

// 0: often enough that nothing stays unseen, and rarely enough to cost nothing.
Micros CheckAllEvery(int hosts) { return hosts <= 100 ? Micros(Seconds(10)) : Micros(Minutes(5)); }

}  // namespace

WorldOptions WorldOf(const Scenario& scenario) {
  WorldOptions options;
  options.fleet = scenario.fleet;
  options.remediator = scenario.remediator;
  options.jobs = scenario.jobs;
  options.rival = scenario.rival;
  options.check_all_every = CheckAllEvery(scenario.fleet.hosts);
  return options;
}

std::optional<RunResult> PlayScenario(const Scenario& scenario, uint64_t seed,
                                      const ScenarioRun::Progress& progress) {
  ScenarioRun run(scenario, seed);
  if (!run.Run(progress)) return std::nullopt;
  RunResult result = run.TakeResult();
  if (!scenario.expect.same_hosts_acted_on || !result.ok()) return result;
  Scenario clean = scenario;
  std::erase_if(clean.faults, [](const FaultSpec& f) { return f.kind == FaultKind::kDelivery; });
  ScenarioRun other(clean, seed);
  if (!other.Run(progress)) return std::nullopt;
  const RunResult without = other.TakeResult();
  if (without.acted_on != result.acted_on) {
    result.missed.push_back(
        fmt::format("same_hosts_acted_on, and it was {} hosts, without the faults of delivery {}",
                    result.acted_on.size(), without.acted_on.size()));
  }
  return result;
}

ScenarioRun::ScenarioRun(const Scenario& scenario, uint64_t seed)
    : scenario_(scenario), seed_(seed), world_(seed, WorldOf(scenario)), draw_(seed ^ 0xfa17ULL) {}

bool ScenarioRun::Run(const Progress& progress) {
  for (const FaultSpec& spec : scenario_.faults) {
    if (spec.kind == FaultKind::kReplay) world_.fleet().KeepHistory(spec.span);
    if (spec.kind == FaultKind::kRestoreStore) {
      world_.loop().After(spec.at - spec.span, [this] { world_.SaveStore(); });
    }
    Plan(spec.at, spec.every, spec.until, [this, &spec] { Begin(spec); });
  }
  for (const PersonSpec& spec : scenario_.people) {
    Plan(spec.at, spec.every, spec.until, [this, &spec] { Act(spec); });
  }
  world_.Start();
  const Micros lasts = scenario_.lasts;
  for (Micros done(0); done < lasts && world_.failure().empty();) {
    const Micros step = std::min(kProgressEvery, lasts - done);
    world_.RunFor(step);
    done += step;
    const double share = static_cast<double>(done.count()) / static_cast<double>(lasts.count());
    if (progress && !progress(share)) return false;
  }
  return true;
}

RunResult ScenarioRun::TakeResult() {
  const Figures& figures = world_.figures();
  RunResult result;
  result.seed = seed_;
  result.hosts = static_cast<int>(world_.fleet().size());
  result.simulated = scenario_.lasts;
  result.broken = world_.failure();
  if (result.broken.empty()) result.missed = Missed(scenario_.expect, world_);
  if (!result.ok()) result.trace_tail = world_.loop().TraceTail();
  result.trace_hash = world_.loop().trace_hash();
  result.events = world_.loop().events_run();
  result.counts = figures.counts();
  result.out_max = figures.out_max();
  result.acted_on = figures.acted_on();
  result.brake_after = figures.brake_after();
  result.to_taint = figures.to_taint();
  result.to_give_back = figures.to_give_back();
  return result;
}

void ScenarioRun::Plan(Millis at, Millis every, Millis until, std::function<void()> act) {
  const MonoTime end = until > Millis(0) ? world_.loop().mono() + until : kMonoForever;
  world_.loop().After(at, [this, every, end, act = std::move(act)] {
    act();
    if (every == Millis(0)) return;
    world_.loop().Every(every, Micros(0), [this, end, act] {
      if (world_.loop().mono() <= end) act();
    });
  });
}

std::vector<size_t> ScenarioRun::Select(const Selector& on) {
  std::vector<size_t> found;
  const size_t equals = on.fact.find('=');
  for (size_t i = 0; i < world_.fleet().size(); ++i) {
    const HostFacts& facts = world_.fleet().hosts()[i].facts;
    const bool named =
        on.names.empty() || std::ranges::find(on.names, facts.host.str()) != on.names.end();
    const bool fact = on.fact.empty() ||
                      FactValue(facts, on.fact.substr(0, equals)) == on.fact.substr(equals + 1);
    if (named && fact && (on.cell.empty() || facts.cell == on.cell) &&
        (on.pool.empty() || facts.pool == on.pool) && (on.rack.empty() || facts.rack == on.rack)) {
      found.push_back(i);
    }
  }
  size_t count = found.size();
  if (on.hosts > 0) count = std::min(count, static_cast<size_t>(on.hosts));
  if (on.share > 0) {
    // Of a small fleet too, something.
    const double exact = std::round(on.share * static_cast<double>(found.size()));
    count = std::min(count, static_cast<size_t>(std::max(1.0, exact)));
  }
  for (size_t i = 0; i < count; ++i) {
    std::swap(found[i], found[i + draw_.Below(found.size() - i)]);
  }
  found.resize(count);
  return found;
}

void ScenarioRun::Begin(const FaultSpec& spec) {
  world_.loop().Trace(fmt::format("fault {}", spec.place.line));
  world_.figures().OnFault();
  if (!spec.on.empty()) {
    BeginOnHosts(spec);
  } else {
    BeginOnControl(spec);
  }
}

void ScenarioRun::BeginOnHosts(const FaultSpec& spec) {
  const uint64_t cause = ++causes_;
  const auto spread =
      static_cast<uint64_t>(std::chrono::duration_cast<Micros>(spec.spread).count());
  for (const size_t host : Select(spec.on)) {
    const Micros wait(static_cast<int64_t>(draw_.Below(spread + 1)));
    if (wait == Micros(0)) {
      BeginOnHost(spec, cause, host);
    } else {
      world_.loop().After(wait, [this, &spec, cause, host] { BeginOnHost(spec, cause, host); });
    }
  }
}

void ScenarioRun::BeginOnHost(const FaultSpec& spec, uint64_t cause, size_t host) {
  Fleet& fleet = world_.fleet();
  switch (spec.kind) {
    case FaultKind::kCondition:
    case FaultKind::kFinding:
      fleet.Break(host, spec.detector, AilmentOf(spec, cause));
      break;
    case FaultKind::kSilence:
      return fleet.Silence(host, spec.lasts);
    case FaultKind::kCut:
      fleet.Cut(host);
      break;
    case FaultKind::kReboot:
      return fleet.Reboot(host);
    case FaultKind::kGarbage:
      return fleet.SendGarbage(host);
    case FaultKind::kSkew:
      fleet.Skew(host, spec.back ? -spec.by : spec.by);
      break;
    case FaultKind::kSickens:
    case FaultKind::kDelivery:
    case FaultKind::kReplay:
    case FaultKind::kLogAway:
    case FaultKind::kStoreAway:
    case FaultKind::kSchedulerAway:
    case FaultKind::kSchedulerFlaky:
    case FaultKind::kSlowWorkers:
    case FaultKind::kCrash:
    case FaultKind::kSchedulerCrash:
    case FaultKind::kPause:
    case FaultKind::kRestoreStore:
    case FaultKind::kResizeJob:
      return;  // of no host
  }
  if (spec.lasts == Millis(0)) return;
  world_.loop().After(spec.lasts, [this, &spec, cause, host] { EndOnHost(spec, cause, host); });
}

void ScenarioRun::EndOnHost(const FaultSpec& spec, uint64_t cause, size_t host) {
  if (spec.kind == FaultKind::kCut) return world_.fleet().Rejoin(host);
  if (spec.kind == FaultKind::kSkew) return world_.fleet().Skew(host, Micros(0));
  world_.fleet().EndCause(host, cause);
}

void ScenarioRun::BeginOnControl(const FaultSpec& spec) {
  CallFaults faults = world_.options().faults;
  switch (spec.kind) {
    case FaultKind::kSickens:
      return Sicken(spec, ++causes_);
    case FaultKind::kDelivery:
      world_.fleet().Deliver(spec.duplicates, spec.late > Millis(0) ? 1 : 0, spec.late);
      break;
    case FaultKind::kReplay:
      return world_.fleet().ReplayHistory();
    case FaultKind::kLogAway:
      world_.CutLog(true);
      break;
    case FaultKind::kStoreAway:
      world_.CutStore(true);
      break;
    case FaultKind::kSchedulerAway:
      world_.CutScheduler(true);
      break;
    case FaultKind::kSchedulerFlaky:
      faults.scheduler_unreachable_chance = faults.answer_lost_chance = 0.2;
      faults.list_lost_chance = 0.2;
      faults.late_again_chance = 0.5;
      if (spec.late > Millis(0)) faults.late_max = spec.late;
      world_.SetFaults(faults);
      break;
    case FaultKind::kSlowWorkers:
      faults.worker_slow_chance = 0.5;
      if (spec.late > Millis(0)) faults.worker_slow_max = spec.late;
      world_.SetFaults(faults);
      break;
    case FaultKind::kCrash:
      return world_.Crash(world_.Leader(), spec.lasts);
    case FaultKind::kSchedulerCrash:
      return world_.scheduler().Crash();
    case FaultKind::kPause:
      return world_.Pause(world_.Leader(), spec.lasts);
    case FaultKind::kRestoreStore:
      return world_.PutStoreBack(spec.marked);
    case FaultKind::kResizeJob:
      return world_.scheduler().Resize(spec.job, spec.tasks);
    case FaultKind::kCondition:
    case FaultKind::kFinding:
    case FaultKind::kSilence:
    case FaultKind::kCut:
    case FaultKind::kReboot:
    case FaultKind::kGarbage:
    case FaultKind::kSkew:
      return;  // of hosts
  }
  if (spec.lasts == Millis(0)) return;
  world_.loop().After(spec.lasts, [this, &spec] { EndOnControl(spec); });
}

void ScenarioRun::EndOnControl(const FaultSpec& spec) {
  const FleetOptions& usual = scenario_.fleet;
  if (spec.kind == FaultKind::kDelivery) {
    world_.fleet().Deliver(usual.duplicate_chance, usual.late_chance, usual.late_max);
  } else if (spec.kind == FaultKind::kLogAway) {
    world_.CutLog(false);
  } else if (spec.kind == FaultKind::kStoreAway) {
    world_.CutStore(false);
  } else if (spec.kind == FaultKind::kSchedulerAway) {
    world_.CutScheduler(false);
  } else {
    world_.SetFaults({});
  }
}

// Looks now and then where the job's tasks run, and makes those hosts bad that had one long enough.
void ScenarioRun::Sicken(const FaultSpec& spec, uint64_t cause) {
  const MonoTime end = spec.lasts > Millis(0) ? world_.loop().mono() + spec.lasts : kMonoForever;
  world_.loop().Every(kSickenEvery, Micros(0), [this, &spec, cause, end] {
    if (world_.loop().mono() > end) return;
    Fleet& fleet = world_.fleet();
    for (size_t i = 0; i < fleet.size(); ++i) {
      const SimHost& host = fleet.hosts()[i];
      const bool sick =
          host.ailing.contains(spec.detector) && !host.ailing.at(spec.detector).empty();
      if (sick || host.booting) continue;
      for (const auto& [task, status] : host.tasks) {
        const bool runs = status.job.str() == spec.job && status.state == TaskState::kRunning;
        if (!runs || status.since + kSickensAfter > world_.loop().wall()) continue;
        fleet.Break(i, spec.detector, AilmentOf(spec, cause));
        break;
      }
    }
  });
}

void ScenarioRun::Override(OverrideKind kind, const Scope& scope, Millis lasts) {
  world_.loop().Trace(fmt::format("person {} {}", OverrideKindName(kind), ScopeText(scope)));
  world_.Tell(request::AddOverride{kind, scope, "op1", "simulated", lasts});
}

void ScenarioRun::Act(const PersonSpec& spec) {
  switch (spec.act) {
    case ActKind::kHold:
      return Override(OverrideKind::kHold, *ParseScope(spec.scope), Millis(0));
    case ActKind::kProtect:
      return Override(OverrideKind::kProtect, *ParseScope(spec.scope), spec.lasts);
    case ActKind::kDrain:
    case ActKind::kReturn:
      for (const size_t host : Select(spec.on)) {
        const std::string& name = world_.fleet().hosts()[host].facts.host.str();
        Override(spec.act == ActKind::kDrain ? OverrideKind::kDrain : OverrideKind::kReturn,
                 {ScopeKind::kHost, name}, Millis(0));
      }
      return;
    case ActKind::kRelease:
      world_.Tell(request::Release{"op1", "simulated"});
      return;
    case ActKind::kReleaseBrake:
      world_.Tell(request::ReleaseBrake{"op1", "simulated"});
      return;
    case ActKind::kAcceptReconcile:
      return world_.AcceptReconcile();
  }
}

}  // namespace fleetmedic::sim
