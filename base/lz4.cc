#include "base/lz4.h"

#include <lz4.h>
#include <lz4frame.h>

#include <algorithm>
#include <memory>

namespace fleetmedic {
namespace {

// What is taken at first where a frame does not tell the length of its content.
constexpr size_t kFirstBytes = size_t{16} << 10;

struct FreeContext {
  void operator()(LZ4F_dctx* context) const { (void)LZ4F_freeDecompressionContext(context); }
};

tl::unexpected<Error> TooLong(const std::string& content, size_t content_bytes_max) {
  return Fail(Code::kFull, "the LZ4 frame holds " + content + ", more than the limit of " +
                               std::to_string(content_bytes_max) + " bytes");
}

tl::unexpected<Error> Refused(size_t code) {
  return Fail(Code::kCorrupt, std::string("not a sound LZ4 frame: ") + LZ4F_getErrorName(code));
}

tl::unexpected<Error> Truncated(size_t bytes) {
  return Fail(Code::kCorrupt, "the LZ4 frame is truncated: it goes on behind its " +
                                  std::to_string(bytes) + " bytes");
}

// Everything that `frame` holds from `read` on, into `content`, which has room for what the frame
// says it has.
Status DecompressBlocks(LZ4F_dctx* context, std::string_view frame, size_t read, bool told,
                        size_t content_bytes_max, std::string* content) {
  LZ4F_decompressOptions_t options{};
  // What was written stays where it is, so that later blocks may refer to it in place.
  options.stableDst = told ? 1 : 0;
  size_t written = 0;
  while (true) {
    size_t in = frame.size() - read;
    size_t out = content->size() - written;
    const size_t left = LZ4F_decompress(context, content->data() + written, &out,
                                        frame.data() + read, &in, &options);
    if (LZ4F_isError(left) != 0) return Refused(left);
    read += in;
    written += out;
    if (written > content_bytes_max) {
      return TooLong(std::to_string(written) + " bytes or more", content_bytes_max);
    }
    if (left == 0) break;
    if (in == 0 && out == 0 && (told || written < content->size())) return Truncated(frame.size());
    if (!told && written == content->size()) {
      content->resize(std::min(2 * written, content_bytes_max + 1));
    }
  }
  if (read != frame.size()) {
    return Fail(Code::kCorrupt,
                std::to_string(frame.size() - read) + " bytes follow the LZ4 frame");
  }
  content->resize(written);
  return {};
}

}  // namespace

std::string Lz4Compress(std::string_view content) {
  LZ4F_preferences_t preferences{};
  preferences.frameInfo.blockSizeID = LZ4F_max256KB;
  preferences.frameInfo.blockMode = LZ4F_blockIndependent;
  preferences.frameInfo.contentSize = content.size();
  std::string frame(LZ4F_compressFrameBound(content.size(), &preferences), '\0');
  const size_t bytes =
      LZ4F_compressFrame(frame.data(), frame.size(), content.data(), content.size(), &preferences);
  // The bound is the library's own; only a lack of memory could be in its way.
  FLEETMEDIC_CHECK(LZ4F_isError(bytes) == 0);
  frame.resize(bytes);
  return frame;
}

Result<std::string> Lz4Decompress(std::string_view frame, size_t content_bytes_max) {
  LZ4F_dctx* made = nullptr;
  if (LZ4F_isError(LZ4F_createDecompressionContext(&made, LZ4F_VERSION)) != 0) {
    return Fail(Code::kFull, "no memory to read an LZ4 frame");
  }
  const std::unique_ptr<LZ4F_dctx, FreeContext> context(made);
  LZ4F_frameInfo_t info{};
  size_t read = frame.size();
  if (frame.size() < LZ4F_MIN_SIZE_TO_KNOW_HEADER_LENGTH) {
    return Fail(Code::kCorrupt,
                "the LZ4 frame is truncated: it has " + std::to_string(frame.size()) + " bytes");
  }
  const size_t header = LZ4F_headerSize(frame.data(), frame.size());
  if (LZ4F_isError(header) != 0) return Refused(header);
  if (frame.size() < header) return Truncated(frame.size());
  const size_t next = LZ4F_getFrameInfo(context.get(), &info, frame.data(), &read);
  if (LZ4F_isError(next) != 0) return Refused(next);
  if (info.frameType == LZ4F_skippableFrame) {
    return Fail(Code::kCorrupt, "not a sound LZ4 frame: one of a user, to be skipped");
  }
  if (info.dictID != 0) {
    return Fail(Code::kUnsupported,
                "the LZ4 frame needs the dictionary " + std::to_string(info.dictID));
  }
  if (info.contentSize > content_bytes_max) {
    return TooLong(std::to_string(info.contentSize) + " bytes", content_bytes_max);
  }
  const bool told = info.contentSize != 0;
  // One byte more than is right, so that a longer content is seen.
  std::string content(told ? info.contentSize + 1 : std::min(kFirstBytes, content_bytes_max + 1),
                      '\0');
  FLEETMEDIC_RETURN_IF_ERROR(
      DecompressBlocks(context.get(), frame, read, told, content_bytes_max, &content));
  return content;
}

Result<std::string> Lz4DecompressBlock(std::string_view block, size_t content_bytes) {
  if (block.size() > LZ4_MAX_INPUT_SIZE || content_bytes > LZ4_MAX_INPUT_SIZE) {
    return Fail(Code::kFull, "the LZ4 block is longer than the format can tell");
  }
  std::string content(content_bytes, '\0');
  const int bytes =
      LZ4_decompress_safe(block.data(), content.data(), static_cast<int>(block.size()),
                          static_cast<int>(content.size()));
  if (bytes < 0 || static_cast<size_t>(bytes) != content_bytes) {
    return Fail(Code::kCorrupt,
                "not an LZ4 block of " + std::to_string(content_bytes) + " bytes of content");
  }
  return content;
}

}  // namespace fleetmedic
