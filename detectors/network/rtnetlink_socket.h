// Asking the kernel for its links, addresses, routes and rules. Reading them needs no right.
#ifndef FLEETMEDIC_DETECTORS_NETWORK_RTNETLINK_SOCKET_H_
#define FLEETMEDIC_DETECTORS_NETWORK_RTNETLINK_SOCKET_H_

#include <string>

#include "base/clock.h"
#include "base/result.h"
#include "base/unique_fd.h"
#include "detectors/network/network_types.h"
#include "detectors/network/rtnetlink.h"

namespace fleetmedic {

struct NetworkParts {
  bool routes = true;
  bool rules = true;
};

// Everything of the calling thread's network namespace. kBusy: it changed under every attempt;
// kDeadlineExceeded, kPermissionDenied and others: could not be asked.
Result<NetworkTables> ReadNetworkTables(const Clock& clock, MonoTime deadline, NetworkParts parts);

// Hears of changes from its first use on. Owned by one thread, whose network namespace it is of.
class NetworkWatch {
 public:
  // Whether something that matters changed since the last call, or may have: notices that were
  // lost count. Never waits. The first call is true.
  Result<bool> Changed(const WatchedLinks& watched, bool rules);

 private:
  Status Open(bool rules);

  UniqueFd socket_;
  std::string buffer_;
};

}  // namespace fleetmedic

#endif  // FLEETMEDIC_DETECTORS_NETWORK_RTNETLINK_SOCKET_H_
