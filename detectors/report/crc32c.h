// CRC-32C (Castagnoli, RFC 3720 appendix B.4): finds torn and flipped records in the spool.
#ifndef FLEETMEDIC_DETECTORS_REPORT_CRC32C_H_
#define FLEETMEDIC_DETECTORS_REPORT_CRC32C_H_

#include <array>
#include <cstdint>
#include <string_view>

namespace fleetmedic {

constexpr std::array<uint32_t, 256> MakeCrc32cTable() {
  std::array<uint32_t, 256> table{};
  for (uint32_t i = 0; i < 256; ++i) {
    uint32_t value = i;
    for (int bit = 0; bit < 8; ++bit) value = (value >> 1) ^ ((value & 1) ? 0x82F63B78u : 0u);
    table[i] = value;
  }
  return table;
}

// Crc32c("123456789") is 0xE3069283.
constexpr uint32_t Crc32c(std::string_view bytes) {
  constexpr std::array<uint32_t, 256> kTable = MakeCrc32cTable();
  uint32_t crc = 0xFFFFFFFFu;
  for (const char byte : bytes) {
    crc = (crc >> 8) ^ kTable[(crc ^ static_cast<uint8_t>(byte)) & 0xFF];
  }
  return ~crc;
}

static_assert(Crc32c("123456789") == 0xE3069283u);

}  // namespace fleetmedic

#endif  // FLEETMEDIC_DETECTORS_REPORT_CRC32C_H_
