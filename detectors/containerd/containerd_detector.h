// Asks containerd itself whether it serves: Docker's detector sees containerd only through Docker,
// and a host of Kubernetes or of plain containerd has no Docker.
#ifndef FLEETMEDIC_DETECTORS_CONTAINERD_CONTAINERD_DETECTOR_H_
#define FLEETMEDIC_DETECTORS_CONTAINERD_CONTAINERD_DETECTOR_H_

#include <map>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/file.h"
#include "config/containerd_config.h"
#include "config/host_config.h"
#include "detectors/containerd/containerd_evaluate.h"
#include "detectors/daemon_process.h"
#include "detectors/detector.h"

namespace fleetmedic {

class ContainerdDetector final : public Detector {
 public:
  // `clock` is not owned.
  ContainerdDetector(const Clock* clock, const HostConfig& host, const ContainerdConfig& config);

  std::string_view name() const override { return "containerd"; }
  std::vector<std::string> types() const override;
  // One of the sockets is there, or has answered.
  bool Supported() const override;
  Millis interval() const override { return config_.interval; }
  Result<std::vector<Condition>> Probe(MonoTime deadline) override;

 private:
  struct Known {
    explicit Known(Millis restarts_within) : restarts(restarts_within) {}
    RestartWindow restarts;
  };

  ContainerdAnswer Ask(const std::string& socket, MonoTime deadline) const;
  void NoteProcess(ContainerdAnswer* answer, MonoTime now);
  ContainerdFolder Look(const std::string& folder) const;

  const Clock* const clock_;
  const FsRoot root_;
  const ContainerdConfig config_;
  std::map<std::string, Known> known_;  // the sockets that have answered
  MonoTime folders_due_{};
  std::vector<ContainerdFolder> folders_;
};

}  // namespace fleetmedic

#endif  // FLEETMEDIC_DETECTORS_CONTAINERD_CONTAINERD_DETECTOR_H_
