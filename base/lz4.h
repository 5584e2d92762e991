// LZ4 frames (the LZ4 Frame Format of lz4.org, what the program lz4 reads and writes), whole and in
// memory. Thread-safe.
#ifndef FLEETMEDIC_BASE_LZ4_H_
#define FLEETMEDIC_BASE_LZ4_H_

#include <cstddef>
#include <string>
#include <string_view>

#include "base/result.h"

namespace fleetmedic {

// One frame that tells the length of its content, without a checksum: whoever carries it has one.
std::string Lz4Compress(std::string_view content);

// The content of one frame, by whatever compressor. A content of more than content_bytes_max is
// kFull, told from the frame's header where that says so and else as soon as it is passed: never
// more memory is taken than that and the 8 MiB that the format's largest blocks need. kCorrupt with
// what is wrong for anything that is no frame, ends too soon, breaks a checksum or goes on behind
// the frame; kUnsupported for a frame that needs a dictionary.
Result<std::string> Lz4Decompress(std::string_view frame, size_t content_bytes_max);

// The content of one block without a frame (the LZ4 Block Format), of which somebody else tells
// how long its content is. kCorrupt for a block that holds more, less, or is none.
Result<std::string> Lz4DecompressBlock(std::string_view block, size_t content_bytes);

}  // namespace fleetmedic

#endif  // FLEETMEDIC_BASE_LZ4_H_
