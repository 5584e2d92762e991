// [detectors.imds], with the defaults that ship.
#ifndef FLEETMEDIC_CONFIG_IMDS_CONFIG_H_
#define FLEETMEDIC_CONFIG_IMDS_CONFIG_H_

#include <string>

#include "base/time.h"

namespace fleetmedic {

struct ImdsConfig {
  Millis interval = Seconds(10);
  Millis interfaces_every = Minutes(1);  // the interfaces are asked for less often
  std::string address;                   // "ADDRESS:PORT"; empty: EC2's, where DMI says EC2
  Millis missing_grace = Seconds(30);    // an interface that was attached is coming up
  bool interfaces_leave = false;         // they are handed into containers' namespaces
  bool unused_addresses = false;         // told; a CNI keeps some in hand
};

}  // namespace fleetmedic

#endif  // FLEETMEDIC_CONFIG_IMDS_CONFIG_H_
