// Log lines for operators: one line each, key=value (logfmt) or JSON, on stderr.
//
//   LogWarning("cannot read the spool", {{"path", path}, {"error", error.message}});
//   time=2026-03-01T02:03:04.567890Z level=warning msg="cannot read the spool" path=/var/...
//
// The message is a constant; what varies goes into fields. Lines are limited per message, so a
// fault that repeats cannot fill the disk or hide another; what was left out is counted and told.
// Under systemd (JOURNAL_STREAM names our stderr) a line starts with "<N>", its syslog priority,
// and has no time of its own: the journal keeps one.
//
// Thread-safe.
#ifndef FLEETMEDIC_BASE_LOGGING_H_
#define FLEETMEDIC_BASE_LOGGING_H_

#include <concepts>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

#include "base/clock.h"

namespace fleetmedic {

enum class LogLevel : uint8_t { kDebug, kInfo, kWarning, kError };
enum class LogFormat : uint8_t { kText, kJson };

// Per message and level, in each window; then lines are left out until the window is over, and the
// first line after that has suppressed=COUNT.
constexpr int64_t kLogLinesPerWindowMax = 50;
constexpr Seconds kLogWindow{10};
// Messages that are limited on their own; all further ones share one limit.
constexpr size_t kLogMessagesLimitedMax = 1024;
constexpr size_t kLogFieldCharsMax = 2048;

// Lives as long as the call it is written in: texts are not copied.
struct LogField {
  LogField(std::string_view k, std::string_view v) : key(k), value(v) {}
  LogField(std::string_view k, const std::string& v) : key(k), value(std::string_view(v)) {}
  LogField(std::string_view k, const char* v) : key(k), value(std::string_view(v)) {}
  LogField(std::string_view k, bool v) : key(k), value(v) {}
  LogField(std::string_view k, double v) : key(k), value(v) {}
  template <std::integral T>
  LogField(std::string_view k, T v) : key(k), value(static_cast<int64_t>(v)) {
    FLEETMEDIC_CHECK(std::in_range<int64_t>(v));
  }

  std::string_view key;  // lower case, digits and _
  std::variant<std::string_view, int64_t, double, bool> value;
};
using LogFields = std::initializer_list<LogField>;

void Log(LogLevel level, std::string_view message, LogFields fields = {});

inline void LogDebug(std::string_view message, LogFields fields = {}) {
  Log(LogLevel::kDebug, message, fields);
}
inline void LogInfo(std::string_view message, LogFields fields = {}) {
  Log(LogLevel::kInfo, message, fields);
}
inline void LogWarning(std::string_view message, LogFields fields = {}) {
  Log(LogLevel::kWarning, message, fields);
}
inline void LogError(std::string_view message, LogFields fields = {}) {
  Log(LogLevel::kError, message, fields);
}

// "debug", "info", "warning", "error", and back.
std::string_view LogLevelName(LogLevel level);
std::optional<LogLevel> ParseLogLevel(std::string_view name);

// Lines below the level are not written. kInfo at the start.
void SetLogLevel(LogLevel level);
// kText at the start.
void SetLogFormat(LogFormat format);
// Lines left out by the limit since the start of the process: for a metric.
int64_t LogLinesSuppressed();

// Takes the finished line, without its line end, instead of stderr. Called under a lock, one call
// at a time; it must not log. An empty function gives stderr back.
using LogSink = std::function<void(LogLevel level, std::string_view line)>;
void SetLogSink(LogSink sink);
// The clock of the time field and of the limit's windows; null is the system's, as at the start.
// Setting it forgets the windows so far. Not owned: must stay until the next call.
void SetLogClock(const Clock* clock);

}  // namespace fleetmedic

#endif  // FLEETMEDIC_BASE_LOGGING_H_
