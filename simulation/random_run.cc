#include "simulation/random_run.h"

#include <algorithm>

#include <fmt/format.h>

namespace fleetmedic::sim {
namespace {

Ailment Of(const std::string& type, Severity severity) {
  Ailment ailment;
  ailment.condition.type = type;
  ailment.condition.severity = severity;
  return ailment;
}

}  // namespace

RandomRunOptions RandomOptions(uint64_t seed) {
  Random random(seed ^ 0x5eedULL);
  RandomRunOptions options;
  WorldOptions& world = options.world;
  world.fleet.hosts = 6 + static_cast<int>(random.Below(18));
  world.rival = random.Chance(0.3);
  world.faults.store = random.Chance(0.4);
  world.faults.log = random.Chance(0.4);
  if (random.Chance(0.6)) {
    world.faults.scheduler_unreachable_chance = 0.1;
    world.faults.late_again_chance = 0.1;
    world.faults.answer_lost_chance = 0.1;
    world.faults.list_lost_chance = 0.1;
  }
  options.break_per_minute = 0.2 + random.Unit();
  options.crash_per_minute = random.Chance(0.5) ? 0.3 : 0;

  world.jobs = {{.name = "web", .tasks = world.fleet.hosts},
                {.name = "api", .tasks = std::max(1, world.fleet.hosts / 2), .away_max = 2}};

  RemediatorConfig& config = world.remediator;
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

void RandomRun::Run() {
  world_.Start();
  Schedule();
  if (options_.restore_at > Micros(0)) {
    world_.loop().After(options_.restore_at - options_.restore_age, [this] { world_.SaveStore(); });
    world_.loop().After(options_.restore_at,
                        [this] { world_.PutStoreBack(options_.restore_marked); });
  }
  world_.RunFor(options_.lasts);
  if (!failure().empty()) return;
  EndChaos();
  std::string why;
  const MonoTime patience = world_.loop().mono() + options_.settles_within;
  const auto settled = [&] {
    why = "the store that was put back is not reconciled";
    return !world_.reconciling() && world_.AllWell(false, &why);
  };
  while (failure().empty() && world_.loop().mono() < patience && !settled()) {
    world_.RunFor(Seconds(30));
  }
  if (failure().empty() && !settled()) world_.Fail("faults have stopped, and still: " + why);
}

void RandomRun::Schedule() {
  EventLoop& loop = world_.loop();
  loop.Every(Seconds(6), Seconds(1), [this] { Chaos(); });
  if (loop.random().Chance(options_.mass_break_chance)) {
    loop.After(loop.Between(Minutes(5), Minutes(20)), [this] {
      if (!chaos_) return;
      for (size_t host = 0; host < world_.fleet().size(); ++host) {
        if (!world_.loop().random().Chance(0.33)) continue;
        world_.fleet().Break(host, "docker", Of("DockerUnresponsive", Severity::kHard));
      }
    });
  }
}

void RandomRun::Chaos() {
  if (!chaos_) return;
  EventLoop& loop = world_.loop();
  Fleet& fleet = world_.fleet();
  Random& random = loop.random();
  const auto per_minute = [&](double rate) { return random.Chance(rate / 10); };
  if (per_minute(options_.break_per_minute)) BreakOne();
  if (per_minute(0.2)) fleet.Silence(fleet.RandomHost(), loop.Between(Seconds(10), Minutes(3)));
  if (per_minute(0.2)) fleet.SendGarbage(fleet.RandomHost());
  if (per_minute(options_.crash_per_minute)) {
    world_.Crash(random.Below(World::kProcesses), loop.Between(Seconds(1), Seconds(40)));
  }
  if (per_minute(0.1)) world_.scheduler().Crash();
  if (options_.world.rival && per_minute(0.2)) {
    world_.Pause(random.Below(World::kProcesses), loop.Between(Seconds(5), Minutes(2)));
  }
  if (per_minute(options_.person_per_minute)) PersonActs();
}

void RandomRun::BreakOne() {
  EventLoop& loop = world_.loop();
  Fleet& fleet = world_.fleet();
  const size_t host = fleet.RandomHost();
  switch (loop.random().Below(6)) {
    case 0:
      fleet.Break(host, "docker", Of("DockerUnresponsive", Severity::kHard));
      break;
    case 1:
      fleet.Break(host, "systemd", Of("SystemdUnitFailed", Severity::kSoft));
      break;
    case 2:
      fleet.FindOnce(host, "kernel.oops", loop.random().Chance(0.5));
      break;
    case 3:
      fleet.Break(host, "filesystem", Of("FilesystemFull", Severity::kSoft));
      break;
    case 4:
      fleet.Break(host, "agent", Of("Ignored", Severity::kHard));
      break;
    case 5:
      fleet.Reboot(host);
      break;
  }
  if (loop.random().Chance(0.3)) {
    loop.After(loop.Between(Seconds(5), Minutes(5)), [this, host] { world_.fleet().Heal(host); });
  }
}

void RandomRun::PersonActs() {
  EventLoop& loop = world_.loop();
  const size_t chosen = world_.fleet().RandomHost();
  const Scope host{ScopeKind::kHost, world_.fleet().hosts()[chosen].facts.host.str()};
  const Scope fleet{ScopeKind::kFleet, ""};
  const auto add = [&](OverrideKind kind, const Scope& scope, Micros lasts) {
    loop.Trace(fmt::format("person {} {}", OverrideKindName(kind), ScopeText(scope)));
    world_.Tell(request::AddOverride{kind, scope, "op1", "simulated",
                                     std::chrono::duration_cast<Millis>(lasts)});
  };
  switch (loop.random().Below(8)) {
    case 0:
      add(OverrideKind::kHold, fleet, Seconds(0));
      loop.After(loop.Between(Seconds(5), Minutes(5)), [this] {
        world_.Tell(request::Release{"op1", "simulated"});
      });
      break;
    case 1:
      add(OverrideKind::kHold, host, Seconds(0));
      break;
    case 2:
      add(OverrideKind::kHold, {ScopeKind::kPool, "db"}, Seconds(0));
      break;
    case 3:
      add(OverrideKind::kProtect, host, loop.Between(Seconds(30), Minutes(10)));
      break;
    case 4:
      add(OverrideKind::kDrain, host, Seconds(0));
      break;
    case 5:
      add(OverrideKind::kReturn, host, Seconds(0));
      break;
    case 6:
      world_.Tell(request::ReleaseBrake{"op1", "simulated"});
      break;
    case 7:
      world_.Tell(request::Release{"op1", "simulated"});
      break;
  }
}

// Faults stop, people clear what they laid and release the brake, and give back what was retired.
void RandomRun::EndChaos() {
  EventLoop& loop = world_.loop();
  loop.Trace("quiet");
  chaos_ = false;
  world_.HealCalls();
  for (size_t host = 0; host < world_.fleet().size(); ++host) {
    world_.fleet().Heal(host);
    // Findings that only a boot clears are ended by one.
    loop.After(loop.Between(Seconds(0), Minutes(1)), [this, host] { world_.fleet().Reboot(host); });
  }
  loop.Every(Seconds(30), Seconds(1), [this] {
    world_.Tell(request::Release{"op1", "the end"});
    world_.Tell(request::ReleaseBrake{"op1", "the end"});
    world_.AcceptReconcile();
    for (const auto& [id, record] : world_.Records()) {
      if (record->state != HostState::kRetired && !record->drain_wanted) continue;
      world_.Tell(request::AddOverride{
          OverrideKind::kReturn, {ScopeKind::kHost, id.str()}, "op1", "the end", Millis(0)});
    }
  });
}

}  // namespace fleetmedic::sim
