// What matching costs beside what the machine could do.
#include <cstring>

#include <fmt/format.h>

#include "bench/stream_parts.h"

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
      LetPlan(&matcher);
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

}  // namespace fleetmedic
