// Watches the NVMe controllers of a host: their state, and the health that they tell of.
#ifndef FLEETMEDIC_DETECTORS_NVME_NVME_DETECTOR_H_
#define FLEETMEDIC_DETECTORS_NVME_NVME_DETECTOR_H_

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/file.h"
#include "config/host_config.h"
#include "config/nvme_config.h"
#include "detectors/detector.h"
#include "detectors/nvme/nvme_evaluate.h"

namespace fleetmedic {

// The health log page of the controller ("nvme0") as it is, by an admin command on /dev/nvme0
// below the root; it reads and changes nothing. Needs CAP_SYS_ADMIN. May hang as long as the
// controller does. Errors: kPermissionDenied, kNotFound (no such device file), kUnsupported (the
// controller has no such page), kIo with the status otherwise.
Result<std::string> ReadNvmeHealthPage(const FsRoot& root, const std::string& controller);

class NvmeDetector final : public Detector {
 public:
  static constexpr size_t kControllersMax = 64;
  using ReadPage = std::function<Result<std::string>(const FsRoot&, const std::string&)>;

  NvmeDetector(const Clock* clock, const HostConfig& host, const NvmeConfig& config,
               ReadPage read_page = ReadNvmeHealthPage);

  std::string_view name() const override { return "nvme"; }
  std::vector<std::string> types() const override;
  bool Supported() const override;
  Millis interval() const override { return config_.interval; }
  // Asks a controller for its health every health_every, and one that could not tell at each look.
  // One that hangs hangs this probe.
  Result<std::vector<Condition>> Probe(MonoTime deadline) override;

 private:
  struct Health {
    Result<NvmeHealth> answer;
    MonoTime asked_at{};
  };

  void AskHealth(MonoTime now, NvmeSample* controller);

  const Clock* const clock_;
  const FsRoot root_;
  const NvmeConfig config_;
  const ReadPage read_page_;
  NvmeHistory history_;
  std::map<std::string, Health> health_;
};

}  // namespace fleetmedic

#endif  // FLEETMEDIC_DETECTORS_NVME_NVME_DETECTOR_H_
