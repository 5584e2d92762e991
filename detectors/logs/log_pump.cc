#include "detectors/logs/log_pump.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "base/file.h"
#include "base/json.h"
#include "base/logging.h"
#include "detectors/logs/log_record.h"
#include "detectors/pid_cgroups.h"

namespace fleetmedic {
namespace {

constexpr size_t kLinesPerReadMax = 4096;
constexpr size_t kCursorBytesMax = size_t{1} << 20;
constexpr size_t kMarksMax = 1024;
constexpr Millis kFullWait{50};
// Where inotify has no watch left for us.
constexpr Millis kUnwatchedWait{500};

FrameBuilder::Options AtOnce(FrameBuilder::Options frames) {
  frames.flush_after = Millis(0);
  return frames;
}

// Takes all that is readable, so that poll sleeps again.
void Drain(int fd) {
  alignas(inotify_event) char buffer[4096];
  while (::read(fd, buffer, sizeof buffer) > 0) {
  }
}

}  // namespace

LogPump::LogPump(const Clock* clock, Metrics* metrics, FrameSink* sink, Options options,
                 std::vector<std::unique_ptr<LogSource>> sources)
    : clock_(clock),
      sink_(sink),
      options_(std::move(options)),
      sources_(std::move(sources)),
      interrupt_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)),
      inotify_(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK)),
      paces_(sources_.size(), Pace(options_.rest_max)),
      builder_(AtOnce(options_.frames)),
      watches_(sources_.size(), -1) {
  if (!inotify_.ok()) {
    // The machine's limit on inotify instances.
    LogWarning("no inotify; files are polled", {{"host", options_.frames.host.str()}});
  }
  if (metrics == nullptr) return;
  const MetricLabels labels = {{"host", options_.frames.host.str()}};
  lines_read_ = metrics->Counter("fleetmedic_agent_log_lines_total", "Log lines read.", labels);
  lines_lost_ = metrics->Counter("fleetmedic_agent_log_lines_lost_total",
                                 "Log lines lost to the rate cap or by their source.", labels);
  read_errors_ = metrics->Counter("fleetmedic_agent_log_read_errors_total",
                                  "Log sources that could not be read.", labels);
}

LogPump::~LogPump() = default;

void LogPump::Interrupt() {
  const uint64_t one = 1;
  // Full means that it is readable already.
  (void)!::write(interrupt_.get(), &one, sizeof one);
}

void LogPump::SetBoot(std::string boot_id) {
  absl::MutexLock lock(&mutex_);
  boot_id_ = std::move(boot_id);
}

LostBySource LogPump::Lost() const {
  absl::MutexLock lock(&mutex_);
  return lost_;
}

std::map<std::string, Error> LogPump::Unreadable() const {
  absl::MutexLock lock(&mutex_);
  return errors_;
}

void LogPump::StartSources() {
  const Result<std::string> text = ReadFile(options_.cursor_path, kCursorBytesMax);
  if (text) {
    if (const Result<Json> json = Json::Parse(*text); json && json->object() != nullptr) {
      for (const auto& [name, cursor] : *json->object()) {
        if (cursor.string() != nullptr) saved_[name] = *cursor.string();
      }
    }
  }
  for (const auto& source : sources_) {
    const auto found = saved_.find(std::string(source->name()));
    source->Start(found == saved_.end() ? "" : found->second);
  }
  started_ = true;
}

void LogPump::WatchFiles() {
  unwatched_ = false;
  for (size_t i = 0; i < sources_.size(); ++i) {
    const std::string path = sources_[i]->WatchPath();
    if (!path.empty()) {
      WatchFile(path, &watches_[i]);
    } else if (const int watch = std::exchange(watches_[i], -1); watch >= 0) {
      (void)::inotify_rm_watch(inotify_.get(), watch);  // a device after all
    }
  }
}

// The file alone, for its folder may hold others that are busy (every `> /dev/null` of the machine
// is a change in /dev); of the folder, what comes to it. Both may be other ones than at the last
// cycle: a watch is on an inode, and asking again costs a look at the path.
void LogPump::WatchFile(const std::string& path, int* watch) {
  const std::string folder = path.substr(0, path.rfind('/') + 1);
  if (!inotify_.ok() || ::inotify_add_watch(inotify_.get(), folder.c_str(),
                                            IN_CREATE | IN_MOVED_TO | IN_ONLYDIR) < 0) {
    unwatched_ = true;
    return;
  }
  const int fresh = ::inotify_add_watch(inotify_.get(), path.c_str(), IN_MODIFY);
  if (fresh < 0 && errno != ENOENT) unwatched_ = true;
  if (fresh == *watch) return;
  // What was written before is read before anything is waited for.
  more_ = true;
  // Where the kernel has removed it with its file, this says so, and that is fine.
  if (*watch >= 0) (void)::inotify_rm_watch(inotify_.get(), *watch);
  *watch = fresh;
}

void LogPump::Wait() {
  Millis wait_max = options_.wait_max;
  if (unwatched_) wait_max = std::min(wait_max, kUnwatchedWait);
  if (!marks_.empty()) wait_max = std::min(wait_max, options_.cursor_every);
  MonoTime until = clock_->Mono() + (more_ ? Millis(0) : wait_max);
  std::vector<pollfd> fds = {{interrupt_.get(), POLLIN, 0}};
  if (!waiting_.empty()) {
    // Whatever there is more of is not read before these are gone.
    until = clock_->Mono() + std::min(options_.wait_max, kFullWait);
  } else {
    until = std::min(until, builder_.FlushDue());
    const MonoTime now = clock_->Mono();
    bool watch_rests = false;
    for (size_t i = 0; i < sources_.size(); ++i) {
      const int fd = sources_[i]->PollFd();
      if (paces_[i].due() > now) {
        until = std::min(until, paces_[i].due());
        if (fd < 0) watch_rests = true;
      } else if (fd >= 0) {
        fds.push_back({fd, POLLIN, 0});
      }
    }
    if (inotify_.ok() && !watch_rests) fds.push_back({inotify_.get(), POLLIN, 0});
  }
  const auto wait = std::chrono::ceil<Millis>(until - clock_->Mono());
  // Interrupted or failed: what is there is read in any case.
  (void)::poll(fds.data(), fds.size(), static_cast<int>(std::max(wait, Millis(0)).count()));
  Drain(interrupt_.get());
  if (inotify_.ok()) Drain(inotify_.get());
}

void LogPump::Cycle() {
  if (!started_) StartSources();
  WatchFiles();
  Wait();
  const MonoTime now = clock_->Mono();
  {
    absl::MutexLock lock(&mutex_);
    builder_.SetBoot(boot_id_);
  }
  if (waiting_.empty()) ReadSources(now, clock_->Wall());
  HandOn(now);
  SaveCursors(now);
}

void LogPump::NoteError(const std::string& source, const Error& error) {
  read_errors_.Add();
  absl::MutexLock lock(&mutex_);
  Error& told = errors_[source];
  if (told == error) return;
  told = error;
  LogWarning("cannot read a log source", {{"source", source}, {"error", error.message}});
}

void LogPump::ReadSource(LogSource* source, Pace* pace, MonoTime now, WallTime wall) {
  const std::string name(source->name());
  const Result<size_t> read = source->Read(
      kLinesPerReadMax, [&](std::string_view from, std::string_view line, LineLevel level) {
        if (builder_.Add(from, line, now, wall, level)) FindCgroupOf(from, line);
      });
  builder_.CountLost(name, source->TakeLost(), now);
  if (!read) return NoteError(name, read.error());
  {
    absl::MutexLock lock(&mutex_);
    errors_.erase(name);
  }
  if (*read == 0) return;
  lines_read_.Add(static_cast<double>(*read));
  // One that has more is read on at once.
  if (*read >= kLinesPerReadMax) {
    more_ = true;
  } else {
    pace->Read(*read, now);
  }
}

void LogPump::FindCgroupOf(std::string_view source, std::string_view line) {
  if (source != "kernel" || !options_.cgroup_of) return;
  const std::optional<CrashLine> crash = ParseCrashLine(line);
  if (!crash) return;
  // At once: the process is about to be gone.
  builder_.AddCgroup(source, crash->pid, options_.cgroup_of(crash->pid, crash->name));
}

void LogPump::ReadSources(MonoTime now, WallTime wall) {
  more_ = false;
  for (size_t i = 0; i < sources_.size(); ++i) {
    if (paces_[i].due() <= now) ReadSource(sources_[i].get(), &paces_[i], now, wall);
  }
  uint64_t lost = 0;
  for (const auto& [name, lines] : builder_.lost()) lost += lines.lines;
  if (lost == lost_told_) return;
  lines_lost_.Add(static_cast<double>(lost - lost_told_));
  lost_told_ = lost;
  absl::MutexLock lock(&mutex_);
  lost_ = builder_.lost();
}

void LogPump::HandOn(MonoTime now) {
  if (waiting_.empty() && now >= builder_.FlushDue()) {
    for (LogFrame& frame : builder_.Take()) {
      const uint32_t lines = frame.lines;
      waiting_.push_back({RecordOf(std::move(frame)), lines});
    }
    // Everything that was read is in these frames.
    for (const auto& source : sources_) unmarked_[std::string(source->name())] = source->Cursor();
  }
  while (!waiting_.empty()) {
    const uint64_t ticket = sink_->PostFrame(&waiting_.front());
    if (ticket == 0) return;
    last_ticket_ = ticket;
    waiting_.pop_front();
  }
  if (unmarked_.empty()) return;
  if (marks_.size() >= kMarksMax) marks_.pop_back();  // the newer one says more
  marks_.push_back({last_ticket_, std::exchange(unmarked_, {})});
}

void LogPump::SaveCursors(MonoTime now) {
  if (now < save_due_) return;
  const uint64_t stored = sink_->StoredTicket();
  std::map<std::string, std::string> cursors;
  if (marks_.empty() && waiting_.empty() && builder_.FlushDue() == kMonoForever) {
    // Nothing is on its way: where the sources stand is safe as it is.
    for (const auto& source : sources_) cursors[std::string(source->name())] = source->Cursor();
  }
  while (!marks_.empty() && marks_.front().ticket <= stored) {
    cursors = std::move(marks_.front().cursors);
    marks_.pop_front();
  }
  if (cursors.empty() || cursors == saved_) return;
  Json json(Json::Object{});
  for (const auto& [name, cursor] : cursors) json.Set(name, cursor);
  const Status written = WriteFileAtomic(options_.cursor_path, json.DumpPretty(), 0600);
  save_due_ = now + options_.cursor_every;
  if (!written) {
    // The next mark says the same and more; without one, lines come twice after a restart.
    LogWarning("cannot save log cursors", {{"error", written.error().message}});
    return;
  }
  saved_ = std::move(cursors);
}

}  // namespace fleetmedic
