#include "stream/mined_template.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include "base/cap_text.h"
#include "base/text.h"
#include "stream/line_words.h"

namespace fleetmedic {
namespace {

constexpr std::string_view kIdBegin = "t-";
constexpr size_t kIdDigits = 16;
constexpr std::string_view kAnyValue = "…";
constexpr char kHex[] = "0123456789abcdef";

std::string IdDigits(uint64_t id) {
  std::string text(kIdDigits, '0');
  for (size_t i = kIdDigits; i-- > 0; id >>= 4) text[i] = kHex[id & 15];
  return text;
}

std::optional<uint64_t> ReadHex(std::string_view text) {
  uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, 16);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

// Bytes that are no printable ASCII, and '%', as "%XX".
std::string Escape(std::string_view bytes) {
  std::string text;
  for (const char c : bytes) {
    const auto byte = static_cast<uint8_t>(c);
    if (byte >= 0x20 && byte < 0x7f && c != '%') {
      text += c;
    } else {
      text += {'%', kHex[byte >> 4], kHex[byte & 15]};
    }
  }
  return text;
}

std::optional<std::string> Unescape(std::string_view text) {
  std::string bytes;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      bytes += text[i];
      continue;
    }
    if (text.size() - i < 3) return std::nullopt;
    const std::optional<uint64_t> byte = ReadHex(text.substr(i + 1, 2));
    if (!byte) return std::nullopt;
    bytes += static_cast<char>(*byte);
    i += 2;
  }
  return bytes;
}

}  // namespace

std::string TemplateIdText(uint64_t id) { return std::string(kIdBegin) + IdDigits(id); }

std::optional<uint64_t> ParseTemplateId(std::string_view text) {
  if (!text.starts_with(kIdBegin)) return std::nullopt;
  text.remove_prefix(kIdBegin.size());
  const auto is_digit = [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); };
  if (text.size() != kIdDigits || !std::ranges::all_of(text, is_digit)) return std::nullopt;
  return ReadHex(text);
}

std::string TextOf(const MinedTemplate& mined) {
  std::string text;
  size_t values = 0;
  for (size_t i = 0; i < mined.words.size(); ++i) {
    const MinedTemplate::Word& word = mined.words[i];
    text += VisibleText(word.gap);
    if (!word.variable) {
      text += VisibleText(word.text);
      continue;
    }
    while (values < mined.values.size() && mined.values[values].word < i) ++values;
    const bool known = values < mined.values.size() && mined.values[values].word == i &&
                       !mined.values[values].values.empty();
    const bool one = known && mined.values[values].distinct == 1;
    text +=
        "«" +
        (one ? VisibleText(mined.values[values].values.front().value) : std::string(kAnyValue)) +
        "»";
  }
  text += VisibleText(mined.end);
  if (mined.cut) text += std::string(" ") + std::string(kAnyValue);
  CapText(&text, PatternCount::kTextBytesMax);
  return text;
}

std::vector<PatternVariable> VariablesOf(const MinedTemplate& mined) {
  std::vector<PatternVariable> variables;
  for (const MinedTemplate::Values& of : mined.values) {
    PatternVariable variable;
    variable.name = std::to_string(variables.size() + 1);
    uint64_t told = 0;
    for (const ValueCount& one : of.values) {
      if (one.count == 0) continue;
      std::string value = VisibleText(one.value);
      CapText(&value, PatternVariable::kValueBytesMax);
      variable.values[std::move(value)] += one.count;
      told += one.count;
    }
    variable.other_lines = of.lines > told ? of.lines - told : 0;
    variables.push_back(std::move(variable));
  }
  return variables;
}

bool TemplateMatches(const MinedTemplate& mined, std::string_view line) {
  LineShape shape;
  LineWords words;
  ScanLine(line, 0, &shape);
  SplitLine(line, shape, "", &words);
  if (words.count != mined.words.size() || words.cut != mined.cut) return false;
  for (uint32_t i = 0; i < words.count; ++i) {
    const MinedTemplate::Word& word = mined.words[i];
    if (GapBefore(line, words, i) != word.gap) return false;
    if (!word.variable && words.words[i].span.In(line) != word.text) return false;
  }
  return GapBefore(line, words, words.count) == mined.end;
}

Json ToJson(const MinedTemplate& mined) {
  Json json(Json::Object{});
  json.Set("id", TemplateIdText(mined.id));
  Json aliases(Json::Array{});
  for (const uint64_t alias : mined.aliases) aliases.Append(TemplateIdText(alias));
  json.Set("aliases", std::move(aliases));
  json.Set("source_class", mined.source_class);
  Json words(Json::Array{});
  for (const MinedTemplate::Word& word : mined.words) {
    Json one(Json::Object{});
    if (word.gap != " ") one.Set("gap", Escape(word.gap));
    one.Set(word.variable ? "variable" : "word", Escape(word.text));
    words.Append(std::move(one));
  }
  json.Set("words", std::move(words));
  json.Set("end", Escape(mined.end));
  json.Set("cut", mined.cut);
  json.Set("first_seen", mined.first_seen);
  json.Set("last_seen", mined.last_seen);
  json.Set("lines", mined.lines);
  Json all(Json::Array{});
  for (const MinedTemplate::Values& of : mined.values) {
    Json one(Json::Object{});
    one.Set("word", of.word);
    one.Set("lines", of.lines);
    one.Set("distinct", of.distinct);
    one.Set("registers", of.registers);
    Json values(Json::Array{});
    for (const ValueCount& value : of.values) {
      Json told(Json::Object{});
      told.Set("value", Escape(value.value));
      told.Set("count", value.count);
      if (value.over > 0) told.Set("over", value.over);
      values.Append(std::move(told));
    }
    one.Set("values", std::move(values));
    all.Append(std::move(one));
  }
  json.Set("values", std::move(all));
  Json examples(Json::Array{});
  for (const PatternExample& example : mined.examples) examples.Append(ToJson(example));
  json.Set("examples", std::move(examples));
  return json;
}

namespace {

Result<std::string> BytesOf(const Json& json, std::string_view what) {
  const std::string* text = json.string();
  std::optional<std::string> bytes = text == nullptr ? std::nullopt : Unescape(*text);
  if (bytes) return *std::move(bytes);
  return Fail(Code::kInvalidArgument, std::string(what) + ": expected text with %XX");
}

Result<uint64_t> IdFromJson(const Json& json) {
  const std::optional<uint64_t> id =
      json.string() == nullptr ? std::nullopt : ParseTemplateId(*json.string());
  if (id) return *id;
  return Fail(Code::kInvalidArgument, "expected t- and 16 hexadecimal digits");
}

Result<MinedTemplate::Word> WordFromJson(const Json& json) {
  MinedTemplate::Word word;
  word.gap = " ";
  word.variable = !json["variable"].is_null();
  if (!json["gap"].is_null()) {
    FLEETMEDIC_ASSIGN_OR_RETURN(word.gap, BytesOf(json["gap"], "gap"));
  }
  FLEETMEDIC_ASSIGN_OR_RETURN(word.text,
                              BytesOf(json[word.variable ? "variable" : "word"], "word"));
  return word;
}

Result<ValueCount> ValueFromJson(const Json& json) {
  ValueCount value;
  FLEETMEDIC_ASSIGN_OR_RETURN(value.value, BytesOf(json["value"], "value"));
  JsonReader in(json, "value");
  in.Required("count", &value.count);
  in.Optional("over", &value.over);
  FLEETMEDIC_RETURN_IF_ERROR(in.Done());
  return value;
}

Result<MinedTemplate::Values> ValuesFromJson(const Json& json) {
  MinedTemplate::Values of;
  uint64_t word = 0;
  JsonReader in(json, "values");
  in.Required("word", &word);
  in.Required("lines", &of.lines);
  in.Required("distinct", &of.distinct);
  in.Required("registers", &of.registers);
  in.ListAs("values", &of.values, ValueFromJson);
  FLEETMEDIC_RETURN_IF_ERROR(in.Done());
  of.word = static_cast<uint32_t>(std::min<uint64_t>(word, LineWords::kWordsMax));
  ValueCounts counts;
  if (!ValueCounts::Restore(of.lines, of.values, of.registers, &counts)) {
    return Fail(Code::kInvalidArgument, "values: no counts of values");
  }
  return of;
}

}  // namespace

Result<MinedTemplate> MinedTemplateFromJson(const Json& json) {
  MinedTemplate mined;
  JsonReader in(json, "template");
  in.RequiredAs("id", &mined.id, IdFromJson);
  in.ListAs("aliases", &mined.aliases, IdFromJson);
  in.Required("source_class", &mined.source_class);
  in.ListAs("words", &mined.words, WordFromJson);
  in.RequiredAs("end", &mined.end, [](const Json& end) { return BytesOf(end, "end"); });
  in.Required("cut", &mined.cut);
  in.Required("first_seen", &mined.first_seen);
  in.Required("last_seen", &mined.last_seen);
  in.Required("lines", &mined.lines);
  in.ListAs("values", &mined.values, ValuesFromJson);
  in.ListAs("examples", &mined.examples, PatternExampleFromJson);
  FLEETMEDIC_RETURN_IF_ERROR(in.Done());
  if (mined.words.size() > LineWords::kWordsMax ||
      mined.values.size() > MinedTemplate::kVariablesMax ||
      mined.aliases.size() > MinedTemplate::kAliasesMax ||
      mined.examples.size() > MinedTemplate::kExamplesMax) {
    return Fail(Code::kInvalidArgument, "template: more than there may be of something");
  }
  return mined;
}

}  // namespace fleetmedic
