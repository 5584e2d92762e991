// What the instance metadata means for the host. Pure.
#ifndef FLEETMEDIC_DETECTORS_IMDS_IMDS_EVALUATE_H_
#define FLEETMEDIC_DETECTORS_IMDS_IMDS_EVALUATE_H_

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"
#include "detectors/imds/imds_client.h"
#include "detectors/network/network_types.h"
#include "model/condition.h"

namespace fleetmedic {

// Files of /sys/class/dmi/id; empty where there is none.
struct DmiText {
  std::string sys_vendor;
  std::string board_vendor;
  std::string board_asset_tag;
  std::string bios_version;
};

// Amazon EC2 User Guide, "Detect whether a host is an EC2 instance": the vendor of Nitro instances
// is "Amazon EC2" and their asset tag the instance's id; Xen instances have a BIOS of Amazon's. The
// UUID alone is not taken: others may begin with the same letters.
bool IsEc2(const DmiText& dmi);

struct ImdsSample {
  MonoTime at{};
  ImdsAnswers answers;
  // The newest interfaces, of this look or one before.
  std::optional<std::vector<ExpectedInterface>> expected;
  std::optional<NetworkTables> kernel;
  std::string kernel_error;
};

struct ImdsThresholds {
  // An interface that was attached needs this long to come up.
  Millis missing_grace = Seconds(30);
  // Interfaces beside the first are handed into containers' namespaces, where we do not see them.
  bool interfaces_leave = false;
  // Addresses that the metadata lists and no interface has are told.
  bool unused_addresses = false;
};

// Since when interfaces are missing, by MAC.
class ImdsHistory {
 public:
  void Add(const ImdsSample& sample);
  std::optional<MonoTime> MissingSince(const std::string& mac) const;
  bool AnyMissing() const { return !missing_.empty(); }

 private:
  std::map<std::string, MonoTime> missing_;
};

// `history` holds the sample already.
std::vector<Condition> EvaluateImds(const ImdsSample& sample, const ImdsHistory& history,
                                    const ImdsThresholds& thresholds);

}  // namespace fleetmedic

#endif  // FLEETMEDIC_DETECTORS_IMDS_IMDS_EVALUATE_H_
