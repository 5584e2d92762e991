// Asks NVIDIA's driver a small question again and again, by a child process that keeps NVML open:
// what answers within milliseconds and then does not is told of seconds before a whole look at the
// GPUs may be called hung.
#ifndef FLEETMEDIC_DETECTORS_GPU_GPU_PING_H_
#define FLEETMEDIC_DETECTORS_GPU_GPU_PING_H_

#include <optional>
#include <string>
#include <vector>

#include "base/child_process.h"
#include "base/clock.h"

namespace fleetmedic {

// At most one child at a time; one that does not die is left to itself, as with GpuProbe. While it
// lives it is a client of the driver, like any monitoring that stays: a GPU cannot be reset, nor
// the driver unloaded. So it is stopped wherever that may be wanted. Owned by one thread.
class GpuPing {
 public:
  // After a child that ended by itself the next one waits so long.
  static constexpr Seconds kRestartAfter{30};

  // `argv` runs GpuPingMain.
  GpuPing(const Clock* clock, std::vector<std::string> argv)
      : clock_(clock), argv_(std::move(argv)) {}
  GpuPing(const GpuPing&) = delete;
  GpuPing& operator=(const GpuPing&) = delete;
  ~GpuPing();

  // Asks, unless a question is open, and waits for its answer until `patience` after it was asked,
  // at most until the deadline. For how long it has been open; none: it was answered, or the child
  // has not answered its first one yet, which waits for the driver's start.
  std::optional<Micros> Ask(Millis patience, MonoTime deadline);

  // Ends the child, and does not wait for that.
  void Stop();

 private:
  void Start();
  void Read(MonoTime until);

  const Clock* const clock_;
  const std::vector<std::string> argv_;
  std::optional<Child> child_;
  bool stopped_ = false;
  bool ready_ = false;  // answered once
  bool open_ = false;   // a question is
  bool ended_ = false;  // its answers have
  MonoTime asked_at_{};
  MonoTime start_due_{};
};

}  // namespace fleetmedic

#endif  // FLEETMEDIC_DETECTORS_GPU_GPU_PING_H_
