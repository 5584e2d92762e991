#include "base/http_server.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <atomic>
#include <stdexcept>
#include <thread>
#include <vector>

#include "absl/synchronization/blocking_counter.h"
#include "absl/synchronization/notification.h"
#include "base/file.h"
#include "base/http_client.h"
#include "base/http_socket.h"
#include "base/inbox.h"
#include "base/logging.h"
#include "base/thread.h"

namespace fleetmedic {
namespace {

using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

const SystemClock kClock;

MonoTime Soon() { return kClock.Mono() + Seconds(30); }

HttpResponse Echo(const HttpRequest& request) {
  Json json;
  for (const auto& [name, value] : request.params) json.Set("p." + name, value);
  for (const auto& [name, value] : request.queries) json.Set("q." + name, value);
  json.Set("body", request.body);
  json.Set("type", request.header("content-type"));
  json.Set("method", request.method);
  return HttpResponse::FromJson(200, json);
}

// One event, and then nothing until the end.
HttpResponse Silence(const HttpRequest&) {
  return HttpResponse::Stream("text/event-stream", [](HttpStream* stream) {
    stream->Write("data: hello\n\n");
    while (stream->Wait(kMonoForever)) {
    }
  });
}

std::vector<HttpRoute> Routes() {
  return {
      {"GET", "/things/{thing}/parts", Echo},
      {"GET", "/things", Echo},
      {"POST", "/things", Echo},
      {"DELETE", "/things/{thing}", Echo},
      {"GET", "/files/{path...}", Echo},
      {"GET", "/throws",
       [](const HttpRequest&) -> HttpResponse { throw std::runtime_error("a fault"); }},
      {"GET", "/empty", [](const HttpRequest&) { return HttpResponse::Empty(); }},
      {"GET", "/silence", Silence},
  };
}

class HttpServerTest : public testing::Test {
 protected:
  HttpReply Get(const std::string& target) const {
    HttpCall call;
    call.target = target;
    return client_.Send(call, Soon()).value();
  }
  // Sends these bytes and reads to the end.
  std::string Raw(std::string_view bytes) const {
    HttpSocket socket(ConnectSocket(server_.address(), kClock, Soon(), -1).value(), &kClock);
    socket.read_deadline = Soon();
    socket.write_deadline = Soon();
    while (!bytes.empty()) {
      const ssize_t count = socket.Write(bytes.data(), bytes.size());
      if (count <= 0) break;
      bytes.remove_prefix(static_cast<size_t>(count));
    }
    std::string answer;
    char buffer[4096];
    for (ssize_t count; (count = socket.Read(buffer, sizeof buffer)) > 0;) {
      answer.append(buffer, static_cast<size_t>(count));
    }
    return answer;
  }

  static const HttpAddress& Started(HttpServer* server) {
    const Status status = server->Start(HttpAddress::Loopback(0));
    EXPECT_TRUE(status) << status.error().message;
    return server->address();
  }

  HttpServerOptions options_;
  HttpServer server_{Routes(), &kClock, options_};
  HttpClient client_{Started(&server_), &kClock};
};

TEST_F(HttpServerTest, FillsTheNamesOfAPattern) {
  EXPECT_EQ(Get("/things/h%201/parts").body,
            R"({"body":"","method":"GET","p.thing":"h 1","type":""})");
  EXPECT_EQ(Get("/things/a%2Fb/parts?l=x%3D1&l=2&e").body,
            R"({"body":"","method":"GET","p.thing":"a/b","q.e":"","q.l":"x=1","type":""})");
  EXPECT_EQ(Get("/files/a/b%20c").body, R"({"body":"","method":"GET","p.path":"a/b c","type":""})");
  EXPECT_EQ(Get("/files/").body, R"({"body":"","method":"GET","p.path":"","type":""})");
}

TEST_F(HttpServerTest, AnswersWhatItDoesNotServeWithAProblem) {
  struct Case {
    const char* sentence;
    const char* method;
    const char* target;
    int status;
    Code code;
  };
  static constexpr Case kCases[] = {
      {"no such path", "GET", "/nothing", 404, Code::kNotFound},
      {"an empty name", "GET", "/things//parts", 404, Code::kNotFound},
      {"a broken escape", "GET", "/things/%zz/parts", 404, Code::kNotFound},
      {"another method", "PUT", "/things", 405, Code::kInvalidArgument},
      {"an exception", "GET", "/throws", 500, Code::kIo},
  };
  SetLogSink([](LogLevel, std::string_view) {});
  for (const Case& c : kCases) {
    HttpCall call;
    call.method = c.method;
    call.target = c.target;
    const HttpReply reply = client_.Send(call, Soon()).value();
    EXPECT_EQ(reply.status, c.status) << c.sentence;
    EXPECT_EQ(reply.headers.at("content-type"), "application/problem+json") << c.sentence;
    EXPECT_EQ(reply.ToError().code, c.code) << c.sentence << ": " << reply.body;
    EXPECT_THAT(reply.body, Not(HasSubstr("a fault"))) << "inner text is for the log";
    if (c.status == 405) {
      EXPECT_EQ(reply.headers.at("allow"), "GET, POST");
    }
  }
  SetLogSink({});
}

TEST_F(HttpServerTest, TakesBodiesUpToTheLimit) {
  HttpCall call;
  call.method = "POST";
  call.target = "/things";
  call.body = std::string(options_.body_bytes_max, 'x');
  call.headers["content-type"] = "multipart/form-data; boundary=x";
  const HttpReply whole = client_.Send(call, Soon()).value();
  EXPECT_EQ(whole.status, 200);
  EXPECT_EQ(Json::Parse(whole.body).value()["body"].string()->size(), options_.body_bytes_max);
  EXPECT_EQ(*Json::Parse(whole.body).value()["type"].string(), "multipart/form-data; boundary=x");
  call.body += "x";
  const HttpReply refused = client_.Send(call, Soon()).value();
  EXPECT_EQ(refused.status, 413);
  EXPECT_EQ(refused.ToError().code, Code::kFull);
}

TEST_F(HttpServerTest, CountsTheBytesOfAChunkedBodyToo) {
  std::string request = "POST /things HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n";
  const std::string chunk = "10000\r\n" + std::string(0x10000, 'x') + "\r\n";
  for (int i = 0; i < 17; ++i) request += chunk;
  EXPECT_THAT(Raw(request + "0\r\n\r\n"), StartsWith("HTTP/1.1 413 "));
}

TEST_F(HttpServerTest, WhatIsNoBodyHasALimitToo) {
  // A chunk's line may say more than its length, and the server would hold all of it.
  const std::string request =
      "POST /things HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0;" +
      std::string(size_t{4} << 20, 'x') + "\r\n\r\n";
  EXPECT_THAT(Raw(request), Not(HasSubstr(" 200 ")));
  EXPECT_EQ(Get("/things").status, 200) << "and still serves";
}

TEST_F(HttpServerTest, AnswersHeadWithoutABodyAndEmptyWithNone) {
  EXPECT_THAT(Raw("HEAD /things HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"),
              testing::EndsWith("\r\n\r\n"));
  EXPECT_EQ(Get("/empty").status, 204);
}

TEST_F(HttpServerTest, RefusesWhatIsNoRequest) {
  EXPECT_THAT(Raw("nonsense\r\n\r\n"), StartsWith("HTTP/1.1 400 "));
  EXPECT_THAT(Raw("GET /" + std::string(3000, 'x') + " HTTP/1.1\r\nHost: x\r\n\r\n"),
              StartsWith("HTTP/1.1 414 "));
  EXPECT_THAT(Raw("GET /" + std::string(9000, 'x') + " HTTP/1.1\r\nHost: x\r\n\r\n"),
              StartsWith("HTTP/1.1 414 "));
  std::string many = "GET /things HTTP/1.1\r\n";
  for (int i = 0; i < 5000; ++i) many += "x-" + std::to_string(i) + ": 1234567\r\n";
  EXPECT_THAT(Raw(many + "\r\n"), Not(HasSubstr(" 200 ")));
  EXPECT_EQ(Get("/things").status, 200) << "and still serves";
}

TEST_F(HttpServerTest, ABodyWhereNoneBelongsIsNotTheNextRequest) {
  const std::string answer =
      Raw("GET /things HTTP/1.1\r\nHost: x\r\nContent-Length: 43\r\n\r\n"
          "GET /things/smuggled/parts HTTP/1.1\r\nA: b\r\n\r\n");
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 200 "));
  EXPECT_THAT(answer, Not(HasSubstr("smuggled")));
}

TEST_F(HttpServerTest, KeepsAConnectionForTheNextRequest) {
  const std::string answer =
      Raw("GET /empty HTTP/1.1\r\nHost: x\r\n\r\n"
          "GET /things?second HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 204 "));
  EXPECT_THAT(answer, HasSubstr("q.second"));
}

TEST_F(HttpServerTest, APortInUseIsSaidWithWhatToDo) {
  HttpServer second(Routes(), &kClock);
  const Status status = second.Start(server_.address());
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code, Code::kBusy);
  EXPECT_THAT(status.error().message, HasSubstr(std::to_string(server_.address().port)));
  EXPECT_THAT(status.error().message, HasSubstr("choose another"));
}

TEST_F(HttpServerTest, StreamsDoNotLockOutOtherRequests) {
  const size_t wanted = options_.streams_max + 50;
  absl::BlockingCounter settled(static_cast<int>(wanted));
  std::atomic<size_t> opened{0};
  std::atomic<size_t> refused{0};
  const HttpCancel cancel;
  const HttpClient streaming(server_.address(), &kClock, &cancel);
  std::vector<std::thread> readers;
  for (size_t i = 0; i < wanted; ++i) {
    readers.push_back(StartThread("reader", [&] {
      HttpCall call;
      call.target = "/silence";
      const auto reply = streaming.Stream(call, kMonoForever, Micros::max(), [&](std::string_view) {
        ++opened;
        settled.DecrementCount();
        return true;
      });
      if (!reply) return;
      EXPECT_EQ(reply->status, 503);
      EXPECT_EQ(reply->headers.at("retry-after"), "5");
      ++refused;
      settled.DecrementCount();
    }));
  }
  settled.Wait();
  EXPECT_EQ(opened, options_.streams_max);
  EXPECT_EQ(refused, 50u);
  EXPECT_EQ(server_.counts().streams_open, options_.streams_max);
  const MonoTime start = kClock.Mono();
  HttpCall call;
  call.method = "POST";
  call.target = "/things";
  EXPECT_EQ(client_.Send(call, Soon()).value().status, 200);
  EXPECT_LT(kClock.Mono() - start, Seconds(2));
  cancel.Cancel();
  for (std::thread& reader : readers) reader.join();
  // The places are free again as soon as the server has seen the clients go.
  const MonoTime deadline = Soon();
  while (server_.counts().streams_open > 0) ASSERT_LT(kClock.Mono(), deadline);
}

TEST(HttpServer, AStreamSendsWhatItsInboxGets) {
  absl::Mutex mutex;
  std::shared_ptr<Inbox<std::string>> inbox;
  HttpServer server({{"GET", "/events",
                      [&](const HttpRequest&) {
                        return HttpResponse::Stream("text/event-stream", [&](HttpStream* stream) {
                          auto mine = std::make_shared<Inbox<std::string>>(100, stream->Waker());
                          {
                            absl::MutexLock lock(&mutex);
                            inbox = mine;
                          }
                          while (stream->Wait(kMonoForever)) {
                            for (const std::string& event : mine->TakeAll()) {
                              if (event == "end" || !stream->Write(event)) return;
                            }
                          }
                        });
                      }}},
                    &kClock);
  ASSERT_TRUE(server.Start(HttpAddress::Loopback(0)));
  std::string got;
  std::thread poster = StartThread("poster", [&] {
    const auto ready = [&] { return inbox != nullptr; };
    mutex.LockWhen(absl::Condition(&ready));
    for (const char* event : {"one,", "two,", "end"}) EXPECT_TRUE(inbox->Post(event));
    mutex.Unlock();
  });
  HttpCall call;
  call.target = "/events";
  const auto reply = HttpClient(server.address(), &kClock)
                         .Stream(call, Soon(), Seconds(20), [&](std::string_view piece) {
                           got += piece;
                           return true;
                         });
  poster.join();
  ASSERT_TRUE(reply) << reply.error().message;
  EXPECT_EQ(reply->headers.at("content-type"), "text/event-stream");
  EXPECT_EQ(got, "one,two,");
  server.Stop();
  (*inbox).Post("too late");  // a waker may outlive its stream
}

TEST(HttpServer, StopEndsStreamsAndConnectionsThatWait) {
  HttpServer server(Routes(), &kClock);
  ASSERT_TRUE(server.Start(HttpAddress::Loopback(0)));
  const UniqueFd silent = ConnectSocket(server.address(), kClock, Soon(), -1).value();
  absl::Notification streaming;
  std::thread reader = StartThread("reader", [&] {
    HttpCall call;
    call.target = "/silence";
    (void)HttpClient(server.address(), &kClock)
        .Stream(call, kMonoForever, Micros::max(), [&](std::string_view) {
          streaming.Notify();
          return true;
        });
  });
  streaming.WaitForNotification();
  const MonoTime start = kClock.Mono();
  server.Stop();
  EXPECT_LT(kClock.Mono() - start, Seconds(2));
  reader.join();
  server.Stop();
}

TEST(HttpServer, AUnixSocketIsItsOwnersAndReplacesOneLeftBehind) {
  const TempFolder folder;
  const HttpAddress address = HttpAddress::Unix(folder / "api.sock");
  {
    uint16_t port = 0;
    ASSERT_TRUE(ListenSocket(address, 1, &port));  // closed, and the file stays
  }
  HttpServer server({{"GET", "/who",
                      [](const HttpRequest& request) {
                        return HttpResponse::Text(200, std::to_string(request.peer_uid.value()));
                      }}},
                    &kClock);
  const Status started = server.Start(address);
  ASSERT_TRUE(started) << started.error().message;
  struct stat info {};
  ASSERT_EQ(stat(address.unix_path.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600u);
  HttpCall call;
  call.target = "/who";
  EXPECT_EQ(HttpClient(address, &kClock).Send(call, Soon()).value().body, std::to_string(getuid()));
  HttpServer second({}, &kClock);
  EXPECT_EQ(second.Start(address).error().code, Code::kBusy);
  server.Stop();
  EXPECT_NE(stat(address.unix_path.c_str(), &info), 0);
  ASSERT_TRUE(WriteFileAtomic(address.unix_path, "a file of somebody"));
  EXPECT_FALSE(second.Start(address));
  EXPECT_EQ(ReadFile(address.unix_path, 100), "a file of somebody");
}

}  // namespace
}  // namespace fleetmedic
