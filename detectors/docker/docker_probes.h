// Looks through the daemon at its containers, a few at each look: all of them in turn.
#ifndef FLEETMEDIC_DETECTORS_DOCKER_DOCKER_PROBES_H_
#define FLEETMEDIC_DETECTORS_DOCKER_DOCKER_PROBES_H_

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "detectors/docker/docker_api.h"
#include "detectors/docker/docker_evaluate.h"

namespace fleetmedic {

// The running container that comes after `after` by id, the first again after the last; those in
// `skip` are left out. Empty where there is none. Pure.
std::string NextRunning(const std::vector<DockerContainer>& containers, std::string_view after,
                        const std::set<std::string>& skip);

// One file "fleetmedic-probe" as a tar archive (ustar, POSIX.1-1988): the create probe's image.
// Pure.
std::string ProbeImageTar();

class DockerProbes {
 public:
  // The name of the container that the create probe makes, never starts, and removes.
  static constexpr std::string_view kProbeContainer = "fleetmedic-create-probe";
  static constexpr std::string_view kProbeImage = "fleetmedic-create-probe";

  // `api` is not owned.
  explicit DockerProbes(const DockerApi* api) : api_(api) {}

  // /top of the next container and of up to two that hung before; of one more where none was
  // answered, to tell a hung shim from a hung containerd.
  void AskTop(MonoTime deadline, int calls_after, DockerSample* sample, DockerHistory* history);
  // The last line of the next container's log, and of one that was stuck before.
  void AskLogs(MonoTime deadline, const DockerSample& sample, DockerHistory* history);
  // Runs `command` in the next container. One in which our last is not back gets no second.
  void AskExec(const std::vector<std::string>& command, MonoTime deadline,
               const DockerSample& sample, DockerHistory* history);
  // Imports the image, makes a container of it, removes both.
  DockerAnswer AskCreate(MonoTime deadline) const;

 private:
  void AskOneTop(const std::string& id, MonoTime deadline, int calls_after, DockerSample* sample,
                 DockerHistory* history);
  void AskOneLog(const std::string& id, MonoTime deadline, int calls_after, DockerHistory* history);
  void AskStuckExecs(MonoTime deadline, DockerHistory* history);

  const DockerApi* const api_;
  std::string top_after_;
  std::string logs_after_;
  std::string exec_after_;
  std::map<std::string, std::string> execs_;  // not back yet, by container
};

}  // namespace fleetmedic

#endif  // FLEETMEDIC_DETECTORS_DOCKER_DOCKER_PROBES_H_
