// What the command table says, as help, as Markdown and as manual pages. Pure.
#ifndef FLEETMEDIC_APP_CLI_MANUAL_H_
#define FLEETMEDIC_APP_CLI_MANUAL_H_

#include <map>
#include <string>
#include <string_view>

#include "app/cli/command.h"

namespace fleetmedic::cli {

// Of the whole; of the commands that begin with `prefix`; of one command. Plain text of at most
// 100 columns.
std::string HelpText();
std::string PrefixHelpText(std::string_view prefix);
std::string CommandHelpText(const Command& command);

// docs/cli.md.
std::string MarkdownManual();

// File name -> troff (man(7)): fleetmedic.1 and one page for each command, "fleetmedic-drain.1".
std::map<std::string, std::string> ManPages();

}  // namespace fleetmedic::cli

#endif  // FLEETMEDIC_APP_CLI_MANUAL_H_
