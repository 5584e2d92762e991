// What a host is. Written by its agent to fleetmedic.hosts when it starts and when a fact changes.
#ifndef FLEETMEDIC_MODEL_HOST_FACTS_H_
#define FLEETMEDIC_MODEL_HOST_FACTS_H_

#include <map>
#include <string>

#include "model/ids.h"

namespace fleetmedic {

struct HostFacts {
  HostId host;
  std::string cell = "default";
  std::string pool = "default";
  std::string rack;
  std::string zone;
  std::string kernel;
  std::string image;
  std::string instance_type;
  std::string agent_version;
  // From /proc/sys/kernel/random/boot_id; empty where the host does not tell.
  std::string boot_id;
  // When this boot began, by the host's own clock. Of two boots the later one is the present.
  WallTime booted_at = kWallNever;
  // What else the operator's config says of the host.
  std::map<std::string, std::string> labels;

  bool operator==(const HostFacts&) const = default;
};

Json ToJson(const HostFacts& facts);
Result<HostFacts> HostFactsFromJson(const Json& json);

// The fact or label of this name ("pool", "kernel", "team"); empty where there is none. What
// selectors (-l pool=web) look at.
std::string FactValue(const HostFacts& facts, std::string_view name);

}  // namespace fleetmedic

#endif  // FLEETMEDIC_MODEL_HOST_FACTS_H_
