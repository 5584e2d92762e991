#include "model/pattern_count.h"

#include <algorithm>

#include <fmt/format.h>

#include "model/words.h"

namespace fleetmedic {
namespace {

constexpr Words<PatternKind, 2> kKinds = {
    {{PatternKind::kRule, "rule"}, {PatternKind::kTemplate, "template"}}};

Status AtMost(std::string_view what, size_t is, size_t max) {
  if (is <= max) return {};
  return Fail(Code::kInvalidArgument, fmt::format("{}: {}; at most {} are read", what, is, max));
}

Result<std::map<std::string, uint64_t>> ValuesFromJson(const Json& json) {
  std::map<std::string, uint64_t> values;
  if (json.object() == nullptr) return Fail(Code::kInvalidArgument, "expected an object");
  FLEETMEDIC_RETURN_IF_ERROR(AtMost("values", json.object()->size(), PatternVariable::kValuesMax));
  for (const auto& [value, lines] : *json.object()) {
    FLEETMEDIC_RETURN_IF_ERROR(
        AtMost("bytes of a value", value.size(), PatternVariable::kValueBytesMax));
    const std::optional<int64_t> count = lines.integer();
    if (!count || *count < 0) return Fail(Code::kInvalidArgument, "expected a number of lines");
    values.emplace(value, static_cast<uint64_t>(*count));
  }
  return values;
}

}  // namespace

std::string_view PatternKindName(PatternKind kind) { return WordOf(kKinds, kind); }
std::optional<PatternKind> ParsePatternKind(std::string_view word) { return ValueOf(kKinds, word); }

Result<HostId> HostIdFromJson(const Json& json) {
  if (json.string() == nullptr || !ValidId(*json.string())) {
    return Fail(Code::kInvalidArgument, "expected a host");
  }
  return HostId(*json.string());
}

Json ToJson(const PatternExample& example) {
  Json json;
  json.Set("host", example.host.str());
  json.Set("source", example.source);
  json.Set("line", example.line);
  json.Set("at", example.at);
  return json;
}

Result<PatternExample> PatternExampleFromJson(const Json& json) {
  PatternExample example;
  JsonReader in(json, "example");
  ReadId(&in, "host", &example.host);
  in.Optional("source", &example.source);
  in.Required("line", &example.line);
  in.Optional("at", &example.at);
  FLEETMEDIC_RETURN_IF_ERROR(in.Done());
  FLEETMEDIC_RETURN_IF_ERROR(
      AtMost("bytes of an example's line", example.line.size(), PatternExample::kLineBytesMax));
  return example;
}

Json ToJson(const PatternVariable& variable) {
  Json json;
  json.Set("name", variable.name);
  Json values(Json::Object{});
  for (const auto& [value, lines] : variable.values) values.Set(value, lines);
  json.Set("values", std::move(values));
  if (variable.other_lines > 0) json.Set("other_lines", variable.other_lines);
  return json;
}

Result<PatternVariable> PatternVariableFromJson(const Json& json) {
  PatternVariable variable;
  JsonReader in(json, "variable");
  in.Required("name", &variable.name);
  in.RequiredAs("values", &variable.values, ValuesFromJson);
  in.Optional("other_lines", &variable.other_lines);
  FLEETMEDIC_RETURN_IF_ERROR(in.Done());
  return variable;
}

Json ToJson(const PatternCount& count) {
  Json json;
  json.Set("pattern", count.pattern);
  json.Set("kind", PatternKindName(count.kind));
  if (!count.version.empty()) json.Set("version", count.version);
  json.Set("text", count.text);
  json.Set("first_seen", count.first_seen);
  json.Set("minute", count.minute);
  json.Set("partition", int64_t{count.partition});
  json.Set("first_offset", count.first_offset);
  json.Set("last_offset", count.last_offset);
  json.Set("lines", count.lines);
  Json hosts(Json::Array{});
  for (const HostId& host : count.hosts) hosts.Append(host.str());
  json.Set("hosts", std::move(hosts));
  if (!count.examples.empty()) {
    Json examples(Json::Array{});
    for (const PatternExample& example : count.examples) examples.Append(ToJson(example));
    json.Set("examples", std::move(examples));
  }
  if (!count.variables.empty()) {
    Json variables(Json::Array{});
    for (const PatternVariable& variable : count.variables) variables.Append(ToJson(variable));
    json.Set("variables", std::move(variables));
  }
  if (!count.aliases.empty()) {
    Json aliases(Json::Array{});
    for (const std::string& alias : count.aliases) aliases.Append(alias);
    json.Set("aliases", std::move(aliases));
  }
  return json;
}

Result<PatternCount> PatternCountFromJson(const Json& json) {
  PatternCount count;
  int64_t partition = 0;
  JsonReader in(json, "pattern count");
  in.Required("pattern", &count.pattern);
  in.Word("kind", &count.kind, ParsePatternKind);
  in.Optional("version", &count.version);
  in.Optional("text", &count.text);
  in.Optional("first_seen", &count.first_seen);
  in.Required("minute", &count.minute);
  in.Required("partition", &partition);
  in.Required("first_offset", &count.first_offset);
  in.Required("last_offset", &count.last_offset);
  in.Required("lines", &count.lines);
  in.ListAs("hosts", &count.hosts, HostIdFromJson);
  in.ListAs("examples", &count.examples, PatternExampleFromJson);
  in.ListAs("variables", &count.variables, PatternVariableFromJson);
  in.Optional("aliases", &count.aliases);
  FLEETMEDIC_RETURN_IF_ERROR(in.Done());
  if (!ValidId(count.pattern) || !std::ranges::all_of(count.aliases, ValidId)) {
    return Fail(Code::kInvalidArgument, "pattern count: expected identifiers");
  }
  if (partition < 0 || partition > INT32_MAX || count.first_offset > count.last_offset) {
    return Fail(Code::kInvalidArgument, "pattern count: expected a partition and offsets in order");
  }
  count.partition = static_cast<int32_t>(partition);
  FLEETMEDIC_RETURN_IF_ERROR(
      AtMost("characters of the pattern", count.pattern.size(), PatternCount::kPatternCharsMax));
  FLEETMEDIC_RETURN_IF_ERROR(
      AtMost("bytes of the text", count.text.size(), PatternCount::kTextBytesMax));
  FLEETMEDIC_RETURN_IF_ERROR(AtMost("hosts", count.hosts.size(), PatternCount::kHostsMax));
  FLEETMEDIC_RETURN_IF_ERROR(AtMost("examples", count.examples.size(), PatternCount::kExamplesMax));
  FLEETMEDIC_RETURN_IF_ERROR(
      AtMost("variables", count.variables.size(), PatternCount::kVariablesMax));
  FLEETMEDIC_RETURN_IF_ERROR(AtMost("aliases", count.aliases.size(), PatternCount::kAliasesMax));
  return count;
}

}  // namespace fleetmedic
