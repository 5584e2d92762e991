// fleetmedic backup and restore.
#ifndef FLEETMEDIC_APP_BACKUP_COMMANDS_H_
#define FLEETMEDIC_APP_BACKUP_COMMANDS_H_

#include "app/cli/command.h"

namespace fleetmedic {

// They read and write the stores of this machine's state_dir; no server is asked.
int RunBackup(const cli::Invocation& invocation);
int RunRestore(const cli::Invocation& invocation);

}  // namespace fleetmedic

#endif  // FLEETMEDIC_APP_BACKUP_COMMANDS_H_
