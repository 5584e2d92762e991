#include <algorithm>

#include <fmt/format.h>

#include "app/cli/render.h"
#include "base/text.h"

namespace fleetmedic::cli {
namespace {

using Cell = TextTable::Cell;

std::string NumberText(const Json& json, std::string_view key) {
  const std::optional<int64_t> number = json[key].integer();
  return number ? fmt::format("{}", *number) : "";
}

Color ColorOf(const Json& host) {
  const std::string state = TextOf(host, "state");
  if (host["silent"].boolean().value_or(false)) return Color::kDim;
  if (state == "healthy") return Color::kGreen;
  if (state == "suspect" || state == "probation") return Color::kYellow;
  if (state == "retired") return Color::kRed;
  return state.empty() ? Color::kNone : Color::kBlue;
}

std::string TasksText(const Json& host) {
  const std::string left = NumberText(host, "tasks_left");
  const std::string total = NumberText(host, "tasks_total");
  return left.empty() && total.empty()
             ? ""
             : (left.empty() ? "?" : left) + "/" + (total.empty() ? "?" : total);
}

TextTable HostTable(std::span<const Json> hosts, const TextStyle& style, WallTime now) {
  std::vector<std::string> titles = {"HOST", "STATE", "FOR", "TASKS", "POOL"};
  if (style.wide) {
    for (const char* title : {"CELL", "RACK", "ZONE", "KERNEL", "IMAGE", "AGENT", "SEEN", "REV"}) {
      titles.emplace_back(title);
    }
  }
  titles.emplace_back("WHY");
  TextTable table(std::move(titles));
  for (const Json& host : hosts) {
    std::vector<Cell> cells = {TextOf(host, "host"), Cell(HostStateText(host), ColorOf(host)),
                               Age(TimeOf(host, "since"), now), TasksText(host),
                               TextOf(host, "pool")};
    if (style.wide) {
      for (const char* key : {"cell", "rack", "zone", "kernel", "image", "agent_version"}) {
        cells.emplace_back(TextOf(host, key));
      }
      cells.emplace_back(Age(TimeOf(host, "seen_at"), now));
      cells.emplace_back(NumberText(host, "revision"));
    }
    cells.emplace_back(TextOf(host, "why"));
    table.Add(std::move(cells));
  }
  return table;
}

TextTable OverrideTable(std::span<const Json> overrides, WallTime now) {
  TextTable table({"ID", "KIND", "SCOPE", "WHO", "AGE", "ENDS", "REASON"});
  for (const Json& one : overrides) {
    const WallTime until = TimeOf(one, "until");
    const WallTime review = TimeOf(one, "review_at");
    std::string ends = until != kWallNever ? "in " + ShortDuration(until - now) : "";
    if (ends.empty() && review != kWallNever) ends = "review in " + ShortDuration(review - now);
    std::string scope = TextOf(one, "scope");
    if (const std::optional<int64_t> value = one["value"].integer()) {
      scope += fmt::format(" = {}", *value);
    }
    table.Add({TextOf(one, "id"), TextOf(one, "kind"), scope, TextOf(one, "who"),
               Age(TimeOf(one, "created_at"), now), ends, TextOf(one, "reason")});
  }
  return table;
}

TextTable GrantTable(std::span<const Json> grants, WallTime now) {
  TextTable table({"ID", "HOST", "ACT", "HOLDER", "CELL", "POOL", "RACK", "AGE", "ENDS", "REASON"});
  for (const Json& one : grants) {
    const WallTime ends_at = TimeOf(one, "ends_at");
    std::string ends = ends_at == kWallNever ? "" : "in " + ShortDuration(ends_at - now);
    if (one["overdue"].boolean().value_or(false)) ends = "overdue";
    table.Add({TextOf(one, "id"), TextOf(one, "host"), TextOf(one, "act"), TextOf(one, "holder"),
               TextOf(one, "cell"), TextOf(one, "pool"), TextOf(one, "rack"),
               Age(TimeOf(one, "granted_at"), now), ends, TextOf(one, "reason")});
  }
  return table;
}

std::string Joined(const Json& list, std::string_view separator) {
  std::string text;
  for (const Json& item : Items(list)) {
    if (item.string() == nullptr) continue;
    if (!text.empty()) text += separator;
    text += *item.string();
  }
  return text;
}

TextTable RuleTable(std::span<const Json> rules, const TextStyle& style) {
  std::vector<std::string> titles = {"RULE",      "SEVERITY", "CONDITION", "SOURCES",
                                     "THRESHOLD", "CLEARS",   "HOSTS"};
  if (style.wide) titles.insert(titles.end(), {"VERSION", "PATTERN"});
  TextTable table(std::move(titles));
  for (const Json& one : rules) {
    const bool open = one["hosts"].integer().value_or(0) > 0;
    std::vector<Cell> cells = {TextOf(one, "name"),
                               TextOf(one, "severity"),
                               TextOf(one, "condition"),
                               Joined(one["sources"], " "),
                               RuleThreshold(one),
                               RuleClears(one),
                               Cell(NumberText(one, "hosts"), open ? Color::kRed : Color::kNone)};
    if (style.wide) {
      cells.emplace_back(TextOf(one, "version"));
      cells.emplace_back(TextOf(one, "pattern"));
    }
    table.Add(std::move(cells));
  }
  return table;
}

TextTable JobTable(std::span<const Json> jobs) {
  TextTable table({"JOB", "KIND", "RUNNING", "WANTED", "MIN", "POOL", "RUNS"});
  for (const Json& one : jobs) {
    table.Add({TextOf(one, "id"), TextOf(one, "kind"), NumberText(one, "running"),
               NumberText(one, "instances"), NumberText(one, "min_healthy"), TextOf(one, "pool"),
               Joined(one["argv"], " ")});
  }
  return table;
}

TextTable TaskTable(std::span<const Json> tasks, WallTime now) {
  TextTable table({"TASK", "JOB", "HOST", "STATE", "FOR", "RESTARTS", "PID", "REASON"});
  for (const Json& one : tasks) {
    const std::string state = TextOf(one, "state");
    const Color color = state == "running"                     ? Color::kGreen
                        : state == "failed" || state == "lost" ? Color::kRed
                                                               : Color::kNone;
    table.Add({TextOf(one, "task"), TextOf(one, "job"), TextOf(one, "host"), Cell(state, color),
               Age(TimeOf(one, "since"), now), NumberText(one, "restarts"), NumberText(one, "pid"),
               TextOf(one, "reason")});
  }
  return table;
}

TextTable AuditTable(std::span<const Json> entries) {
  TextTable table({"SEQ", "AT", "WHO", "ACTION", "OBJECT", "RESULT", "WHY"});
  for (const Json& one : entries) {
    table.Add({NumberText(one, "seq"), TextOf(one, "at").substr(0, 19), TextOf(one, "who"),
               TextOf(one, "action"), TextOf(one, "object"), TextOf(one, "result"),
               TextOf(one, "why")});
  }
  return table;
}

}  // namespace

TextTable ListTable(Resource resource, std::span<const Json> items, const TextStyle& style,
                    WallTime now) {
  switch (resource) {
    case Resource::kHosts:
      return HostTable(items, style, now);
    case Resource::kOverrides:
      return OverrideTable(items, now);
    case Resource::kGrants:
      return GrantTable(items, now);
    case Resource::kRules:
      return RuleTable(items, style);
    case Resource::kJobs:
      return JobTable(items);
    case Resource::kTasks:
      return TaskTable(items, now);
    case Resource::kAudit:
      return AuditTable(items);
    case Resource::kIssues:
      return IssueTable(items, style, now);
    case Resource::kPatterns:
      return PatternTable(items, style, now);
  }
  FLEETMEDIC_CHECK(false);
  return TextTable({});
}

}  // namespace fleetmedic::cli
