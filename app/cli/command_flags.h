// Flags and arguments that several commands share: parts of the table in commands.cc.
#ifndef FLEETMEDIC_APP_CLI_COMMAND_FLAGS_H_
#define FLEETMEDIC_APP_CLI_COMMAND_FLAGS_H_

#include <array>

#include "app/cli/command.h"

namespace fleetmedic::cli {

// Flags that several commands share.
inline constexpr Flag kListFormat = {"output",
                                     'o',
                                     FlagType::kWord,
                                     "FORMAT",
                                     "table",
                                     "how the list is printed",
                                     "table wide json name jsonl"};
inline constexpr Flag kObjectFormat = {
    "output", 'o', FlagType::kWord, "FORMAT", "table", "how it is printed", "table json"};
inline constexpr Flag kSelector = {
    "selector", 'l', FlagType::kText,
    "SELECTOR", "",  "only hosts with these labels: key=value,key!=value"};
inline constexpr Flag kWatch = {"watch", 'w', FlagType::kSwitch,
                                "",      "",  "then print each change as it comes"};
inline constexpr Flag kReason = {"reason", 0,  FlagType::kText,
                                 "TEXT",   "", "why, for the audit; required"};
inline constexpr Flag kReasonOptional = {"reason", 0,  FlagType::kText,
                                         "TEXT",   "", "why, for the audit"};
inline constexpr Flag kDryRun = {"dry-run", 0,  FlagType::kSwitch,
                                 "",        "", "print what would be asked, ask nothing"};
inline constexpr Flag kFor = {
    "for",      0,  FlagType::kDuration,
    "DURATION", "", "ends by itself after this; without it, when it is ended"};
inline constexpr Flag kConfig = {
    "config", 'c', FlagType::kFile,
    "FILE",   "",  "the config file; else /etc/fleetmedic/fleetmedic.toml where that is there"};
inline constexpr Flag kStateDir = {"state-dir", 0,  FlagType::kFolder,
                                   "DIR",       "", "in place of the config's state_dir"};
inline constexpr Flag kRunDir = {"run-dir", 0,  FlagType::kFolder,
                                 "DIR",     "", "in place of the config's run_dir"};
inline constexpr Flag kLogLevel = {"log-level",
                                   0,
                                   FlagType::kWord,
                                   "LEVEL",
                                   "",
                                   "in place of the config's log_level",
                                   "debug info warning error"};
inline constexpr Flag kListen = {
    "listen",       0,  FlagType::kText,
    "ADDRESS:PORT", "", "where the API listens; port 0 takes a free one"};
inline constexpr Flag kMode = {"mode",       0,  FlagType::kWord,
                               "MODE",       "", "shadow decides and records but does nothing",
                               "shadow auto"};

inline constexpr Flag kRange = {"range",    0,    FlagType::kDuration,
                                "DURATION", "1h", "lines of so long back from now, up to 24h"};

// Arguments that several commands share.
inline constexpr std::array kOnePattern = {
    Positional{"PATTERN", true, false, Completion::kNothing, "a rule's name, or a template's"}};
inline constexpr std::array kOneTemplate = {
    Positional{"TEMPLATE", true, false, Completion::kNothing, "as `patterns top` prints it"}};
inline constexpr std::array kOneIssue = {
    Positional{"ISSUE", true, false, Completion::kNothing, "as `get issues` prints it"}};
inline constexpr std::array kOneRule = {
    Positional{"RULE", true, false, Completion::kNothing, "the rule's name: kernel.oops"}};
inline constexpr std::array kOneHost = {
    Positional{"HOST", true, false, Completion::kHost, "the host's name"}};
inline constexpr std::array kHostOrIssue = {Positional{"HOST|ISSUE", true, false, Completion::kHost,
                                                       "a host's name, or I-... of an issue"}};
inline constexpr std::array kHosts = {
    Positional{"HOST", false, true, Completion::kHost, "names of hosts, or -l in their place"}};
inline constexpr std::array kMaybeHost = {
    Positional{"HOST", false, false, Completion::kHost, "only this host"}};
inline constexpr std::array kMaybeName = {
    Positional{"NAME", false, false, Completion::kNothing, "only this one"}};
inline constexpr std::array kScope = {Positional{"SCOPE", true, false, Completion::kScope,
                                                 "fleet, cell:, pool:, rack:, rule: or host:NAME"}};

}  // namespace fleetmedic::cli

#endif  // FLEETMEDIC_APP_CLI_COMMAND_FLAGS_H_
