// What health events and the state of many hosts cost: a controller alone, on the embedded log and
// store, with a scheduler that says yes at once.
#include <malloc.h>

#include <map>

#include <fmt/format.h>

#include "base/file.h"
#include "base/metrics.h"
#include "base/thread_pool.h"
#include "bench/remediator_parts.h"
#include "eventlog/sqlite_event_log.h"
#include "remediation/controller.h"
#include "store/sqlite_store.h"

namespace fleetmedic {
namespace {

constexpr int kIntakeHosts = 7000;
constexpr int kIntakeRuns = 3;
// Of four health events one is a detector's word and three are beats: a change a host each 40 s.
constexpr int kBeatsPerWord = 3;
constexpr int kAppendAtOnce = 5000;
constexpr int kBacklog = 100'000;
constexpr int kTurnsMax = 1'000'000;

// Its calls come on the controller's own thread.
class WillingHook final : public SchedulerHook {
 public:
  void Know(const HostId& host) { views_[host].host = host; }

  Result<HostView> Apply(const Directive& directive, MonoTime) override {
    HostView& view = views_[directive.host];
    view.host = directive.host;
    view.revision = directive.revision;
    view.want = directive.want;
    return view;
  }
  Result<std::vector<HostView>> List(MonoTime) override {
    std::vector<HostView> all;
    for (const auto& [host, view] : views_) all.push_back(view);
    return all;
  }

 private:
  std::map<HostId, HostView> views_;
};

class StateBench {
 public:
  static Result<std::unique_ptr<StateBench>> Make() {
    auto bench = std::make_unique<StateBench>();
    FLEETMEDIC_ASSIGN_OR_RETURN(bench->log_,
                                SqliteEventLog::Open(bench->folder_ / "log.db", bench->clock_));
    FLEETMEDIC_ASSIGN_OR_RETURN(bench->store_,
                                SqliteStore::Open(bench->folder_ / "store.db", bench->clock_));
    return bench;
  }

  // Facts and one word of every detector, which the controller has read and stored when it returns.
  Status Introduce(const ToldFleet& fleet);
  Status Append(Topic topic, std::vector<Record> records) { return log_->Append(topic, records); }
  void StartController() {
    StopController();
    controller_ = std::make_unique<Controller>(
        NothingInTheWay(), folder_ / "HOLD",
        RemediatorEnvironment{clock_, *log_, *store_, hook_, workers_, metrics_, {}, "bench"});
  }
  void StopController() { controller_.reset(); }
  // Turns until all health events are read, and stored.
  Status CatchUp();
  // Turns until a grant is durable.
  Status FirstDecision();

  const Clock& clock() const { return clock_; }
  const Controller& controller() const { return *controller_; }

 private:
  // Before which the health events are in the store's records.
  Result<int64_t> StoredOffset() const;

  SystemClock clock_;
  TempFolder folder_;
  std::unique_ptr<SqliteEventLog> log_;
  std::unique_ptr<SqliteStore> store_;
  WillingHook hook_;
  InlineWorkers workers_;
  Metrics metrics_;
  std::unique_ptr<Controller> controller_;
};

Status StateBench::Introduce(const ToldFleet& fleet) {
  StartController();
  // Bit by bit: the log keeps less than the words of a large fleet.
  for (int first = 0; first < fleet.size(); first += kAppendAtOnce) {
    const int end = std::min(fleet.size(), first + kAppendAtOnce);
    const WallTime now = clock_.Wall();
    std::vector<Record> facts;
    std::vector<Record> words;
    for (int host = first; host < end; ++host) {
      hook_.Know(HostId(ToldFleet::NameOf(host)));
      facts.push_back(fleet.Facts(host, now));
      for (int detector = 0; detector < ToldFleet::kDetectors; ++detector) {
        words.push_back(fleet.Well(host, detector, now));
      }
    }
    FLEETMEDIC_RETURN_IF_ERROR(Append(Topic::kHosts, std::move(facts)));
    FLEETMEDIC_RETURN_IF_ERROR(Append(Topic::kHealth, std::move(words)));
    FLEETMEDIC_RETURN_IF_ERROR(CatchUp());
  }
  // A leader's first list: from then on its scheduler's word about every host is stored, too.
  StartController();
  return CatchUp();
}

Result<int64_t> StateBench::StoredOffset() const {
  FLEETMEDIC_ASSIGN_OR_RETURN(const std::optional<std::string> text,
                              store_->Get(Table::kOffsets, TopicName(Topic::kHealth)));
  if (!text) return 0;
  FLEETMEDIC_ASSIGN_OR_RETURN(const Json positions, Json::Parse(*text));
  if (positions.array() == nullptr || positions.array()->size() != 1) {
    return Fail(Code::kCorrupt, "stored offsets: " + *text);
  }
  FLEETMEDIC_ASSIGN_OR_RETURN(const Position position,
                              PositionFromJson(positions.array()->front()));
  return position.offset;
}

Status StateBench::CatchUp() {
  FLEETMEDIC_ASSIGN_OR_RETURN(int64_t offset, StoredOffset());
  const std::vector<Position> from = {{.partition = 0, .offset = offset}};
  FLEETMEDIC_ASSIGN_OR_RETURN(const std::unique_ptr<Reader> reader,
                              log_->OpenAt(Topic::kHealth, from));
  FLEETMEDIC_ASSIGN_OR_RETURN(const Reader::Lag lag, reader->Behind());
  const int64_t head = offset + lag.records;
  for (int turn = 0; turn < kTurnsMax; ++turn) {
    controller_->Turn(clock_.Mono());
    FLEETMEDIC_ASSIGN_OR_RETURN(offset, StoredOffset());
    if (offset >= head) return {};
    const std::string trouble = controller_->Snapshot()->trouble;
    if (!trouble.empty()) return Fail(Code::kUnavailable, trouble);
  }
  return Fail(Code::kDeadlineExceeded, "the log is never read to its end");
}

Status StateBench::FirstDecision() {
  for (int turn = 0; turn < kTurnsMax; ++turn) {
    controller_->Turn(clock_.Mono());
    FLEETMEDIC_ASSIGN_OR_RETURN(const std::vector<Row> grants, store_->Scan(Table::kGrants, "", 1));
    if (!grants.empty()) return {};
  }
  return Fail(Code::kDeadlineExceeded, "no grant is ever given");
}

double ResidentMib() {
  (void)::malloc_trim(0);
  const Result<std::string> status = ReadFile("/proc/self/status", 1 << 16);
  FLEETMEDIC_CHECK(status.has_value());
  const size_t at = status->find("VmRSS:");
  FLEETMEDIC_CHECK(at != std::string::npos);
  return std::strtod(status->c_str() + at + 6, nullptr) / 1024;
}

}  // namespace

Result<std::vector<Figure>> MeasureIntake(int events) {
  std::vector<double> rates;
  for (int run = 0; run < kIntakeRuns; ++run) {
    FLEETMEDIC_ASSIGN_OR_RETURN(const std::unique_ptr<StateBench> bench, StateBench::Make());
    ToldFleet fleet(kIntakeHosts, bench->clock().Wall());
    FLEETMEDIC_RETURN_IF_ERROR(bench->Introduce(fleet));
    Micros took{0};
    for (int made = 0; made < events;) {
      // No more at once than the log keeps.
      for (const int end = std::min(events, made + kBacklog); made < end;) {
        const WallTime now = bench->clock().Wall();
        std::vector<Record> records;
        for (int i = 0; i < kAppendAtOnce && made < end; ++i, ++made) {
          // In turn, so that each host tells words and beats.
          const int host = made % kIntakeHosts;
          const bool word = (made / kIntakeHosts + host) % (kBeatsPerWord + 1) == 0;
          records.push_back(word ? fleet.Changed(host, now) : fleet.Beat(host, now));
        }
        FLEETMEDIC_RETURN_IF_ERROR(bench->Append(Topic::kHealth, std::move(records)));
      }
      const MonoTime began = bench->clock().Mono();
      FLEETMEDIC_RETURN_IF_ERROR(bench->CatchUp());
      took += bench->clock().Mono() - began;
    }
    rates.push_back(events / std::chrono::duration<double>(took).count());
  }
  Figure rate = FigureOf("health_events", rates, 0.50);
  rate.unit = "1/s";
  rate.more_is_better = true;
  rate.must = 50'000;
  rate.goal = 200'000;
  return std::vector<Figure>{rate};
}

Result<std::vector<Figure>> MeasureState(int hosts) {
  FLEETMEDIC_ASSIGN_OR_RETURN(const std::unique_ptr<StateBench> bench, StateBench::Make());
  ToldFleet fleet(hosts, bench->clock().Wall());
  FLEETMEDIC_RETURN_IF_ERROR(bench->Introduce(fleet));
  bench->StopController();
  FLEETMEDIC_RETURN_IF_ERROR(
      bench->Append(Topic::kHealth, {fleet.Sick(hosts / 2, bench->clock().Wall())}));
  const double before = ResidentMib();
  const MonoTime began = bench->clock().Mono();
  bench->StartController();
  FLEETMEDIC_RETURN_IF_ERROR(bench->FirstDecision());
  const double restart_ms = MsOf(bench->clock().Mono() - began);
  const double memory = ResidentMib() - before;
  if (bench->controller().ledger().hosts().size() != static_cast<size_t>(hosts)) {
    return Fail(Code::kCorrupt, "hosts are missing");
  }
  Figure resident{.name = fmt::format("state_{}_hosts", hosts), .unit = "MiB", .value = memory};
  Figure restart{.name = fmt::format("restart_{}_hosts", hosts), .value = restart_ms};
  if (hosts >= 100'000) {
    resident.must = 1024;
    resident.goal = 300;
    restart.must = 5000;
    restart.goal = 1000;
  }
  return std::vector<Figure>{resident, restart};
}

}  // namespace fleetmedic
