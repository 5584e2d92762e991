// What the keys of one [[notify.channel]] mean together.
#ifndef FLEETMEDIC_CONFIG_NOTIFY_LOAD_H_
#define FLEETMEDIC_CONFIG_NOTIFY_LOAD_H_

#include <span>

#include "config/diagnostics.h"
#include "config/notify_config.h"
#include "config/toml.h"

namespace fleetmedic {

// Reports what is missing or cannot be meant. `place` is the channel's table, `others` those before
// it. Files are not looked at, and no URL is quoted.
void CheckChannel(const TomlNode& place, const NotifyChannel& channel,
                  std::span<const NotifyChannel> others, Diagnostics* diagnostics);

}  // namespace fleetmedic

#endif  // FLEETMEDIC_CONFIG_NOTIFY_LOAD_H_
