// Where a command's words go: data to stdout, talk to stderr, questions to whoever sits there.
#ifndef FLEETMEDIC_APP_CLI_TERMINAL_H_
#define FLEETMEDIC_APP_CLI_TERMINAL_H_

#include <string>
#include <string_view>

#include "app/cli/command.h"
#include "app/cli/table.h"
#include "base/json.h"

namespace fleetmedic::cli {

class Terminal {
 public:
  // `call` is not copied and must outlive this.
  explicit Terminal(const Invocation& call);

  // For data on stdout.
  const TextStyle& style() const { return style_; }
  std::string Format() const { return call_.args.Text("output", "table"); }

  // Data. The text is complete lines.
  void Print(std::string_view text) const;
  // The object as the server sent it, indented. On a terminal nothing in it can act.
  void PrintJson(const Json& json) const;
  // The same on one line.
  void PrintJsonLine(const Json& json) const;

  // Talk: complete lines, already visible text. Not with --quiet.
  void Say(std::string_view text) const;
  // "fleetmedic: MESSAGE" and, below it, what to do. The message may be foreign text.
  void Error(std::string_view message, std::string_view hint = "") const;

  // True for one thing, with --yes, or when the count is typed: "type 3 to drain these hosts".
  // Otherwise says why not. Where nobody can type, that names --yes.
  bool Confirm(size_t count, std::string_view what) const;

 private:
  const Invocation& call_;
  TextStyle style_;
};

}  // namespace fleetmedic::cli

#endif  // FLEETMEDIC_APP_CLI_TERMINAL_H_
