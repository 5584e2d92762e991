// The output of a task: one file and its predecessor, never more than twice the limit.
#ifndef FLEETMEDIC_EXECUTOR_BOUNDED_LOG_H_
#define FLEETMEDIC_EXECUTOR_BOUNDED_LOG_H_

#include <cstdint>
#include <string>
#include <string_view>

#include "base/unique_fd.h"

namespace fleetmedic {

// Not synchronised. What cannot be written (no space) is dropped and counted: a task never waits
// for its log.
class BoundedLog {
 public:
  static constexpr int64_t kFileBytesMax = 1 << 20;

  explicit BoundedLog(std::string path) : path_(std::move(path)) {}

  void Write(std::string_view bytes);
  // All that waits in a pipe that does not block; false at its end.
  bool Drain(int fd);
  int64_t dropped_bytes() const { return dropped_bytes_; }

 private:
  bool Open();

  const std::string path_;
  UniqueFd fd_;
  int64_t size_ = 0;
  int64_t dropped_bytes_ = 0;
};

}  // namespace fleetmedic

#endif  // FLEETMEDIC_EXECUTOR_BOUNDED_LOG_H_
