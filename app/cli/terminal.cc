#include "app/cli/terminal.h"

#include <istream>
#include <ostream>

#include <fmt/format.h>

#include "base/text.h"

namespace fleetmedic::cli {
namespace {

constexpr size_t kMessageBytesMax = 4096;
constexpr size_t kAnswerBytesMax = 64;

std::string Variable(const CliEnvironment& env, std::string_view name) {
  const auto found = env.variables.find(name);
  return found == env.variables.end() ? "" : found->second;
}

// One line of at most kAnswerBytesMax bytes: what is asked for is a number.
std::string ReadAnswer(std::istream* in) {
  std::string answer;
  for (char c = 0; answer.size() < kAnswerBytesMax && in->get(c) && c != '\n';) answer += c;
  return answer;
}

}  // namespace

Terminal::Terminal(const Invocation& call) : call_(call) {
  const CliEnvironment& env = call.env;
  style_.color = env.out_is_terminal && !call.args.Has("no-color") &&
                 Variable(env, "NO_COLOR").empty() && Variable(env, "TERM") != "dumb";
  style_.columns = env.out_is_terminal ? env.columns : 0;
  style_.wide = Format() == "wide";
}

void Terminal::Print(std::string_view text) const { *call_.env.out << text << std::flush; }

void Terminal::PrintJson(const Json& json) const {
  const std::string text = json.DumpPretty() + "\n";
  Print(call_.env.out_is_terminal ? TerminalJson(text) : text);
}

void Terminal::PrintJsonLine(const Json& json) const {
  const std::string text = json.Dump() + "\n";
  Print(call_.env.out_is_terminal ? TerminalJson(text) : text);
}

void Terminal::Say(std::string_view text) const {
  if (!call_.args.Has("quiet")) *call_.env.err << text << std::flush;
}

void Terminal::Error(std::string_view message, std::string_view hint) const {
  *call_.env.err << "fleetmedic: " << VisibleText(message.substr(0, kMessageBytesMax)) << "\n";
  if (!hint.empty()) *call_.env.err << "  " << hint << "\n";
  *call_.env.err << std::flush;
}

bool Terminal::Confirm(size_t count, std::string_view what) const {
  if (count <= 1 || call_.args.Has("yes")) return true;
  if (!call_.env.in_is_terminal || call_.args.Has("no-input")) {
    Error(fmt::format("{}: {} of them, and nobody to ask", what, count),
          "look with --dry-run, then repeat it with --yes");
    return false;
  }
  *call_.env.err << fmt::format("type {} to {}: ", count, what) << std::flush;
  const std::string answer = ReadAnswer(call_.env.in);
  if (Trim(answer) == fmt::format("{}", count)) return true;
  Error("not confirmed; nothing was asked for");
  return false;
}

}  // namespace fleetmedic::cli
