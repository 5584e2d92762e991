#include "detectors/docker/docker_json.h"

#include <algorithm>

#include "base/cap_text.h"

namespace fleetmedic {
namespace {

constexpr size_t kShortIdChars = 12;
constexpr size_t kFullIdChars = 64;
constexpr size_t kNameBytesMax = 128;
constexpr size_t kLabelsMax = 64;
constexpr size_t kWarningsMax = 32;
constexpr size_t kComponentsMax = 16;

std::string Text(const Json& json, size_t bytes_max = kNameBytesMax) {
  std::string text = json.string() == nullptr ? "" : *json.string();
  CapText(&text, bytes_max);
  return text;
}

}  // namespace

std::string ShortId(std::string_view id) { return std::string(id.substr(0, kShortIdChars)); }

bool IsDockerId(std::string_view id) {
  return !id.empty() && id.size() <= kFullIdChars && std::ranges::all_of(id, [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
  });
}

Result<std::vector<DockerContainer>> DockerContainersFromJson(const Json& json) {
  if (json.array() == nullptr) return Fail(Code::kCorrupt, "Docker's list is no list");
  std::vector<DockerContainer> containers;
  for (const Json& member : *json.array()) {
    const std::string* const state = member["State"].string();
    DockerContainer container;
    container.id = Text(member["Id"], kFullIdChars);
    // It becomes a path of a request and a unit: nothing but what an id is made of.
    if (state == nullptr || !IsDockerId(container.id)) continue;
    container.state = state->substr(0, kNameBytesMax);
    if (const Json::Array* names = member["Names"].array(); names != nullptr && !names->empty()) {
      container.name = Text(names->front());
    }
    if (const Json::Object* labels = member["Labels"].object(); labels != nullptr) {
      for (const auto& [name, value] : *labels) {
        if (container.labels.size() >= kLabelsMax) break;
        container.labels[name.substr(0, kNameBytesMax)] = Text(value);
      }
    }
    containers.push_back(std::move(container));
  }
  return containers;
}

DockerInfo DockerInfoFromJson(const Json& json) {
  DockerInfo info;
  const std::string* const root = json["DockerRootDir"].string();
  if (root != nullptr && root->starts_with('/')) info.root_dir = *root;
  info.driver = Text(json["Driver"]);
  if (const Json::Array* status = json["DriverStatus"].array(); status != nullptr) {
    for (const Json& pair : *status) {
      const Json::Array* const both = pair.array();
      if (both == nullptr || both->size() != 2) continue;
      if (Text((*both)[0]) == "Supports d_type") info.d_type = Text((*both)[1]);
    }
  }
  if (const Json::Array* warnings = json["Warnings"].array(); warnings != nullptr) {
    for (const Json& warning : *warnings) {
      if (info.warnings.size() >= kWarningsMax) break;
      if (std::string text = Text(warning, 512); !text.empty()) info.warnings.push_back(text);
    }
  }
  return info;
}

std::map<std::string, std::string> DockerVersionsFromJson(const Json& json) {
  std::map<std::string, std::string> versions;
  if (std::string own = Text(json["Version"]); !own.empty()) versions["docker"] = own;
  const Json::Array* const components = json["Components"].array();
  if (components == nullptr) return versions;
  for (const Json& component : *components) {
    if (versions.size() >= kComponentsMax) break;
    const std::string name = Text(component["Name"]);
    const std::string version = Text(component["Version"]);
    if (name.empty() || version.empty()) continue;
    versions[name == "Engine" ? "docker" : name] = version;
  }
  return versions;
}

}  // namespace fleetmedic
