// Hosts for tests of the scheduler: executors that do what they are told, at once, on simulated
// time.
#ifndef FLEETMEDIC_SCHEDULER_TEST_FLEET_H_
#define FLEETMEDIC_SCHEDULER_TEST_FLEET_H_

#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "scheduler/scheduler_core.h"

namespace fleetmedic {

inline Job TestJob(const std::string& id, int instances, int min_healthy) {
  Job job;
  job.id = JobId(id);
  job.instances = instances;
  job.min_healthy = min_healthy;
  job.argv = {"server"};
  job.resources = {.cpu_milli = 1000, .memory_bytes = 1000};
  return job;
}

class TestFleet {
 public:
  struct Host {
    HostFacts facts;
    Resources capacity{.cpu_milli = 4000, .memory_bytes = 4000};
    std::string boot_id = "boot-1";
    uint64_t sequence = 0;
    bool silent = false;  // reports nothing, reads nothing
    bool deaf = false;    // reports, reads nothing
    bool stuck = false;   // takes commands, starts nothing
    std::map<TaskId, TaskStatus> tasks;
  };

  explicit TestFleet(SchedulerOptions options = {}) : core(std::move(options)) {}

  Host& AddHost(const std::string& id, const std::string& rack = "", const std::string& zone = "",
                const std::string& pool = "default") {
    Host& host = hosts[HostId(id)];
    host.facts.host = HostId(id);
    host.facts.pool = pool;
    host.facts.rack = rack;
    host.facts.zone = zone;
    EXPECT_TRUE(core.cluster().ObserveHost(host.facts, now));
    return host;
  }

  void Put(const Job& job) {
    const Status put = core.cluster().PutJob(job);
    EXPECT_TRUE(put) << put.error().message;
  }

  Result<HostView> Direct(const std::string& host, Want want, uint64_t revision) {
    Directive directive;
    directive.host = HostId(host);
    directive.revision = revision;
    directive.want = want;
    return core.cluster().ApplyDirective(directive, now);
  }

  void Report(Host* host, bool complete = true) {
    ExecutorReport report;
    report.host = host->facts.host;
    report.boot_id = host->boot_id;
    report.sequence = ++host->sequence;
    report.complete = complete;
    report.capacity = host->capacity;
    for (const auto& [id, status] : host->tasks) report.tasks.push_back(status);
    EXPECT_TRUE(core.cluster().ObserveReport(report, now, now));
    std::erase_if(host->tasks, [](const auto& item) { return TaskEnded(item.second.state); });
  }

  // What each executor does with a command.
  void Obey(const ExecutorCommand& command) {
    Host& host = hosts.at(command.host);
    if (host.silent || host.deaf) return;
    const bool known = host.tasks.contains(command.task);
    TaskStatus& status = host.tasks[command.task];
    status.task = command.task;
    status.job = command.job.id;
    if (command.kind == CommandKind::kStop) {
      status.state = TaskState::kFinished;
      ended.insert(command.task);
    } else if (ended.contains(command.task)) {
      status.state = TaskState::kFinished;
    } else if (!known && !host.stuck) {
      status.state = TaskState::kRunning;
      started.push_back(command.task);
    } else if (!known) {
      status.state = TaskState::kStarting;
    }
    if (after_command) after_command();
  }

  // One second: reports, a plan, its commands.
  std::vector<ExecutorCommand> Turn() {
    now += Seconds(1);
    for (auto& [id, host] : hosts) {
      if (!host.silent) Report(&host);
    }
    std::vector<ExecutorCommand> commands = core.Plan(now);
    for (const ExecutorCommand& command : commands) Obey(command);
    for (const auto& [key, value] : core.cluster().changes()) {
      if (value) rows[key] = *value;
      if (!value) rows.erase(key);
    }
    core.cluster().ClearChanges();
    return commands;
  }
  void Turns(int count) {
    for (int i = 0; i < count; ++i) Turn();
  }

  // Kills a task's process: its executor reports the failure.
  void Fail(const TaskId& task) {
    for (auto& [id, host] : hosts) {
      if (!host.tasks.contains(task)) continue;
      host.tasks[task].state = TaskState::kFailed;
      host.tasks[task].reason = "exit code 1";
    }
    ended.insert(task);
  }

  std::set<TaskId> RunningOn(const std::string& host) const {
    std::set<TaskId> running;
    for (const auto& [id, status] : hosts.at(HostId(host)).tasks) {
      if (status.state == TaskState::kRunning) running.insert(id);
    }
    return running;
  }
  int Running(const std::string& job) const {
    int running = 0;
    for (const auto& [id, host] : hosts) {
      for (const auto& [task, status] : host.tasks) {
        if (status.job == JobId(job) && status.state == TaskState::kRunning) ++running;
      }
    }
    return running;
  }
  HostView View(const std::string& host) const {
    return core.cluster().ViewOf(core.cluster().hosts().at(HostId(host)), now);
  }
  JobView ViewJob(const std::string& job) const {
    return *ViewOfJob(core.cluster(), JobId(job), now);
  }
  std::vector<ClusterRow> Rows() const {
    std::vector<ClusterRow> all;
    for (const auto& [key, value] : rows) all.push_back({key.first, key.second, value});
    return all;
  }

  MonoTime now{Hours(1)};
  SchedulerCore core;
  std::map<HostId, Host> hosts;
  std::set<TaskId> ended;
  std::vector<TaskId> started;
  std::map<std::pair<ClusterTable, std::string>, std::string> rows;
  std::function<void()> after_command;
};

}  // namespace fleetmedic

#endif  // FLEETMEDIC_SCHEDULER_TEST_FLEET_H_
