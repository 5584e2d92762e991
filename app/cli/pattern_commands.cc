// Log patterns of the fleet and fleet issues: patterns top, show and diff, describe issue.
#include "app/cli/pattern_commands.h"

#include <fmt/format.h>

#include "app/cli/handlers.h"
#include "app/cli/moment.h"
#include "app/cli/render.h"
#include "app/cli/requests.h"
#include "base/poll.h"
#include "base/text.h"

namespace fleetmedic::cli {
namespace {

std::string RangeOf(const Invocation& call) {
  return EncodePercent(FormatDuration(call.args.Duration("range")));
}

std::string PatternTarget(const Invocation& call, std::string_view part) {
  return fmt::format("/api/v1/patterns/{}{}?range={}", EncodePercent(call.args.positionals[0]),
                     part, RangeOf(call));
}

// What --from, --to and --among mean to the API: "FROM..TO;fact=value".
Result<std::string> Selection(const Invocation& call) {
  std::string selection;
  if (call.args.Has("from")) {
    const WallTime now = call.env.clock->Wall();
    FLEETMEDIC_ASSIGN_OR_RETURN(const WallTime from, ParseMoment(call.args.Text("from"), now));
    FLEETMEDIC_ASSIGN_OR_RETURN(const WallTime to, ParseMoment(call.args.Text("to"), now));
    selection = FormatWall(from) + ".." + FormatWall(to);
  }
  if (call.args.Has("among")) {
    selection += (selection.empty() ? "" : ";") + call.args.Text("among");
  }
  return selection;
}

// False where it was cancelled, or is too late.
bool WaitAgain(const Invocation& call, MonoTime deadline) {
  const MonoTime until = std::min<MonoTime>(call.env.clock->Mono() + kPatternsAgainAfter, deadline);
  if (call.env.cancel == nullptr) {
    PollUntil({}, *call.env.clock, until);
    return until < deadline;
  }
  pollfd cancelled{call.env.cancel->fd(), POLLIN, 0};
  return PollUntil(std::span(&cancelled, 1), *call.env.clock, until) == 0 && until < deadline;
}

void PrintAgain(const Terminal& terminal, const Json& list, WallTime now) {
  const std::string format = terminal.Format();
  if (format == "json" || format == "jsonl") return terminal.PrintJsonLine(list);
  if (format == "name") {
    for (const Json& item : Items(list["items"])) {
      terminal.Print(VisibleText(TextOf(item, "pattern")) + "\n");
    }
    return;
  }
  terminal.Print("\n" + FormatWallSecond(now) + "\n" +
                 PatternTable(Items(list["items"]), terminal.style(), now).Text(terminal.style()));
}

}  // namespace

std::string PatternListTarget(const Invocation& call) {
  std::string target = fmt::format("/api/v1/patterns?range={}&sort={}&limit={}", RangeOf(call),
                                   call.args.Text("sort"), call.args.Integer("limit"));
  if (call.args.Has("query")) target += "&q=" + EncodePercent(call.args.Text("query"));
  if (call.args.Has("scope")) target += "&scope=" + EncodePercent(call.args.Text("scope"));
  if (call.args.Has("since")) {
    target += "&new=" + EncodePercent(FormatDuration(call.args.Duration("since")));
  } else if (call.args.Has("new")) {
    target += "&new=1";
  }
  if (call.args.Has("rising")) target += "&rising=1";
  if (call.args.Has("unmatched")) target += "&unmatched=1";
  return target;
}

int RunPatternWatch(const Invocation& call, const ApiClient& client, const Terminal& terminal) {
  const MonoTime deadline = call.args.Has("timeout")
                                ? call.env.clock->Mono() + call.args.Duration("timeout")
                                : kMonoForever;
  while (WaitAgain(call, deadline)) {
    const Answer<ApiReply> list = client.Get(PatternListTarget(call));
    if (list) {
      PrintAgain(terminal, list->json, call.env.clock->Wall());
    } else if (list.error().exit_code == kExitUnreachable) {
      terminal.Say("fleetmedic: " + VisibleText(list.error().message) + "; trying again\n");
    } else if (!client.Cancelled()) {
      return Report(terminal, list.error());
    }
  }
  return client.Cancelled() ? kExitDetached : kExitTimedOut;
}

int RunPatternShow(const Invocation& call) {
  const Terminal terminal(call);
  const Answer<ApiReply> pattern = Ask(call, PatternTarget(call, ""));
  if (!pattern) return Report(terminal, pattern.error());
  if (terminal.Format() == "json") {
    terminal.PrintJson(pattern->json);
  } else {
    terminal.Print(RenderPattern(pattern->json, terminal.style(), call.env.clock->Wall()));
  }
  return kExitDone;
}

int RunPatternDiff(const Invocation& call) {
  const Terminal terminal(call);
  const Result<std::string> selection = Selection(call);
  if (!selection) return Report(terminal, Failure{kExitUsage, selection.error().message, ""});
  std::string target = PatternTarget(call, "/diff");
  if (!selection->empty()) target += "&sel=" + EncodePercent(*selection);
  const Answer<ApiReply> diff = Ask(call, target);
  if (!diff) return Report(terminal, diff.error());
  if (terminal.Format() == "json") {
    terminal.PrintJson(diff->json);
  } else {
    terminal.Print(RenderDiff(diff->json, terminal.style()));
  }
  return kExitDone;
}

int RunDescribeIssue(const Invocation& call) {
  const Terminal terminal(call);
  const Answer<ApiReply> issue =
      Ask(call, "/api/v1/issues/" + EncodePercent(call.args.positionals[0]));
  if (!issue) return Report(terminal, issue.error());
  if (terminal.Format() == "json") {
    terminal.PrintJson(issue->json);
  } else {
    terminal.Print(RenderIssue(issue->json, terminal.style(), call.env.clock->Wall()));
  }
  return kExitDone;
}

int RunWhyIssue(const Invocation& call) {
  const Terminal terminal(call);
  const std::string id = EncodePercent(call.args.positionals[0]);
  const Answer<ApiReply> issue = Ask(call, "/api/v1/issues/" + id);
  if (!issue) return Report(terminal, issue.error());
  const Answer<ApiReply> told = Ask(call, "/api/v1/audit?object=issue:" + id + "&limit=100");
  if (!told) return Report(terminal, told.error());
  if (terminal.Format() == "json") {
    Json both;
    both.Set("issue", issue->json);
    both.Set("audit", told->json["items"]);
    terminal.PrintJson(both);
    return kExitDone;
  }
  std::string text = VisibleText(TextOf(issue->json, "why")) + "\n";
  for (const Json& cause : Items(issue->json["causes"])) {
    text += "  " + VisibleText(TextOf(cause, "sentence")) + "\n";
  }
  text += VisibleText(TextOf(issue->json, "response")) + "\n";
  const std::span<const Json> entries = Items(told->json["items"]);
  for (auto entry = entries.rbegin(); entry != entries.rend(); ++entry) {  // the oldest first
    text += fmt::format("{}  {}  {}\n", VisibleText(TextOf(*entry, "at")),
                        VisibleText(TextOf(*entry, "action")), VisibleText(TextOf(*entry, "why")));
  }
  terminal.Print(text);
  return kExitDone;
}

}  // namespace fleetmedic::cli
