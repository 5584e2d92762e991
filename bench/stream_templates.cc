// What mining templates costs, and telling which lines are worth it.
#include <malloc.h>

#include <fmt/format.h>

#include "bench/stream_parts.h"
#include "stream/line_level.h"
#include "stream/template_miner.h"

namespace fleetmedic {
namespace {

constexpr uint8_t kWarningLevel = 4;
constexpr size_t kManyTemplates = 50'000;

struct MinedLine {
  std::string_view line;
  uint32_t frame = 0;
};

// Of one frame after the other; those of warning and above, or all.
std::vector<MinedLine> LinesOf(const LogCorpus& log, bool only_warnings) {
  std::vector<MinedLine> lines;
  for (uint32_t i = 0; i < log.frames.size(); ++i) {
    const CorpusFrame& made = log.frames[i];
    ForEachLine(made.frame.text, [&](size_t number, std::string_view line) {
      if (!only_warnings || made.levels[number - 1] <= kWarningLevel) lines.push_back({line, i});
    });
  }
  return lines;
}

void MineAll(const LogCorpus& log, const std::vector<MinedLine>& lines, TemplateMiner* miner) {
  LineOrigin origin;
  const LogFrame* frame = nullptr;
  for (const MinedLine& one : lines) {
    const LogFrame* const of = &log.frames[one.frame].frame;
    if (frame != of) {
      frame = of;
      origin = {miner->Source(of->source), of->source, of->host.str(), of->first_at, 1};
    }
    miner->Add(one.line, origin);
  }
}

Status MeasureMining(std::string name, const LogCorpus& log, bool only_warnings,
                     std::optional<double> must, std::optional<double> goal, BenchRun* run) {
  const std::vector<MinedLine> lines = LinesOf(log, only_warnings);
  if (lines.empty()) return Fail(Code::kCorrupt, name + ": the log has no such lines");
  // The first run makes the templates; the others find them.
  TemplateMiner miner;
  const std::vector<double> seconds = run->CpuSeconds([&] { MineAll(log, lines, &miner); });
  const auto share = [](uint64_t part, uint64_t of) {
    return 100 * static_cast<double>(part) / static_cast<double>(of);
  };
  const double looked_up = share(miner.stats().looked_up, miner.stats().lines);
  run->Add({.name = name + "_looked_up", .unit = "%", .value = looked_up});
  const std::string templates = name + "_templates";
  run->AddRate(std::move(name), "k lines/s", static_cast<double>(lines.size()), seconds, must,
               goal);
  run->Add({.name = templates, .unit = "", .value = static_cast<double>(miner.templates())});
  return {};
}

void MeasureLevels(const LogCorpus& log, BenchRun* run) {
  const std::vector<MinedLine> lines = LinesOf(log, false);
  uint64_t warnings = 0;
  const std::vector<double> seconds = run->CpuSeconds([&] {
    warnings = 0;
    for (const MinedLine& one : lines) warnings += TextWarns(one.line) ? 1 : 0;
  });
  FLEETMEDIC_CHECK(warnings <= lines.size());
  run->AddRate("level_by_text", "k lines/s", static_cast<double>(lines.size()), seconds);
}

// As many templates as there may be, each with two values of three variables.
void MeasureMemory(BenchRun* run) {
  TemplateMiner miner;
  const LineOrigin origin = {miner.Source("kernel"), "kernel", "web-1", WallTime(Minutes(1)), 1};
  const size_t before = ::mallinfo2().uordblks;
  for (size_t i = 0; i < 2 * kManyTemplates; ++i) {
    std::string word;
    for (size_t rest = i % kManyTemplates + 1; rest > 0; rest /= 26) {
      word += static_cast<char>('a' + rest % 26);
    }
    // Too unlike to be taken for one another.
    miner.Add(fmt::format("{0}a {0}b: unit{1} disk{1} {0}c {0}d {0}e status {1} failed", word, i),
              origin);
  }
  const size_t bytes = ::mallinfo2().uordblks - before;
  run->Add({.name = fmt::format("template_bytes_{}", miner.templates()),
            .unit = "bytes",
            .value = static_cast<double>(bytes) / static_cast<double>(miner.templates())});
}

}  // namespace

Status BenchTemplates(BenchRun* run) {
  constexpr size_t kRules = 1000;
  FLEETMEDIC_ASSIGN_OR_RETURN(const StreamCorpus* const corpus, run->Corpus(kRules, 0.001));
  FLEETMEDIC_RETURN_IF_ERROR(MeasureMining("mine_warnings", corpus->log, true, 1000, 4000, run));
  FLEETMEDIC_RETURN_IF_ERROR(MeasureMining("mine_all_lines", corpus->log, false, {}, {}, run));
  MeasureLevels(corpus->log, run);
  MeasureMemory(run);
  return {};
}

}  // namespace fleetmedic
