#include "base/lz4.h"

#include <lz4frame.h>

#include <gtest/gtest.h>

#include "base/random.h"

namespace fleetmedic {
namespace {

constexpr size_t kLimit = size_t{1} << 20;

// A frame as other compressors write it: blocks that refer to earlier ones, checksums, and no word
// about the length.
std::string OtherFrame(std::string_view content, LZ4F_blockMode_t mode = LZ4F_blockLinked) {
  LZ4F_preferences_t preferences{};
  preferences.frameInfo.blockSizeID = LZ4F_max64KB;
  preferences.frameInfo.blockMode = mode;
  preferences.frameInfo.contentChecksumFlag = LZ4F_contentChecksumEnabled;
  preferences.frameInfo.blockChecksumFlag = LZ4F_blockChecksumEnabled;
  std::string frame(LZ4F_compressFrameBound(content.size(), &preferences), '\0');
  frame.resize(
      LZ4F_compressFrame(frame.data(), frame.size(), content.data(), content.size(), &preferences));
  return frame;
}

std::string SomeText(size_t bytes) {
  Random random(7);
  std::string text;
  while (text.size() < bytes) {
    text += "line " + std::to_string(random.Below(100'000)) + " of the log\n";
  }
  text.resize(bytes);
  return text;
}

Error ErrorOf(std::string_view frame, size_t limit = kLimit) {
  const Result<std::string> content = Lz4Decompress(frame, limit);
  return content ? Error{Code::kIo, "taken"} : content.error();
}

TEST(Lz4, ReadsBackWhatItWrote) {
  for (const size_t bytes : {0, 1, 100, 16'383, 16'384, 70'000, 262'144, 262'145, 1'000'000}) {
    const std::string text = SomeText(bytes);
    EXPECT_EQ(Lz4Decompress(Lz4Compress(text), kLimit), text) << bytes;
    EXPECT_EQ(Lz4Decompress(Lz4Compress(text), bytes), text) << bytes;
  }
  EXPECT_LT(Lz4Compress(SomeText(100'000)).size(), 60'000u);
}

TEST(Lz4, ReadsFramesOfOtherCompressors) {
  for (const size_t bytes : {0, 1, 16'384, 65'536, 65'537, 300'000, 1'000'000}) {
    const std::string text = SomeText(bytes);
    EXPECT_EQ(Lz4Decompress(OtherFrame(text), kLimit), text) << bytes;
    EXPECT_EQ(Lz4Decompress(OtherFrame(text), bytes), text) << bytes;
    EXPECT_EQ(Lz4Decompress(OtherFrame(text, LZ4F_blockIndependent), kLimit), text) << bytes;
  }
}

TEST(Lz4, RefusesAFrameThatIsCutAnywhere) {
  const std::string text = SomeText(70'000);
  for (const std::string& frame : {Lz4Compress(text), OtherFrame(text)}) {
    for (size_t bytes = 0; bytes < frame.size(); bytes += bytes < 40 ? 1 : 997) {
      EXPECT_EQ(ErrorOf(std::string_view(frame).substr(0, bytes)).code, Code::kCorrupt) << bytes;
    }
    EXPECT_EQ(ErrorOf(std::string_view(frame).substr(0, frame.size() - 1)).message,
              "the LZ4 frame is truncated: it goes on behind its " +
                  std::to_string(frame.size() - 1) + " bytes");
  }
  EXPECT_EQ(ErrorOf("").message, "the LZ4 frame is truncated: it has 0 bytes");
}

TEST(Lz4, RefusesWhatIsNoFrame) {
  const std::string frame = Lz4Compress("a line\n");
  EXPECT_EQ(ErrorOf("a line as it is, without any frame\n").message,
            "not a sound LZ4 frame: ERROR_frameType_unknown");
  EXPECT_EQ(ErrorOf(frame + "x").message, "1 bytes follow the LZ4 frame");
  EXPECT_EQ(ErrorOf(frame + frame).code, Code::kCorrupt);
  // A frame of a user, which readers skip: there is no content in it.
  EXPECT_EQ(ErrorOf(std::string("\x50\x2a\x4d\x18\x04\0\0\0abcd", 12)).message,
            "not a sound LZ4 frame: one of a user, to be skipped");
}

TEST(Lz4, RefusesAContentThatBreaksItsChecksum) {
  std::string frame = OtherFrame("some line of a log that is long enough\n");
  frame[frame.size() - 20] ^= 1;
  EXPECT_EQ(ErrorOf(frame).code, Code::kCorrupt);
}

TEST(Lz4, RefusesMoreThanItsLimitBeforeItTakesTheMemory) {
  const std::string bomb(size_t{100} << 20, '\n');
  EXPECT_EQ(ErrorOf(Lz4Compress(bomb)),
            (Error{Code::kFull,
                   "the LZ4 frame holds 104857600 bytes, more than the limit of 1048576 bytes"}));
  // Where the frame does not say so it is seen at the first byte too much.
  EXPECT_EQ(ErrorOf(OtherFrame(bomb)),
            (Error{Code::kFull,
                   "the LZ4 frame holds 1048577 bytes or more, more than the limit of "
                   "1048576 bytes"}));
  EXPECT_EQ(ErrorOf(Lz4Compress("ab"), 1).code, Code::kFull);
  EXPECT_EQ(ErrorOf(OtherFrame("ab"), 1).code, Code::kFull);
  EXPECT_EQ(ErrorOf(OtherFrame("ab"), 0).code, Code::kFull);
}

TEST(Lz4, BearsFramesWithAnyByteChanged) {
  const std::string text = SomeText(3000);
  for (const std::string& good : {Lz4Compress(text), OtherFrame(text)}) {
    Random random(1);
    for (int i = 0; i < 20'000; ++i) {
      std::string frame = good;
      frame[random.Below(frame.size())] = static_cast<char>(random.Below(256));
      frame[random.Below(frame.size())] = static_cast<char>(random.Below(256));
      const Result<std::string> content = Lz4Decompress(frame, 4000);
      EXPECT_LE(content ? content->size() : 0u, 4000u);
    }
  }
}

TEST(Lz4, ReadsABlockOfTheLengthThatItsCallerKnows) {
  // "a" and nine copies of it, and five letters as they are (the LZ4 Block Format).
  constexpr std::string_view kBlock("\x15\x61\x01\x00\x50\x62\x63\x64\x65\x66", 10);
  EXPECT_EQ(Lz4DecompressBlock(kBlock, 15), "aaaaaaaaaabcdef");
  for (const size_t bytes : {0, 1, 14, 16, 1000}) {
    EXPECT_EQ(Lz4DecompressBlock(kBlock, bytes).error().code, Code::kCorrupt) << bytes;
  }
  for (size_t bytes = 0; bytes < kBlock.size(); ++bytes) {
    EXPECT_FALSE(Lz4DecompressBlock(kBlock.substr(0, bytes), 15)) << bytes;
  }
  EXPECT_EQ(Lz4DecompressBlock(kBlock, size_t{1} << 40).error().code, Code::kFull);
}

}  // namespace
}  // namespace fleetmedic
