#include "tests/fuzz/targets.h"

#include <vector>

namespace fleetmedic {

std::span<const FuzzTarget> FuzzTargets() {
  static const std::vector<FuzzTarget> targets = [] {
    std::vector<FuzzTarget> all;
    for (const std::span<const FuzzTarget> table :
         {ConfigFuzzTargets(), ModelFuzzTargets(), HostFuzzTargets(), DetectorFuzzTargets(),
          StreamFuzzTargets()}) {
      all.insert(all.end(), table.begin(), table.end());
    }
    return all;
  }();
  return targets;
}

}  // namespace fleetmedic
