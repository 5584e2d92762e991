#include "base/time.h"

#include <gtest/gtest.h>

namespace fleetmedic {
namespace {

TEST(WallTime, IsWrittenAndReadBackExactly) {
  const WallTime time(Micros(1'772'330'584'567'890));
  EXPECT_EQ(FormatWall(time), "2026-03-01T02:03:04.567890Z");
  EXPECT_EQ(FormatWallSecond(time), "2026-03-01T02:03:05Z");
  EXPECT_EQ(ParseWall("2026-03-01T02:03:04.567890Z"), time);
}

TEST(WallTime, AYearThatHasNotFourDigitsIsStillWritten) {
  EXPECT_EQ(FormatWall(WallTime(Seconds(253'402'300'799))), "9999-12-31T23:59:59.000000Z");
  EXPECT_EQ(FormatWall(WallTime(Seconds(253'402'300'800))), "10000-01-01T00:00:00.000000Z");
  EXPECT_EQ(FormatWall(WallTime(Seconds(-62'135'596'800))), "0001-01-01T00:00:00.000000Z");
  EXPECT_EQ(FormatWall(WallTime(Seconds(-62'198'755'200))), "-001-01-01T00:00:00.000000Z");
}

TEST(WallTime, ReadsEveryFormOfRfc3339) {
  const WallTime time = ParseWall("2024-02-29T23:59:59Z").value();
  EXPECT_EQ(ParseWall("2024-03-01T01:59:59+02:00"), time);
  EXPECT_EQ(ParseWall("2024-02-29t18:29:59-05:30"), time);
  EXPECT_EQ(ParseWall("2024-02-29 23:59:59.000000999z"), time);
  EXPECT_EQ(ParseWall("2024-02-29T23:59:60Z"), time + Seconds(1));
}

TEST(WallTime, RefusesWhatIsNotATime) {
  for (const char* text :
       {"", "2026", "2026-13-01T00:00:00Z", "2023-02-29T00:00:00Z", "2026-01-01T24:00:00Z",
        "2026-01-01T00:00:00", "2026-01-01T00:00:00+1:00", "2026-01-01T00:00:00.Z",
        "2026-01-01T00:00:00Z ", "2026-01-01T00:00:00.1234567890Z", "2026-01-01X00:00:00Z"}) {
    EXPECT_EQ(ParseWall(text).error().code, Code::kInvalidArgument) << text;
  }
}

TEST(Duration, ReadsSumsOfUnits) {
  EXPECT_EQ(ParseDuration("90s"), Seconds(90));
  EXPECT_EQ(ParseDuration("1h30m"), Minutes(90));
  EXPECT_EQ(ParseDuration("250ms"), Millis(250));
  EXPECT_EQ(ParseDuration("2d"), Hours(48));
  EXPECT_EQ(FormatDuration(Minutes(90) + Millis(5)), "1h30m5ms");
  EXPECT_EQ(FormatDuration(Millis(0)), "0s");
}

TEST(Duration, RefusesWhatIsNotOne) {
  for (const char* text :
       {"", "5", "s", "-5s", "5 s", "5x", "5S", "99999999999999999999s", "9000000d", "1.5h"}) {
    EXPECT_EQ(ParseDuration(text).error().code, Code::kInvalidArgument) << text;
  }
}

}  // namespace
}  // namespace fleetmedic
