#include "stream/frame_findings.h"

namespace fleetmedic {

bool FrameFindings::Take(Finding finding) {
  const std::pair key{finding.rule, finding.condition.unit};
  const auto known = said_.find(key);
  if (known != said_.end() && known->second.times == 2) {
    findings_[known->second.last] = std::move(finding);
    return true;
  }
  if (known == said_.end() && said_.size() >= kUnitsMax) return false;
  Said& said = said_[key];
  said.last = findings_.size();
  ++said.times;
  findings_.push_back(std::move(finding));
  return true;
}

}  // namespace fleetmedic
