// The config in force, and what may stand in it, for people and editors. Both are printed from the
// table of keys.
#ifndef FLEETMEDIC_CONFIG_SHOW_H_
#define FLEETMEDIC_CONFIG_SHOW_H_

#include <string>

#include "config/load.h"

namespace fleetmedic {

// The whole config as TOML that ParseConfig reads back to the same, each value that `origins`
// knows with a comment that says where it came from ("# fleetmedic.toml:23").
std::string ShowConfig(const Config& config, const ConfigOrigins& origins = {});

// The shipped defaults as TOML, every key with its help: the file to start from.
std::string ConfigReference();

// A JSON Schema (2020-12) of the file, for editors.
Json ConfigSchema();

}  // namespace fleetmedic

#endif  // FLEETMEDIC_CONFIG_SHOW_H_
