// reconcile: the report, and a person's word that it was seen.
#include <fmt/format.h>

#include "app/cli/api_client.h"
#include "app/cli/handlers.h"
#include "app/cli/render.h"
#include "app/cli/requests.h"
#include "base/text.h"

namespace fleetmedic::cli {
namespace {

std::string RenderReport(const Json& report) {
  std::string text = fmt::format("since {}: {}\n", VisibleText(TextOf(report, "since")),
                                 VisibleText(TextOf(report, "reason")));
  if (!report["listed"].boolean().value_or(false)) {
    return text + "the scheduler's list has not come yet\n";
  }
  const int64_t differences = report["differences"].integer().value_or(0);
  text += fmt::format("{} of {} hosts differ, by the scheduler's list of {}\n", differences,
                      report["hosts_listed"].integer().value_or(0),
                      VisibleText(TextOf(report, "listed_at")));
  const std::span<const Json> items = Items(report["items"]);
  for (const Json& item : items) {
    text += fmt::format("  {}: {}\n", VisibleText(TextOf(item, "host")),
                        VisibleText(TextOf(item, "text")));
  }
  if (differences > static_cast<int64_t>(items.size())) {
    text += fmt::format("  and {} more\n", differences - static_cast<int64_t>(items.size()));
  }
  if (const int64_t foreign = report["foreign_taints"].integer().value_or(0); foreign > 0) {
    text += fmt::format("{} hosts are kept out by somebody else: they stay so\n", foreign);
  }
  text += fmt::format("{} overrides stand as the records have them: fleetmedic override ls\n",
                      report["overrides"].integer().value_or(0));
  return text;
}

}  // namespace

int RunReconcile(const Invocation& call) {
  const Terminal terminal(call);
  const Answer<ApiReply> report = Ask(call, "/api/v1/reconcile");
  if (!report) return Report(terminal, report.error());
  const bool waits = report->json["reconciling"].boolean().value_or(false);
  if (terminal.Format() == "json") {
    terminal.PrintJson(report->json);
  } else if (waits) {
    terminal.Print(RenderReport(report->json));
    terminal.Say("nothing is acted on until: fleetmedic reconcile accept --reason TEXT\n");
  } else {
    terminal.Print("nothing to reconcile\n");
  }
  return waits ? kExitAttention : kExitDone;
}

int RunReconcileAccept(const Invocation& call) {
  const Terminal terminal(call);
  const Answer<ApiReply> accepted = PostReason(call, terminal, "/api/v1/reconcile/accept");
  if (!accepted) return Report(terminal, accepted.error());
  terminal.Say("accepted: the remediator acts again, within its mode and limits\n");
  return AcceptedCode(*accepted);
}

}  // namespace fleetmedic::cli
