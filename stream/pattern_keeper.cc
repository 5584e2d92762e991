#include "stream/pattern_keeper.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "base/logging.h"
#include "base/text.h"

namespace fleetmedic {
namespace {

constexpr Millis kLookEvery = Seconds(1);
constexpr Millis kTidyEvery = Seconds(15);
// Counts that were written longer ago are of minutes that are not kept.
constexpr Millis kWrittenWithin = Hours(25);
// Of tasks and beats: what was written longer ago says nothing of now.
constexpr Millis kToldWithin = Hours(2);
constexpr std::string_view kDroppedHelp = "What the pattern keeper left out because of a limit.";

bool WrittenBefore(const LogRecord& record, WallTime time) {
  return record.record.timestamp != kWallNever && record.record.timestamp < time;
}

template <typename T>
Result<T> Decoded(const LogRecord& record, Result<T> (*decode)(const Json&)) {
  FLEETMEDIC_ASSIGN_OR_RETURN(const Json json, Json::Parse(record.record.value));
  return decode(json);
}

}  // namespace

PatternKeeper::PatternKeeper(const Clock* clock, EventLog* log, Metrics* metrics,
                             const Options& options)
    : clock_(clock), log_(log), options_(options), history_(options.limits) {
  constexpr std::string_view kPatternsHelp = "Log patterns seen in the last 24 hours.";
  rules_ = metrics->Gauge("fleetmedic_patterns", kPatternsHelp, {{"kind", "rule"}});
  templates_ = metrics->Gauge("fleetmedic_patterns", kPatternsHelp, {{"kind", "template"}});
  fresh_ = metrics->Gauge("fleetmedic_patterns_new",
                          "Log patterns seen for the first time within the last hour.");
  issues_open_ = metrics->Gauge("fleetmedic_issues_open", "Fleet issues that are open.");
  issue_hosts_ = metrics->Gauge("fleetmedic_issue_hosts", "Hosts in open fleet issues.");
  bytes_ = metrics->Gauge("fleetmedic_pattern_keeper_bytes", "What the pattern keeper holds.");
  refused_ = metrics->Counter("fleetmedic_pattern_keeper_refused_total",
                              "Records of counts, issues, hosts and tasks that cannot be read.");
  const auto dropped = [metrics](std::string_view what) {
    return metrics->Counter("fleetmedic_pattern_keeper_dropped_total", kDroppedHelp,
                            {{"what", std::string(what)}});
  };
  dropped_patterns_ = dropped("pattern");
  dropped_hosts_ = dropped("host");
  dropped_texts_ = dropped("text");
  dropped_issues_ = dropped("issue");
  dropped_time_ = dropped("time");
}

PatternKeeper::~PatternKeeper() = default;

void PatternKeeper::Refuse(Topic topic, const LogRecord& record, const Error& error) {
  // Passed over and counted: it decides nothing, and must not hold up those behind it.
  refused_.Add();
  LogWarning("a record that cannot be read", {{"topic", TopicName(topic)},
                                              {"key", Quote(record.record.key, 80)},
                                              {"error", error.message}});
}

std::vector<LogRecord> PatternKeeper::Next(Topic topic, std::unique_ptr<Reader>* reader) {
  if (*reader == nullptr) {
    Result<std::unique_ptr<Reader>> opened = log_->OpenAt(topic, {});
    if (!opened) {
      LogWarning("cannot read the log",
                 {{"topic", TopicName(topic)}, {"error", opened.error().message}});
      return {};
    }
    *reader = *std::move(opened);
  }
  Result<std::vector<LogRecord>> records = (*reader)->Poll(options_.records_per_turn_max);
  if (!records) {
    LogWarning("cannot read the log",
               {{"topic", TopicName(topic)}, {"error", records.error().message}});
    return {};
  }
  if (records->size() == options_.records_per_turn_max) next_wake_ = MonoTime{};
  return *std::move(records);
}

void PatternKeeper::Turn(MonoTime now) {
  next_wake_ = now + kLookEvery;
  // First what hosts are, so that a scope finds them.
  TakeHosts();
  TakeTasks();
  TakeBeats();
  TakeIssues();
  const bool more = TakeCounts();
  {
    absl::MutexLock lock(&mutex_);
    reading_ = more || counts_ == nullptr;
  }
  if (now >= tidy_at_) Tidy(now);
}

void PatternKeeper::TakeHosts() {
  for (const LogRecord& record : Next(Topic::kHosts, &hosts_)) {
    const Result<HostFacts> facts = Decoded(record, HostFactsFromJson);
    if (!facts) {
      Refuse(Topic::kHosts, record, facts.error());
      continue;
    }
    absl::MutexLock lock(&mutex_);
    history_.TakeFacts(*facts, record.record.timestamp);
  }
}

void PatternKeeper::TakeTasks() {
  const WallTime now = clock_->Wall();
  for (const LogRecord& record : Next(Topic::kTasks, &tasks_)) {
    // A host that is there has told again since.
    if (WrittenBefore(record, now - kToldWithin)) continue;
    const Result<ExecutorReport> report = Decoded(record, ExecutorReportFromJson);
    if (!report) {
      Refuse(Topic::kTasks, record, report.error());
      continue;
    }
    absl::MutexLock lock(&mutex_);
    history_.TakeWork(*report, record.record.timestamp);
  }
}

void PatternKeeper::TakeBeats() {
  const WallTime now = clock_->Wall();
  for (const LogRecord& record : Next(Topic::kHealth, &beats_)) {
    if (WrittenBefore(record, now - kToldWithin) || !ValidId(record.record.key)) continue;
    absl::MutexLock lock(&mutex_);
    history_.Heard(HostId(record.record.key), std::min(record.record.timestamp, now));
  }
}

void PatternKeeper::TakeIssues() {
  const std::vector<LogRecord> records = Next(Topic::kIssues, &issues_);
  for (const LogRecord& record : records) {
    Result<FleetIssue> issue = Decoded(record, FleetIssueFromJson);
    if (!issue) {
      Refuse(Topic::kIssues, record, issue.error());
      continue;
    }
    absl::MutexLock lock(&mutex_);
    history_.TakeIssue(*std::move(issue));
    issues_open_now_ = history_.open_issues();
  }
  issues_news_ += records.size();
}

bool PatternKeeper::TakeCounts() {
  const WallTime now = clock_->Wall();
  const std::vector<LogRecord> records = Next(Topic::kCounts, &counts_);
  for (const LogRecord& record : records) {
    if (WrittenBefore(record, now - kWrittenWithin)) continue;
    const Result<PatternCount> count = Decoded(record, PatternCountFromJson);
    if (!count) {
      Refuse(Topic::kCounts, record, count.error());
      continue;
    }
    absl::MutexLock lock(&mutex_);
    history_.Take(*count, now);
  }
  counts_news_ += records.size();
  return records.size() == options_.records_per_turn_max;
}

void PatternKeeper::CountDropped(const PatternHistoryDropped& now) {
  dropped_patterns_.Add(static_cast<double>(now.patterns - told_.patterns));
  dropped_hosts_.Add(static_cast<double>(now.hosts - told_.hosts));
  dropped_texts_.Add(static_cast<double>(now.texts - told_.texts));
  dropped_issues_.Add(static_cast<double>(now.issues - told_.issues));
  dropped_time_.Add(static_cast<double>(now.out_of_time - told_.out_of_time));
  told_ = now;
}

void PatternKeeper::Tidy(MonoTime now) {
  tidy_at_ = now + kTidyEvery;
  const WallTime wall = clock_->Wall();
  absl::MutexLock lock(&mutex_);
  history_.Prune(wall);
  const PatternHistory::Figures figures = history_.Count(wall);
  rules_.Set(static_cast<double>(figures.rules));
  templates_.Set(static_cast<double>(figures.templates));
  fresh_.Set(static_cast<double>(figures.fresh));
  issues_open_.Set(static_cast<double>(figures.issues_open));
  issue_hosts_.Set(static_cast<double>(figures.issue_hosts));
  bytes_.Set(static_cast<double>(history_.MemoryBytes()));
  CountDropped(history_.dropped());
}

PatternList PatternKeeper::List(const PatternQuery& query) const {
  const WallTime now = clock_->Wall();
  absl::MutexLock lock(&mutex_);
  PatternList list = history_.List(query, now);
  list.reading = reading_;
  return list;
}

Result<PatternDetail> PatternKeeper::Show(std::string_view pattern, Millis range) const {
  const WallTime now = clock_->Wall();
  absl::MutexLock lock(&mutex_);
  FLEETMEDIC_ASSIGN_OR_RETURN(PatternDetail detail, history_.Show(pattern, range, now));
  detail.reading = reading_;
  return detail;
}

Result<PatternDiff> PatternKeeper::Diff(std::string_view pattern,
                                        const PatternSelection& selection) const {
  const WallTime now = clock_->Wall();
  absl::MutexLock lock(&mutex_);
  return history_.Diff(pattern, selection, now);
}

std::vector<FleetIssuePtr> PatternKeeper::Issues() const {
  absl::MutexLock lock(&mutex_);
  return history_.Issues();
}

Result<FleetIssuePtr> PatternKeeper::Issue(std::string_view id) const {
  absl::MutexLock lock(&mutex_);
  return history_.Issue(id);
}

std::string PatternKeeper::MetricsText() const {
  PatternQuery query;
  query.items_max = options_.metric_patterns_max;
  std::string text =
      "# HELP fleetmedic_pattern_hosts Hosts within ten minutes of the patterns of the highest "
      "rank of the last hour.\n# TYPE fleetmedic_pattern_hosts gauge\n";
  // Names are identifiers: nothing in them needs an escape.
  for (const PatternSummary& item : List(query).items) {
    text += fmt::format("fleetmedic_pattern_hosts{{kind=\"{}\",pattern=\"{}\"}} {}\n",
                        PatternKindName(item.kind), item.pattern, item.hosts_10m);
  }
  return text;
}

}  // namespace fleetmedic
