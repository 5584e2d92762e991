#include "stream/stream_role.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/logging.h"
#include "base/text.h"
#include "stream/finding_owner.h"
#include "stream/line_level.h"
#include "stream/mined_template.h"

namespace fleetmedic {
namespace {

// Of each header's name and each value that a dead letter repeats.
constexpr size_t kOriginHeaderBytesMax = 256;
// Below the counter's own limit, so that none is left out before it is begun anew.
constexpr size_t kCountedPatternsMax = 58'000;
// Plans that wait to be taken: one is made at a time, for rules that may be gone by then.
constexpr size_t kPlansMax = 4;

// "logs/0@1234": what Finding::position holds.
std::string PositionOf(const LogRecord& record) {
  return "logs/" + std::to_string(record.partition) + "@" + std::to_string(record.offset);
}

Record RecordOf(const Finding& finding, WallTime now) {
  Record record;
  record.key = finding.host.str();
  record.value = ToJson(finding).Dump();
  record.timestamp = now;
  record.headers = {{"content-type", "application/json"},
                    {"ce_specversion", "1.0"},
                    {"ce_type", "fleetmedic.finding"},
                    {"ce_source", "/stream"},
                    {"ce_id", finding.rule + "@" + finding.rule_version + "/" + finding.position +
                                  "/" + finding.condition.unit +
                                  (finding.condition.verdict == Verdict::kOk ? "/ok" : "")},
                    {"ce_time", FormatWall(finding.last_at)}};
  return record;
}

Record RecordOf(const PatternCount& count, WallTime now) {
  Record record;
  record.key = count.pattern;
  record.value = ToJson(count).Dump();
  record.timestamp = now;
  record.headers = {{"content-type", "application/json"}};
  return record;
}

// What people read of a rule's pattern: its message, with the names of what stands in it.
std::string TextOf(const Rule& rule) {
  const Result<TextTemplate> message = TextTemplate::Parse(rule.message);
  FLEETMEDIC_CHECK(message.has_value());
  return message->Render([](const std::string& name) { return "«" + name + "»"; });
}

}  // namespace

StreamRole::StreamRole(std::shared_ptr<const RuleSet> rules, Parts parts)
    : parts_(std::move(parts)),
      plans_(std::make_shared<Inbox<MadePlan>>(kPlansMax, parts_.wake)),
      reload_({parts_.clock, parts_.metrics, "stream", parts_.rule_watch, parts_.workers,
               parts_.rule_book}),
      thresholds_(parts_.limits) {
  Metrics& metrics = *parts_.metrics;
  records_read_ = metrics.Counter("fleetmedic_stream_records_total", "Log frames read.");
  lines_read_ = metrics.Counter("fleetmedic_stream_lines_total", "Log lines matched against.");
  bytes_read_ = metrics.Counter("fleetmedic_stream_bytes_total", "Bytes of log lines.");
  findings_written_ = metrics.Counter("fleetmedic_stream_findings_total", "Findings written.");
  cancels_ = metrics.Counter("fleetmedic_stream_cancels_total",
                             "Of these, such as take back what a rule found.");
  dead_letters_written_ =
      metrics.Counter("fleetmedic_stream_dead_letters_total", "Log frames that were unreadable.");
  findings_over_limit_ = metrics.Counter("fleetmedic_stream_findings_over_limit_total",
                                         "Findings past the limit of one frame.");
  windows_dropped_ = metrics.Counter("fleetmedic_stream_windows_dropped_total",
                                     "Threshold windows forgotten for their limit.");
  counts_written_ = metrics.Counter("fleetmedic_stream_counts_total",
                                    "Records of hosts and lines of a pattern in a minute.");
  counts_dropped_ = metrics.Counter("fleetmedic_stream_counts_dropped_total",
                                    "Lines that were not counted for their pattern, for a limit.");
  log_errors_ = metrics.Counter("fleetmedic_stream_log_errors_total",
                                "Calls of the event log that failed and are repeated.");
  refused_records_ = metrics.Counter("fleetmedic_stream_refused_records_total",
                                     "Records of ours that the event log can never take.");
  candidate_lines_ = metrics.Counter("fleetmedic_stream_candidate_lines_total",
                                     "Log lines that a rule's expression was asked about.");
  hot_literals_ = metrics.Counter("fleetmedic_stream_hot_literals_total",
                                  "Literals of rules that turned out to be in too many lines.");
  programs_gave_up_ = metrics.Counter("fleetmedic_stream_programs_gave_up_total",
                                      "Times that a line took a pattern's program too many steps, "
                                      "and RE2 was asked.");
  match_plans_ = metrics.Counter("fleetmedic_stream_match_plans_total",
                                 "Choices of the rules' literals that were made from the stream.");
  residual_patterns_ = metrics.Gauge("fleetmedic_stream_residual_patterns",
                                     "Patterns that are asked about each line for want of a "
                                     "literal that is rare.");
  windows_ = metrics.Gauge("fleetmedic_stream_windows", "Threshold windows that are kept.");
  lag_records_ = metrics.Gauge("fleetmedic_stream_lag_records", "Log frames not yet read.");
  lag_seconds_ = metrics.Gauge("fleetmedic_stream_lag_seconds", "Age of the oldest of them.");
  SetRules(std::move(rules));
  constexpr std::array kReads = {Topic::kLogs};
  if (parts_.wake) subscription_ = parts_.log->Subscribe(kReads, parts_.wake);
}

void StreamRole::SetRules(std::shared_ptr<const RuleSet> rules) {
  rules_ = std::move(rules);
  matcher_.emplace(rules_);
  matching_told_ = {};
  rule_matches_.clear();
  for (const Rule& rule : matcher_->rules().rules()) {
    rule_matches_.push_back(parts_.metrics->Counter("fleetmedic_stream_rule_matches_total",
                                                    "Lines that a rule matched.",
                                                    {{"rule", rule.name}}));
  }
  NumberRules();
}

void StreamRole::NumberRules() {
  rule_patterns_.clear();
  for (const Rule& rule : matcher_->rules().rules()) {
    rule_patterns_.push_back(
        counter_.NumberOf({rule.name, PatternKind::kRule, rule.version, TextOf(rule), kWallNever}));
  }
}

void StreamRole::Turn(MonoTime now) {
  next_wake_ = now + kPollEvery;
  if (parts_.templates != nullptr) parts_.templates->Turn(now);
  if (std::shared_ptr<const RuleSet> rules = reload_.Turn(now)) {
    if (parts_.on_rules) parts_.on_rules(*rules);
    SetRules(std::move(rules));
  }
  // What an earlier turn could not settle comes first: nothing is read past it.
  if (uncommitted_ && !Settle(now)) return;
  if (!OpenReader()) return;
  Result<std::vector<LogRecord>> records = reader_->Poll(kRecordsPerTurn);
  if (!records) {
    log_errors_.Add();
    LogWarning("cannot read the logs", {{"error", records.error().message}});
    return;
  }
  for (const LogRecord& record : *records) ReadRecord(record);
  Replan();
  ShowMatching();
  if (!records->empty() && !std::exchange(uncommitted_, true)) counts_due_ = now + kCountsEvery;
  if (uncommitted_ && !Settle(now)) return;
  if (uncommitted_) next_wake_ = std::min(next_wake_, counts_due_);
  if (records->size() == kRecordsPerTurn) next_wake_ = now;
  if (now - lag_shown_at_ >= kPollEvery) {
    lag_shown_at_ = now;
    ShowLag();
  }
}

bool StreamRole::OpenReader() {
  if (reader_ != nullptr) return true;
  Result<std::unique_ptr<Reader>> reader = parts_.log->Open(Topic::kLogs, kGroup);
  if (!reader) {
    log_errors_.Add();
    LogWarning("cannot open the logs", {{"error", reader.error().message}});
    return false;
  }
  reader_ = *std::move(reader);
  return true;
}

void StreamRole::ReadRecord(const LogRecord& record) {
  records_read_.Add();
  const std::string position = PositionOf(record);
  const Result<LogFrame> frame =
      LogFrameFrom(record.record.key, record.record.headers, record.record.value);
  if (!frame) return DeadLetter(record, position, frame.error());
  counter_.Begin(record.partition, record.offset, frame->host, frame->source, frame->first_at,
                 parts_.clock->Wall());
  ReadFrame(*frame, position);
}

void StreamRole::Count(const RuleMatch& match, std::string_view line, uint64_t times) {
  rule_matches_[match.rule_index].Add(static_cast<double>(times));
  const std::optional<PatternNumber> pattern = rule_patterns_[match.rule_index];
  if (pattern) counter_.Add(*pattern, line, times, match.captures());
}

void StreamRole::Mine(std::string_view line, uint64_t times) {
  const TemplateRef mined = parts_.templates->Add(line, times);
  auto known = template_patterns_.find(mined.id);
  if (known == template_patterns_.end()) {
    const std::optional<PatternNumber> number =
        counter_.NumberOf({TemplateIdText(mined.id), PatternKind::kTemplate, "",
                           parts_.templates->Text(mined.id), kWallNever});
    if (!number) return;
    known = template_patterns_.emplace(mined.id, *number).first;
  }
  counter_.Add(known->second, line, times, {});
}

void StreamRole::TakeCounts() {
  for (PatternCount& count : counter_.Take()) {
    if (count.kind == PatternKind::kTemplate) parts_.templates->Describe(&count);
    counts_.push_back(RecordOf(count, parts_.clock->Wall()));
  }
  counts_dropped_.Add(static_cast<double>(counter_.dropped() - counts_dropped_told_));
  counts_dropped_told_ = counter_.dropped();
  if (parts_.templates == nullptr) return;
  for (const auto& [from, into] : parts_.templates->TakeMerges()) template_patterns_.erase(from);
  if (counter_.patterns() < kCountedPatternsMax) return;
  // Templates come and go, and nothing waits to be told now: what the counter has gathered is begun
  // anew. Hosts are told again, which changes nothing.
  counter_ = PatternCounter();
  counts_dropped_told_ = 0;
  template_patterns_.clear();
  NumberRules();
}

void StreamRole::ReadFrame(const LogFrame& frame, const std::string& position) {
  lines_read_.Add(static_cast<double>(frame.Written()));
  bytes_read_.Add(static_cast<double>(frame.text.size()));
  const WallTime now = parts_.clock->Wall();
  FrameFindings found;
  const auto take = [&](Finding finding) {
    if (!found.Take(std::move(finding))) findings_over_limit_.Add();
  };
  // Only the kernel tells one thing in several lines that are not one message.
  KernelRecord* const record =
      frame.source == "kernel" ? records_.Of(frame.host, frame.boot_id) : nullptr;
  auto run = frame.repeats.begin();
  const bool trusted = matcher_->Trusts(frame.source);
  TemplateBook* const templates = parts_.templates.get();
  if (!trusted && templates == nullptr) return;
  if (templates != nullptr) templates->Begin(frame, std::min(frame.first_at, now));
  FrameLevels levels(frame);
  if (trusted) matcher_->Look(frame.text, frame.source);
  ForEachLine(frame.text, [&](size_t number, std::string_view line) {
    const bool repeated = run != frame.repeats.end() && run->line + 1 == number;
    const uint64_t times = repeated ? (run++)->times : 1;
    if (record != nullptr && !record->Take(line, frame.first_at)) return;
    bool matched = false;
    const auto on_match = [&](const RuleMatch& match) {
      matched = true;
      if (!match.cancels) Count(match, line, times);
      RuleHit hit = {
          frame.host,           frame.boot_id, match.rule,     match.Unit(), match.Message(),
          match.CaptureTexts(), line,          frame.first_at, position,     times};
      const bool in_record = record != nullptr && record->joined() && !match.cancels;
      std::string_view cgroup = CgroupOfPid(frame, hit.captures);
      if (cgroup.empty() && in_record) cgroup = record->VictimsCgroup(hit.captures);
      if (hit.unit.empty() && match.rule.clear == Clear::kTime) hit.unit = OwnerUnit(cgroup);
      if (in_record && !record->Counts(match.rule.name, hit.unit)) return;
      std::optional<Finding> finding =
          match.cancels ? thresholds_.Cancel(hit) : thresholds_.Add(hit);
      if (!finding) return;
      AddOwner(cgroup, &*finding);
      if (in_record) return record->Add(*std::move(finding));
      // What stands before it is told before it.
      if (record != nullptr) TellRecord(record, frame, position, take);
      take(*std::move(finding));
    };
    if (trusted) matcher_->MatchLooked(line, on_match);
    const bool alone = !matched && (record == nullptr || !record->joined());
    if (templates != nullptr && alone && levels.Warns(static_cast<uint32_t>(number - 1), line)) {
      Mine(line, times);
    }
  });
  if (record != nullptr) TellRecord(record, frame, position, take);
  for (const Finding& finding : found.Settled()) {
    if (finding.condition.verdict == Verdict::kOk) cancels_.Add();
    findings_.push_back(RecordOf(finding, now));
  }
  windows_.Set(static_cast<double>(thresholds_.windows()));
  windows_dropped_.Add(static_cast<double>(thresholds_.dropped() - windows_dropped_told_));
  windows_dropped_told_ = thresholds_.dropped();
}

void StreamRole::Replan() {
  for (MadePlan& made : plans_->TakeAll()) {
    if (made.rules != rules_) continue;
    matcher_->Use(std::move(made.plan));
    match_plans_.Add();
  }
  if (!matcher_->WantsPlan()) return;
  const auto work = [plans = plans_, rules = rules_, planning = matcher_->Planning()] {
    plans->Post({rules, planning()});
  };
  // A queue that is full has other work to do, and this is short.
  if (parts_.workers == nullptr || !parts_.workers->Submit("match plan", work)) work();
}

void StreamRole::ShowMatching() {
  const MatchCounts& counts = matcher_->counts();
  candidate_lines_.Add(
      static_cast<double>(counts.candidate_lines - matching_told_.candidate_lines));
  hot_literals_.Add(static_cast<double>(counts.hot_literals - matching_told_.hot_literals));
  programs_gave_up_.Add(static_cast<double>(counts.gave_up - matching_told_.gave_up));
  residual_patterns_.Set(static_cast<double>(matcher_->plan().residual_patterns().size()));
  matching_told_ = counts;
}

void StreamRole::TellRecord(KernelRecord* record, const LogFrame& frame,
                            const std::string& position, absl::FunctionRef<void(Finding)> take) {
  for (Finding& finding : record->Told(frame.first_at, position)) take(std::move(finding));
}

void StreamRole::DeadLetter(const LogRecord& record, const std::string& position,
                            const Error& why) {
  LogWarning("unreadable log frame", {{"position", position}, {"error", why.message}});
  Record letter;
  letter.key = position;
  // The engine of the logs may have taken what ours never would.
  letter.value = record.record.value.substr(0, Record::kValueBytesMax);
  letter.timestamp = parts_.clock->Wall();
  letter.headers = {{"reason", why.message},
                    {"origin", position},
                    {"topic", std::string(TopicName(Topic::kLogs))},
                    {"origin_key", VisibleText(record.record.key.substr(0, Record::kKeyBytesMax))}};
  if (letter.value.size() < record.record.value.size()) {
    letter.headers.emplace_back("origin_bytes", std::to_string(record.record.value.size()));
  }
  for (const auto& [name, value] : record.record.headers) {
    if (letter.headers.size() == Record::kHeadersMax) break;
    // Cut, so that a record whose headers fill their limit still fits with ours.
    letter.headers.emplace_back("origin_" + name.substr(0, kOriginHeaderBytesMax),
                                value.substr(0, kOriginHeaderBytesMax));
  }
  dead_letters_.push_back(std::move(letter));
}

bool StreamRole::AppendAll(Topic topic, std::vector<Record>* records,
                           const MetricCounter& written) {
  while (!records->empty()) {
    const size_t count = std::min(records->size(), kBatchRecordsMax);
    const std::span<const Record> batch(records->data(), count);
    const Status all = parts_.log->Append(topic, batch);
    // One of them breaks a limit: the others must not wait for it for ever.
    const bool invalid = !all && all.error().code == Code::kInvalidArgument;
    if (!all && !(invalid && AppendEach(topic, batch))) {
      log_errors_.Add();
      LogWarning("cannot write to the log; trying again",
                 {{"topic", TopicName(topic)}, {"error", all.error().message}});
      return false;
    }
    written.Add(static_cast<double>(count));
    records->erase(records->begin(), records->begin() + static_cast<std::ptrdiff_t>(count));
  }
  return true;
}

bool StreamRole::AppendEach(Topic topic, std::span<const Record> records) {
  for (const Record& record : records) {
    const Status one = parts_.log->Append(topic, std::span(&record, 1));
    if (one) continue;
    if (one.error().code != Code::kInvalidArgument) return false;
    refused_records_.Add();
    LogError("the log refuses a record of ours; it is lost",
             {{"topic", TopicName(topic)}, {"key", record.key}, {"error", one.error().message}});
  }
  return true;
}

bool StreamRole::Settle(MonoTime now) {
  if (!AppendAll(Topic::kFindings, &findings_, findings_written_)) return false;
  if (!AppendAll(Topic::kDeadLetter, &dead_letters_, dead_letters_written_)) return false;
  if (now < counts_due_) return true;
  TakeCounts();
  if (!AppendAll(Topic::kCounts, &counts_, counts_written_)) return false;
  const Status committed = reader_->Commit();
  if (!committed) {
    log_errors_.Add();
    LogWarning("cannot keep the place in the logs; trying again",
               {{"error", committed.error().message}});
    return false;
  }
  uncommitted_ = false;
  return true;
}

void StreamRole::ShowLag() {
  const Result<Reader::Lag> lag = reader_->Behind();
  if (!lag) return log_errors_.Add();
  lag_records_.Set(static_cast<double>(lag->records));
  const Micros age = lag->oldest == kWallNever ? Micros(0) : parts_.clock->Wall() - lag->oldest;
  // A record from the future is a clock's fault and no lag.
  lag_seconds_.Set(static_cast<double>(std::max(age, Micros(0)).count()) / 1e6);
}

}  // namespace fleetmedic
