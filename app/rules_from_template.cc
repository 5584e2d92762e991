#include "app/rules_from_template.h"

#include <ostream>
#include <utility>

#include "app/cli/exit_codes.h"
#include "app/cli/requests.h"
#include "base/text.h"
#include "stream/mined_template.h"
#include "stream/rule_check.h"
#include "stream/template_rule.h"

namespace fleetmedic {
namespace {

using cli::Answer;
using cli::ApiReply;
using cli::Failure;
using cli::Invocation;

// Templates whose lines are looked at for a counter example.
constexpr size_t kOthersMax = 3;

std::string PatternPath(std::string_view pattern) {
  return "/api/v1/patterns/" + cli::EncodePercent(pattern) + "?range=24h";
}

Result<TemplateRuleInput> InputOf(const Json& json) {
  TemplateRuleInput input;
  JsonReader in(json, "pattern");
  in.Required("pattern", &input.id);
  in.Required("text", &input.text);
  in.ListAs("examples", &input.examples, PatternExampleFromJson);
  in.ListAs("variables", &input.variables, PatternVariableFromJson);
  FLEETMEDIC_RETURN_IF_ERROR(in.Done());
  return input;
}

// Lines of some other templates; without them the rule has a counter example of nobody.
std::vector<std::string> LinesOfOthers(const Invocation& call, const std::string& id) {
  std::vector<std::string> lines;
  const Answer<ApiReply> list = cli::Ask(call, "/api/v1/patterns?range=24h&unmatched=1&limit=10");
  if (!list || list->json["items"].array() == nullptr) return lines;
  for (const Json& item : *list->json["items"].array()) {
    const std::string* pattern = item["pattern"].string();
    if (pattern == nullptr || *pattern == id) continue;
    const Answer<ApiReply> other = cli::Ask(call, PatternPath(*pattern));
    if (!other) continue;
    const Result<TemplateRuleInput> input = InputOf(other->json);
    if (input && !input->examples.empty()) lines.push_back(input->examples.front().line);
    if (lines.size() == kOthersMax) break;
  }
  return lines;
}

}  // namespace

int RunRulesFromTemplate(const Invocation& call) {
  const cli::Terminal terminal(call);
  const std::string& id = call.args.positionals[0];
  if (!ParseTemplateId(id)) {
    return cli::Report(
        terminal, {cli::kExitUsage, "expected a template as t-3a0517cfd9c4da1a, got " + Quote(id),
                   "`fleetmedic patterns top --unmatched` lists them"});
  }
  const Answer<ApiReply> reply = cli::Ask(call, PatternPath(id));
  if (!reply) return cli::Report(terminal, reply.error());
  Result<TemplateRuleInput> input = InputOf(reply->json);
  if (!input) return cli::Report(terminal, {cli::kExitFailed, input.error().message, ""});
  input->other_lines = LinesOfOthers(call, id);
  const Result<std::string> toml = RuleFromTemplate(*input);
  if (!toml) return cli::Report(terminal, {cli::kExitFailed, toml.error().message, ""});
  // As `rules check` does it: what is printed passes.
  Diagnostics diagnostics;
  const std::vector<RuleText> texts = {{id + ".toml", *toml}};
  if (CheckRules(texts, &diagnostics) == nullptr) {
    return cli::Report(terminal, {cli::kExitFailed, diagnostics.Text(), "write the rule by hand"});
  }
  *call.env.out << *toml;
  return cli::kExitDone;
}

}  // namespace fleetmedic
