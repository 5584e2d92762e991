// bench_stream [-o json] [--quick] [--no-peers] [--only PART] [--seed N]
//
// What a line costs the stream, beside what this machine could do at best and what people use
// today, all on one processor and on the same lines and rules.
//
//   limit_read, limit_line_ends  glibc's memchr over 256 MiB, and from line end to line end
//   match_...                    a frame's text to its lines that match: exactly 0.1 % of them,
//                                or 10 %. 0.2 % more would but for one word. Both are counted
//   decode_alone                 a record with an LZ4 frame, without checksums, to checked text
//   decode_match_capture_count   and on to captures, thresholds, counts by the minute, metrics
//   stream_role                  the whole role on these records, all that it writes included,
//                                with a log that costs a copy of each record
//   peer_rg..., peer_grep_fixed  ripgrep with the rules, and with their literals before them;
//                                grep with the literals alone. Less what an empty file takes.
//                                ..._lines: what each keeps, in multiples of what matches
//   peer_re2_loop, peer_re2_set  RE2, rule after rule, on 2,000 lines from all over the corpus;
//                                RE2::Set with 1 GiB on 100,000
//   windows_...                  100,000 hosts, 5,000 rules, 50,000 templates: a minute of 116,667
//                                hits, its end alone, a hit that was known, memory
//   mine_warnings, mine_all      lines of level warning and above, and all, to known templates;
//                                ..._looked_up: found by one look-up
//   level_by_text                whether a line is a warning, where its writer did not say
//   template_bytes_...           memory of as many templates, of each
//
// Exit code 1 when a figure misses what it must reach, 2 when the run itself failed.
#include <sched.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <optional>
#include <string>
#include <vector>

#include "bench/stream_parts.h"

namespace fleetmedic {
namespace {

struct Part {
  std::string_view name;  // of --only
  Status (*measure)(BenchRun* run);
};

constexpr Part kParts[] = {
    // One a line, so that two changes that each add one get on.
    {"limits", BenchLimits},        //
    {"match", BenchMatching},       //
    {"decode", BenchDecode},        //
    {"peers", BenchPeers},          //
    {"windows", BenchWindows},      //
    {"templates", BenchTemplates},  //
    {"why", BenchWhy},              //
};

struct Settings {
  BenchRun::Options options;
  bool json = false;
  std::string only;  // of the parts; empty: all
};

std::optional<Settings> ParseSettings(const std::vector<std::string>& args) {
  Settings settings;
  for (size_t i = 0; i < args.size(); ++i) {
    const std::string value = i + 1 < args.size() ? args[i + 1] : "";
    if (args[i] == "--quick") {
      settings.options.quick = true;
    } else if (args[i] == "--no-peers") {
      settings.options.peers = false;
    } else if (args[i] == "-o" && value == "json") {
      settings.json = true;
      ++i;
    } else if (args[i] == "--seed") {
      int seed = 0;
      if (!ReadNumber(value, 1, 1'000'000'000, &seed)) return std::nullopt;
      settings.options.seed = static_cast<uint64_t>(seed);
      ++i;
    } else if (args[i] == "--only") {
      for (const Part& part : kParts) {
        if (part.name == value) settings.only = value;
      }
      if (settings.only.empty()) return std::nullopt;
      ++i;
    } else {
      return std::nullopt;
    }
  }
  return settings;
}

// The processor that we are on, for us and for the peers that we start.
Status PinThread() {
  cpu_set_t one;
  CPU_ZERO(&one);
  CPU_SET(static_cast<size_t>(std::max(0, ::sched_getcpu())), &one);
  if (::sched_setaffinity(0, sizeof one, &one) != 0) return FailErrno("sched_setaffinity", errno);
  return {};
}

Result<std::vector<Figure>> Measure(const Settings& settings) {
  FLEETMEDIC_RETURN_IF_ERROR(PinThread());
  BenchRun run(settings.options);
  for (const Part& part : kParts) {
    if (!settings.only.empty() && settings.only != part.name) continue;
    FLEETMEDIC_RETURN_IF_ERROR(part.measure(&run));
  }
  return run.TakeFigures();
}

int Main(const std::vector<std::string>& args) {
  const std::optional<Settings> settings = ParseSettings(args);
  if (!settings) {
    std::fputs(
        "usage: bench_stream [-o json] [--quick] [--no-peers] [--seed N] [--only PART]\n"
        "parts:",
        stderr);
    for (const Part& part : kParts) std::fprintf(stderr, " %s", std::string(part.name).c_str());
    std::fputs("\n", stderr);
    return 2;
  }
  return RunBench("bench_stream", settings->json, [&] { return Measure(*settings); });
}

}  // namespace
}  // namespace fleetmedic

int main(int argc, char** argv) {
  return fleetmedic::Main(std::vector<std::string>(argv + 1, argv + argc));
}
