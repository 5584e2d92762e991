#include "app/demo/demo_fleet.h"

#include <fmt/format.h>

#include "base/poll.h"
#include "executor/process_driver.h"
#include "scheduler/scheduler_role.h"

namespace fleetmedic {
namespace {

constexpr Millis kJobPatience = Seconds(15);
constexpr Millis kStopPatience = Seconds(10);

Job Service(const std::string& id, int instances, int min_healthy) {
  Job job;
  job.id = JobId(id);
  job.instances = instances;
  job.min_healthy = min_healthy;
  job.argv = {"sleep", "86400"};
  job.resources = {.cpu_milli = 500, .memory_bytes = int64_t{128} << 20};
  job.stop_grace = Seconds(2);
  return job;
}

// Asks every task of one executor's folder to end, and waits for it; the executor itself is gone.
void StopAllTasks(const std::string& executor_dir, const std::string& self, const Clock& clock,
                  MonoTime deadline) {
  ProcessDriver driver(ProcessDriverOptions{.folder = executor_dir + "/tasks", .shim_argv = {self}},
                       &clock);
  if (!driver.Open()) return;
  Job job;
  job.stop_grace = Seconds(1);
  for (const TaskStatus& task : driver.Live()) driver.Stop(task.task, job);
  while (!driver.Live().empty() && clock.Mono() < deadline) {
    (void)PollUntil({}, clock, clock.Mono() + Millis(50));
    driver.Poll();
  }
}

std::string HostStateDir(const Config& config, int index) {
  return config.state_dir + "/hosts/" + DemoHostName(index);
}

}  // namespace

DemoFleet::~DemoFleet() { Stop(); }

Result<std::unique_ptr<DemoFleet>> DemoFleet::Make(AssemblyOptions options, int hosts) {
  if (hosts < 1 || hosts > kHostsMax) {
    return Fail(Code::kInvalidArgument, fmt::format("--demo-hosts is 1..{}", kHostsMax));
  }
  std::unique_ptr<DemoFleet> fleet(new DemoFleet());
  fleet->config_ = options.config;
  fleet->self_ = options.self;
  const SystemClock clock;
  for (int i = 0; i < hosts; ++i) {
    const std::string state = HostStateDir(options.config, i);
    const DemoHost host(state + "/root");
    FLEETMEDIC_RETURN_IF_ERROR(MakeFolders(host.root() + "/run"));
    FLEETMEDIC_RETURN_IF_ERROR(DemoHost(host).Create(DemoHostName(i), clock.Wall()));
    DemoHostConfig config = ConfigForDemoHost(i, host.root(), options.self);
    config.host.labels["demo_root"] = host.root();
    HostSetup setup;
    setup.host = std::move(config.host);
    setup.agent = std::move(config.agent);
    setup.detectors = std::move(config.detectors);
    setup.executor = std::move(config.executor);
    setup.executes = true;
    setup.state_dir = state;
    options.hosts.push_back(std::move(setup));
    fleet->hosts_.push_back(host);
  }
  FLEETMEDIC_ASSIGN_OR_RETURN(fleet->assembly_, Assembly::Make(std::move(options)));
  return fleet;
}

Status DemoFleet::Start() {
  for (const DemoHost& host : hosts_) {
    FLEETMEDIC_ASSIGN_OR_RETURN(std::unique_ptr<DemoDocker> engine,
                                DemoDocker::Start(host, &assembly_->clock()));
    engines_.push_back(std::move(engine));
  }
  FLEETMEDIC_RETURN_IF_ERROR(assembly_->Start());
  return PutJobs();
}

Status DemoFleet::PutJobs() {
  const int hosts = static_cast<int>(hosts_.size());
  const std::vector<Job> jobs = {
      Service("shop-web", hosts, hosts - 1),
      Service("shop-api", std::max(1, hosts / 2), std::max(0, hosts / 2 - 1))};
  const auto put = [jobs](SchedulerCore* core, MonoTime) -> Result<Json> {
    for (const Job& job : jobs) {
      if (core->cluster().jobs().contains(job.id)) continue;  // of an earlier start
      FLEETMEDIC_RETURN_IF_ERROR(core->cluster().PutJob(job));
    }
    return Json();
  };
  const Clock& clock = assembly_->clock();
  const MonoTime deadline = clock.Mono() + kJobPatience;
  Result<Json> answer;
  do {
    // Right after a crash the lease of the process before may still have seconds to go.
    answer = assembly_->scheduler()->Call(put, deadline);
  } while (!answer && answer.error().code == Code::kUnavailable && clock.Mono() < deadline);
  if (!answer) return Fail("demo jobs", answer.error());
  return {};
}

void DemoFleet::Stop() {
  if (assembly_ == nullptr) return;
  assembly_->Stop();
  assembly_.reset();
  engines_.clear();
  const SystemClock clock;
  for (int i = 0; i < static_cast<int>(hosts_.size()); ++i) {
    StopAllTasks(HostStateDir(config_, i) + "/executor", self_, clock,
                 clock.Mono() + kStopPatience);
  }
}

std::string DemoFleet::Welcome() const {
  const std::string prefix =
      config_.run_dir == "/run/fleetmedic" ? "" : "FLEETMEDIC_RUN_DIR=" + config_.run_dir + " ";
  return fmt::format(
      "\n  {} demo hosts, and this machine{}.\n\n"
      "  console   {}\n"
      "  try       {}{} demo inject docker-hung demo-03\n"
      "  then      {}{} why demo-03\n"
      "  stop all  {}{} hold       (or: touch {})\n\n"
      "  Ctrl-C ends it.\n\n",
      hosts_.size(),
      config_.remediator.watch_only.empty() ? "" : ", which is watched and never acted on",
      assembly_->sign_in_url(), prefix, self_, prefix, self_, prefix, self_, HoldFile(config_));
}

}  // namespace fleetmedic
