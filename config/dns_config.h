// [detectors.dns], with the defaults that ship.
#ifndef FLEETMEDIC_CONFIG_DNS_CONFIG_H_
#define FLEETMEDIC_CONFIG_DNS_CONFIG_H_

#include <string>

#include "base/time.h"

namespace fleetmedic {

struct DnsConfig {
  Millis interval = Seconds(30);
  Millis timeout = Seconds(2);
  std::string name = ".";  // the root's name servers, which every resolver knows
};

}  // namespace fleetmedic

#endif  // FLEETMEDIC_CONFIG_DNS_CONFIG_H_
