#include "model/job.h"

#include <fmt/format.h>

#include "model/words.h"

namespace fleetmedic {
namespace {

constexpr Words<JobKind, 2> kJobKinds = {
    {{JobKind::kService, "service"}, {JobKind::kBatch, "batch"}}};
constexpr Words<Restart, 3> kRestarts = {{{Restart::kAlways, "always"},
                                          {Restart::kOnFailure, "on_failure"},
                                          {Restart::kNever, "never"}}};
constexpr Words<TaskState, 7> kTaskStates = {{{TaskState::kPending, "pending"},
                                              {TaskState::kStarting, "starting"},
                                              {TaskState::kRunning, "running"},
                                              {TaskState::kStopping, "stopping"},
                                              {TaskState::kFinished, "finished"},
                                              {TaskState::kFailed, "failed"},
                                              {TaskState::kLost, "lost"}}};

Status ReadCount(JsonReader* in, std::string_view key, int count_max, int* out) {
  int64_t value = *out;
  in->Optional(key, &value);
  if (value < 0 || value > count_max) {
    return Fail(Code::kInvalidArgument,
                fmt::format("job.{}: {} is not in 0..{}", key, value, count_max));
  }
  *out = static_cast<int>(value);
  return {};
}

Status ValidateArgv(const std::vector<std::string>& argv) {
  size_t bytes = 0;
  for (const std::string& argument : argv) bytes += argument.size() + 1;
  if (argv.empty() || argv.front().empty()) {
    return Fail(Code::kInvalidArgument, "job.argv: empty; name the program to run");
  }
  if (argv.size() > Job::kArgvMax || bytes > Job::kArgvBytesMax) {
    return Fail(Code::kInvalidArgument, fmt::format("job.argv: more than {} arguments or {} bytes",
                                                    Job::kArgvMax, Job::kArgvBytesMax));
  }
  return {};
}

}  // namespace

std::string_view JobKindName(JobKind kind) { return WordOf(kJobKinds, kind); }
std::optional<JobKind> ParseJobKind(std::string_view word) { return ValueOf(kJobKinds, word); }
std::string_view RestartName(Restart restart) { return WordOf(kRestarts, restart); }
std::optional<Restart> ParseRestart(std::string_view word) { return ValueOf(kRestarts, word); }
std::string_view TaskStateName(TaskState state) { return WordOf(kTaskStates, state); }
std::optional<TaskState> ParseTaskState(std::string_view word) {
  return ValueOf(kTaskStates, word);
}

bool TaskEnded(TaskState state) { return state >= TaskState::kFinished; }

Json ToJson(const Resources& resources) {
  Json json;
  json.Set("cpu_milli", resources.cpu_milli);
  json.Set("memory_bytes", resources.memory_bytes);
  return json;
}

Result<Resources> ResourcesFromJson(const Json& json) {
  Resources resources;
  JsonReader in(json, "resources");
  in.Optional("cpu_milli", &resources.cpu_milli);
  in.Optional("memory_bytes", &resources.memory_bytes);
  FLEETMEDIC_RETURN_IF_ERROR(in.Done());
  if (resources.cpu_milli < 0 || resources.memory_bytes < 0) {
    return Fail(Code::kInvalidArgument, "resources: negative");
  }
  return resources;
}

Json ToJson(const Job& job) {
  Json json;
  json.Set("id", job.id.str());
  json.Set("kind", JobKindName(job.kind));
  json.Set("instances", job.instances);
  Json::Array argv;
  for (const std::string& argument : job.argv) argv.emplace_back(argument);
  json.Set("argv", std::move(argv));
  Json env(Json::Object{});
  for (const auto& [name, value] : job.env) env.Set(name, value);
  json.Set("env", std::move(env));
  json.Set("resources", ToJson(job.resources));
  json.Set("min_healthy", job.min_healthy);
  json.Set("pool", job.pool);
  json.Set("tolerates_taint", job.tolerates_taint);
  json.Set("restart", RestartName(job.restart));
  json.Set("stop_grace_ms", job.stop_grace.count());
  return json;
}

Result<Job> JobFromJson(const Json& json) {
  Job job;
  JsonReader in(json, "job");
  ReadId(&in, "id", &job.id);
  in.OptionalWord("kind", &job.kind, ParseJobKind);
  in.Required("argv", &job.argv);
  in.Optional("env", &job.env);
  in.OptionalAs("resources", &job.resources, ResourcesFromJson);
  in.Optional("pool", &job.pool);
  in.Optional("tolerates_taint", &job.tolerates_taint);
  in.OptionalWord("restart", &job.restart, ParseRestart);
  in.Optional("stop_grace_ms", &job.stop_grace);
  FLEETMEDIC_RETURN_IF_ERROR(ReadCount(&in, "instances", Job::kInstancesMax, &job.instances));
  FLEETMEDIC_RETURN_IF_ERROR(ReadCount(&in, "min_healthy", Job::kInstancesMax, &job.min_healthy));
  FLEETMEDIC_RETURN_IF_ERROR(in.Done());
  FLEETMEDIC_RETURN_IF_ERROR(ValidateArgv(job.argv));
  if (job.stop_grace < Millis(0) || job.stop_grace > Hours(1)) {
    return Fail(Code::kInvalidArgument, "job.stop_grace_ms: not in 0..3600000");
  }
  return job;
}

Json ToJson(const TaskStatus& status) {
  Json json;
  json.Set("task", status.task.str());
  json.Set("job", status.job.str());
  json.Set("state", TaskStateName(status.state));
  json.Set("pid", status.pid);
  json.Set("restarts", status.restarts);
  json.Set("reason", status.reason);
  json.Set("since", status.since);
  return json;
}

Result<TaskStatus> TaskStatusFromJson(const Json& json) {
  TaskStatus status;
  int64_t pid = 0;
  int64_t restarts = 0;
  JsonReader in(json, "task");
  ReadId(&in, "task", &status.task);
  ReadId(&in, "job", &status.job);
  in.Word("state", &status.state, ParseTaskState);
  in.Optional("pid", &pid);
  in.Optional("restarts", &restarts);
  in.Optional("reason", &status.reason);
  in.Optional("since", &status.since);
  FLEETMEDIC_RETURN_IF_ERROR(in.Done());
  status.pid = static_cast<int>(pid);
  status.restarts = static_cast<int>(restarts);
  return status;
}

}  // namespace fleetmedic
