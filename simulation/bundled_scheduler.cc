#include <algorithm>
#include <cmath>
#include <set>

#include <fmt/format.h>

#include "scheduler/scheduler_core.h"
#include "simulation/scheduler_truth.h"

namespace fleetmedic::sim {
namespace {

constexpr Micros kTurnEvery = Millis(500);
constexpr Micros kJobsAfter = Seconds(30);
constexpr size_t kRecordsPerTurn = 50'000;

class BundledScheduler final : public SchedulerTruth {
 public:
  BundledScheduler(EventLoop* loop, EventLog* log, Fleet* fleet, std::vector<JobShape> jobs)
      : loop_(loop), log_(log), fleet_(fleet), jobs_(std::move(jobs)) {}

  void Start(OnDirective on_directive) override {
    on_directive_ = std::move(on_directive);
    StartCore();
    // All tasks of jobs that came before the hosts would lie on the few that told of themselves
    // first.
    loop_->After(kJobsAfter, [this] {
      for (const JobShape& shape : jobs_) PutJob(shape, TasksOf(shape));
    });
    loop_->Every(kTurnEvery, Millis(50), [this] { Turn(); });
  }

  Result<HostView> Apply(const Directive& directive) override {
    Result<HostView> view = core_->cluster().ApplyDirective(directive, loop_->mono());
    Commit();  // before the answer, as the role does
    return view;
  }

  std::vector<HostView> List() override { return ListHosts(core_->cluster(), loop_->mono()); }

  const std::map<HostId, Directive>& Directives() const override { return directives_; }

  std::string Unsound() const override {
    std::map<TaskId, HostId> where;
    for (const SimHost& host : fleet_->hosts()) {
      for (const auto& [task, status] : host.tasks) {
        if (TaskEnded(status.state)) continue;
        const auto [other, fresh] = where.emplace(task, host.facts.host);
        if (!fresh) {
          return fmt::format("task {} runs on {} and {}", task.str(), other->second.str(),
                             host.facts.host.str());
        }
      }
    }
    return "";
  }

  std::string Unsettled() const override {
    std::map<JobId, int> running;
    for (const SimHost& host : fleet_->hosts()) {
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

  void Resize(const std::string& job, int tasks) override {
    const auto shape = std::ranges::find(jobs_, job, &JobShape::name);
    FLEETMEDIC_CHECK(shape != jobs_.end());
    loop_->Trace(fmt::format("job {} wants {} tasks", job, tasks));
    PutJob(*shape, tasks);
    Commit();
  }

 private:
  void StartCore() {
    SchedulerOptions options;
    options.incarnation = fmt::format("{}", ++lives_);
    options.hosts_max = std::max(options.hosts_max, static_cast<int>(fleet_->size()));
    core_ = std::make_unique<SchedulerCore>(std::move(options));
    std::vector<ClusterRow> rows;
    for (const auto& [key, value] : rows_) rows.push_back({key.first, key.second, value});
    FLEETMEDIC_CHECK(core_->Restore(rows, loop_->mono()).empty());
    hosts_ = log_->OpenAt(Topic::kHosts, hosts_at_).value();
    tasks_ = log_->OpenAt(Topic::kTasks, tasks_at_).value();
  }

  int TasksOf(const JobShape& shape) const {
    if (shape.tasks > 0) return shape.tasks;
    const auto hosts = std::ranges::count_if(fleet_->hosts(), [&](const SimHost& host) {
      return shape.pool.empty() || host.facts.pool == shape.pool;
    });
    return std::max(1, static_cast<int>(shape.tasks_per_host * static_cast<double>(hosts)));
  }

  void PutJob(const JobShape& shape, int tasks) {
    Job job;
    job.id = JobId(shape.name);
    job.instances = tasks;
    const int away = std::max({1, shape.away_max, static_cast<int>(shape.away_share * tasks)});
    job.min_healthy = shape.never_away ? tasks : std::max(0, tasks - away);
    job.pool = shape.pool;
    job.argv = {"sleep", "infinity"};
    job.resources = {.cpu_milli = shape.cpu_milli, .memory_bytes = int64_t{64} << 20};
    FLEETMEDIC_CHECK(core_->cluster().PutJob(job).has_value());
  }

  void Turn() {
    const MonoTime now = loop_->mono();
    const std::vector<LogRecord> hosts = hosts_->Poll(kRecordsPerTurn).value();
    for (const LogRecord& record : hosts) {
      const auto json = Json::Parse(record.record.value);
      const auto facts = json ? HostFactsFromJson(*json) : tl::unexpected<Error>(json.error());
      if (facts) (void)core_->cluster().ObserveHost(*facts, now);
    }
    const std::vector<LogRecord> tasks = tasks_->Poll(kRecordsPerTurn).value();
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
    std::vector<Record> batch;
    for (const ExecutorCommand& command : commands) {
      batch.push_back({command.host.str(), ToJson(command).Dump(), {}, loop_->wall()});
    }
    (void)log_->Append(Topic::kCommands, batch);
  }

  void Commit() {
    for (const auto& [key, value] : core_->cluster().changes()) {
      if (key.first == ClusterTable::kDirectives && value) TakeDirective(*value);
      if (value) {
        rows_[key] = *value;
      } else {
        rows_.erase(key);
      }
    }
    core_->cluster().ClearChanges();
  }

  void TakeDirective(const std::string& text) {
    const Directive now = DirectiveFromJson(*Json::Parse(text)).value();
    Directive& known = directives_[now.host];
    if (known == now) return;
    const Directive before = std::exchange(known, now);
    on_directive_(before, now);
  }

  EventLoop* const loop_;
  EventLog* const log_;
  Fleet* const fleet_;
  const std::vector<JobShape> jobs_;
  OnDirective on_directive_;
  std::unique_ptr<SchedulerCore> core_;
  std::unique_ptr<Reader> hosts_;
  std::unique_ptr<Reader> tasks_;
  // What survives a crash.
  std::map<std::pair<ClusterTable, std::string>, std::string> rows_;
  std::map<HostId, Directive> directives_;
  std::vector<Position> hosts_at_;
  std::vector<Position> tasks_at_;
  int lives_ = 0;
};

}  // namespace

std::unique_ptr<SchedulerTruth> MakeBundledScheduler(EventLoop* loop, EventLog* log, Fleet* fleet,
                                                     std::vector<JobShape> jobs) {
  return std::make_unique<BundledScheduler>(loop, log, fleet, std::move(jobs));
}

}  // namespace fleetmedic::sim
