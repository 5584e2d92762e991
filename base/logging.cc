#include "base/logging.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <map>
#include <memory>

#include <fmt/format.h>
#include <spdlog/logger.h>
#include <spdlog/sinks/stdout_sinks.h>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "base/json.h"
#include "base/text.h"

namespace fleetmedic {
namespace {

// sd_journal_stream_fd(3), "JOURNAL_STREAM" in systemd.exec(5): DEVICE:INODE of the stream that
// the journal reads. It is inherited, so it must be compared with what stderr is now.
bool StderrIsTheJournal() {
  const char* stream = std::getenv("JOURNAL_STREAM");
  struct stat info {};
  if (stream == nullptr || fstat(STDERR_FILENO, &info) != 0) return false;
  return fmt::format("{}:{}", info.st_dev, info.st_ino) == stream;
}

// syslog(3): 3 error, 4 warning, 6 informational, 7 debug.
int Priority(LogLevel level) {
  switch (level) {
    case LogLevel::kDebug:
      return 7;
    case LogLevel::kInfo:
      return 6;
    case LogLevel::kWarning:
      return 4;
    case LogLevel::kError:
      return 3;
  }
  return 3;
}

spdlog::level::level_enum SpdlogLevel(LogLevel level) {
  switch (level) {
    case LogLevel::kDebug:
      return spdlog::level::debug;
    case LogLevel::kInfo:
      return spdlog::level::info;
    case LogLevel::kWarning:
      return spdlog::level::warn;
    case LogLevel::kError:
      return spdlog::level::err;
  }
  return spdlog::level::err;
}

bool IsKey(std::string_view key) {
  return !key.empty() && std::all_of(key.begin(), key.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
  });
}

// Bare where a reader of logfmt takes it for one word, quoted where not.
std::string Word(std::string_view text) {
  const bool bare = !text.empty() && text.size() <= kLogFieldCharsMax &&
                    std::all_of(text.begin(), text.end(), [](char c) {
                      return c > ' ' && c < 0x7f && c != '"' && c != '=' && c != '\\';
                    });
  return bare ? std::string(text) : Quote(text, kLogFieldCharsMax);
}

struct WriteWord {
  std::string operator()(std::string_view text) const { return Word(text); }
  std::string operator()(int64_t number) const { return fmt::to_string(number); }
  std::string operator()(double number) const { return fmt::to_string(number); }
  std::string operator()(bool flag) const { return flag ? "true" : "false"; }
};

struct Line {
  LogLevel level;
  std::string_view message;
  LogFields fields;
  int64_t suppressed;
  std::optional<WallTime> time;
};

std::string TextOf(const Line& line) {
  std::string text;
  if (line.time) text += fmt::format("time={} ", FormatWall(*line.time));
  text += fmt::format("level={} msg={}", LogLevelName(line.level), Word(line.message));
  for (const LogField& field : line.fields) {
    text += fmt::format(" {}={}", field.key, std::visit(WriteWord(), field.value));
  }
  if (line.suppressed > 0) text += fmt::format(" suppressed={}", line.suppressed);
  return text;
}

std::string JsonOf(const Line& line) {
  Json json;
  if (line.time) json.Set("time", *line.time);
  json.Set("level", LogLevelName(line.level));
  json.Set("msg", line.message);
  for (const LogField& field : line.fields) {
    std::visit([&](const auto& value) { json.Set(field.key, Json(value)); }, field.value);
  }
  if (line.suppressed > 0) json.Set("suppressed", line.suppressed);
  return json.Dump();
}

class Logger {
 public:
  Logger() : stderr_("", std::make_shared<spdlog::sinks::stderr_sink_mt>()) {
    stderr_.set_pattern("%v");
    stderr_.set_level(spdlog::level::trace);
  }

  void Write(LogLevel level, std::string_view message, LogFields fields) {
    absl::MutexLock lock(&mutex_);
    const Clock& clock = clock_ != nullptr ? *clock_ : system_clock_;
    const std::optional<int64_t> suppressed = Admit(level, message, clock.Mono());
    if (!suppressed) return;
    const bool journal = journal_ && !sink_;
    const auto time = journal ? std::nullopt : std::optional<WallTime>(clock.Wall());
    const Line line{level, message, fields, *suppressed, time};
    std::string text = format_ == LogFormat::kJson ? JsonOf(line) : TextOf(line);
    if (sink_) return sink_(level, text);
    if (journal) text.insert(0, fmt::format("<{}>", Priority(level)));
    stderr_.log(SpdlogLevel(level), text);
  }

  void SetFormat(LogFormat format) {
    absl::MutexLock lock(&mutex_);
    format_ = format;
  }
  void SetSink(LogSink sink) {
    absl::MutexLock lock(&mutex_);
    sink_ = std::move(sink);
  }
  void SetClock(const Clock* clock) {
    absl::MutexLock lock(&mutex_);
    clock_ = clock;
    windows_.clear();
  }

  std::atomic<LogLevel> level_min{LogLevel::kInfo};
  std::atomic<int64_t> suppressed_total{0};

 private:
  struct Window {
    MonoTime end{};
    int64_t lines = 0;
    int64_t suppressed = 0;
  };
  using Windows = std::map<std::pair<LogLevel, std::string>, Window>;

  // How many lines like this one were left out before it; nothing when this one is to be too.
  std::optional<int64_t> Admit(LogLevel level, std::string_view message, MonoTime now)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    std::pair<LogLevel, std::string> key(level, message);
    auto found = windows_.find(key);
    if (found == windows_.end()) {
      if (windows_.size() >= kLogMessagesLimitedMax) key.second.clear();
      found = windows_.try_emplace(std::move(key)).first;
    }
    Window& window = found->second;
    if (now >= window.end) {
      window.end = now + kLogWindow;
      window.lines = 0;
    }
    if (window.lines == kLogLinesPerWindowMax) {
      ++window.suppressed;
      ++suppressed_total;
      return std::nullopt;
    }
    ++window.lines;
    return std::exchange(window.suppressed, 0);
  }

  const bool journal_ = StderrIsTheJournal();
  const SystemClock system_clock_;
  absl::Mutex mutex_;
  spdlog::logger stderr_ ABSL_GUARDED_BY(mutex_);
  LogFormat format_ ABSL_GUARDED_BY(mutex_) = LogFormat::kText;
  LogSink sink_ ABSL_GUARDED_BY(mutex_);
  const Clock* clock_ ABSL_GUARDED_BY(mutex_) = nullptr;
  Windows windows_ ABSL_GUARDED_BY(mutex_);
};

// Never destroyed: threads may log until the very end.
Logger& TheLogger() {
  static Logger* const logger = new Logger;
  return *logger;
}

}  // namespace

void Log(LogLevel level, std::string_view message, LogFields fields) {
  for (const LogField& field : fields) FLEETMEDIC_CHECK(IsKey(field.key));
  Logger& logger = TheLogger();
  if (level >= logger.level_min.load(std::memory_order_relaxed)) {
    logger.Write(level, message, fields);
  }
}

std::string_view LogLevelName(LogLevel level) {
  switch (level) {
    case LogLevel::kDebug:
      return "debug";
    case LogLevel::kInfo:
      return "info";
    case LogLevel::kWarning:
      return "warning";
    case LogLevel::kError:
      return "error";
  }
  return "error";
}

std::optional<LogLevel> ParseLogLevel(std::string_view name) {
  for (const LogLevel level :
       {LogLevel::kDebug, LogLevel::kInfo, LogLevel::kWarning, LogLevel::kError}) {
    if (name == LogLevelName(level)) return level;
  }
  return std::nullopt;
}

void SetLogLevel(LogLevel level) { TheLogger().level_min = level; }
void SetLogFormat(LogFormat format) { TheLogger().SetFormat(format); }
int64_t LogLinesSuppressed() { return TheLogger().suppressed_total; }
void SetLogSink(LogSink sink) { TheLogger().SetSink(std::move(sink)); }
void SetLogClock(const Clock* clock) { TheLogger().SetClock(clock); }

}  // namespace fleetmedic
