#include "app/cli/parse.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "app/cli/commands.h"
#include "base/text.h"

namespace fleetmedic::cli {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

Result<Parsed> Parse(std::string_view line) {
  std::vector<std::string_view> words;
  for (const std::string_view word : Split(line, ' ')) {
    if (!word.empty()) words.push_back(word == "''" ? "" : word);
  }
  return ParseCommandLine(words);
}

TEST(Parse, FindsTheCommandFlagsAndArguments) {
  const Result<Parsed> parsed = Parse("-q drain web-1 --reason=x -o json web-2 --timeout 2s");
  ASSERT_TRUE(parsed) << parsed.error().message;
  EXPECT_EQ(parsed->command->name, "drain");
  EXPECT_THAT(parsed->args.positionals, ElementsAre("web-1", "web-2"));
  EXPECT_TRUE(parsed->args.Has("quiet"));
  EXPECT_EQ(parsed->args.Text("reason"), "x");
  EXPECT_EQ(parsed->args.Text("output"), "json");
  EXPECT_EQ(parsed->args.Duration("timeout"), Seconds(2));
}

TEST(Parse, TakesACommandOfTwoWordsBeforeOneOfOne) {
  EXPECT_EQ(Parse("audit")->command->name, "audit");
  EXPECT_EQ(Parse("audit --who op1")->command->name, "audit");
  EXPECT_EQ(Parse("audit verify")->command->name, "audit verify");
  EXPECT_EQ(Parse("audit verifi").error().message.substr(0, 17), "one word too many");
}

TEST(Parse, FillsInTheTablesDefaults) {
  const Result<Parsed> parsed = Parse("get audit");
  ASSERT_TRUE(parsed);
  EXPECT_EQ(parsed->args.Integer("limit"), 100);
  EXPECT_EQ(parsed->args.Text("output"), "table");
  EXPECT_FALSE(parsed->args.Has("since"));
}

TEST(Parse, TakesFlagsBeforeAndAfterTheCommandAndTheLastWins) {
  const Result<Parsed> parsed = Parse("-s 127.0.0.1:1 status -s 127.0.0.1:2");
  ASSERT_TRUE(parsed);
  EXPECT_EQ(parsed->args.Text("server"), "127.0.0.1:2");
  EXPECT_EQ(Parse("-s 127.0.0.1:1 status")->args.Text("server"), "127.0.0.1:1");
}

TEST(Parse, LeavesWhatFollowsTwoDashesAsItIs) {
  const Result<Parsed> parsed = Parse("jobs run web --instances 3 -- test [a,b] --kind -h -- x");
  ASSERT_TRUE(parsed) << parsed.error().message;
  EXPECT_THAT(parsed->args.positionals,
              ElementsAre("web", "test", "[a,b]", "--kind", "-h", "--", "x"));
  EXPECT_EQ(parsed->args.Integer("instances"), 3);
  EXPECT_EQ(parsed->args.Text("kind"), "service");
}

TEST(Parse, HandsRawArgumentsOverUnread) {
  const Result<Parsed> parsed = Parse("task-shim --anything -h [x] -- y");
  ASSERT_TRUE(parsed);
  EXPECT_THAT(parsed->args.raw, ElementsAre("--anything", "-h", "[x]", "--", "y"));
}

TEST(Parse, TakesALoneDashAsAnArgument) {
  EXPECT_THAT(Parse("rules match - --source kernel")->args.positionals, ElementsAre("-"));
}

TEST(Parse, RefusesWhatTheTableDoesNotHave) {
  struct Case {
    const char* line;
    const char* message;
  };
  static constexpr Case kCases[] = {
      {"statsu", "unknown command: \"statsu\"; did you mean status?"},
      {"get host", "unknown command of get: \"host\"; did you mean hosts?"},
      {"describe web-1", "unknown command of describe: \"web-1\" (there are: host, issue, rule)"},
      {"drian web-1", "did you mean drain?"},
      {"task-shin", "unknown command"},
      {"frobnicate", "unknown command: \"frobnicate\""},
      {"status --no-colour", "unknown flag of status: \"--no-colour\"; did you mean --no-color?"},
      {"drain web-1 --dryrun", "did you mean --dry-run?"},
      {"drain web-1 --raeson=x", "did you mean --reason?"},
      {"status -w", "unknown flag of status: \"-w\""},
      {"--sever x status", "unknown flag: \"--sever\"; did you mean --server?"},
      {"status extra", "one word too many: \"extra\""},
      {"why", "missing HOST|ISSUE; usage: fleetmedic why HOST|ISSUE"},
      {"get hosts -o yaml", "--output: \"yaml\" is none of table wide json name jsonl"},
      {"get hosts -o jsnl", "did you mean jsonl?"},
      {"get audit --limit many", "--limit: expected a number"},
      {"get audit --limit -1", "--limit: expected a number"},
      {"get audit --since 0s", "--since: expected more than 0"},
      {"get audit --since soon", "--since"},
      {"drain --selector= ", "never means all"},
      {"drain -l ''", "never means all"},
      {"drain ''", "never means all"},
      {"drain web-1 --reason", "--reason: needs a value"},
  };
  for (const Case& one : kCases) {
    const Result<Parsed> parsed = Parse(one.line);
    ASSERT_FALSE(parsed) << one.line;
    EXPECT_EQ(parsed.error().code, Code::kInvalidArgument) << one.line;
    EXPECT_THAT(parsed.error().message, HasSubstr(one.message)) << one.line;
  }
}

TEST(Parse, ShowsHostileWordsEscaped) {
  const std::vector<std::string_view> words = {"status", "--\x1b[31mred"};
  const Result<Parsed> parsed = ParseCommandLine(words);
  ASSERT_FALSE(parsed);
  EXPECT_THAT(parsed.error().message, HasSubstr("\\x1b"));
  EXPECT_EQ(parsed.error().message.find('\x1b'), std::string::npos);
}

TEST(Parse, KnowsWhenHelpIsWanted) {
  EXPECT_TRUE(Parse("help")->help);
  EXPECT_TRUE(Parse("--help")->help);
  EXPECT_EQ(Parse("help drain")->command->name, "drain");
  EXPECT_EQ(Parse("help get hosts")->command->name, "get hosts");
  EXPECT_EQ(Parse("get")->prefix, "get");
  EXPECT_EQ(Parse("get -h")->prefix, "get");
  EXPECT_TRUE(Parse("why --help")->help) << "though HOST is missing";
  EXPECT_FALSE(Parse("")->help);
}

// The table itself.

TEST(Commands, HaveNamesThatAreUnique) {
  std::set<std::string_view> names;
  for (const Command& command : Commands()) {
    EXPECT_TRUE(names.insert(command.name).second) << command.name;
    EXPECT_LE(Split(command.name, ' ').size(), 2u) << command.name;
    EXPECT_FALSE(command.summary.empty()) << command.name;
    EXPECT_FALSE(command.summary.ends_with('.')) << command.name;
  }
}

TEST(Commands, HaveOneHandlerOrASuppliedOne) {
  for (const Command& command : Commands()) {
    EXPECT_NE(command.handler == nullptr, command.supplied == nullptr) << command.name;
  }
}

TEST(Commands, HaveFlagsThatDoNotCollide) {
  for (const Command& command : Commands()) {
    std::set<std::string_view> names;
    std::set<char> letters;
    for (const std::span<const Flag> flags : {command.flags, CommonFlags()}) {
      for (const Flag& flag : flags) {
        EXPECT_TRUE(names.insert(flag.name).second) << command.name << " --" << flag.name;
        if (flag.letter != 0) {
          EXPECT_TRUE(letters.insert(flag.letter).second) << command.name << " -" << flag.letter;
        }
        EXPECT_EQ(flag.type == FlagType::kSwitch, flag.value.empty()) << flag.name;
        EXPECT_EQ(flag.type == FlagType::kWord, !flag.words.empty()) << flag.name;
      }
    }
  }
}

TEST(Commands, HaveExamplesThatParse) {
  for (const Command& command : Commands()) {
    for (const Example& example : command.examples) {
      // Up to the first thing that the shell would take.
      std::string line(example.line);
      const size_t begin = line.find("fleetmedic ") + 11;
      const size_t end = std::min({line.find(" |"), line.find(" >"), line.find(")")});
      line = line.substr(begin, end - begin);
      // A quoted reason is one word.
      bool quoted = false;
      for (char& c : line) {
        if (c == '\'') quoted = !quoted;
        if (quoted && c == ' ') c = '_';
      }
      const Result<Parsed> parsed = Parse(line);
      ASSERT_TRUE(parsed) << example.line << ": " << parsed.error().message;
      ASSERT_NE(parsed->command, nullptr) << example.line;
      EXPECT_EQ(parsed->command->name, command.name) << example.line;
    }
  }
}

}  // namespace
}  // namespace fleetmedic::cli
