#include "app/cli/parse.h"

#include <algorithm>
#include <limits>
#include <memory>
#include <optional>

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include "app/cli/commands.h"
#include "base/text.h"

namespace fleetmedic::cli {
namespace {

// The words that CLI11 found for each flag of a span. It holds them until they are read.
class FlagReader {
 public:
  void AddTo(CLI::App* app, std::span<const Flag> flags) {
    for (const Flag& flag : flags) {
      Slot& slot = *slots_.emplace_back(std::make_unique<Slot>(Slot{&flag, {}, nullptr}));
      std::string names = "--" + std::string(flag.name);
      if (flag.letter != 0) names += std::string(",-") + flag.letter;
      if (flag.type == FlagType::kSwitch) {
        slot.option = app->add_flag(names);
      } else {
        slot.option = app->add_option_function<std::string>(
            names, [&slot](const std::string& value) { slot.value = value; });
        slot.option->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
      }
    }
  }

  // Checks the values and adds them, defaults included.
  Status ReadInto(Arguments* args) const {
    for (const std::unique_ptr<Slot>& slot : slots_) {
      const Flag& flag = *slot->flag;
      if (slot->option->count() == 0) {
        if (!flag.default_text.empty() && !args->Has(flag.name)) {
          args->Set(flag.name, std::string(flag.default_text));
        }
        continue;
      }
      FLEETMEDIC_RETURN_IF_ERROR(CheckValue(flag, slot->value));
      args->Set(flag.name, slot->value);
    }
    return {};
  }

 private:
  struct Slot {
    const Flag* flag;
    std::string value;
    CLI::Option* option;
  };

  static Status CheckValue(const Flag& flag, const std::string& value) {
    const std::string name = "--" + std::string(flag.name);
    if (flag.type == FlagType::kSwitch) return {};
    if (Trim(value).empty()) {
      return Fail(Code::kInvalidArgument,
                  name + ": an empty value; it never means all, leave the flag out instead");
    }
    switch (flag.type) {
      case FlagType::kWord: {
        const std::vector<std::string_view> words = Split(flag.words, ' ');
        if (std::ranges::find(words, value) != words.end()) return {};
        const std::optional<std::string_view> meant = ClosestWord(value, words);
        return Fail(Code::kInvalidArgument,
                    name + ": " + Quote(value) + " is none of " + std::string(flag.words) +
                        (meant ? "; did you mean " + std::string(*meant) + "?" : ""));
      }
      case FlagType::kInteger: {
        constexpr size_t kDigitsMax = 9;
        if (value.size() <= kDigitsMax &&
            value.find_first_not_of("0123456789") == std::string::npos) {
          return {};
        }
        return Fail(Code::kInvalidArgument,
                    name + ": expected a number from 0 to 999999999, got " + Quote(value));
      }
      case FlagType::kDuration: {
        const Result<Millis> duration = ParseDuration(value);
        if (!duration) return Fail(name, duration.error());
        if (*duration > Millis(0)) return {};
        return Fail(Code::kInvalidArgument, name + ": expected more than 0, got " + Quote(value));
      }
      case FlagType::kSwitch:
      case FlagType::kText:
      case FlagType::kFile:
      case FlagType::kFolder:
        return {};
    }
    return {};
  }

  std::vector<std::unique_ptr<Slot>> slots_;
};

// Lets CLI11 take the flags out of `words`; what is left, in order, is the answer. Its exceptions
// end here.
Result<std::vector<std::string>> TakeFlags(CLI::App* app, std::span<const std::string> words) {
  // CLI11 takes its words from the end.
  std::vector<std::string> reversed(words.rbegin(), words.rend());
  try {
    app->parse(std::move(reversed));
    return app->remaining();
  } catch (const CLI::ArgumentMismatch& error) {
    const std::string_view what = error.what();
    return Fail(Code::kInvalidArgument, VisibleText(what.substr(0, what.find(':'))) +
                                            ": needs a value; an empty one never means all");
  } catch (const CLI::Error& error) {
    return Fail(Code::kInvalidArgument, VisibleText(error.what()));
  }
}

std::string DidYouMean(std::string_view word, const std::vector<std::string>& candidates) {
  const std::optional<std::string_view> meant = ClosestWord(word, candidates);
  return meant ? "; did you mean " + std::string(*meant) + "?" : "";
}

Error UnknownFlag(std::string_view word, const Command* command) {
  std::vector<std::string> candidates;
  const auto add = [&](std::span<const Flag> flags) {
    for (const Flag& flag : flags) candidates.push_back("--" + std::string(flag.name));
  };
  if (command != nullptr) add(command->flags);
  add(CommonFlags());
  const std::string of = command == nullptr ? "" : " of " + std::string(command->name);
  const std::string_view name = word.substr(0, word.find('='));
  return Error{Code::kInvalidArgument,
               "unknown flag" + of + ": " + Quote(word) +
                   (name.starts_with("--") ? DidYouMean(name, candidates) : "")};
}

Error UnknownCommand(std::string_view prefix, std::string_view word) {
  std::vector<std::string> candidates;
  for (const Command& command : Commands()) {
    if (command.hidden) continue;
    const std::vector<std::string_view> words = Split(command.name, ' ');
    if (prefix.empty()) {
      candidates.emplace_back(words[0]);
    } else if (words.size() == 2 && words[0] == prefix) {
      candidates.emplace_back(words[1]);
    }
  }
  const std::string unknown = ": " + Quote(word) + DidYouMean(word, candidates);
  if (prefix.empty()) return Error{Code::kInvalidArgument, "unknown command" + unknown};
  std::string there;
  for (const std::string& candidate : candidates) there += (there.empty() ? "" : ", ") + candidate;
  return Error{Code::kInvalidArgument,
               fmt::format("unknown command of {}{} (there are: {})", prefix, unknown, there)};
}

// The command that the words begin with, and how many words its name takes. Sets `prefix` where
// only the first word of such a name is there.
Result<const Command*> TakeCommand(std::span<const std::string> words, size_t* taken,
                                   std::string_view* prefix) {
  const std::string& first = words[0];
  if (first.starts_with('-')) return tl::unexpected<Error>(UnknownFlag(first, nullptr));
  // "audit" is a command, and so is "audit verify".
  *taken = 2;
  if (words.size() > 1) {
    if (const Command* command = FindCommand(first + " " + words[1])) return command;
  }
  *taken = 1;
  if (const Command* command = FindCommand(first)) return command;
  if (!IsCommandPrefix(first)) return tl::unexpected<Error>(UnknownCommand("", first));
  for (const Command& command : Commands()) {
    if (Split(command.name, ' ')[0] == first) *prefix = Split(command.name, ' ')[0];
  }
  if (words.size() == 1 || words[1].starts_with('-')) return nullptr;
  return tl::unexpected<Error>(UnknownCommand(first, words[1]));
}

// What CLI11 left over of a command's words: its arguments, and flags that it does not have.
Status TakePositionals(const Command& command, const std::vector<std::string>& left,
                       Arguments* args) {
  bool only_positionals = false;
  for (const std::string& word : left) {
    if (!only_positionals && word == "--") {
      only_positionals = true;
    } else if (!only_positionals && word.size() > 1 && word[0] == '-') {
      return tl::unexpected<Error>(UnknownFlag(word, &command));
    } else {
      args->positionals.push_back(word);
    }
  }
  return {};
}

Status CheckPositionals(const Command& command, const Arguments& args) {
  const std::string usage = "; usage: " + Synopsis(command);
  const size_t given = args.positionals.size();
  for (size_t i = 0; i < command.positionals.size(); ++i) {
    if (command.positionals[i].required && i >= given) {
      return Fail(Code::kInvalidArgument,
                  "missing " + std::string(command.positionals[i].name) + usage);
    }
  }
  const bool endless = !command.positionals.empty() && command.positionals.back().repeated;
  if (!endless && given > command.positionals.size()) {
    return Fail(
        Code::kInvalidArgument,
        "one word too many: " + Quote(args.positionals[command.positionals.size()]) + usage);
  }
  for (const std::string& word : args.positionals) {
    if (word.empty()) return Fail(Code::kInvalidArgument, "an empty argument never means all");
  }
  return {};
}

void SetUp(CLI::App* app) {
  app->set_help_flag();  // ours is a row of the table
  app->allow_extras();
}

}  // namespace

std::string Arguments::Text(std::string_view flag, std::string_view fallback) const {
  const auto found = values_.find(flag);
  return found == values_.end() ? std::string(fallback) : found->second;
}

int64_t Arguments::Integer(std::string_view flag) const {
  FLEETMEDIC_CHECK(Has(flag));
  return std::stoll(values_.find(flag)->second);
}

Millis Arguments::Duration(std::string_view flag) const {
  FLEETMEDIC_CHECK(Has(flag));
  return ParseDuration(values_.find(flag)->second).value();
}

Result<Parsed> ParseCommandLine(std::span<const std::string_view> words) {
  Parsed parsed;
  // Flags before the command's name are those that every command has.
  CLI::App before;
  SetUp(&before);
  before.prefix_command();
  FlagReader before_flags;
  before_flags.AddTo(&before, CommonFlags());
  const std::vector<std::string> all(words.begin(), words.end());
  FLEETMEDIC_ASSIGN_OR_RETURN(std::vector<std::string> rest, TakeFlags(&before, all));
  FLEETMEDIC_RETURN_IF_ERROR(before_flags.ReadInto(&parsed.args));
  bool help_command = false;
  if (!rest.empty() && rest[0] == "help") {
    help_command = true;
    rest.erase(rest.begin());
  }
  parsed.help = help_command || parsed.args.Has("help");
  if (rest.empty()) return parsed;

  size_t taken = 0;
  FLEETMEDIC_ASSIGN_OR_RETURN(parsed.command, TakeCommand(rest, &taken, &parsed.prefix));
  const std::span<const std::string> own = std::span(rest).subspan(taken);
  if (parsed.command == nullptr || help_command) {
    parsed.help = true;
    return parsed;
  }
  if (parsed.command->raw) {
    parsed.args.raw.assign(own.begin(), own.end());
    return parsed;
  }
  CLI::App after;
  SetUp(&after);
  FlagReader after_flags;
  after_flags.AddTo(&after, parsed.command->flags);
  after_flags.AddTo(&after, CommonFlags());
  FLEETMEDIC_ASSIGN_OR_RETURN(const std::vector<std::string> left, TakeFlags(&after, own));
  FLEETMEDIC_RETURN_IF_ERROR(TakePositionals(*parsed.command, left, &parsed.args));
  FLEETMEDIC_RETURN_IF_ERROR(after_flags.ReadInto(&parsed.args));
  if (parsed.args.Has("help")) {
    parsed.help = true;
    return parsed;
  }
  FLEETMEDIC_RETURN_IF_ERROR(CheckPositionals(*parsed.command, parsed.args));
  return parsed;
}

}  // namespace fleetmedic::cli
