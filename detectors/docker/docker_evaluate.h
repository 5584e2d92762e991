// What Docker's answers mean for the host. Pure.
#ifndef FLEETMEDIC_DETECTORS_DOCKER_DOCKER_EVALUATE_H_
#define FLEETMEDIC_DETECTORS_DOCKER_DOCKER_EVALUATE_H_

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/time.h"
#include "detectors/daemon_process.h"
#include "detectors/docker/docker_json.h"
#include "detectors/docker/docker_shims.h"
#include "model/condition.h"

namespace fleetmedic {

// How one request to the daemon ended.
struct DockerAnswer {
  enum class Kind : uint8_t {
    kNotAsked,
    kReplied,  // `status` says what
    kTimedOut,
    kNobody,   // no socket, or nobody listens on it
    kNoRight,  // no permission to write to the socket
    kBroken,   // any other error, `error` says which
  };
  Kind kind = Kind::kNotAsked;
  int status = 0;
  std::string error;  // of a reply that is not 2xx: the start of its body

  bool ok() const { return kind == Kind::kReplied && status >= 200 && status < 300; }
  bool operator==(const DockerAnswer&) const = default;
};

// One request about one container.
struct DockerContainerAnswer {
  std::string id;
  DockerAnswer answer;
};

// The file system below the data root.
struct DockerDataRoot {
  std::string path;
  // No value where it could not be told.
  std::optional<double> bytes_used_share;
  std::optional<double> inodes_used_share;
  uint64_t bytes_available = 0;
  bool read_only = false;
  uint64_t device = 0;  // st_dev
};

struct DockerSample {
  MonoTime at{};
  // Whether the daemon has answered since this agent looks.
  bool seen = false;
  // systemd holds the socket and no dockerd runs: asking would start one, so nothing was asked.
  bool dormant = false;
  DockerAnswer ping;
  DockerAnswer list;
  DockerAnswer info;                       // goes through containerd
  std::vector<DockerContainerAnswer> top;  // of running containers, by containerd to their shims
  DockerAnswer create;                     // the optional create probe
  std::vector<DockerContainer> containers;
  DockerInfo information;
  DockerDataRoot data_root;
};

struct DockerThresholds {
  Millis removing_max = Minutes(5);
  Millis shim_grace = Minutes(2);
  int restarts_count = 3;
  int containers_max = 1000;
  double full_share = 0.99;
  std::string storage_driver;                   // expected; empty: the first that was seen
  std::map<std::string, std::string> versions;  // expected beginnings, by component
  bool executors = false;                       // whether an executor rule is configured
  bool exec_probe = false;
};

// What is remembered between looks.
class DockerHistory {
 public:
  static constexpr size_t kContainersMax = 4096;

  explicit DockerHistory(Millis restarts_within = Minutes(10)) : restarts(restarts_within) {}

  // Requires a sample whose list answered.
  void Add(const DockerSample& sample);
  // Requires a sample whose /info answered.
  void AddInfo(const DockerSample& sample);
  // Of a scan of processes that came to its end.
  void AddShims(const ShimFindings& findings, MonoTime now);
  // A request about a container: those that timed out are kept until one is answered or the
  // container is gone.
  void AddTop(const DockerContainerAnswer& top);
  // How long the container has been seen in its state; zero for one that is in no such state.
  Micros InState(const DockerContainer& container, MonoTime now) const;

  RestartWindow restarts;
  bool shims_known = false;
  HeldSince orphaned;
  HeldSince missing;
  HeldSince halted;
  HeldSince executor_gone;
  std::set<std::string> hung;        // containers whose /top timed out
  std::set<std::string> logs_stuck;  // whose last lines of log did not come
  std::set<std::string> exec_stuck;  // in which a command did not come to its end
  bool logs_asked = false;
  bool exec_asked = false;
  std::map<std::string, std::string> versions;
  bool binary_replaced = false;  // the program file is not the one that runs
  std::string first_driver;
  std::optional<uint64_t> first_device;

 private:
  // By id: the state, and when it was seen first.
  std::map<std::string, std::pair<std::string, MonoTime>> since_;
};

// `history` holds the sample already where its list answered.
std::vector<Condition> EvaluateDocker(const DockerSample& sample, const DockerHistory& history,
                                      const DockerThresholds& thresholds);

// The parts of it: the daemon with what is below it, and the containers.
std::string DescribeAnswer(std::string_view request, const DockerAnswer& answer);
void EvaluateDockerStorage(const DockerSample& sample, const DockerHistory& history,
                           const DockerThresholds& thresholds, std::vector<Condition>* conditions);
void EvaluateDockerContainers(const DockerSample& sample, const DockerHistory& history,
                              const DockerThresholds& thresholds,
                              std::vector<Condition>* conditions);

}  // namespace fleetmedic

#endif  // FLEETMEDIC_DETECTORS_DOCKER_DOCKER_EVALUATE_H_
