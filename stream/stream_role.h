// The stream as a role: log frames in, findings out.
//
// One turn reads at most kRecordsPerTurn records of fleetmedic.logs. What they led to is durable in
// fleetmedic.findings and fleetmedic.dead-letter when the turn ends, and in fleetmedic.counts
// within kCountsEvery; only then is the place in the logs. After a crash or an error the same
// records are read again and may lead to the same findings and counts again: Finding::position
// tells those that read them, and counts are sets. Windows below their threshold are not durable:
// a restart begins them anew.
#ifndef FLEETMEDIC_STREAM_STREAM_ROLE_H_
#define FLEETMEDIC_STREAM_STREAM_ROLE_H_

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "base/clock.h"
#include "base/inbox.h"
#include "base/metrics.h"
#include "base/role.h"
#include "base/workers.h"
#include "eventlog/event_log.h"
#include "model/log_frame.h"
#include "stream/frame_findings.h"
#include "stream/kernel_record.h"
#include "stream/matcher.h"
#include "stream/pattern_counter.h"
#include "stream/rule_reload.h"
#include "stream/template_book.h"
#include "stream/thresholds.h"

namespace fleetmedic {

class StreamRole final : public Role {
 public:
  static constexpr std::string_view kGroup = "stream";
  static constexpr size_t kRecordsPerTurn = 64;
  // The log is asked this often even when nothing woke us, and again after an error.
  static constexpr Millis kPollEvery = Seconds(1);
  // Counts of patterns are gathered so long.
  static constexpr Millis kCountsEvery = Seconds(1);
  // Of one call of Append.
  static constexpr size_t kBatchRecordsMax = 100;

  // What the role works with. Not owned; stays as long as the role. `wake` is the loop's, or
  // empty; it is called from any thread.
  struct Parts {
    const Clock* clock = nullptr;
    EventLog* log = nullptr;
    Metrics* metrics = nullptr;
    std::function<void()> wake;
    ThresholdLimits limits;
    // Null: lines that no rule matches are not mined.
    std::unique_ptr<TemplateBook> templates = nullptr;
    // For what takes longer than a turn may; null: it is done in the turn.
    Workers* workers = nullptr;
    // Where rules come from that change while we run; null: they do not.
    std::shared_ptr<RuleWatch> rule_watch;
    std::shared_ptr<RuleBook> rule_book;  // told of them; or null
    // Told of new rules just before the first line that is matched against them.
    std::function<void(const RuleSet&)> on_rules;
  };

  StreamRole(std::shared_ptr<const RuleSet> rules, Parts parts);

  std::string_view name() const override { return "stream"; }
  void Turn(MonoTime now) override;
  MonoTime NextWake() const override { return next_wake_; }

  // Takes effect with the next record. Between turns only, by the thread that turns.
  void SetRules(std::shared_ptr<const RuleSet> rules);

 private:
  // False where there is nothing to read with yet.
  bool OpenReader();
  void ReadRecord(const LogRecord& record);
  void ReadFrame(const LogFrame& frame, const std::string& position);
  static void TellRecord(KernelRecord* record, const LogFrame& frame, const std::string& position,
                         absl::FunctionRef<void(Finding)> take);
  void DeadLetter(const LogRecord& record, const std::string& position, const Error& why);
  void NumberRules();
  // Counts a line that the rule matched for its host and minute.
  void Count(const RuleMatch& match, std::string_view line, uint64_t times);
  // Counts a line that no rule matched for its template.
  void Mine(std::string_view line, uint64_t times);
  // Makes what was counted records that are to be written.
  void TakeCounts();
  // Makes what was read durable; the counts and then the place when they are due. False: the same
  // again in a later turn.
  bool Settle(MonoTime now);
  // Takes the records off the list as the log takes them. False where it does not for now; what it
  // can never take is left out.
  bool AppendAll(Topic topic, std::vector<Record>* records, const MetricCounter& written);
  bool AppendEach(Topic topic, std::span<const Record> records);
  void ShowLag();
  // Takes a plan of matching that was made, and lets one be made that is wanted.
  void Replan();
  void ShowMatching();

  // A plan, and the rules that it is for.
  struct MadePlan {
    std::shared_ptr<const RuleSet> rules;
    std::shared_ptr<const MatchPlan> plan;
  };

  const Parts parts_;
  std::shared_ptr<const RuleSet> rules_;
  std::optional<Matcher> matcher_;
  const std::shared_ptr<Inbox<MadePlan>> plans_;
  RuleReload reload_;
  Thresholds thresholds_;
  KernelRecords records_;
  std::unique_ptr<Reader> reader_;
  PatternCounter counter_;
  std::vector<std::optional<PatternNumber>> rule_patterns_;         // by the index of the rule
  absl::flat_hash_map<uint64_t, PatternNumber> template_patterns_;  // by the template
  std::vector<Record> findings_;
  std::vector<Record> dead_letters_;
  std::vector<Record> counts_;
  bool uncommitted_ = false;
  MonoTime counts_due_{};
  MonoTime next_wake_{};
  MonoTime lag_shown_at_{};
  uint64_t windows_dropped_told_ = 0;
  uint64_t counts_dropped_told_ = 0;
  MatchCounts matching_told_;

  std::vector<MetricCounter> rule_matches_;  // by the index of the rule
  MetricCounter records_read_;
  MetricCounter lines_read_;
  MetricCounter bytes_read_;
  MetricCounter findings_written_;
  MetricCounter cancels_;
  MetricCounter dead_letters_written_;
  MetricCounter findings_over_limit_;
  MetricCounter windows_dropped_;
  MetricCounter counts_written_;
  MetricCounter counts_dropped_;
  MetricCounter log_errors_;
  MetricCounter refused_records_;
  MetricCounter candidate_lines_;
  MetricCounter hot_literals_;
  MetricCounter programs_gave_up_;
  MetricCounter match_plans_;
  MetricGauge residual_patterns_;
  MetricGauge windows_;
  MetricGauge lag_records_;
  MetricGauge lag_seconds_;
  // Last: its end stops the wakes before anything that they could meet is gone.
  std::unique_ptr<Subscription> subscription_;
};

}  // namespace fleetmedic

#endif  // FLEETMEDIC_STREAM_STREAM_ROLE_H_
