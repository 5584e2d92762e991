// What needs no server: completion, manual pages, version.
#include "app/cli/completion.h"
#include "app/cli/handlers.h"
#include "app/cli/manual.h"
#include "app/cli/requests.h"
#include "app/cli/terminal.h"
#include "base/file.h"
#include "base/text.h"

namespace fleetmedic::cli {

int RunCompletion(const Invocation& call) {
  const Terminal terminal(call);
  const std::string& shell = call.args.positionals[0];
  if (shell == "bash") {
    terminal.Print(BashCompletion());
  } else if (shell == "zsh") {
    terminal.Print(ZshCompletion());
  } else {
    return Report(terminal,
                  Failure{kExitUsage, "no completion for " + Quote(shell), "bash or zsh"});
  }
  return kExitDone;
}

int RunMan(const Invocation& call) {
  const Terminal terminal(call);
  if (call.args.Has("markdown") != call.args.positionals.empty()) {
    return Report(terminal, Failure{kExitUsage, "give a folder for the pages, or --markdown", ""});
  }
  if (call.args.Has("markdown")) {
    terminal.Print(MarkdownManual());
    return kExitDone;
  }
  const std::string& folder = call.args.positionals[0];
  if (const Status made = MakeFolders(folder); !made) {
    return Report(terminal, Failure{kExitFailed, made.error().message, ""});
  }
  const std::map<std::string, std::string> pages = ManPages();
  for (const auto& [name, page] : pages) {
    const Status written = WriteFileAtomic(folder + "/" + name, page);
    if (!written) return Report(terminal, Failure{kExitFailed, written.error().message, ""});
  }
  terminal.Say(std::to_string(pages.size()) + " pages\n");
  return kExitDone;
}

int RunVersion(const Invocation& call) {
  const Terminal terminal(call);
  if (terminal.Format() == "json") {
    Json json;
    json.Set("apiVersion", "fleetmedic/v1");
    json.Set("version", call.env.version);
    terminal.PrintJson(json);
  } else {
    terminal.Print("fleetmedic " + VisibleText(call.env.version) + "\n");
  }
  return kExitDone;
}

}  // namespace fleetmedic::cli
