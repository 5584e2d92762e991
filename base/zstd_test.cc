#include "base/zstd.h"

#include <gtest/gtest.h>

namespace fleetmedic {
namespace {

using namespace std::string_view_literals;

// What libzstd 1.5.4 makes of 40 times "fleetmedic ".
constexpr std::string_view kFrame =
    "\x28\xb5\x2f\xfd\x60\xb8\x00\x95\x00\x00\x58\x66\x6c\x65\x65\x74"
    "\x6d\x65\x64\x69\x63\x20\x01\x00\xaa\x56\x8b\x17"sv;
constexpr size_t kContentBytes = 40 * "fleetmedic "sv.size();

TEST(ZstdTest, GivesTheContentOfAFrameWithinTheLimit) {
  std::string content;
  for (int i = 0; i < 40; ++i) content += "fleetmedic ";
  EXPECT_EQ(ZstdDecompress(kFrame, kContentBytes), content);
  EXPECT_EQ(ZstdDecompress(kFrame, kContentBytes - 1).error().code, Code::kFull);
}

TEST(ZstdTest, RefusesAFrameThatIsCutOrFollowedOrNone) {
  for (size_t bytes = 0; bytes < kFrame.size(); ++bytes) {
    const Result<std::string> cut = ZstdDecompress(kFrame.substr(0, bytes), kContentBytes);
    ASSERT_FALSE(cut) << bytes;
    EXPECT_EQ(cut.error().code, Code::kCorrupt) << bytes;
  }
  EXPECT_EQ(ZstdDecompress(std::string(kFrame) + "x", kContentBytes).error().code, Code::kCorrupt);
  EXPECT_EQ(ZstdDecompress("hello, this is text", 100).error().code, Code::kCorrupt);
}

TEST(ZstdTest, RefusesAFrameThatDoesNotTellItsLength) {
  // A header without the length, with a window of 1 KiB, and one empty last block.
  EXPECT_EQ(ZstdDecompress("\x28\xb5\x2f\xfd\x00\x00\x01\x00\x00"sv, 100).error().code,
            Code::kUnsupported);
}

}  // namespace
}  // namespace fleetmedic
