#include "base/http_client.h"

#include <poll.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <thread>

#include "base/file.h"
#include "base/http_socket.h"
#include "base/thread.h"

namespace fleetmedic {
namespace {

using testing::HasSubstr;

const SystemClock kClock;

MonoTime Soon() { return kClock.Mono() + Seconds(30); }

// Accepts one connection, sends these bytes at once, and then holds it open (or not).
class CannedServer {
 public:
  explicit CannedServer(std::string answer, bool close = true)
      : answer_(std::move(answer)), close_(close) {
    uint16_t port = 0;
    listener_ = ListenSocket(HttpAddress::Loopback(0), 8, &port).value();
    address_ = HttpAddress::Loopback(port);
    thread_ = StartThread("canned", [this] { Serve(); });
  }
  ~CannedServer() {
    (void)shutdown(listener_.get(), SHUT_RDWR);
    thread_.join();
  }
  const HttpAddress& address() const { return address_; }

 private:
  void Serve() {
    pollfd ready{listener_.get(), POLLIN, 0};
    poll(&ready, 1, -1);
    connection_.reset(accept(listener_.get(), nullptr, nullptr));
    if (!connection_.ok()) return;
    char request[65536];
    (void)recv(connection_.get(), request, sizeof request, 0);
    (void)send(connection_.get(), answer_.data(), answer_.size(), MSG_NOSIGNAL);
    if (close_) connection_.reset();
  }

  const std::string answer_;
  const bool close_;
  HttpAddress address_;
  UniqueFd listener_;
  UniqueFd connection_;
  std::thread thread_;
};

Result<HttpReply> Get(const HttpAddress& address, MonoTime deadline = Soon()) {
  return HttpClient(address, &kClock).Send(HttpCall(), deadline);
}

TEST(HttpClient, ReadsEveryFormOfReply) {
  struct Case {
    const char* sentence;
    const char* answer;
    int status;
    const char* body;
  };
  static constexpr Case kCases[] = {
      {"with a length", "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc", 200, "abc"},
      {"in chunks",
       "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n1\r\nc\r\n0\r\n\r\n", 200,
       "abc"},
      {"up to the end", "HTTP/1.1 200 OK\r\n\r\nabc", 200, "abc"},
      {"without a body", "HTTP/1.1 204 No Content\r\n\r\n", 204, ""},
      {"that is an error", "HTTP/1.1 500 Oops\r\nContent-Length: 3\r\n\r\nabc", 500, "abc"},
      {"an older HTTP", "HTTP/1.0 200 OK\r\n\r\nabc", 200, "abc"},
  };
  for (const Case& c : kCases) {
    const CannedServer server(c.answer);
    const auto reply = Get(server.address());
    ASSERT_TRUE(reply) << c.sentence << ": " << reply.error().message;
    EXPECT_EQ(reply->status, c.status) << c.sentence;
    EXPECT_EQ(reply->body, c.body) << c.sentence;
  }
}

TEST(HttpClient, ABrokenReplyIsToldFromAWholeOne) {
  for (const char* answer : {"", "nonsense\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Le",
                             "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc",
                             "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab"}) {
    const CannedServer server(answer);
    const auto reply = Get(server.address());
    ASSERT_FALSE(reply) << answer;
    EXPECT_EQ(reply.error().code, Code::kIo) << answer;
  }
}

TEST(HttpClient, AServerThatNeverAnswersMeetsTheDeadline) {
  for (const char* answer : {"", "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc"}) {
    const CannedServer server(answer, false);
    const MonoTime start = kClock.Mono();
    const auto reply = Get(server.address(), start + Millis(200));
    ASSERT_FALSE(reply);
    EXPECT_EQ(reply.error().code, Code::kDeadlineExceeded);
    EXPECT_GE(kClock.Mono() - start, Millis(200));
    EXPECT_LT(kClock.Mono() - start, Seconds(3));
  }
}

TEST(HttpClient, AServerThatNeverAcceptsMeetsTheDeadline) {
  const TempFolder folder;
  uint16_t port = 0;
  const HttpAddress address = HttpAddress::Unix(folder / "full.sock");
  const UniqueFd listener = ListenSocket(address, 0, &port).value();
  std::vector<UniqueFd> waiting;
  const MonoTime start = kClock.Mono();
  while (true) {
    auto fd = ConnectSocket(address, kClock, kClock.Mono() + Millis(50), -1);
    if (!fd) {
      EXPECT_EQ(fd.error().code, Code::kDeadlineExceeded);
      break;
    }
    waiting.push_back(*std::move(fd));
    ASSERT_LT(waiting.size(), 10u);
  }
  EXPECT_LT(kClock.Mono() - start, Seconds(3));
}

TEST(HttpClient, TellsTheReasonsForNotConnectingApart) {
  const TempFolder folder;
  uint16_t port = 0;
  { const auto closed = ListenSocket(HttpAddress::Loopback(0), 1, &port); }
  const auto refused = Get(HttpAddress::Loopback(port));
  EXPECT_EQ(refused.error().code, Code::kUnavailable);
  EXPECT_THAT(refused.error().message, HasSubstr("is the server running?"));
  EXPECT_EQ(Get(HttpAddress::Unix(folder / "absent.sock")).error().code, Code::kNotFound);
  EXPECT_EQ(Get(HttpAddress::Unix("/" + std::string(200, 'x'))).error().code,
            Code::kInvalidArgument);
  if (geteuid() != 0) return;  // only root can become somebody without the right
  const HttpAddress address = HttpAddress::Unix(folder / "own.sock");
  const UniqueFd listener = ListenSocket(address, 1, &port).value();
  ASSERT_EQ(chmod(folder.path().c_str(), 0755), 0);
  ASSERT_EQ(seteuid(65534), 0);
  const auto denied = Get(address);
  ASSERT_EQ(seteuid(0), 0);
  EXPECT_EQ(denied.error().code, Code::kPermissionDenied);
}

TEST(HttpClient, KeepsTheLimitOfTheReply) {
  HttpCall call;
  call.reply_bytes_max = 3;
  const CannedServer fits("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc");
  EXPECT_EQ(HttpClient(fits.address(), &kClock).Send(call, Soon())->body, "abc");
  for (const char* answer : {"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nabcd",
                             "HTTP/1.1 500 Oops\r\nContent-Length: 4\r\n\r\nabcd"}) {
    const CannedServer server(answer);
    EXPECT_EQ(HttpClient(server.address(), &kClock).Send(call, Soon()).error().code, Code::kFull);
  }
}

TEST(HttpClient, WhatIsNoBodyHasALimitToo) {
  // A chunk's line may say more than its length, and we would hold all of it.
  const CannedServer server("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0;" +
                            std::string(size_t{4} << 20, 'x') + "\r\n\r\n");
  const auto reply = Get(server.address());
  ASSERT_FALSE(reply);
  EXPECT_EQ(reply.error().code, Code::kFull);
}

TEST(HttpClient, ABodyInManyChunksIsNotTakenForMore) {
  std::string chunks;
  for (int i = 0; i < 300'000; ++i) chunks += "1\r\nx\r\n";
  const CannedServer server("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + chunks +
                            "0\r\n\r\n");
  const auto reply = Get(server.address());
  ASSERT_TRUE(reply) << reply.error().message;
  EXPECT_EQ(reply->body, std::string(300'000, 'x'));
}

TEST(HttpClient, StopsReadingWhenTheReaderHasEnough) {
  const CannedServer server("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n",
                            false);
  std::string got;
  const auto reply = HttpClient(server.address(), &kClock)
                         .Stream(HttpCall(), Soon(), Micros::max(), [&](std::string_view piece) {
                           got += piece;
                           return false;
                         });
  ASSERT_TRUE(reply) << reply.error().message;
  EXPECT_EQ(reply->status, 200);
  EXPECT_EQ(got, "ab");
}

TEST(HttpClient, ASilentStreamIsNoticed) {
  const CannedServer server("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n",
                            false);
  const auto reply =
      HttpClient(server.address(), &kClock)
          .Stream(HttpCall(), kMonoForever, Millis(100), [](std::string_view) { return true; });
  EXPECT_EQ(reply.error().code, Code::kDeadlineExceeded);
}

TEST(HttpClient, CancelEndsACallThatWaits) {
  const CannedServer server("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n",
                            false);
  const HttpCancel cancel;
  const HttpClient client(server.address(), &kClock, &cancel);
  const auto reply = client.Stream(HttpCall(), kMonoForever, Micros::max(), [&](std::string_view) {
    cancel.Cancel();
    return true;
  });
  EXPECT_EQ(reply.error().code, Code::kUnavailable);
  EXPECT_EQ(client.Send(HttpCall(), Soon()).error().code, Code::kUnavailable);
}

TEST(HttpClient, SendsNothingThatCouldBeTwoRequests) {
  const HttpClient client(HttpAddress::Loopback(1), &kClock);
  HttpCall call;
  call.target = "/a b";
  EXPECT_EQ(client.Send(call, Soon()).error().code, Code::kInvalidArgument);
  call.target = "/";
  call.headers["x-reason"] = "a\r\nx-other: b";
  EXPECT_EQ(client.Send(call, Soon()).error().code, Code::kInvalidArgument);
  call.headers.clear();
  call.method = "GET /";
  EXPECT_EQ(client.Send(call, Soon()).error().code, Code::kInvalidArgument);
}

TEST(HttpReply, TurnsAProblemBackIntoTheError) {
  const Error error{Code::kRefused, "a limit was reached"};
  HttpReply reply;
  reply.status = 409;
  reply.body = HttpResponse::Problem(error).body;
  EXPECT_EQ(reply.ToError(), error);
  reply.body = "gone\x1b";
  EXPECT_EQ(reply.ToError(), (Error{Code::kConflict, "HTTP status 409: \"gone\\x1b\""}));
}

}  // namespace
}  // namespace fleetmedic
