// The one place that reads an environment variable by its name. Roles and the command line get
// what they need from their configuration; this is for tests and benches that people turn up.
#ifndef FLEETMEDIC_BASE_ENVIRONMENT_H_
#define FLEETMEDIC_BASE_ENVIRONMENT_H_

#include <cstdint>
#include <string>

#include "base/result.h"

namespace fleetmedic {

// Empty where there is none, and where it is empty. Thread-safe as long as nobody sets one.
std::string EnvironmentVariable(const std::string& name);

// `fallback` where there is none. kInvalidArgument for a text that is no whole number, and names
// the variable.
Result<uint64_t> EnvironmentNumber(const std::string& name, uint64_t fallback);

}  // namespace fleetmedic

#endif  // FLEETMEDIC_BASE_ENVIRONMENT_H_
