// What the Docker Engine says, taken apart: https://docs.docker.com/reference/api/engine/. Pure;
// what cannot be read is left out.
#ifndef FLEETMEDIC_DETECTORS_DOCKER_DOCKER_JSON_H_
#define FLEETMEDIC_DETECTORS_DOCKER_DOCKER_JSON_H_

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"

namespace fleetmedic {

struct DockerContainer {
  std::string id;  // 64 hexadecimal digits
  std::string name;
  std::string state;  // "running", "removing", "created", "dead", ...
  std::map<std::string, std::string> labels;

  bool operator==(const DockerContainer&) const = default;
};

// The first 12 digits, as people see them.
std::string ShortId(std::string_view id);
// Whether it may stand in a request's path: lower-case hexadecimal digits, at most 64.
bool IsDockerId(std::string_view id);

// Of GET /containers/json?all=1. kCorrupt where it is no list.
Result<std::vector<DockerContainer>> DockerContainersFromJson(const Json& json);

// Of GET /info.
struct DockerInfo {
  std::string root_dir;  // an absolute path, or empty
  std::string driver;
  std::string d_type;  // of the backing file system: "true", "false", or empty
  std::vector<std::string> warnings;
};
DockerInfo DockerInfoFromJson(const Json& json);

// Of GET /version: "docker", "containerd", "runc" and their versions.
std::map<std::string, std::string> DockerVersionsFromJson(const Json& json);

}  // namespace fleetmedic

#endif  // FLEETMEDIC_DETECTORS_DOCKER_DOCKER_JSON_H_
