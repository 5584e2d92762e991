#include "stream/issue_why.h"

#include <vector>

#include "stream/attribution.h"
#include "stream/why_text.h"

namespace fleetmedic {

void ExplainIssue(const HostTable& table, std::span<const HostHit> hits, WallTime now,
                  FleetIssue* issue) {
  std::vector<HostIndex> hosts;
  std::vector<WallTime> firsts;
  for (const HostHit& hit : hits) {
    hosts.push_back(hit.host);
    firsts.push_back(hit.first);
  }
  const Why why =
      ExplainHosts(table, {.hit = hosts, .first_hits = firsts, .population = {}, .now = now});
  issue->causes = IssueCauses(why);
  issue->not_different = why.not_different;
  if (issue->not_different.size() > FleetIssue::kNotDifferentMax) {
    issue->not_different.resize(FleetIssue::kNotDifferentMax);
  }
  issue->why = WhyText(why);
  issue->response =
      "Drains of these hosts that are part of it are held until it closes; a person may still "
      "drain one by name.";
}

}  // namespace fleetmedic
