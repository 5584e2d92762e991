#include "stream/fleet_hosts.h"

#include <algorithm>

namespace fleetmedic {
namespace {

// The longest window, and a minute that may be under way.
constexpr Millis kForgetAfter = Minutes(61);

}  // namespace

std::set<std::string> WorkOf(const ExecutorReport& report) {
  std::set<std::string> work;
  for (const TaskStatus& task : report.tasks) work.insert("job=" + task.job.str());
  return work;
}

void FleetHosts::TakeFacts(const HostFacts& facts, WallTime at) { table_.SetFacts(facts, at); }

void FleetHosts::TakeWork(const ExecutorReport& report, WallTime at) {
  if (report.complete) table_.SetWork(report.host, WorkOf(report), at);
}

void FleetHosts::Heard(const HostId& host, WallTime at) {
  const std::optional<HostIndex> index = table_.Add(host);
  if (!index) return;
  if (heard_at_.size() <= *index) heard_at_.resize(table_.index_end(), kWallNever);
  heard_at_[*index] = std::max(heard_at_[*index], at);
}

void FleetHosts::AssumeReporting(uint32_t hosts, WallTime until) {
  assumed_ = hosts;
  assumed_until_ = until;
}

std::vector<HostIndex> FleetHosts::EndOfMinute(WallTime now) {
  reporting_ = 0;
  for (HostIndex index = 0; index < heard_at_.size(); ++index) {
    if (heard_at_[index] == kWallNever) continue;
    if (heard_at_[index] + kGoneAfter >= now) {
      ++reporting_;
    } else {
      heard_at_[index] = kWallNever;
      table_.Remove(table_.Host(index), now);
    }
  }
  const std::vector<HostIndex> forgotten = table_.Forget(now - kForgetAfter);
  for (const HostIndex index : forgotten) {
    if (index < heard_at_.size()) heard_at_[index] = kWallNever;
  }
  return forgotten;
}

uint32_t FleetHosts::reporting(WallTime now) const {
  return now < assumed_until_ ? std::max(reporting_, assumed_) : reporting_;
}

FactColumn FleetHosts::ColumnOf(std::string_view key) const {
  const std::optional<KeyNumber> number = table_.FindKey(key);
  if (!number) return {key, {}, 0};
  return {key, table_.Column(*number), table_.values_end(*number)};
}

FleetFacts FleetHosts::Facts(WallTime now) const {
  FleetFacts facts;
  facts.hosts_end = table_.index_end();
  facts.hosts_reporting = reporting(now);
  facts.rack = ColumnOf("rack");
  for (const std::string_view key : kCohortKeys) facts.cohorts.push_back(ColumnOf(key));
  return facts;
}

std::vector<FactColumn> FleetHosts::ScopeColumns() const {
  std::vector<FactColumn> columns;
  for (const std::string_view key : kScopeKeys) columns.push_back(ColumnOf(key));
  return columns;
}

}  // namespace fleetmedic
