// What people use today, on the same lines and rules, on the same one processor.
#include <sys/resource.h>

#include <algorithm>
#include <cstdio>
#include <set>

#include <fmt/format.h>

#include "base/child_process.h"
#include "base/file.h"
#include "base/text.h"
#include "bench/peer_packages.h"
#include "bench/re2_set.h"
#include "bench/rule_literals.h"
#include "bench/stream_parts.h"
#include "stream/line_pattern.h"

namespace fleetmedic {
namespace {

constexpr size_t kRules = 1000;
constexpr double kMatching = 0.001;
constexpr int kProgramRuns = 3;
constexpr Minutes kProgramMax{5};
// A loop over a thousand expressions takes so long that few lines must do; they are taken from all
// over the corpus.
constexpr size_t kLoopLines = 2000;
constexpr size_t kSetLines = 100'000;
constexpr std::string_view kRipgrep =
    "--no-config --no-unicode --text --threads 1 "
    "--no-filename --no-line-number --color never "
    "--regex-size-limit 4G --dfa-size-limit 4G";

double ChildrenCpu() {
  rusage usage{};
  (void)::getrusage(RUSAGE_CHILDREN, &usage);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) * 1e-6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

// Every so-many-th line, so that all kinds of log are among them.
std::vector<std::string_view> LinesOf(const LogCorpus& log, size_t count) {
  std::vector<std::string_view> lines;
  const size_t step = std::max<size_t>(1, log.lines / count);
  size_t number = 0;
  for (const CorpusFrame& made : log.frames) {
    ForEachLine(made.frame.text, [&](size_t, std::string_view line) {
      if (number++ % step == 0 && lines.size() < count) lines.push_back(line);
    });
  }
  return lines;
}

Status MeasureRe2(const StreamCorpus& corpus, BenchRun* run) {
  std::vector<Rule> rules;
  std::vector<LinePattern> patterns;
  for (const RuleSample& sample : corpus.samples) {
    rules.push_back(sample.rule);
    FLEETMEDIC_ASSIGN_OR_RETURN(LinePattern pattern,
                                LinePattern::Compile(sample.rule.pattern, sample.rule.ignore_case));
    patterns.push_back(std::move(pattern));
  }
  uint64_t matches = 0;
  std::vector<std::string_view> captures;
  const std::vector<std::string_view> few = LinesOf(corpus.log, kLoopLines);
  const std::vector<double> looping = run->CpuSeconds([&] {
    for (const std::string_view line : few) {
      for (const LinePattern& pattern : patterns) {
        matches += pattern.Match(line, &captures) ? 1 : 0;
      }
    }
  });
  run->AddRate("peer_re2_loop", "k lines/s", static_cast<double>(few.size()), looping);
  FLEETMEDIC_ASSIGN_OR_RETURN(Re2Set set, Re2Set::Compile(rules));
  const std::vector<std::string_view> more = LinesOf(corpus.log, kSetLines);
  const std::vector<double> at_once = run->CpuSeconds([&] {
    for (const std::string_view line : more) matches += set.Match(line);
  });
  FLEETMEDIC_CHECK(matches > 0);
  run->AddRate("peer_re2_set", "k lines/s", static_cast<double>(more.size()), at_once);
  return {};
}

// The corpus and the rules as files, where programs find them.
class Files {
 public:
  explicit Files(const std::string& folder) : folder_(folder) {}

  Status Write(const StreamCorpus& corpus) {
    std::string all;
    all.reserve(corpus.log.bytes);
    for (const CorpusFrame& made : corpus.log.frames) all += made.frame.text;
    FLEETMEDIC_RETURN_IF_ERROR(WriteFileAtomic(folder_ + "/corpus", all));
    FLEETMEDIC_RETURN_IF_ERROR(WriteFileAtomic(folder_ + "/empty", ""));
    std::string rules;
    std::string fixed;
    std::set<std::string> seen;
    for (const RuleSample& sample : corpus.samples) {
      const Rule& rule = sample.rule;
      rules += RustPattern(rule.pattern, rule.ignore_case) + "\n";
      for (const std::string& literal : RequiredLiterals(rule.pattern)) {
        if (seen.insert(literal).second) fixed += literal + "\n";
      }
    }
    FLEETMEDIC_RETURN_IF_ERROR(WriteFileAtomic(folder_ + "/rules", rules));
    return WriteFileAtomic(folder_ + "/fixed", fixed);
  }

  const std::string& folder() const { return folder_; }

 private:
  const std::string folder_;
};

struct ProgramPeer {
  std::string name;
  // For sh; {0} is the file that is read, {1} is ripgrep.
  std::string shell;
};

struct ProgramRun {
  double seconds = 0;
  uint64_t lines = 0;  // that it says match
};

Result<ProgramRun> RunOnce(const ProgramPeer& peer, const Files& files, const std::string& root,
                           std::string_view input, const Clock& clock) {
  Command command;
  const std::string ripgrep = fmt::format("{}/usr/bin/rg {}", root, kRipgrep);
  command.argv = {"/bin/sh", "-c", fmt::format(fmt::runtime(peer.shell), input, ripgrep)};
  command.cwd = files.folder();
  command.env.emplace_back("LC_ALL=C");
  const double before = ChildrenCpu();
  FLEETMEDIC_ASSIGN_OR_RETURN(const CommandResult done,
                              RunCommand(command, clock, clock.Mono() + kProgramMax));
  ProgramRun one{.seconds = ChildrenCpu() - before};
  // 1: no line matched.
  if (done.status.signal != 0 || done.status.exit_code > 1) {
    return Fail(Code::kUnavailable, Quote(Trim(done.standard_error), 300));
  }
  const std::string said(Trim(done.standard_output));
  one.lines = said.empty() ? 0 : std::stoull(said);
  return one;
}

Status MeasureProgram(const ProgramPeer& peer, const Files& files, const std::string& root,
                      const LogCorpus& log, const Clock& clock, BenchRun* run) {
  // What it takes to read the rules is not counted: it is once for all lines.
  FLEETMEDIC_ASSIGN_OR_RETURN(const ProgramRun start, RunOnce(peer, files, root, "empty", clock));
  std::vector<double> seconds;
  uint64_t lines = 0;
  for (int i = 0; i < kProgramRuns; ++i) {
    FLEETMEDIC_ASSIGN_OR_RETURN(const ProgramRun one, RunOnce(peer, files, root, "corpus", clock));
    seconds.push_back(std::max(one.seconds - start.seconds, 1e-6));
    lines = one.lines;
  }
  run->AddRate("peer_" + peer.name, "k lines/s", static_cast<double>(log.lines), seconds);
  run->Add({.name = "peer_" + peer.name + "_lines",
            .unit = "x right",
            .value = static_cast<double>(lines) / static_cast<double>(log.matching)});
  return {};
}

}  // namespace

Status BenchPeers(BenchRun* run) {
  if (!run->options().peers) return {};
  FLEETMEDIC_ASSIGN_OR_RETURN(const StreamCorpus* const corpus, run->Corpus(kRules, kMatching));
  FLEETMEDIC_RETURN_IF_ERROR(MeasureRe2(*corpus, run));
  const SystemClock clock;
  constexpr std::string_view kPackages[] = {"ripgrep"};
  const Result<std::string> root = UnpackPackages(kPackages, FLEETMEDIC_PEERS "/stream", clock);
  if (!root) fmt::print(stderr, "bench_stream: no ripgrep: {}\n", root.error().message);
  const TempFolder folder;
  Files files(folder.path());
  FLEETMEDIC_RETURN_IF_ERROR(files.Write(*corpus));
  const std::vector<ProgramPeer> peers = {
      {"rg", "{1} --count -f rules -- {0}"},
      {"rg_two_stages", "{1} -F -f fixed -- {0} | {1} --count -f rules -"},
      {"grep_fixed", "grep --text -F --count -f fixed -- {0}"},
  };
  for (const ProgramPeer& peer : peers) {
    if (!root && peer.name.starts_with("rg")) continue;
    const Status measured = MeasureProgram(peer, files, root.value_or(""), corpus->log, clock, run);
    if (!measured) {
      fmt::print(stderr, "bench_stream: no {}: {}\n", peer.name, measured.error().message);
    }
  }
  return {};
}

}  // namespace fleetmedic
