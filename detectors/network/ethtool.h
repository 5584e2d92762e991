// The statistics that a driver keeps for ethtool -S. Reading them needs no right.
#ifndef FLEETMEDIC_DETECTORS_NETWORK_ETHTOOL_H_
#define FLEETMEDIC_DETECTORS_NETWORK_ETHTOOL_H_

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"

namespace fleetmedic {

// The number of packets that EC2 shaped or dropped for one limit of the instance: those of the ENA
// driver 2.2.10 and later (Amazon EC2 User Guide, "Monitor network performance for ENA settings on
// your EC2 instance").
bool IsAllowanceCounter(std::string_view name);

// `strings`: the names of ETHTOOL_GSTRINGS, kEthtoolNameBytes each. Pure.
constexpr size_t kEthtoolNameBytes = 32;  // ETH_GSTRING_LEN
constexpr size_t kEthtoolCountersMax = 8192;
std::map<size_t, std::string> AllowanceCounterPlaces(std::string_view strings);

// Of one network namespace: that of the thread that asks first. Owned by one thread.
class EthtoolReader {
 public:
  // The allowance counters of an interface by name; empty where its driver has none. `index` tells
  // an interface from another of its name: the names of its counters are asked once.
  Result<std::map<std::string, uint64_t>> AllowanceCounters(const std::string& interface,
                                                            int index);

  // Forgets the interfaces whose index is not in the list.
  void KeepOnly(const std::vector<int>& indexes);

 private:
  struct Layout {
    uint32_t counters = 0;  // of all
    std::map<size_t, std::string> places;
  };

  Result<Layout> AskLayout(const std::string& interface) const;
  Status Call(const std::string& interface, void* request) const;

  UniqueFd socket_;
  std::map<int, Layout> layouts_;
};

}  // namespace fleetmedic

#endif  // FLEETMEDIC_DETECTORS_NETWORK_ETHTOOL_H_
