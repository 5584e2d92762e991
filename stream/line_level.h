// Which lines are of level warning and above: what their writer said where the source tells it
// (LogFrame::warnings), else what their text says. Pure.
#ifndef FLEETMEDIC_STREAM_LINE_LEVEL_H_
#define FLEETMEDIC_STREAM_LINE_LEVEL_H_

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "model/log_frame.h"

namespace fleetmedic {

// By the text alone. A level that a line has in one of the usual forms near its beginning decides:
// "<3>", "E0312 02:03:04", "level=error", "\"level\":\"warn\"", "[ERROR]", "WARN ", "err:". Without
// one, a word that says that something is bad does: error, warning, fail, failed, failure, panic,
// fatal, critical, timeout, corrupt, denied and their like, as whole words. Not certain, for both
// ways; one pass over at most kLevelBytesMax bytes.
constexpr size_t kLevelBytesMax = 1024;
bool TextWarns(std::string_view line);

// The lines of one frame, asked in their order.
class FrameLevels {
 public:
  // `frame` stays as long as this.
  explicit FrameLevels(const LogFrame& frame) : frame_(frame) {}

  // `number` from 0 and never smaller than before.
  bool Warns(uint32_t number, std::string_view line);

 private:
  const LogFrame& frame_;
  size_t run_ = 0;
};

}  // namespace fleetmedic

#endif  // FLEETMEDIC_STREAM_LINE_LEVEL_H_
