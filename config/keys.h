// The table of every key of the daemon's config: its name, where it is stored, what it may be and
// what it means. The loader, `config show` and `config schema` are all driven by it.
#ifndef FLEETMEDIC_CONFIG_KEYS_H_
#define FLEETMEDIC_CONFIG_KEYS_H_

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "config/config.h"
#include "config/value.h"

namespace fleetmedic {

template <typename Root>
struct ConfigKeyOf {
  std::string_view section;  // "agent", "detectors.docker"; empty: before the first section
  std::string_view key;
  Slot (*slot)(Root& root);
  Range range;
  std::string_view help;

  // "agent.beat_every"
  std::string Path() const {
    return (section.empty() ? "" : std::string(section) + ".") + std::string(key);
  }
};

using ConfigKey = ConfigKeyOf<Config>;
using ConditionKey = ConfigKeyOf<ConditionPolicy>;    // [policy.conditions.TYPE]
using LimitKey = ConfigKeyOf<Limit>;                  // [[limits]]
using FileKey = ConfigKeyOf<TailedFile>;              // [[agent.files]]
using CheckKey = ConfigKeyOf<CheckConfig>;            // [[checks]]
using NotifyChannelKey = ConfigKeyOf<NotifyChannel>;  // [[notify.channel]]

// Sections stand together, in the order in which they are shown.
std::span<const ConfigKey> ConfigKeys();
std::span<const ConfigKey> DetectorKeys();  // those of ConfigKeys() below [detectors]
std::span<const ConfigKey> NotifyKeys();    // those below [notify]
// Those of [policy] that a pool may have its own of, in [policy.pools.NAME].
std::vector<const ConfigKey*> PoolPolicyKeys();
std::span<const ConditionKey> ConditionKeys();
std::span<const LimitKey> LimitKeys();
std::span<const FileKey> FileKeys();
std::span<const CheckKey> CheckKeys();
std::span<const NotifyChannelKey> NotifyChannelKeys();

}  // namespace fleetmedic

#endif  // FLEETMEDIC_CONFIG_KEYS_H_
