// Watches the host's interfaces, routes and rules, and the limits of its network stack.
//
// The kernel tells of changes on a multicast socket that each probe drains, so that the probe can
// come every second and cost nothing while nothing changes; what matters is then read whole. The
// counters are looked at every look_every.
#ifndef FLEETMEDIC_DETECTORS_NETWORK_NETWORK_DETECTOR_H_
#define FLEETMEDIC_DETECTORS_NETWORK_NETWORK_DETECTOR_H_

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/file.h"
#include "config/host_config.h"
#include "config/network_config.h"
#include "detectors/detector.h"
#include "detectors/network/expected_interfaces.h"
#include "detectors/network/network_evaluate.h"
#include "detectors/network/network_limits.h"
#include "detectors/network/network_source.h"

namespace fleetmedic {

class NetworkDetector final : public Detector {
 public:
  // Lists that change under every attempt are taken from the look before for this long.
  static constexpr Millis kBusyMax = Seconds(30);

  // Looks at the network namespace of the thread that probes, and at the files below the host's
  // root. `clock` is not owned; `expected` may be null.
  NetworkDetector(const Clock* clock, const HostConfig& host, const NetworkConfig& config,
                  std::shared_ptr<const ExpectedInterfaces> expected,
                  std::unique_ptr<NetworkSource> source);

  std::string_view name() const override { return "network"; }
  std::vector<std::string> types() const override;
  // Below a root with a /proc: not a demonstration's.
  bool Supported() const override { return root_.Exists("/proc/net/dev"); }
  Millis interval() const override { return config_.interval; }
  Result<std::vector<Condition>> Probe(MonoTime deadline) override;

 private:
  std::vector<Condition> LookAtLinks(MonoTime now, MonoTime deadline, bool regular);
  void ReadReversePath();
  void ReadAllowances();
  void LookAtLimits(MonoTime now);

  const Clock* const clock_;
  const FsRoot root_;
  const NetworkConfig config_;
  const NetworkThresholds thresholds_;
  const std::shared_ptr<const ExpectedInterfaces> expected_;
  const std::unique_ptr<NetworkSource> source_;

  NetworkHistory history_;
  CounterWindow limits_window_;
  NetworkSample sample_;  // the newest; its files and counters are of the last regular look
  std::optional<MonoTime> regular_at_;
  std::optional<MonoTime> read_at_;  // the links, whole
  bool again_ = true;                // the links could not be read
  std::vector<Condition> links_;     // what was said of them
  std::vector<Condition> limits_;
};

}  // namespace fleetmedic

#endif  // FLEETMEDIC_DETECTORS_NETWORK_NETWORK_DETECTOR_H_
