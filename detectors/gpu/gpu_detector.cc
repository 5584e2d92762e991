#include "detectors/gpu/gpu_detector.h"

#include <algorithm>
#include <utility>

#include "detectors/condition_types.h"

namespace fleetmedic {
namespace {

// Between two looks at the whole PCI bus.
constexpr Seconds kFindEvery{60};
// A look waits this long for a child; one that takes longer is asked for at the next look.
constexpr Millis kPatience{500};

std::vector<std::string> WithLibrary(std::vector<std::string> child, const std::string& library) {
  child.push_back(library);
  return child;
}

}  // namespace

GpuDetector::GpuDetector(const Clock* clock, const HostConfig& host, const GpuConfig& config,
                         std::vector<std::string> child)
    : clock_(clock),
      root_(host.root),
      config_(config),
      probe_(clock, WithLibrary(std::move(child), config.library)) {}

std::vector<std::string> GpuDetector::types() const { return ConditionTypesOf("gpu"); }

void GpuDetector::FindAgain(MonoTime now) const {
  if (find_due_ != MonoTime{} && now < find_due_) return;
  find_due_ = now + kFindEvery;
  GpuHost found = FindGpus(root_);
  // One that is gone from the bus since is not forgotten: it is lost.
  for (const PciGpu& gpu : sample_.host.gpus) {
    const bool known =
        std::ranges::find(found.gpus, gpu.address, &PciGpu::address) != found.gpus.end();
    if (!known && CountsAsGpu(gpu, sample_.host)) found.gpus.push_back(gpu);
  }
  sample_.host = std::move(found);
}

bool GpuDetector::Supported() const {
  FindAgain(clock_->Mono());
  return config_.expected > 0 || sample_.host.module_loaded ||
         std::ranges::any_of(sample_.host.gpus,
                             [this](const PciGpu& gpu) { return CountsAsGpu(gpu, sample_.host); });
}

void GpuDetector::AskNvml(MonoTime deadline) {
  const MonoTime now = clock_->Mono();
  const auto asleep = [this](const PciGpu& gpu) {
    return gpu.asleep || !CountsAsGpu(gpu, sample_.host);
  };
  if (!probe_.running()) {
    if (now < ask_due_) return;
    // NVML would wake them up.
    if (!sample_.host.gpus.empty() && std::ranges::all_of(sample_.host.gpus, asleep) &&
        std::ranges::any_of(sample_.host.gpus, &PciGpu::asleep)) {
      sample_.state = GpuSample::Nvml::kAsleep;
      return;
    }
  }
  // Without persistence mode the driver starts the GPUs for each who asks, and that takes time.
  const bool warm = sample_.state == GpuSample::Nvml::kAnswered && !sample_.nvml.gpus.empty() &&
                    std::ranges::all_of(sample_.nvml.gpus, [](const GpuReading& gpu) {
                      return gpu.persistence == true;
                    });
  std::optional<GpuAnswer> answer = probe_.Ask(std::min(deadline, now + kPatience),
                                               warm ? config_.hung_after : config_.hung_after_cold);
  if (!answer) return;
  ask_due_ = now + config_.nvml_every;
  sample_.message = std::move(answer->message);
  switch (answer->kind) {
    case GpuAnswer::Kind::kAnswered:
      sample_.state = GpuSample::Nvml::kAnswered;
      sample_.nvml = std::move(answer->sample);
      sample_.nvml_at = answer->at;
      break;
    case GpuAnswer::Kind::kHung:
      sample_.state = GpuSample::Nvml::kHung;
      // Whether it hangs still is asked at every look.
      ask_due_ = now;
      break;
    case GpuAnswer::Kind::kFailed:
      sample_.state = GpuSample::Nvml::kFailed;
      break;
  }
}

Result<std::vector<Condition>> GpuDetector::Probe(MonoTime deadline) {
  FindAgain(clock_->Mono());
  LookAtGpus(root_, &sample_.host);
  AskNvml(deadline);
  GpuThresholds thresholds;
  thresholds.expected = config_.expected;
  thresholds.error_window = config_.error_window;
  thresholds.nvlink_errors_max = static_cast<uint64_t>(config_.nvlink_errors_max);
  thresholds.throttled_after = config_.throttled_after;
  thresholds.fabric_grace = config_.fabric_grace;
  thresholds.clock_low_share = config_.clock_low_share;
  return EvaluateGpu(sample_, thresholds, &history_);
}

}  // namespace fleetmedic
