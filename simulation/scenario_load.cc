#include "simulation/scenario_load.h"

#include <algorithm>
#include <set>

#include <fmt/format.h>

#include "absl/functional/function_ref.h"
#include "base/file.h"
#include "base/text.h"
#include "config/load.h"
#include "model/override.h"
#include "simulation/scenario_keys.h"

namespace fleetmedic::sim {
namespace {

constexpr size_t kListMax = 1000;
constexpr std::string_view kDetectors[] = {"agent", "docker", "filesystem", "systemd"};
// Tables of the daemon's config that a scenario may hold.
constexpr std::string_view kConfigTables[] = {"remediator", "policy", "brake", "limits"};

std::string WordList(const std::vector<std::string_view>& words) {
  std::string text;
  for (const std::string_view word : words) text += (text.empty() ? "" : ", ") + std::string(word);
  return text;
}

class Loader {
 public:
  Loader(const std::string& file, Diagnostics* diagnostics)
      : file_(file), diagnostics_(diagnostics) {}

  void Read(const TomlNode& root);

  Scenario scenario;

 private:
  void Error(const TomlNode& at, std::string message, std::string hint = {}) {
    diagnostics_->Error(at.place, at.width, std::move(message), std::move(hint));
  }
  // Reads the members that `keys` knows; `also` names those that the caller reads itself.
  template <typename Root>
  void ReadTable(const TomlNode& table, std::string_view path,
                 std::span<const ConfigKeyOf<Root>> keys, const std::vector<std::string_view>& also,
                 Root* root);
  // Each table of a list.
  void ReadList(const TomlNode* list, std::string_view path,
                absl::FunctionRef<void(const TomlNode&)> read);
  void Require(const TomlNode& table, std::string_view path, std::string_view key);
  // Where a place must be named: null and an error where it is not.
  const std::string* Word(const TomlNode& table, std::string_view path, std::string_view key,
                          const std::vector<std::string_view>& words);
  void ReadConfigTables(const TomlNode& root);
  void ReadFleet(const TomlNode& table);
  void ReadJob(const TomlNode& table);
  void ReadFault(const TomlNode& table);
  void CheckFault(const TomlNode& table, const FaultSpec& fault);
  void ReadPerson(const TomlNode& table);
  void ReadSelector(const TomlNode& table, std::string_view path, Selector* on);
  void CheckJobNamed(const TomlNode& table, const std::string& job);

  const std::string& file_;
  Diagnostics* diagnostics_;
};

template <typename Root>
void Loader::ReadTable(const TomlNode& table, std::string_view path,
                       std::span<const ConfigKeyOf<Root>> keys,
                       const std::vector<std::string_view>& also, Root* root) {
  if (table.kind != TomlKind::kTable) {
    return Error(table, fmt::format("{}: expected a table, got {}", path, table.Shown()));
  }
  std::vector<std::string_view> known = also;
  for (const auto& key : keys) known.push_back(key.key);
  for (const TomlMember& member : table.members) {
    if (std::ranges::find(also, member.key) != also.end()) continue;
    const std::string name = fmt::format("{}{}{}", path, path.empty() ? "" : ".", member.key);
    const auto key = std::ranges::find(keys, member.key, &ConfigKeyOf<Root>::key);
    if (key != keys.end()) {
      ReadValue(member.value, name, key->slot(*root), key->range, diagnostics_);
      continue;
    }
    const auto closest = ClosestWord(member.key, known);
    diagnostics_->Error(member.place, static_cast<int>(member.key.size()), name + ": unknown key",
                        closest ? fmt::format("did you mean \"{}\"?", *closest)
                                : "docs/simulation.md has the keys");
  }
}

void Loader::ReadList(const TomlNode* list, std::string_view path,
                      absl::FunctionRef<void(const TomlNode&)> read) {
  if (list == nullptr) return;
  if (list->kind != TomlKind::kArray) {
    return Error(*list, fmt::format("{0}: expected [[{0}]], got {1}", path, list->Shown()));
  }
  if (list->array.size() > kListMax) {
    return Error(*list, fmt::format("{}: expected at most {}", path, kListMax));
  }
  for (const TomlNode& element : list->array) {
    if (element.kind != TomlKind::kTable) {
      Error(element, fmt::format("{0}: expected [[{0}]], got {1}", path, element.Shown()));
      continue;
    }
    read(element);
  }
}

void Loader::Require(const TomlNode& table, std::string_view path, std::string_view key) {
  if (table.Find(key) == nullptr) Error(table, fmt::format("{}: expected {}, got none", path, key));
}

const std::string* Loader::Word(const TomlNode& table, std::string_view path, std::string_view key,
                                const std::vector<std::string_view>& words) {
  Require(table, path, key);
  const TomlNode* const node = table.Find(key);
  if (node == nullptr) return nullptr;
  if (node->kind == TomlKind::kString && std::ranges::find(words, node->string) != words.end()) {
    return &node->string;
  }
  const auto closest = ClosestWord(node->string, words);
  Error(*node,
        fmt::format("{}.{}: expected one of {}, got {}", path, key, WordList(words), node->Shown()),
        closest ? fmt::format("did you mean \"{}\"?", *closest) : "");
  return nullptr;
}

void Loader::ReadConfigTables(const TomlNode& root) {
  TomlNode tables;
  for (const TomlMember& member : root.members) {
    if (std::ranges::find(kConfigTables, member.key) == std::end(kConfigTables)) continue;
    tables.members.push_back(member);
  }
  const size_t warnings = diagnostics_->warnings();
  const Result<Config> config = ReadConfig(tables, file_, diagnostics_);
  if (config) scenario.remediator = config->remediator;
  if (diagnostics_->warnings() > warnings) {
    Error(root, "a key of the policy is not known: what it asks for would not be tried");
  }
  // What only watches shows nothing: acting is what a scenario is for, unless it says so.
  const TomlNode* const remediator = root.Find("remediator");
  if (remediator == nullptr || remediator->Find("mode") == nullptr) {
    scenario.remediator.mode = Mode::kAuto;
  }
}

void Loader::ReadFleet(const TomlNode& table) {
  FleetOptions& fleet = scenario.fleet;
  ReadTable(table, "fleet", FleetKeys(), {"pools", "facts"}, &fleet);
  if (table.kind != TomlKind::kTable) return;
  if (const TomlNode* const pools = table.Find("pools"); pools != nullptr) {
    fleet.pools.clear();
    ReadList(pools, "fleet.pools", [&](const TomlNode& element) {
      PoolShape pool;
      ReadTable(element, "fleet.pools", PoolKeys(), {}, &pool);
      Require(element, "fleet.pools", "name");
      fleet.pools.push_back(std::move(pool));
    });
  }
  ReadList(table.Find("facts"), "fleet.facts", [&](const TomlNode& element) {
    FactShape fact;
    ReadTable(element, "fleet.facts", FactKeys(), {}, &fact);
    Require(element, "fleet.facts", "name");
    Require(element, "fleet.facts", "value");
    fleet.facts.push_back(std::move(fact));
  });
}

void Loader::ReadJob(const TomlNode& table) {
  JobShape job;
  ReadTable(table, "jobs", JobKeys(), {}, &job);
  Require(table, "jobs", "name");
  if ((job.tasks > 0) == (job.tasks_per_host > 0)) {
    Error(table, "jobs: expected tasks or tasks_per_host, one of them above 0");
  }
  if (std::ranges::find(scenario.jobs, job.name, &JobShape::name) != scenario.jobs.end()) {
    Error(table, "jobs.name: expected each name once, got " + Quote(job.name) + " again");
  }
  scenario.jobs.push_back(std::move(job));
}

void Loader::ReadSelector(const TomlNode& table, std::string_view path, Selector* on) {
  ReadTable(table, path, SelectorKeys(), {}, on);
  if (on->hosts > 0 && on->share > 0) Error(table, "on: expected hosts or share, got both");
  if (!on->fact.empty() && on->fact.find('=') == std::string::npos) {
    Error(table, "on.fact: expected NAME=VALUE, got " + Quote(on->fact));
  }
  if (table.kind == TomlKind::kTable && on->empty()) {
    Error(table, "on: selects nothing", "all = true is every host");
  }
}

void Loader::CheckJobNamed(const TomlNode& table, const std::string& job) {
  if (std::ranges::find(scenario.jobs, job, &JobShape::name) != scenario.jobs.end()) return;
  Error(table, "faults.job: expected the name of one of [[jobs]], got " + Quote(job));
}

// Whether the fault befalls hosts, and needs to be told which.
bool NeedsHosts(FaultKind kind) {
  switch (kind) {
    case FaultKind::kCondition:
    case FaultKind::kFinding:
    case FaultKind::kSilence:
    case FaultKind::kCut:
    case FaultKind::kReboot:
    case FaultKind::kGarbage:
    case FaultKind::kSkew:
      return true;
    case FaultKind::kSickens:
    case FaultKind::kDelivery:
    case FaultKind::kReplay:
    case FaultKind::kLogAway:
    case FaultKind::kStoreAway:
    case FaultKind::kSchedulerAway:
    case FaultKind::kSchedulerFlaky:
    case FaultKind::kSlowWorkers:
    case FaultKind::kCrash:
    case FaultKind::kSchedulerCrash:
    case FaultKind::kPause:
    case FaultKind::kRestoreStore:
    case FaultKind::kResizeJob:
      return false;
  }
  return false;
}

void Loader::CheckFault(const TomlNode& table, const FaultSpec& fault) {
  const FaultKind kind = fault.kind;
  const TomlNode* const on = table.Find("on");
  const std::string name(FaultKindName(kind));
  if (NeedsHosts(kind) && on == nullptr) Error(table, "faults: " + name + " needs on");
  if (!NeedsHosts(kind) && on != nullptr) Error(*on, "faults.on: " + name + " is of no host");
  if (kind == FaultKind::kSickens || kind == FaultKind::kResizeJob) CheckJobNamed(table, fault.job);
  if (kind == FaultKind::kFinding) Require(table, "faults", "rule");
  if (kind == FaultKind::kReplay || kind == FaultKind::kRestoreStore) {
    Require(table, "faults", "span");
    if (fault.span > fault.at) Error(table, "faults.span: expected no more than faults.at");
  }
  const bool ends = kind == FaultKind::kSilence || kind == FaultKind::kCut ||
                    kind == FaultKind::kCrash || kind == FaultKind::kPause;
  if (ends && fault.lasts == Millis(0)) Error(table, "faults: " + name + " needs lasts");
  if (fault.at >= scenario.lasts) Error(table, "faults.at: the run is over by then");
  if (fault.every > Millis(0) && fault.lasts >= fault.every) {
    Error(table, "faults.lasts: expected less than faults.every");
  }
  if (!ValidConditionType(fault.type)) {
    Error(table, "faults.type: expected CamelCase, got " + Quote(fault.type));
  }
  if (std::ranges::find(kDetectors, fault.detector) == std::end(kDetectors)) {
    Error(table, "faults.detector: expected agent, docker, filesystem or systemd, got " +
                     Quote(fault.detector));
  }
}

void Loader::ReadFault(const TomlNode& table) {
  FaultSpec fault;
  fault.place = table.place;
  const std::string* const kind = Word(table, "faults", "kind", FaultKindWords());
  Require(table, "faults", "at");
  ReadTable(table, "faults", FaultKeys(), {"kind", "on"}, &fault);
  if (const TomlNode* const on = table.Find("on"); on != nullptr) {
    ReadSelector(*on, "faults.on", &fault.on);
  }
  if (kind == nullptr) return;
  fault.kind = *ParseFaultKind(*kind);
  CheckFault(table, fault);
  scenario.faults.push_back(std::move(fault));
}

void Loader::ReadPerson(const TomlNode& table) {
  PersonSpec person;
  person.place = table.place;
  const std::string* const act = Word(table, "people", "act", ActKindWords());
  Require(table, "people", "at");
  ReadTable(table, "people", PersonKeys(), {"act", "on"}, &person);
  const TomlNode* const on = table.Find("on");
  if (on != nullptr) ReadSelector(*on, "people.on", &person.on);
  if (act == nullptr) return;
  person.act = *ParseActKind(*act);
  const bool hosts = person.act == ActKind::kDrain || person.act == ActKind::kReturn;
  const bool scoped = person.act == ActKind::kHold || person.act == ActKind::kProtect;
  if (hosts && on == nullptr) Error(table, "people: " + *act + " needs on");
  if (!hosts && on != nullptr) Error(*on, "people.on: " + *act + " takes none");
  if (scoped) {
    Require(table, "people", "scope");
    if (const Result<Scope> scope = ParseScope(person.scope); !scope && !person.scope.empty()) {
      Error(table, "people.scope: " + scope.error().message);
    }
  }
  scenario.people.push_back(std::move(person));
}

void Loader::Read(const TomlNode& root) {
  std::vector<std::string_view> tables = {"fleet", "jobs", "faults", "people", "expect"};
  tables.insert(tables.end(), std::begin(kConfigTables), std::end(kConfigTables));
  ReadTable(root, "", RunKeys(), tables, &scenario);
  Require(root, "the scenario", "title");
  ReadConfigTables(root);
  if (const TomlNode* const fleet = root.Find("fleet"); fleet != nullptr) ReadFleet(*fleet);
  ReadList(root.Find("jobs"), "jobs", [this](const TomlNode& table) { ReadJob(table); });
  ReadList(root.Find("faults"), "faults", [this](const TomlNode& table) { ReadFault(table); });
  ReadList(root.Find("people"), "people", [this](const TomlNode& table) { ReadPerson(table); });
  const TomlNode* const expect = root.Find("expect");
  if (expect == nullptr || expect->members.empty()) {
    return Error(root, "expect: a scenario says what must be seen", "[expect]");
  }
  scenario.expect.place = expect->place;
  ReadTable(*expect, "expect", ExpectationKeys(), {}, &scenario.expect);
}

}  // namespace

bool Selector::empty() const {
  return !all && names.empty() && cell.empty() && pool.empty() && rack.empty() && fact.empty() &&
         hosts == 0 && share == 0;
}

Result<Scenario> ParseScenario(std::string_view text, const std::string& file,
                               Diagnostics* diagnostics) {
  const TomlNode root = ParseToml(text, file, diagnostics);
  if (!diagnostics->ok()) return Fail(Code::kInvalidArgument, Quote(file) + " cannot be read");
  Loader loader(file, diagnostics);
  loader.Read(root);
  if (!diagnostics->ok()) {
    return Fail(Code::kInvalidArgument,
                fmt::format("the scenario {} has {} errors", Quote(file), diagnostics->errors()));
  }
  Scenario& scenario = loader.scenario;
  scenario.file = file;
  const size_t slash = file.rfind('/');
  scenario.name = file.substr(slash == std::string::npos ? 0 : slash + 1);
  if (scenario.name.ends_with(".toml")) scenario.name.resize(scenario.name.size() - 5);
  return std::move(scenario);
}

Result<Scenario> LoadScenario(const std::string& file, Diagnostics* diagnostics) {
  const Result<std::string> text = ReadFile(file, kTomlBytesMax);
  if (!text) {
    diagnostics->AddFile(file, "");
    diagnostics->Error({file, 0, 0}, 1, "cannot be read: " + text.error().message);
    return Fail(text.error().code, text.error().message);
  }
  return ParseScenario(*text, file, diagnostics);
}

}  // namespace fleetmedic::sim
