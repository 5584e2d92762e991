#include "app/cli/completion.h"

#include <map>
#include <set>

#include <fmt/format.h>

#include "app/cli/commands.h"
#include "base/text.h"

namespace fleetmedic::cli {
namespace {

// The words after each prefix ("" and "get"): word -> nothing. In the order of the alphabet, as
// shells show them.
std::map<std::string, std::set<std::string>> WordsAfter() {
  std::map<std::string, std::set<std::string>> after;
  for (const Command& command : Commands()) {
    if (command.hidden) continue;
    const auto words = Split(command.name, ' ');
    after[""].insert(std::string(words[0]));
    if (words.size() == 2) after[std::string(words[0])].insert(std::string(words[1]));
  }
  after[""].insert("help");
  return after;
}

std::string Spelled(const Flag& flag) {
  std::string text = fmt::format("--{}", flag.name);
  if (flag.letter != 0) text += fmt::format(" -{}", flag.letter);
  return text;
}

std::string FlagWords(std::span<const Flag> flags) {
  std::string text;
  for (const Flag& flag : flags) text += (text.empty() ? "" : " ") + Spelled(flag);
  return text;
}

// "--output|-o": a pattern of bash's case.
std::string FlagPattern(const Flag& flag) {
  std::string text = fmt::format("--{}", flag.name);
  if (flag.letter != 0) text += fmt::format("|-{}", flag.letter);
  return text;
}

// What bash offers for a value; empty where that is nothing but what was typed.
std::string ValueAction(const Flag& flag) {
  switch (flag.type) {
    case FlagType::kWord:
      return fmt::format("words='{}'", flag.words);
    case FlagType::kFile:
      return "files=-f";
    case FlagType::kFolder:
      return "files=-d";
    case FlagType::kSwitch:
    case FlagType::kText:
    case FlagType::kInteger:
    case FlagType::kDuration:
      return ":";
  }
  return ":";
}

std::string PositionalAction(const Command& command) {
  for (const Positional& one : command.positionals) {
    switch (one.completion) {
      case Completion::kHost:
        return "words=$(_fleetmedic_hosts)";
      case Completion::kScope:
        return "words=\"fleet $(_fleetmedic_hosts | sed 's/^/host:/')\"";
      case Completion::kFile:
        return "files=-f";
      case Completion::kShell:
        return "words='bash zsh'";
      case Completion::kNothing:
        break;
    }
  }
  return "";
}

// `words`: what may follow where the command is a prefix of others too.
std::string CommandCase(const Command& command, const std::string& words) {
  std::string text =
      fmt::format("    '{}')\n      flags='{}'\n", command.name, FlagWords(command.flags));
  if (!words.empty()) text += fmt::format("      words=${{words:-'{}'}}\n", words);
  std::string values;
  for (const Flag& flag : command.flags) {
    if (flag.type == FlagType::kSwitch) continue;
    values += fmt::format("        {}) {}; value=1 ;;\n", FlagPattern(flag), ValueAction(flag));
  }
  if (!values.empty()) text += "      case $previous in\n" + values + "      esac\n";
  if (const std::string action = PositionalAction(command); !action.empty()) {
    text += "      [[ $value || $current == -* ]] || " + action + "\n";
  }
  return text + "      ;;\n";
}

}  // namespace

std::string BashCompletion() {
  std::string prefixes;
  for (const auto& [prefix, words] : WordsAfter()) {
    if (!prefix.empty()) prefixes += (prefixes.empty() ? "" : "|") + prefix;
  }
  std::string common_values;
  for (const Flag& flag : CommonFlags()) {
    if (flag.type == FlagType::kSwitch) continue;
    common_values += fmt::format("    {}) {}; value=1 ;;\n", FlagPattern(flag), ValueAction(flag));
  }
  std::string text =
      "# Completion of fleetmedic for bash, made by `fleetmedic completion bash`.\n"
      "_fleetmedic_hosts() {\n"
      "  fleetmedic get hosts -o name --timeout 500ms 2>/dev/null\n"
      "}\n"
      "_fleetmedic() {\n"
      "  local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD-1]}\n"
      "  local command='' words='' flags='' files='' value='' word\n"
      "  for word in \"${COMP_WORDS[@]:1:$((COMP_CWORD - 1))}\"; do\n"
      "    [[ $word == -* ]] && continue\n"
      "    case $command in\n"
      "      '') command=$word ;;\n"
      "      " +
      prefixes +
      ") command=\"$command $word\" ;;\n"
      "    esac\n"
      "  done\n"
      "  case $previous in\n" +
      common_values +
      "  esac\n"
      "  case $command in\n";
  std::map<std::string, std::string, std::less<>> lists;
  for (const auto& [prefix, words] : WordsAfter()) {
    std::string& list = lists[prefix];
    for (const std::string& word : words) list += (list.empty() ? "" : " ") + word;
    if (FindCommand(prefix) != nullptr) continue;
    text += fmt::format("    '{}'{}) words=${{words:-'{}'}} ;;\n", prefix,
                        prefix.empty() ? "|help" : "", list);
  }
  for (const Command& command : Commands()) {
    const auto list = lists.find(command.name);
    if (!command.hidden) text += CommandCase(command, list == lists.end() ? "" : list->second);
  }
  text +=
      "  esac\n"
      "  if [[ $current == -* && ! $value ]]; then\n"
      "    words=\"$flags " +
      FlagWords(CommonFlags()) +
      "\"\n"
      "    files=''\n"
      "  fi\n"
      "  if [[ $files ]]; then\n"
      "    mapfile -t COMPREPLY < <(compgen \"$files\" -- \"$current\")\n"
      "  else\n"
      "    mapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$current\")\n"
      "  fi\n"
      "}\n"
      "complete -F _fleetmedic fleetmedic\n";
  return text;
}

std::string ZshCompletion() {
  std::string bash = BashCompletion();
  // zsh has no mapfile; its lines are split by the flag (f).
  const auto replace = [&](std::string_view from, std::string_view to) {
    for (size_t at = bash.find(from); at != std::string::npos; at = bash.find(from, at)) {
      bash.replace(at, from.size(), to);
      at += to.size();
    }
  };
  replace("mapfile -t COMPREPLY < <(compgen \"$files\" -- \"$current\")",
          "COMPREPLY=(\"${(@f)$(compgen \"$files\" -- \"$current\")}\")");
  replace("mapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$current\")",
          "COMPREPLY=(\"${(@f)$(compgen -W \"$words\" -- \"$current\")}\")");
  replace("for bash, made by `fleetmedic completion bash`",
          "for zsh, made by `fleetmedic completion zsh`");
  return "#compdef fleetmedic\nautoload -U +X bashcompinit && bashcompinit\n" + bash;
}

}  // namespace fleetmedic::cli
