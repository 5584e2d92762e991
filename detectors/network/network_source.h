// Where the network detector looks.
#ifndef FLEETMEDIC_DETECTORS_NETWORK_NETWORK_SOURCE_H_
#define FLEETMEDIC_DETECTORS_NETWORK_NETWORK_SOURCE_H_

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "detectors/network/network_types.h"
#include "detectors/network/rtnetlink_socket.h"

namespace fleetmedic {

// Called by the detector's thread alone.
class NetworkSource {
 public:
  virtual ~NetworkSource() = default;
  // As NetworkWatch::Changed.
  virtual Result<bool> Changed(const WatchedLinks& watched, bool rules) = 0;
  // As ReadNetworkTables.
  virtual Result<NetworkTables> Tables(MonoTime deadline, NetworkParts parts) = 0;
  // As EthtoolReader's.
  virtual Result<std::map<std::string, uint64_t>> AllowanceCounters(const std::string& interface,
                                                                    int index) = 0;
  virtual void KeepOnly(const std::vector<int>& indexes) = 0;
};

// The kernel, for the network namespace of the thread that calls it. `clock` is not owned.
std::unique_ptr<NetworkSource> MakeKernelNetworkSource(const Clock* clock);

}  // namespace fleetmedic

#endif  // FLEETMEDIC_DETECTORS_NETWORK_NETWORK_SOURCE_H_
