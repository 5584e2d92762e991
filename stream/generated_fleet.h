// A fleet that nobody has, for simulations and benches: facts as skewed and as entangled as real
// ones are. Not a part of the program.
#ifndef FLEETMEDIC_STREAM_GENERATED_FLEET_H_
#define FLEETMEDIC_STREAM_GENERATED_FLEET_H_

#include <cstdint>

#include "base/random.h"
#include "stream/host_table.h"

namespace fleetmedic {

struct GeneratedFleetOptions {
  int hosts = 7000;
  int racks = 200;
  // Of hosts that lately got the newest kernel of their image, and of jobs that started.
  double changed_share = 0.03;
  bool has_work = true;
};

// About 30 keys with 700 values, whatever the number of hosts. Zones are made of rows and rows of
// racks, an image has one kernel but for hosts upgraded in place, an instance type its processor
// and network card, a pool its favourite instance types and jobs; one value of a key often has half
// of the hosts, and many have few. Hosts became known two hours before `now` and changed within
// the hour.
HostTable GenerateFleet(const GeneratedFleetOptions& options, WallTime now, Random* random);

}  // namespace fleetmedic

#endif  // FLEETMEDIC_STREAM_GENERATED_FLEET_H_
