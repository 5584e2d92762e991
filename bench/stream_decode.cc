// What a line costs from a compressed record of the log on: to what a stream keeps of it, and in
// the stream role as a whole.
#include <array>
#include <functional>
#include <memory>
#include <optional>

#include "base/lz4.h"
#include "base/metrics.h"
#include "bench/stream_parts.h"
#include "eventlog/event_log.h"
#include "model/log_frame.h"
#include "stream/pattern_counter.h"
#include "stream/stream_role.h"
#include "stream/thresholds.h"

namespace fleetmedic {
namespace {

constexpr size_t kRules = 1000;
constexpr double kMatching = 0.001;

// What a stream does with what matched: captures, the threshold's window, the counts of hosts and
// of values by the minute, a metric.
class Consumer {
 public:
  explicit Consumer(const RuleSet& rules) {
    lines_ = metrics_.Counter("fleetmedic_bench_lines_total", "Log lines read.");
    for (const Rule& rule : rules.rules()) {
      matches_.push_back(metrics_.Counter("fleetmedic_bench_rule_matches_total",
                                          "Lines that matched.", {{"rule", rule.name}}));
      patterns_.push_back(counter_.NumberOf({.pattern = rule.name, .version = rule.version}));
    }
  }

  Status Take(const Record& record, int64_t offset, Matcher* matcher) {
    FLEETMEDIC_ASSIGN_OR_RETURN(const LogFrame frame,
                                LogFrameFrom(record.key, record.headers, record.value));
    lines_.Add(static_cast<double>(frame.Written()));
    counter_.Begin(0, offset, frame.host, frame.source, frame.first_at, frame.first_at);
    matcher->MatchText(
        frame.text, frame.source, [&](size_t, std::string_view line, const RuleMatch& match) {
          matches_[match.rule_index].Add(1);
          ++matched_;
          const std::optional<PatternNumber> pattern = patterns_[match.rule_index];
          if (pattern) counter_.Add(*pattern, line, 1, match.captures());
          const RuleHit hit = {
              frame.host,           frame.boot_id, match.rule,     match.Unit(), match.Message(),
              match.CaptureTexts(), line,          frame.first_at, "logs/0@1",   1};
          findings_ += thresholds_.Add(hit) ? 1 : 0;
        });
    LetPlan(matcher);
    return {};
  }
  void EndOfRun() { counts_ += counter_.Take().size(); }

  uint64_t matched() const { return matched_; }

 private:
  Metrics metrics_;
  MetricCounter lines_;
  std::vector<MetricCounter> matches_;
  PatternCounter counter_;
  std::vector<std::optional<PatternNumber>> patterns_;
  Thresholds thresholds_;
  uint64_t matched_ = 0;
  uint64_t findings_ = 0;
  uint64_t counts_ = 0;
};

// A log in memory that hands out copies of the same records again and again and takes what is
// written for nothing, so that the role is measured and no engine.
class ReplayLog final : public EventLog {
 public:
  explicit ReplayLog(const std::vector<Record>* records) : records_(records) {}

  void Rewind() { next_ = 0; }
  bool at_end() const { return next_ == records_->size(); }
  uint64_t appended(Topic topic) const { return appended_[static_cast<size_t>(topic)]; }

  Status Append(Topic topic, std::span<const Record> records) override {
    appended_[static_cast<size_t>(topic)] += records.size();
    return {};
  }
  Result<std::unique_ptr<Reader>> Open(Topic, std::string_view) override {
    return std::make_unique<ReplayReader>(this);
  }
  Result<std::unique_ptr<Reader>> OpenAt(Topic, std::span<const Position>) override {
    return std::make_unique<ReplayReader>(this);
  }
  Result<std::unique_ptr<Reader>> OpenPartition(Topic, Position) override {
    return std::make_unique<ReplayReader>(this);
  }
  std::unique_ptr<Subscription> Subscribe(std::span<const Topic>, std::function<void()>) override {
    return std::make_unique<Subscription>();
  }

 private:
  class ReplayReader final : public Reader {
   public:
    explicit ReplayReader(ReplayLog* log) : log_(log) {}
    Result<std::vector<LogRecord>> Poll(size_t records_max) override {
      std::vector<LogRecord> records;
      for (; records.size() < records_max && !log_->at_end(); ++log_->next_) {
        records.push_back({(*log_->records_)[log_->next_], 0, static_cast<int64_t>(log_->next_)});
      }
      return records;
    }
    Status Commit() override { return {}; }
    std::vector<Position> Positions() const override {
      return {{0, static_cast<int64_t>(log_->next_)}};
    }
    Result<Lag> Behind() const override { return Lag{}; }

   private:
    ReplayLog* const log_;
  };

  const std::vector<Record>* const records_;
  size_t next_ = 0;
  std::array<uint64_t, std::tuple_size_v<decltype(kTopics)>> appended_{};
};

Status MeasureConsumer(const StreamCorpus& corpus, const std::vector<Record>& records,
                       BenchRun* run) {
  Matcher matcher(corpus.rules);
  Consumer consumer(*corpus.rules);
  Status failed;
  const std::vector<double> seconds = run->CpuSeconds([&] {
    int64_t offset = 0;
    for (const Record& record : records) {
      const Status taken = consumer.Take(record, offset++, &matcher);
      if (!taken) failed = taken;
    }
    consumer.EndOfRun();
  });
  FLEETMEDIC_RETURN_IF_ERROR(std::move(failed));
  if (consumer.matched() < corpus.log.matching * seconds.size()) {
    return Fail(Code::kCorrupt, "decode: fewer lines matched than do");
  }
  run->AddRate("decode_match_capture_count", "k lines/s", static_cast<double>(corpus.log.lines),
               seconds, 8000, 12'000);
  return {};
}

Status MeasureRole(const StreamCorpus& corpus, const std::vector<Record>& records, BenchRun* run) {
  ReplayLog log(&records);
  SimulatedClock clock;
  Metrics metrics;
  StreamRole role(corpus.rules, {.clock = &clock, .log = &log, .metrics = &metrics});
  const std::vector<double> seconds = run->CpuSeconds([&] {
    for (log.Rewind(); !log.at_end();) role.Turn(clock.Mono());
    clock.Advance(Minutes(1));
  });
  if (log.appended(Topic::kFindings) == 0 || log.appended(Topic::kDeadLetter) != 0) {
    return Fail(Code::kCorrupt, "stream_role: no findings, or dead letters");
  }
  run->AddRate("stream_role", "k lines/s", static_cast<double>(corpus.log.lines), seconds);
  return {};
}

}  // namespace

Status BenchDecode(BenchRun* run) {
  FLEETMEDIC_ASSIGN_OR_RETURN(const StreamCorpus* const corpus, run->Corpus(kRules, kMatching));
  std::vector<Record> records;
  uint64_t packed = 0;
  for (const CorpusFrame& made : corpus->log.frames) {
    records.push_back({made.frame.host.str(), Lz4Compress(made.frame.text),
                       LogFrameHeaders(made.frame), made.frame.first_at});
    records.back().headers.emplace_back("content-encoding", "lz4");
    packed += records.back().value.size();
  }
  run->Add({.name = "corpus_packed",
            .unit = "% bytes",
            .value = 100 * static_cast<double>(packed) / static_cast<double>(corpus->log.bytes)});
  Status failed;
  uint64_t bytes = 0;
  const std::vector<double> seconds = run->CpuSeconds([&] {
    for (const Record& record : records) {
      const Result<LogFrame> frame = LogFrameFrom(record.key, record.headers, record.value);
      if (!frame) failed = tl::unexpected(frame.error());
      if (frame) bytes += frame->text.size();
    }
  });
  FLEETMEDIC_RETURN_IF_ERROR(std::move(failed));
  run->AddRate("decode_alone", "k lines/s", static_cast<double>(corpus->log.lines), seconds);
  FLEETMEDIC_RETURN_IF_ERROR(MeasureConsumer(*corpus, records, run));
  return MeasureRole(*corpus, records, run);
}

}  // namespace fleetmedic
