// node-problem-detector's configuration as ours. Pure.
//
// Its form, after its documentation (docs/ of kubernetes/node-problem-detector): one JSON object a
// monitor with "plugin" (kmsg, journald, filelog, custom), "pluginConfig", "logPath", "source",
// "conditions" and "rules"; a rule has "type" (temporary, permanent), "condition", "reason" and
// "pattern", or "path", "args" and "timeout" where the plugin is custom.
//
// What differs, and what is done about it:
//  - It matches PATTERN\z over the last lines joined by '\n': what it finds ends with the last
//    line. We look at one line: PATTERN$. A pattern that needs several lines is refused.
//  - Its patterns are Go's RE2. What Hyperscan or config/pattern.h does not take is rewritten
//    where that changes nothing, and refused otherwise.
//  - Nothing ever ends its permanent conditions. Ours must end: by what the caller says, or the
//    rule is refused.
#ifndef FLEETMEDIC_STREAM_NPD_IMPORT_H_
#define FLEETMEDIC_STREAM_NPD_IMPORT_H_

#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "config/rule.h"

namespace fleetmedic {

struct NpdClears {
  Clear clear = Clear::kBoot;  // or kQuiet
  Millis after = Minutes(10);  // of kQuiet
};
// "boot", or "quiet=30m".
Result<NpdClears> ParseNpdClears(std::string_view text);

struct NpdOptions {
  std::string file;  // for places
  std::optional<NpdClears> permanent;
  // Names of rules that are taken by other files.
  std::set<std::string> taken;
};

enum class NpdVerdict : uint8_t {
  kSame,     // finds what it found there
  kAdapted,  // finds the same of what matters; `note` says what differs
  kRefused,  // `note` says why
};
std::string_view NpdVerdictName(NpdVerdict verdict);

struct NpdRule {
  SourcePlace place;
  NpdVerdict verdict = NpdVerdict::kSame;
  std::string name;  // ours; its reason where it was refused
  std::string note;
  bool needs_clears = false;  // refused for that alone
};

struct NpdImport {
  std::vector<NpdRule> rules;
  std::string rules_toml;   // [[rule]] tables for rules/*.toml; "" for none
  std::string checks_toml;  // [[checks]] tables for the configuration; "" for none
};

constexpr size_t kNpdBytesMax = size_t{4} << 20;
constexpr size_t kNpdRulesMax = 1000;

// kInvalidArgument with FILE:LINE:COLUMN for a text that is no such object.
Result<NpdImport> ImportNpd(std::string_view text, const NpdOptions& options);

}  // namespace fleetmedic

#endif  // FLEETMEDIC_STREAM_NPD_IMPORT_H_
