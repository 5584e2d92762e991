#include "tests/e2e/loop_fixture.h"

#include <algorithm>
#include <optional>

#include <fmt/format.h>

#include "absl/synchronization/mutex.h"
#include "app/demo/demo_host.h"
#include "base/http_client.h"
#include "executor/task_cgroup.h"
#include "stream/rule_check.h"
#include "tests/e2e/processes.h"
#include "tests/e2e/wait.h"

namespace fleetmedic {
namespace {

constexpr Millis kAskMax = Seconds(10);
constexpr Millis kUpMax = Seconds(60);
constexpr int kOthers = 2;

HttpClient SchedulerClient(const std::string& folder, const Clock* clock) {
  return HttpClient(HttpAddress::Unix(folder + "/run/scheduler.sock"), clock);
}

RemediatorConfig QuickRemediator(std::map<std::string, ConditionPolicy> conditions) {
  RemediatorConfig config;
  config.mode = Mode::kAuto;
  config.list_every = Millis(500);
  config.policy.confirm_hard = Seconds(1);
  config.policy.confirm_soft = Seconds(1);
  config.policy.settle = Seconds(3);
  config.policy.relapse_grace = Seconds(8);
  config.policy.refused_retry = Seconds(1);
  // What a test does not name is not what it is about.
  config.policy.default_ladder = {Rung::kPerson};
  config.policy.conditions = std::move(conditions);
  return config;
}

}  // namespace

LoopFixture::Options LoopFixture::QuietPatient() {
  Options options;
  options.agent.read_kernel_log = false;
  options.agent.read_journal = false;
  options.detectors.systemd.interval = Millis(0);
  options.detectors.docker.interval = Millis(0);
  options.detectors.filesystem.interval = Millis(0);
  options.detectors.network.interval = Millis(0);
  options.detectors.imds.interval = Millis(0);
  options.detectors.dns.interval = Millis(0);
  return options;
}

AssemblyOptions LoopFixture::AssemblyFor(Options options) const {
  AssemblyOptions assembly;
  assembly.config.state_dir = folder_ / "state";
  assembly.config.run_dir = folder_ / "run";
  assembly.config.api.port = 0;
  assembly.config.remediator = QuickRemediator(std::move(options.conditions));
  assembly.stream = assembly.remediator = assembly.scheduler = true;
  assembly.self = FLEETMEDIC_PROGRAM;
  assembly.rules = std::move(options.rules);

  HostSetup patient;
  patient.host.name = kPatient;
  patient.agent = std::move(options.agent);
  patient.agent.beat_every = Seconds(1);
  patient.agent.probe_deadline = Seconds(3);
  patient.detectors = std::move(options.detectors);
  patient.executor = std::move(options.executor);
  patient.executor.capacity = {.cpu_milli = 8000, .memory_bytes = int64_t{16} << 30};
  patient.executor.report_every = Seconds(1);
  patient.executor.cgroup_parent = cgroup_parent_;
  patient.executes = true;
  patient.state_dir = folder_ / kPatient;
  assembly.hosts.push_back(patient);
  for (int i = 0; i < kOthers; ++i) {
    const std::string state = folder_ / DemoHostName(i);
    DemoHostConfig config = ConfigForDemoHost(i, state + "/root", FLEETMEDIC_PROGRAM);
    HostSetup other;
    other.host = std::move(config.host);
    // In one pool and cell with the patient.
    other.host.cell = patient.host.cell;
    other.host.pool = patient.host.pool;
    other.agent = std::move(config.agent);
    other.detectors = std::move(config.detectors);
    other.detectors.docker.interval = Millis(0);  // no engine stands behind its socket
    other.executor = std::move(config.executor);
    other.executes = true;
    other.state_dir = state;
    assembly.hosts.push_back(std::move(other));
  }
  return assembly;
}

Result<std::unique_ptr<LoopFixture>> LoopFixture::Start(Options options) {
  std::unique_ptr<LoopFixture> fixture(new LoopFixture());
  for (int i = 0; i < kOthers; ++i) {
    FLEETMEDIC_RETURN_IF_ERROR(DemoHost(fixture->folder_ / DemoHostName(i) + "/root")
                                   .Create(DemoHostName(i), fixture->clock_.Wall()));
  }
  if (options.rules == nullptr) {
    Diagnostics diagnostics;
    options.rules = CheckRules(ShippedRules(), &diagnostics);
    if (options.rules == nullptr) return Fail(Code::kInvalidArgument, diagnostics.Text());
  }
  FLEETMEDIC_ASSIGN_OR_RETURN(fixture->assembly_,
                              Assembly::Make(fixture->AssemblyFor(std::move(options))));
  FLEETMEDIC_RETURN_IF_ERROR(fixture->assembly_->Start());
  FLEETMEDIC_RETURN_IF_ERROR(fixture->PutJob());
  const bool up = WaitUntil(fixture->clock_, kUpMax, [&fixture] {
    return fixture->Patient() != nullptr && fixture->Patient()->facts_known &&
           fixture->RunningTasks().size() == kTasks && !fixture->RunningTasks(kPatient).empty();
  });
  if (!up) {
    return Fail(Code::kDeadlineExceeded,
                fmt::format("the loop is not up: {} tasks run, {}", fixture->RunningTasks().size(),
                            fixture->PatientText()));
  }
  return fixture;
}

LoopFixture::~LoopFixture() {
  if (assembly_ != nullptr) assembly_->Stop();
  assembly_.reset();
  (void)EndProcessesBelow(folder_.path());
  // Those of tasks that no executor saw the end of.
  const std::string v1 = "/sys/fs/cgroup/";
  const TaskCgroup cgroups({.memory = v1 + "memory" + cgroup_parent_,
                            .cpu = v1 + "cpu" + cgroup_parent_,
                            .pids = v1 + "pids" + cgroup_parent_});
  const TaskCgroup unified({.unified = true, .memory = "/sys/fs/cgroup" + cgroup_parent_});
  (void)WaitUntil(clock_, Seconds(10), [&] { return cgroups.Remove() && unified.Remove(); });
}

Status LoopFixture::PutJob() {
  Job job;
  job.id = JobId("web");
  job.instances = kTasks;
  job.min_healthy = 1;
  // It does not hear SIGTERM, so a drain takes the grace: long enough to be seen.
  job.argv = {"sh", "-c", "trap '' TERM; exec sleep 86400"};
  job.resources = {.cpu_milli = 500, .memory_bytes = int64_t{64} << 20};
  job.stop_grace = Seconds(2);
  HttpCall call;
  call.method = "PUT";
  call.target = "/v1/jobs/web";
  call.headers["content-type"] = "application/json";
  call.body = ToJson(job).Dump();
  const HttpClient client = SchedulerClient(folder_.path(), &clock_);
  Status status;
  (void)WaitUntil(clock_, kUpMax, [&] {
    const Result<HttpReply> reply = client.Send(call, clock_.Mono() + kAskMax);
    if (!reply) {
      status = tl::unexpected<Error>(reply.error());
    } else if (!reply->ok()) {
      status = tl::unexpected<Error>(reply->ToError());
    } else {
      status = {};
    }
    return status.has_value();
  });
  return status;
}

std::map<std::string, pid_t> LoopFixture::RunningTasks(const std::string& host) const {
  std::map<std::string, pid_t> tasks;
  HttpCall call;
  call.target = "/v1/tasks" + (host.empty() ? "" : "?host=" + host);
  const HttpClient client = SchedulerClient(folder_.path(), &clock_);
  const Result<HttpReply> reply = client.Send(call, clock_.Mono() + kAskMax);
  if (!reply || !reply->ok()) return tasks;
  const Json list = Json::Parse(reply->body).value_or(Json());
  const Json::Array* const items = list["items"].array();
  if (items == nullptr) return tasks;
  for (const Json& item : *items) {
    const Result<TaskStatus> task = TaskStatusFromJson(item);
    if (task && task->state == TaskState::kRunning) tasks[task->task.str()] = task->pid;
  }
  return tasks;
}

std::shared_ptr<const HostRecord> LoopFixture::Patient() const {
  const std::shared_ptr<const FleetSnapshot> fleet = assembly_->remediator()->Snapshot();
  const auto found = fleet->hosts.find(HostId(kPatient));
  return found == fleet->hosts.end() ? nullptr : found->second;
}

bool LoopFixture::PatientReaches(const std::set<HostState>& states, Millis limit) const {
  return WaitUntil(clock_, limit, [&] {
    const std::shared_ptr<const HostRecord> patient = Patient();
    return patient != nullptr && states.contains(patient->state);
  });
}

std::string LoopFixture::PatientText() const {
  const std::shared_ptr<const HostRecord> patient = Patient();
  if (patient == nullptr) return "the patient is not known";
  std::string text = fmt::format("{}: {}; waits for: {}", HostStateName(patient->state),
                                 patient->why, patient->waits_for);
  for (const TrackedCondition& tracked : patient->conditions) {
    text += fmt::format("; {} {} {}", ConditionTitle(tracked.condition),
                        VerdictName(tracked.condition.verdict), tracked.condition.reason);
  }
  return text;
}

Result<RequestAnswer> LoopFixture::Ask(Request request) {
  struct Box {
    absl::Mutex mutex;
    std::optional<Result<RequestAnswer>> answer ABSL_GUARDED_BY(mutex);
  };
  const auto box = std::make_shared<Box>();
  FLEETMEDIC_RETURN_IF_ERROR(
      assembly_->remediator()->Post(std::move(request), [box](Result<RequestAnswer> answer) {
        const absl::MutexLock lock(&box->mutex);
        box->answer = std::move(answer);
      }));
  const bool answered = WaitUntil(clock_, kAskMax, [&box] {
    const absl::MutexLock lock(&box->mutex);
    return box->answer.has_value();
  });
  if (!answered) return Fail(Code::kDeadlineExceeded, "the remediator does not answer");
  const absl::MutexLock lock(&box->mutex);
  return *box->answer;
}

Result<OverrideId> LoopFixture::Hold() {
  request::AddOverride hold;
  hold.kind = OverrideKind::kHold;
  hold.scope = {ScopeKind::kHost, kPatient};
  hold.who = "e2e";
  hold.reason = "somebody looks at it";
  FLEETMEDIC_ASSIGN_OR_RETURN(const RequestAnswer answer, Ask(hold));
  if (!answer.added) return Fail(Code::kConflict, "no hold was added");
  return answer.added->id;
}

Status LoopFixture::Release(const OverrideId& id) {
  const Result<RequestAnswer> answer =
      Ask(request::EndOverride{.id = id, .who = "e2e", .reason = "it is well"});
  if (!answer) return tl::unexpected<Error>(answer.error());
  return {};
}

}  // namespace fleetmedic
