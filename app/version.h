#ifndef FLEETMEDIC_APP_VERSION_H_
#define FLEETMEDIC_APP_VERSION_H_

#include <string_view>

namespace fleetmedic {

inline constexpr std::string_view kVersion = FLEETMEDIC_VERSION;

}  // namespace fleetmedic

#endif  // FLEETMEDIC_APP_VERSION_H_
