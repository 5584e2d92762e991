#include "config/load.h"

#include <algorithm>
#include <cctype>
#include <set>
#include <span>
#include <utility>
#include <vector>

#include "base/file.h"
#include "base/http.h"
#include "base/text.h"
#include "base/web_client.h"
#include "config/keys.h"
#include "config/notify_load.h"

namespace fleetmedic {
namespace {

constexpr std::string_view kVariablePrefix = "FLEETMEDIC_";
// Tables below a section, and lists of tables, that have no row in ConfigKeys.
constexpr std::string_view kLimitsSection = "limits";
constexpr std::string_view kChecksSection = "checks";
constexpr std::string_view kConditionsKey = "conditions";  // of [policy]
constexpr std::string_view kPoolsKey = "pools";            // of [policy]
constexpr std::string_view kFilesKey = "files";            // of [agent]
constexpr std::string_view kChannelKey = "channel";        // of [notify]

std::string Joined(std::string_view section, std::string_view key) {
  return section.empty() ? std::string(key) : std::string(section) + "." + std::string(key);
}

std::string VariableOf(const ConfigKey& key) {
  std::string name(kVariablePrefix);
  for (const char c : Joined(key.section, key.key)) {
    name += c == '.' ? std::string("__") : std::string(1, c);
  }
  std::ranges::transform(name, name.begin(), [](char c) {
    return static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  });
  return name;
}

// Of "detectors.docker" are both that and "detectors" sections.
bool IsSection(std::string_view path) {
  return std::ranges::any_of(ConfigKeys(), [path](const ConfigKey& key) {
    return key.section == path || key.section.starts_with(std::string(path) + ".");
  });
}

bool IsPolicyKey(std::string_view name) {
  return std::ranges::any_of(ConfigKeys(), [name](const ConfigKey& key) {
    return key.section == "policy" && key.key == name;
  });
}

class Loader {
 public:
  Loader(const std::string& file, Diagnostics* diagnostics, ConfigOrigins* origins)
      : file_(file), diagnostics_(diagnostics), origins_(origins) {}

  void ReadRoot(const TomlNode& root);
  void ReadEnvironment(const Environment& environment);
  // Last: a pool's policy begins as that of the whole fleet.
  void ReadPools();
  // What one value alone cannot tell.
  void CheckTogether();

  Config config;

 private:
  void ReadSection(std::string_view section, const TomlNode& table);
  void ReadConditions(const TomlNode& table, const std::string& path,
                      std::map<std::string, ConditionPolicy>* conditions);
  void ReadPool(const TomlNode& table, const std::string& path, Policy* policy);
  void ReadLimits(const TomlNode& list);
  void CheckLimit(const TomlNode& place, const Limit& limit);
  void ReadFiles(const TomlNode& list);
  void ReadChannels(const TomlNode& list);
  void ReadChecks(const TomlNode& list);
  void CheckCheck(const TomlNode& place, const CheckConfig& check);
  template <typename Root>
  void ReadMembers(const TomlNode& table, std::string_view path,
                   std::span<const ConfigKeyOf<Root>> keys, Root* root);
  void Unknown(const TomlMember& member, std::string_view section,
               const std::vector<std::string_view>& known, std::string_view what);
  bool Is(const TomlNode& node, TomlKind kind, std::string_view path, std::string_view expected);
  // At the place where the key was set; at the file where it is at its default.
  void ErrorAt(std::string_view path, const std::string& message);

  const std::string& file_;
  Diagnostics* diagnostics_;
  ConfigOrigins* origins_;
  TomlNode pools_;  // [policy.pools], until ReadPools
};

bool Loader::Is(const TomlNode& node, TomlKind kind, std::string_view path,
                std::string_view expected) {
  if (node.kind == kind) return true;
  diagnostics_->Error(
      node.place, node.width,
      std::string(path) + ": expected " + std::string(expected) + ", got " + node.Shown());
  return false;
}

void Loader::Unknown(const TomlMember& member, std::string_view section,
                     const std::vector<std::string_view>& known, std::string_view what) {
  const std::optional<std::string_view> closest = ClosestWord(member.key, known);
  diagnostics_->Warning(member.place, static_cast<int>(member.key.size()),
                        Joined(section, member.key) + ": unknown " + std::string(what) +
                            (closest ? ", did you mean \"" + std::string(*closest) + "\"?" : ""));
}

template <typename Root>
void Loader::ReadMembers(const TomlNode& table, std::string_view path,
                         std::span<const ConfigKeyOf<Root>> keys, Root* root) {
  std::vector<std::string_view> known;
  for (const ConfigKeyOf<Root>& key : keys) known.push_back(key.key);
  for (const TomlMember& member : table.members) {
    const auto key = std::ranges::find(keys, member.key, &ConfigKeyOf<Root>::key);
    if (key == keys.end()) {
      Unknown(member, path, known, "key");
      continue;
    }
    ReadValue(member.value, Joined(path, member.key), key->slot(*root), key->range, diagnostics_);
  }
}

void Loader::ReadRoot(const TomlNode& root) {
  std::vector<std::string_view> sections = {kLimitsSection, kChecksSection};
  for (const ConfigKey& key : ConfigKeys()) {
    const std::string_view name = key.section.empty() ? key.key : key.section;
    const std::string_view first = name.substr(0, name.find('.'));
    if (sections.back() != first) sections.push_back(first);
  }
  TomlNode top;
  for (const TomlMember& member : root.members) {
    if (member.key == kLimitsSection) {
      ReadLimits(member.value);
    } else if (member.key == kChecksSection) {
      ReadChecks(member.value);
    } else if (IsSection(member.key)) {
      if (Is(member.value, TomlKind::kTable, member.key, "a table")) {
        ReadSection(member.key, member.value);
      }
    } else if (std::ranges::find(sections, member.key) != sections.end()) {
      top.members.push_back(member);
    } else {
      Unknown(member, "", sections, member.value.kind == TomlKind::kTable ? "section" : "key");
    }
  }
  ReadSection("", top);
}

void Loader::ReadSection(std::string_view section, const TomlNode& table) {
  std::vector<std::string_view> known;
  if (section == "policy") known.insert(known.end(), {kConditionsKey, kPoolsKey});
  if (section == "agent") known.push_back(kFilesKey);
  if (section == "notify") known.push_back(kChannelKey);
  for (const ConfigKey& key : ConfigKeys()) {
    if (key.section == section) {
      known.push_back(key.key);
    } else if (!section.empty() && key.section.starts_with(std::string(section) + ".")) {
      const std::string_view below = key.section.substr(section.size() + 1);
      if (known.empty() || known.back() != below) known.push_back(below);
    }
  }
  for (const TomlMember& member : table.members) {
    const std::string path = Joined(section, member.key);
    if (!section.empty() && IsSection(path)) {
      if (Is(member.value, TomlKind::kTable, path, "a table")) ReadSection(path, member.value);
      continue;
    }
    if (section == "policy" && member.key == kConditionsKey) {
      ReadConditions(member.value, path, &config.remediator.policy.conditions);
      continue;
    }
    if (section == "policy" && member.key == kPoolsKey) {
      if (Is(member.value, TomlKind::kTable, path, "a table")) pools_ = member.value;
      continue;
    }
    if (section == "agent" && member.key == kFilesKey) {
      ReadFiles(member.value);
      continue;
    }
    if (section == "notify" && member.key == kChannelKey) {
      ReadChannels(member.value);
      continue;
    }
    const auto key = std::ranges::find_if(ConfigKeys(), [&](const ConfigKey& k) {
      return k.section == section && k.key == member.key;
    });
    if (key == ConfigKeys().end()) {
      Unknown(member, section, known, "key");
      continue;
    }
    if (ReadValue(member.value, key->Path(), key->slot(config), key->range, diagnostics_)) {
      (*origins_)[key->Path()] = member.value.place;
    }
  }
}

void Loader::ReadConditions(const TomlNode& table, const std::string& path,
                            std::map<std::string, ConditionPolicy>* conditions) {
  if (!Is(table, TomlKind::kTable, path, "a table")) return;
  for (const TomlMember& member : table.members) {
    if (!ValidConditionType(member.key)) {
      diagnostics_->Error(
          member.place, static_cast<int>(member.key.size()),
          path + ": expected a condition type in CamelCase, got " + Quote(member.key));
      continue;
    }
    const std::string below = Joined(path, member.key);
    if (!Is(member.value, TomlKind::kTable, below, "a table")) continue;
    ReadMembers(member.value, below, ConditionKeys(), &(*conditions)[member.key]);
  }
}

void Loader::ReadPools() {
  if (pools_.members.empty()) return;
  for (const TomlMember& member : pools_.members) {
    const std::string path = "policy.pools." + member.key;
    if (!Is(member.value, TomlKind::kTable, path, "a table")) continue;
    Policy policy = config.remediator.policy;
    ReadPool(member.value, path, &policy);
    config.remediator.pool_policies[member.key] = std::move(policy);
  }
}

void Loader::ReadPool(const TomlNode& table, const std::string& path, Policy* policy) {
  std::vector<std::string_view> known = {kConditionsKey};
  for (const ConfigKey* key : PoolPolicyKeys()) known.push_back(key->key);
  // The keys of [policy] are read where they are kept in a whole config.
  Config whole;
  whole.remediator.policy = *policy;
  for (const TomlMember& member : table.members) {
    if (member.key == kConditionsKey) {
      ReadConditions(member.value, Joined(path, member.key), &whole.remediator.policy.conditions);
      continue;
    }
    const auto keys = PoolPolicyKeys();
    const auto key = std::ranges::find(keys, member.key, [](const ConfigKey* k) { return k->key; });
    if (key != keys.end()) {
      ReadValue(member.value, Joined(path, member.key), (*key)->slot(whole), (*key)->range,
                diagnostics_);
    } else if (IsPolicyKey(member.key)) {
      diagnostics_->Error(member.place, static_cast<int>(member.key.size()),
                          Joined(path, member.key) + ": is of the whole fleet; set it in [policy]");
    } else {
      Unknown(member, path, known, "key");
    }
  }
  *policy = std::move(whole.remediator.policy);
}

void Loader::ReadFiles(const TomlNode& list) {
  if (!Is(list, TomlKind::kArray, "agent.files", "[[agent.files]]")) return;
  for (const TomlNode& element : list.array) {
    if (!Is(element, TomlKind::kTable, "agent.files", "[[agent.files]]")) continue;
    TailedFile file;
    ReadMembers(element, "agent.files", FileKeys(), &file);
    if (element.Find("path") == nullptr) {
      diagnostics_->Error(element.place, element.width, "agent.files: expected path, got none");
    }
    config.agent.files.push_back(std::move(file));
  }
}

void Loader::ReadChannels(const TomlNode& list) {
  if (!Is(list, TomlKind::kArray, "notify.channel", "[[notify.channel]]")) return;
  std::vector<NotifyChannel>& channels = config.notify.channels;
  for (const TomlNode& element : list.array) {
    if (!Is(element, TomlKind::kTable, "notify.channel", "[[notify.channel]]")) continue;
    NotifyChannel channel;
    ReadMembers(element, "notify.channel", NotifyChannelKeys(), &channel);
    CheckChannel(element, channel, channels, diagnostics_);
    channels.push_back(std::move(channel));
  }
  if (channels.size() > kNotifyChannelsMax) {
    diagnostics_->Error(list.place, list.width,
                        "notify.channel: expected at most " + std::to_string(kNotifyChannelsMax) +
                            ", got " + std::to_string(channels.size()));
  }
}

void Loader::ReadChecks(const TomlNode& list) {
  if (!Is(list, TomlKind::kArray, "checks", "[[checks]]")) return;
  std::vector<CheckConfig>& checks = config.detectors.checks.list;
  for (const TomlNode& element : list.array) {
    if (!Is(element, TomlKind::kTable, "checks", "[[checks]]")) continue;
    CheckConfig check;
    ReadMembers(element, "checks", CheckKeys(), &check);
    CheckCheck(element, check);
    checks.push_back(std::move(check));
  }
  if (checks.size() > kChecksMax) {
    diagnostics_->Error(list.place, list.width,
                        "checks: expected at most " + std::to_string(kChecksMax) + ", got " +
                            std::to_string(checks.size()));
  }
}

void Loader::CheckCheck(const TomlNode& place, const CheckConfig& check) {
  const auto refuse = [&](std::string_view key, const std::string& message) {
    const TomlNode* value = place.Find(key);
    const TomlNode& at = value == nullptr ? place : *value;
    diagnostics_->Error(at.place, at.width, "checks" + message);
  };
  for (const std::string_view key : {"name", "type", "command"}) {
    if (place.Find(key) == nullptr) refuse(key, ": expected " + std::string(key) + ", got none");
  }
  if (!check.type.empty() && !ValidConditionType(check.type)) {
    refuse("type", ".type: expected a condition type in CamelCase, got " + Quote(check.type));
  }
  if (place.Find("command") != nullptr && check.command.empty()) {
    refuse("command", ".command: expected a program and its arguments, got none");
  }
  if (std::ranges::count(config.detectors.checks.list, check.name, &CheckConfig::name) > 0) {
    refuse("name", ".name: expected each name once, got " + Quote(check.name) + " again");
  }
  if (check.deadline >= check.interval) {
    refuse("deadline", ".deadline: expected less than interval, " +
                           Quote(FormatDuration(check.interval)) + ", got " +
                           Quote(FormatDuration(check.deadline)));
  }
}

void Loader::ReadLimits(const TomlNode& list) {
  if (!Is(list, TomlKind::kArray, "limits", "[[limits]]")) return;
  std::set<std::string> seen;
  for (const TomlNode& element : list.array) {
    if (!Is(element, TomlKind::kTable, "limits", "[[limits]]")) continue;
    const TomlNode* name = element.Find("name");
    if (name == nullptr) {
      diagnostics_->Error(element.place, element.width, "limits: expected name, got none");
      continue;
    }
    std::vector<Limit>& limits = config.remediator.limits;
    auto at = std::ranges::find(limits, name->string, &Limit::name);
    // A limit that ships is changed where the file says so; the rest of it stays.
    Limit limit = at == limits.end() ? Limit{} : *at;
    ReadMembers(element, "limits", LimitKeys(), &limit);
    for (const std::string_view key : {"scope", "kind"}) {
      if (at != limits.end() || element.Find(key) != nullptr) continue;
      diagnostics_->Error(element.place, element.width,
                          "limits: expected " + std::string(key) + " for the new limit " +
                              Quote(limit.name) + ", got none");
    }
    if (!seen.insert(limit.name).second) {
      diagnostics_->Error(
          name->place, name->width,
          "limits.name: expected each name once, got " + Quote(limit.name) + " again");
      continue;
    }
    CheckLimit(element, limit);
    if (at == limits.end()) {
      limits.push_back(std::move(limit));
    } else {
      *at = std::move(limit);
    }
  }
}

void Loader::CheckLimit(const TomlNode& place, const Limit& limit) {
  const auto refuse = [&](std::string_view key, const std::string& message) {
    const TomlNode* value = place.Find(key);
    const TomlNode& at = value == nullptr ? place : *value;
    diagnostics_->Error(at.place, at.width, message);
  };
  const bool windowed = limit.kind == LimitKind::kWindow;
  if (windowed && limit.window <= Millis(0)) {
    refuse("window", "limits.window: expected a duration above 0s for the kind \"window\", got " +
                         Quote(FormatDuration(limit.window)));
  }
  if (!windowed && place.Find("window") != nullptr) {
    refuse("window", "limits.window: expected none for the kind \"" +
                         std::string(LimitKindName(limit.kind)) + "\", got one");
  }
  if (limit.scope == LimitScope::kFleet && !limit.only.empty()) {
    refuse("only", "limits.only: expected \"\" for the scope \"fleet\", got " + Quote(limit.only));
  }
}

void Loader::ReadEnvironment(const Environment& environment) {
  std::vector<std::string> known;
  for (const ConfigKey& key : ConfigKeys()) known.push_back(VariableOf(key));
  for (const auto& [name, value] : environment) {
    if (!name.starts_with(kVariablePrefix)) continue;
    const SourcePlace place{name, 0, 0};
    const auto at = std::ranges::find(known, name);
    if (at == known.end()) {
      // One underscore alone is somebody else's variable, of the CLI for one.
      if (name.find("__") == std::string::npos) continue;
      const std::optional<std::string_view> closest = ClosestWord(name, known);
      diagnostics_->Warning(place, 1,
                            std::string("unknown variable") +
                                (closest ? ", did you mean " + std::string(*closest) + "?" : ""));
      continue;
    }
    const ConfigKey& key = ConfigKeys()[static_cast<size_t>(at - known.begin())];
    if (ReadText(value, place, key.Path(), key.slot(config), key.range, diagnostics_)) {
      (*origins_)[key.Path()] = place;
    }
  }
}

void Loader::ErrorAt(std::string_view path, const std::string& message) {
  const auto origin = origins_->find(path);
  const SourcePlace place = origin == origins_->end() ? SourcePlace{file_, 0, 0} : origin->second;
  diagnostics_->Error(place, 1, std::string(path) + ": " + message);
}

void Loader::CheckTogether() {
  const FilesystemConfig& filesystem = config.detectors.filesystem;
  if (filesystem.full_share > filesystem.full_hard_share) {
    ErrorAt("detectors.filesystem.full_share", "expected at most full_hard_share, " +
                                                   Json(filesystem.full_hard_share).Dump() +
                                                   ", got " + Json(filesystem.full_share).Dump());
  }
  const NetworkConfig& network = config.detectors.network;
  if (network.conntrack_share > network.conntrack_hard_share) {
    ErrorAt("detectors.network.conntrack_share",
            "expected at most conntrack_hard_share, " + Json(network.conntrack_hard_share).Dump() +
                ", got " + Json(network.conntrack_share).Dump());
  }
  const std::string& metadata = config.detectors.imds.address;
  if (!metadata.empty()) {
    if (const Result<HttpAddress> address = HttpAddress::Parse(metadata); !address) {
      ErrorAt("detectors.imds.address", address.error().message);
    }
  }
  for (const auto& [name, mtu] : network.mtu) {
    if (!mtu.empty() && mtu.find_first_not_of("0123456789") == std::string::npos) continue;
    ErrorAt("detectors.network.mtu",
            "expected a number for " + Quote(name) + ", got " + Quote(mtu));
  }
  if (const std::string& console = config.notify.console_url; !console.empty()) {
    if (const Result<WebUrl> url = WebUrl::Parse(console); !url) {
      ErrorAt("notify.console_url", url.error().message);
    }
  }
  const Policy& policy = config.remediator.policy;
  const Millis beat = config.agent.beat_every;
  for (const auto& [path, value] : {std::pair{"policy.evidence_age_max", policy.evidence_age_max},
                                    {"policy.silent_after", policy.silent_after}}) {
    if (value > beat) continue;
    ErrorAt(path, "expected more than agent.beat_every, " + Quote(FormatDuration(beat)) +
                      ", or every host is silent between two beats; got " +
                      Quote(FormatDuration(value)));
  }
  const SchedulerConfig& scheduler = config.scheduler;
  if (scheduler.host_lost_after < scheduler.executor_silent_after) {
    ErrorAt("scheduler.host_lost_after",
            "expected at least scheduler.executor_silent_after, " +
                Quote(FormatDuration(scheduler.executor_silent_after)) + ", got " +
                Quote(FormatDuration(scheduler.host_lost_after)));
  }
  if (config.agent.repeat_every < beat) {
    ErrorAt("agent.repeat_every", "expected at least agent.beat_every, " +
                                      Quote(FormatDuration(beat)) + ", got " +
                                      Quote(FormatDuration(config.agent.repeat_every)));
  }
}

Status CountedErrors(const Diagnostics& diagnostics, const std::string& file) {
  if (diagnostics.ok()) return {};
  return Fail(Code::kInvalidArgument, "the config " + Quote(file) + " has " +
                                          std::to_string(diagnostics.errors()) + " errors");
}

}  // namespace

bool ValidConditionType(std::string_view text) {
  const auto alphanumeric = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
  };
  return !text.empty() && text.size() <= 64 && text[0] >= 'A' && text[0] <= 'Z' &&
         std::ranges::all_of(text, alphanumeric);
}

namespace {

Result<Config> Load(const TomlNode& root, const std::string& file, const Environment& environment,
                    size_t errors_before, Diagnostics* diagnostics, ConfigOrigins* origins) {
  ConfigOrigins unused;
  Loader loader(file, diagnostics, origins == nullptr ? &unused : origins);
  loader.ReadRoot(root);
  loader.ReadEnvironment(environment);
  loader.ReadPools();
  // A value that was refused is at its default here; what that means together is not yet known.
  if (diagnostics->errors() == errors_before) loader.CheckTogether();
  FLEETMEDIC_RETURN_IF_ERROR(CountedErrors(*diagnostics, file));
  return std::move(loader.config);
}

}  // namespace

Result<Config> ParseConfig(std::string_view text, const std::string& file,
                           const Environment& environment, Diagnostics* diagnostics,
                           ConfigOrigins* origins) {
  const size_t errors_before = diagnostics->errors();
  const TomlNode root = ParseToml(text, file, diagnostics);
  return Load(root, file, environment, errors_before, diagnostics, origins);
}

Result<Config> ReadConfig(const TomlNode& root, const std::string& file, Diagnostics* diagnostics) {
  return Load(root, file, {}, diagnostics->errors(), diagnostics, nullptr);
}

Result<Config> LoadConfig(const std::string& path, const Environment& environment,
                          Diagnostics* diagnostics, ConfigOrigins* origins) {
  if (path.empty()) return ParseConfig("", "(defaults)", environment, diagnostics, origins);
  const Result<std::string> text = ReadFile(path, kTomlBytesMax);
  if (!text) {
    diagnostics->AddFile(path, "");
    diagnostics->Error({path, 0, 0}, 1, "cannot be read: " + text.error().message);
    return Fail(text.error().code, text.error().message);
  }
  return ParseConfig(*text, path, environment, diagnostics, origins);
}

}  // namespace fleetmedic
