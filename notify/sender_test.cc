#include "notify/sender.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>

#include <fmt/format.h>

#include "absl/synchronization/mutex.h"
#include "base/file.h"
#include "base/http_server.h"
#include "base/http_socket.h"
#include "base/sha256.h"
#include "base/thread.h"

namespace fleetmedic {
namespace {

using testing::HasSubstr;
using testing::Not;

const SystemClock kClock;

// A receiver on a free loopback port that answers as it is told to.
class Receiver {
 public:
  Receiver()
      : server_({{"POST", "/{path...}",
                  [this](const HttpRequest& request) { return Answer(request); }}},
                &kClock) {
    EXPECT_TRUE(server_.Start(HttpAddress::Loopback(0)));
  }
  std::string Url(const std::string& path) const {
    return fmt::format("http://127.0.0.1:{}{}", server_.address().port, path);
  }
  HttpRequest last() const {
    absl::MutexLock lock(&mutex_);
    return last_;
  }

  void Answers(HttpResponse answer) {
    absl::MutexLock lock(&mutex_);
    answer_ = std::move(answer);
  }

 private:
  HttpResponse Answer(const HttpRequest& request) {
    absl::MutexLock lock(&mutex_);
    last_ = request;
    return answer_;
  }

  mutable absl::Mutex mutex_;
  HttpRequest last_ ABSL_GUARDED_BY(mutex_);
  HttpResponse answer_ ABSL_GUARDED_BY(mutex_) = HttpResponse::Text(200, "ok");
  HttpServer server_;
};

class SenderTest : public testing::Test {
 protected:
  NotifyChannel Webhook(const std::string& url) const {
    NotifyChannel channel;
    channel.name = "hook";
    channel.kind = "webhook";
    channel.url_file = Write("url", url + "\n");
    channel.secret_file = Write("key", " s3cr3t-key\n");
    return channel;
  }
  std::string Write(const std::string& name, const std::string& text) const {
    EXPECT_TRUE(WriteFileAtomic(folder_ / name, text, 0600));
    return folder_ / name;
  }
  TryOutcome Try(const NotifyChannel& channel, Millis deadline = Seconds(10)) const {
    const NotifySender sender(&kClock, &cancel_, "https://fleet.example.com", deadline);
    return sender.Try(channel, TestMessage("N-1", kClock.Wall()));
  }

  TempFolder folder_;
  HttpCancel cancel_;
  Receiver receiver_;
};

TEST_F(SenderTest, AReceiverCanCheckTheSignature) {
  const TryOutcome outcome = Try(Webhook(receiver_.Url("/hook/T0KENTOKEN")));
  EXPECT_EQ(outcome.verdict, TryVerdict::kDelivered) << outcome.reason;
  const HttpRequest got = receiver_.last();
  EXPECT_EQ(got.path, "/hook/T0KENTOKEN");
  EXPECT_EQ(got.header("content-type"), "application/json");
  EXPECT_EQ(got.header("ce-id"), "N-1");
  EXPECT_EQ(got.header("ce-type"), "fleetmedic.notification.test");
  const std::string signed_text = std::string(got.header("fleetmedic-timestamp")) + "." + got.body;
  EXPECT_EQ(got.header("fleetmedic-signature"), "v1=" + HmacSha256Hex("s3cr3t-key", signed_text));
  EXPECT_EQ(Json::Parse(got.body).value()["id"], Json("N-1"));
}

TEST_F(SenderTest, AnAnswerIsHeardHoweverMuchFollowsIt) {
  const std::string page(size_t{1} << 20, 'x');
  receiver_.Answers(HttpResponse::Text(200, page));
  const TryOutcome taken = Try(Webhook(receiver_.Url("/")));
  EXPECT_EQ(taken.verdict, TryVerdict::kDelivered) << taken.reason;
  receiver_.Answers(HttpResponse::Text(404, "no such hook " + page));
  const TryOutcome refused = Try(Webhook(receiver_.Url("/")));
  EXPECT_EQ(refused.verdict, TryVerdict::kFinal) << refused.reason;
  EXPECT_THAT(refused.reason, HasSubstr("HTTP status 404 \"no such hook"));
}

TEST_F(SenderTest, TheAnswerDecidesWhatIsNext) {
  struct Case {
    const char* sentence;
    int status;
    const char* retry_after;
    TryVerdict verdict;
    std::optional<Millis> wait;
  };
  for (const Case& each : {Case{"taken", 202, "", TryVerdict::kDelivered, std::nullopt},
                           Case{"busy", 503, "", TryVerdict::kRetry, std::nullopt},
                           Case{"too many", 429, "17", TryVerdict::kRetry, Seconds(17)},
                           Case{"gone", 404, "17", TryVerdict::kFinal, std::nullopt},
                           Case{"moved", 302, "", TryVerdict::kFinal, std::nullopt}}) {
    HttpResponse answer = HttpResponse::Text(each.status, "because");
    if (*each.retry_after != 0) answer.headers["retry-after"] = each.retry_after;
    receiver_.Answers(std::move(answer));
    const TryOutcome outcome = Try(Webhook(receiver_.Url("/")));
    EXPECT_EQ(outcome.verdict, each.verdict) << each.sentence;
    EXPECT_EQ(outcome.retry_after, each.wait) << each.sentence;
    EXPECT_THAT(outcome.reason, HasSubstr(fmt::format("HTTP status {}", each.status)));
    EXPECT_THAT(outcome.reason, HasSubstr("because"));
  }
}

TEST_F(SenderTest, ASecretThatComesBackIsHidden) {
  receiver_.Answers(HttpResponse::Text(
      404, "no route /hook/T0KENTOKEN?k=QUERYSECRET; T0KENTOKEN; key s3cr3t-key"));
  const TryOutcome outcome = Try(Webhook(receiver_.Url("/hook/T0KENTOKEN?k=QUERYSECRET")));
  for (const char* secret : {"T0KENTOKEN", "QUERYSECRET", "s3cr3t-key"}) {
    EXPECT_THAT(outcome.reason, Not(HasSubstr(secret)));
  }
  EXPECT_THAT(outcome.reason, HasSubstr("no route"));
}

TEST_F(SenderTest, PagerDutyAndSlackGetTheirOwn) {
  NotifyChannel channel = Webhook(receiver_.Url("/v2/enqueue"));
  channel.kind = "pagerduty";
  EXPECT_EQ(Try(channel).verdict, TryVerdict::kDelivered);
  EXPECT_EQ(Json::Parse(receiver_.last().body).value()["routing_key"], Json("s3cr3t-key"));
  channel.kind = "slack";
  channel.secret_file.clear();
  EXPECT_EQ(Try(channel).verdict, TryVerdict::kDelivered);
  EXPECT_THAT(receiver_.last().body, HasSubstr("\"blocks\""));
}

TEST_F(SenderTest, NobodyListensIsForLater) {
  uint16_t port = 0;
  (void)ListenSocket(HttpAddress::Loopback(0), 1, &port);  // free again
  const TryOutcome outcome = Try(Webhook(fmt::format("http://127.0.0.1:{}/T0KENTOKEN", port)));
  EXPECT_EQ(outcome.verdict, TryVerdict::kRetry);
  EXPECT_THAT(outcome.reason, HasSubstr("nobody listens"));
  EXPECT_THAT(outcome.reason, Not(HasSubstr("T0KENTOKEN")));
}

TEST_F(SenderTest, WhoNeverAnswersMeetsTheDeadline) {
  uint16_t port = 0;
  const UniqueFd silent = ListenSocket(HttpAddress::Loopback(0), 8, &port).value();
  const TryOutcome outcome =
      Try(Webhook(fmt::format("http://127.0.0.1:{}/T0KENTOKEN", port)), Seconds(2));
  EXPECT_EQ(outcome.verdict, TryVerdict::kRetry);
  EXPECT_THAT(outcome.reason, HasSubstr("no whole answer in time"));
  EXPECT_THAT(outcome.reason, Not(HasSubstr("T0KENTOKEN")));
}

TEST_F(SenderTest, AConnectionThatIsResetIsForLater) {
  uint16_t port = 0;
  const UniqueFd listener = ListenSocket(HttpAddress::Loopback(0), 8, &port).value();
  auto resets = StartThread("resets", [&listener] {
    pollfd wait{listener.get(), POLLIN, 0};
    (void)poll(&wait, 1, 30'000);
    const UniqueFd fd(accept(listener.get(), nullptr, nullptr));
    char first = 0;
    (void)recv(fd.get(), &first, 1, 0);  // the connection stands, and something was sent
    // Closing so sends a reset, not an end.
    const linger hard{1, 0};
    (void)setsockopt(fd.get(), SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
  });
  const TryOutcome outcome = Try(Webhook(fmt::format("http://127.0.0.1:{}/x", port)));
  resets.join();
  EXPECT_EQ(outcome.verdict, TryVerdict::kRetry);
  EXPECT_THAT(outcome.reason, HasSubstr("the connection broke"));
}

TEST_F(SenderTest, FilesAreReadAtEachTry) {
  NotifyChannel channel = Webhook(receiver_.Url("/"));
  channel.secret_file = folder_ / "later";
  EXPECT_THAT(Try(channel).reason, HasSubstr("later"));
  EXPECT_EQ(Try(channel).verdict, TryVerdict::kRetry);
  Write("later", "\n");
  EXPECT_THAT(Try(channel).reason, HasSubstr("is empty"));
  Write("later", "key");
  EXPECT_EQ(Try(channel).verdict, TryVerdict::kDelivered);
  Write("url", "https//T0KENTOKEN");
  EXPECT_THAT(Try(channel).reason, HasSubstr("url_file"));
  EXPECT_THAT(Try(channel).reason, Not(HasSubstr("T0KENTOKEN")));
}

TEST_F(SenderTest, PagerDutyHasAnAddressOfItsOwn) {
  NotifyChannel channel;
  channel.kind = "pagerduty";
  channel.secret_file = Write("key", "k");
  EXPECT_EQ(ReadSecrets(channel)->url.Origin(), "https://events.pagerduty.com");
}

TEST(ConsoleUrlTest, IsTheApisWhereNoneIsNamed) {
  NotifyConfig config;
  EXPECT_EQ(ConsoleUrl(config, "http://127.0.0.1:7480"), "http://127.0.0.1:7480");
  config.console_url = "https://fleet.example.com/x/";
  EXPECT_EQ(ConsoleUrl(config, "http://127.0.0.1:7480"), "https://fleet.example.com/x");
}

}  // namespace
}  // namespace fleetmedic
