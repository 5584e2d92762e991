#include <set>

#include <fmt/format.h>

#include "scheduler/scheduler_core.h"
#include "simulation/scheduler_truth.h"

namespace fleetmedic::sim {
namespace {

constexpr Micros kTurnEvery = Millis(500);

class BundledScheduler final : public SchedulerTruth {
 public:
  BundledScheduler(EventLoop* loop, EventLog* log, Fleet* fleet)
      : loop_(loop), log_(log), fleet_(fleet) {}

  void Start() override {
    StartCore();
    const int hosts = static_cast<int>(fleet_->hosts().size());
    PutService("web", hosts, hosts - 1);
    PutService("api", std::max(1, hosts / 2), std::max(0, hosts / 2 - 2));
    loop_->Every(kTurnEvery, Millis(50), [this] { Turn(); });
  }

  Result<HostView> Apply(const Directive& directive) override {
    Result<HostView> view = core_->cluster().ApplyDirective(directive, loop_->mono());
    Commit();  // before the answer, as the role does
    return view;
  }

  std::vector<HostView> List() override { return ListHosts(core_->cluster(), loop_->mono()); }

  std::map<HostId, Directive> Directives() const override {
    std::map<HostId, Directive> all;
    for (const auto& [key, value] : rows_) {
      if (key.first != ClusterTable::kDirectives) continue;
      const Directive directive = DirectiveFromJson(*Json::Parse(value)).value();
      all[directive.host] = directive;
    }
    return all;
  }

  std::string Unsound() const override {
    std::map<TaskId, HostId> where;
    for (const auto& [id, host] : fleet_->hosts()) {
      for (const auto& [task, status] : host.tasks) {
        if (TaskEnded(status.state)) continue;
        const auto [other, fresh] = where.emplace(task, id);
        if (!fresh) {
          return fmt::format("task {} runs on {} and {}", task.str(), other->second.str(),
                             id.str());
        }
      }
    }
    return "";
  }

  std::string Unsettled() const override {
    std::map<JobId, int> running;
    for (const auto& [id, host] : fleet_->hosts()) {
      for (const auto& [task, status] : host.tasks) {
        if (status.state == TaskState::kRunning) ++running[status.job];
      }
    }
    for (const auto& [id, job] : core_->cluster().jobs()) {
      if (running[id] == job.job.instances) continue;
      return fmt::format("job {} runs {} of {} tasks", id.str(), running[id], job.job.instances);
    }
    return "";
  }

  // The process dies between any two turns, and starts from its rows.
  void Crash() override {
    loop_->Trace("crash scheduler");
    StartCore();
  }

 private:
  void StartCore() {
    SchedulerOptions options;
    options.incarnation = fmt::format("{}", ++lives_);
    core_ = std::make_unique<SchedulerCore>(std::move(options));
    std::vector<ClusterRow> rows;
    for (const auto& [key, value] : rows_) rows.push_back({key.first, key.second, value});
    FLEETMEDIC_CHECK(core_->Restore(rows, loop_->mono()).empty());
    hosts_ = log_->OpenAt(Topic::kHosts, hosts_at_).value();
    tasks_ = log_->OpenAt(Topic::kTasks, tasks_at_).value();
  }

  void PutService(const std::string& id, int instances, int min_healthy) {
    Job job;
    job.id = JobId(id);
    job.instances = instances;
    job.min_healthy = min_healthy;
    job.argv = {"sleep", "infinity"};
    job.resources = {.cpu_milli = 100, .memory_bytes = int64_t{64} << 20};
    FLEETMEDIC_CHECK(core_->cluster().PutJob(job).has_value());
  }

  void Turn() {
    const MonoTime now = loop_->mono();
    const std::vector<LogRecord> hosts = hosts_->Poll(500).value();
    for (const LogRecord& record : hosts) {
      const auto json = Json::Parse(record.record.value);
      const auto facts = json ? HostFactsFromJson(*json) : tl::unexpected<Error>(json.error());
      if (facts) (void)core_->cluster().ObserveHost(*facts, now);
    }
    const std::vector<LogRecord> tasks = tasks_->Poll(500).value();
    for (const LogRecord& record : tasks) {
      const auto json = Json::Parse(record.record.value);
      const auto report =
          json ? ExecutorReportFromJson(*json) : tl::unexpected<Error>(json.error());
      if (!report) continue;
      const Micros age = std::max(Micros(0), loop_->wall() - record.record.timestamp);
      (void)core_->cluster().ObserveReport(*report, now - age, now);
    }
    const std::vector<ExecutorCommand> commands = core_->Plan(now);
    Commit();
    hosts_at_ = hosts_->Positions();
    tasks_at_ = tasks_->Positions();
    for (const ExecutorCommand& command : commands) {
      const Record record{command.host.str(), ToJson(command).Dump(), {}, loop_->wall()};
      (void)log_->Append(Topic::kCommands, {&record, 1});
    }
  }

  void Commit() {
    for (const auto& [key, value] : core_->cluster().changes()) {
      if (value) {
        rows_[key] = *value;
      } else {
        rows_.erase(key);
      }
    }
    core_->cluster().ClearChanges();
  }

  EventLoop* const loop_;
  EventLog* const log_;
  Fleet* const fleet_;
  std::unique_ptr<SchedulerCore> core_;
  std::unique_ptr<Reader> hosts_;
  std::unique_ptr<Reader> tasks_;
  // What survives a crash.
  std::map<std::pair<ClusterTable, std::string>, std::string> rows_;
  std::vector<Position> hosts_at_;
  std::vector<Position> tasks_at_;
  int lives_ = 0;
};

}  // namespace

std::unique_ptr<SchedulerTruth> MakeBundledScheduler(EventLoop* loop, EventLog* log, Fleet* fleet) {
  return std::make_unique<BundledScheduler>(loop, log, fleet);
}

}  // namespace fleetmedic::sim
