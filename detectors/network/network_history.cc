#include <fnmatch.h>

#include <algorithm>

#include <fmt/format.h>

#include "detectors/network/network_evaluate.h"

namespace fleetmedic {
namespace {

bool HasDefault(const NetworkTables& tables, bool ipv6) {
  return std::ranges::any_of(tables.default_routes, [ipv6](const NetworkDefaultRoute& route) {
    return route.table == NetworkTables::kMainTable && route.ipv6 == ipv6;
  });
}

}  // namespace

bool HoldsDefaultRoute(const NetworkTables& tables, int index) {
  return std::ranges::any_of(tables.default_routes, [index](const NetworkDefaultRoute& route) {
    return route.table == NetworkTables::kMainTable &&
           std::ranges::find(route.links, index) != route.links.end();
  });
}

bool ReachesOut(const NetworkTables& tables) {
  return std::ranges::any_of(tables.links, [&tables](const NetworkLink& link) {
    return link.up() && HoldsDefaultRoute(tables, link.index);
  });
}

bool NameMatches(const std::vector<std::string>& globs, const std::string& name) {
  return std::ranges::any_of(globs, [&name](const std::string& glob) {
    return ::fnmatch(glob.c_str(), name.c_str(), 0) == 0;
  });
}

bool IsWatched(const NetworkLink& link, const NetworkThresholds& thresholds) {
  if (link.loopback || NameMatches(thresholds.ignore, link.name)) return false;
  return link.physical() || NameMatches(thresholds.interfaces, link.name);
}

void NetworkHistory::Add(const NetworkSample& sample, const NetworkThresholds& thresholds,
                         bool counters) {
  // Before the new links are known: one of them may be a lost one under a new name.
  MarkLost(sample, thresholds);
  AddLinks(sample, thresholds);
  had_ipv4_default_ = had_ipv4_default_ || HasDefault(sample.tables, false);
  had_ipv6_default_ = had_ipv6_default_ || HasDefault(sample.tables, true);
  if (counters) AddCounters(sample);
}

// Whether the interface that is not there under its name shall be forgotten.
bool NetworkHistory::Forget(const std::string& name, const Interface& known,
                            const NetworkSample& sample,
                            const NetworkThresholds& thresholds) const {
  const bool renamed = std::ranges::any_of(sample.tables.links, [&](const NetworkLink& link) {
    // Also one that was taken away and came back under another name.
    return link.index == known.index || (!known.mac.empty() && link.mac == known.mac &&
                                         link.physical() && !interfaces_.contains(link.name));
  });
  if (renamed) return true;
  if (NameMatches(thresholds.interfaces, name)) return false;
  if (sample.expected) {
    // Who attached it says whether it is detached, too.
    return std::ranges::none_of(*sample.expected, [&](const ExpectedInterface& expected) {
      return expected.mac == known.mac;
    });
  }
  // A tunnel that is closed is no loss where there is another way out.
  if (!known.physical && ReachesOut(sample.tables)) return true;
  return !known.was_up || sample.at - *known.lost_at > thresholds.lost_for_max;
}

void NetworkHistory::MarkLost(const NetworkSample& sample, const NetworkThresholds& thresholds) {
  for (auto entry = interfaces_.begin(); entry != interfaces_.end();) {
    auto& [name, known] = *entry;
    const bool there = std::ranges::find(sample.tables.links, name, &NetworkLink::name) !=
                       sample.tables.links.end();
    if (there) {
      known.lost_at.reset();
    } else if (!known.lost_at) {
      known.lost_at = sample.at;
    }
    entry = !there && Forget(name, known, sample, thresholds) ? interfaces_.erase(entry)
                                                              : std::next(entry);
  }
}

void NetworkHistory::AddLinks(const NetworkSample& sample, const NetworkThresholds& thresholds) {
  for (const NetworkLink& link : sample.tables.links) {
    const auto before = interfaces_.find(link.name);
    const bool way_out =
        !link.loopback && !NameMatches(thresholds.ignore, link.name) &&
        (HoldsDefaultRoute(sample.tables, link.index) ||
         (before != interfaces_.end() && before->second.default_route && !link.up()));
    if (!IsWatched(link, thresholds) && !way_out) {
      interfaces_.erase(link.name);
      continue;
    }
    if (interfaces_.size() >= kInterfacesMax && !interfaces_.contains(link.name)) continue;
    Interface& known = interfaces_[link.name];
    if (known.index != 0 && known.mac != link.mac && known.index != link.index) {
      known = Interface();  // another device of the same name
    }
    known.mac = link.mac;
    known.index = link.index;
    known.physical = link.physical();
    if (!link.up()) continue;
    known.was_up = true;
    // While there is none at all, it is the last holder's that is missed.
    if (HasDefault(sample.tables, false) || HasDefault(sample.tables, true)) {
      known.default_route = HoldsDefaultRoute(sample.tables, link.index);
    }
  }
}

void NetworkHistory::AddCounters(const NetworkSample& sample) {
  for (const NetworkLink& link : sample.tables.links) {
    if (!interfaces_.contains(link.name)) continue;
    const auto add = [&](std::string_view counter, uint64_t value) {
      counters_.Add(fmt::format("{}/{}", link.name, counter), value, sample.at);
    };
    if (link.carrier_changes) add("carrier", *link.carrier_changes);
    if (!link.counters) continue;
    add("rx_packets", link.counters->rx_packets);
    add("tx_packets", link.counters->tx_packets);
    add("rx_errors", link.counters->rx_errors);
    add("tx_errors", link.counters->tx_errors);
    add("rx_dropped", link.counters->rx_dropped);
    add("tx_dropped", link.counters->tx_dropped);
  }
  for (const auto& [name, values] : sample.allowances) {
    for (const auto& [counter, value] : values) {
      counters_.Add(fmt::format("{}/{}", name, counter), value, sample.at);
    }
  }
  counters_.ForgetOlderThan(sample.at - counters_.window());
}

}  // namespace fleetmedic
