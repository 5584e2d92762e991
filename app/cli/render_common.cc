#include <algorithm>
#include <array>
#include <optional>

#include "app/cli/render.h"
#include "base/text.h"
#include "model/words.h"

namespace fleetmedic::cli {
namespace {

constexpr Words<Resource, 9> kResources = {{{Resource::kHosts, "hosts"},
                                            {Resource::kOverrides, "overrides"},
                                            {Resource::kGrants, "grants"},
                                            {Resource::kRules, "rules"},
                                            {Resource::kJobs, "jobs"},
                                            {Resource::kTasks, "tasks"},
                                            {Resource::kAudit, "audit"},
                                            {Resource::kIssues, "issues"},
                                            {Resource::kPatterns, "patterns"}}};

std::string LetterAndWord(std::string_view state) {
  // D is draining; drained is X, so that the two are never taken for each other.
  static constexpr std::array<std::pair<std::string_view, char>, 8> kLetters = {{{"healthy", 'H'},
                                                                                 {"suspect", 'S'},
                                                                                 {"tainted", 'T'},
                                                                                 {"draining", 'D'},
                                                                                 {"drained", 'X'},
                                                                                 {"repairing", 'R'},
                                                                                 {"probation", 'R'},
                                                                                 {"retired", 'F'}}};
  const auto found =
      std::ranges::find(kLetters, state, [](const auto& pair) { return pair.first; });
  const char letter = found == kLetters.end() ? '?' : found->second;
  return std::string(1, letter) + " " + (state.empty() ? "unknown" : std::string(state));
}

}  // namespace

std::optional<Resource> ParseResource(std::string_view word) { return ValueOf(kResources, word); }

std::string_view NameMember(Resource resource) {
  switch (resource) {
    case Resource::kHosts:
      return "host";
    case Resource::kRules:
      return "name";
    case Resource::kTasks:
      return "task";
    case Resource::kAudit:
      return "seq";
    case Resource::kPatterns:
      return "pattern";
    case Resource::kIssues:
    case Resource::kOverrides:
    case Resource::kGrants:
    case Resource::kJobs:
      return "id";
  }
  return "id";
}

std::string HostStateText(const Json& host) {
  std::string text = LetterAndWord(TextOf(host, "state"));
  if (host["silent"].boolean().value_or(false)) text = "U silent (" + text + ")";
  if (host["held"].boolean().value_or(false)) text += ", held";
  if (host["protected"].boolean().value_or(false)) text += ", P protected";
  return text;
}

std::string HoldText(const Json& hold, WallTime now) {
  const std::string source = TextOf(hold, "source");
  std::string text = VisibleText(TextOf(hold, "scope"));
  if (text.empty()) text = "fleet";
  text += ", by " + (source.empty() ? "override" : VisibleText(source));
  if (const std::string who = TextOf(hold, "who"); !who.empty()) text += " of " + VisibleText(who);
  if (const std::string reason = TextOf(hold, "reason"); !reason.empty()) {
    text += " " + Quote(reason);
  }
  if (const WallTime since = TimeOf(hold, "since"); since != kWallNever) {
    text += ", since " + Age(since, now);
  }
  if (const std::string id = TextOf(hold, "id"); !id.empty()) text += " (" + VisibleText(id) + ")";
  return text;
}

std::string TextOf(const Json& json, std::string_view key) {
  const std::string* text = json[key].string();
  return text == nullptr ? "" : *text;
}

WallTime TimeOf(const Json& json, std::string_view key) {
  return ParseWall(TextOf(json, key)).value_or(kWallNever);
}

std::span<const Json> Items(const Json& json) {
  return json.array() == nullptr ? std::span<const Json>() : std::span<const Json>(*json.array());
}

}  // namespace fleetmedic::cli
