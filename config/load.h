// Text to Config: defaults, then the file, then the environment; each value checked, all mistakes
// told at once.
#ifndef FLEETMEDIC_CONFIG_LOAD_H_
#define FLEETMEDIC_CONFIG_LOAD_H_

#include <map>
#include <string>
#include <string_view>

#include "config/config.h"
#include "config/diagnostics.h"
#include "config/toml.h"

namespace fleetmedic {

// Variables named FLEETMEDIC_SECTION__KEY, upper case: FLEETMEDIC_AGENT__BEAT_EVERY=5s. A key
// before the first section has one underscore: FLEETMEDIC_STATE_DIR. Others are not looked at.
// Limits, conditions and tailed files have no variables.
using Environment = std::map<std::string, std::string>;

// Where a key that is not at its default got its value: its path ("agent.beat_every") to the
// place, or to the name of the variable with line 0.
using ConfigOrigins = std::map<std::string, SourcePlace, std::less<>>;

// Errors and warnings go to `diagnostics`; an unknown section, key or variable is a warning. With
// errors the answer is kInvalidArgument and the message counts them; nothing of the text is used.
// `origins` may be null. Thread-safe.
Result<Config> ParseConfig(std::string_view text, const std::string& file,
                           const Environment& environment, Diagnostics* diagnostics,
                           ConfigOrigins* origins = nullptr);

// The same from a document that was parsed already, whose file is in `diagnostics`; no environment.
// For files that hold a config's tables among others.
Result<Config> ReadConfig(const TomlNode& root, const std::string& file, Diagnostics* diagnostics);

// The same for a file. One that cannot be read is an error in `diagnostics` too. An empty path is
// no file: defaults and environment.
Result<Config> LoadConfig(const std::string& path, const Environment& environment,
                          Diagnostics* diagnostics, ConfigOrigins* origins = nullptr);

// CamelCase: a capital letter, then letters and digits, at most 64. What the types of conditions
// look like.
bool ValidConditionType(std::string_view text);

}  // namespace fleetmedic

#endif  // FLEETMEDIC_CONFIG_LOAD_H_
