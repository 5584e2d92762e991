#include "detectors/network/network_evaluate.h"

#include <algorithm>

#include <fmt/format.h>

#include "detectors/condition_types.h"
#include "detectors/proc_text.h"

namespace fleetmedic {
namespace {

constexpr std::string_view kGlobCharacters = "*?[";

class Judge {
 public:
  Judge(const NetworkSample& sample, const NetworkHistory& history,
        const NetworkThresholds& thresholds)
      : sample_(sample), history_(history), thresholds_(thresholds) {}

  std::vector<Condition> Run() {
    JudgeLost();
    JudgeDown();
    JudgeForm();
    JudgeDefaultRoute();
    JudgeRules();
    JudgeReversePath();
    return std::move(conditions_);
  }

 private:
  void Bad(std::string_view type, std::string_view unit, std::string_view reason,
           std::string message) {
    conditions_.push_back(MakeCondition(type, unit, Verdict::kBad, reason, std::move(message)));
  }
  void OkUnlessBad(std::string_view type, std::string_view reason, std::string message) {
    if (std::ranges::find(conditions_, type, &Condition::type) != conditions_.end()) return;
    conditions_.push_back(MakeCondition(type, "", Verdict::kOk, reason, std::move(message)));
  }
  void Milder(Severity severity) { conditions_.back().severity = severity; }

  const NetworkLink* Find(const std::string& name) const {
    const auto found = std::ranges::find(sample_.tables.links, name, &NetworkLink::name);
    return found == sample_.tables.links.end() ? nullptr : &*found;
  }
  bool Named(const std::string& name) const { return NameMatches(thresholds_.interfaces, name); }
  bool Expected(const std::string& mac) const {
    return sample_.expected &&
           std::ranges::any_of(*sample_.expected, [&mac](const ExpectedInterface& expected) {
             return expected.mac == mac;
           });
  }
  // A host that loses it has lost something that it needs: somebody said so, or it was the way out
  // and there is no other. Of others nobody knows: cables are pulled, devices go into containers.
  bool Needed(const std::string& name, const NetworkHistory::Interface& known) const {
    return Named(name) || Expected(known.mac) ||
           (known.default_route && !ReachesOut(sample_.tables));
  }

  bool HasGlobalIpv4(int index) const;
  bool HasRules(int index) const;
  bool HoldsMainDefault(int index) const;
  void JudgeLost();
  void JudgeDown();
  void JudgeForm();
  void JudgeAddresses(const NetworkLink& link, const std::string& wanted);
  void JudgeDefaultRoute();
  void JudgeRules();
  void JudgeReversePath();

  const NetworkSample& sample_;
  const NetworkHistory& history_;
  const NetworkThresholds& thresholds_;
  std::vector<Condition> conditions_;
};

bool Judge::HasGlobalIpv4(int index) const {
  return std::ranges::any_of(sample_.tables.addresses, [index](const NetworkAddress& address) {
    return address.index == index && !address.ipv6 && address.global;
  });
}

bool Judge::HoldsMainDefault(int index) const {
  return std::ranges::any_of(sample_.tables.default_routes,
                             [index](const NetworkDefaultRoute& route) {
                               return !route.ipv6 && route.table == NetworkTables::kMainTable &&
                                      std::ranges::find(route.links, index) != route.links.end();
                             });
}

// A rule that sends what comes from an address of the link to a table whose default route leads
// out of the link.
bool Judge::HasRules(int index) const {
  const NetworkTables& tables = sample_.tables;
  return std::ranges::any_of(tables.addresses, [&](const NetworkAddress& address) {
    if (address.index != index || address.ipv6 || !address.global) return false;
    return std::ranges::any_of(tables.rules, [&](const NetworkRule& rule) {
      if (rule.ipv6 || rule.source != address.address || rule.prefix_bits != 32) return false;
      return std::ranges::any_of(tables.default_routes, [&](const NetworkDefaultRoute& route) {
        return !route.ipv6 && route.table == rule.table &&
               std::ranges::find(route.links, index) != route.links.end();
      });
    });
  });
}

void Judge::JudgeLost() {
  for (const auto& [name, known] : history_.interfaces()) {
    if (!known.lost_at) continue;
    Bad("InterfaceLost", name, "Gone",
        fmt::format("{} ({}) was there and the kernel does not have it any more{}", name, known.mac,
                    known.default_route ? "; the default route led over it" : ""));
    if (!Needed(name, known)) Milder(Severity::kInfo);
  }
  for (const std::string& name : thresholds_.interfaces) {
    if (name.find_first_of(kGlobCharacters) != std::string::npos) continue;
    if (Find(name) != nullptr || history_.interfaces().contains(name)) continue;
    Bad("InterfaceLost", name, "NeverSeen",
        fmt::format("detectors.network.interfaces names {}, and the kernel has none of that name",
                    name));
  }
  OkUnlessBad("InterfaceLost", "AllThere", "every interface that was seen is there");
}

void Judge::JudgeDown() {
  for (const auto& [name, known] : history_.interfaces()) {
    const NetworkLink* const link = Find(name);
    if (link == nullptr || link->up()) continue;
    if (!known.was_up && !Named(name) && !Expected(known.mac)) continue;
    Bad("InterfaceDown", name, link->admin_up ? "NoCarrier" : "SwitchedOff",
        fmt::format("{} is {}{}", name,
                    link->admin_up ? "up but has no carrier" : "switched off (not IFF_UP)",
                    known.was_up ? "; it was up before" : ""));
    if (!Needed(name, known)) Milder(Severity::kInfo);
  }
  OkUnlessBad("InterfaceDown", "AllUp", "every interface that is to be up is up");
}

void Judge::JudgeAddresses(const NetworkLink& link, const std::string& wanted) {
  for (const std::string_view address : Fields(wanted)) {
    const bool there =
        std::ranges::any_of(sample_.tables.addresses, [&](const NetworkAddress& has) {
          return has.index == link.index && has.address == address;
        });
    if (there) continue;
    Bad("InterfaceMisconfigured", link.name, "AddressMissing",
        fmt::format("{} is to have the address {} and does not", link.name, address));
    return;
  }
}

void Judge::JudgeForm() {
  const auto wanted = [](const std::map<std::string, std::string>& map, const std::string& name) {
    const auto found = map.find(name);
    return found == map.end() ? std::string() : found->second;
  };
  for (const NetworkLink& link : sample_.tables.links) {
    const std::string mac = wanted(thresholds_.mac, link.name);
    const std::string mtu = wanted(thresholds_.mtu, link.name);
    if (!mac.empty() && mac != link.mac) {
      Bad("InterfaceMisconfigured", link.name, "WrongMac",
          fmt::format("{} has the MAC {} and is to have {}", link.name, link.mac, mac));
    } else if (!mtu.empty() && ParseCount(mtu) != link.mtu) {
      Bad("InterfaceMisconfigured", link.name, "WrongMtu",
          fmt::format("{} has the MTU {} and is to have {}", link.name, link.mtu, mtu));
    } else if (const std::string addresses = wanted(thresholds_.addresses, link.name);
               !addresses.empty()) {
      JudgeAddresses(link, addresses);
    } else if (sample_.expected && link.physical()) {
      // Of other interfaces the addresses are handed to containers; the first one's is the host's.
      for (const ExpectedInterface& expected : *sample_.expected) {
        if (expected.mac != link.mac || expected.device_number != 0) continue;
        if (!expected.ipv4s.empty()) JudgeAddresses(link, expected.ipv4s.front());
      }
    }
  }
  OkUnlessBad("InterfaceMisconfigured", "AsExpected",
              "MAC, MTU and addresses are as the config and the metadata want them");
}

void Judge::JudgeDefaultRoute() {
  const auto has = [this](bool ipv6) {
    return std::ranges::any_of(
        sample_.tables.default_routes, [ipv6](const NetworkDefaultRoute& route) {
          return route.ipv6 == ipv6 && route.table == NetworkTables::kMainTable;
        });
  };
  if (!has(false) &&
      (history_.had_ipv4_default() || (thresholds_.require_default_route && !has(true)))) {
    Bad("DefaultRouteMissing", "ipv4", history_.had_ipv4_default() ? "Gone" : "NeverSeen",
        history_.had_ipv4_default() ? "the main table had an IPv4 default route and has none now"
                                    : "the main table has no default route, and is to have one");
  }
  if (history_.had_ipv6_default() && !has(true)) {
    Bad("DefaultRouteMissing", "ipv6", "Gone",
        "the main table had an IPv6 default route and has none now");
    // Where IPv4 carries the host, as on most, the other is not what it lives on.
    if (history_.had_ipv4_default()) Milder(Severity::kInfo);
  }
  OkUnlessBad("DefaultRouteMissing", "RouteThere",
              has(false) || has(true) ? "there is a default route"
                                      : "there was no default route, and none is required");
}

void Judge::JudgeRules() {
  if (thresholds_.policy_rules.empty()) return;
  for (const NetworkLink& link : sample_.tables.links) {
    if (!NameMatches(thresholds_.policy_rules, link.name) || !IsWatched(link, thresholds_)) {
      continue;
    }
    if (!link.up() || !HasGlobalIpv4(link.index) || HasRules(link.index)) continue;
    Bad("PolicyRuleMissing", link.name, "NoRule",
        fmt::format("no rule sends what comes from an address of {0} to a table whose default "
                    "route leads over {0}: answers leave by another interface",
                    link.name));
  }
  OkUnlessBad("PolicyRuleMissing", "RulesThere", "every interface named has its rule and route");
}

void Judge::JudgeReversePath() {
  if (sample_.rp_filter.empty()) return;
  std::vector<const NetworkLink*> homes;
  for (const NetworkLink& link : sample_.tables.links) {
    if (IsWatched(link, thresholds_) && link.up() && HasGlobalIpv4(link.index)) {
      homes.push_back(&link);
    }
  }
  const auto value = [this](const std::string& name) {
    const auto found = sample_.rp_filter.find(name);
    return found == sample_.rp_filter.end() ? 0 : found->second;
  };
  for (const NetworkLink* const link : homes) {
    if (homes.size() < 2 || HoldsMainDefault(link->index) || HasRules(link->index)) continue;
    // The larger of the two counts (ip-sysctl.rst): 1 is strict, 2 is loose.
    const int filter = std::max(value("all"), value(link->name));
    if (filter != 1) continue;
    Bad("ReversePathFilterStrict", link->name, "Strict",
        fmt::format("rp_filter of {0} is strict (1), and the route back to most of the world leads "
                    "over another interface: what comes in on {0} from elsewhere is dropped",
                    link->name));
  }
  OkUnlessBad("ReversePathFilterStrict", "NotStrict",
              "no interface drops what has its way back over another");
}

}  // namespace

std::vector<Condition> EvaluateNetwork(const NetworkSample& sample, const NetworkHistory& history,
                                       const NetworkThresholds& thresholds) {
  std::vector<Condition> conditions = Judge(sample, history, thresholds).Run();
  EvaluateNetworkCounters(sample, history, thresholds, &conditions);
  return conditions;
}

}  // namespace fleetmedic
