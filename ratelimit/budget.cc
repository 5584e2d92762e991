#include "ratelimit/budget.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

namespace fleetmedic {
namespace {

// Shares such as 0.01 are no binary fractions: 0.01 * 300 must not become 2.
constexpr double kShareSlack = 1e-9;

int MaxOf(const Limit& limit, int hosts) {
  const double exact = limit.share * hosts;
  const double rounded = limit.kind == LimitKind::kFloor ? std::ceil(exact - kShareSlack)
                                                         : std::floor(exact + kShareSlack);
  return std::max(limit.at_least, static_cast<int>(rounded));
}

const std::string& ScopeNameOf(LimitScope scope, const HostFacts& facts) {
  static const std::string kFleet = "fleet";
  switch (scope) {
    case LimitScope::kFleet:
      return kFleet;
    case LimitScope::kCell:
      return facts.cell;
    case LimitScope::kPool:
      return facts.pool;
    case LimitScope::kRack:
      return facts.rack;
  }
  return kFleet;
}

bool InScope(const Grant& grant, LimitScope scope, std::string_view name) {
  switch (scope) {
    case LimitScope::kFleet:
      return true;
    case LimitScope::kCell:
      return grant.cell == name;
    case LimitScope::kPool:
      return grant.pool == name;
    case LimitScope::kRack:
      return grant.rack == name;
  }
  return true;
}

LimitUse Measure(const Limit& limit, std::string_view name, const HostCount& count,
                 std::span<const Grant> grants, WallTime now) {
  LimitUse use;
  use.limit = &limit;
  use.scope = limit.scope == LimitScope::kFleet
                  ? "fleet"
                  : fmt::format("{}:{}", LimitScopeName(limit.scope), name);
  use.max = MaxOf(limit, count.hosts);
  if (limit.kind == LimitKind::kFloor) {
    use.used = count.available;
    return use;
  }
  std::vector<WallTime> ends;
  for (const Grant& grant : grants) {
    if (!InScope(grant, limit.scope, name)) continue;
    if (limit.kind == LimitKind::kConcurrent) {
      use.used += grant.open() ? 1 : 0;
    } else if (grant.granted_at + limit.window > now) {
      ends.push_back(std::min(grant.granted_at, now) + limit.window);
    }
  }
  if (limit.kind == LimitKind::kWindow) {
    use.used = static_cast<int>(ends.size());
    if (use.max > 0 && use.used >= use.max) {
      // Room comes when all but max - 1 of them have left the window.
      std::ranges::sort(ends);
      use.next_at = ends[static_cast<size_t>(use.used - use.max)];
    }
  }
  return use;
}

const HostCount* CountOf(const Census& census, LimitScope scope, const std::string& name) {
  const std::map<std::string, HostCount>* counts = nullptr;
  switch (scope) {
    case LimitScope::kFleet:
      return &census.fleet;
    case LimitScope::kCell:
      counts = &census.cells;
      break;
    case LimitScope::kPool:
      counts = &census.pools;
      break;
    case LimitScope::kRack:
      counts = &census.racks;
      break;
  }
  const auto it = counts->find(name);
  return it == counts->end() ? nullptr : &it->second;
}

}  // namespace

void Census::Add(const HostFacts& facts, bool available) {
  const auto add = [available](HostCount* count) {
    ++count->hosts;
    count->available += available ? 1 : 0;
  };
  add(&fleet);
  add(&cells[facts.cell]);
  add(&pools[facts.pool]);
  if (!facts.rack.empty()) add(&racks[facts.rack]);
}

bool LimitUse::Allows(bool host_is_available) const {
  if (limit->kind == LimitKind::kFloor) return used - (host_is_available ? 1 : 0) >= max;
  return used < max;
}

std::string LimitText(const LimitUse& use) {
  const Limit& limit = *use.limit;
  const std::string where = limit.scope == LimitScope::kFleet ? "" : " of " + use.scope;
  switch (limit.kind) {
    case LimitKind::kConcurrent:
      return fmt::format("{}{}: {} of {} at once", limit.name, where, use.used, use.max);
    case LimitKind::kWindow:
      return fmt::format("{}{}: {} of {} in {}", limit.name, where, use.used, use.max,
                         FormatDuration(limit.window));
    case LimitKind::kFloor:
      return fmt::format("{}{}: {} available, {} must stay", limit.name, where, use.used, use.max);
  }
  return limit.name;
}

Answer Decide(std::span<const Limit> limits, std::span<const Grant> grants, const Census& census,
              const HostFacts& facts, bool host_is_available, WallTime now) {
  for (const Grant& grant : grants) {
    if (grant.open() && grant.host == facts.host) {
      return {.granted = false, .limit = "the host holds grant " + grant.id.str()};
    }
  }
  for (const Limit& limit : limits) {
    const std::string& name = ScopeNameOf(limit.scope, facts);
    if (name.empty() || (!limit.only.empty() && limit.only != name)) continue;
    const HostCount* count = CountOf(census, limit.scope, name);
    if (count == nullptr || count->hosts == 0) {
      return {.granted = false, .limit = limit.name + ": the host is not in the census"};
    }
    const LimitUse use = Measure(limit, name, *count, grants, now);
    if (!use.Allows(host_is_available)) {
      return {.granted = false, .limit = LimitText(use), .retry_at = use.next_at};
    }
  }
  return {.granted = true};
}

std::vector<LimitUse> Uses(std::span<const Limit> limits, std::span<const Grant> grants,
                           const Census& census, WallTime now) {
  std::vector<LimitUse> uses;
  const auto add_each = [&](const Limit& limit, const std::map<std::string, HostCount>& counts) {
    for (const auto& [name, count] : counts) {
      if (limit.only.empty() || limit.only == name) {
        uses.push_back(Measure(limit, name, count, grants, now));
      }
    }
  };
  for (const Limit& limit : limits) {
    switch (limit.scope) {
      case LimitScope::kFleet:
        uses.push_back(Measure(limit, "fleet", census.fleet, grants, now));
        break;
      case LimitScope::kCell:
        add_each(limit, census.cells);
        break;
      case LimitScope::kPool:
        add_each(limit, census.pools);
        break;
      case LimitScope::kRack:
        add_each(limit, census.racks);
        break;
    }
  }
  return uses;
}

std::vector<LimitUse> UsesFor(std::span<const Limit> limits, std::span<const Grant> grants,
                              const Census& census, const HostFacts& facts, WallTime now) {
  std::vector<LimitUse> uses;
  for (const Limit& limit : limits) {
    const std::string& name = ScopeNameOf(limit.scope, facts);
    if (name.empty() || (!limit.only.empty() && limit.only != name)) continue;
    const HostCount* count = CountOf(census, limit.scope, name);
    if (count != nullptr) uses.push_back(Measure(limit, name, *count, grants, now));
  }
  return uses;
}

Millis LongestWindow(std::span<const Limit> limits) {
  Millis longest(0);
  for (const Limit& limit : limits) longest = std::max(longest, limit.window);
  return longest;
}

}  // namespace fleetmedic
