// rules/*.toml to rules. The form, which rules/README.md explains to people:
//
//   [[rule]]
//   name = "kernel.hung_task"
//   pattern = '^INFO: task (?P<task>.+):\d+ blocked for more than (?P<seconds>\d+) seconds\.'
//   sources = ["kernel"]
//   condition = "KernelHungTask"
//   severity = "soft"                            # info, soft, hard
//   reason = "HungTask"
//   message = "task {task} blocked for {seconds} s"
//   clear = "quiet"                              # quiet, boot, probe
//   help = "..."
//   examples = ['INFO: task kworker/u8:2:314 blocked for more than 120 seconds.']
//   counter_examples = ['task nginx:314 blocked for more than 120 seconds.']
//
// and, where they are needed: ignore_case = true, unit = "{device}", clear_after = "10m",
// threshold = { count = 3, within = "5m" }; kind = "event" in place of clear; clear_probe =
// "DockerHung" with clear = "probe"; cancel = '^...' with cancel_examples = [...].
#ifndef FLEETMEDIC_CONFIG_RULES_LOAD_H_
#define FLEETMEDIC_CONFIG_RULES_LOAD_H_

#include <span>
#include <string>
#include <vector>

#include "config/diagnostics.h"
#include "config/rule.h"

namespace fleetmedic {

// One file of rules, read already.
struct RuleText {
  std::string file;
  std::string text;

  bool operator==(const RuleText&) const = default;
};

constexpr size_t kRuleFilesMax = 1000;
constexpr size_t kRulesMax = 10'000;
constexpr size_t kRuleExamplesMax = 100;
constexpr int kThresholdCountMax = 1000;

// All rules of all files, in order. Every mistake goes to `diagnostics`, unknown keys too, and a
// rule with one is left out; names are unique over all files. The expressions themselves are not
// compiled here (stream/rule_set.h).
std::vector<Rule> ParseRules(std::span<const RuleText> texts, Diagnostics* diagnostics);

// Reads the files; a folder stands for the *.toml in it, by name. What cannot be read is an error
// in `diagnostics`.
std::vector<RuleText> ReadRuleFiles(std::span<const std::string> paths, Diagnostics* diagnostics);

// ParseRules(ReadRuleFiles(paths)).
std::vector<Rule> LoadRules(std::span<const std::string> paths, Diagnostics* diagnostics);

// What `Rule::version` is: see there.
std::string RuleVersion(const Rule& rule);

// "journal:UNIT" and "file:/PATH", which may end in '*'; "kernel"; and what anybody can write, for
// rules that harm nobody: "kmsg-user", "journal-user", "journal-container".
bool ValidRuleSource(std::string_view source);
// Whether a rule with this source trusts lines of that one.
bool SourceTrusted(std::string_view rule_source, std::string_view line_source);

}  // namespace fleetmedic

#endif  // FLEETMEDIC_CONFIG_RULES_LOAD_H_
