#include "detectors/network/network_detector.h"

#include <algorithm>
#include <utility>

#include "detectors/condition_types.h"
#include "detectors/proc_text.h"
#include "detectors/schedule.h"

namespace fleetmedic {
namespace {

constexpr size_t kFileBytesMax = 4096;

NetworkThresholds ThresholdsOf(const NetworkConfig& config) {
  NetworkThresholds thresholds;
  thresholds.interfaces = config.interfaces;
  thresholds.ignore = config.ignore;
  thresholds.mac = config.mac;
  thresholds.mtu = config.mtu;
  thresholds.addresses = config.addresses;
  thresholds.require_default_route = config.require_default_route;
  thresholds.policy_rules = config.policy_rules;
  thresholds.lost_for_max = config.lost_for_max;
  thresholds.carrier_changes_max = static_cast<uint64_t>(config.carrier_changes_max);
  thresholds.error_share = config.error_share;
  thresholds.drop_share = config.drop_share;
  thresholds.packets_min = static_cast<uint64_t>(config.packets_min);
  thresholds.allowance_packets_max = static_cast<uint64_t>(config.allowance_packets_max);
  return thresholds;
}

bool IsOfLimits(std::string_view type) {
  return type == "ConntrackTableFull" || type == "NeighbourTableFull" ||
         type == "EphemeralPortsLow" || type == "TcpListenOverflow";
}

}  // namespace

NetworkDetector::NetworkDetector(const Clock* clock, const HostConfig& host,
                                 const NetworkConfig& config,
                                 std::shared_ptr<const ExpectedInterfaces> expected,
                                 std::unique_ptr<NetworkSource> source)
    : clock_(clock),
      root_(host.root),
      config_(config),
      thresholds_(ThresholdsOf(config)),
      expected_(std::move(expected)),
      source_(std::move(source)),
      history_(config.window),
      limits_window_(config.window) {}

std::vector<std::string> NetworkDetector::types() const { return ConditionTypesOf("network"); }

void NetworkDetector::ReadReversePath() {
  sample_.rp_filter.clear();
  std::vector<std::string> names = {"all"};
  for (const NetworkLink& link : sample_.tables.links) {
    if (IsWatched(link, thresholds_) && link.up()) names.push_back(link.name);
  }
  if (names.size() < 3) return;  // with one way out there is no other
  if (names.size() > NetworkHistory::kInterfacesMax) names.resize(NetworkHistory::kInterfacesMax);
  for (const std::string& name : names) {
    const Result<std::string> text =
        root_.ReadFile("/proc/sys/net/ipv4/conf/" + name + "/rp_filter", kFileBytesMax);
    if (!text) continue;
    if (const auto value = ParseCount(*text)) {
      sample_.rp_filter[name] = static_cast<int>(std::min<uint64_t>(*value, 2));
    }
  }
}

void NetworkDetector::ReadAllowances() {
  sample_.allowances.clear();
  sample_.allowances_error.clear();
  std::vector<int> indexes;
  for (const NetworkLink& link : sample_.tables.links) {
    if (!link.physical() || !IsWatched(link, thresholds_)) continue;
    if (indexes.size() >= NetworkHistory::kInterfacesMax) break;
    indexes.push_back(link.index);
    const auto counters = source_->AllowanceCounters(link.name, link.index);
    if (!counters) {
      // One that went away meanwhile is the next look's.
      if (counters.error().code == Code::kPermissionDenied) {
        sample_.allowances_error = link.name + ": " + counters.error().message;
      }
      continue;
    }
    if (!counters->empty()) sample_.allowances[link.name] = *counters;
  }
  source_->KeepOnly(indexes);
}

void NetworkDetector::LookAtLimits(MonoTime now) {
  const NetworkLimitsSample sample = ReadNetworkLimits(root_);
  AddNetworkLimits(sample, now, &limits_window_);
  limits_ = EvaluateNetworkLimits(
      sample, limits_window_,
      {config_.conntrack_share, config_.conntrack_hard_share, config_.neighbours_share,
       config_.ports_share, static_cast<uint64_t>(config_.listen_overflows_max)});
}

std::vector<Condition> NetworkDetector::LookAtLinks(MonoTime now, MonoTime deadline, bool regular) {
  const bool rules = !thresholds_.policy_rules.empty() || regular;
  Result<NetworkTables> tables = source_->Tables(deadline, {.routes = true, .rules = rules});
  again_ = !tables.has_value();
  if (!tables) {
    if (tables.error().code == Code::kBusy && read_at_ && now - *read_at_ < kBusyMax) {
      return links_;
    }
    std::vector<std::string> of_links = types();
    std::erase_if(of_links, IsOfLimits);
    return UnknownConditions(of_links, links_, "CannotAskKernel", tables.error().message);
  }
  read_at_ = now;
  sample_.at = now;
  // Rules that were not asked for are as they were.
  if (!rules) tables->rules = std::move(sample_.tables.rules);
  sample_.tables = *std::move(tables);
  sample_.expected = expected_ == nullptr ? std::nullopt : expected_->Get(now);
  if (regular) {
    ReadReversePath();
    ReadAllowances();
  }
  history_.Add(sample_, thresholds_, regular);
  return EvaluateNetwork(sample_, history_, thresholds_);
}

Result<std::vector<Condition>> NetworkDetector::Probe(MonoTime deadline) {
  const MonoTime now = clock_->Mono();
  WatchedLinks watched;
  for (const auto& [name, known] : history_.interfaces()) watched.emplace(name, known.index);
  // A watch that fails leaves the regular looks; what it fails by, they will say.
  const bool changed = source_->Changed(watched, !thresholds_.policy_rules.empty()).value_or(true);
  const bool regular = !regular_at_ || now - *regular_at_ >= config_.look_every;
  if (changed || regular || again_) links_ = LookAtLinks(now, deadline, regular);
  if (regular) {
    LookAtLimits(now);
    regular_at_ = now;
  }
  std::vector<Condition> conditions = links_;
  conditions.insert(conditions.end(), limits_.begin(), limits_.end());
  return conditions;
}

}  // namespace fleetmedic
