#include "app/cli/manual.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "app/cli/commands.h"
#include "app/cli/completion.h"
#include "app/cli/fake_api.h"
#include "app/cli/table.h"
#include "base/child_process.h"
#include "base/text.h"

namespace fleetmedic::cli {
namespace {

using testing::HasSubstr;
using testing::Not;

TEST(Manual, TheDocumentIsWhatTheTableSays) {
  const std::string document = ReadFile("docs/cli.md", size_t{1} << 20).value_or("");
  EXPECT_TRUE(document == MarkdownManual())
      << "docs/cli.md is not what the command table says; make it again: "
         "fleetmedic man --markdown >docs/cli.md";
}

TEST(Manual, HelpNamesEveryCommandButTheHidden) {
  const std::string help = HelpText();
  for (const Command& command : Commands()) {
    const std::string line = "\n  " + std::string(command.name) + " ";
    if (command.hidden) {
      EXPECT_THAT(help, Not(HasSubstr(line)));
    } else {
      EXPECT_THAT(help, HasSubstr(line));
    }
  }
}

TEST(Manual, HelpFitsInOneHundredColumns) {
  std::vector<std::string> texts = {HelpText(), PrefixHelpText("get")};
  for (const Command& command : Commands()) texts.push_back(CommandHelpText(command));
  for (const std::string& text : texts) {
    for (const std::string_view line : Split(text, '\n')) EXPECT_LE(ColumnsOf(line), 100u) << line;
  }
}

TEST(Manual, HelpNamesEveryFlagOfACommand) {
  for (const Command& command : Commands()) {
    const std::string help = CommandHelpText(command);
    for (const Flag& flag : command.flags) {
      EXPECT_THAT(help, HasSubstr("--" + std::string(flag.name))) << command.name;
    }
  }
}

TEST(Manual, EveryExitCodeIsExplained) {
  EXPECT_EQ(ExitCodes().size(), 14u);
  for (const ExitCodeHelp& one : ExitCodes()) EXPECT_FALSE(one.text.empty());
}

TEST(Manual, PagesHaveNoLineThatIsARequestByAccident) {
  const std::map<std::string, std::string> pages = ManPages();
  EXPECT_TRUE(pages.contains("fleetmedic.1"));
  EXPECT_TRUE(pages.contains("fleetmedic-get-hosts.1"));
  EXPECT_FALSE(pages.contains("fleetmedic-task-shim.1"));
  for (const auto& [name, page] : pages) {
    EXPECT_TRUE(page.starts_with(".TH ")) << name;
    for (const std::string_view line : Split(page, '\n')) {
      if (!line.starts_with('.')) continue;
      EXPECT_TRUE(line.starts_with(".TH ") || line.starts_with(".SH ") || line == ".TP" ||
                  line.starts_with(".B ") || line.starts_with(".BR ") || line.starts_with(".I ") ||
                  line.starts_with(".SS ") || line == ".nf" || line == ".fi" || line == ".PP")
          << name << ": " << line;
    }
  }
}

TEST(Manual, ThePagesAreWrittenToAFolder) {
  CliUnderTest cli;
  EXPECT_EQ(cli.Run("man " + (cli.folder / "man1")).code, kExitDone);
  EXPECT_TRUE(ReadFile(cli.folder / "man1/fleetmedic-drain.1", 1 << 20));
  EXPECT_EQ(cli.Run("man").code, kExitUsage);
  EXPECT_EQ(cli.Run("man --markdown").out, MarkdownManual());
}

// What bash offers for this line, typed up to its end.
std::string Completed(const TempFolder& folder, const std::string& words, int index) {
  const std::string script = BashCompletion() +
                             "fleetmedic() { [[ $1 == get ]] && printf 'web-1\\ndb-1\\n'; }\n"
                             "COMP_WORDS=(" +
                             words + ")\nCOMP_CWORD=" + std::to_string(index) +
                             "\n_fleetmedic\nprintf '%s\\n' \"${COMPREPLY[@]}\"\n";
  EXPECT_TRUE(WriteFileAtomic(folder / "complete.sh", script));
  const SystemClock clock;
  fleetmedic::Command command;
  command.argv = {"/bin/bash", "--norc", "-eu", folder / "complete.sh"};
  const Result<CommandResult> result = RunCommand(command, clock, clock.Mono() + Seconds(20));
  EXPECT_TRUE(result) << (result ? "" : result.error().message);
  if (!result) return "";
  EXPECT_EQ(result->standard_error, "") << words;
  return result->standard_output;
}

TEST(Completion, BashOffersWhatTheTableHas) {
  struct Case {
    const char* words;
    int index;
    const char* offered;
  };
  static constexpr Case kCases[] = {
      {"fleetmedic stat", 1, "status\n"},
      {"fleetmedic get ''", 2, "audit\ngrants\nhosts\nissues\njobs\noverrides\nrules\ntasks\n"},
      {"fleetmedic get hosts -o ''", 4, "table\nwide\njson\nname\njsonl\n"},
      {"fleetmedic get hosts --wa", 3, "--watch\n"},
      {"fleetmedic -q drain w", 3, "web-1\n"},
      {"fleetmedic drain web-1 d", 3, "db-1\n"},
      {"fleetmedic protect host:d", 2, "host:db-1\n"},
      {"fleetmedic completion ''", 2, "bash\nzsh\n"},
      {"fleetmedic drain web-1 --dr", 3, "--dry-run\n"},
      {"fleetmedic status --no-c", 2, "--no-color\n"},
      {"fleetmedic task", 1, "\n"},
  };
  const TempFolder folder;
  for (const Case& one : kCases) {
    EXPECT_EQ(Completed(folder, one.words, one.index), one.offered) << one.words;
  }
}

TEST(Completion, ZshLoadsBashsByItsOwnEmulation) {
  const std::string script = ZshCompletion();
  EXPECT_TRUE(script.starts_with("#compdef fleetmedic\n"));
  EXPECT_THAT(script, HasSubstr("bashcompinit"));
  EXPECT_THAT(script, Not(HasSubstr("mapfile")));
}

}  // namespace
}  // namespace fleetmedic::cli
