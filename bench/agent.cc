// bench_agent [-o json] [--idle SECONDS] [--no-peers] [--only start|idle|kmsg|file|journal]
//
// What the agent costs a host: its memory and CPU while nothing happens, the CPU time of a log line
// from where it is written to a frame in the event log, and how soon it reports. The agent is the
// program as it ships, in a process of its own, with the embedded event log. In the same run
// Debian's rsyslog and syslog-ng ship the same lines from a file to a socket on loopback.
//
// Exit code 1 when a figure misses what it must reach, 2 when the run itself failed.
#include <poll.h>
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <functional>
#include <optional>
#include <vector>

#include <fmt/format.h>

#include "base/child_process.h"
#include "base/file.h"
#include "bench/agent_peers.h"
#include "bench/agent_run.h"
#include "bench/figures.h"
#include "config/keys.h"

namespace fleetmedic {
namespace {

constexpr int kStarts = 5;
constexpr int kRatePerSecond = 1000;
constexpr int kBatches = 5;
constexpr int kRateSeconds = 4;      // of a batch
constexpr int kBulkLines = 200'000;  // of a batch
constexpr int kBulkJournalLines = 50'000;
constexpr Seconds kSettle{10};
constexpr Millis kReadyMax = AgentRun::kReadyMax;
constexpr Millis kShippedMax = Minutes(5);
constexpr const char* kJournalRemote = "/lib/systemd/systemd-journal-remote";

struct Settings {
  Seconds idle{60};
  bool peers = true;
  bool json = false;
  std::string only;  // of the parts; empty: all
};

// No detector, so that a line's cost is a line's.
std::string NoDetectors() {
  std::string toml;
  for (const ConfigKey& key : DetectorKeys()) {
    if (key.key == "interval") toml += fmt::format("[{}]\ninterval = '0s'\n", key.section);
  }
  return toml;
}

Status MeasureStart(const Clock& clock, std::vector<Figure>* figures) {
  std::vector<double> millis;
  for (int i = 0; i < kStarts; ++i) {
    AgentRun run(&clock);
    const MonoTime began = clock.Mono();
    FLEETMEDIC_RETURN_IF_ERROR(run.Start(AllDetectors()));
    FLEETMEDIC_RETURN_IF_ERROR(run.WaitReport());
    millis.push_back(MsOf(clock.Mono() - began));
  }
  Figure figure = FigureOf("start_to_first_report", millis, 0.5);
  figure.must = 300;
  figures->push_back(figure);
  return {};
}

Status MeasureIdle(const Clock& clock, Seconds span, std::vector<Figure>* figures) {
  AgentRun run(&clock);
  FLEETMEDIC_RETURN_IF_ERROR(run.Start(AllDetectors()));
  FLEETMEDIC_RETURN_IF_ERROR(run.WaitReport());
  (void)::poll(nullptr, 0, static_cast<int>(Millis(kSettle).count()));
  FLEETMEDIC_ASSIGN_OR_RETURN(const Micros before, CpuOf(run.pid()));
  const MonoTime began = clock.Mono();
  (void)::poll(nullptr, 0, static_cast<int>(Millis(span).count()));
  FLEETMEDIC_ASSIGN_OR_RETURN(const Micros after, CpuOf(run.pid()));
  const Micros took = clock.Mono() - began;
  FLEETMEDIC_ASSIGN_OR_RETURN(const double resident, ResidentMiB(run.pid()));
  figures->push_back(
      {.name = "resident_memory", .unit = "MiB", .value = resident, .must = 20, .goal = 10});
  figures->push_back({.name = "idle_cpu",
                      .unit = "% core",
                      .value = 100 * static_cast<double>((after - before).count()) /
                               static_cast<double>(took.count()),
                      .must = 0.1});
  return {};
}

// Where lines are written, and who says how many came through.
struct Course {
  std::string name;  // "file"
  std::function<Status(std::string_view text)> write;
  std::function<std::string(int number)> line;
  std::function<uint64_t()> shipped;
  pid_t pid = 0;
  int bulk_lines = kBulkLines;
};

// Lines are given until one comes through: a source that was there before its reader is read from
// its end on.
Status WaitReady(const Course& course, const Clock& clock) {
  const MonoTime end = clock.Mono() + kReadyMax;
  for (int i = 0; course.shipped() == 0; ++i) {
    if (clock.Mono() >= end) return Fail(Code::kDeadlineExceeded, course.name + " ships nothing");
    FLEETMEDIC_RETURN_IF_ERROR(course.write(course.line(i)));
    (void)::poll(nullptr, 0, 300);
  }
  // All that was given.
  uint64_t last = 0;
  while (last != course.shipped()) {
    last = course.shipped();
    (void)::poll(nullptr, 0, 1000);
  }
  return {};
}

// µs of CPU for each of `lines` lines that `write_all` writes.
Result<double> MicrosPerLine(const Course& course, const Clock& clock, int lines,
                             const std::function<Status()>& write_all) {
  const uint64_t before_lines = course.shipped();
  FLEETMEDIC_ASSIGN_OR_RETURN(const Micros before, CpuOf(course.pid));
  FLEETMEDIC_RETURN_IF_ERROR(write_all());
  const MonoTime end = clock.Mono() + kShippedMax;
  while (course.shipped() < before_lines + static_cast<uint64_t>(lines)) {
    if (clock.Mono() >= end) {
      return Fail(Code::kDeadlineExceeded,
                  fmt::format("{}: {} of {} lines came through", course.name,
                              course.shipped() - before_lines, lines));
    }
    (void)::poll(nullptr, 0, 5);
  }
  FLEETMEDIC_ASSIGN_OR_RETURN(const Micros after, CpuOf(course.pid));
  return static_cast<double>((after - before).count()) / lines;
}

Status WriteAtRate(const Course& course, const Clock& clock) {
  const MonoTime began = clock.Mono();
  for (int i = 0; i < kRatePerSecond * kRateSeconds;) {
    FLEETMEDIC_RETURN_IF_ERROR(course.write(course.line(i++)));
    const MonoTime due = began + Micros(Seconds(1)) * i / kRatePerSecond;
    if (due > clock.Mono()) (void)::poll(nullptr, 0, 1);
    (void)course.shipped();  // a sink that is not drained would hold its sender up
  }
  return {};
}

Status WriteBulk(const Course& course) {
  constexpr size_t kWriteBytes = size_t{1} << 20;
  std::string text;
  for (int i = 0; i < course.bulk_lines; ++i) {
    text += course.line(1'000'000 + i);
    if (text.size() < kWriteBytes && i + 1 < course.bulk_lines) continue;
    FLEETMEDIC_RETURN_IF_ERROR(course.write(text));
    text.clear();
  }
  return {};
}

Status MeasureCourse(const Course& course, const Clock& clock, bool peer,
                     std::vector<Figure>* figures) {
  FLEETMEDIC_RETURN_IF_ERROR(WaitReady(course, clock));
  std::vector<double> rates;
  std::vector<double> bulks;
  for (int i = 0; i < kBatches; ++i) {
    FLEETMEDIC_ASSIGN_OR_RETURN(const double rate,
                                MicrosPerLine(course, clock, kRatePerSecond * kRateSeconds,
                                              [&] { return WriteAtRate(course, clock); }));
    FLEETMEDIC_ASSIGN_OR_RETURN(
        const double bulk,
        MicrosPerLine(course, clock, course.bulk_lines, [&] { return WriteBulk(course); }));
    rates.push_back(rate);
    bulks.push_back(bulk);
  }
  Figure at_rate = FigureOf(course.name + "_line_at_1000_per_s", rates, 0.5);
  Figure in_bulk = FigureOf(course.name + "_line_in_bulk", bulks, 0.5);
  at_rate.unit = in_bulk.unit = "us CPU";
  if (!peer) {
    at_rate.must = 2;
    in_bulk.must = 0.7;
  }
  figures->push_back(at_rate);
  figures->push_back(in_bulk);
  return {};
}

std::string LineText(int number) {
  return fmt::format(
      "nvme nvme{}: I/O {} (Read) QID {} timeout, completion polled, command {:08x} of the bench",
      number % 8, number, number % 16, number);
}

std::string SourcesToml(std::string_view more) {
  return fmt::format("[agent]\nlog_lines_per_second_max = 10000000\n{}\n", more);
}

Status MeasureFile(const Clock& clock, std::vector<Figure>* figures) {
  AgentRun run(&clock);
  const std::string path = run.folder() + "/app.log";
  FLEETMEDIC_ASSIGN_OR_RETURN(const UniqueFd fd, OpenForAppend(path));
  FLEETMEDIC_RETURN_IF_ERROR(
      run.Start(SourcesToml(fmt::format("read_kernel_log = false\nread_journal = false\n"
                                        "[[agent.files]]\npath = '{}'",
                                        path)) +
                NoDetectors()));
  Course course{"file", [&](std::string_view text) { return WriteAll(fd.get(), text); },
                [](int number) { return LineText(number) + "\n"; }, [&] { return run.Shipped(); },
                run.pid()};
  return MeasureCourse(course, clock, false, figures);
}

Status MeasureKmsg(const Clock& clock, std::vector<Figure>* figures) {
  AgentRun run(&clock);
  const std::string root = run.folder() + "/root";
  FLEETMEDIC_RETURN_IF_ERROR(MakeFolders(root + "/dev"));
  FLEETMEDIC_RETURN_IF_ERROR(MakeFolders(root + "/proc/sys/kernel/random"));
  FLEETMEDIC_RETURN_IF_ERROR(WriteFileAtomic(root + "/proc/sys/kernel/random/boot_id", "boot-1\n"));
  FLEETMEDIC_ASSIGN_OR_RETURN(const UniqueFd fd, OpenForAppend(root + "/dev/kmsg"));
  FLEETMEDIC_RETURN_IF_ERROR(run.Start(fmt::format("[host]\nname = 'bench'\nroot = '{}'\n", root) +
                                       SourcesToml("read_journal = false") + NoDetectors()));
  int sequence = 0;
  Course course{"kmsg", [&](std::string_view text) { return WriteAll(fd.get(), text); },
                [&](int number) {
                  ++sequence;
                  return fmt::format("3,{},{},-;{}\n", sequence, 1000 * sequence, LineText(number));
                },
                [&] { return run.Shipped(); }, run.pid()};
  return MeasureCourse(course, clock, false, figures);
}

Micros CpuOfChildren() {
  rusage usage{};
  (void)::getrusage(RUSAGE_CHILDREN, &usage);
  return Micros(Seconds(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec)) +
         Micros(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec);
}

// systemd's own program prints the same entries: what libsystemd costs whoever reads by it.
Status MeasureJournalctl(const std::string& journal, const Clock& clock, uint64_t lines,
                         std::vector<Figure>* figures) {
  const Micros before = CpuOfChildren();
  {
    ChildOptions options;
    options.argv = {"journalctl", "--directory", journal, "--output=cat", "--quiet"};
    FLEETMEDIC_ASSIGN_OR_RETURN(Child child, Child::Start(options));
    FLEETMEDIC_ASSIGN_OR_RETURN(const ExitStatus status,
                                child.Wait(clock, clock.Mono() + kShippedMax));
    if (!status.ok()) return Fail(Code::kUnavailable, "journalctl: " + status.Text());
  }
  figures->push_back({.name = "peer_journalctl_line",
                      .unit = "us CPU",
                      .value = static_cast<double>((CpuOfChildren() - before).count()) /
                               static_cast<double>(lines)});
  return {};
}

Status MeasureJournal(const Clock& clock, std::vector<Figure>* figures) {
  if (::access(kJournalRemote, X_OK) != 0) {
    fmt::print(stderr, "bench_agent: no {}: the journal is left out\n", kJournalRemote);
    return {};
  }
  AgentRun run(&clock);
  const std::string journal = run.folder() + "/journal";
  FLEETMEDIC_RETURN_IF_ERROR(MakeFolders(journal));
  ChildOptions options;
  options.argv = {kJournalRemote, "-o", journal + "/bench.journal", "-"};
  options.standard_input = {ChildStream::Kind::kPipe};
  FLEETMEDIC_ASSIGN_OR_RETURN(Child writer, Child::Start(options));
  FLEETMEDIC_RETURN_IF_ERROR(
      run.Start(SourcesToml(fmt::format("read_kernel_log = false\njournal_dir = '{}'", journal)) +
                NoDetectors()));
  int64_t micros = 1'700'000'000'000'000;
  Course course{
      "journal",
      [&](std::string_view text) { return WriteAll(writer.standard_input().get(), text); },
      [&](int number) {
        ++micros;
        return fmt::format(
            "__REALTIME_TIMESTAMP={0}\n__MONOTONIC_TIMESTAMP={0}\n"
            "_BOOT_ID=11111111111111111111111111111111\n_SYSTEMD_UNIT=bench.service\n"
            "SYSLOG_IDENTIFIER=bench\n_TRANSPORT=stdout\nPRIORITY=6\nMESSAGE={1}\n\n",
            micros, LineText(number));
      },
      [&] { return run.Shipped(); },
      run.pid(),
      kBulkJournalLines};
  FLEETMEDIC_RETURN_IF_ERROR(MeasureCourse(course, clock, false, figures));
  return MeasureJournalctl(journal, clock, run.Shipped(), figures);
}

Status MeasurePeer(const Peer& peer, const std::string& root, const Clock& clock,
                   std::vector<Figure>* figures) {
  const TempFolder folder;
  const std::string path = folder / "app.log";
  FLEETMEDIC_ASSIGN_OR_RETURN(const UniqueFd fd, OpenForAppend(path));
  FLEETMEDIC_ASSIGN_OR_RETURN(LineSink sink, LineSink::Listen());
  FLEETMEDIC_ASSIGN_OR_RETURN(const Child child,
                              peer.start(root, folder.path(), path, sink.port()));
  Course course{"peer_" + peer.name,
                [&](std::string_view text) { return WriteAll(fd.get(), text); },
                [](int number) { return LineText(number) + "\n"; },
                [&] {
                  sink.Drain();
                  return sink.lines();
                },
                child.pid()};
  FLEETMEDIC_RETURN_IF_ERROR(WaitReady(course, clock));
  FLEETMEDIC_ASSIGN_OR_RETURN(const double resident, ResidentMiB(child.pid()));
  figures->push_back({.name = course.name + "_memory", .unit = "MiB", .value = resident});
  return MeasureCourse(course, clock, true, figures);
}

void MeasurePeers(const Clock& clock, std::vector<Figure>* figures) {
  const Result<std::string> root = UnpackPeers(FLEETMEDIC_PEERS, clock);
  if (!root) {
    fmt::print(stderr, "bench_agent: no peers: {}\n", root.error().message);
    return;
  }
  for (const Peer& peer : Peers()) {
    const Status measured = MeasurePeer(peer, *root, clock, figures);
    if (!measured) {
      fmt::print(stderr, "bench_agent: no {}: {}\n", peer.name, measured.error().message);
    }
  }
}

struct Part {
  std::string_view name;
  std::function<Status(const Clock&, const Settings&, std::vector<Figure>*)> measure;
};
const Part kParts[] = {
    {"start", [](const Clock& clock, const Settings&,
                 std::vector<Figure>* figures) { return MeasureStart(clock, figures); }},
    {"idle",
     [](const Clock& clock, const Settings& settings, std::vector<Figure>* figures) {
       return MeasureIdle(clock, settings.idle, figures);
     }},
    {"kmsg", [](const Clock& clock, const Settings&,
                std::vector<Figure>* figures) { return MeasureKmsg(clock, figures); }},
    {"file", [](const Clock& clock, const Settings&,
                std::vector<Figure>* figures) { return MeasureFile(clock, figures); }},
    {"journal", [](const Clock& clock, const Settings&,
                   std::vector<Figure>* figures) { return MeasureJournal(clock, figures); }},
};

Result<std::vector<Figure>> Measure(const Settings& settings) {
  const SystemClock clock;
  std::vector<Figure> figures;
  for (const Part& part : kParts) {
    if (!settings.only.empty() && settings.only != part.name) continue;
    FLEETMEDIC_RETURN_IF_ERROR(part.measure(clock, settings, &figures));
  }
  if (settings.peers && settings.only.empty()) MeasurePeers(clock, &figures);
  return figures;
}

std::optional<Settings> ParseSettings(const std::vector<std::string>& args) {
  Settings settings;
  for (size_t i = 0; i < args.size(); ++i) {
    const std::string value = i + 1 < args.size() ? args[i + 1] : "";
    if (args[i] == "--no-peers") {
      settings.peers = false;
    } else if (args[i] == "-o" && value == "json") {
      settings.json = true;
      ++i;
    } else if (args[i] == "--only" &&
               std::ranges::find(kParts, value, &Part::name) != std::end(kParts)) {
      settings.only = value;
      ++i;
    } else if (args[i] == "--idle") {
      int seconds = 0;
      if (!ReadNumber(value, 1, 3600, &seconds)) return std::nullopt;
      settings.idle = Seconds(seconds);
      ++i;
    } else {
      return std::nullopt;
    }
  }
  return settings;
}

int Main(const std::vector<std::string>& args) {
  const std::optional<Settings> settings = ParseSettings(args);
  if (!settings) {
    std::fputs(
        "usage: bench_agent [-o json] [--idle SECONDS] [--no-peers]\n"
        "                   [--only start|idle|kmsg|file|journal]\n",
        stderr);
    return 2;
  }
  (void)::signal(SIGPIPE, SIG_IGN);
  return RunBench("bench_agent", settings->json, [&] { return Measure(*settings); });
}

}  // namespace
}  // namespace fleetmedic

int main(int argc, char** argv) {
  return fleetmedic::Main(std::vector<std::string>(argv + 1, argv + argc));
}
