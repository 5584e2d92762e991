// What the hosts that are hit have in common: all of the question, from their numbers to the
// causes.
#include <algorithm>

#include <fmt/format.h>

#include "base/random.h"
#include "bench/stream_parts.h"
#include "stream/attribution.h"
#include "stream/generated_fleet.h"

namespace fleetmedic {
namespace {

constexpr WallTime kNow = WallFromMillis(1'790'000'000'000);
constexpr size_t kQuestions = 40;
constexpr size_t kHitAtFirst = 41;

using Hit = std::vector<HostIndex>;

// Four of five hosts that are hit have a fact, another each time; the fifth is anyone.
std::vector<Hit> Questions(const HostTable& table, size_t hit, Random* random) {
  FactComparison all(table, HostBits(table.told().begin(), table.told().end()), {},
                     kNow - Hours(1));
  std::vector<ComparedFact> facts = all.Facts(0);
  std::erase_if(facts, [&](const ComparedFact& f) {
    return f.hosts < hit || f.hosts * 2 > table.told_hosts();
  });
  std::vector<Hit> questions;
  while (questions.size() < kQuestions) {
    const HostBits bits = all.Bits(facts[random->Below(facts.size())].fact);
    Hit have;
    for (HostIndex h = 0; h < table.index_end(); ++h) {
      if ((bits[h / 64] >> (h % 64) & 1) != 0) have.push_back(h);
    }
    Hit& question = questions.emplace_back();
    for (size_t i = 0; i < hit; ++i) {
      std::swap(have[i], have[i + random->Below(have.size() - i)]);
      const bool is_anyone = i % 5 == 4;
      question.push_back(is_anyone ? static_cast<HostIndex>(random->Below(table.index_end()))
                                   : have[i]);
    }
  }
  return questions;
}

}  // namespace

Status BenchWhy(BenchRun* run) {
  struct Case {
    int hosts;
    size_t hit;
    std::optional<double> must;
    std::optional<double> goal;
  };
  // An issue that was just flagged; and one that nobody stopped.
  constexpr Case kCases[] = {{7000, kHitAtFirst, 1, 0.2},
                             {7000, 400, {}, {}},
                             {100'000, kHitAtFirst, 10, 2},
                             {100'000, 1000, {}, {}},
                             {100'000, 20'000, {}, {}}};
  for (const Case& c : kCases) {
    Random random(run->options().seed);
    const HostTable table = GenerateFleet({.hosts = c.hosts}, kNow, &random);
    const std::vector<Hit> questions = Questions(table, c.hit, &random);
    size_t unexplained = 0;
    const std::vector<double> seconds = run->CpuSeconds([&] {
      unexplained = 0;
      for (const Hit& hit : questions) {
        WhyQuestion question;
        question.hit = hit;
        question.now = kNow;
        unexplained += ExplainHosts(table, question).causes.empty() ? 1 : 0;
      }
    });
    if (unexplained > kQuestions / 10) {
      return Fail(Code::kInvalidArgument,
                  fmt::format("{} of {} questions have no answer: too many to "
                              "measure by",
                              unexplained, kQuestions));
    }
    run->AddTime(fmt::format("why_{}_hosts_{}_hit", c.hosts, c.hit), "ms", 1000.0 / kQuestions,
                 seconds, c.must, c.goal);
    if (c.hit == kHitAtFirst) {
      run->Add({.name = fmt::format("why_{}_hosts_memory", c.hosts),
                .unit = "MiB",
                .value = static_cast<double>(table.MemoryBytes()) / (1 << 20)});
    }
  }
  return {};
}

}  // namespace fleetmedic
