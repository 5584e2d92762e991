#include "app/cli/moment.h"

#include <gtest/gtest.h>

namespace fleetmedic::cli {
namespace {

constexpr WallTime kNow = WallFromMillis(1'767'268'800'000);  // 2026-01-01T12:00:00Z

TEST(Moment, IsADurationBeforeNowOrATime) {
  EXPECT_EQ(ParseMoment("now", kNow), kNow);
  EXPECT_EQ(ParseMoment("0s", kNow), kNow);
  EXPECT_EQ(ParseMoment("6h", kNow), kNow - Hours(6));
  EXPECT_EQ(ParseMoment("1h30m", kNow), kNow - Minutes(90));
  EXPECT_EQ(ParseMoment("2026-01-01T10:00:00Z", kNow), kNow - Hours(2));
  EXPECT_EQ(ParseMoment("2026-01-01T12:00:00+01:00", kNow), kNow - Hours(1));
}

TEST(Moment, IsNothingElse) {
  for (const char* text : {"", "yesterday", "-6h", "6", "2026-01-01", "100000000d", "6h\x1b[31m"}) {
    const Result<WallTime> at = ParseMoment(text, kNow);
    ASSERT_FALSE(at.has_value()) << text;
    EXPECT_EQ(at.error().code, Code::kInvalidArgument) << text;
  }
  EXPECT_EQ(ParseMoment("soon", kNow).error().message,
            "expected a duration before now (6h), a time (2026-03-01T02:00:00Z) or now, got "
            "\"soon\"");
}

}  // namespace
}  // namespace fleetmedic::cli
