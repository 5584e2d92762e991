#include "detectors/runner.h"

#include <algorithm>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "base/inbox.h"
#include "base/logging.h"

namespace fleetmedic {
namespace {

// Hung probes of one process that are remembered; past it they are only told.
constexpr size_t kAbandonedMax = 1024;

struct Answer {
  size_t lane = 0;
  MonoTime finished_at{};
  // None: not supported here.
  std::optional<Result<std::vector<Condition>>> conditions;
};

Millis OverdueAfter(Millis probe_deadline) { return probe_deadline + probe_deadline / 4; }

double SecondsOf(Micros duration) { return std::chrono::duration<double>(duration).count(); }

}  // namespace

// What the workers touch. It outlives the runner where a probe never comes back.
struct Runner::Shared {
  absl::Mutex mutex;
  bool stopped ABSL_GUARDED_BY(mutex) = false;  // nothing of the runner's owner may be touched
  std::function<void()> wake ABSL_GUARDED_BY(mutex);
  std::vector<Answer> answers ABSL_GUARDED_BY(mutex);
  size_t outstanding ABSL_GUARDED_BY(mutex) = 0;
  MonoTime gather_until ABSL_GUARDED_BY(mutex){};
  std::vector<bool> lane_busy ABSL_GUARDED_BY(mutex);
};

Runner::Runner(const Clock* clock, Metrics* metrics, MakeWorkers make_workers,
               std::function<void()> wake, Options options)
    : clock_(clock),
      metrics_(metrics),
      make_workers_(std::move(make_workers)),
      options_(std::move(options)),
      shared_(std::make_shared<Shared>()),
      schedule_(OverdueAfter(options_.probe_deadline)) {
  absl::MutexLock lock(&shared_->mutex);
  shared_->wake = std::move(wake);
}

Runner::~Runner() {
  std::vector<bool> busy;
  {
    absl::MutexLock lock(&shared_->mutex);
    shared_->wake = nullptr;
    shared_->stopped = true;
    Shared* const shared = shared_.get();
    const auto idle = [shared]()
                          ABSL_NO_THREAD_SAFETY_ANALYSIS { return shared->outstanding == 0; };
    shared_->mutex.AwaitWithTimeout(absl::Condition(&idle),
                                    absl::Milliseconds(options_.stop_wait.count()));
    busy = shared_->lane_busy;
  }
  for (size_t i = 0; i < lanes_.size(); ++i) {
    if (!busy[i]) continue;
    LogWarning("a probe never came back; its thread is left to itself",
               {{"detector", lanes_[i].detector->name()}, {"host", options_.host}});
    // Never ended, for nobody can wait for it; still known, so that it is no leak.
    static Inbox<Workers*>* const abandoned = new Inbox<Workers*>(kAbandonedMax);
    (void)abandoned->Post(lanes_[i].workers.release());
  }
}

void Runner::Add(std::unique_ptr<Detector> detector) {
  Lane lane;
  lane.detector = std::move(detector);
  const std::string name(lane.detector->name());
  lane.workers = make_workers_(name);
  if (metrics_ != nullptr) {
    const MetricLabels labels = {{"detector", name}, {"host", options_.host}};
    lane.duration =
        metrics_->Histogram("fleetmedic_agent_probe_duration_seconds",
                            "How long a look at a subsystem took.", DurationBuckets(), labels);
    lane.overdue = metrics_->Counter("fleetmedic_agent_probes_overdue_total",
                                     "Probes that were not back by their deadline.", labels);
    lane.failed = metrics_->Counter("fleetmedic_agent_probes_failed_total",
                                    "Probes that could not tell.", labels);
    lane.late =
        metrics_->Counter("fleetmedic_agent_probes_late_total",
                          "Answers that came after their deadline, and were not used.", labels);
  }
  {
    absl::MutexLock lock(&shared_->mutex);
    shared_->lane_busy.push_back(false);
  }
  const Millis own = lane.detector->probe_deadline();
  lane.probe_deadline = own > Millis(0) ? own : options_.probe_deadline;
  schedule_.Add(lane.detector->interval(), clock_->Mono(), OverdueAfter(lane.probe_deadline));
  lanes_.push_back(std::move(lane));
}

void Runner::Start(size_t index, MonoTime now, WallTime wall) {
  Lane& lane = lanes_[index];
  lane.started_wall = wall;
  {
    absl::MutexLock lock(&shared_->mutex);
    ++shared_->outstanding;
    shared_->lane_busy[index] = true;
  }
  const MonoTime deadline = now + lane.probe_deadline;
  auto work = [shared = shared_, detector = lane.detector, clock = clock_, index, deadline] {
    Answer answer;
    answer.lane = index;
    if (detector->Supported()) answer.conditions = detector->Probe(deadline);
    absl::MutexLock lock(&shared->mutex);
    --shared->outstanding;
    shared->lane_busy[index] = false;
    if (shared->stopped) return;
    answer.finished_at = clock->Mono();
    const bool gathering = shared->outstanding > 0 && answer.finished_at < shared->gather_until;
    shared->answers.push_back(std::move(answer));
    // Under the lock, so that the runner's destructor cannot return while it runs.
    if (shared->wake && !gathering) shared->wake();
  };
  const Status submitted = lane.workers->Submit(lane.detector->name(), std::move(work));
  if (submitted) return;
  Answer answer;
  answer.lane = index;
  answer.finished_at = now;
  answer.conditions = tl::unexpected<Error>(submitted.error());
  absl::MutexLock lock(&shared_->mutex);
  shared_->answers.push_back(std::move(answer));
  --shared_->outstanding;
  shared_->lane_busy[index] = false;
}

void Runner::TakeAnswers(WallTime wall, MonoTime now, std::vector<DetectorReport>* reports) {
  std::vector<Answer> answers;
  {
    absl::MutexLock lock(&shared_->mutex);
    answers.swap(shared_->answers);
  }
  for (Answer& answer : answers) {
    Lane& lane = lanes_[answer.lane];
    const MonoTime started_at = schedule_.StartedAt(answer.lane);
    lane.duration.Observe(SecondsOf(answer.finished_at - started_at));
    const Millis rest = answer.conditions.has_value() ? Millis(0) : Millis(kAbsentRest);
    if (!schedule_.Finished(answer.lane, now, rest)) {
      // It saw things no newer than its start; "overdue" was said later than that.
      lane.late.Add();
      continue;
    }
    lane.supported = answer.conditions.has_value();
    if (!answer.conditions.has_value()) {
      if (lane.last.empty()) continue;
      // The subsystem is gone: an empty list takes back what was said of it.
      lane.last.clear();
      reports->push_back({std::string(lane.detector->name()), wall, {}});
      continue;
    }
    DetectorReport report;
    report.detector = lane.detector->name();
    report.observed_at = lane.started_wall;
    if (*answer.conditions) {
      report.conditions = **std::move(answer.conditions);
      lane.last = report.conditions;
    } else {
      lane.failed.Add();
      report.conditions = UnknownConditions(lane.detector->types(), lane.last, "ProbeFailed",
                                            answer.conditions->error().message);
    }
    reports->push_back(std::move(report));
  }
}

std::vector<DetectorReport> Runner::Turn(MonoTime now, WallTime wall) {
  std::vector<DetectorReport> reports;
  TakeAnswers(wall, now, &reports);
  const std::vector<ProbeAction> due = schedule_.Due(now);
  const bool starts = std::ranges::any_of(
      due, [](const ProbeAction& action) { return action.kind == ProbeAction::Kind::kStart; });
  if (starts) {
    absl::MutexLock lock(&shared_->mutex);
    shared_->gather_until = now + kGather;
  }
  for (const ProbeAction& action : due) {
    Lane& lane = lanes_[action.detector];
    switch (action.kind) {
      case ProbeAction::Kind::kStart:
        Start(action.detector, now, wall);
        break;
      case ProbeAction::Kind::kOverdue:
        lane.overdue.Add();
        reports.push_back({std::string(lane.detector->name()), wall,
                           UnknownConditions(lane.detector->types(), lane.last, "ProbeOverdue",
                                             fmt::format("the {} detector has not come back for {}",
                                                         lane.detector->name(),
                                                         FormatDuration(action.running)))});
        break;
    }
  }
  TakeAnswers(wall, now, &reports);  // of workers that ran inline
  absl::MutexLock lock(&shared_->mutex);
  const bool gathering = shared_->outstanding > 0 && now < shared_->gather_until;
  gather_until_ = gathering ? shared_->gather_until : kMonoForever;
  return reports;
}

std::map<std::string, Millis> Runner::Running() const {
  std::map<std::string, Millis> running;
  for (const Lane& lane : lanes_) {
    if (lane.supported) running[std::string(lane.detector->name())] = lane.detector->interval();
  }
  return running;
}

std::vector<Runner::OverdueProbe> Runner::Overdue() const {
  std::vector<OverdueProbe> overdue;
  for (size_t i = 0; i < lanes_.size(); ++i) {
    if (!schedule_.Overdue(i)) continue;
    overdue.push_back({std::string(lanes_[i].detector->name()), schedule_.StartedAt(i)});
  }
  return overdue;
}

}  // namespace fleetmedic
