// What a look at the GPUs of a host means for it. Pure.
#ifndef FLEETMEDIC_DETECTORS_GPU_GPU_EVALUATE_H_
#define FLEETMEDIC_DETECTORS_GPU_GPU_EVALUATE_H_

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/time.h"
#include "detectors/gpu/gpu_host.h"
#include "detectors/gpu/gpu_sample.h"
#include "model/condition.h"

namespace fleetmedic {

struct GpuThresholds {
  int64_t expected = 0;  // GPUs that the host is to have; 0: as its type has
  // An error is told this long after it was counted.
  Millis error_window = Minutes(15);
  // Replays and CRC errors of one link within the window; one recovery is one too many.
  uint64_t nvlink_errors_max = 90'000;
  Millis throttled_after = Seconds(60);
  Millis fabric_grace = Minutes(5);
  double clock_low_share = 0.5;
};

struct GpuSample {
  enum class Nvml : uint8_t {
    kNotYet,    // no answer yet
    kAnswered,  // `nvml`
    kHung,      // `message` names the call
    kFailed,    // could not be asked; `message` says why
    kAsleep,    // every GPU is suspended and was left alone
  };
  GpuHost host;
  Nvml state = Nvml::kNotYet;
  std::string message;
  NvmlSample nvml;
  // When `nvml` was read: a sample is counted once.
  MonoTime nvml_at{};
  // For how long a small question has not been answered; 0: it was, or none is asked.
  Micros silent_for{0};
};

// What is remembered between looks.
class GpuHistory {
 public:
  // How much a counter grew of late; its first look is where it starts, and a fall (the GPU was
  // reset, the driver loaded anew) takes back what was said.
  uint64_t Grown(const std::string& name, uint64_t value, MonoTime at, Millis window);
  // For how long it has been so without a break; it ends with `holds` false.
  Micros Lasting(const std::string& name, bool holds, MonoTime at);
  // True once it was ever so.
  bool WasEver(const std::string& name, bool holds);

  // (type, unit) of what was not ok in the last look.
  std::vector<std::pair<std::string, std::string>> last_bad;

 private:
  struct Counter {
    uint64_t value = 0;
    uint64_t grown = 0;
    MonoTime grown_at{};
  };
  // GPUs by links by counters; names come from a bounded sample.
  static constexpr size_t kNamesMax = 8192;

  std::map<std::string, Counter> counters_;
  std::map<std::string, MonoTime> since_;
  std::set<std::string> ever_;
};

// "gpu-0000:3b:00", as the rules call it: the kernel's records have no function number.
std::string GpuUnit(std::string_view pci, int64_t index);

// All that holds. `history` is written.
std::vector<Condition> EvaluateGpu(const GpuSample& sample, const GpuThresholds& thresholds,
                                   GpuHistory* history);

// Whether a GPU of the bus is for programs of this host: driven by nvidia's driver, or to be.
bool CountsAsGpu(const PciGpu& gpu, const GpuHost& host);

}  // namespace fleetmedic

#endif  // FLEETMEDIC_DETECTORS_GPU_GPU_EVALUATE_H_
