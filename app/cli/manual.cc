#include "app/cli/manual.h"

#include <algorithm>

#include <fmt/format.h>

#include "app/cli/commands.h"
#include "base/text.h"

namespace fleetmedic::cli {
namespace {

constexpr size_t kHelpColumns = 100;

constexpr std::string_view kEnvironment[][2] = {
    {"FLEETMEDIC_SERVER", "the server, as -s"},
    {"FLEETMEDIC_TOKEN_FILE", "the file with the API token, as --token-file"},
    {"FLEETMEDIC_RUN_DIR", "where control.sock and HOLD are; /run/fleetmedic"},
    {"FLEETMEDIC_STATE_DIR", "where api-token is; /var/lib/fleetmedic"},
    {"NO_COLOR", "not empty: no colours"},
};

// `text` in lines of at most kHelpColumns, all but the first indented.
std::string Wrapped(std::string_view text, size_t indent) {
  std::string lines;
  size_t column = indent;
  for (const std::string_view word : Split(text, ' ')) {
    if (column > indent && column + 1 + word.size() > kHelpColumns) {
      lines += "\n" + std::string(indent, ' ');
      column = indent;
    } else if (column > indent) {
      lines += ' ';
      ++column;
    }
    lines += word;
    column += word.size();
  }
  return lines;
}

// "-o, --output FORMAT".
std::string FlagTitle(const Flag& flag) {
  std::string title = flag.letter == 0 ? "" : fmt::format("-{}, ", flag.letter);
  title += fmt::format("--{}", flag.name);
  if (!flag.value.empty()) title += fmt::format(" {}", flag.value);
  return title;
}

// "how the list is printed: table, wide or json (table)".
std::string FlagHelp(const Flag& flag) {
  std::string text(flag.help);
  if (!flag.words.empty()) {
    text += ": ";
    std::string_view separator;
    for (const std::string_view word : Split(flag.words, ' ')) {
      text += fmt::format("{}{}", separator, word);
      separator = ", ";
    }
  }
  if (!flag.default_text.empty()) text += fmt::format(" (default {})", flag.default_text);
  return text;
}

std::string FlagLines(std::span<const Flag> flags) {
  std::string text;
  for (const Flag& flag : flags) {
    const std::string title = (flag.letter == 0 ? "    " : "") + FlagTitle(flag);
    text += fmt::format("  {:<26}  {}\n", title, Wrapped(FlagHelp(flag), 30));
  }
  return text;
}

std::string ExitLines(const Command& command) {
  std::string text;
  for (const ExitCodeHelp& one : ExitCodes()) {
    if (std::ranges::find(command.exit_codes, one.code) == command.exit_codes.end()) continue;
    text += fmt::format("  {:<4}{}\n", static_cast<int>(one.code), one.text);
  }
  return text;
}

constexpr Group kGroups[] = {Group::kLook,  Group::kStop, Group::kChange,
                             Group::kCheck, Group::kRun,  Group::kSetUp};

// Calls `take` for each command that people see, group by group.
template <typename Take>
void ForEachIn(Group group, Take take) {
  for (const Command& command : Commands()) {
    if (command.group == group && !command.hidden) take(command);
  }
}

// A '|' would end a cell of a Markdown table.
std::string MarkdownCell(std::string_view text) {
  std::string cell;
  for (const char c : text) {
    if (c == '|') cell += '\\';
    cell += c;
  }
  return cell;
}

std::string MarkdownFlags(std::span<const Flag> flags) {
  std::string text = "| flag | what |\n|---|---|\n";
  for (const Flag& flag : flags) {
    text += fmt::format("| `{}` | {} |\n", FlagTitle(flag), MarkdownCell(FlagHelp(flag)));
  }
  return text + "\n";
}

std::string MarkdownCommand(const Command& command) {
  std::string text =
      fmt::format("### {}\n\n{}.\n\n    {}\n\n", command.name, command.summary, Synopsis(command));
  if (!command.details.empty()) text += fmt::format("{}\n\n", command.details);
  if (!command.positionals.empty()) {
    text += "| argument | what |\n|---|---|\n";
    for (const Positional& one : command.positionals) {
      text += fmt::format("| `{}` | {} |\n", MarkdownCell(one.name), MarkdownCell(one.help));
    }
    text += "\n";
  }
  if (!command.flags.empty()) text += MarkdownFlags(command.flags);
  for (const Example& example : command.examples) {
    text += fmt::format("    {}{}{}\n", example.line, example.what.empty() ? "" : "   # ",
                        example.what);
  }
  if (!command.examples.empty()) text += "\n";
  if (!command.exit_codes.empty()) {
    text += "Exit codes beside 0, 1 and 2:";
    std::string_view separator = " ";
    for (const ExitCode code : command.exit_codes) {
      text += fmt::format("{}{}", separator, static_cast<int>(code));
      separator = ", ";
    }
    text += ".\n\n";
  }
  return text;
}

// Text in a man page: '\' and '-' are escaped, and no line begins with a control character.
std::string Troff(std::string_view text) {
  std::string troff;
  bool line_starts = true;
  for (const char c : text) {
    if (line_starts && (c == '.' || c == '\'')) troff += "\\&";
    line_starts = c == '\n';
    if (c == '\\') {
      troff += "\\e";
    } else if (c == '-') {
      troff += "\\-";
    } else {
      troff += c;
    }
  }
  return troff;
}

std::string TroffFlags(std::span<const Flag> flags) {
  std::string text;
  for (const Flag& flag : flags) {
    text += ".TP\n.B " + Troff(FlagTitle(flag)) + "\n" + Troff(FlagHelp(flag)) + "\n";
  }
  return text;
}

std::string TroffExits(const Command* command) {
  std::string text = ".SH EXIT STATUS\n";
  for (const ExitCodeHelp& one : ExitCodes()) {
    const bool wanted =
        command == nullptr || one.code <= kExitUsage ||
        std::ranges::find(command->exit_codes, one.code) != command->exit_codes.end();
    if (!wanted) continue;
    text += fmt::format(".TP\n.B {}\n", static_cast<int>(one.code)) + Troff(one.text) + "\n";
  }
  return text;
}

// "fleetmedic-get-hosts".
std::string PageName(const Command& command) {
  std::string name = "fleetmedic-" + std::string(command.name);
  std::ranges::replace(name, ' ', '-');
  return name;
}

std::string Upper(std::string text) {
  for (char& c : text) {
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  }
  return text;
}

std::string PageHead(const std::string& name, std::string_view summary) {
  return ".TH " + Troff(Upper(name)) + " 1\n.SH NAME\n" + Troff(name) + " \\- " + Troff(summary) +
         "\n";
}

std::string ManPage(const Command& command) {
  std::string text = PageHead(PageName(command), command.summary);
  text += ".SH SYNOPSIS\n.B " + Troff(Synopsis(command)) + "\n";
  if (!command.details.empty()) text += ".SH DESCRIPTION\n" + Troff(command.details) + "\n";
  if (!command.positionals.empty()) text += ".SH ARGUMENTS\n";
  for (const Positional& one : command.positionals) {
    text += ".TP\n.I " + Troff(one.name) + "\n" + Troff(one.help) + "\n";
  }
  text += ".SH OPTIONS\n" + TroffFlags(command.flags) +
          "Those of every command are in\n.BR fleetmedic (1).\n";
  if (!command.examples.empty()) text += ".SH EXAMPLES\n";
  for (const Example& example : command.examples) {
    text += ".nf\n" + Troff(example.line) + "\n.fi\n.PP\n";
    if (!example.what.empty()) text += Troff(example.what) + "\n.PP\n";
  }
  return text + TroffExits(&command) + ".SH SEE ALSO\n.BR fleetmedic (1)\n";
}

std::string MainPage() {
  std::string text = PageHead("fleetmedic", "keep a fleet of container hosts healthy");
  text += ".SH SYNOPSIS\n.B fleetmedic\n.I COMMAND\n[\\fIflags\\fR]\n.SH COMMANDS\n";
  for (const Group group : kGroups) {
    text += ".SS " + Troff(GroupTitle(group)) + "\n";
    ForEachIn(group, [&](const Command& command) {
      text += ".TP\n.BR " + Troff(PageName(command)) + " (1)\n" + Troff(command.summary) + "\n";
    });
  }
  text += ".SH OPTIONS\n" + TroffFlags(CommonFlags()) + ".SH ENVIRONMENT\n";
  for (const auto& [name, what] : kEnvironment) {
    text += ".TP\n.B " + Troff(name) + "\n" + Troff(what) + "\n";
  }
  return text + TroffExits(nullptr);
}

}  // namespace

std::string HelpText() {
  std::string text =
      "Fleetmedic finds sick container hosts, drains and repairs them, and gives them back.\n\n"
      "usage: fleetmedic COMMAND [flags]\n";
  for (const Group group : kGroups) {
    text += fmt::format("\n{}\n", GroupTitle(group));
    ForEachIn(group, [&](const Command& command) {
      text += fmt::format("  {:<15}  {}\n", command.name, command.summary);
    });
  }
  return text + "\nFlags of every command\n" + FlagLines(CommonFlags()) +
         "\nfleetmedic help COMMAND says more.\n";
}

std::string PrefixHelpText(std::string_view prefix) {
  std::string text = fmt::format("usage: fleetmedic {} WHAT [flags]\n\n", prefix);
  for (const Command& command : Commands()) {
    if (command.hidden || Split(command.name, ' ')[0] != prefix) continue;
    text += fmt::format("  {:<15}  {}\n", command.name, command.summary);
  }
  return text + fmt::format("\nfleetmedic help {} WHAT says more.\n", prefix);
}

std::string CommandHelpText(const Command& command) {
  std::string text = fmt::format("{}.\n\nusage: {}\n", command.summary, Synopsis(command));
  if (!command.details.empty()) text += fmt::format("\n{}\n", command.details);
  if (!command.positionals.empty()) text += "\nArguments\n";
  for (const Positional& one : command.positionals) {
    text += fmt::format("  {:<26}  {}\n", one.name, Wrapped(one.help, 30));
  }
  if (!command.flags.empty()) text += "\nFlags\n" + FlagLines(command.flags);
  text += "\nFlags of every command\n" + FlagLines(CommonFlags());
  if (!command.examples.empty()) text += "\nExamples\n";
  for (const Example& example : command.examples) {
    text += fmt::format("  {}\n", example.line);
    if (!example.what.empty()) text += fmt::format("      {}\n", example.what);
  }
  if (!command.exit_codes.empty()) {
    text += "\nExit codes beside 0 done, 1 failed, 2 usage\n" + ExitLines(command);
  }
  return text;
}

std::string MarkdownManual() {
  std::string text =
      "# The command line\n\n"
      "<!-- Made from the command table by `fleetmedic man --markdown >docs/cli.md`; a test "
      "compares. -->\n\n"
      "Data goes to stdout, talk to stderr. `-o json` prints the API's object unchanged. Tables "
      "only ever gain columns.\n"
      "`fleetmedic help COMMAND` prints what stands here.\n\n";
  for (const Group group : kGroups) {
    text += fmt::format("## {}\n\n| command | what |\n|---|---|\n", GroupTitle(group));
    ForEachIn(group, [&](const Command& command) {
      text += fmt::format("| `{}` | {} |\n", command.name, command.summary);
    });
    text += "\n";
    ForEachIn(group, [&](const Command& command) { text += MarkdownCommand(command); });
  }
  text += "## Flags of every command\n\n" + MarkdownFlags(CommonFlags());
  text += "## Environment\n\n| variable | what |\n|---|---|\n";
  for (const auto& [name, what] : kEnvironment) text += fmt::format("| `{}` | {} |\n", name, what);
  text += "\n## Exit codes\n\n| code | what |\n|---|---|\n";
  for (const ExitCodeHelp& one : ExitCodes()) {
    text += fmt::format("| {} | {} |\n", static_cast<int>(one.code), one.text);
  }
  return text;
}

std::map<std::string, std::string> ManPages() {
  std::map<std::string, std::string> pages;
  pages["fleetmedic.1"] = MainPage();
  for (const Command& command : Commands()) {
    if (!command.hidden) pages[PageName(command) + ".1"] = ManPage(command);
  }
  return pages;
}

}  // namespace fleetmedic::cli
