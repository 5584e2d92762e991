// What matching costs beside what the machine could do.
#include <cstring>
#include <optional>

#include <fmt/format.h>

#include "base/lz4.h"
#include "base/metrics.h"
#include "bench/stream_parts.h"
#include "model/log_frame.h"
#include "stream/thresholds.h"

namespace fleetmedic {
namespace {

constexpr size_t kManyRules = 1000;
constexpr size_t kMostRules = 5000;
constexpr double kFew = 0.001;
constexpr double kMany = 0.1;
// Larger than any cache.
constexpr size_t kReadBytes = size_t{256} << 20;

// What work did, so that a compiler cannot leave it out.
struct Seen {
  uint64_t lines = 0;    // that some rule matched
  uint64_t matches = 0;  // of rules
};

Status MeasureMatching(std::string name, size_t rules, double share, double must, double goal,
                       BenchRun* run) {
  FLEETMEDIC_ASSIGN_OR_RETURN(const StreamCorpus* const corpus, run->Corpus(rules, share));
  Matcher matcher(corpus->rules);
  Seen seen;
  const std::vector<double> seconds = run->CpuSeconds([&] {
    seen = {};
    for (const CorpusFrame& made : corpus->log.frames) {
      size_t last = 0;
      matcher.MatchText(made.frame.text, made.frame.source,
                        [&](size_t number, std::string_view, const RuleMatch&) {
                          seen.lines += number != last ? 1 : 0;
                          seen.matches += 1;
                          last = number;
                        });
    }
  });
  if (seen.lines != corpus->log.matching) {
    return Fail(Code::kCorrupt,
                fmt::format("{}: {} lines matched, {} do", name, seen.lines, corpus->log.matching));
  }
  run->AddRate(std::move(name), "k lines/s", static_cast<double>(corpus->log.lines), seconds, must,
               goal);
  return {};
}

struct PackedRecord {
  std::string key;
  LogFrameHeaderList headers;
  std::string value;
};

// What a stream does with what matched: captures, the threshold's window, a counter of the rule.
class Consumer {
 public:
  explicit Consumer(const RuleSet& rules) {
    lines_ = metrics_.Counter("fleetmedic_bench_lines_total", "Log lines read.");
    for (const Rule& rule : rules.rules()) {
      matches_.push_back(metrics_.Counter("fleetmedic_bench_rule_matches_total",
                                          "Lines that matched.", {{"rule", rule.name}}));
    }
  }

  Status Take(const PackedRecord& record, Matcher* matcher) {
    FLEETMEDIC_ASSIGN_OR_RETURN(const LogFrame frame,
                                LogFrameFrom(record.key, record.headers, record.value));
    lines_.Add(static_cast<double>(frame.Written()));
    matcher->MatchText(
        frame.text, frame.source, [&](size_t, std::string_view line, const RuleMatch& match) {
          matches_[match.rule_index].Add(1);
          ++matched_;
          const RuleHit hit = {
              frame.host,           frame.boot_id, match.rule,     match.Unit(), match.Message(),
              match.CaptureTexts(), line,          frame.first_at, "logs/0@1",   1};
          findings_ += thresholds_.Add(hit) ? 1 : 0;
        });
    return {};
  }

  uint64_t matched() const { return matched_; }

 private:
  Metrics metrics_;
  MetricCounter lines_;
  std::vector<MetricCounter> matches_;
  Thresholds thresholds_;
  uint64_t matched_ = 0;
  uint64_t findings_ = 0;
};

}  // namespace

Status BenchLimits(BenchRun* run) {
  FLEETMEDIC_ASSIGN_OR_RETURN(const StreamCorpus* const corpus, run->Corpus(kManyRules, kFew));
  const LogCorpus& log = corpus->log;
  const double line_bytes = static_cast<double>(log.bytes) / static_cast<double>(log.lines);
  run->Add({.name = "corpus_line", .unit = "bytes", .value = line_bytes});
  // glibc's memchr, with the widest registers there are, for a byte that is not there.
  const std::string memory(kReadBytes, 'x');
  const void* found = nullptr;
  const std::vector<double> reading =
      run->CpuSeconds([&] { found = std::memchr(memory.data(), '\n', memory.size()); });
  FLEETMEDIC_CHECK(found == nullptr);
  run->AddRate("limit_read", "MB/s", static_cast<double>(kReadBytes) / 1000, reading);
  run->AddRate("limit_read_as_lines", "k lines/s", static_cast<double>(kReadBytes) / line_bytes,
               reading);
  uint64_t lines = 0;
  const std::vector<double> walking = run->CpuSeconds([&] {
    lines = 0;
    for (const CorpusFrame& made : log.frames) {
      const char* at = made.frame.text.data();
      const char* const end = at + made.frame.text.size();
      while (at != end) {
        at = static_cast<const char*>(std::memchr(at, '\n', static_cast<size_t>(end - at))) + 1;
        ++lines;
      }
    }
  });
  FLEETMEDIC_CHECK(lines == log.lines);
  run->AddRate("limit_line_ends", "k lines/s", static_cast<double>(lines), walking);
  return {};
}

Status BenchMatching(BenchRun* run) {
  FLEETMEDIC_RETURN_IF_ERROR(
      MeasureMatching("match_1000_rules", kManyRules, kFew, 12'000, 20'000, run));
  FLEETMEDIC_RETURN_IF_ERROR(
      MeasureMatching("match_1000_rules_10_percent", kManyRules, kMany, 3000, 4500, run));
  return MeasureMatching("match_5000_rules", kMostRules, kFew, 5000, 8000, run);
}

Status BenchDecode(BenchRun* run) {
  FLEETMEDIC_ASSIGN_OR_RETURN(const StreamCorpus* const corpus, run->Corpus(kManyRules, kFew));
  std::vector<PackedRecord> records;
  uint64_t packed = 0;
  for (const CorpusFrame& made : corpus->log.frames) {
    records.push_back(
        {made.frame.host.str(), LogFrameHeaders(made.frame), Lz4Compress(made.frame.text)});
    records.back().headers.emplace_back("content-encoding", "lz4");
    packed += records.back().value.size();
  }
  run->Add({.name = "corpus_packed",
            .unit = "% bytes",
            .value = 100 * static_cast<double>(packed) / static_cast<double>(corpus->log.bytes)});
  const double lines = static_cast<double>(corpus->log.lines);
  Status failed;
  uint64_t bytes = 0;
  const std::vector<double> unpacking = run->CpuSeconds([&] {
    for (const PackedRecord& record : records) {
      const Result<LogFrame> frame = LogFrameFrom(record.key, record.headers, record.value);
      if (!frame) failed = tl::unexpected(frame.error());
      if (frame) bytes += frame->text.size();
    }
  });
  FLEETMEDIC_RETURN_IF_ERROR(std::move(failed));
  run->AddRate("decode_alone", "k lines/s", lines, unpacking);
  Matcher matcher(corpus->rules);
  Consumer consumer(*corpus->rules);
  const std::vector<double> all = run->CpuSeconds([&] {
    for (const PackedRecord& record : records) {
      const Status taken = consumer.Take(record, &matcher);
      if (!taken) failed = taken;
    }
  });
  FLEETMEDIC_RETURN_IF_ERROR(std::move(failed));
  if (consumer.matched() < corpus->log.matching * all.size()) {
    return Fail(Code::kCorrupt, "decode: fewer lines matched than do");
  }
  run->AddRate("decode_match_capture_count", "k lines/s", lines, all, 8000, 12'000);
  return {};
}

}  // namespace fleetmedic
