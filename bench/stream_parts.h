// What the parts of bench_stream share, and the parts. Each is measured on the thread that calls
// it, which main pins to one processor: its CPU time, the median of several runs.
#ifndef FLEETMEDIC_BENCH_STREAM_PARTS_H_
#define FLEETMEDIC_BENCH_STREAM_PARTS_H_

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/functional/function_ref.h"
#include "bench/figures.h"
#include "bench/log_corpus.h"
#include "bench/log_rules.h"
#include "stream/matcher.h"

namespace fleetmedic {

// Rules, and a log of which a share of the lines matches them.
struct StreamCorpus {
  std::vector<RuleSample> samples;
  std::shared_ptr<const RuleSet> rules;
  LogCorpus log;
};

class BenchRun {
 public:
  struct Options {
    bool quick = false;  // a tenth of the lines, fewer runs
    bool peers = true;
    uint64_t seed = 1;
  };

  explicit BenchRun(const Options& options) : options_(options) {}

  const Options& options() const { return options_; }
  size_t lines() const { return options_.quick ? 100'000 : 1'000'000; }
  int runs() const { return options_.quick ? 3 : 7; }

  // CPU seconds of this thread for the work: once to warm up, then each of the runs.
  std::vector<double> CpuSeconds(absl::FunctionRef<void()> work) const;
  // The median of the runs with their spread, as `items` in thousands for each second of CPU time:
  // the unit is "k lines/s" for lines. With a must, falling below it is a miss.
  void AddRate(std::string name, std::string unit, double items, const std::vector<double>& seconds,
               std::optional<double> must = {}, std::optional<double> goal = {});
  // The median of the runs with their spread, as `unit` of which a second has `per_second`.
  void AddTime(std::string name, std::string unit, double per_second,
               const std::vector<double>& seconds, std::optional<double> must = {},
               std::optional<double> goal = {});
  void Add(Figure figure) { figures_.push_back(std::move(figure)); }

  // Made when it is first asked for, and kept: `lines()` lines. Takes a few seconds.
  Result<const StreamCorpus*> Corpus(size_t rules, double matching);

  std::vector<Figure> TakeFigures() { return std::move(figures_); }

 private:
  const Options options_;
  std::vector<Figure> figures_;
  std::map<std::pair<size_t, double>, std::unique_ptr<StreamCorpus>> corpora_;
};

// What a role does for its matcher on another thread; here its time counts, in the runs that it
// falls into. Mostly that is the one to warm up.
inline void LetPlan(Matcher* matcher) {
  if (matcher->WantsPlan()) matcher->Use(matcher->Planning()());
}

// The parts; stream.cc has their table.
Status BenchLimits(BenchRun* run);  // what the machine could do: reading memory, finding line ends
Status BenchMatching(BenchRun* run);   // a frame's text to the rules that match
Status BenchDecode(BenchRun* run);     // a compressed record to counters and captures
Status BenchPeers(BenchRun* run);      // ripgrep, grep and RE2 on the same lines and rules
Status BenchTemplates(BenchRun* run);  // lines to templates
Status BenchWindows(BenchRun* run);    // distinct hosts of each pattern, and their test
Status BenchWhy(BenchRun* run);        // what the hit hosts have in common

}  // namespace fleetmedic

#endif  // FLEETMEDIC_BENCH_STREAM_PARTS_H_
