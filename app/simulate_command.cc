#include "app/simulate_command.h"

#include <charconv>
#include <ostream>

#include <fmt/format.h>

#include "app/cli/table.h"
#include "app/cli/terminal.h"
#include "app/progress.h"
#include "base/logging.h"
#include "base/text.h"
#include "config/load.h"
#include "simulation/report.h"
#include "simulation/scenario_load.h"

namespace fleetmedic {

using namespace cli;  // NOLINT(build/namespaces): the handler is the command line's
namespace {

constexpr int64_t kHostsMax = 1'000'000;
constexpr uint64_t kSeedsMax = 1'000'000;

struct Seeds {
  uint64_t first = 1;
  uint64_t last = 1;
};

std::optional<uint64_t> Number(std::string_view text) {
  uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

// "7", "1..20".
Result<Seeds> ParseSeeds(const std::string& text) {
  const size_t dots = text.find("..");
  const auto first = Number(std::string_view(text).substr(0, dots));
  const auto last =
      dots == std::string::npos ? first : Number(std::string_view(text).substr(dots + 2));
  if (!first || !last || *last < *first || *last - *first >= kSeedsMax) {
    return Fail(Code::kInvalidArgument,
                "--seeds: expected N or A..B with A not above B, got " + Quote(text));
  }
  return Seeds{*first, *last};
}

// Each of the files, with what the flags say over it. The errors of a file are told at once, and it
// is left out; those of --config are in `diagnostics`.
std::vector<sim::Scenario> LoadScenarios(const Invocation& call, Diagnostics* diagnostics) {
  std::vector<sim::Scenario> scenarios;
  std::optional<RemediatorConfig> policy;
  if (call.args.Has("config")) {
    const Result<Config> config = LoadConfig(call.args.Text("config"), {}, diagnostics);
    if (config) policy = config->remediator;
  }
  for (const std::string& file : call.args.positionals) {
    Diagnostics of_file;
    Result<sim::Scenario> scenario = sim::LoadScenario(file, &of_file);
    if (!scenario) {
      *call.env.err << of_file.Text();
      continue;
    }
    if (policy) {
      scenario->remediator = *policy;
      // What only watches shows nothing.
      scenario->remediator.mode = Mode::kAuto;
    }
    if (call.args.Has("hosts")) {
      scenario->fleet.hosts = static_cast<int>(call.args.Integer("hosts"));
    }
    scenarios.push_back(*std::move(scenario));
  }
  return scenarios;
}

// How this run of one scenario is repeated; the seed is added.
std::string ReplayCommand(const Invocation& call, const sim::Scenario& scenario) {
  std::string command = "fleetmedic simulate " + scenario.file;
  for (const char* const flag : {"hosts", "config"}) {
    if (call.args.Has(flag)) command += fmt::format(" --{} {}", flag, call.args.Text(flag));
  }
  return command;
}

// False where it was interrupted: then the report has the runs that ended.
bool PlaySeeds(const Invocation& call, const sim::Scenario& scenario, const Seeds& seeds,
               ProgressLine* progress, sim::Report* report) {
  for (uint64_t seed = seeds.first; seed <= seeds.last; ++seed) {
    const auto result = sim::PlayScenario(scenario, seed, [&](double share) {
      if (progress->Due()) {
        progress->Show(fmt::format("{}: seed {} of {}..{}, {:.0f} %", scenario.name, seed,
                                   seeds.first, seeds.last, 100 * share));
      }
      return !Interrupted(call);
    });
    if (!result) return false;
    report->Add(*result);
  }
  return true;
}

void PrintTable(const Terminal& terminal, const std::vector<sim::Report>& reports) {
  std::vector<std::string> titles;
  for (const auto& [title, value] : reports.front().Row()) titles.push_back(title);
  TextTable table(titles);
  for (const sim::Report& report : reports) {
    std::vector<TextTable::Cell> cells;
    for (const auto& [title, value] : report.Row()) cells.emplace_back(value);
    cells[3].color = report.ok() ? Color::kNone : Color::kRed;
    table.Add(std::move(cells));
  }
  terminal.Print(table.Text(terminal.style()));
}

void PrintMarkdown(const Terminal& terminal, const std::vector<sim::Report>& reports) {
  std::string head = "|";
  std::string rule = "|";
  std::string rows;
  for (const auto& [title, value] : reports.front().Row()) {
    std::string word = title;
    for (char& c : word) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    head += " " + word + " |";
    rule += "---|";
  }
  for (const sim::Report& report : reports) {
    rows += "|";
    for (const auto& [title, value] : report.Row()) rows += " " + value + " |";
    rows += "\n";
  }
  terminal.Print(head + "\n" + rule + "\n" + rows);
}

void PrintJson(const Terminal& terminal, const std::vector<sim::Report>& reports, bool whole) {
  Json list(Json::Array{});
  for (const sim::Report& report : reports) list.Append(report.ToJson());
  Json json;
  json.Set("scenarios", std::move(list));
  json.Set("interrupted", !whole);
  terminal.PrintJson(json);
}

}  // namespace

int RunSimulate(const Invocation& call) {
  const Terminal terminal(call);
  const Result<Seeds> seeds = ParseSeeds(call.args.Text("seeds"));
  if (!seeds) {
    terminal.Error(seeds.error().message);
    return kExitUsage;
  }
  if (const int64_t hosts = call.args.Has("hosts") ? call.args.Integer("hosts") : 1;
      hosts < 1 || hosts > kHostsMax) {
    terminal.Error(fmt::format("--hosts: expected 1 to {}, got {}", kHostsMax, hosts));
    return kExitUsage;
  }
  // What the control plane says of itself is in the trace; its log would drown the table.
  SetLogLevel(LogLevel::kError);
  Diagnostics diagnostics;
  const std::vector<sim::Scenario> scenarios = LoadScenarios(call, &diagnostics);
  if (!diagnostics.ok()) *call.env.err << diagnostics.Text();
  if (!diagnostics.ok() || scenarios.size() < call.args.positionals.size()) return kExitBadConfig;
  std::vector<sim::Report> reports;
  bool whole = true;
  const MonoTime began = call.env.clock->Mono();
  {
    ProgressLine progress(call);
    for (const sim::Scenario& scenario : scenarios) {
      reports.emplace_back(scenario);
      whole = PlaySeeds(call, scenario, *seeds, &progress, &reports.back());
      if (!whole) break;
    }
  }
  if (terminal.Format() == "json") {
    PrintJson(terminal, reports, whole);
  } else if (terminal.Format() == "markdown") {
    PrintMarkdown(terminal, reports);
  } else {
    PrintTable(terminal, reports);
  }
  bool ok = true;
  double host_hours = 0;
  for (size_t i = 0; i < reports.size(); ++i) {
    ok = ok && reports[i].ok();
    host_hours += reports[i].host_hours();
    *call.env.err << reports[i].FailureText(ReplayCommand(call, scenarios[i]));
  }
  const double seconds = static_cast<double>((call.env.clock->Mono() - began).count()) / 1e6;
  terminal.Say(fmt::format("{:.0f} host hours in {:.1f} s, {:.0f} a second\n", host_hours, seconds,
                           host_hours / std::max(seconds, 1e-6)));
  if (!whole) {
    terminal.Say("interrupted: not every seed was run\n");
    return kExitDetached;
  }
  return ok ? kExitDone : kExitFailed;
}

}  // namespace fleetmedic
