// From words to a command and its checked arguments. CLI11 reads the words; the table says what
// they may be.
#ifndef FLEETMEDIC_APP_CLI_PARSE_H_
#define FLEETMEDIC_APP_CLI_PARSE_H_

#include <span>
#include <string_view>

#include "app/cli/command.h"
#include "base/result.h"

namespace fleetmedic::cli {

struct Parsed {
  // Null where help of the whole, or of `prefix`, is wanted.
  const Command* command = nullptr;
  std::string_view prefix;  // "get"
  bool help = false;
  Arguments args;
};

// Errors: kInvalidArgument, a message for people with what was probably meant.
Result<Parsed> ParseCommandLine(std::span<const std::string_view> words);

}  // namespace fleetmedic::cli

#endif  // FLEETMEDIC_APP_CLI_PARSE_H_
