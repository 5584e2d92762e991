#include "notify/retry.h"

#include <gtest/gtest.h>

namespace fleetmedic {
namespace {

TEST(RetryTest, JudgesByTheStatus) {
  for (const int status : {200, 201, 202, 204, 299}) {
    EXPECT_EQ(JudgeStatus(status), TryVerdict::kDelivered) << status;
  }
  for (const int status : {408, 429, 500, 502, 503, 504, 599}) {
    EXPECT_EQ(JudgeStatus(status), TryVerdict::kRetry) << status;
  }
  for (const int status : {0, 100, 301, 302, 307, 400, 401, 403, 404, 410, 413, 422}) {
    EXPECT_EQ(JudgeStatus(status), TryVerdict::kFinal) << status;
  }
}

TEST(RetryTest, BacksOffTwiceAsLongEachTimeUpToAMinute) {
  struct Case {
    int failures;
    Millis least;
    Millis most;
  };
  for (const Case& each :
       {Case{1, Millis(500), Millis(999)}, Case{2, Seconds(1), Millis(1999)},
        Case{3, Seconds(2), Millis(3999)}, Case{6, Seconds(16), Millis(31'999)},
        Case{7, Seconds(30), Millis(59'999)}, Case{1'000'000, Seconds(30), Millis(59'999)}}) {
    EXPECT_EQ(BackOff(each.failures, 0), each.least) << each.failures;
    EXPECT_LE(BackOff(each.failures, 0.9999), each.most) << each.failures;
    EXPECT_GT(BackOff(each.failures, 0.9999), each.most - each.most / 100) << each.failures;
  }
}

TEST(RetryTest, ReadsRetryAfterInBothForms) {
  const WallTime now = ParseWall("2015-10-21T07:27:00Z").value();
  struct Case {
    const char* header;
    std::optional<Millis> wait;
  };
  for (const Case& each : {Case{"30", Seconds(30)}, Case{" 0 ", Millis(0)}, Case{"-5", Millis(0)},
                           Case{"99999999999", Hours(1)}, Case{"7200", Hours(1)},
                           Case{"Wed, 21 Oct 2015 07:28:00 GMT", Minutes(1)},
                           Case{"Wed, 21 Oct 2015 07:00:00 GMT", Millis(0)},
                           Case{"Thu, 22 Oct 2015 07:28:00 GMT", Hours(1)}, Case{"", std::nullopt},
                           Case{"soon", std::nullopt}, Case{"3.5", std::nullopt},
                           Case{"99999999999999999999999", std::nullopt},
                           Case{"Wed, 99 Foo 2015 07:28:00 GMT", std::nullopt},
                           Case{"Wed, 99 Oct 2015 07:28:00 GMT", std::nullopt}}) {
    EXPECT_EQ(RetryAfter(each.header, now), each.wait) << each.header;
  }
}

}  // namespace
}  // namespace fleetmedic
