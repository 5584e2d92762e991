// What is asked of the command table; the table itself is in commands.cc.
#include <algorithm>
#include <array>

#include "app/cli/commands.h"
#include "base/result.h"

namespace fleetmedic::cli {
namespace {

constexpr std::array kExitCodes = {
    ExitCodeHelp{kExitDone, "done; for `status`: calm"},
    ExitCodeHelp{kExitFailed, "failed"},
    ExitCodeHelp{kExitUsage, "usage: the command line, or what the server found invalid"},
    ExitCodeHelp{kExitNotFound, "not found"},
    ExitCodeHelp{kExitNotAllowed, "not authenticated, or not allowed"},
    ExitCodeHelp{kExitConflict, "conflict: it changed since you looked, or it exists"},
    ExitCodeHelp{kExitRefused, "refused by a hold, a budget or a floor; or something still holds"},
    ExitCodeHelp{kExitWaitsForApproval, "accepted, waits for approval"},
    ExitCodeHelp{kExitTimedOut, "timed out; it may still be running"},
    ExitCodeHelp{kExitPartlyDone, "partly done"},
    ExitCodeHelp{kExitAttention, "`status`: somebody must look"},
    ExitCodeHelp{kExitUnreachable, "the server cannot be reached"},
    ExitCodeHelp{kExitBadConfig, "bad config"},
    ExitCodeHelp{kExitDetached, "detached by Ctrl-C; what was asked goes on"},
};

}  // namespace

std::span<const ExitCodeHelp> ExitCodes() { return kExitCodes; }

std::string_view GroupTitle(Group group) {
  switch (group) {
    case Group::kLook:
      return "Look";
    case Group::kStop:
      return "Stop and let go";
    case Group::kChange:
      return "Change";
    case Group::kCheck:
      return "Check before it runs";
    case Group::kRun:
      return "Run";
    case Group::kSetUp:
      return "Set up";
  }
  FLEETMEDIC_CHECK(false);
  return "";
}

const Command* FindCommand(std::string_view name) {
  const std::span<const Command> all = Commands();
  const auto found = std::ranges::find(all, name, &Command::name);
  return found == all.end() ? nullptr : &*found;
}

bool IsCommandPrefix(std::string_view word) {
  return std::ranges::any_of(Commands(), [&](const Command& command) {
    return command.name.size() > word.size() && command.name.starts_with(word) &&
           command.name[word.size()] == ' ';
  });
}

std::string Synopsis(const Command& command) {
  std::string text = "fleetmedic " + std::string(command.name);
  for (const Positional& positional : command.positionals) {
    std::string one = std::string(positional.name) + (positional.repeated ? "..." : "");
    if (positional.name == "ARGV") one = "-- " + one;
    text += positional.required ? " " + one : " [" + one + "]";
  }
  return command.raw ? text + " ..." : text + " [flags]";
}

}  // namespace fleetmedic::cli
