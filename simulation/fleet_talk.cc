// What the hosts say to the log, and what they do when they are told.
#include <algorithm>

#include <fmt/format.h>

#include "simulation/fleet.h"

namespace fleetmedic::sim {
namespace {

constexpr const char* kDetectors[] = {"agent", "docker", "filesystem", "systemd"};
constexpr size_t kHistoryMax = 2'000'000;

Condition Fine(const std::string& type, WallTime now) {
  Condition condition;
  condition.type = type;
  condition.verdict = Verdict::kOk;
  condition.severity = Severity::kHard;
  condition.reason = "Fine";
  condition.message = type + " is ok";
  condition.since = now;
  return condition;
}

}  // namespace

// Each host speaks at its own place of the period; those that share one speak together.
void Fleet::TurnWheel(Millis period, std::function<void(size_t slot)> turn) {
  loop_->Every(std::chrono::duration_cast<Micros>(period) / kSlots, Micros(0),
               [slot = size_t{0}, turn = std::move(turn)]() mutable {
                 turn(slot);
                 slot = (slot + 1) % kSlots;
               });
}

void Fleet::Start() {
  commands_ = log_->OpenAt(Topic::kCommands, {}).value();
  std::vector<Record> facts;
  for (const SimHost& host : hosts_) AddFacts(host, &facts);
  for (size_t at = 0; at < facts.size(); at += kAppendRecordsMax) {
    const std::span<const Record> all(facts);
    (void)log_->Append(Topic::kHosts,
                       all.subspan(at, std::min(kAppendRecordsMax, all.size() - at)));
  }
  const auto repeats = std::max<int64_t>(1, options_.repeat_every / options_.beat_every);
  TurnWheel(options_.beat_every, [this, repeats](size_t slot) {
    std::vector<Record> batch;
    for (const size_t i : slots_[slot]) {
      SimHost& host = hosts_[i];
      if (!Speaks(host)) continue;
      const bool all =
          host.sequences.empty() || (beat_turn_ / kSlots + i) % static_cast<size_t>(repeats) == 0;
      if (!all) {
        AddBeat(host, &batch);
        continue;
      }
      for (const char* detector : kDetectors) AddConditions(&host, detector, &batch);
      AddFindings(host);
    }
    ++beat_turn_;
    AppendHealth(std::move(batch));
  });
  TurnWheel(options_.report_every, [this](size_t slot) {
    std::vector<Record> batch;
    for (const size_t i : slots_[slot]) AddReport(&hosts_[i], {}, &batch);
    (void)log_->Append(Topic::kTasks, batch);
  });
  loop_->Every(Millis(200), Millis(50), [this] { ReadCommands(); });
}

void Fleet::AppendHealth(std::vector<Record> batch) {
  const size_t count = batch.size();
  for (size_t i = 0; i < count; ++i) {
    // Past one: so many more of it for sure.
    for (double more = options_.duplicate_chance; more > 0; more -= 1) {
      if (delivery_.Chance(more)) batch.push_back(batch[i]);
    }
    if (!delivery_.Chance(options_.late_chance)) continue;
    const auto late = std::chrono::duration_cast<Micros>(options_.late_max).count();
    loop_->After(Micros(1 + static_cast<int64_t>(delivery_.Below(static_cast<uint64_t>(late)))),
                 [this, record = batch[i]] {
                   (void)log_->Append(Topic::kHealth, {&record, 1});
                 });
  }
  if (history_span_ > Micros(0)) {
    for (size_t i = 0; i < count; ++i) history_.push_back(batch[i]);
    while (!history_.empty() && (history_.size() > kHistoryMax ||
                                 history_.front().timestamp + history_span_ < loop_->wall())) {
      history_.pop_front();
    }
  }
  (void)log_->Append(Topic::kHealth, batch);
}

void Fleet::AddFacts(const SimHost& host, std::vector<Record>* batch) {
  batch->push_back({host.facts.host.str(), ToJson(host.facts).Dump(), {}, loop_->wall()});
}

void Fleet::AddConditions(SimHost* host, const std::string& detector, std::vector<Record>* batch) {
  HealthEvent event;
  event.host = host->facts.host;
  event.boot_id = host->facts.boot_id;
  event.booted_at = host->facts.booted_at;
  event.detector = detector;
  event.sequence = ++host->sequences[detector];
  event.observed_at = WallOf(*host);
  if (const auto ailing = host->ailing.find(detector); ailing != host->ailing.end()) {
    for (const Ailment& ailment : ailing->second) event.conditions.push_back(ailment.condition);
  }
  if (event.conditions.empty()) event.conditions.push_back(Fine(detector + "Ok", WallOf(*host)));
  batch->push_back({host->facts.host.str(), ToJson(event).Dump(), {}, loop_->wall()});
}

void Fleet::AddBeat(const SimHost& host, std::vector<Record>* batch) {
  HealthEvent event;
  event.kind = HealthEventKind::kBeat;
  event.host = host.facts.host;
  event.boot_id = host.facts.boot_id;
  event.booted_at = host.facts.booted_at;
  event.detector = "agent";
  event.observed_at = WallOf(host);
  for (const auto& [detector, sequence] : host.sequences) {
    event.beats[detector] = {sequence, event.observed_at};
  }
  batch->push_back({host.facts.host.str(), ToJson(event).Dump(), {}, loop_->wall()});
}

void Fleet::AddFindings(const SimHost& host) {
  if (!Speaks(host)) return;
  for (const auto& [detector, ailments] : host.ailing) {
    for (const Ailment& ailment : ailments) {
      if (ailment.rule.empty()) continue;
      Finding finding;
      finding.host = host.facts.host;
      finding.boot_id = host.facts.boot_id;
      finding.rule = ailment.rule;
      finding.rule_version = "1";
      finding.condition = ailment.condition;
      finding.clear = ailment.clear;
      finding.clear_after = Minutes(2);
      finding.count = 1;
      finding.first_at = finding.last_at = WallOf(host);
      const Record record{host.facts.host.str(), ToJson(finding).Dump(), {}, loop_->wall()};
      (void)log_->Append(Topic::kFindings, {&record, 1});
    }
  }
}

void Fleet::FindOnce(size_t host, const std::string& rule, bool until_boot) {
  SimHost told = hosts_[host];
  if (!Speaks(told)) return;
  loop_->Trace(fmt::format("find {} {}", told.facts.host.str(), rule));
  Ailment ailment;
  ailment.condition = Fine("KernelBug", WallOf(told));
  ailment.condition.verdict = Verdict::kBad;
  ailment.condition.reason = "Simulated";
  ailment.condition.message = "KernelBug is bad";
  ailment.rule = rule;
  ailment.clear = until_boot ? Clear::kBoot : Clear::kQuiet;
  told.ailing = {{"rule:" + rule, {ailment}}};
  AddFindings(told);
}

void Fleet::AddReport(SimHost* host, std::vector<RepairReport> repairs,
                      std::vector<Record>* batch) {
  if (host->booting || !host->reachable) return;
  ExecutorReport report;
  report.host = host->facts.host;
  report.boot_id = host->facts.boot_id;
  report.sequence = ++host->report_sequence;
  report.observed_at = loop_->wall();
  report.complete = true;
  report.capacity = {.cpu_milli = 16'000, .memory_bytes = int64_t{64} << 30};
  for (const auto& [task, status] : host->tasks) report.tasks.push_back(status);
  report.repairs = std::move(repairs);
  batch->push_back({host->facts.host.str(), ToJson(report).Dump(), {}, loop_->wall()});
}

void Fleet::SendConditions(size_t host, const std::string& detector) {
  if (!Speaks(hosts_[host])) return;
  std::vector<Record> batch;
  AddConditions(&hosts_[host], detector, &batch);
  AppendHealth(std::move(batch));
}

void Fleet::SendAll(size_t host) {
  if (!Speaks(hosts_[host])) return;
  std::vector<Record> batch;
  for (const char* detector : kDetectors) AddConditions(&hosts_[host], detector, &batch);
  AppendHealth(std::move(batch));
}

void Fleet::SendReport(size_t host, std::vector<RepairReport> repairs) {
  std::vector<Record> batch;
  AddReport(&hosts_[host], std::move(repairs), &batch);
  (void)log_->Append(Topic::kTasks, batch);
}

void Fleet::ReadCommands() {
  const auto records = commands_->Poll(10'000);
  if (!records) return;
  for (const LogRecord& record : *records) {
    const auto json = Json::Parse(record.record.value);
    const auto command = json ? ExecutorCommandFromJson(*json)
                              : Result<ExecutorCommand>(tl::unexpected<Error>(json.error()));
    if (!command) continue;
    const auto found = index_.find(command->host);
    if (found == index_.end()) continue;
    SimHost& host = hosts_[found->second];
    if (host.reachable) {
      Obey(found->second, *command);
    } else {
      host.waiting.push_back(*command);
    }
  }
}

void Fleet::Obey(size_t host, const ExecutorCommand& command) {
  SimHost& it = hosts_[host];
  if (it.booting) return;
  switch (command.kind) {
    case CommandKind::kCollectEvidence:
      // At once, after the remediator has lost patience, or never.
      if (!it.agent_up || loop_->random().Chance(options_.evidence_lost_chance)) return;
      loop_->After(loop_->Between(Millis(50), Seconds(15)),
                   [this, id = command.host, evidence = command.evidence.id] {
                     evidence_.Add(id, evidence);
                   });
      return;
    case CommandKind::kRepair:
      return RunRepair(host, command.repair);
    case CommandKind::kRun:
      return RunTask(host, command);
    case CommandKind::kStop:
      return StopTask(host, command.task);
  }
}

void Fleet::RunTask(size_t host, const ExecutorCommand& command) {
  SimHost& it = hosts_[host];
  if (!it.tasks_seen.insert(command.task).second) return;
  TaskStatus& status = it.tasks[command.task];
  status.task = command.task;
  status.job = command.job.id;
  status.state = TaskState::kStarting;
  status.since = loop_->wall();
  if (watcher_ != nullptr) watcher_->OnTaskStarted(host, command.task);
  loop_->After(loop_->Between(Millis(100), Seconds(3)), [this, host, task = command.task] {
    const auto started = hosts_[host].tasks.find(task);
    if (started == hosts_[host].tasks.end()) return;
    if (started->second.state != TaskState::kStarting) return;
    started->second.state = TaskState::kRunning;
    started->second.pid = 1;
    SendReport(host, {});
  });
}

void Fleet::StopTask(size_t host, const TaskId& task) {
  SimHost& it = hosts_[host];
  const auto running = it.tasks.find(task);
  if (running == it.tasks.end() || running->second.state >= TaskState::kStopping) return;
  running->second.state = TaskState::kStopping;
  loop_->After(loop_->Between(Millis(100), Seconds(5)), [this, host, task] {
    const auto stopped = hosts_[host].tasks.find(task);
    if (stopped == hosts_[host].tasks.end()) return;
    stopped->second.state = TaskState::kFinished;
    if (watcher_ != nullptr) watcher_->OnTaskEnded(host, task);
    SendReport(host, {});
    // Told: nobody needs to hear more of it.
    const SimHost& told = hosts_[host];
    if (told.reachable && !told.booting) hosts_[host].tasks.erase(task);
  });
}

void Fleet::RunRepair(size_t host, const Repair& repair) {
  SimHost& it = hosts_[host];
  if (!it.repairs_seen.insert(repair.id).second) return;
  if (repair.boot_id != it.facts.boot_id || repair.start_before < loop_->wall()) {
    return SendReport(host, {{repair.id, RepairOutcome::kRefused, "another boot, or too late"}});
  }
  const int times = ++repairs_run_[repair.id];
  if (watcher_ != nullptr) watcher_->OnRepairRun(host, repair, times);
  loop_->Trace(fmt::format("repair {} {} starts", repair.id, RungName(repair.rung)));
  if (repair.rung == Rung::kReboot) Reboot(host);
  const Micros takes = repair.rung == Rung::kReboot ? loop_->Between(Seconds(50), Seconds(80))
                                                    : loop_->Between(Seconds(1), Seconds(10));
  const bool reported = !loop_->random().Chance(options_.outcome_lost_chance);
  loop_->After(takes, [this, host, repair, reported] {
    const bool cured = loop_->random().Chance(options_.repair_cures_chance);
    if (cured) Cure(host);
    const RepairOutcome outcome =
        cured || repair.rung == Rung::kReboot ? RepairOutcome::kDone : RepairOutcome::kFailed;
    if (reported) SendReport(host, {{repair.id, outcome, cured ? "cured" : "no change"}});
  });
}

void Fleet::SendGarbage(size_t host) {
  const std::string& id = hosts_[host].facts.host.str();
  loop_->Trace("garbage " + id);
  const Record garbage[] = {
      {id, "{\"kind\": \"conditions\", ", {}, loop_->wall()},
      {id, "\xff\xfe not json", {}, loop_->wall()},
      {id, R"({"kind":"conditions","host":"somebody-else","boot_id":"x"})", {}, loop_->wall()},
      {id, std::string(HealthEvent::kBytesMax + 1, 'x'), {}, loop_->wall()},
  };
  (void)log_->Append(Topic::kHealth, garbage);
}

}  // namespace fleetmedic::sim
