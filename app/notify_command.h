// fleetmedic notify test, and what `config check` says of channels.
#ifndef FLEETMEDIC_APP_NOTIFY_COMMAND_H_
#define FLEETMEDIC_APP_NOTIFY_COMMAND_H_

#include "app/cli/command.h"
#include "config/config.h"
#include "config/diagnostics.h"

namespace fleetmedic {

// Sends a test message by the channel that is named, or by each, and says what came back.
int RunNotifyTest(const cli::Invocation& invocation);

// Warns of files of channels that cannot be used here: who runs the remediator may read more.
void CheckChannelFiles(const NotifyConfig& config, const std::string& path,
                       Diagnostics* diagnostics);

}  // namespace fleetmedic

#endif  // FLEETMEDIC_APP_NOTIFY_COMMAND_H_
