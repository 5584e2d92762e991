// Compares what EC2's instance metadata says with what the kernel has, and tells of what EC2 has in
// mind for the instance.
//
// The metadata's address is a link-local one that anything may listen on outside EC2. It is asked
// only where DMI says that this is an EC2 instance, or where the config names an address; anywhere
// else not one packet is sent.
#ifndef FLEETMEDIC_DETECTORS_IMDS_IMDS_DETECTOR_H_
#define FLEETMEDIC_DETECTORS_IMDS_IMDS_DETECTOR_H_

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/file.h"
#include "config/host_config.h"
#include "config/imds_config.h"
#include "detectors/detector.h"
#include "detectors/imds/imds_evaluate.h"
#include "detectors/network/expected_interfaces.h"

namespace fleetmedic {

class ImdsDetector final : public Detector {
 public:
  static constexpr std::string_view kAddress = "169.254.169.254:80";

  // Makes the way to an address; called at the first probe of a host that may be asked.
  using Connect = std::function<ImdsSend(const HttpAddress& address)>;
  // ReadNetworkTables of links and addresses in production.
  using ReadKernel = std::function<Result<NetworkTables>(MonoTime deadline)>;

  // With the real ones. `clock` is not owned; `expected` may be null.
  ImdsDetector(const Clock* clock, const HostConfig& host, const ImdsConfig& config,
               std::shared_ptr<ExpectedInterfaces> expected);
  ImdsDetector(const Clock* clock, const HostConfig& host, const ImdsConfig& config,
               std::shared_ptr<ExpectedInterfaces> expected, Connect connect,
               ReadKernel read_kernel);

  std::string_view name() const override { return "imds"; }
  std::vector<std::string> types() const override;
  // There is an address that may be asked.
  bool Supported() const override { return Address().has_value(); }
  Millis interval() const override { return config_.interval; }
  // Without such an address: an error, and nothing is sent.
  Result<std::vector<Condition>> Probe(MonoTime deadline) override;

 private:
  std::optional<HttpAddress> Address() const;

  const Clock* const clock_;
  const FsRoot root_;
  const ImdsConfig config_;
  const std::shared_ptr<ExpectedInterfaces> expected_;
  const Connect connect_;
  const ReadKernel read_kernel_;
  std::unique_ptr<ImdsClient> client_;
  ImdsHistory history_;
  std::optional<std::vector<ExpectedInterface>> interfaces_;  // the newest
  std::optional<MonoTime> interfaces_at_;
};

}  // namespace fleetmedic

#endif  // FLEETMEDIC_DETECTORS_IMDS_IMDS_DETECTOR_H_
