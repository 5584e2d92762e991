#include "base/zstd.h"

#include <zstd.h>

namespace fleetmedic {

Result<std::string> ZstdDecompress(std::string_view frame, size_t content_bytes_max) {
  const unsigned long long told = ZSTD_getFrameContentSize(frame.data(), frame.size());
  if (told == ZSTD_CONTENTSIZE_ERROR) {
    return Fail(Code::kCorrupt, "not a sound Zstandard frame: no header");
  }
  if (told == ZSTD_CONTENTSIZE_UNKNOWN) {
    return Fail(Code::kUnsupported, "the Zstandard frame does not tell the length of its content");
  }
  if (told > content_bytes_max) {
    return Fail(Code::kFull, "the Zstandard frame holds " + std::to_string(told) +
                                 " bytes, more than the limit of " +
                                 std::to_string(content_bytes_max) + " bytes");
  }
  if (const unsigned dictionary = ZSTD_getDictID_fromFrame(frame.data(), frame.size());
      dictionary != 0) {
    return Fail(Code::kUnsupported,
                "the Zstandard frame needs the dictionary " + std::to_string(dictionary));
  }
  std::string content(told, '\0');
  const size_t bytes = ZSTD_decompress(content.data(), content.size(), frame.data(), frame.size());
  if (ZSTD_isError(bytes) != 0) {
    return Fail(Code::kCorrupt,
                std::string("not a sound Zstandard frame: ") + ZSTD_getErrorName(bytes));
  }
  content.resize(bytes);
  return content;
}

}  // namespace fleetmedic
