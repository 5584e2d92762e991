// Watches the Docker daemon, and through it containerd.
//
// `_ping` proves only that the HTTP loop turns. A stopped containerd leaves it and the list of
// containers answering, and hangs /info; a killed one answers /top with 503; a full data root shows
// in none of them. So each look asks all of these, each with its share of the deadline.
#ifndef FLEETMEDIC_DETECTORS_DOCKER_DOCKER_DETECTOR_H_
#define FLEETMEDIC_DETECTORS_DOCKER_DOCKER_DETECTOR_H_

#include <string>
#include <vector>

#include "base/clock.h"
#include "base/file.h"
#include "base/http_client.h"
#include "config/docker_config.h"
#include "config/host_config.h"
#include "detectors/detector.h"
#include "detectors/docker/docker_evaluate.h"

namespace fleetmedic {

class DockerDetector final : public Detector {
 public:
  // The name of the container that the create probe makes, never starts, and removes.
  static constexpr std::string_view kProbeContainer = "fleetmedic-create-probe";

  // The socket is config.socket below the host's root.
  DockerDetector(const Clock* clock, const HostConfig& host, const DockerConfig& config);

  std::string_view name() const override { return "docker"; }
  std::vector<std::string> types() const override;
  // There is a socket, was one, or a docker.service.
  bool Supported() const override;
  Millis interval() const override { return config_.interval; }
  Result<std::vector<Condition>> Probe(MonoTime deadline) override;

 private:
  // One request with a share of what is left: an equal part with `calls_after` more.
  DockerAnswer Ask(std::string_view method, std::string target, std::string body, MonoTime deadline,
                   int calls_after, Json* json) const;
  DockerSample Sample(MonoTime deadline);
  void AskTop(MonoTime deadline, DockerSample* sample) const;
  void AskCreate(MonoTime deadline, DockerSample* sample) const;
  void StatDataRoot(DockerSample* sample) const;

  const Clock* const clock_;
  const FsRoot root_;
  const DockerConfig config_;
  const HttpClient client_;
  bool seen_ = false;
  std::string data_root_;  // of the last /info that answered
  DockerHistory history_;
};

}  // namespace fleetmedic

#endif  // FLEETMEDIC_DETECTORS_DOCKER_DOCKER_DETECTOR_H_
