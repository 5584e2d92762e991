// How the spool writes a record on the disk. Pure.
#ifndef FLEETMEDIC_DETECTORS_REPORT_SPOOL_RECORD_H_
#define FLEETMEDIC_DETECTORS_REPORT_SPOOL_RECORD_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"
#include "eventlog/event_log.h"

namespace fleetmedic {

// What is kept beside the record itself.
struct SpoolEntry {
  Topic topic = Topic::kLogs;
  std::string state_key;  // empty for log frames
  uint32_t lines = 0;
  Record record;

  bool operator==(const SpoolEntry&) const = default;
};

// u32 length of the payload, u32 CRC-32C of it; little endian.
constexpr size_t kSpoolHeaderBytes = 8;
// A record at its limits, with its headers.
constexpr size_t kSpoolPayloadBytesMax = size_t{2} << 20;

// Header and payload, appended to `out`.
void AppendSpoolEntry(const SpoolEntry& entry, std::string* out);

struct SpoolHeader {
  uint32_t payload_bytes = 0;
  uint32_t crc = 0;
};
// kCorrupt where the length cannot be right: what follows cannot be found. Requires
// kSpoolHeaderBytes of bytes.
Result<SpoolHeader> ReadSpoolHeader(std::string_view bytes);

// kCorrupt where the payload is not the one that the header was written for.
Result<SpoolEntry> ReadSpoolPayload(const SpoolHeader& header, std::string_view payload);

}  // namespace fleetmedic

#endif  // FLEETMEDIC_DETECTORS_REPORT_SPOOL_RECORD_H_
