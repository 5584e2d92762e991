#include "stream/npd_import.h"

#include <algorithm>
#include <utility>

#include "base/json.h"
#include "base/text.h"
#include "config/load.h"
#include "config/pattern.h"
#include "model/ids.h"
#include "stream/candidates.h"
#include "stream/line_pattern.h"
#include "stream/pattern_example.h"
#include "stream/toml_text.h"

namespace fleetmedic {
namespace {

constexpr Millis kNpdTimeout = Seconds(5);    // its defaults
constexpr Millis kNpdInterval = Seconds(30);  //

bool IsUpper(char c) { return c >= 'A' && c <= 'Z'; }
bool IsLower(char c) { return c >= 'a' && c <= 'z'; }
bool IsDigit(char c) { return c >= '0' && c <= '9'; }

SourcePlace PlaceAt(std::string_view text, size_t offset, const std::string& file) {
  const std::string_view before = text.substr(0, std::min(offset, text.size()));
  const size_t line_start = before.rfind('\n') + 1;  // npos + 1 is 0
  return {file, static_cast<int>(std::ranges::count(before, '\n')) + 1,
          static_cast<int>(before.size() - line_start) + 1};
}

// Where the elements of the root's array "rules" begin. The text is sound JSON.
std::vector<size_t> RuleOffsets(std::string_view text) {
  std::vector<size_t> offsets;
  int depth = 0;
  bool in_rules = false;
  std::string_view key;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '"') {
      const size_t begin = i + 1;
      for (++i; i < text.size() && text[i] != '"'; ++i) {
        if (text[i] == '\\') ++i;
      }
      if (depth == 1) key = text.substr(begin, std::min(i, text.size()) - begin);
      continue;
    }
    if (c == '[' || c == '{') {
      if (c == '[' && depth == 1) {
        in_rules = key == "rules";
        // A key that stands there twice: the last counts.
        if (in_rules) offsets.clear();
      }
      if (c == '{' && depth == 2 && in_rules) offsets.push_back(i);
      ++depth;
    } else if (c == ']' || c == '}') {
      --depth;
    }
  }
  return offsets;
}

std::string TextOf(const Json& json, std::string_view key) {
  const std::string* text = json[key].string();
  return text == nullptr ? "" : *text;
}

// "OOMKilling" is "oom_killing", "kernel-monitor" is "kernel_monitor".
std::string SnakeOf(std::string_view text) {
  std::string snake;
  for (size_t i = 0; i < text.size() && snake.size() < 28; ++i) {
    const char c = text[i];
    const bool after_lower = i > 0 && (IsLower(text[i - 1]) || IsDigit(text[i - 1]));
    const bool before_lower =
        i > 0 && i + 1 < text.size() && IsUpper(text[i - 1]) && IsLower(text[i + 1]);
    if (IsUpper(c)) {
      if (after_lower || before_lower) snake += '_';
      snake += static_cast<char>(c - 'A' + 'a');
    } else if (IsLower(c) || IsDigit(c)) {
      snake += c;
    } else if (!snake.empty() && snake.back() != '_') {
      snake += '_';
    }
  }
  while (snake.ends_with('_')) snake.pop_back();
  return snake;
}

struct Adapted {
  std::string pattern;
  std::string note;     // what differs; empty for nothing
  std::string refused;  // why; empty where it can be taken
};

// \Q...\E as single characters; none where it is not closed.
std::optional<std::string> WithoutQuotes(std::string_view text) {
  std::string out;
  bool quoted = false;
  for (size_t i = 0; i < text.size(); ++i) {
    const std::string_view rest = text.substr(i);
    if (rest.starts_with(quoted ? "\\E" : "\\Q")) {
      quoted = !quoted;
      ++i;
    } else if (quoted) {
      constexpr std::string_view kMeaning = "\\.+*?()|[]{}^$";
      if (kMeaning.find(text[i]) != std::string_view::npos) out += '\\';
      out += text[i];
    } else if (text[i] == '\\') {
      out += rest.substr(0, 2);
      ++i;
    } else {
      out += text[i];
    }
  }
  if (quoted) return std::nullopt;
  return out;
}

// "(?s)" and "(?m:" and the like.
bool HasLineFlags(std::string_view rest) {
  if (!rest.starts_with("(?") || rest.size() < 3 || rest[2] == ':' || rest[2] == 'P') return false;
  const std::string_view flags = rest.substr(2, rest.find_first_of(":)<") - 2);
  return flags.find_first_of("sm") != std::string_view::npos;
}

// Go's RE2 with \z behind it, over joined lines, as one of ours over one line.
Adapted AdaptPattern(std::string_view original) {
  Adapted out;
  const std::optional<std::string> unquoted = WithoutQuotes(original);
  if (!unquoted) {
    out.refused = "its pattern: \\Q is not closed";
    return out;
  }
  if (*unquoted != original) out.note = "\\Q...\\E is written out";
  const std::string_view text = *unquoted;
  bool crosses = false;
  bool ends = false;  // with an anchor of the end
  for (size_t i = 0; i < text.size(); ++i) {
    const std::string_view rest = text.substr(i);
    ends = text[i] == '$';
    if (text[i] == '\n' || rest.starts_with("\\n") || rest.starts_with("\\r") ||
        HasLineFlags(rest)) {
      out.refused = "it looks at several lines, and a rule at one";
      return out;
    }
    if (rest == "\\") {
      out.refused = "its pattern: a lone \\ at its end";
      return out;
    }
    if (rest.starts_with("(?<") && !rest.starts_with("(?<=") && !rest.starts_with("(?<!")) {
      out.pattern += "(?P<";
      i += 2;
    } else if (text[i] == '\\') {
      crosses = crosses || std::string_view("sDW").find(rest[1]) != std::string_view::npos;
      ends = rest[1] == 'z';
      out.pattern += rest.substr(0, 2);
      ++i;
    } else {
      crosses = crosses || rest.starts_with("[^");
      out.pattern += text[i];
    }
  }
  if (!ends) out.pattern += '$';
  if (crosses) {
    if (!out.note.empty()) out.note += "; ";
    out.note +=
        "\\s, \\D, \\W and [^...] went on into the next line there, and stay in theirs here";
  }
  const Pattern read = ReadPattern(out.pattern);
  if (read.problem) {
    out.refused = "its pattern: " + read.problem->message + " at offset " +
                  std::to_string(read.problem->offset);
    return out;
  }
  if (const auto compiled = LinePattern::Compile(out.pattern, false); !compiled) {
    out.refused = "its pattern: " + compiled.error().message;
    return out;
  }
  std::vector<CandidateProblem> problems;
  const CandidateExpression expression{read.hyperscan, false};
  CandidateDatabase::Compile(std::span(&expression, 1), &problems);
  if (!problems.empty()) out.refused = "its pattern: " + problems[0].message;
  return out;
}

// One monitor's file.
class Importer {
 public:
  Importer(std::string_view text, const Json& json, const NpdOptions& options)
      : text_(text), json_(json), options_(options), taken_(options.taken) {}

  Result<NpdImport> Run();

 private:
  Status ReadSources();
  void ReadRule(const Json& rule, const SourcePlace& place);
  void ReadLogRule(const Json& rule, NpdRule* done);
  void ReadCheck(const Json& rule, NpdRule* done);
  std::string FreeName(const std::string& reason);
  static void Refuse(std::string why, NpdRule* done) {
    done->verdict = NpdVerdict::kRefused;
    done->note = std::move(why);
  }
  static void Note(const std::string& note, NpdRule* done) {
    if (note.empty()) return;
    done->verdict = NpdVerdict::kAdapted;
    done->note += (done->note.empty() ? "" : "; ") + note;
  }

  const std::string_view text_;
  const Json& json_;
  const NpdOptions& options_;
  std::set<std::string> taken_;
  std::string pack_;
  bool custom_ = false;
  std::vector<std::string> sources_;
  std::string source_note_;
  NpdImport import_;
};

Status Importer::ReadSources() {
  const std::string plugin = TextOf(json_, "plugin");
  const std::string path = TextOf(json_, "logPath");
  if (plugin == "custom") {
    custom_ = true;
  } else if (plugin == "kmsg") {
    sources_ = {"kernel"};
  } else if (plugin == "filelog") {
    sources_ = {"file:" + path};
    source_note_ = "a line of a file is the whole line, with its time";
  } else if (plugin == "journald") {
    const std::string writer = TextOf(json_["pluginConfig"], "source");
    const std::pair<std::string_view, std::string_view> kUnits[] = {
        {"kernel", "kernel"},
        {"dockerd", "journal:docker.service"},
        {"docker", "journal:docker.service"},
        {"systemd", "journal:init.scope"}};
    const auto known = std::ranges::find(kUnits, writer, [](const auto& one) { return one.first; });
    sources_ = {known != std::end(kUnits) ? std::string(known->second)
                                          : "journal:" + writer + ".service"};
    source_note_ = "trusts the unit and not what a writer says of itself";
    if (writer.empty()) sources_.clear();
  } else {
    return Fail(Code::kInvalidArgument,
                options_.file + ":1:1: plugin: expected kmsg, journald, filelog or custom, got " +
                    Quote(plugin));
  }
  for (const std::string& source : sources_) {
    const std::string_view name = source;
    const bool file = name.starts_with("file:/");
    const bool unit = name.starts_with("journal:") && name.find('*') == std::string_view::npos;
    if (VisibleText(name) == name && name.size() < 500 && (name == "kernel" || file || unit)) {
      continue;
    }
    return Fail(Code::kInvalidArgument, options_.file + ":1:1: no source for " + Quote(source));
  }
  if (!custom_ && sources_.empty()) {
    return Fail(Code::kInvalidArgument, options_.file + ":1:1: pluginConfig.source: got none");
  }
  return {};
}

Result<NpdImport> Importer::Run() {
  FLEETMEDIC_RETURN_IF_ERROR(ReadSources());
  pack_ = SnakeOf(TextOf(json_, "source"));
  if (pack_.empty()) pack_ = "npd";
  const Json::Array* rules = json_["rules"].array();
  if (rules == nullptr) {
    return Fail(Code::kInvalidArgument, options_.file + ":1:1: rules: expected an array");
  }
  if (rules->size() > kNpdRulesMax) {
    return Fail(Code::kInvalidArgument, options_.file + ":1:1: rules: expected at most " +
                                            std::to_string(kNpdRulesMax) + ", got " +
                                            std::to_string(rules->size()));
  }
  const std::vector<size_t> offsets = RuleOffsets(text_);
  size_t object = 0;
  for (const Json& rule : *rules) {
    const bool placed = rule.is_object() && object < offsets.size();
    ReadRule(rule, PlaceAt(text_, placed ? offsets[object++] : 0, options_.file));
  }
  return std::move(import_);
}

std::string Importer::FreeName(const std::string& reason) {
  const std::string name = pack_ + "." + SnakeOf(reason);
  std::string free = name;
  for (int i = 2; !taken_.insert(free).second; ++i) free = name + "_" + std::to_string(i);
  return free;
}

void Importer::ReadRule(const Json& rule, const SourcePlace& place) {
  NpdRule done;
  done.place = place;
  const std::string reason = TextOf(rule, "reason");
  const std::string type = TextOf(rule, "type");
  done.name = reason.empty() ? "?" : VisibleText(reason.substr(0, 64));
  if (!ValidConditionType(reason)) {
    Refuse("reason: expected one word in CamelCase, got " + Quote(reason), &done);
  } else if (type != "temporary" && type != "permanent") {
    Refuse("type: expected temporary or permanent, got " + Quote(type), &done);
  } else if (type == "permanent" && !ValidConditionType(TextOf(rule, "condition"))) {
    Refuse("condition: expected one word in CamelCase, got " + Quote(TextOf(rule, "condition")),
           &done);
  } else if (custom_) {
    ReadCheck(rule, &done);
  } else {
    ReadLogRule(rule, &done);
  }
  import_.rules.push_back(std::move(done));
}

void Importer::ReadLogRule(const Json& rule, NpdRule* done) {
  const bool permanent = TextOf(rule, "type") == "permanent";
  const std::string reason = TextOf(rule, "reason");
  const std::string text = TextOf(rule, "pattern");
  if (text.empty()) return Refuse("pattern: got none", done);
  const Adapted adapted = AdaptPattern(text);
  if (!adapted.refused.empty()) return Refuse(adapted.refused, done);
  const std::optional<std::string> example = ExampleOf(adapted.pattern);
  if (!example) return Refuse("no line could be made that it matches: write it by hand", done);
  constexpr std::string_view kCounter = "a line that has nothing to do with it";
  std::vector<std::string_view> values;
  if (LinePattern::Compile(adapted.pattern, false)->Match(kCounter, &values)) {
    return Refuse("it matches any line", done);
  }
  if (permanent && !options_.permanent) {
    done->needs_clears = true;
    return Refuse("nothing ends a permanent condition: say what does", done);
  }
  Note(adapted.note, done);
  Note(source_note_, done);
  done->name = FreeName(reason);
  std::string sources;
  for (const std::string& source : sources_) sources += TomlText(source);
  std::string clear = "kind = \"event\"\n";
  if (permanent) {
    const bool quiet = options_.permanent->clear == Clear::kQuiet;
    clear = std::string("clear = ") + (quiet ? "\"quiet\"\nclear_after = \"" : "\"boot\"\n") +
            (quiet ? FormatDuration(options_.permanent->after) + "\"\n" : "");
    Note(quiet ? "ends when no more such lines come" : "ends with the next boot", done);
  }
  import_.rules_toml +=
      (import_.rules_toml.empty() ? "[[rule]]\n" : "\n[[rule]]\n") +
      ("name = " + TomlText(done->name)) + "\npattern = " + TomlPattern(adapted.pattern) +
      "\nsources = [" + sources +
      "]\ncondition = " + TomlText(permanent ? TextOf(rule, "condition") : reason) +
      "\nseverity = " + (permanent ? "\"soft\"" : "\"info\"") + "\nreason = " + TomlText(reason) +
      "\nmessage = " + TomlText(reason + " (a rule of node-problem-detector)") + "\n" + clear +
      "help = " +
      TomlText("Imported from " + VisibleText(done->place.file) + ":" +
               std::to_string(done->place.line) + ".") +
      "\nexamples = [" + TomlText(*example) + "]\ncounter_examples = [" + TomlText(kCounter) +
      "]\n";
}

void Importer::ReadCheck(const Json& rule, NpdRule* done) {
  const bool permanent = TextOf(rule, "type") == "permanent";
  const std::string path = TextOf(rule, "path");
  if (path.empty()) return Refuse("path: got none", done);
  std::string command = TomlText(path);
  if (const Json::Array* args = rule["args"].array()) {
    for (const Json& arg : *args) {
      if (arg.string() == nullptr) return Refuse("args: expected texts", done);
      command += ", " + TomlText(*arg.string());
    }
  }
  const auto span = [](const std::string& text, Millis otherwise) {
    return text.empty() ? Result<Millis>(otherwise) : ParseDuration(text);
  };
  const Json& config = json_["pluginConfig"];
  const Result<Millis> interval = span(TextOf(config, "invoke_interval"), kNpdInterval);
  const std::string own = TextOf(rule, "timeout");
  const Result<Millis> deadline = span(own.empty() ? TextOf(config, "timeout") : own, kNpdTimeout);
  if (!interval || !deadline) return Refuse("invoke_interval, timeout: not a time", done);
  if (!permanent) Note("an event there; here it stands until the check says ok", done);
  if (!path.starts_with('/')) Note("a relative path: make it absolute", done);
  const std::string reason = TextOf(rule, "reason");
  done->name = FreeName(reason);
  import_.checks_toml += (import_.checks_toml.empty() ? "[[checks]]\n" : "\n[[checks]]\n") +
                         ("name = " + TomlText(done->name)) +
                         "\ntype = " + TomlText(permanent ? TextOf(rule, "condition") : reason) +
                         "\nseverity = " + (permanent ? "\"soft\"" : "\"info\"") + "\ncommand = [" +
                         command + "]\ninterval = \"" + FormatDuration(*interval) +
                         "\"\ndeadline = \"" + FormatDuration(*deadline) + "\"\n";
}

}  // namespace

std::string_view NpdVerdictName(NpdVerdict verdict) {
  constexpr std::string_view kNames[] = {"same", "adapted", "refused"};
  return kNames[static_cast<size_t>(verdict)];
}

Result<NpdClears> ParseNpdClears(std::string_view text) {
  NpdClears clears;
  if (text == "boot") return clears;
  constexpr std::string_view kQuiet = "quiet=";
  if (text.starts_with(kQuiet)) {
    const Result<Millis> after = ParseDuration(text.substr(kQuiet.size()));
    if (after && *after >= Minutes(1) && *after <= Hours(24 * 7)) {
      clears.clear = Clear::kQuiet;
      clears.after = *after;
      return clears;
    }
  }
  return Fail(Code::kInvalidArgument,
              "expected boot, or quiet= and a time from 1m to 7d, got " + Quote(text));
}

Result<NpdImport> ImportNpd(std::string_view text, const NpdOptions& options) {
  if (text.size() > kNpdBytesMax) {
    return Fail(Code::kInvalidArgument, options.file + ":1:1: expected at most " +
                                            std::to_string(kNpdBytesMax) + " bytes, got " +
                                            std::to_string(text.size()));
  }
  const Result<Json> json = Json::Parse(text);
  if (!json) {
    return Fail(Code::kInvalidArgument, options.file + ":1:1: no JSON: " + json.error().message);
  }
  if (!json->is_object()) {
    return Fail(Code::kInvalidArgument, options.file + ":1:1: expected a JSON object");
  }
  return Importer(text, *json, options).Run();
}

}  // namespace fleetmedic
