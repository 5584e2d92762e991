// bench_storm [-o json] [--seconds N] [--rate LINES_PER_SECOND]
//
// A million lines a second from one source, for a minute: the agent as it ships, with every
// detector and the rate cap that ships, in a process of its own. In the last quarter every line is
// the same. What must hold: the agent's memory does not grow, no other detector is late, what is
// dropped is counted to the line and told as a condition, and a line that repeats is shipped with a
// count.
//
// Exit code 1 when a figure misses what it must reach, 2 when the run itself failed.
#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <optional>
#include <vector>

#include <fmt/format.h>

#include "bench/agent_run.h"
#include "bench/figures.h"
#include "model/health_event.h"
#include "model/log_frame.h"

namespace fleetmedic {
namespace {

constexpr int kStepsPerSecond = 100;
// The file is renamed at this size and the one before it is gone: two of them are on the disk.
constexpr int64_t kFileBytesMax = int64_t{128} << 20;
// What only its start used is given back by then.
constexpr Seconds kSettle{25};
// Before its end the last losses are told: everything is told again each 10 s.
constexpr Seconds kAfter{40};
constexpr Millis kReportEvery = Seconds(10);
constexpr size_t kNumberDigits = 16;

struct Settings {
  int seconds = 60;
  int lines_per_second = 1'000'000;
  bool json = false;
};

// What the agent says, as it comes.
class Witness {
 public:
  Witness(AgentRun* run, const Clock* clock, std::string source)
      : run_(run), clock_(clock), source_(std::move(source)) {}

  // From now on: `shipped` and how late others are.
  void Begin() {
    Look();
    begun_ = true;
    shipped_ = 0;
    resident_ = 0;
  }

  void Look() {
    for (const LogRecord& record : run_->NewFrames()) TakeFrame(record.record);
    for (const LogRecord& record : run_->NewHealth()) TakeHealth(record.record);
    if (const Result<double> resident = ResidentMiB(run_->pid())) {
      resident_ = std::max(resident_, *resident);
    }
  }

  uint64_t written() const { return written_; }  // that the frames stand for
  uint64_t shipped() const { return shipped_; }  // in the frames
  uint64_t dropped() const { return dropped_; }  // as told by LogsDropped
  double resident() const { return resident_; }  // MiB, the largest
  Micros late() const { return late_; }          // beyond its period
  const std::string& latest() const { return latest_; }
  bool broken() const { return broken_; }

 private:
  void TakeFrame(const Record& record) {
    const Result<LogFrame> frame = LogFrameFrom(record.key, record.headers, record.value);
    if (!frame) {
      broken_ = true;
    } else if (frame->source == source_) {
      shipped_ += frame->lines;
      written_ += frame->Written();
    }
  }

  void TakeHealth(const Record& record) {
    const Result<Json> json = Json::Parse(record.value);
    const Result<HealthEvent> event =
        json ? HealthEventFromJson(*json) : Result<HealthEvent>(Fail(Code::kCorrupt, "no JSON"));
    if (!event) {
      broken_ = true;
      return;
    }
    if (event->kind == HealthEventKind::kBeat) return TakeBeat(*event);
    for (const Condition& condition : event->conditions) {
      if (condition.type != "LogsDropped" || condition.unit != source_) continue;
      // "17 lines of file:/x lost since the agent started"
      const std::string& text = condition.message;
      uint64_t lines = 0;
      if (std::from_chars(text.data(), text.data() + text.size(), lines).ec == std::errc()) {
        dropped_ = lines;
      }
    }
  }

  // Each detector's newest look, and the beat itself.
  void TakeBeat(const HealthEvent& beat) {
    const WallTime now = clock_->Wall();
    const WallTime before = std::exchange(beat_at_, now);
    if (!begun_ || before == kWallNever) return;
    Late("the beat", now - before - kReportEvery);
    for (const auto& [detector, look] : beat.beats) {
      const auto interval = beat.running.find(detector);
      if (interval == beat.running.end()) continue;
      Late(detector, now - look.observed_at - interval->second);
    }
  }

  void Late(const std::string& who, Micros late) {
    if (late <= late_) return;
    late_ = late;
    latest_ = who;
  }

  AgentRun* const run_;
  const Clock* const clock_;
  const std::string source_;
  bool begun_ = false;
  bool broken_ = false;
  uint64_t written_ = 0;
  uint64_t shipped_ = 0;
  uint64_t dropped_ = 0;
  double resident_ = 0;
  WallTime beat_at_ = kWallNever;
  Micros late_{0};
  std::string latest_ = "nobody";
};

// A file that is rotated as it grows.
class StormFile {
 public:
  explicit StormFile(std::string path) : path_(std::move(path)) {}

  Status Write(std::string_view text) {
    if (!fd_.ok()) {
      FLEETMEDIC_ASSIGN_OR_RETURN(fd_, OpenForAppend(path_));
      bytes_ = 0;
    }
    FLEETMEDIC_RETURN_IF_ERROR(WriteAll(fd_.get(), text));
    bytes_ += static_cast<int64_t>(text.size());
    if (bytes_ < kFileBytesMax) return {};
    fd_.reset();
    if (::rename(path_.c_str(), (path_ + ".1").c_str()) != 0) {
      return FailErrno("rotate " + path_, errno);
    }
    return {};
  }

 private:
  const std::string path_;
  UniqueFd fd_;
  int64_t bytes_ = 0;
};

// Lines of one length, each with a number of its own, or all with the first one's.
class StormText {
 public:
  explicit StormText(int lines) {
    for (int i = 0; i < lines; ++i) {
      text_ += fmt::format("storm line {:0{}}\n", 0, kNumberDigits);
    }
    line_bytes_ = text_.size() / static_cast<size_t>(lines);
  }

  std::string_view Next(bool same) {
    for (size_t end = line_bytes_ - 1; end < text_.size(); end += line_bytes_) {
      uint64_t rest = same ? number_ : ++number_;
      for (size_t digit = 1; digit <= kNumberDigits; ++digit, rest /= 10) {
        text_[end - digit] = static_cast<char>('0' + rest % 10);
      }
    }
    return text_;
  }

 private:
  std::string text_;
  size_t line_bytes_ = 0;
  uint64_t number_ = 0;
};

struct Storm {
  uint64_t lines = 0;
  Micros took{0};
  Micros cpu{0};                 // of the agent, meanwhile
  uint64_t shipped_of_same = 0;  // while all lines were the same
  Micros same_took{0};
};

Result<Storm> Blow(const Settings& settings, const Clock& clock, AgentRun* run, StormFile* file,
                   Witness* witness) {
  const int step_lines = settings.lines_per_second / kStepsPerSecond;
  const int steps = settings.seconds * kStepsPerSecond;
  const int same_from = steps - steps / 4;
  StormText text(step_lines);
  Storm storm;
  FLEETMEDIC_ASSIGN_OR_RETURN(const Micros cpu, CpuOf(run->pid()));
  const MonoTime began = clock.Mono();
  MonoTime same_began{};
  uint64_t shipped_before_same = 0;
  for (int i = 0; i < steps; ++i) {
    if (i == same_from + kStepsPerSecond) {  // a second later: what was before is shipped
      same_began = clock.Mono();
      shipped_before_same = witness->shipped();
    }
    FLEETMEDIC_RETURN_IF_ERROR(file->Write(text.Next(i >= same_from)));
    storm.lines += static_cast<uint64_t>(step_lines);
    witness->Look();
    const MonoTime due = began + Micros(Seconds(1)) * (i + 1) / kStepsPerSecond;
    const auto wait = std::chrono::duration_cast<Millis>(due - clock.Mono()).count();
    if (wait > 0) (void)::poll(nullptr, 0, static_cast<int>(wait));
  }
  storm.took = clock.Mono() - began;
  storm.same_took = clock.Mono() - same_began;
  storm.shipped_of_same = witness->shipped() - shipped_before_same;
  FLEETMEDIC_ASSIGN_OR_RETURN(const Micros cpu_after, CpuOf(run->pid()));
  storm.cpu = cpu_after - cpu;
  return storm;
}

Result<std::vector<Figure>> Measure(const Settings& settings) {
  const SystemClock clock;
  AgentRun run(&clock);
  const std::string path = run.folder() + "/storm.log";
  StormFile file(path);
  FLEETMEDIC_RETURN_IF_ERROR(
      run.Start(fmt::format("[agent]\nbeat_every = '10s'\nrepeat_every = '10s'\n"
                            "[[agent.files]]\npath = '{}'\n{}",
                            path, AllDetectors())));
  Witness witness(&run, &clock, "file:" + path);
  FLEETMEDIC_RETURN_IF_ERROR(run.WaitReport());
  const MonoTime settled = clock.Mono() + kSettle;
  while (clock.Mono() < settled) {
    witness.Look();
    (void)::poll(nullptr, 0, 100);
  }
  FLEETMEDIC_ASSIGN_OR_RETURN(const double resident, ResidentMiB(run.pid()));
  witness.Begin();
  FLEETMEDIC_ASSIGN_OR_RETURN(const Storm storm, Blow(settings, clock, &run, &file, &witness));
  const MonoTime end = clock.Mono() + kAfter;
  const auto unaccounted = [&] {
    return static_cast<double>(storm.lines) -
           static_cast<double>(witness.written() + witness.dropped());
  };
  while (clock.Mono() < end && unaccounted() != 0) {
    witness.Look();
    (void)::poll(nullptr, 0, 100);
  }
  if (witness.broken()) return Fail(Code::kCorrupt, "the agent shipped what cannot be read");
  const auto per_second = [](uint64_t count, Micros span) {
    return static_cast<double>(count) / std::chrono::duration<double>(span).count();
  };
  fmt::print(stderr, "bench_storm: latest was {}\n", witness.latest());
  std::vector<Figure> figures;
  figures.push_back(
      {.name = "storm_written", .unit = "lines/s", .value = per_second(storm.lines, storm.took)});
  figures.push_back({.name = "storm_memory_before", .unit = "MiB", .value = resident});
  figures.push_back({.name = "storm_memory_growth",
                     .unit = "MiB",
                     .value = witness.resident() - resident,
                     .must = 8});
  figures.push_back({.name = "storm_latest_look", .value = MsOf(witness.late()), .must = 2000});
  figures.push_back(
      {.name = "storm_dropped", .unit = "lines", .value = static_cast<double>(witness.dropped())});
  figures.push_back(
      {.name = "storm_unaccounted", .unit = "lines", .value = std::abs(unaccounted()), .must = 0});
  figures.push_back({.name = "storm_repeats_shipped",
                     .unit = "lines/s",
                     .value = per_second(storm.shipped_of_same, storm.same_took),
                     .must = 2});
  figures.push_back({.name = "storm_cpu",
                     .unit = "% core",
                     .value = 100 * static_cast<double>(storm.cpu.count()) /
                              static_cast<double>(storm.took.count())});
  return figures;
}

std::optional<Settings> ParseSettings(const std::vector<std::string>& args) {
  Settings settings;
  for (size_t i = 0; i < args.size(); i += 2) {
    if (i + 1 == args.size()) return std::nullopt;
    const std::string& value = args[i + 1];
    if (args[i] == "-o" && value == "json") {
      settings.json = true;
    } else if (args[i] == "--seconds") {
      if (!ReadNumber(value, 8, 3600, &settings.seconds)) return std::nullopt;
    } else if (args[i] == "--rate") {
      if (!ReadNumber(value, 1000, 10'000'000, &settings.lines_per_second)) return std::nullopt;
    } else {
      return std::nullopt;
    }
  }
  return settings;
}

int Main(const std::vector<std::string>& args) {
  const std::optional<Settings> settings = ParseSettings(args);
  if (!settings) {
    std::fputs("usage: bench_storm [-o json] [--seconds N] [--rate LINES_PER_SECOND]\n", stderr);
    return 2;
  }
  (void)::signal(SIGPIPE, SIG_IGN);
  return RunBench("bench_storm", settings->json, [&] { return Measure(*settings); });
}

}  // namespace
}  // namespace fleetmedic

int main(int argc, char** argv) {
  return fleetmedic::Main(std::vector<std::string>(argv + 1, argv + argc));
}
