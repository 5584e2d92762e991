// Watches the Docker daemon, and through it containerd and the shims of its containers.
//
// `_ping` proves only that the HTTP loop turns. A stopped containerd leaves it and the list of
// containers answering, and hangs /info; a killed one answers /top with 503; a stopped shim hangs
// /top of its own container alone; a full data root shows in none of them. So a look at all asks
// all of these, each with its share of the deadline; looks between two such only ping.
//
// It never starts a daemon: on a host of systemd's where no dockerd runs, nothing is asked at a
// socket that is there; systemd may hold it for docker.service, or for podman.service.
#ifndef FLEETMEDIC_DETECTORS_DOCKER_DOCKER_DETECTOR_H_
#define FLEETMEDIC_DETECTORS_DOCKER_DOCKER_DETECTOR_H_

#include <set>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/file.h"
#include "config/docker_config.h"
#include "config/host_config.h"
#include "detectors/detector.h"
#include "detectors/docker/docker_api.h"
#include "detectors/docker/docker_evaluate.h"
#include "detectors/docker/docker_probes.h"

namespace fleetmedic {

class DockerDetector final : public Detector {
 public:
  // The socket is config.socket below the host's root.
  DockerDetector(const Clock* clock, const HostConfig& host, const DockerConfig& config);

  std::string_view name() const override { return "docker"; }
  std::vector<std::string> types() const override;
  // It has answered, or there is a socket or a docker.service; not where a socket waits for its
  // first client, nor where systemd starts neither docker.service nor its socket and no dockerd
  // runs: Docker is installed there and not in use.
  bool Supported() const override;
  Millis interval() const override { return config_.interval; }
  Result<std::vector<Condition>> Probe(MonoTime deadline) override;

 private:
  // Whether asking could make systemd start a daemon: it holds sockets here, and no dockerd runs.
  bool Dormant() const;
  bool DaemonRuns() const;
  // Whether systemd starts the daemon, or its socket, at the boot.
  bool Enabled() const;
  // True when another process is the daemon than at the last look.
  bool LookAtProcess(MonoTime now);
  // The calls that every look at all makes.
  void AskDaemon(MonoTime deadline, DockerSample* sample);
  // One of those that take turns.
  void AskInTurn(MonoTime deadline, DockerSample* sample);
  void ScanShims(MonoTime deadline, const DockerSample& sample);
  void StatDataRoot(DockerSample* sample) const;
  std::vector<Condition> Evaluate(const DockerSample& sample) const;

  const Clock* const clock_;
  const FsRoot root_;
  const DockerConfig config_;
  const DockerApi api_;
  DockerProbes probes_;
  bool seen_ = false;
  // Of a dockerd that config.pid_file does not name; looked for among all processes, so not often.
  mutable int64_t found_pid_ = 0;
  mutable MonoTime find_due_{};
  mutable bool enabled_ = false;
  mutable MonoTime enabled_due_{};
  MonoTime all_due_{};    // of the next look at all
  MonoTime shims_due_{};  // of the next scan of processes
  MonoTime exec_due_{};
  MonoTime create_due_{};
  unsigned turn_ = 0;
  std::string data_root_;  // of the last /info that answered
  DockerAnswer create_;    // of the last create probe
  std::set<std::string> shim_addresses_;
  DockerHistory history_;
  DockerSample last_;  // the last look at all
};

}  // namespace fleetmedic

#endif  // FLEETMEDIC_DETECTORS_DOCKER_DOCKER_DETECTOR_H_
