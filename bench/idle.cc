// bench_idle [--minutes N]
//
// What the program says of this machine while nothing is done to it: the agent with every detector
// as it ships and the stream with every rule that ships, each a process of its own, in a folder of
// their own. Told at once and again at the end are every condition that was bad or unknown at any
// time and every finding. Nothing leaves the machine: neither its name server nor its metadata is
// asked. SIGINT or SIGTERM ends it early, with what it has.
//
// Exit code 0: no condition was bad and nothing was found; 1: some were; 2: the run itself failed.
#include <signal.h>

#include <cstdio>
#include <ctime>
#include <map>
#include <optional>
#include <set>
#include <tuple>
#include <vector>

#include <fmt/format.h>

#include "base/child_process.h"
#include "base/file.h"
#include "base/logging.h"
#include "base/text.h"
#include "bench/figures.h"
#include "eventlog/sqlite_event_log.h"
#include "model/finding.h"
#include "model/health_event.h"

namespace fleetmedic {
namespace {

constexpr size_t kRecordsPerPoll = 1000;
// More than this is not a list that anybody reads.
constexpr size_t kSeenMax = 10'000;

// One thing that was said, from when to when.
struct Seen {
  Severity severity = Severity::kInfo;
  std::string message;  // the newest
  WallTime first = kWallNever;
  WallTime last = kWallNever;
  int times = 0;
};

// Verdict ("bad", "unknown", "found"), title, reason.
using SeenKey = std::tuple<std::string, std::string, std::string>;

class Tally {
 public:
  explicit Tally(WallTime began) : began_(began) {}

  void Take(const HealthEvent& event) {
    if (event.kind != HealthEventKind::kConditions) return;
    detectors_.insert(event.detector);
    for (const Condition& condition : event.conditions) {
      types_.insert(condition.type);
      if (condition.verdict == Verdict::kOk) continue;
      Add(std::string(VerdictName(condition.verdict)), condition, event.observed_at);
    }
  }
  void Take(const Finding& finding) {
    Add(finding.condition.verdict == Verdict::kOk ? "taken back" : "found: " + finding.rule,
        finding.condition, finding.last_at);
  }

  // Bad conditions and findings, of whatever severity.
  size_t alarms() const {
    size_t count = 0;
    for (const auto& [key, seen] : seen_) {
      if (std::get<0>(key) != "unknown") ++count;
    }
    return count;
  }
  std::string Text() const {
    std::string text = fmt::format("detectors: {} ({} types of condition)\n",
                                   fmt::join(detectors_, " "), types_.size());
    for (const auto& [key, seen] : seen_) text += Line(key, seen);
    text += fmt::format("{} bad conditions and findings\n", alarms());
    return text;
  }

 private:
  void Add(const std::string& how, const Condition& condition, WallTime at) {
    if (seen_.size() == kSeenMax) return;
    const SeenKey key{how, ConditionTitle(condition), condition.reason};
    Seen& seen = seen_[key];
    seen.severity = condition.severity;
    seen.message = condition.message;
    seen.last = at;
    if (seen.times++ > 0) return;
    seen.first = at;
    fmt::print("{}", Line(key, seen));
    (void)std::fflush(stdout);
  }
  std::string Line(const SeenKey& key, const Seen& seen) const {
    const auto& [how, title, reason] = key;
    return fmt::format("{:>7} to {:>7} s, {} times, {}: {} {} {}: {}\n", After(seen.first),
                       After(seen.last), seen.times, how, SeverityName(seen.severity), title,
                       reason, VisibleText(seen.message));
  }
  int64_t After(WallTime time) const {
    return std::chrono::duration_cast<Seconds>(time - began_).count();
  }

  const WallTime began_;
  std::set<std::string> detectors_;
  std::set<std::string> types_;
  std::map<SeenKey, Seen> seen_;
};

// Reads what came into the log since the last time.
template <typename T>
Status TakeAll(Reader* reader, Result<T> (*from_json)(const Json&), Tally* tally) {
  while (true) {
    FLEETMEDIC_ASSIGN_OR_RETURN(const std::vector<LogRecord> records,
                                reader->Poll(kRecordsPerPoll));
    if (records.empty()) return {};
    for (const LogRecord& record : records) {
      FLEETMEDIC_ASSIGN_OR_RETURN(const Json json, Json::Parse(record.record.value));
      FLEETMEDIC_ASSIGN_OR_RETURN(const T value, from_json(json));
      tally->Take(value);
    }
  }
}

Result<Child> StartRole(const std::string& role, const std::string& config) {
  ChildOptions options;
  options.argv = {FLEETMEDIC_PROGRAM, role, "--config", config, "--log-level", "warning"};
  options.standard_error = {ChildStream::Kind::kInherit};
  return Child::Start(options);
}

std::string LoadNow() {
  return std::string(Trim(ReadFile("/proc/loadavg", 256).value_or("unknown")));
}

// Waits a second; true: one of these signals came.
bool WaitSecond(const sigset_t& ends) {
  const timespec second{1, 0};
  return ::sigtimedwait(&ends, nullptr, &second) > 0;
}

Result<size_t> Watch(Minutes span, const sigset_t& ends) {
  const SystemClock clock;
  const TempFolder folder;
  const std::string state = folder / "state";
  FLEETMEDIC_RETURN_IF_ERROR(MakeFolders(state, 0700));
  FLEETMEDIC_ASSIGN_OR_RETURN(const auto log, SqliteEventLog::Open(state + "/log.db", clock));
  FLEETMEDIC_ASSIGN_OR_RETURN(const auto health, log->OpenAt(Topic::kHealth, {}));
  FLEETMEDIC_ASSIGN_OR_RETURN(const auto findings, log->OpenAt(Topic::kFindings, {}));
  const std::string config = folder / "idle.toml";
  FLEETMEDIC_RETURN_IF_ERROR(WriteFileAtomic(
      config, fmt::format("state_dir = '{}'\nrun_dir = '{}'\n[detectors.dns]\ninterval = '0s'\n"
                          "[detectors.imds]\ninterval = '0s'\n",
                          state, folder / "run")));
  std::vector<Child> roles;
  for (const char* role : {"agent", "stream"}) {
    FLEETMEDIC_ASSIGN_OR_RETURN(Child child, StartRole(role, config));
    roles.push_back(std::move(child));
  }
  Tally tally(clock.Wall());
  fmt::print("load: {}\n", LoadNow());
  const MonoTime end = clock.Mono() + span;
  bool asked_to_end = false;
  while (!asked_to_end && clock.Mono() < end) {
    asked_to_end = WaitSecond(ends);
    FLEETMEDIC_RETURN_IF_ERROR(TakeAll(health.get(), &HealthEventFromJson, &tally));
    FLEETMEDIC_RETURN_IF_ERROR(TakeAll(findings.get(), &FindingFromJson, &tally));
    for (const Child& role : roles) {
      const Result<ExitStatus> ended = role.Wait(clock, clock.Mono());
      if (ended) return Fail(Code::kUnavailable, "a role has ended: " + ended->Text());
    }
  }
  fmt::print("---\nload: {}\n{}", LoadNow(), tally.Text());
  return tally.alarms();
}

std::optional<Minutes> ParseSpan(const std::vector<std::string>& args) {
  if (args.empty()) return Minutes(60);
  int minutes = 0;
  if (args.size() != 2 || args[0] != "--minutes") return std::nullopt;
  if (!ReadNumber(args[1], 1, 24 * 60, &minutes)) return std::nullopt;
  return Minutes(minutes);
}

int Main(const std::vector<std::string>& args) {
  const std::optional<Minutes> span = ParseSpan(args);
  if (!span) {
    std::fputs("usage: bench_idle [--minutes N]\n", stderr);
    return 2;
  }
  sigset_t ends;
  sigemptyset(&ends);
  sigaddset(&ends, SIGINT);
  sigaddset(&ends, SIGTERM);
  (void)::pthread_sigmask(SIG_BLOCK, &ends, nullptr);
  SetLogLevel(LogLevel::kError);
  const Result<size_t> alarms = Watch(*span, ends);
  if (!alarms) {
    fmt::print(stderr, "bench_idle: {}\n", alarms.error().message);
    return 2;
  }
  return *alarms == 0 ? 0 : 1;
}

}  // namespace
}  // namespace fleetmedic

int main(int argc, char** argv) {
  return fleetmedic::Main(std::vector<std::string>(argv + 1, argv + argc));
}
