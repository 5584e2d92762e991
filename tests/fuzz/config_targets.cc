// What people write: config, rules, patterns, templates, selectors.
#include "base/result.h"
#include "config/load.h"
#include "config/pattern.h"
#include "config/show.h"
#include "config/text_template.h"
#include "console/selector.h"
#include "stream/matcher.h"
#include "stream/npd_import.h"
#include "stream/rule_check.h"
#include "tests/fuzz/targets.h"

namespace fleetmedic {
namespace {

void ConfigFile(std::string_view bytes) {
  Diagnostics diagnostics;
  const Result<Config> config = ParseConfig(bytes, "fuzz.toml", {}, &diagnostics);
  FLEETMEDIC_CHECK(config.has_value() == diagnostics.ok());
  (void)diagnostics.Text();
  if (!config) return;
  // What is shown is read back as the same.
  const std::string shown = ShowConfig(*config, {});
  Diagnostics again;
  const Result<Config> read = ParseConfig(shown, "shown.toml", {}, &again);
  FLEETMEDIC_CHECK(read.has_value());
  FLEETMEDIC_CHECK(ShowConfig(*read, {}) == shown);
}

void RuleFile(std::string_view bytes) {
  Diagnostics diagnostics;
  const RuleText text{"fuzz.toml", std::string(bytes)};
  const std::vector<Rule> rules = ParseRules(std::span(&text, 1), &diagnostics);
  (void)diagnostics.Text();
  // Compiling many of them takes long and is Hyperscan's work.
  constexpr size_t kCompiledMax = 4;
  if (!diagnostics.ok() || rules.size() > kCompiledMax) return;
  const auto set = RuleSet::Compile(rules, &diagnostics);
  FLEETMEDIC_CHECK((set != nullptr) == diagnostics.ok());
  if (set == nullptr) return;
  Matcher matcher(set);
  for (const Rule& rule : rules) {
    for (const std::string& line : rule.examples) {
      matcher.MatchAnySource(line, [](const RuleMatch& match) {
        (void)match.Unit();
        (void)match.Message();
      });
    }
  }
}

void RulePattern(std::string_view bytes) {
  const Pattern pattern = ReadPattern(bytes);
  if (pattern.problem) {
    FLEETMEDIC_CHECK(pattern.problem->offset <= bytes.size());
    return;
  }
  FLEETMEDIC_CHECK(pattern.origins.size() == pattern.hyperscan.size() + 1);
}

void Template(std::string_view bytes) {
  const Result<TextTemplate> parsed = TextTemplate::Parse(bytes);
  if (parsed) (void)parsed->Render([](const std::string& name) { return "<" + name + ">"; });
}

void HostSelector(std::string_view bytes) { (void)Selector::Parse(bytes); }

void NpdMonitor(std::string_view bytes) {
  NpdOptions options;
  options.file = "fuzz.json";
  options.permanent = NpdClears{};
  const Result<NpdImport> import = ImportNpd(bytes, options);
  if (!import || import->rules_toml.empty()) return;
  // What it writes is read without an error; compiling it is Hyperscan's work.
  Diagnostics diagnostics;
  const RuleText text{"fuzz.toml", import->rules_toml};
  (void)ParseRules(std::span(&text, 1), &diagnostics);
  FLEETMEDIC_CHECK(diagnostics.ok());
}

constexpr FuzzTarget kTargets[] = {
    {"config", ConfigFile}, {"rules", RuleFile},        {"pattern", RulePattern},
    {"template", Template}, {"selector", HostSelector}, {"npd", NpdMonitor},
};

}  // namespace

std::span<const FuzzTarget> ConfigFuzzTargets() { return kTargets; }

}  // namespace fleetmedic
