// Asks NVIDIA's management library by a child process, and gives up on one that hangs.
#ifndef FLEETMEDIC_DETECTORS_GPU_GPU_PROBE_H_
#define FLEETMEDIC_DETECTORS_GPU_GPU_PROBE_H_

#include <optional>
#include <string>
#include <vector>

#include "base/child_process.h"
#include "base/clock.h"
#include "detectors/gpu/gpu_sample.h"

namespace fleetmedic {

struct GpuAnswer {
  enum class Kind : uint8_t {
    kAnswered,  // `sample`
    kHung,      // the child did not come back; `message` names the call
    kFailed,    // the child could not be started, crashed, or printed what cannot be read
  };
  Kind kind = Kind::kFailed;
  std::string message;
  NvmlSample sample;
  MonoTime at{};
};

// At most one child at a time. One that hangs is killed; one that does not die even then (its
// driver hangs in the kernel) is left to itself, no other is started beside it, and nobody waits
// for it, not even the destructor. Owned by one thread.
class GpuProbe {
 public:
  static constexpr size_t kOutputBytesMax = size_t{1} << 20;

  // `argv` runs GpuChildMain.
  GpuProbe(const Clock* clock, std::vector<std::string> argv)
      : clock_(clock), argv_(std::move(argv)) {}
  GpuProbe(const GpuProbe&) = delete;
  GpuProbe& operator=(const GpuProbe&) = delete;
  ~GpuProbe();

  // Starts a child where none runs and waits for its answer until `until`. Null: it still runs and
  // is asked for again. One that runs for `hung_after` is hung, which is an answer.
  std::optional<GpuAnswer> Ask(MonoTime until, Millis hung_after);

  bool running() const { return child_.has_value(); }
  // Requires running.
  pid_t pid() const { return child_->pid(); }

 private:
  std::optional<GpuAnswer> Start();
  // True: it has ended and all that it printed is here.
  bool WaitForEnd(MonoTime until);
  GpuAnswer AnswerOf(const ExitStatus& status) const;
  GpuAnswer Hung() const;
  // The last call that it told of, for a message.
  std::string LastCall() const;

  const Clock* const clock_;
  const std::vector<std::string> argv_;
  std::optional<Child> child_;
  bool killed_ = false;
  MonoTime started_at_{};
  std::string output_;
  std::string calls_;
};

}  // namespace fleetmedic

#endif  // FLEETMEDIC_DETECTORS_GPU_GPU_PROBE_H_
