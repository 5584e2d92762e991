#include "app/rules_import.h"

#include <istream>
#include <ostream>
#include <string>

#include <fmt/format.h>

#include "base/file.h"
#include "base/text.h"
#include "stream/npd_import.h"

namespace fleetmedic {
namespace {

using cli::Invocation;

int Problem(const Invocation& call, int exit, const std::string& message) {
  *call.env.err << "fleetmedic: " << VisibleText(message) << "\n";
  return exit;
}

// What ends permanent conditions: as the flag says, or as a person at a terminal does. False where
// the flag cannot be read.
bool PermanentClears(const Invocation& call, bool needed, std::optional<NpdClears>* clears) {
  std::string text = call.args.Text("permanent-clears");
  const bool typed = !text.empty();
  if (!typed && needed && call.env.in_is_terminal && call.env.err_is_terminal) {
    *call.env.err << "nothing ends permanent conditions there; what shall end them here?\n"
                     "boot, quiet=30m (no such line for that time), or nothing to refuse them: ";
    call.env.err->flush();
    std::getline(*call.env.in, text);
  }
  if (text.empty()) return true;
  const Result<NpdClears> parsed = ParseNpdClears(text);
  if (!parsed) {
    *call.env.err << "fleetmedic: --permanent-clears: " << parsed.error().message << "\n";
    return false;
  }
  *clears = *parsed;
  return true;
}

struct Totals {
  std::string rules;
  std::string checks;
  std::string report;
  int counts[3] = {0, 0, 0};
  bool needs_clears = false;
};

Result<Totals> ImportAll(const std::vector<std::string>& files,
                         const std::optional<NpdClears>& clears) {
  Totals all;
  NpdOptions options;
  options.permanent = clears;
  for (const std::string& file : files) {
    options.file = file;
    FLEETMEDIC_ASSIGN_OR_RETURN(const std::string text, ReadFile(file, kNpdBytesMax));
    FLEETMEDIC_ASSIGN_OR_RETURN(const NpdImport import, ImportNpd(text, options));
    if (!all.rules.empty() && !import.rules_toml.empty()) all.rules += "\n";
    all.rules += import.rules_toml;
    if (!all.checks.empty() && !import.checks_toml.empty()) all.checks += "\n";
    all.checks += import.checks_toml;
    for (const NpdRule& rule : import.rules) {
      ++all.counts[static_cast<size_t>(rule.verdict)];
      all.needs_clears = all.needs_clears || rule.needs_clears;
      if (rule.verdict != NpdVerdict::kRefused) options.taken.insert(rule.name);
      all.report +=
          fmt::format("{}:{}:{}: {} {}{}\n", VisibleText(rule.place.file), rule.place.line,
                      rule.place.column, NpdVerdictName(rule.verdict), VisibleText(rule.name),
                      rule.note.empty() ? "" : ": " + VisibleText(rule.note));
    }
  }
  return all;
}

// Rules first; what belongs into the configuration stands behind them as comments.
std::string OneText(const Totals& all) {
  std::string text = all.rules;
  if (all.checks.empty()) return text;
  if (!text.empty()) text += "\n";
  text += "# Checks, for the configuration and not for a file of rules:\n";
  for (const std::string_view line : Split(all.checks, '\n')) {
    text += line.empty() ? "#\n" : "# " + std::string(line) + "\n";
  }
  return text;
}

}  // namespace

int RunRulesImport(const Invocation& call) {
  std::vector<std::string> files = call.args.positionals;
  if (files.empty() || files.front() != "npd") {
    return Problem(call, cli::kExitUsage, "rules import: expected npd and files of it");
  }
  files.erase(files.begin());
  if (files.empty()) return Problem(call, cli::kExitUsage, "rules import npd: expected files");
  std::optional<NpdClears> clears;
  if (!PermanentClears(call, false, &clears)) return cli::kExitUsage;
  Result<Totals> all = ImportAll(files, clears);
  if (all && all->needs_clears && !clears) {
    if (!PermanentClears(call, true, &clears)) return cli::kExitUsage;
    if (clears) all = ImportAll(files, clears);
  }
  if (!all) return Problem(call, cli::kExitFailed, all.error().message);
  const std::string path = call.args.Text("output");
  const bool report = call.args.Has("report");
  if (!path.empty()) {
    if (const Status written = WriteFileAtomic(path, OneText(*all)); !written) {
      return Problem(call, cli::kExitFailed, written.error().message);
    }
  }
  if (report) {
    *call.env.out << all->report;
  } else if (path.empty()) {
    *call.env.out << OneText(*all);
  }
  *call.env.err << fmt::format("{} rules the same, {} adapted, {} refused\n", all->counts[0],
                               all->counts[1], all->counts[2]);
  if (all->needs_clears) *call.env.err << "--permanent-clears says what ends permanent ones\n";
  return all->counts[2] == 0 ? cli::kExitDone : cli::kExitFailed;
}

}  // namespace fleetmedic
