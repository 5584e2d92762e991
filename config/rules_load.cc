#include "config/rules_load.h"

#include <algorithm>
#include <filesystem>
#include <map>
#include <set>
#include <string_view>
#include <utility>

#include "base/file.h"
#include "base/sha256.h"
#include "base/text.h"
#include "config/load.h"
#include "config/pattern.h"
#include "config/text_template.h"
#include "config/value.h"

namespace fleetmedic {
namespace {

constexpr size_t kFolderEntriesMax = 10'000;
constexpr size_t kExampleBytesMax = 8 * 1024;

// The keys of [[rule]]. A rule's own value of `severity` and `clear` has a type of the model.
constexpr std::string_view kRuleKeys[] = {
    "name",           "pattern",     "ignore_case", "sources",   "condition", "severity",
    "reason",         "unit",        "message",     "threshold", "kind",      "clear",
    "clear_after",    "clear_probe", "cancel",      "help",      "examples",  "counter_examples",
    "cancel_examples"};
constexpr std::string_view kThresholdKeys[] = {"count", "within"};
constexpr std::string_view kTopKeys[] = {"rule"};
constexpr std::string_view kKindWords[] = {"lasting", "event"};
constexpr std::string_view kClearWords[] = {"quiet", "boot", "probe"};
constexpr std::string_view kEventClearWords[] = {"time"};

bool ValidRuleName(std::string_view name) {
  const auto allowed = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '.';
  };
  return name.size() <= 64 && std::ranges::all_of(name, allowed) &&
         std::ranges::count(name, '.') == 1 && !name.starts_with('.') && !name.ends_with('.');
}

class RuleReader {
 public:
  RuleReader(const TomlNode& table, Diagnostics* diagnostics)
      : table_(table), diagnostics_(diagnostics), errors_before_(diagnostics->errors()) {}

  // False where the rule cannot be used; why is in the diagnostics.
  bool Read(Rule* rule);
  const std::string& label() const { return label_; }

 private:
  void ReadNames(Rule* rule);
  void ReadPatternOf(Rule* rule);
  // The expression under a key, with its place; none where it is missing or has a mistake.
  std::optional<Pattern> TakePattern(std::string_view key, std::string* text, SourcePlace* place,
                                     bool required);
  void ReadCancel(Rule* rule);
  void ReadMeaning(Rule* rule);
  void ReadClear(Rule* rule);
  void ReadThreshold(Rule* rule);
  void ReadExamples(Rule* rule);
  void CheckTemplate(std::string_view key, const std::string& text,
                     const std::vector<std::string>& captures);
  // True where the key is there and was taken.
  bool Take(std::string_view key, const Slot& slot, const Range& range = {}, bool required = true);
  void Error(const TomlNode& node, const std::string& message, std::string hint = {}) {
    diagnostics_->Error(node.place, node.width, label_ + message, std::move(hint));
  }
  const TomlNode& At(std::string_view key) const {
    const TomlNode* node = table_.Find(key);
    return node == nullptr ? table_ : *node;
  }

  const TomlNode& table_;
  Diagnostics* diagnostics_;
  size_t errors_before_;
  std::string label_ = "rule.";  // "kernel.oops." when the name is known
};

void UnknownKeys(const TomlNode& table, std::string_view label,
                 std::span<const std::string_view> known, Diagnostics* diagnostics) {
  for (const TomlMember& member : table.members) {
    if (std::ranges::find(known, member.key) != known.end()) continue;
    const std::optional<std::string_view> closest = ClosestWord(member.key, known);
    diagnostics->Error(member.place, static_cast<int>(member.key.size()),
                       std::string(label) + member.key + ": unknown key" +
                           (closest ? ", did you mean \"" + std::string(*closest) + "\"?" : ""));
  }
}

bool RuleReader::Take(std::string_view key, const Slot& slot, const Range& range, bool required) {
  const TomlNode* node = table_.Find(key);
  if (node == nullptr) {
    if (required) {
      Error(table_, std::string(key) + ": expected " + Expected(slot, range) + ", got none");
    }
    return false;
  }
  return ReadValue(*node, label_ + std::string(key), slot, range, diagnostics_);
}

bool RuleReader::Read(Rule* rule) {
  rule->place = table_.place;
  ReadNames(rule);
  UnknownKeys(table_, label_, kRuleKeys, diagnostics_);
  ReadPatternOf(rule);
  ReadMeaning(rule);
  ReadThreshold(rule);
  ReadExamples(rule);
  rule->version = RuleVersion(*rule);
  return diagnostics_->errors() == errors_before_;
}

void RuleReader::ReadNames(Rule* rule) {
  if (Take("name", &rule->name)) {
    if (ValidRuleName(rule->name)) {
      label_ = rule->name + ".";
    } else {
      Error(At("name"), "name: expected pack.name of a-z 0-9 _, got " + Quote(rule->name));
    }
  }
  if (Take("sources", &rule->sources)) {
    const TomlNode& list = At("sources");
    if (rule->sources.empty()) {
      Error(list, "sources: expected at least one source, got []",
            "a rule trusts nothing by itself");
    }
    for (const TomlNode& source : list.array) {
      if (ValidRuleSource(source.string)) continue;
      Error(source,
            "sources: expected \"kernel\", \"kmsg-user\", \"journal:UNIT\" or "
            "\"file:/PATH\", got " +
                Quote(source.string));
    }
  }
  if (Take("condition", &rule->condition) && !ValidConditionType(rule->condition)) {
    Error(At("condition"),
          "condition: expected a condition type in CamelCase, got " + Quote(rule->condition));
  }
  if (Take("reason", &rule->reason) && !ValidConditionType(rule->reason)) {
    Error(At("reason"), "reason: expected one word in CamelCase, got " + Quote(rule->reason));
  }
}

void RuleReader::ReadPatternOf(Rule* rule) {
  Take("ignore_case", &rule->ignore_case, {}, false);
  const bool have_message = Take("message", &rule->message, Form(TextForm::kNotEmpty));
  Take("unit", &rule->unit, {}, false);
  ReadCancel(rule);
  const std::optional<Pattern> pattern =
      TakePattern("pattern", &rule->pattern, &rule->pattern_place, true);
  if (!pattern) return;
  if (have_message) CheckTemplate("message", rule->message, pattern->captures);
  CheckTemplate("unit", rule->unit, pattern->captures);
}

std::optional<Pattern> RuleReader::TakePattern(std::string_view key, std::string* text,
                                               SourcePlace* place, bool required) {
  if (!Take(key, text, {}, required)) return std::nullopt;
  *place = At(key).text_place;
  Pattern pattern = ReadPattern(*text);
  if (!pattern.problem) return pattern;
  SourcePlace at = *place;
  at.column += static_cast<int>(pattern.problem->offset);
  diagnostics_->Error(at, 1,
                      label_ + std::string(key) + ": " + pattern.problem->message + " at offset " +
                          std::to_string(pattern.problem->offset));
  return std::nullopt;
}

void RuleReader::ReadCancel(Rule* rule) {
  const std::optional<Pattern> cancel =
      TakePattern("cancel", &rule->cancel, &rule->cancel_place, false);
  if (!cancel) return;
  if (rule->cancel.empty()) Error(At("cancel"), "cancel: expected an expression, got none");
  // It must say which unit is well again.
  const Result<TextTemplate> unit = TextTemplate::Parse(rule->unit);
  if (!unit) return;
  for (const std::string& name : unit->Names()) {
    if (std::ranges::find(cancel->captures, name) != cancel->captures.end()) continue;
    Error(At("cancel"), "cancel: expected the captures of unit, got no {" + name + "}",
          "add (?P<" + name + ">...) to it");
  }
}

void RuleReader::CheckTemplate(std::string_view key, const std::string& text,
                               const std::vector<std::string>& captures) {
  const Result<TextTemplate> parsed = TextTemplate::Parse(text);
  if (!parsed) return Error(At(key), std::string(key) + ": " + parsed.error().message);
  for (const std::string& name : parsed->Names()) {
    if (std::ranges::find(captures, name) != captures.end()) continue;
    const std::optional<std::string_view> closest = ClosestWord(name, captures);
    Error(At(key), std::string(key) + ": expected captures of the pattern, got {" + name + "}",
          closest ? "did you mean {" + std::string(*closest) + "}?"
                  : "add (?P<" + name + ">...) to the pattern");
  }
}

void RuleReader::ReadMeaning(Rule* rule) {
  Take("severity", &rule->severity);
  ReadClear(rule);
  Take("help", &rule->help, Form(TextForm::kNotEmpty));
}

void RuleReader::ReadClear(Rule* rule) {
  std::string kind = "lasting";
  Take("kind", &kind, OneOf(kKindWords), false);
  std::string clear;
  if (kind == "event") {
    rule->clear = Clear::kTime;
    Take("clear", &clear, OneOf(kEventClearWords), false);
  } else if (Take("clear", &clear, OneOf(kClearWords))) {
    rule->clear = *ParseClear(clear);
  }
  if (rule->clear == Clear::kProbe) rule->clear_after = Minutes(1);
  const bool clear_after =
      Take("clear_after", &rule->clear_after, Between(Minutes(1), Hours(24 * 7)), false);
  if (clear_after && rule->clear == Clear::kBoot) {
    Error(At("clear_after"), "clear_after: expected none with clear = \"boot\", got one");
  }
  const bool by_probe = rule->clear == Clear::kProbe;
  if (!Take("clear_probe", &rule->clear_probe, {}, by_probe)) return;
  if (!by_probe) {
    Error(At("clear_probe"), "clear_probe: expected none without clear = \"probe\", got one");
  } else if (!ValidConditionType(rule->clear_probe)) {
    Error(At("clear_probe"),
          "clear_probe: expected a condition type in CamelCase, got " + Quote(rule->clear_probe));
  }
}

void RuleReader::ReadThreshold(Rule* rule) {
  const TomlNode* threshold = table_.Find("threshold");
  if (threshold == nullptr) return;
  if (threshold->kind != TomlKind::kTable) {
    return Error(*threshold,
                 "threshold: expected { count = 3, within = \"5m\" }, got " + threshold->Shown());
  }
  UnknownKeys(*threshold, label_ + "threshold.", kThresholdKeys, diagnostics_);
  const auto take = [&](std::string_view key, const Slot& slot, const Range& range) {
    const TomlNode* node = threshold->Find(key);
    const std::string path = label_ + "threshold." + std::string(key);
    if (node != nullptr) {
      ReadValue(*node, path, slot, range, diagnostics_);
    } else {
      diagnostics_->Error(threshold->place, threshold->width,
                          path + ": expected " + Expected(slot, range) + ", got none");
    }
  };
  take("count", &rule->threshold_count, Between(1, kThresholdCountMax));
  take("within", &rule->threshold_within, Between(Seconds(1), Hours(24)));
}

void RuleReader::ReadExamples(Rule* rule) {
  for (auto [key, list] : {std::pair{std::string_view("examples"), &rule->examples},
                           {"counter_examples", &rule->counter_examples},
                           {"cancel_examples", &rule->cancel_examples}}) {
    const bool of_cancel = key == "cancel_examples";
    const bool cancels = table_.Find("cancel") != nullptr;
    if (!Take(key, list, {}, !of_cancel || cancels)) continue;
    if (of_cancel && !cancels) Error(At(key), "cancel_examples: expected none without cancel");
    const TomlNode& node = At(key);
    if (list->empty() || list->size() > kRuleExamplesMax) {
      Error(node, std::string(key) + ": expected 1 to " + std::to_string(kRuleExamplesMax) +
                      " lines, got " + std::to_string(list->size()));
    }
    for (const TomlNode& example : node.array) {
      if (example.string.find('\n') != std::string::npos) {
        Error(example, std::string(key) + ": expected one line, got several");
      } else if (example.string.size() > kExampleBytesMax) {
        Error(example, std::string(key) + ": expected at most " + std::to_string(kExampleBytesMax) +
                           " bytes, got " + std::to_string(example.string.size()));
      }
    }
  }
}

void ReadOneFile(const RuleText& text, std::map<std::string, SourcePlace>* names,
                 std::vector<Rule>* rules, Diagnostics* diagnostics) {
  const TomlNode root = ParseToml(text.text, text.file, diagnostics);
  UnknownKeys(root, "", kTopKeys, diagnostics);
  const TomlNode* list = root.Find("rule");
  if (list == nullptr) return;
  if (list->kind != TomlKind::kArray) {
    return diagnostics->Error(list->place, list->width,
                              "rule: expected [[rule]], got " + list->Shown());
  }
  for (const TomlNode& table : list->array) {
    if (table.kind != TomlKind::kTable) {
      diagnostics->Error(table.place, table.width, "rule: expected [[rule]], got " + table.Shown());
      continue;
    }
    if (rules->size() == kRulesMax) {
      return diagnostics->Error(table.place, table.width,
                                "rule: expected at most " + std::to_string(kRulesMax) + " rules");
    }
    Rule rule;
    RuleReader reader(table, diagnostics);
    const bool usable = reader.Read(&rule);
    const auto [known, fresh] = names->try_emplace(rule.name, rule.place);
    if (!fresh && !rule.name.empty()) {
      const TomlNode* name = table.Find("name");
      diagnostics->Error(
          name->place, name->width, reader.label() + "name: expected each name once, got it again",
          "first at " + known->second.file + ":" + std::to_string(known->second.line));
      continue;
    }
    if (usable) rules->push_back(std::move(rule));
  }
}

}  // namespace

std::vector<Rule> ParseRules(std::span<const RuleText> texts, Diagnostics* diagnostics) {
  std::vector<Rule> rules;
  std::map<std::string, SourcePlace> names;
  for (const RuleText& text : texts) ReadOneFile(text, &names, &rules, diagnostics);
  return rules;
}

std::vector<RuleText> ReadRuleFiles(std::span<const std::string> paths, Diagnostics* diagnostics) {
  std::vector<RuleText> texts;
  const auto fail = [diagnostics](const std::string& path, const std::string& message) {
    diagnostics->AddFile(path, "");
    diagnostics->Error({path, 0, 0}, 1, message);
  };
  const auto read = [&](const std::string& path) {
    if (texts.size() == kRuleFilesMax) {
      return fail(path, "expected at most " + std::to_string(kRuleFilesMax) + " files");
    }
    Result<std::string> text = ReadFile(path, kTomlBytesMax);
    if (!text) return fail(path, "cannot be read: " + text.error().message);
    texts.push_back({path, *std::move(text)});
  };
  for (const std::string& path : paths) {
    std::error_code not_there;
    if (!std::filesystem::is_directory(path, not_there)) {
      read(path);
      continue;
    }
    std::error_code ignored;
    const Result<std::vector<std::string>> entries =
        FsRoot("/").List(std::filesystem::absolute(path, ignored).string(), kFolderEntriesMax);
    if (!entries) {
      fail(path, "cannot be read: " + entries.error().message);
      continue;
    }
    const bool slash = path.ends_with('/');
    size_t found = 0;
    for (const std::string& entry : *entries) {
      if (!entry.ends_with(".toml")) continue;
      ++found;
      read(path + (slash ? "" : "/") + entry);
    }
    if (found == 0) fail(path, "expected *.toml in the folder, got none");
  }
  return texts;
}

std::vector<Rule> LoadRules(std::span<const std::string> paths, Diagnostics* diagnostics) {
  return ParseRules(ReadRuleFiles(paths, diagnostics), diagnostics);
}

std::string RuleVersion(const Rule& rule) {
  Json json;
  json.Set("name", rule.name);
  json.Set("pattern", rule.pattern);
  json.Set("ignore_case", rule.ignore_case);
  Json sources(Json::Array{});
  for (const std::string& source : rule.sources) sources.Append(source);
  json.Set("sources", std::move(sources));
  json.Set("condition", rule.condition);
  json.Set("severity", SeverityName(rule.severity));
  json.Set("reason", rule.reason);
  json.Set("unit", rule.unit);
  json.Set("message", rule.message);
  json.Set("threshold_count", rule.threshold_count);
  json.Set("threshold_within_ms", rule.threshold_within.count());
  json.Set("clear", ClearName(rule.clear));
  json.Set("clear_after_ms", rule.clear_after.count());
  // Left out where a rule has none, so that the versions from before there were such keys stay.
  if (!rule.clear_probe.empty()) json.Set("clear_probe", rule.clear_probe);
  if (!rule.cancel.empty()) json.Set("cancel", rule.cancel);
  return Sha256Hex(json.Dump()).substr(0, 12);
}

bool ValidRuleSource(std::string_view source) {
  const auto rest = [source](std::string_view prefix) {
    return source.starts_with(prefix) && source.size() > prefix.size();
  };
  if (source.size() > 512 || VisibleText(source) != source) return false;
  const size_t star = source.find('*');
  if (star != std::string_view::npos && star + 1 != source.size()) return false;
  for (const std::string_view whole :
       {"kernel", "kmsg-user", "journal-user", "journal-container"}) {
    if (source == whole) return true;
  }
  return rest("journal:") || rest("file:/");
}

bool SourceTrusted(std::string_view rule_source, std::string_view line_source) {
  if (rule_source.ends_with('*')) {
    rule_source.remove_suffix(1);
    return line_source.starts_with(rule_source);
  }
  return rule_source == line_source;
}

}  // namespace fleetmedic
