// What one frame led to, in the order of its lines and bounded. Pure.
#ifndef FLEETMEDIC_STREAM_FRAME_FINDINGS_H_
#define FLEETMEDIC_STREAM_FRAME_FINDINGS_H_

#include <cstddef>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "model/finding.h"

namespace fleetmedic {

// A link that goes down and up a thousand times within a frame is told twice: as it first was and
// as it is at the end. The last word of a rule on a unit is never the one that is left out.
class FrameFindings {
 public:
  // Pairs of a rule and a unit in one frame, with at most two findings each; what is beyond is not
  // kept. Only hostile text makes so many: each tells of itself once in many lines.
  static constexpr size_t kUnitsMax = 200;

  // False where a finding was left out for the limit.
  bool Take(Finding finding);

  // In the order of the lines, as far as it matters: for each rule and unit.
  const std::vector<Finding>& Settled() const { return findings_; }

 private:
  struct Said {
    size_t last = 0;  // in findings_
    int times = 0;
  };
  std::vector<Finding> findings_;
  std::map<std::pair<std::string, std::string>, Said> said_;  // by rule and unit
};

}  // namespace fleetmedic

#endif  // FLEETMEDIC_STREAM_FRAME_FINDINGS_H_
