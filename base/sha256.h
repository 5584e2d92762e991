// The SHA-256 of a text (FIPS 180-4): for names that follow from content and for hash chains.
#ifndef FLEETMEDIC_BASE_SHA256_H_
#define FLEETMEDIC_BASE_SHA256_H_

#include <string>
#include <string_view>

namespace fleetmedic {

// 64 lower-case hexadecimal digits. Thread-safe.
std::string Sha256Hex(std::string_view bytes);

}  // namespace fleetmedic

#endif  // FLEETMEDIC_BASE_SHA256_H_
