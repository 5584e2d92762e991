// The config that a command runs with: file, environment, then the command's own flags.
#ifndef FLEETMEDIC_APP_SETTINGS_H_
#define FLEETMEDIC_APP_SETTINGS_H_

#include <string>

#include "app/cli/command.h"
#include "config/load.h"

namespace fleetmedic {

// Of --config, or /etc/fleetmedic/fleetmedic.toml where that exists, or none. Flags are not
// applied. `origins` may be null.
Result<Config> ReadConfig(const cli::Invocation& invocation, Diagnostics* diagnostics,
                          ConfigOrigins* origins);

// With the flags --state-dir, --run-dir, --listen, --mode and --log-level over it; prints what is
// wrong with the file to the command's err. Sets the log level.
Result<Config> LoadSettings(const cli::Invocation& invocation);

// The same for a demo fleet: times that a person can watch, and folders that need no right that
// the user does not have.
Result<Config> LoadDemoSettings(const cli::Invocation& invocation);

}  // namespace fleetmedic

#endif  // FLEETMEDIC_APP_SETTINGS_H_
