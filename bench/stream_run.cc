#include <time.h>

#include <algorithm>

#include "bench/stream_parts.h"
#include "config/diagnostics.h"

namespace fleetmedic {
namespace {

double ThreadCpu() {
  timespec now{};
  FLEETMEDIC_CHECK(::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now) == 0);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}

// The middle one of each run's value, and how far they are apart.
Figure MedianOf(std::string name, std::string unit, std::vector<double> values) {
  Figure figure{.name = std::move(name), .unit = std::move(unit)};
  figure.value = Percentile(values, 0.5);
  figure.spread = std::ranges::max(values) - std::ranges::min(values);
  return figure;
}

}  // namespace

std::vector<double> BenchRun::CpuSeconds(absl::FunctionRef<void()> work) const {
  work();
  std::vector<double> seconds;
  for (int i = 0; i < runs(); ++i) {
    const double before = ThreadCpu();
    work();
    seconds.push_back(ThreadCpu() - before);
  }
  return seconds;
}

void BenchRun::AddRate(std::string name, std::string unit, double items,
                       const std::vector<double>& seconds, std::optional<double> must,
                       std::optional<double> goal) {
  std::vector<double> rates;
  for (const double one : seconds) rates.push_back(items / one / 1000);
  Figure figure = MedianOf(std::move(name), std::move(unit), std::move(rates));
  figure.must = must;
  figure.goal = goal;
  figure.more_is_better = true;
  Add(std::move(figure));
}

void BenchRun::AddTime(std::string name, std::string unit, double per_second,
                       const std::vector<double>& seconds, std::optional<double> must,
                       std::optional<double> goal) {
  std::vector<double> times;
  for (const double one : seconds) times.push_back(one * per_second);
  Figure figure = MedianOf(std::move(name), std::move(unit), std::move(times));
  figure.must = must;
  figure.goal = goal;
  Add(std::move(figure));
}

Result<const StreamCorpus*> BenchRun::Corpus(size_t rules, double matching) {
  std::unique_ptr<StreamCorpus>& corpus = corpora_[{rules, matching}];
  if (corpus != nullptr) return corpus.get();
  auto made = std::make_unique<StreamCorpus>();
  FLEETMEDIC_ASSIGN_OR_RETURN(made->samples, MakeRules(rules, options_.seed));
  for (const auto& [key, other] : corpora_) {
    if (key.first == rules && other != nullptr) made->rules = other->rules;
  }
  if (made->rules == nullptr) {
    std::vector<Rule> plain;
    for (const RuleSample& sample : made->samples) plain.push_back(sample.rule);
    Diagnostics diagnostics;
    made->rules = RuleSet::Compile(std::move(plain), &diagnostics);
    if (made->rules == nullptr) return Fail(Code::kInvalidArgument, diagnostics.Text());
  }
  LogCorpusOptions options;
  options.seed = options_.seed + 1;
  options.lines = lines();
  options.matching = matching;
  FLEETMEDIC_ASSIGN_OR_RETURN(made->log, MakeLogCorpus(options, made->samples, made->rules));
  corpus = std::move(made);
  return corpus.get();
}

}  // namespace fleetmedic
