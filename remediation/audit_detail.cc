#include "remediation/audit_detail.h"

namespace fleetmedic {
namespace {

Json NameList(const std::string& name) {
  return name.empty() ? Json(Json::Array{}) : Json(Json::Array{Json(name)});
}

}  // namespace

Json HostDetail(const HostRecord& record) {
  Json blast;
  blast.Set("hosts", 1);
  const int tasks = record.tasks_left >= 0 ? record.tasks_left : record.tasks_total;
  if (tasks >= 0) blast.Set("tasks", tasks);
  // Until its agent has told, its pool and cell are only the defaults.
  blast.Set("pools", NameList(record.facts_known ? record.facts.pool : ""));
  blast.Set("cells", NameList(record.facts_known ? record.facts.cell : ""));
  Json detail;
  detail.Set("episode", record.episode);
  detail.Set("blast", std::move(blast));
  return detail;
}

Json IssueDetail(const FleetIssue& issue) {
  Json blast;
  blast.Set("hosts", issue.hosts_total);
  blast.Set("pools", NameList(issue.scope.fact == "pool" ? issue.scope.value : ""));
  blast.Set("cells", NameList(issue.scope.fact == "cell" ? issue.scope.value : ""));
  Json detail;
  detail.Set("title", issue.Title());
  if (issue.state == IssueState::kClosed) detail.Set("ends", true);
  detail.Set("blast", std::move(blast));
  return detail;
}

Json BrakeDetail(const BrakeCause& cause) {
  Json blast(Json::Object{});
  // The level of any other cause is a number of hosts.
  if (cause.cause != "log_lag") blast.Set("hosts", cause.level);
  Json detail;
  detail.Set("cause", cause.cause);
  detail.Set("level", cause.level);
  detail.Set("blast", std::move(blast));
  return detail;
}

}  // namespace fleetmedic
