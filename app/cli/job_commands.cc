// Jobs of the bundled scheduler.
#include <fmt/format.h>

#include "app/cli/api_client.h"
#include "app/cli/handlers.h"
#include "app/cli/input.h"
#include "app/cli/requests.h"
#include "app/cli/terminal.h"
#include "base/text.h"
#include "model/job.h"

namespace fleetmedic::cli {
namespace {

constexpr size_t kJobBytesMax = size_t{1} << 20;

// What is sent is the job as it was read and checked, with its defaults written out.
Result<Job> JobFromFile(const Invocation& call, const std::string& path) {
  FLEETMEDIC_ASSIGN_OR_RETURN(const std::string text, ReadInput(call, path, kJobBytesMax));
  const Result<Json> json = Json::Parse(text);
  if (!json) return Fail(path, json.error());
  const Result<Job> job = JobFromJson(*json);
  if (!job) return Fail(path, job.error());
  return *job;
}

Result<Job> JobFromFlags(const Arguments& args) {
  Json json;
  json.Set("id", args.positionals[0]);
  json.Set("kind", args.Text("kind"));
  json.Set("instances", args.Integer("instances"));
  Json::Array argv(args.positionals.begin() + 1, args.positionals.end());
  json.Set("argv", Json(std::move(argv)));
  Json resources;
  resources.Set("cpu_milli", args.Integer("cpu-milli"));
  resources.Set("memory_bytes", args.Integer("memory-mib") << 20);
  json.Set("resources", std::move(resources));
  json.Set("min_healthy", args.Integer("min-healthy"));
  if (args.Has("pool")) json.Set("pool", args.Text("pool"));
  // A batch task has run when it ended well.
  if (args.Text("kind") == "batch") json.Set("restart", RestartName(Restart::kOnFailure));
  return JobFromJson(json);
}

bool IsFile(const std::string& name) { return name == "-" || name.ends_with(".json"); }

}  // namespace

int RunJobsRun(const Invocation& call) {
  const Terminal terminal(call);
  const std::vector<std::string>& words = call.args.positionals;
  if (IsFile(words[0]) == (words.size() > 1)) {
    return Report(terminal, Failure{kExitUsage, "give a FILE.json alone, or NAME -- ARGV",
                                    "fleetmedic jobs run web --instances 3 -- /bin/sleep 1000"});
  }
  const Result<Job> job = IsFile(words[0]) ? JobFromFile(call, words[0]) : JobFromFlags(call.args);
  if (!job) {
    const bool missing = job.error().code == Code::kNotFound;
    return Report(terminal, Failure{missing ? kExitNotFound : kExitUsage, job.error().message, ""});
  }
  const Json body = ToJson(*job);
  if (call.args.Has("dry-run")) {
    terminal.PrintJson(body);
    return kExitDone;
  }
  const Answer<ApiClient> client = ApiClient::Open(call);
  if (!client) return Report(terminal, client.error());
  const Answer<ApiReply> put =
      client->Send("PUT", "/api/v1/jobs/" + EncodePercent(job->id.str()), body);
  if (!put) return Report(terminal, put.error());
  if (terminal.Format() == "json") terminal.PrintJson(put->json);
  terminal.Say(fmt::format("job {}: {} tasks wanted; look with: fleetmedic get tasks\n",
                           VisibleText(job->id.str()), job->instances));
  return AcceptedCode(*put);
}

int RunJobsRemove(const Invocation& call) {
  const Terminal terminal(call);
  const std::vector<std::string>& jobs = call.args.positionals;
  if (call.args.Has("dry-run")) {
    for (const std::string& job : jobs) terminal.Print(VisibleText(job) + "\n");
    return kExitDone;
  }
  if (!terminal.Confirm(jobs.size(), "remove these jobs")) return kExitUsage;
  const Answer<ApiClient> client = ApiClient::Open(call);
  if (!client) return Report(terminal, client.error());
  size_t done = 0;
  int first_failure = kExitDone;
  for (const std::string& job : jobs) {
    const Answer<ApiReply> removed = client->Send("DELETE", "/api/v1/jobs/" + EncodePercent(job));
    if (removed) {
      ++done;
      terminal.Say("removed: job " + VisibleText(job) + "\n");
      continue;
    }
    terminal.Error(job + ": " + removed.error().message, removed.error().hint);
    if (first_failure == kExitDone) first_failure = removed.error().exit_code;
  }
  if (first_failure == kExitDone) return kExitDone;
  return done == 0 ? first_failure : kExitPartlyDone;
}

}  // namespace fleetmedic::cli
