// Watches NVIDIA's GPUs: the PCI bus by its files at every look, and NVML by child processes: all
// of it now and then, and at every look one small question, where the driver is kept ready anyway;
// so that a driver that hangs is seen and hangs nothing of ours.
#ifndef FLEETMEDIC_DETECTORS_GPU_GPU_DETECTOR_H_
#define FLEETMEDIC_DETECTORS_GPU_GPU_DETECTOR_H_

#include <string>
#include <vector>

#include "base/clock.h"
#include "base/file.h"
#include "config/gpu_config.h"
#include "config/host_config.h"
#include "detectors/detector.h"
#include "detectors/gpu/gpu_evaluate.h"
#include "detectors/gpu/gpu_ping.h"
#include "detectors/gpu/gpu_probe.h"

namespace fleetmedic {

class GpuDetector final : public Detector {
 public:
  // `child` is the argv of a program that runs GpuChildMain with the library that follows, and
  // GpuPingMain where kGpuPingWord follows that.
  GpuDetector(const Clock* clock, const HostConfig& host, const GpuConfig& config,
              const std::vector<std::string>& child);

  std::string_view name() const override { return "gpu"; }
  std::vector<std::string> types() const override;
  // There is a GPU that counts, the driver is loaded, or the config says that there should be some.
  bool Supported() const override;
  Millis interval() const override { return config_.interval; }
  Result<std::vector<Condition>> Probe(MonoTime deadline) override;

 private:
  void FindAgain(MonoTime now) const;
  bool Asleep() const;
  bool Warm() const;
  bool MayWantReset() const;
  void Ping(MonoTime deadline);
  void AskNvml(MonoTime deadline);

  const Clock* const clock_;
  const FsRoot root_;
  const GpuConfig config_;
  // Supported looks, too; both are called by the same thread.
  mutable GpuSample sample_;
  mutable MonoTime find_due_{};
  GpuProbe probe_;
  GpuPing ping_;
  MonoTime ask_due_{};
  GpuHistory history_;
};

}  // namespace fleetmedic

#endif  // FLEETMEDIC_DETECTORS_GPU_GPU_DETECTOR_H_
