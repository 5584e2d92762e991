// What the server answered, as text for people. Pure: JSON, a style and `now` in, text out. Missing
// members are shown as missing, never as zero; members of a later server are ignored.
#ifndef FLEETMEDIC_APP_CLI_RENDER_H_
#define FLEETMEDIC_APP_CLI_RENDER_H_

#include <span>
#include <string>
#include <string_view>

#include "app/cli/table.h"
#include "base/json.h"

namespace fleetmedic::cli {

// What `get` can list.
enum class Resource : uint8_t {
  kHosts,
  kOverrides,
  kGrants,
  kRules,
  kJobs,
  kTasks,
  kAudit,
  kIssues,
  kPatterns,
};
std::optional<Resource> ParseResource(std::string_view word);

// The member that names an item: "host", "id".
std::string_view NameMember(Resource resource);

// "T tainted" with a letter and a word, "U silent (H healthy)", "H healthy, protected".
std::string HostStateText(const Json& host);

// A State of the API on one screen.
std::string RenderStatus(const Json& state, const TextStyle& style);

// Whether somebody must look: somebody is asked for, the mode is hold, tripped or degraded, or
// nobody leads.
bool NeedsAttention(const Json& state);

TextTable ListTable(Resource resource, std::span<const Json> items, const TextStyle& style,
                    WallTime now);

// A HostDetail.
std::string RenderHost(const Json& host, const TextStyle& style, WallTime now);

// A Rule, its threshold ("3 in 5m"), and what ends what it found ("quiet 10m, cancel").
std::string RenderRule(const Json& rule, const TextStyle& style, WallTime now);
std::string RuleThreshold(const Json& rule);
std::string RuleClears(const Json& rule);

// PatternSummary and IssueSummary, a row each.
TextTable PatternTable(std::span<const Json> patterns, const TextStyle& style, WallTime now);
TextTable IssueTable(std::span<const Json> issues, const TextStyle& style, WallTime now);
// A PatternDetail, a PatternDiff, an Issue; each ends with what to do next.
std::string RenderPattern(const Json& pattern, const TextStyle& style, WallTime now);
std::string RenderDiff(const Json& diff, const TextStyle& style);
std::string RenderIssue(const Json& issue, const TextStyle& style, WallTime now);
// What a list of patterns leaves out, and what to do next: a line or two, for beside the list.
std::string PatternListNote(const Json& list);
// "▁▂▅█", the largest as the highest; at most `columns` wide.
std::string Sparkline(std::span<const Json> numbers, size_t columns);

// The answer of /why.
std::string RenderWhy(const Json& why, const TextStyle& style);

// From a HostDetail and a State: what keeps this host from being acted on.
std::string RenderWhyNot(const Json& host, const Json& state, const TextStyle& style);

// What would move after a release: holds, and the hosts that wait.
std::string RenderWaiting(const Json& state, const TextStyle& style);

// "file root "maintenance", since 4m": one HoldSource or hold Override.
std::string HoldText(const Json& hold, WallTime now);

// The member as text; "" where there is none or it is no text.
std::string TextOf(const Json& json, std::string_view key);
// The member as a time; kWallNever where there is none or it is no time.
WallTime TimeOf(const Json& json, std::string_view key);
// The elements of an array; none of anything else.
std::span<const Json> Items(const Json& json);

}  // namespace fleetmedic::cli

#endif  // FLEETMEDIC_APP_CLI_RENDER_H_
