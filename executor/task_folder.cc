#include "executor/task_folder.h"

#include <cstdlib>
#include <memory>

#include "base/file.h"
#include "base/sha256.h"

namespace fleetmedic {
namespace {

constexpr size_t kSpecBytesMax = 2 << 20;
constexpr size_t kFileBytesMax = 64 << 10;
constexpr size_t kNameCharsMax = 100;
constexpr size_t kHashCharsMax = 24;

Result<Json> ReadJson(const std::string& path, size_t bytes_max) {
  FLEETMEDIC_ASSIGN_OR_RETURN(const std::string text, ReadFile(path, bytes_max));
  Result<Json> json = Json::Parse(text);
  if (!json) return Fail(Code::kCorrupt, path + ": " + json.error().message);
  return json;
}

Json ToJson(const ProcessName& process) {
  Json json;
  json.Set("pid", process.pid);
  json.Set("start_ticks", process.start_ticks);
  json.Set("boot_id", process.boot_id);
  return json;
}

Result<ProcessName> ProcessFromJson(const Json& json) {
  ProcessName process;
  int64_t pid = 0;
  JsonReader in(json, "process");
  in.Required("pid", &pid);
  in.Required("start_ticks", &process.start_ticks);
  in.Required("boot_id", &process.boot_id);
  FLEETMEDIC_RETURN_IF_ERROR(in.Done());
  process.pid = static_cast<int>(pid);
  return process;
}

Result<std::optional<CgroupFolders>> OptionalCgroup(const Json& json) {
  return CgroupFoldersFromJson(json);
}

}  // namespace

std::string TaskMark(const TaskFolder& folder) {
  const std::unique_ptr<char, decltype(&std::free)> real(::realpath(folder.path().c_str(), nullptr),
                                                         &std::free);
  return "FLEETMEDIC_TASK_FOLDER=" + (real == nullptr ? folder.path() : std::string(real.get()));
}

std::string TaskFolder::NameOf(const TaskId& task) {
  std::string name;
  for (const char c : task.str().substr(0, kNameCharsMax)) {
    const bool plain =
        (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-';
    name += plain ? c : '_';
  }
  return name + "-" + Sha256Hex(task.str()).substr(0, kHashCharsMax);
}

Result<TaskSpec> TaskFolder::ReadSpec() const {
  FLEETMEDIC_ASSIGN_OR_RETURN(const Json json, ReadJson(File("spec.json"), kSpecBytesMax));
  TaskSpec spec;
  int64_t burst = 0;
  JsonReader in(json, "spec");
  ReadId(&in, "task", &spec.task);
  in.RequiredAs("job", &spec.job, JobFromJson);
  in.Required("restart_burst_max", &burst);
  in.Required("restart_backoff_ms", &spec.restart_backoff);
  in.Required("restart_backoff_max_ms", &spec.restart_backoff_max);
  in.OptionalAs("cgroup", &spec.cgroup, OptionalCgroup);
  in.Optional("limited", &spec.limited);
  FLEETMEDIC_RETURN_IF_ERROR(in.Done());
  spec.restart_burst_max = static_cast<int>(burst);
  return spec;
}

Status TaskFolder::WriteSpec(const TaskSpec& spec) const {
  Json json;
  json.Set("task", spec.task.str());
  json.Set("job", fleetmedic::ToJson(spec.job));
  json.Set("restart_burst_max", spec.restart_burst_max);
  json.Set("restart_backoff_ms", spec.restart_backoff.count());
  json.Set("restart_backoff_max_ms", spec.restart_backoff_max.count());
  if (spec.cgroup) {
    json.Set("cgroup", fleetmedic::ToJson(*spec.cgroup));
    json.Set("limited", spec.limited);
  }
  return WriteFileAtomic(File("spec.json"), json.Dump(), 0600);
}

Result<TaskRun> TaskFolder::ReadRun() const {
  FLEETMEDIC_ASSIGN_OR_RETURN(const Json json, ReadJson(File("run.json"), kFileBytesMax));
  TaskRun run;
  int64_t restarts = 0;
  JsonReader in(json, "run");
  in.RequiredAs("shim", &run.shim, ProcessFromJson);
  in.RequiredAs("process", &run.process, ProcessFromJson);
  in.Required("restarts", &restarts);
  in.Required("since", &run.since);
  FLEETMEDIC_RETURN_IF_ERROR(in.Done());
  run.restarts = static_cast<int>(restarts);
  return run;
}

Status TaskFolder::WriteRun(const TaskRun& run) const {
  Json json;
  json.Set("shim", ToJson(run.shim));
  json.Set("process", ToJson(run.process));
  json.Set("restarts", run.restarts);
  json.Set("since", run.since);
  return WriteFileAtomic(File("run.json"), json.Dump(), 0600);
}

Result<TaskExit> TaskFolder::ReadExit() const {
  FLEETMEDIC_ASSIGN_OR_RETURN(const Json json, ReadJson(File("exit.json"), kFileBytesMax));
  TaskExit exit;
  int64_t restarts = 0;
  JsonReader in(json, "exit");
  in.Word("state", &exit.state, ParseTaskState);
  in.Required("reason", &exit.reason);
  in.Required("restarts", &restarts);
  in.Required("at", &exit.at);
  FLEETMEDIC_RETURN_IF_ERROR(in.Done());
  if (!TaskEnded(exit.state)) return Fail(Code::kCorrupt, "exit.json: the state is no end");
  exit.restarts = static_cast<int>(restarts);
  return exit;
}

Status TaskFolder::WriteExit(const TaskExit& exit) const {
  Json json;
  json.Set("state", TaskStateName(exit.state));
  json.Set("reason", exit.reason);
  json.Set("restarts", exit.restarts);
  json.Set("at", exit.at);
  return WriteFileAtomic(File("exit.json"), json.Dump(), 0600);
}

std::optional<Millis> TaskFolder::ReadStop() const {
  const Result<Json> json = ReadJson(File("stop.json"), kFileBytesMax);
  if (!json) {
    // That it is there says enough: what cannot be read stops at once.
    if (json.error().code == Code::kNotFound) return std::nullopt;
    return Millis(0);
  }
  return Millis((*json)["grace_ms"].integer().value_or(0));
}

Status TaskFolder::WriteStop(Millis grace) const {
  Json json;
  json.Set("grace_ms", grace.count());
  return WriteFileAtomic(File("stop.json"), json.Dump(), 0600);
}

}  // namespace fleetmedic
