// A fleet's log from a seed: frames of many kinds of calm hosts' lines, and among them as many
// lines as is said that rules match.
#ifndef FLEETMEDIC_BENCH_LOG_CORPUS_H_
#define FLEETMEDIC_BENCH_LOG_CORPUS_H_

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "bench/log_rules.h"
#include "model/log_frame.h"
#include "stream/rule_set.h"

namespace fleetmedic {

struct LogCorpusOptions {
  uint64_t seed = 1;
  size_t lines = 1'000'000;
  // Of the lines, those that some rule matches.
  double matching = 0.001;
  // Those that some rule matches but for one word: what the literals of rules are found in for
  // nothing.
  double near_misses = 0.002;
  uint32_t frame_lines = 500;
  uint32_t hosts = 500;
};

struct CorpusFrame {
  LogFrame frame;
  // Of each line, as syslog numbers them: 3 error, 4 warning, 5 notice, 6 information, 7 debug.
  std::vector<uint8_t> levels;
};

struct LogCorpus {
  std::vector<CorpusFrame> frames;
  uint64_t lines = 0;
  uint64_t bytes = 0;  // line ends included
  // Counted with the rules: exactly the share that was asked for.
  uint64_t matching = 0;
};

// Every line is drawn anew. `rules` is the samples' rules compiled; an error names a line that
// should match and does not, or the other way.
Result<LogCorpus> MakeLogCorpus(const LogCorpusOptions& options,
                                std::span<const RuleSample> samples,
                                const std::shared_ptr<const RuleSet>& rules);

}  // namespace fleetmedic

#endif  // FLEETMEDIC_BENCH_LOG_CORPUS_H_
