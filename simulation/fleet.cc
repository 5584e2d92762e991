#include "simulation/fleet.h"

#include <fmt/format.h>

namespace fleetmedic::sim {
namespace {

constexpr const char* kDetectors[] = {"agent", "docker", "filesystem", "systemd"};

Condition MakeCondition(const std::string& type, Verdict verdict, Severity severity,
                        WallTime since) {
  Condition condition;
  condition.type = type;
  condition.verdict = verdict;
  condition.severity = severity;
  condition.reason = verdict == Verdict::kOk ? "Fine" : "Simulated";
  condition.message = type + " is " + std::string(VerdictName(verdict));
  condition.since = since;
  return condition;
}

}  // namespace

Fleet::Fleet(EventLoop* loop, EventLog* log, const FleetOptions& options)
    : loop_(loop), log_(log), options_(options) {
  for (int i = 0; i < options.hosts; ++i) {
    SimHost host;
    host.facts.host = HostId(fmt::format("h{:03}", i));
    host.facts.cell = "cell-a";
    host.facts.pool = i % 3 == 0 ? "db" : "web";
    host.facts.rack = fmt::format("r{}", i % options.racks);
    host.facts.kernel = "6.1.99";
    host.facts.agent_version = "sim";
    host.facts.boot_id = fmt::format("{}-boot-0", host.facts.host.str());
    host.facts.booted_at = loop->wall() - Hours(1);
    hosts_.emplace(host.facts.host, host);
  }
}

HostId Fleet::RandomHost() {
  auto it = hosts_.begin();
  std::advance(it, static_cast<int64_t>(loop_->random().Below(hosts_.size())));
  return it->first;
}

void Fleet::Start() {
  commands_ = log_->OpenAt(Topic::kCommands, {}).value();
  for (const auto& [id, host] : hosts_) {
    loop_->After(loop_->Between(Millis(0), Seconds(2)), [this, host_id = id] {
      SendFacts(host_id);
      SendAll(host_id);
      SendReport(host_id, {});
      loop_->Every(Seconds(10), Seconds(1), [this, host_id] { SendBeat(host_id); });
      loop_->Every(Seconds(90), Seconds(5), [this, host_id] { SendAll(host_id); });
      loop_->Every(Seconds(10), Seconds(1), [this, host_id] { SendReport(host_id, {}); });
    });
  }
  loop_->Every(Millis(200), Millis(50), [this] { ReadCommands(); });
}

void Fleet::Append(Topic topic, const HostId& key, const Json& value) {
  const Record record{key.str(), value.Dump(), {}, loop_->wall()};
  (void)log_->Append(topic, {&record, 1});
  if (topic != Topic::kHealth) return;
  if (loop_->random().Chance(options_.duplicate_chance)) {
    (void)log_->Append(topic, {&record, 1});
  }
  if (loop_->random().Chance(options_.late_chance)) {
    loop_->After(loop_->Between(Seconds(1), Minutes(5)), [this, topic, record] {
      (void)log_->Append(topic, {&record, 1});
    });
  }
}

void Fleet::SendFacts(const HostId& id) { Append(Topic::kHosts, id, ToJson(hosts_.at(id).facts)); }

void Fleet::SendConditions(const HostId& id, const std::string& detector) {
  SimHost& host = hosts_.at(id);
  if (!host.agent_up || host.booting) return;
  HealthEvent event;
  event.host = id;
  event.boot_id = host.facts.boot_id;
  event.booted_at = host.facts.booted_at;
  event.detector = detector;
  event.sequence = ++host.sequences[detector];
  event.observed_at = loop_->wall();
  event.conditions = host.bad[detector];
  if (event.conditions.empty()) {
    event.conditions.push_back(
        MakeCondition(detector + "Ok", Verdict::kOk, Severity::kHard, loop_->wall()));
  }
  Append(Topic::kHealth, id, ToJson(event));
}

void Fleet::SendBeat(const HostId& id) {
  SimHost& host = hosts_.at(id);
  if (!host.agent_up || host.booting) return;
  HealthEvent event;
  event.kind = HealthEventKind::kBeat;
  event.host = id;
  event.boot_id = host.facts.boot_id;
  event.booted_at = host.facts.booted_at;
  event.detector = "agent";
  event.observed_at = loop_->wall();
  for (const auto& [detector, sequence] : host.sequences) {
    event.beats[detector] = {sequence, loop_->wall()};
  }
  Append(Topic::kHealth, id, ToJson(event));
}

void Fleet::SendAll(const HostId& id) {
  for (const char* detector : kDetectors) SendConditions(id, detector);
}

void Fleet::SendReport(const HostId& id, std::vector<RepairReport> repairs) {
  SimHost& host = hosts_.at(id);
  if (host.booting) return;
  ExecutorReport report;
  report.host = id;
  report.boot_id = host.facts.boot_id;
  report.sequence = ++host.report_sequence;
  report.observed_at = loop_->wall();
  report.complete = true;
  report.capacity = {.cpu_milli = 16'000, .memory_bytes = int64_t{64} << 30};
  for (const auto& [task, status] : host.tasks) report.tasks.push_back(status);
  report.repairs = std::move(repairs);
  Append(Topic::kTasks, id, ToJson(report));
}

void Fleet::ReadCommands() {
  const auto records = commands_->Poll(1000);
  if (!records) return;
  for (const LogRecord& record : *records) {
    const auto json = Json::Parse(record.record.value);
    const auto command = json ? ExecutorCommandFromJson(*json)
                              : Result<ExecutorCommand>(tl::unexpected<Error>(json.error()));
    if (command) Obey(*command);
  }
}

void Fleet::Obey(const ExecutorCommand& command) {
  const auto found = hosts_.find(command.host);
  if (found == hosts_.end() || found->second.booting) return;
  SimHost& host = found->second;
  switch (command.kind) {
    case CommandKind::kCollectEvidence: {
      // At once, after the remediator has lost patience, or never.
      if (!host.agent_up || loop_->random().Chance(0.2)) return;
      loop_->After(loop_->Between(Millis(50), Seconds(15)),
                   [this, id = command.host, evidence = command.evidence.id] {
                     evidence_.Add(id, evidence);
                   });
      return;
    }
    case CommandKind::kRepair:
      return RunRepair(command.host, command.repair);
    case CommandKind::kRun: {
      if (host.tasks.contains(command.task)) return;
      TaskStatus& status = host.tasks[command.task];
      status.task = command.task;
      status.job = command.job.id;
      status.state = TaskState::kStarting;
      status.since = loop_->wall();
      loop_->After(
          loop_->Between(Millis(100), Seconds(3)), [this, id = command.host, task = command.task] {
            const auto it = hosts_.at(id).tasks.find(task);
            if (it == hosts_.at(id).tasks.end() || it->second.state != TaskState::kStarting) return;
            it->second.state = TaskState::kRunning;
            it->second.pid = 1;
            SendReport(id, {});
          });
      return;
    }
    case CommandKind::kStop: {
      const auto it = host.tasks.find(command.task);
      if (it == host.tasks.end() || it->second.state >= TaskState::kStopping) return;
      it->second.state = TaskState::kStopping;
      loop_->After(loop_->Between(Millis(100), Seconds(5)),
                   [this, id = command.host, task = command.task] {
                     const auto stopped = hosts_.at(id).tasks.find(task);
                     if (stopped == hosts_.at(id).tasks.end()) return;
                     stopped->second.state = TaskState::kFinished;
                     SendReport(id, {});
                   });
      return;
    }
  }
}

void Fleet::RunRepair(const HostId& id, const Repair& repair) {
  SimHost& host = hosts_.at(id);
  if (!host.repairs_seen.insert(repair.id).second) return;
  if (repair.boot_id != host.facts.boot_id || repair.start_before < loop_->wall()) {
    return SendReport(id, {{repair.id, RepairOutcome::kRefused, "another boot, or too late"}});
  }
  ++repairs_run_[repair.id];
  loop_->Trace(fmt::format("repair {} {} starts", repair.id, RungName(repair.rung)));
  if (repair.rung == Rung::kReboot) Reboot(id);
  const Micros takes = repair.rung == Rung::kReboot ? loop_->Between(Seconds(50), Seconds(80))
                                                    : loop_->Between(Seconds(1), Seconds(10));
  const bool reported = !loop_->random().Chance(0.1);  // one in ten outcomes is lost
  loop_->After(takes, [this, id, repair, reported] {
    const bool cured = loop_->random().Chance(options_.repair_cures_chance);
    if (cured) Heal(id);
    const RepairOutcome outcome =
        cured || repair.rung == Rung::kReboot ? RepairOutcome::kDone : RepairOutcome::kFailed;
    if (reported) SendReport(id, {{repair.id, outcome, cured ? "cured" : "no change"}});
  });
}

void Fleet::Break(const HostId& id, const std::string& detector, const std::string& type,
                  Severity severity) {
  loop_->Trace(fmt::format("break {} {}", id.str(), type));
  hosts_.at(id).bad[detector].push_back(
      MakeCondition(type, Verdict::kBad, severity, loop_->wall()));
  SendConditions(id, detector);
}

void Fleet::Heal(const HostId& id) {
  SimHost& host = hosts_.at(id);
  loop_->Trace("heal " + id.str());
  host.bad.clear();
  loop_->After(loop_->Between(Seconds(1), Seconds(10)), [this, id] { SendAll(id); });
}

void Fleet::HealAll() {
  for (const auto& [id, host] : hosts_) Heal(id);
}

void Fleet::Find(const HostId& id, const std::string& rule, bool until_boot) {
  const SimHost& host = hosts_.at(id);
  if (!host.agent_up || host.booting) return;
  loop_->Trace(fmt::format("find {} {}", id.str(), rule));
  Finding finding;
  finding.host = id;
  finding.boot_id = host.facts.boot_id;
  finding.rule = rule;
  finding.rule_version = "1";
  finding.condition = MakeCondition("KernelBug", Verdict::kBad, Severity::kHard, loop_->wall());
  finding.clear = until_boot ? Clear::kBoot : Clear::kQuiet;
  finding.clear_after = Minutes(2);
  finding.count = 1;
  finding.first_at = finding.last_at = loop_->wall();
  Append(Topic::kFindings, id, ToJson(finding));
}

void Fleet::Silence(const HostId& id, Micros lasts) {
  loop_->Trace("silence " + id.str());
  hosts_.at(id).agent_up = false;
  loop_->After(lasts, [this, id] {
    hosts_.at(id).agent_up = true;
    SendAll(id);
  });
}

void Fleet::Reboot(const HostId& id) {
  SimHost& host = hosts_.at(id);
  if (host.booting) return;
  loop_->Trace("reboot " + id.str());
  host.booting = true;
  host.tasks.clear();
  loop_->After(loop_->Between(Seconds(20), Seconds(45)), [this, id] {
    SimHost& up = hosts_.at(id);
    up.booting = false;
    up.boots += 1;
    up.facts.boot_id = fmt::format("{}-boot-{}", id.str(), up.boots);
    up.facts.booted_at = loop_->wall();
    up.sequences.clear();
    SendFacts(id);
    SendAll(id);
    SendReport(id, {});
  });
}

void Fleet::SendGarbage(const HostId& id) {
  loop_->Trace("garbage " + id.str());
  const Record garbage[] = {
      {id.str(), "{\"kind\": \"conditions\", ", {}, loop_->wall()},
      {id.str(), "\xff\xfe not json", {}, loop_->wall()},
      {id.str(),
       R"({"kind":"conditions","host":"somebody-else","boot_id":"x"})",
       {},
       loop_->wall()},
      {id.str(), std::string(HealthEvent::kBytesMax + 1, 'x'), {}, loop_->wall()},
  };
  (void)log_->Append(Topic::kHealth, garbage);
}

}  // namespace fleetmedic::sim
