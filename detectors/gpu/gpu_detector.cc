#include "detectors/gpu/gpu_detector.h"

#include <algorithm>
#include <initializer_list>
#include <utility>

#include "detectors/condition_types.h"
#include "detectors/gpu/gpu_child.h"
#include "detectors/gpu/gpu_instances.h"

namespace fleetmedic {
namespace {

// Between two looks at the whole PCI bus.
constexpr Seconds kFindEvery{60};
// A look waits this long for a child; one that takes longer is asked for at the next look.
constexpr Millis kPatience{500};

std::vector<std::string> With(std::vector<std::string> child,
                              std::initializer_list<std::string> words) {
  child.insert(child.end(), words);
  return child;
}

}  // namespace

GpuDetector::GpuDetector(const Clock* clock, const HostConfig& host, const GpuConfig& config,
                         const std::vector<std::string>& child)
    : clock_(clock),
      root_(host.root),
      config_(config),
      probe_(clock, With(child, {config.library})),
      ping_(clock, With(child, {config.library, kGpuPingWord})) {}

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
  return config_.expected > 0 || GpusOfInstanceType(sample_.host.instance_type) > 0 ||
         sample_.host.module_loaded ||
         std::ranges::any_of(sample_.host.gpus,
                             [this](const PciGpu& gpu) { return CountsAsGpu(gpu, sample_.host); });
}

bool GpuDetector::Asleep() const {
  const std::vector<PciGpu>& gpus = sample_.host.gpus;
  return std::ranges::any_of(gpus, &PciGpu::asleep) &&
         std::ranges::all_of(gpus, [this](const PciGpu& gpu) {
           return gpu.asleep || !CountsAsGpu(gpu, sample_.host);
         });
}

// Without persistence mode the driver starts the GPUs for each who asks, and that takes time.
bool GpuDetector::Warm() const {
  return sample_.state == GpuSample::Nvml::kAnswered && !sample_.nvml.gpus.empty() &&
         std::ranges::all_of(sample_.nvml.gpus,
                             [](const GpuReading& gpu) { return gpu.persistence == true; });
}

// Whoever resets a GPU must be the only one who uses it.
bool GpuDetector::MayWantReset() const {
  return std::ranges::any_of(sample_.host.gpus, &PciGpu::off_the_bus) ||
         std::ranges::any_of(sample_.nvml.gpus, [](const GpuReading& gpu) {
           return gpu.status != 0 || gpu.recovery_action.value_or(0) != 0 ||
                  gpu.retirement_pending == true ||
                  (gpu.row_remap && (gpu.row_remap->pending || gpu.row_remap->failed));
         });
}

void GpuDetector::Ping(MonoTime deadline) {
  sample_.silent_for = Micros(0);
  // Where the GPUs are not kept ready anyway, keeping the driver open would keep them ready.
  if (config_.ping_max == Millis(0) || !Warm() || Asleep() || MayWantReset()) return ping_.Stop();
  const std::optional<Micros> silent = ping_.Ask(config_.ping_max, deadline);
  if (!silent || *silent < config_.ping_max) return;
  sample_.silent_for = *silent;
  // What the whole look says of it is asked at once.
  ask_due_ = clock_->Mono();
}

void GpuDetector::AskNvml(MonoTime deadline) {
  const MonoTime now = clock_->Mono();
  if (!probe_.running()) {
    if (now < ask_due_) return;
    // NVML would wake them up.
    if (Asleep()) {
      sample_.state = GpuSample::Nvml::kAsleep;
      return;
    }
  }
  // A driver that is silent is told of now.
  const Millis patience = sample_.silent_for > Micros(0) ? Millis(0) : kPatience;
  std::optional<GpuAnswer> answer =
      probe_.Ask(std::min<MonoTime>(deadline, now + patience),
                 Warm() ? config_.hung_after : config_.hung_after_cold);
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
  Ping(deadline);
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
