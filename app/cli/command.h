// The shape of the command table and of what was typed. Plain data; who includes this needs no
// parser.
#ifndef FLEETMEDIC_APP_CLI_COMMAND_H_
#define FLEETMEDIC_APP_CLI_COMMAND_H_

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "app/cli/cli.h"
#include "app/cli/exit_codes.h"
#include "base/time.h"

namespace fleetmedic::cli {

enum class FlagType : uint8_t {
  kSwitch,    // given or not
  kText,      // any text but the empty one
  kWord,      // one of `words`
  kInteger,   // 0 to 2^31 - 1
  kDuration,  // "90s", "2h", above zero
  kFile,
  kFolder,
};

// A value that the shell can complete by asking the fleet or the disk.
enum class Completion : uint8_t { kNothing, kHost, kScope, kFile, kShell };

struct Flag {
  std::string_view name;  // without the dashes
  char letter = 0;        // 0: none
  FlagType type = FlagType::kSwitch;
  std::string_view value;         // how help names the value: "DURATION"; empty for a switch
  std::string_view default_text;  // empty: none
  std::string_view help;
  std::string_view words;  // of kWord: "table wide json"
};

struct Positional {
  std::string_view name;  // "HOST"
  bool required = true;
  bool repeated = false;  // only the last
  Completion completion = Completion::kNothing;
  std::string_view help;
};

struct Example {
  std::string_view line;
  std::string_view what;
};

enum class Group : uint8_t { kLook, kStop, kChange, kCheck, kRun, kSetUp };

// One row of the table. Help, completion, manual, docs/cli.md and the parser are made from it.
struct Command {
  std::string_view name;  // "get hosts": one or two words
  Group group = Group::kLook;
  std::string_view summary;     // one line
  std::string_view details;     // more, for its own help; lines are kept
  std::span<const Flag> flags;  // beside those that every command has
  std::span<const Positional> positionals;
  std::span<const Example> examples;
  std::span<const ExitCode> exit_codes;  // those worth a word beside 0, 1, 2
  Handler handler = nullptr;
  // Where `handler` is null: the one that main supplies.
  Handler RoleHandlers::*supplied = nullptr;
  bool hidden = false;
  bool raw = false;  // what follows is not parsed but handed over
};

// What was typed, checked against the row of the table.
class Arguments {
 public:
  bool Has(std::string_view flag) const { return values_.contains(flag); }
  // The value typed last, or else `fallback`. The table's default is filled in by the parser.
  std::string Text(std::string_view flag, std::string_view fallback = "") const;
  // Requires a flag of that type that was given or has a default.
  int64_t Integer(std::string_view flag) const;
  Millis Duration(std::string_view flag) const;

  void Set(std::string_view flag, std::string value) {
    values_.insert_or_assign(std::string(flag), std::move(value));
  }

  std::vector<std::string> positionals;
  std::vector<std::string> raw;  // of commands with `raw`

 private:
  std::map<std::string, std::string, std::less<>> values_;
};

// One run of one command: what a handler gets.
struct Invocation {
  const Command& command;
  const Arguments& args;
  const CliEnvironment& env;
};

}  // namespace fleetmedic::cli

#endif  // FLEETMEDIC_APP_CLI_COMMAND_H_
