#include "app/demo/demo_play.h"

#include <signal.h>

#include <algorithm>
#include <functional>
#include <map>
#include <optional>
#include <ostream>
#include <set>

#include <fmt/format.h>

#include "app/demo/demo_host.h"
#include "base/child_process.h"
#include "base/file.h"
#include "base/poll.h"

namespace fleetmedic {
namespace {

constexpr Millis kLookEvery = Millis(100);
constexpr Millis kCallPatience = Seconds(5);
constexpr Millis kQuietAfterHold = Seconds(5);
constexpr int kPatientIndex = 2;  // demo-03
constexpr int kBadImageHosts = 5;

// The fleet at one look.
struct Look {
  std::map<std::string, std::string> states;  // by host
  std::string mode;
  bool tripped = false;
  int out = 0;  // tainted, draining, drained, repairing, probation, retired
  int grants = 0;
};

class Play {
 public:
  Play(const PlayOptions& options, std::string state_dir)
      : options_(options),
        state_dir_(std::move(state_dir)),
        clock_(*options.clock),
        api_(HttpAddress::Unix(state_dir_ + "/run/control.sock"), options.clock) {}

  Result<PlayReport> Run();

 private:
  Status StartFleet();
  void StopFleet();
  void OneSickHost();
  void BadImage();

  // Looks until `seen` says so or the bound is over; records the step.
  bool Step(const std::string& name, Millis bound, const std::function<std::string()>& missing);
  void Record(const std::string& name, bool ok, MonoTime since, Millis bound, std::string detail);
  void Pause(Millis span) const { (void)PollUntil({}, clock_, clock_.Mono() + span); }

  Result<Json> Call(const std::string& method, const std::string& target, const Json& body = {});
  Result<Look> LookNow();
  std::string WaitsFor(const std::string& host, const std::set<std::string>& states);
  // Process ids of the host's running tasks, by task.
  std::map<std::string, int64_t> TasksOf(const std::string& host);
  int RunningTasks();
  DemoHost HostAt(int index) const {
    return DemoHost(state_dir_ + "/hosts/" + DemoHostName(index) + "/root");
  }

  const PlayOptions& options_;
  const std::string state_dir_;
  const Clock& clock_;
  const HttpClient api_;
  std::optional<Child> fleet_;
  PlayReport report_;
  int out_max_ = 0;  // hosts out at once, the most that any look saw
  int wanted_tasks_ = 0;
};

Status Play::StartFleet() {
  ChildOptions child;
  child.argv = {options_.self, "up",          "--demo-hosts", std::to_string(options_.hosts),
                "--state-dir", state_dir_,    "--run-dir",    state_dir_ + "/run",
                "--listen",    "127.0.0.1:0", "--log-level",  "error"};
  FLEETMEDIC_ASSIGN_OR_RETURN(Child started, Child::Start(child));
  fleet_.emplace(std::move(started));
  return {};
}

void Play::StopFleet() {
  if (!fleet_) return;
  fleet_->Kill(SIGTERM);
  if (!fleet_->Wait(clock_, clock_.Mono() + Seconds(20))) fleet_->Kill(SIGKILL);
  fleet_.reset();
}

Result<Json> Play::Call(const std::string& method, const std::string& target, const Json& body) {
  HttpCall call;
  call.method = method;
  call.target = target;
  if (!body.is_null()) {
    call.body = body.Dump();
    call.headers["content-type"] = "application/json";
  }
  call.headers["x-fleetmedic-who"] = "demo";
  FLEETMEDIC_ASSIGN_OR_RETURN(const HttpReply reply,
                              api_.Send(call, clock_.Mono() + kCallPatience));
  if (!reply.ok()) return tl::unexpected<Error>(reply.ToError());
  if (reply.body.empty()) return Json();
  return Json::Parse(reply.body);
}

Result<Look> Play::LookNow() {
  FLEETMEDIC_ASSIGN_OR_RETURN(const Json state, Call("GET", "/api/v1/state"));
  Look look;
  const auto text = [](const Json& json) {
    return json.string() == nullptr ? std::string() : *json.string();
  };
  look.mode = text(state["mode"]["mode"]);
  look.tripped = state["mode"]["brake"]["tripped"].boolean().value_or(false);
  if (const Json::Array* grants = state["grants"].array()) {
    look.grants = static_cast<int>(grants->size());
  }
  if (const Json::Array* hosts = state["hosts"].array()) {
    for (const Json& host : *hosts) look.states[text(host["host"])] = text(host["state"]);
  }
  look.out = static_cast<int>(std::ranges::count_if(look.states, [](const auto& entry) {
    return entry.second != "healthy" && entry.second != "suspect";
  }));
  out_max_ = std::max(out_max_, look.out);
  return look;
}

bool Play::Step(const std::string& name, Millis bound,
                const std::function<std::string()>& missing) {
  const MonoTime since = clock_.Mono();
  std::string what;
  do {
    what = missing();
    if (what.empty()) {
      Record(name, true, since, bound, "");
      return true;
    }
    Pause(kLookEvery);
  } while (clock_.Mono() < since + bound);
  Record(name, false, since, bound, what);
  return false;
}

void Play::Record(const std::string& name, bool ok, MonoTime since, Millis bound,
                  std::string detail) {
  PlayStep step{name, ok, std::chrono::duration_cast<Millis>(clock_.Mono() - since), bound,
                std::move(detail)};
  if (options_.talk != nullptr) {
    *options_.talk << fmt::format("  {} {:<58} {:>8.1f} s  (bound {} s){}\n", ok ? "ok  " : "FAIL",
                                  name, static_cast<double>(step.took.count()) / 1000,
                                  bound.count() / 1000,
                                  step.detail.empty() ? "" : "  " + step.detail)
                   << std::flush;
  }
  report_.steps.push_back(std::move(step));
}

std::string Play::WaitsFor(const std::string& host, const std::set<std::string>& states) {
  const Result<Look> look = LookNow();
  if (!look) return look.error().message;
  const auto it = look->states.find(host);
  if (it == look->states.end()) return host + " is not known";
  return states.contains(it->second) ? "" : host + " is " + it->second;
}

std::map<std::string, int64_t> Play::TasksOf(const std::string& host) {
  std::map<std::string, int64_t> tasks;
  const Result<Json> answer = Call("GET", "/api/v1/tasks" + (host.empty() ? "" : "?host=" + host));
  if (!answer || (*answer)["items"].array() == nullptr) return tasks;
  for (const Json& item : *(*answer)["items"].array()) {
    const std::string* state = item["state"].string();
    const std::string* task = item["task"].string();
    if (state == nullptr || task == nullptr || *state != "running") continue;
    tasks[*task] = item["pid"].integer().value_or(0);
  }
  return tasks;
}

int Play::RunningTasks() { return static_cast<int>(TasksOf("").size()); }

void Play::OneSickHost() {
  const std::string host = DemoHostName(kPatientIndex);
  const std::map<std::string, int64_t> before = TasksOf(host);
  const Status injected = HostAt(kPatientIndex).Inject("docker-hung", clock_.Wall());
  const MonoTime began = clock_.Mono();
  if (!injected) return Record("inject docker-hung", false, began, {}, injected.error().message);
  const auto reaches = [&](const std::string& name, std::set<std::string> states, Millis bound) {
    return Step(host + " " + name, bound,
                [&, states = std::move(states)] { return WaitsFor(host, states); });
  };
  if (!reaches("is found: Docker hangs", {"suspect", "tainted", "draining"}, Seconds(20))) return;
  if (!reaches("is tainted", {"tainted", "draining", "drained"}, Seconds(20))) return;
  if (!reaches("is drained, verified by the scheduler's list",
               {"drained", "repairing", "probation"}, Seconds(60))) {
    return;
  }
  Step("its tasks run elsewhere, as other processes", Seconds(30), [&]() -> std::string {
    if (!TasksOf(host).empty()) return "tasks are left on " + host;
    std::set<int64_t> pids;
    for (const auto& [task, pid] : TasksOf("")) pids.insert(pid);
    for (const auto& [task, pid] : before) {
      if (pids.contains(pid)) return fmt::format("process {} still runs", pid);
    }
    const int running = static_cast<int>(pids.size());
    return running == wanted_tasks_ ? "" : fmt::format("{} of {} tasks", running, wanted_tasks_);
  });
  if (!reaches("is repaired by a reboot", {"probation", "healthy"}, Seconds(60))) return;
  if (!reaches("is given back", {"healthy"}, Seconds(90))) return;
  Record("from the fault to the give-back", true, began, Minutes(4), "");
}

void Play::BadImage() {
  out_max_ = 0;
  const int hosts = std::min(kBadImageHosts, options_.hosts - 1);
  for (int i = 0; i < hosts; ++i) {
    (void)HostAt(i + kPatientIndex + 1).Inject("kernel-bug", clock_.Wall());
  }
  Step(fmt::format("a bad image on {} hosts: the brake trips", hosts), Seconds(30),
       [this]() -> std::string {
         const Result<Look> look = LookNow();
         if (!look) return look.error().message;
         return look->tripped ? "" : "mode " + look->mode;
       });
  const MonoTime held_at = clock_.Mono();
  const Result<Json> held = Call("POST", "/api/v1/hold", Json(Json::Object{{"reason", "demo"}}));
  Record("HOLD is in force before its answer", held.has_value(), held_at, Seconds(2),
         held ? "" : held.error().message);
  Step("the mode is hold", Seconds(3), [this]() -> std::string {
    const Result<Look> look = LookNow();
    return look && look->mode == "hold" ? "" : "not yet";
  });
  const Result<Look> at_hold = LookNow();
  const MonoTime quiet_since = clock_.Mono();
  bool quiet = at_hold.has_value();
  while (quiet && clock_.Mono() < quiet_since + kQuietAfterHold) {
    const Result<Look> look = LookNow();
    quiet = look && look->grants <= at_hold->grants && look->out <= at_hold->out;
    Pause(kLookEvery);
  }
  Record("nothing new starts while it holds", quiet, quiet_since, Seconds(10), "");
  Record("never more than 1 host out at once", out_max_ <= 1, quiet_since, Seconds(10),
         fmt::format("{} at the most", out_max_));
  for (int i = 0; i < hosts; ++i) {
    (void)HostAt(i + kPatientIndex + 1).HealAll(clock_.Wall());
  }
  Step("the image is rolled back, people release, all is well", Minutes(4),
       [this]() -> std::string {
         const Json reason(Json::Object{{"reason", "the image is rolled back"}});
         const Result<Look> look = LookNow();
         if (!look) return look.error().message;
         if (look->mode == "hold") (void)Call("POST", "/api/v1/release", reason);
         if (look->tripped) (void)Call("POST", "/api/v1/brake/release", reason);
         for (const auto& [host, state] : look->states) {
           if (host.starts_with("demo-") && state != "healthy") return host + " is " + state;
         }
         return look->grants == 0 ? "" : "a grant is open";
       });
}

Result<PlayReport> Play::Run() {
  FLEETMEDIC_RETURN_IF_ERROR(StartFleet());
  const int hosts = options_.hosts;
  wanted_tasks_ = hosts + std::max(1, hosts / 2);
  const bool up = Step(fmt::format("{} hosts report, {} tasks run", hosts, wanted_tasks_),
                       Seconds(90), [&]() -> std::string {
                         const Result<Look> look = LookNow();
                         if (!look) return look.error().message;
                         const auto well = std::ranges::count_if(look->states, [](const auto& e) {
                           return e.first.starts_with("demo-") && e.second == "healthy";
                         });
                         if (well < hosts) return fmt::format("{} hosts", well);
                         const int running = RunningTasks();
                         return running == wanted_tasks_ ? "" : fmt::format("{} tasks", running);
                       });
  if (up) {
    OneSickHost();
    BadImage();
  }
  StopFleet();
  return std::move(report_);
}

}  // namespace

bool PlayReport::ok() const { return !steps.empty() && std::ranges::all_of(steps, &PlayStep::ok); }

Json ToJson(const PlayReport& report) {
  Json steps(Json::Array{});
  for (const PlayStep& step : report.steps) {
    Json item;
    item.Set("name", step.name);
    item.Set("ok", step.ok);
    item.Set("took_ms", step.took.count());
    item.Set("bound_ms", step.bound.count());
    item.Set("detail", step.detail);
    steps.Append(std::move(item));
  }
  Json json;
  json.Set("ok", report.ok());
  json.Set("steps", std::move(steps));
  return json;
}

std::string PlayText(const PlayReport& report) {
  std::string text = "\n  The demo's story, measured\n\n";
  for (const PlayStep& step : report.steps) {
    text += fmt::format("  {:<4} {:<58} {:>8.1f} s of {:>5.0f} s  {}\n", step.ok ? "ok" : "FAIL",
                        step.name, static_cast<double>(step.took.count()) / 1000,
                        static_cast<double>(step.bound.count()) / 1000, step.detail);
  }
  text += fmt::format(
      "\n  {}\n", report.ok() ? "Every step kept its bound." : "A step did not keep its bound.");
  return text;
}

Result<PlayReport> PlayDemo(const PlayOptions& options) {
  if (!options.state_dir.empty()) return Play(options, options.state_dir).Run();
  const TempFolder folder;
  return Play(options, folder.path()).Run();
}

}  // namespace fleetmedic
