#include "app/cli/cli.h"

#include <array>
#include <exception>
#include <ostream>

#include "app/cli/commands.h"
#include "app/cli/manual.h"
#include "app/cli/parse.h"
#include "app/cli/terminal.h"

namespace fleetmedic::cli {
namespace {

std::string HelpOf(const Parsed& parsed) {
  if (parsed.command != nullptr) return CommandHelpText(*parsed.command);
  return parsed.prefix.empty() ? HelpText() : PrefixHelpText(parsed.prefix);
}

int RunParsed(const Parsed& parsed, const CliEnvironment& env) {
  if (parsed.command == nullptr && !parsed.help) {
    *env.err << HelpText();
    return kExitUsage;
  }
  if (parsed.help || parsed.command == nullptr) {
    *env.out << HelpOf(parsed);
    return kExitDone;
  }
  const Command& command = *parsed.command;
  const Invocation call{command, parsed.args, env};
  const Handler handler =
      command.supplied == nullptr ? command.handler : env.roles.*command.supplied;
  if (handler == nullptr) {
    Terminal(call).Error("this build has no `" + std::string(command.name) + "`");
    return kExitFailed;
  }
  return handler(call);
}

int RunGuarded(std::span<const std::string_view> args, const CliEnvironment& env) {
  // "fleetmedic --version" is what every program answers.
  static constexpr std::array<std::string_view, 1> kVersion = {"version"};
  if (args.size() == 1 && args[0] == "--version") args = kVersion;
  const Result<Parsed> parsed = ParseCommandLine(args);
  if (!parsed) {
    *env.err << "fleetmedic: " << parsed.error().message << "\n"
             << "  fleetmedic help lists the commands\n";
    return kExitUsage;
  }
  return RunParsed(*parsed, env);
}

}  // namespace

int RunCli(std::span<const std::string_view> args, const CliEnvironment& env) {
  FLEETMEDIC_CHECK(env.in != nullptr && env.out != nullptr && env.err != nullptr &&
                   env.clock != nullptr);
  int code = kExitFailed;
  try {
    code = RunGuarded(args, env);
  } catch (const std::exception& error) {
    // Memory that ran out, most of all: everything else is a value.
    *env.err << "fleetmedic: " << error.what() << "\n";
  }
  env.out->flush();
  if (!*env.out && code != kExitDetached) {
    *env.err << "fleetmedic: cannot write to stdout\n";
    if (code == kExitDone || code == kExitAttention) code = kExitFailed;
  }
  return code;
}

}  // namespace fleetmedic::cli
