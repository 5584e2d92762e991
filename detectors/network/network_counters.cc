#include <algorithm>

#include <fmt/format.h>

#include "detectors/condition_types.h"
#include "detectors/network/network_evaluate.h"

namespace fleetmedic {
namespace {

struct Direction {
  std::string_view unit;  // "rx", "tx"
  std::string_view what;
};
constexpr Direction kDirections[] = {{"rx", "received"}, {"tx", "sent"}};

class CounterJudge {
 public:
  CounterJudge(const CounterWindow& counters, const NetworkThresholds& thresholds,
               std::vector<Condition>* conditions)
      : counters_(counters), thresholds_(thresholds), conditions_(conditions) {}

  void Flaps(const std::string& name) {
    const uint64_t changes = Growth(name, "carrier");
    if (changes < thresholds_.carrier_changes_max) return;
    Bad("InterfaceFlapping", name, "CarrierChanges",
        fmt::format("the carrier of {} changed {} times within {} (told from {} on)", name, changes,
                    Window(), thresholds_.carrier_changes_max));
  }

  void Shares(const std::string& name, std::string_view type, std::string_view counter,
              double share_max) {
    for (const Direction& direction : kDirections) {
      const uint64_t bad = Growth(name, fmt::format("{}_{}", direction.unit, counter));
      const uint64_t packets = Growth(name, fmt::format("{}_packets", direction.unit));
      // What was dropped or broken is not among the packets.
      const uint64_t all = packets + bad;
      if (all < thresholds_.packets_min) continue;
      const double share = static_cast<double>(bad) / static_cast<double>(all);
      if (share < share_max) continue;
      Bad(type, name, direction.unit == "rx" ? "Receive" : "Send",
          fmt::format("{} of {} packets that {} {} within {} were {} ({:.2f} %, told from {:.2f} % "
                      "on)",
                      bad, all, name, direction.what, Window(), counter, share * 100,
                      share_max * 100));
      return;
    }
  }

  void Allowances(const std::string& name, const std::map<std::string, uint64_t>& values) {
    for (const auto& [counter, value] : values) {
      const uint64_t packets = Growth(name, counter);
      if (packets < thresholds_.allowance_packets_max) continue;
      const bool connections = counter == "conntrack_allowance_exceeded";
      const bool local = counter == "linklocal_allowance_exceeded";
      Bad("EnaAllowanceExceeded", fmt::format("{}/{}", name, counter),
          connections ? "ConnectionsDropped"
          : local     ? "LocalServicesDropped"
                      : "TrafficShaped",
          fmt::format("{} grew by {} packets within {} on {} (told from {} on)", counter, packets,
                      Window(), name, thresholds_.allowance_packets_max));
      // More traffic than was paid for slows the host; it breaks nothing.
      if (!connections && !local) conditions_->back().severity = Severity::kInfo;
    }
  }

  void OkUnlessBad(std::string_view type, std::string_view reason, std::string_view message) {
    if (std::ranges::find(*conditions_, type, &Condition::type) != conditions_->end()) return;
    conditions_->push_back(MakeCondition(type, "", Verdict::kOk, reason,
                                         std::string(message) + " within " + Window()));
  }

 private:
  uint64_t Growth(const std::string& name, std::string_view counter) const {
    return counters_.Growth(fmt::format("{}/{}", name, counter));
  }
  std::string Window() const { return FormatDuration(counters_.window()); }
  void Bad(std::string_view type, std::string_view unit, std::string_view reason,
           std::string message) {
    conditions_->push_back(MakeCondition(type, unit, Verdict::kBad, reason, std::move(message)));
  }

  const CounterWindow& counters_;
  const NetworkThresholds& thresholds_;
  std::vector<Condition>* const conditions_;
};

}  // namespace

void EvaluateNetworkCounters(const NetworkSample& sample, const NetworkHistory& history,
                             const NetworkThresholds& thresholds,
                             std::vector<Condition>* conditions) {
  CounterJudge judge(history.counters(), thresholds, conditions);
  for (const auto& [name, known] : history.interfaces()) {
    if (known.lost_at) continue;
    judge.Flaps(name);
    judge.Shares(name, "InterfaceErrors", "errors", thresholds.error_share);
    judge.Shares(name, "InterfaceDrops", "dropped", thresholds.drop_share);
  }
  judge.OkUnlessBad("InterfaceFlapping", "Steady", "no carrier came and went");
  judge.OkUnlessBad("InterfaceErrors", "FewErrors", "few packets were broken");
  judge.OkUnlessBad("InterfaceDrops", "FewDrops", "few packets were dropped");
  for (const auto& [name, values] : sample.allowances) judge.Allowances(name, values);
  if (!sample.allowances_error.empty()) {
    conditions->push_back(MakeCondition("EnaAllowanceExceeded", "", Verdict::kUnknown, "CannotRead",
                                        sample.allowances_error));
  } else if (!sample.allowances.empty()) {
    judge.OkUnlessBad("EnaAllowanceExceeded", "WithinAllowance",
                      "no limit of the instance was exceeded");
  }
}

}  // namespace fleetmedic
