// One custom check of the config as a detector: its own worker and its own deadline, so that a
// check that hangs delays nobody.
#ifndef FLEETMEDIC_DETECTORS_CHECKS_CHECK_DETECTOR_H_
#define FLEETMEDIC_DETECTORS_CHECKS_CHECK_DETECTOR_H_

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "base/clock.h"
#include "base/file.h"
#include "config/checks_config.h"
#include "detectors/checks/check_evaluate.h"
#include "detectors/detector.h"

namespace fleetmedic {

// How many checks may run at the same time. Thread-safe.
class CheckSlots {
 public:
  explicit CheckSlots(int count) : free_(count) {}

  // False: none came free within `patience`.
  bool Take(Micros patience);
  void Return();

 private:
  absl::Mutex mutex_;
  int free_ ABSL_GUARDED_BY(mutex_);
};

class CheckDetector final : public Detector {
 public:
  // Of what a check prints, this much is looked at.
  static constexpr size_t kOutputBytesMax = size_t{16} << 10;

  // `users` is where etc/passwd and etc/group are.
  CheckDetector(const Clock* clock, CheckConfig config, std::shared_ptr<CheckSlots> slots,
                FsRoot users = FsRoot());

  std::string_view name() const override { return name_; }
  std::vector<std::string> types() const override { return {config_.type}; }
  bool Supported() const override { return true; }
  Millis interval() const override { return config_.interval; }
  // It may wait for its turn as long as it may run.
  Millis probe_deadline() const override { return 2 * config_.deadline + kReapPatience; }
  Result<std::vector<Condition>> Probe(MonoTime deadline) override;

 private:
  // What killing a program that does not die takes (base/child_process.h).
  static constexpr Seconds kReapPatience{2};

  CheckRun Run() const;
  Result<std::optional<ChildUser>> User() const;

  const Clock* const clock_;
  const CheckConfig config_;
  const std::string name_;
  const std::shared_ptr<CheckSlots> slots_;
  const FsRoot users_;
};

}  // namespace fleetmedic

#endif  // FLEETMEDIC_DETECTORS_CHECKS_CHECK_DETECTOR_H_
