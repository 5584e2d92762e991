#include "base/http.h"

#include <gtest/gtest.h>

namespace fleetmedic {
namespace {

TEST(HttpAddress, ReadsAddressesAndNoNames) {
  EXPECT_EQ(HttpAddress::Parse("127.0.0.1:80"), HttpAddress::Loopback(80));
  EXPECT_EQ(HttpAddress::Parse("http://127.0.0.1:80/"), HttpAddress::Loopback(80));
  EXPECT_EQ(HttpAddress::Parse("unix:/run/x.sock"), HttpAddress::Unix("/run/x.sock"));
  for (const char* bad : {"", "localhost:80", "127.0.0.1", "127.0.0.1:", "127.0.0.1:99999",
                          "127.0.0.1:80x", "unix:run/x", "https://127.0.0.1:80"}) {
    EXPECT_FALSE(HttpAddress::Parse(bad)) << bad;
  }
  EXPECT_EQ(HttpAddress::Loopback(80).Text(), "http://127.0.0.1:80");
  EXPECT_EQ(HttpAddress::Unix("/x").Text(), "unix:/x");
}

TEST(HttpResponse, AProblemSaysCodeStatusAndDetail) {
  const HttpResponse response = HttpResponse::Problem({Code::kFenced, "a newer leader"});
  EXPECT_EQ(response.status, 409);
  EXPECT_EQ(response.content_type, "application/problem+json");
  EXPECT_EQ(response.body,
            R"({"code":"fenced","detail":"a newer leader","status":409,"title":"fenced",)"
            R"("type":"about:blank"})");
}

TEST(DecodePercent, RefusesHalfAnEscape) {
  EXPECT_EQ(DecodePercent("a%2Fb+%c3%bc"), "a/b+\u00fc");
  EXPECT_EQ(DecodePercent("%"), std::nullopt);
  EXPECT_EQ(DecodePercent("%4"), std::nullopt);
  EXPECT_EQ(DecodePercent("%zz"), std::nullopt);
}

TEST(IsHeader, RefusesWhatCouldEndAHeader) {
  EXPECT_TRUE(IsHeader("x-name", "a value"));
  EXPECT_FALSE(IsHeader("x-name", "a\r\nx-other: b"));
  EXPECT_FALSE(IsHeader("x name", "a"));
  EXPECT_FALSE(IsHeader("", "a"));
}

}  // namespace
}  // namespace fleetmedic
