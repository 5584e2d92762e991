// bench_latency [-o json] [--rounds N]
//
// From a line in a host's kernel log to a taint that is durable: agent, event log, stream,
// remediator and store as they ship, with nothing to confirm and no limit in the way. Beside it, in
// the same run, what the disk takes for one fsync and the log for one append that a reader sees.
//
// Exit code 1 when a figure misses what it must reach, 2 when the run itself failed.
#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <optional>
#include <vector>

#include <fmt/format.h>

#include "app/assembly.h"
#include "app/demo/demo_host.h"
#include "bench/figures.h"
#include "eventlog/sqlite_event_log.h"
#include "store/sqlite_store.h"
#include "stream/rule_check.h"

namespace fleetmedic {
namespace {

constexpr int kHosts = 8;
constexpr int kRoundsDefault = 25;
constexpr int kPeerSamples = 200;
constexpr size_t kPeerBytes = 4096;
constexpr double kTaintP99MustMs = 250;
constexpr double kTaintP99GoalMs = 100;
constexpr Millis kHostReadyMax = Seconds(60);
constexpr Millis kTaintMax = Seconds(10);

void Pause(int millis) { (void)::poll(nullptr, 0, millis); }

RemediatorConfig NothingInTheWay() {
  RemediatorConfig config;
  config.mode = Mode::kAuto;
  config.list_every = Millis(100);
  Policy& policy = config.policy;
  policy.confirm_hard = policy.confirm_soft = Millis(0);
  policy.settle = Millis(500);
  policy.relapse_grace = Seconds(8);
  policy.refused_retry = Millis(500);
  policy.default_ladder = {Rung::kReboot, Rung::kReboot};
  for (Limit& limit : config.limits) {
    const bool floor = limit.kind == LimitKind::kFloor;
    limit.share = 0;
    limit.at_least = floor ? 0 : 1'000'000;
  }
  BrakeLimits& brake = config.brake;
  brake.disrupted_at_least = brake.rule_at_least = brake.silent_at_least = 1'000'000;
  brake.log_lag_max = Hours(1);
  return config;
}

class TaintBench {
 public:
  Status Start();
  // One fault on each host in turn, `rounds` times. Each host is well again before its next.
  Status Run(int rounds);
  void Stop() { assembly_->Stop(); }

  std::vector<double> taint_ms;
  std::vector<double> back_ms;  // from the fault until the host was healthy again

  const Clock& clock() const { return clock_; }
  const TempFolder& folder() const { return folder_; }

 private:
  // As it is on the disk now: the remediator's own snapshots come at intervals.
  Result<HostRecord> DurableHostAt(int index) const;
  bool Wait(Millis limit, int step_millis, const std::function<bool()>& done) const;
  Status WaitHealthy(int index);
  DemoHost Folder(int index) const { return DemoHost(folder_ / DemoHostName(index) + "/root"); }

  SystemClock clock_;
  TempFolder folder_;
  std::unique_ptr<Assembly> assembly_;
  std::unique_ptr<SqliteStore> store_;  // the remediator's, beside it
};

Status TaintBench::Start() {
  Diagnostics diagnostics;
  AssemblyOptions options;
  options.config.state_dir = folder_ / "state";
  options.config.run_dir = folder_ / "run";
  options.config.api.port = 0;
  options.config.remediator = NothingInTheWay();
  options.stream = options.remediator = options.scheduler = true;
  options.self = FLEETMEDIC_PROGRAM;
  options.rules = CheckRules(ShippedRules(), &diagnostics);
  if (options.rules == nullptr) return Fail(Code::kInvalidArgument, diagnostics.Text());
  for (int i = 0; i < kHosts; ++i) {
    const std::string state = folder_ / DemoHostName(i);
    FLEETMEDIC_RETURN_IF_ERROR(Folder(i).Create(DemoHostName(i), clock_.Wall()));
    DemoHostConfig config = ConfigForDemoHost(i, state + "/root", FLEETMEDIC_PROGRAM);
    config.agent.beat_every = Millis(500);
    config.detectors.docker.interval = Millis(0);  // no engine stands behind its socket
    HostSetup setup;
    setup.host = std::move(config.host);
    setup.agent = std::move(config.agent);
    setup.detectors = std::move(config.detectors);
    setup.executor = std::move(config.executor);
    setup.executor.report_every = Millis(500);
    setup.executes = true;  // it is the executor that reboots the host
    setup.state_dir = state;
    options.hosts.push_back(std::move(setup));
  }
  const std::string store_path = options.config.state_dir + "/remediator.db";
  FLEETMEDIC_ASSIGN_OR_RETURN(assembly_, Assembly::Make(std::move(options)));
  FLEETMEDIC_ASSIGN_OR_RETURN(store_, SqliteStore::Open(store_path, clock_));
  return assembly_->Start();
}

Result<HostRecord> TaintBench::DurableHostAt(int index) const {
  FLEETMEDIC_ASSIGN_OR_RETURN(const std::optional<std::string> row,
                              store_->Get(Table::kHosts, DemoHostName(index)));
  if (!row) return Fail(Code::kNotFound, DemoHostName(index) + " has no row");
  FLEETMEDIC_ASSIGN_OR_RETURN(const Json json, Json::Parse(*row));
  return HostRecordFromJson(json);
}

bool TaintBench::Wait(Millis limit, int step_millis, const std::function<bool()>& done) const {
  const MonoTime end = clock_.Mono() + limit;
  while (!done()) {
    if (clock_.Mono() >= end) return false;
    Pause(step_millis);
  }
  return true;
}

Status TaintBench::WaitHealthy(int index) {
  std::string seen;
  const bool healthy = Wait(kHostReadyMax, 5, [this, index, &seen] {
    const Result<HostRecord> host = DurableHostAt(index);
    if (!host) {
      seen = host.error().message;
      return false;
    }
    seen =
        fmt::format("{}, {}, waits for {}", HostStateName(host->state), host->why, host->waits_for);
    return host->facts_known && host->state == HostState::kHealthy && host->ok_since != kWallNever;
  });
  if (healthy) return {};
  return Fail(Code::kDeadlineExceeded,
              fmt::format("{} does not get healthy: {}", DemoHostName(index), seen));
}

Status TaintBench::Run(int rounds) {
  for (int round = 0; round < rounds; ++round) {
    for (int i = 0; i < kHosts; ++i) {
      FLEETMEDIC_RETURN_IF_ERROR(WaitHealthy(i));
      FLEETMEDIC_ASSIGN_OR_RETURN(const HostRecord before, DurableHostAt(i));
      const MonoTime began = clock_.Mono();
      FLEETMEDIC_RETURN_IF_ERROR(Folder(i).Inject("kernel-bug", clock_.Wall()));
      // The directive's revision grows with the taint, in its commit.
      const bool tainted = Wait(kTaintMax, 1, [&] {
        const Result<HostRecord> now = DurableHostAt(i);
        return now && now->revision > before.revision && !now->grant.empty();
      });
      if (!tainted) {
        return Fail(Code::kDeadlineExceeded, DemoHostName(i) + " is not tainted in time");
      }
      taint_ms.push_back(MsOf(clock_.Mono() - began));
      // The whole way back of one host in each round, undisturbed by the next fault.
      if (i != 0) continue;
      FLEETMEDIC_RETURN_IF_ERROR(WaitHealthy(i));
      back_ms.push_back(MsOf(clock_.Mono() - began));
    }
  }
  return {};
}

// One write of a page and its fsync, to a file on the same disk.
Result<std::vector<double>> FsyncSamples(const std::string& path, const Clock& clock) {
  const UniqueFd fd(::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600));
  if (!fd.ok()) return FailErrno("open " + path, errno);
  const std::string page(kPeerBytes, 'x');
  std::vector<double> samples;
  for (int i = 0; i < kPeerSamples; ++i) {
    const MonoTime began = clock.Mono();
    if (::write(fd.get(), page.data(), page.size()) != static_cast<ssize_t>(page.size()) ||
        ::fsync(fd.get()) != 0) {
      return FailErrno("write " + path, errno);
    }
    samples.push_back(MsOf(clock.Mono() - began));
  }
  return samples;
}

// One durable append, until a reader has it.
Result<std::vector<double>> AppendSamples(const std::string& path, const Clock& clock) {
  FLEETMEDIC_ASSIGN_OR_RETURN(const std::unique_ptr<SqliteEventLog> log,
                              SqliteEventLog::Open(path, clock));
  FLEETMEDIC_ASSIGN_OR_RETURN(const std::unique_ptr<Reader> reader, log->OpenAt(Topic::kLogs, {}));
  const std::vector<Record> records = {{.key = "host", .value = std::string(kPeerBytes, 'x')}};
  std::vector<double> samples;
  for (int i = 0; i < kPeerSamples; ++i) {
    const MonoTime began = clock.Mono();
    FLEETMEDIC_RETURN_IF_ERROR(log->Append(Topic::kLogs, records));
    FLEETMEDIC_ASSIGN_OR_RETURN(const std::vector<LogRecord> seen, reader->Poll(10));
    if (seen.size() != 1) return Fail(Code::kCorrupt, "the reader did not see the append");
    samples.push_back(MsOf(clock.Mono() - began));
  }
  return samples;
}

Result<std::vector<Figure>> Measure(int rounds) {
  TaintBench bench;
  FLEETMEDIC_RETURN_IF_ERROR(bench.Start());
  FLEETMEDIC_RETURN_IF_ERROR(bench.Run(rounds));
  bench.Stop();
  const std::string folder = bench.folder().path();
  FLEETMEDIC_ASSIGN_OR_RETURN(const std::vector<double> fsync_ms,
                              FsyncSamples(folder + "/page", bench.clock()));
  FLEETMEDIC_ASSIGN_OR_RETURN(const std::vector<double> append_ms,
                              AppendSamples(folder + "/peer.db", bench.clock()));
  Figure taint_p99 = FigureOf("line_to_taint_p99", bench.taint_ms, 0.99);
  taint_p99.must = kTaintP99MustMs;
  taint_p99.goal = kTaintP99GoalMs;
  return std::vector<Figure>{FigureOf("line_to_taint_p50", bench.taint_ms, 0.50),
                             taint_p99,
                             FigureOf("line_to_give_back_p50", bench.back_ms, 0.50),
                             FigureOf("peer_append_to_read_p50", append_ms, 0.50),
                             FigureOf("peer_fsync_p50", fsync_ms, 0.50),
                             FigureOf("peer_fsync_p99", fsync_ms, 0.99)};
}

int Main(const std::vector<std::string>& args) {
  int rounds = kRoundsDefault;
  bool json = false;
  for (size_t i = 0; i < args.size(); i += 2) {
    const bool has_value = i + 1 < args.size();
    const std::string value = has_value ? args[i + 1] : "";
    if (args[i] == "-o" && value == "json") {
      json = true;
    } else if (args[i] != "--rounds" || !ReadNumber(value, 1, 10'000, &rounds)) {
      std::fputs("usage: bench_latency [-o json] [--rounds N]\n", stderr);
      return 2;
    }
  }
  return RunBench("bench_latency", json, [&] { return Measure(rounds); });
}

}  // namespace
}  // namespace fleetmedic

int main(int argc, char** argv) {
  return fleetmedic::Main(std::vector<std::string>(argv + 1, argv + argc));
}
