// One place that log lines of a host come from: the kernel, the journal, a file.
#ifndef FLEETMEDIC_DETECTORS_LOGS_LOG_SOURCE_H_
#define FLEETMEDIC_DETECTORS_LOGS_LOG_SOURCE_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "absl/functional/function_ref.h"
#include "base/result.h"
#include "model/log_frame.h"

namespace fleetmedic {

// Called by one thread at a time; nothing here waits for lines.
class LogSource {
 public:
  // `source` is what a frame says (LogFrame::source); `line` has no '\n' and is at most
  // LogFrame::kLineBytesMax long. Both are valid during the call alone.
  using AddLine =
      absl::FunctionRef<void(std::string_view source, std::string_view line, LineLevel level)>;

  virtual ~LogSource() = default;

  // Stable and unique within the agent: the key of its cursor.
  virtual std::string_view name() const = 0;

  // Before the first Read, with the Cursor of an earlier agent; "" where there is none. One that
  // means nothing any more starts like none.
  virtual void Start(std::string_view cursor) = 0;

  // At most about `lines_max` lines that are there now, in order. Fewer than that: no more for
  // now. An error (the file is not there, no permission): it will be tried again at the next call.
  virtual Result<size_t> Read(size_t lines_max, AddLine add) = 0;

  // Where the next agent goes on, after all that Read handed out so far. Short, printable.
  virtual std::string Cursor() const = 0;

  // A descriptor that polls readable when there is something to read; -1 where there is none.
  virtual int PollFd() const { return -1; }
  // Else a file, there or not, that changes then (inotify); empty where there is neither.
  virtual std::string WatchPath() const { return ""; }

  // Lines that are known to be lost since the last call: an overrun ring, a file cut short.
  virtual uint64_t TakeLost() { return 0; }
};

}  // namespace fleetmedic

#endif  // FLEETMEDIC_DETECTORS_LOGS_LOG_SOURCE_H_
