// Debian's packages of what others use, unpacked and not installed.
#ifndef FLEETMEDIC_BENCH_PEER_PACKAGES_H_
#define FLEETMEDIC_BENCH_PEER_PACKAGES_H_

#include <span>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/result.h"

namespace fleetmedic {

// Downloads the packages with apt-get and unpacks them below `folder` with dpkg, once. The answer
// is the folder that stands for their root; an error says why they cannot be had.
Result<std::string> UnpackPackages(std::span<const std::string_view> packages,
                                   const std::string& folder, const Clock& clock);

}  // namespace fleetmedic

#endif  // FLEETMEDIC_BENCH_PEER_PACKAGES_H_
