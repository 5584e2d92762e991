// Zstandard frames (RFC 8878), whole and in memory. Thread-safe.
#ifndef FLEETMEDIC_BASE_ZSTD_H_
#define FLEETMEDIC_BASE_ZSTD_H_

#include <cstddef>
#include <string>
#include <string_view>

#include "base/result.h"

namespace fleetmedic {

// The content of frames that tell its length, as systemd-journald's and every one-shot
// compressor's do. A content of more than content_bytes_max is kFull, told before anything is
// decompressed; kUnsupported for a frame that does not tell the length or needs a dictionary;
// kCorrupt with what is wrong for all else.
Result<std::string> ZstdDecompress(std::string_view frame, size_t content_bytes_max);

}  // namespace fleetmedic

#endif  // FLEETMEDIC_BASE_ZSTD_H_
