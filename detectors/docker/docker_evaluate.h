// What Docker's answers mean for the host. Pure.
#ifndef FLEETMEDIC_DETECTORS_DOCKER_DOCKER_EVALUATE_H_
#define FLEETMEDIC_DETECTORS_DOCKER_DOCKER_EVALUATE_H_

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/json.h"
#include "base/time.h"
#include "model/condition.h"

namespace fleetmedic {

// How one request to the daemon ended.
struct DockerAnswer {
  enum class Kind : uint8_t {
    kNotAsked,
    kReplied,  // `status` says what
    kTimedOut,
    kNobody,  // no socket, or nobody listens on it
    kBroken,  // any other error, `error` says which
  };
  Kind kind = Kind::kNotAsked;
  int status = 0;
  std::string error;

  bool ok() const { return kind == Kind::kReplied && status >= 200 && status < 300; }
  bool operator==(const DockerAnswer&) const = default;
};

struct DockerContainer {
  std::string id;  // 64 hexadecimal digits
  std::string name;
  std::string state;  // "running", "removing", "created", "dead", ...

  bool operator==(const DockerContainer&) const = default;
};

// Of GET /containers/json?all=1; containers that cannot be read are left out. kCorrupt where it is
// no list.
Result<std::vector<DockerContainer>> DockerContainersFromJson(const Json& json);
// DockerRootDir of GET /info; empty where there is none.
std::string DockerRootDirFromJson(const Json& json);

struct DockerSample {
  MonoTime at{};
  // Whether the daemon has answered since this agent looks, or the host has a unit for it.
  bool seen = false;
  DockerAnswer ping;
  DockerAnswer list;
  DockerAnswer info;    // goes through containerd
  DockerAnswer top;     // of a running container, through containerd to its shim
  DockerAnswer create;  // the optional create probe
  std::vector<DockerContainer> containers;
  // Of the file system below the data root; no value where it could not be told.
  std::string data_root;
  std::optional<double> bytes_used_share;
  std::optional<double> inodes_used_share;
  uint64_t bytes_available = 0;
};

struct DockerThresholds {
  Millis removing_max = Minutes(5);
  double full_share = 0.99;
};

// Since when containers are in a state that should pass.
class DockerHistory {
 public:
  static constexpr size_t kContainersMax = 4096;

  // Requires a sample whose list answered.
  void Add(const DockerSample& sample);
  // How long the container has been seen in its state; zero for one that is in no such state.
  Micros InState(const DockerContainer& container, MonoTime now) const;

 private:
  // By id: the state, and when it was seen first.
  std::map<std::string, std::pair<std::string, MonoTime>> since_;
};

// `history` holds the sample already where its list answered.
std::vector<Condition> EvaluateDocker(const DockerSample& sample, const DockerHistory& history,
                                      const DockerThresholds& thresholds);

}  // namespace fleetmedic

#endif  // FLEETMEDIC_DETECTORS_DOCKER_DOCKER_EVALUATE_H_
