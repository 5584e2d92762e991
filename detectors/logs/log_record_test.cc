#include "detectors/logs/log_record.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace fleetmedic {
namespace {

using testing::_;
using testing::Contains;
using testing::Not;
using testing::Pair;

LogFrame FrameOf(uint32_t lines) {
  LogFrame frame;
  frame.host = HostId("web-1");
  frame.source = "kernel";
  frame.boot_id = "boot-1";
  frame.first_at = WallFromMillis(1'800'000'000'000);
  for (uint32_t i = 0; i < lines; ++i)
    frame.text += "[ 12.3] eth0: link is up at " + std::to_string(i) + "\n";
  frame.lines = lines;
  return frame;
}

TEST(LogRecord, ALongTextIsCompressedAndReadBackTheSame) {
  const LogFrame frame = FrameOf(500);
  ASSERT_GE(frame.text.size(), kCompressedFrom);
  const Record record = RecordOf(frame);
  EXPECT_THAT(record.headers, Contains(Pair("content-encoding", "lz4")));
  EXPECT_LT(record.value.size(), frame.text.size() / 2);
  EXPECT_EQ(LogFrameFrom(record.key, record.headers, record.value), frame);
}

TEST(LogRecord, AShortTextStaysAsAPersonReadsIt) {
  const LogFrame frame = FrameOf(3);
  const Record record = RecordOf(frame);
  EXPECT_THAT(record.headers, Not(Contains(Pair("content-encoding", _))));
  EXPECT_EQ(record.value, frame.text);
  EXPECT_EQ(LogFrameFrom(record.key, record.headers, record.value), frame);
}

}  // namespace
}  // namespace fleetmedic
