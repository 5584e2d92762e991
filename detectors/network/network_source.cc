#include "detectors/network/network_source.h"

#include "detectors/network/ethtool.h"

namespace fleetmedic {
namespace {

class KernelNetworkSource final : public NetworkSource {
 public:
  explicit KernelNetworkSource(const Clock* clock) : clock_(clock) {}

  Result<bool> Changed(const WatchedLinks& watched, bool rules) override {
    return watch_.Changed(watched, rules);
  }
  Result<NetworkTables> Tables(MonoTime deadline, NetworkParts parts) override {
    return ReadNetworkTables(*clock_, deadline, parts);
  }
  Result<std::map<std::string, uint64_t>> AllowanceCounters(const std::string& interface,
                                                            int index) override {
    return ethtool_.AllowanceCounters(interface, index);
  }
  void KeepOnly(const std::vector<int>& indexes) override { ethtool_.KeepOnly(indexes); }

 private:
  const Clock* const clock_;
  NetworkWatch watch_;
  EthtoolReader ethtool_;
};

}  // namespace

std::unique_ptr<NetworkSource> MakeKernelNetworkSource(const Clock* clock) {
  return std::make_unique<KernelNetworkSource>(clock);
}

}  // namespace fleetmedic
