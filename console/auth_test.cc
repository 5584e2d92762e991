#include "console/auth.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "base/file.h"

namespace fleetmedic {
namespace {

using testing::HasSubstr;

const std::string kToken = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

HttpRequest Asking(std::string method, HttpHeaders headers,
                   std::optional<uint32_t> peer_uid = std::nullopt) {
  HttpRequest request;
  request.method = std::move(method);
  request.path = "/api/v1/state";
  request.headers = std::move(headers);
  request.peer_uid = peer_uid;
  return request;
}

// "fleetmedic_session=abc" of "fleetmedic_session=abc; HttpOnly; ...".
std::string CookieOf(const std::string& set_cookie) {
  return set_cookie.substr(0, set_cookie.find(';'));
}

TEST(Auth, LetsInByTokenCookieAndSocket) {
  SimulatedClock clock;
  Auth auth(kToken, 1000, clock);
  const std::string cookie = CookieOf(auth.OpenSession(kToken).value());
  const std::string bearer = "Bearer " + kToken;
  struct Case {
    const char* sentence;
    HttpRequest request;
    int status;  // 0: let in
    const char* who;
  };
  const Case cases[] = {
      {"no token", Asking("GET", {}), 401, ""},
      {"a wrong token", Asking("GET", {{"authorization", "Bearer " + std::string(64, '0')}}), 401,
       ""},
      {"a part of the token", Asking("GET", {{"authorization", bearer.substr(0, 30)}}), 401, ""},
      {"the token without Bearer", Asking("GET", {{"authorization", kToken}}), 401, ""},
      {"an empty token", Asking("GET", {{"authorization", "Bearer "}}), 401, ""},
      {"a wrong token beside a right cookie",
       Asking("GET", {{"authorization", "Bearer x"}, {"cookie", cookie}}), 401, ""},
      {"the token", Asking("GET", {{"authorization", bearer}}), 0, "token"},
      {"the token may act without CSRF", Asking("POST", {{"authorization", bearer}}), 0, "token"},
      {"the token with a name",
       Asking("POST", {{"authorization", bearer}, {"x-fleetmedic-who", "ana"}}), 0, "ana (token)"},
      {"a name that claims its own way in",
       Asking("POST", {{"authorization", bearer}, {"x-fleetmedic-who", "root (uid 0)"}}), 400, ""},
      {"a name with a control character",
       Asking("POST", {{"authorization", bearer}, {"x-fleetmedic-who", "a\x1b[31m"}}), 400, ""},
      {"the cookie may look", Asking("GET", {{"cookie", cookie}}), 0, "token"},
      {"the cookie among others", Asking("GET", {{"cookie", "a=b; " + cookie + "; c"}}), 0,
       "token"},
      {"the cookie without CSRF may not act", Asking("POST", {{"cookie", cookie}}), 403, ""},
      {"nor delete", Asking("DELETE", {{"cookie", cookie}}), 403, ""},
      {"nor with another value", Asking("PUT", {{"cookie", cookie}, {"x-fleetmedic-csrf", "0"}}),
       403, ""},
      {"the cookie with CSRF may act",
       Asking("POST", {{"cookie", cookie}, {"x-fleetmedic-csrf", "1"}}), 0, "token"},
      {"a cookie that nobody gave", Asking("GET", {{"cookie", "fleetmedic_session=x"}}), 401, ""},
      {"CSRF alone", Asking("POST", {{"x-fleetmedic-csrf", "1"}}), 401, ""},
      {"root on the socket", Asking("POST", {}, 0), 0, "uid:0"},
      {"our own uid on the socket", Asking("POST", {}, 1000), 0, "uid:1000"},
      {"a name on the socket", Asking("POST", {{"x-fleetmedic-who", "ana"}}, 0), 0, "ana (uid 0)"},
      {"another uid on the socket", Asking("GET", {}, 1001), 403, ""},
      {"another uid with the token", Asking("GET", {{"authorization", bearer}}, 1001), 403, ""},
  };
  for (const Case& c : cases) {
    const Auth::Answer answer = auth.Check(c.request);
    EXPECT_EQ(answer.refusal ? answer.refusal->status : 0, c.status) << c.sentence;
    EXPECT_EQ(answer.who, c.who) << c.sentence;
  }
}

TEST(Auth, ASessionEndsAfterTwelveHours) {
  SimulatedClock clock;
  Auth auth(kToken, 0, clock);
  const std::string set = auth.OpenSession(kToken).value();
  EXPECT_THAT(set, HasSubstr("; HttpOnly; SameSite=Strict; Path=/; Max-Age=43200"));
  const HttpRequest request = Asking("GET", {{"cookie", CookieOf(set)}});
  clock.Advance(Hours(12) - Seconds(1));
  EXPECT_FALSE(auth.Check(request).refusal);
  clock.Advance(Seconds(1));
  EXPECT_TRUE(auth.Check(request).refusal);
  EXPECT_FALSE(auth.OpenSession("wrong"));
}

TEST(Auth, TheOldestSessionGoesWhenThereAreTooMany) {
  SimulatedClock clock;
  Auth auth(kToken, 0, clock);
  std::vector<std::string> cookies;
  for (size_t i = 0; i <= kSessionsMax; ++i) {
    clock.Advance(Millis(1));
    cookies.push_back(CookieOf(auth.OpenSession(kToken).value()));
  }
  EXPECT_TRUE(auth.Check(Asking("GET", {{"cookie", cookies[0]}})).refusal);
  EXPECT_FALSE(auth.Check(Asking("GET", {{"cookie", cookies[1]}})).refusal);
  EXPECT_FALSE(auth.Check(Asking("GET", {{"cookie", cookies.back()}})).refusal);
}

TEST(Auth, TheTokenIsMadeOnceAndIsItsOwners) {
  const TempFolder folder;
  const std::string path = folder / "api-token";
  const std::string token = LoadOrMakeToken(path).value();
  EXPECT_EQ(token.size(), 2 * kTokenBytes);
  struct stat info {};
  ASSERT_EQ(stat(path.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600u);
  EXPECT_EQ(LoadOrMakeToken(path).value(), token);
  ASSERT_EQ(chmod(path.c_str(), 0644), 0);
  EXPECT_EQ(LoadOrMakeToken(path).error().code, Code::kPermissionDenied);
  ASSERT_TRUE(WriteFileAtomic(path, "short\n", 0600));
  EXPECT_EQ(LoadOrMakeToken(path).error().code, Code::kInvalidArgument);
  EXPECT_FALSE(LoadOrMakeToken(folder / "no/such/folder"));
}

TEST(Auth, OnlyLoopbackIsListenedOn) {
  for (const char* fine : {"127.0.0.1", "127.1.2.3"}) EXPECT_TRUE(CheckLoopback(fine)) << fine;
  for (const char* wrong : {"0.0.0.0", "10.0.0.1", "", "localhost", "127.0.0.1.example.com",
                            "unix:/run/x", "::1", "127.0.0.999"}) {
    const Status status = CheckLoopback(wrong);
    ASSERT_FALSE(status) << wrong;
    EXPECT_EQ(status.error().code, Code::kRefused) << wrong;
  }
}

TEST(Auth, SecretsAreComparedWhole) {
  EXPECT_TRUE(SameSecret("abc", "abc"));
  EXPECT_FALSE(SameSecret("abc", "abd"));
  EXPECT_FALSE(SameSecret("abc", "ab"));
  EXPECT_FALSE(SameSecret("", "a"));
}

}  // namespace
}  // namespace fleetmedic
