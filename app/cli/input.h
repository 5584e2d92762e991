// What a command reads: a file that it is given, or what is piped into it.
#ifndef FLEETMEDIC_APP_CLI_INPUT_H_
#define FLEETMEDIC_APP_CLI_INPUT_H_

#include <string>

#include "app/cli/command.h"
#include "base/result.h"

namespace fleetmedic::cli {

// The whole content of the file, of stdin for "-", or of a pipe that has a name, such as the
// shell's <(dmesg). Blocks until a pipe's other end closes it. More than bytes_max is kFull,
// kUnavailable: SIGINT came meanwhile; kNotFound, kPermissionDenied and what else ReadFile says.
Result<std::string> ReadInput(const Invocation& call, const std::string& path, size_t bytes_max);

}  // namespace fleetmedic::cli

#endif  // FLEETMEDIC_APP_CLI_INPUT_H_
