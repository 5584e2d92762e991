// From a health event to a scheduler that has taken the directive: the remediator and the bundled
// scheduler as they ship, with the embedded log and stores, in one process.
#include <poll.h>

#include <fmt/format.h>

#include "app/assembly.h"
#include "base/file.h"
#include "bench/remediator_parts.h"
#include "eventlog/sqlite_event_log.h"
#include "model/host_record.h"
#include "store/sqlite_store.h"

namespace fleetmedic {
namespace {

constexpr int kOneByOneHosts = 100;
constexpr int kMassHosts = 1000;
constexpr int kMassRuns = 3;
constexpr Millis kReadyMax = Seconds(60);
constexpr Millis kActMax = Seconds(60);
constexpr size_t kRowsMax = 1'000'000;

// A remediator, a scheduler and hosts that are told of, all of them well.
class ActBench {
 public:
  Status Start(int hosts);

  // Makes the host sick, and waits until its taint's acknowledgement is durable.
  Result<Micros> OneSick(int host);
  // Makes all of them sick in one append, and waits until the scheduler's store has the last taint.
  Result<Micros> AllSick();

 private:
  Result<size_t> Rows(const Store& store, Table table) const;
  Status WaitFor(std::string_view what, Millis limit, int step_us,
                 const std::function<Result<bool>()>& done) const;
  Status AppendAll(Topic topic, const std::function<Record(int)>& record);

  SystemClock clock_;
  TempFolder folder_;
  std::unique_ptr<Assembly> assembly_;
  std::unique_ptr<SqliteEventLog> log_;  // beside the assembly's, as an agent's process has it
  std::unique_ptr<SqliteStore> remediator_;
  std::unique_ptr<SqliteStore> scheduler_;
  std::unique_ptr<ToldFleet> fleet_;
};

Status ActBench::AppendAll(Topic topic, const std::function<Record(int)>& record) {
  std::vector<Record> records;
  for (int host = 0; host < fleet_->size(); ++host) records.push_back(record(host));
  return log_->Append(topic, records);
}

Status ActBench::Start(int hosts) {
  AssemblyOptions options;
  options.config.state_dir = folder_ / "state";
  options.config.run_dir = folder_ / "run";
  options.config.api.port = 0;
  options.config.remediator = NothingInTheWay();
  options.remediator = options.scheduler = true;
  options.self = "bench_remediator";
  const std::string state = options.config.state_dir;
  const std::string log = LogPath(options.config);
  FLEETMEDIC_ASSIGN_OR_RETURN(assembly_, Assembly::Make(std::move(options)));
  FLEETMEDIC_ASSIGN_OR_RETURN(log_, SqliteEventLog::Open(log, clock_));
  FLEETMEDIC_ASSIGN_OR_RETURN(remediator_, SqliteStore::Open(state + "/remediator.db", clock_));
  FLEETMEDIC_ASSIGN_OR_RETURN(scheduler_, SqliteStore::Open(state + "/scheduler.db", clock_));
  FLEETMEDIC_RETURN_IF_ERROR(assembly_->Start());
  const WallTime now = clock_.Wall();
  fleet_ = std::make_unique<ToldFleet>(hosts, now);
  FLEETMEDIC_RETURN_IF_ERROR(
      AppendAll(Topic::kHosts, [&](int host) { return fleet_->Facts(host, now); }));
  FLEETMEDIC_RETURN_IF_ERROR(
      AppendAll(Topic::kTasks, [&](int host) { return fleet_->Executor(host, now); }));
  for (int detector = 0; detector < ToldFleet::kDetectors; ++detector) {
    FLEETMEDIC_RETURN_IF_ERROR(
        AppendAll(Topic::kHealth, [&](int host) { return fleet_->Well(host, detector, now); }));
  }
  return WaitFor("every host to be known to the remediator and the scheduler", kReadyMax, 20'000,
                 [&]() -> Result<bool> {
                   const auto snapshot = assembly_->remediator()->Snapshot();
                   size_t ready = 0;
                   for (const auto& [host, record] : snapshot->hosts) {
                     ready += record->detectors.size() == ToldFleet::kDetectors &&
                              record->ok_since != kWallNever && record->tasks_left == 0;
                   }
                   return ready == static_cast<size_t>(fleet_->size());
                 });
}

Status ActBench::WaitFor(std::string_view what, Millis limit, int step_us,
                         const std::function<Result<bool>()>& done) const {
  const MonoTime end = clock_.Mono() + limit;
  while (true) {
    FLEETMEDIC_ASSIGN_OR_RETURN(const bool so, done());
    if (so) return {};
    if (clock_.Mono() >= end) {
      return Fail(Code::kDeadlineExceeded,
                  fmt::format("waited {} for {}", FormatDuration(limit), what));
    }
    const timespec step{.tv_sec = 0, .tv_nsec = step_us * 1000};
    (void)::ppoll(nullptr, 0, &step, nullptr);
  }
}

Result<size_t> ActBench::Rows(const Store& store, Table table) const {
  FLEETMEDIC_ASSIGN_OR_RETURN(const std::vector<Row> rows, store.Scan(table, "", kRowsMax));
  return rows.size();
}

Result<Micros> ActBench::OneSick(int host) {
  const Record sick = fleet_->Sick(host, clock_.Wall());
  const MonoTime began = clock_.Mono();
  FLEETMEDIC_RETURN_IF_ERROR(log_->Append(Topic::kHealth, {&sick, 1}));
  FLEETMEDIC_RETURN_IF_ERROR(
      WaitFor("the acknowledgement of a taint", kActMax, 200, [&]() -> Result<bool> {
        FLEETMEDIC_ASSIGN_OR_RETURN(const std::optional<std::string> row,
                                    remediator_->Get(Table::kHosts, ToldFleet::NameOf(host)));
        if (!row) return false;
        FLEETMEDIC_ASSIGN_OR_RETURN(const Json json, Json::Parse(*row));
        FLEETMEDIC_ASSIGN_OR_RETURN(const HostRecord record, HostRecordFromJson(json));
        return record.acknowledged > 0;
      }));
  return clock_.Mono() - began;
}

Result<Micros> ActBench::AllSick() {
  const WallTime now = clock_.Wall();
  std::vector<Record> sick;
  for (int host = 0; host < fleet_->size(); ++host) sick.push_back(fleet_->Sick(host, now));
  const MonoTime began = clock_.Mono();
  FLEETMEDIC_RETURN_IF_ERROR(log_->Append(Topic::kHealth, sick));
  FLEETMEDIC_RETURN_IF_ERROR(
      WaitFor("the last taint of a mass", kActMax, 5000, [&]() -> Result<bool> {
        FLEETMEDIC_ASSIGN_OR_RETURN(const size_t taints, Rows(*scheduler_, Table::kDirectives));
        return taints == static_cast<size_t>(fleet_->size());
      }));
  return clock_.Mono() - began;
}

}  // namespace

Result<std::vector<Figure>> MeasureActs(int rounds) {
  std::vector<double> one_ms;
  for (int round = 0; round < rounds; ++round) {
    ActBench bench;
    FLEETMEDIC_RETURN_IF_ERROR(bench.Start(kOneByOneHosts));
    for (int host = 0; host < kOneByOneHosts; ++host) {
      FLEETMEDIC_ASSIGN_OR_RETURN(const Micros took, bench.OneSick(host));
      one_ms.push_back(MsOf(took));
    }
  }
  std::vector<double> mass_ms;
  for (int run = 0; run < kMassRuns; ++run) {
    ActBench bench;
    FLEETMEDIC_RETURN_IF_ERROR(bench.Start(kMassHosts));
    FLEETMEDIC_ASSIGN_OR_RETURN(const Micros took, bench.AllSick());
    mass_ms.push_back(MsOf(took));
  }
  Figure p50 = FigureOf("event_to_acknowledged_p50", one_ms, 0.50);
  p50.goal = 5;
  Figure p99 = FigureOf("event_to_acknowledged_p99", one_ms, 0.99);
  p99.must = 100;
  p99.goal = 25;
  Figure mass = FigureOf("mass_1000_last_tainted", mass_ms, 0.50);
  mass.must = 2000;
  mass.goal = 500;
  return std::vector<Figure>{p50, p99, mass};
}

}  // namespace fleetmedic
