#include "simulation/scenario_keys.h"

#include "model/words.h"

namespace fleetmedic::sim {
namespace {

constexpr int64_t kHostsMax = 1'000'000;
constexpr int64_t kCountMax = 1'000'000'000;
constexpr Range kSpan = Between(Millis(0), Hours(24 * 30));
constexpr Range kCount = Between(0, kCountMax);

constexpr Words<FaultKind, 20> kFaultKinds = {{{FaultKind::kCondition, "condition"},
                                               {FaultKind::kFinding, "finding"},
                                               {FaultKind::kSilence, "silence"},
                                               {FaultKind::kCut, "cut"},
                                               {FaultKind::kReboot, "reboot"},
                                               {FaultKind::kGarbage, "garbage"},
                                               {FaultKind::kSkew, "skew"},
                                               {FaultKind::kSickens, "sickens"},
                                               {FaultKind::kDelivery, "delivery"},
                                               {FaultKind::kReplay, "replay"},
                                               {FaultKind::kLogAway, "log_away"},
                                               {FaultKind::kStoreAway, "store_away"},
                                               {FaultKind::kSchedulerAway, "scheduler_away"},
                                               {FaultKind::kSchedulerFlaky, "scheduler_flaky"},
                                               {FaultKind::kSlowWorkers, "slow_workers"},
                                               {FaultKind::kCrash, "crash"},
                                               {FaultKind::kSchedulerCrash, "scheduler_crash"},
                                               {FaultKind::kPause, "pause"},
                                               {FaultKind::kRestoreStore, "restore_store"},
                                               {FaultKind::kResizeJob, "resize_job"}}};

constexpr Words<ActKind, 7> kActKinds = {{{ActKind::kHold, "hold"},
                                          {ActKind::kRelease, "release"},
                                          {ActKind::kProtect, "protect"},
                                          {ActKind::kDrain, "drain"},
                                          {ActKind::kReturn, "return"},
                                          {ActKind::kReleaseBrake, "release_brake"},
                                          {ActKind::kAcceptReconcile, "accept_reconcile"}}};

constexpr ConfigKeyOf<Scenario> kRunKeys[] = {
    {"", "title", [](Scenario& s) { return Slot(&s.title); }, Form(TextForm::kNotEmpty),
     "One line: what happens."},
    {"", "lasts", [](Scenario& s) { return Slot(&s.lasts); }, Between(Minutes(1), Hours(24 * 30)),
     "How much time is simulated."},
    {"", "rival", [](Scenario& s) { return Slot(&s.rival); }, {}, "A second remediator stands by."},
};

constexpr ConfigKeyOf<FleetOptions> kFleetKeys[] = {
    {"fleet", "hosts", [](FleetOptions& f) { return Slot(&f.hosts); }, Between(1, kHostsMax),
     "How many; --hosts has the last word."},
    {"fleet", "cells", [](FleetOptions& f) { return Slot(&f.cells); }, Between(1, 1000),
     "Independent fleets, named cell-a, cell-b, ..., of equal size."},
    {"fleet", "racks", [](FleetOptions& f) { return Slot(&f.racks); }, Between(0, 100'000),
     "Of each cell, named CELL-r0, CELL-r1, ...; 0: hosts without a rack."},
    {"fleet",
     "boot_ids",
     [](FleetOptions& f) { return Slot(&f.boot_ids); },
     {},
     "false: hosts that never tell a boot id."},
    {"fleet", "beat_every", [](FleetOptions& f) { return Slot(&f.beat_every); },
     Between(Seconds(1), Minutes(5)), "As agent.beat_every of the config."},
    {"fleet", "repeat_every", [](FleetOptions& f) { return Slot(&f.repeat_every); },
     Between(Seconds(5), Hours(1)), "As agent.repeat_every."},
    {"fleet", "report_every", [](FleetOptions& f) { return Slot(&f.report_every); },
     Between(Seconds(1), Minutes(5)), "As executor.report_every."},
    {"fleet", "duplicate_chance", [](FleetOptions& f) { return Slot(&f.duplicate_chance); },
     Share(0, 1), "A health event arrives twice."},
    {"fleet", "late_chance", [](FleetOptions& f) { return Slot(&f.late_chance); }, Share(0, 1),
     "A health event arrives once more, up to five minutes later."},
    {"fleet", "repair_cures_chance", [](FleetOptions& f) { return Slot(&f.repair_cures_chance); },
     Share(0, 1), "A repair mends what can be mended."},
    {"fleet", "outcome_lost_chance", [](FleetOptions& f) { return Slot(&f.outcome_lost_chance); },
     Share(0, 1), "Nobody hears what came of a repair."},
    {"fleet", "evidence_lost_chance", [](FleetOptions& f) { return Slot(&f.evidence_lost_chance); },
     Share(0, 1), "A bundle of evidence that was asked for never comes."},
};

constexpr ConfigKeyOf<PoolShape> kPoolKeys[] = {
    {"fleet.pools", "name", [](PoolShape& p) { return Slot(&p.name); }, Form(TextForm::kId),
     "Of the pool; the last pool has the hosts that are left."},
    {"fleet.pools", "hosts", [](PoolShape& p) { return Slot(&p.hosts); }, Between(0, kHostsMax),
     "How many; or share."},
    {"fleet.pools", "share", [](PoolShape& p) { return Slot(&p.share); }, Share(0, 1),
     "Of the fleet's hosts."},
};

constexpr ConfigKeyOf<FactShape> kFactKeys[] = {
    {"fleet.facts", "name", [](FactShape& f) { return Slot(&f.name); }, Form(TextForm::kNotEmpty),
     "kernel, image, instance_type, agent_version, zone, or a label."},
    {"fleet.facts", "value", [](FactShape& f) { return Slot(&f.value); }, Form(TextForm::kNotEmpty),
     "What the hosts that were drawn have."},
    {"fleet.facts", "hosts", [](FactShape& f) { return Slot(&f.hosts); }, Between(0, kHostsMax),
     "How many; or share."},
    {"fleet.facts", "share", [](FactShape& f) { return Slot(&f.share); }, Share(0, 1),
     "Of the fleet's hosts."},
    {"fleet.facts",
     "others",
     [](FactShape& f) { return Slot(&f.others); },
     {},
     "What the other hosts have; empty: not this fact."},
};

constexpr ConfigKeyOf<JobShape> kJobKeys[] = {
    {"jobs", "name", [](JobShape& j) { return Slot(&j.name); }, Form(TextForm::kId), "Of the job."},
    {"jobs", "tasks", [](JobShape& j) { return Slot(&j.tasks); }, Between(0, 100'000),
     "How many; or tasks_per_host."},
    {"jobs", "tasks_per_host", [](JobShape& j) { return Slot(&j.tasks_per_host); }, Share(0, 100),
     "Of the hosts of its pool."},
    {"jobs", "pool", [](JobShape& j) { return Slot(&j.pool); }, Form(TextForm::kIdOrEmpty),
     "Where it runs; empty: anywhere."},
    {"jobs", "away_max", [](JobShape& j) { return Slot(&j.away_max); }, Between(0, 100'000),
     "Its disruption budget: tasks that may be away at once; at least one."},
    {"jobs", "away_share", [](JobShape& j) { return Slot(&j.away_share); }, Share(0, 1),
     "The same as a share of its tasks."},
    {"jobs",
     "never_away",
     [](JobShape& j) { return Slot(&j.never_away); },
     {},
     "No task may ever be moved away."},
    {"jobs", "cpu_milli", [](JobShape& j) { return Slot(&j.cpu_milli); }, Between(1, 16'000),
     "Of one task, of the 16000 of a host."},
};

constexpr ConfigKeyOf<Selector> kSelectorKeys[] = {
    {"on", "all", [](Selector& s) { return Slot(&s.all); }, {}, "Every host."},
    {"on", "names", [](Selector& s) { return Slot(&s.names); }, {}, "These hosts: h000, h001, ..."},
    {"on", "cell", [](Selector& s) { return Slot(&s.cell); }, {}, "Hosts of this cell."},
    {"on", "pool", [](Selector& s) { return Slot(&s.pool); }, {}, "Hosts of this pool."},
    {"on", "rack", [](Selector& s) { return Slot(&s.rack); }, {}, "Hosts of this rack."},
    {"on",
     "fact",
     [](Selector& s) { return Slot(&s.fact); },
     {},
     "Hosts with this fact, as NAME=VALUE."},
    {"on", "hosts", [](Selector& s) { return Slot(&s.hosts); }, Between(0, kHostsMax),
     "So many of them, drawn anew each time."},
    {"on", "share", [](Selector& s) { return Slot(&s.share); }, Share(0, 1),
     "Such a share of them, drawn anew each time."},
};

constexpr ConfigKeyOf<FaultSpec> kFaultKeys[] = {
    {"faults", "at", [](FaultSpec& f) { return Slot(&f.at); }, kSpan, "When it begins."},
    {"faults", "every", [](FaultSpec& f) { return Slot(&f.every); }, kSpan,
     "Again and again; 0s: once."},
    {"faults", "until", [](FaultSpec& f) { return Slot(&f.until); }, kSpan,
     "No further one after this; 0s: to the end."},
    {"faults", "lasts", [](FaultSpec& f) { return Slot(&f.lasts); }, kSpan,
     "How long; 0s: until it is cured, or to the end."},
    {"faults", "spread", [](FaultSpec& f) { return Slot(&f.spread); }, kSpan,
     "Each host begins at a moment of its own within this."},
    {"faults", "type", [](FaultSpec& f) { return Slot(&f.type); }, Form(TextForm::kNotEmpty),
     "Of the condition, in CamelCase."},
    {"faults", "detector", [](FaultSpec& f) { return Slot(&f.detector); },
     Form(TextForm::kNotEmpty), "agent, docker, filesystem or systemd."},
    {"faults",
     "severity",
     [](FaultSpec& f) { return Slot(&f.severity); },
     {},
     "info, soft or hard."},
    {"faults", "rule", [](FaultSpec& f) { return Slot(&f.rule); }, {}, "Of a finding: its rule."},
    {"faults",
     "until_boot",
     [](FaultSpec& f) { return Slot(&f.until_boot); },
     {},
     "Of a finding: only a boot clears it."},
    {"faults",
     "real",
     [](FaultSpec& f) { return Slot(&f.real); },
     {},
     "false: the detector is wrong; acts on such a host are wrong acts."},
    {"faults",
     "curable",
     [](FaultSpec& f) { return Slot(&f.curable); },
     {},
     "false: no repair mends it."},
    {"faults", "by", [](FaultSpec& f) { return Slot(&f.by); }, Between(Millis(0), Hours(24 * 1500)),
     "Of a skew: how much the clock is wrong."},
    {"faults",
     "back",
     [](FaultSpec& f) { return Slot(&f.back); },
     {},
     "Of a skew: the clock is behind."},
    {"faults", "duplicates", [](FaultSpec& f) { return Slot(&f.duplicates); }, Share(0, 100),
     "Of a delivery: so many more of each event."},
    {"faults", "late", [](FaultSpec& f) { return Slot(&f.late); }, kSpan,
     "Of a delivery, slow_workers, scheduler_flaky: so late at the most."},
    {"faults", "span", [](FaultSpec& f) { return Slot(&f.span); }, kSpan,
     "Of a replay or restore_store: how far back."},
    {"faults",
     "marked",
     [](FaultSpec& f) { return Slot(&f.marked); },
     {},
     "Of restore_store: done by `fleetmedic restore`, not silently."},
    {"faults",
     "job",
     [](FaultSpec& f) { return Slot(&f.job); },
     {},
     "Of sickens and resize_job: which."},
    {"faults", "tasks", [](FaultSpec& f) { return Slot(&f.tasks); }, Between(0, 100'000),
     "Of resize_job: how many it wants then."},
};

constexpr ConfigKeyOf<PersonSpec> kPersonKeys[] = {
    {"people", "at", [](PersonSpec& p) { return Slot(&p.at); }, kSpan, "When."},
    {"people", "every", [](PersonSpec& p) { return Slot(&p.every); }, kSpan,
     "Again and again; 0s: once."},
    {"people", "until", [](PersonSpec& p) { return Slot(&p.until); }, kSpan,
     "No further one after this; 0s: to the end."},
    {"people", "lasts", [](PersonSpec& p) { return Slot(&p.lasts); }, kSpan,
     "Of a protection: how long."},
    {"people",
     "scope",
     [](PersonSpec& p) { return Slot(&p.scope); },
     {},
     "Of a hold or a protection: fleet, cell:C, pool:P, rack:R, rule:R or host:H."},
};

constexpr ConfigKeyOf<Expectation> kExpectationKeys[] = {
    {"expect", "acts_max", [](Expectation& e) { return Slot(&e.acts_max); }, kCount,
     "Taints, drains and repairs together."},
    {"expect", "acts_min", [](Expectation& e) { return Slot(&e.acts_min); }, kCount,
     "So that a run shows anything."},
    {"expect", "hosts_acted_on_max", [](Expectation& e) { return Slot(&e.hosts_acted_on_max); },
     kCount, "Different hosts that anything was done to."},
    {"expect", "out_max", [](Expectation& e) { return Slot(&e.out_max); }, kCount,
     "Hosts that are tainted or drained at once."},
    {"expect", "out_share_max", [](Expectation& e) { return Slot(&e.out_share_max); }, Share(0, 1),
     "The same as a share of the fleet, one host at the least."},
    {"expect", "drains_max", [](Expectation& e) { return Slot(&e.drains_max); }, kCount,
     "Drains that began."},
    {"expect", "drains_while_braked_max",
     [](Expectation& e) { return Slot(&e.drains_while_braked_max); }, kCount,
     "... while the brake was on."},
    {"expect", "wrong_acts_max", [](Expectation& e) { return Slot(&e.wrong_acts_max); }, kCount,
     "Acts on hosts with which nothing was wrong."},
    {"expect", "wrong_acts_per_1000_max",
     [](Expectation& e) { return Slot(&e.wrong_acts_per_1000_max); }, Share(0, 1000),
     "The same of a thousand acts."},
    {"expect", "pages_max", [](Expectation& e) { return Slot(&e.pages_max); }, kCount,
     "Messages that call a person, trips of the brake among them."},
    {"expect", "pages_min", [](Expectation& e) { return Slot(&e.pages_min); }, kCount,
     "At least so many."},
    {"expect", "brake_trips_max", [](Expectation& e) { return Slot(&e.brake_trips_max); }, kCount,
     "0: the brake must not trip."},
    {"expect", "brake_within", [](Expectation& e) { return Slot(&e.brake_within); }, kSpan,
     "The brake trips, and so soon after the first fault."},
    {"expect", "healed_share_min", [](Expectation& e) { return Slot(&e.healed_share_min); },
     Share(0, 1), "Of the episodes that ended: those for which nobody was called."},
    {"expect", "episodes_min", [](Expectation& e) { return Slot(&e.episodes_min); }, kCount,
     "So that the share means anything."},
    {"expect", "taint_p99_max", [](Expectation& e) { return Slot(&e.taint_p99_max); }, kSpan,
     "From the host's first bad word to the scheduler's taint, of 99 in 100."},
    {"expect", "true_again_within", [](Expectation& e) { return Slot(&e.true_again_within); },
     kSpan, "After a person accepted a store that was put back."},
    {"expect", "host_taints_per_hour_max",
     [](Expectation& e) { return Slot(&e.host_taints_per_hour_max); }, kCount,
     "Of any one host within any hour."},
    {"expect", "host_drains_max", [](Expectation& e) { return Slot(&e.host_drains_max); }, kCount,
     "Of any one host in the whole run."},
    {"expect", "retired_max", [](Expectation& e) { return Slot(&e.retired_max); }, kCount,
     "Hosts that were given up to a person."},
    {"expect", "retired_min", [](Expectation& e) { return Slot(&e.retired_min); }, kCount,
     "At least so many."},
    {"expect", "tasks_killed_max", [](Expectation& e) { return Slot(&e.tasks_killed_max); }, kCount,
     "Tasks that ran on a host when a repair rebooted it."},
    {"expect",
     "blocked_by",
     [](Expectation& e) { return Slot(&e.blocked_by); },
     {},
     "Some refusal or blocked drain names this."},
    {"expect",
     "all_well",
     [](Expectation& e) { return Slot(&e.all_well); },
     {},
     "At the end every host is in service, or retired; no taint is left; every task runs."},
    {"expect",
     "same_hosts_acted_on",
     [](Expectation& e) { return Slot(&e.same_hosts_acted_on); },
     {},
     "As in the same run without its faults of the kind delivery."},
};

template <typename Root>
void AddHelp(std::span<const ConfigKeyOf<Root>> keys, std::vector<ScenarioKeyHelp>* all) {
  for (const ConfigKeyOf<Root>& key : keys) all->push_back({key.section, key.key, key.help});
}

template <typename Enum, size_t kCount>
std::vector<std::string_view> WordsIn(const Words<Enum, kCount>& words) {
  std::vector<std::string_view> list;
  for (const auto& [value, word] : words) list.push_back(word);
  return list;
}

}  // namespace

std::span<const ConfigKeyOf<Scenario>> RunKeys() { return kRunKeys; }
std::span<const ConfigKeyOf<FleetOptions>> FleetKeys() { return kFleetKeys; }
std::span<const ConfigKeyOf<PoolShape>> PoolKeys() { return kPoolKeys; }
std::span<const ConfigKeyOf<FactShape>> FactKeys() { return kFactKeys; }
std::span<const ConfigKeyOf<JobShape>> JobKeys() { return kJobKeys; }
std::span<const ConfigKeyOf<FaultSpec>> FaultKeys() { return kFaultKeys; }
std::span<const ConfigKeyOf<PersonSpec>> PersonKeys() { return kPersonKeys; }
std::span<const ConfigKeyOf<Selector>> SelectorKeys() { return kSelectorKeys; }
std::span<const ConfigKeyOf<Expectation>> ExpectationKeys() { return kExpectationKeys; }

std::string_view FaultKindName(FaultKind kind) { return WordOf(kFaultKinds, kind); }
std::optional<FaultKind> ParseFaultKind(std::string_view word) {
  return ValueOf(kFaultKinds, word);
}
std::vector<std::string_view> FaultKindWords() { return WordsIn(kFaultKinds); }
std::string_view ActKindName(ActKind kind) { return WordOf(kActKinds, kind); }
std::optional<ActKind> ParseActKind(std::string_view word) { return ValueOf(kActKinds, word); }
std::vector<std::string_view> ActKindWords() { return WordsIn(kActKinds); }

std::vector<ScenarioKeyHelp> ScenarioKeys() {
  std::vector<ScenarioKeyHelp> all;
  AddHelp(RunKeys(), &all);
  AddHelp(FleetKeys(), &all);
  AddHelp(PoolKeys(), &all);
  AddHelp(FactKeys(), &all);
  AddHelp(JobKeys(), &all);
  AddHelp(FaultKeys(), &all);
  AddHelp(SelectorKeys(), &all);
  AddHelp(PersonKeys(), &all);
  AddHelp(ExpectationKeys(), &all);
  return all;
}

}  // namespace fleetmedic::sim
