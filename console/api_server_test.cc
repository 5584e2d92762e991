#include "console/api_server.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>

#include "absl/synchronization/blocking_counter.h"
#include "absl/synchronization/notification.h"
#include "base/file.h"
#include "base/http_client.h"
#include "base/thread_pool.h"
#include "console/fake_remediator.h"
#include "console/static_files.h"
#include "remediation/gate.h"
#include "store/memory_store.h"

namespace fleetmedic {
namespace {

using testing::HasSubstr;
using testing::Not;

const SystemClock kClock;

MonoTime Soon() { return kClock.Mono() + Seconds(30); }

// Keeps one bundle of web-1.
class OneBundle final : public EvidenceBook {
 public:
  std::vector<Json> List(const HostId& host) const override {
    if (host != HostId("web-1")) return {};
    Json summary;
    summary.Set("id", "e1-suspect");
    return {summary};
  }
  Result<std::string> Read(const HostId& host, std::string_view id) const override {
    if (!Has(host, id)) return Fail(Code::kNotFound, "not kept");
    return std::string(R"({"id": "e1-suspect", "parts": []})");
  }
  bool Has(const HostId& host, std::string_view id) const override {
    return host == HostId("web-1") && id == "e1-suspect";
  }
};

class ApiServerTest : public testing::Test {
 protected:
  ApiServerTest() {
    options_.api.port = 0;
    options_.api.streams_max = 4;
    options_.state_dir = folder_.path();
    options_.run_dir = folder_ / "run";
    options_.version = "1.2.3";
  }
  void Start() {
    server_ = std::make_unique<ApiServer>(
        options_, ApiEnvironment{service_, store_, kClock, metrics_,
                                 [this]() -> Status { return health_; }, nullptr, evidence_});
    const Status started = server_->Start();
    ASSERT_TRUE(started) << started.error().message;
  }
  HttpReply Send(HttpCall call, bool with_token = true) const {
    if (with_token) call.headers["authorization"] = "Bearer " + server_->token();
    const auto reply = HttpClient(server_->address(), &kClock).Send(call, Soon());
    EXPECT_TRUE(reply) << call.target << ": " << reply.error().message;
    return reply.value_or(HttpReply());
  }
  HttpReply Get(const std::string& target) const { return Send({"GET", target}); }
  Json GetJson(const std::string& target) const {
    const HttpReply reply = Get(target);
    EXPECT_EQ(reply.status, 200) << target << reply.body;
    return Json::Parse(reply.body).value_or(Json());
  }
  HttpReply Post(const std::string& target, const std::string& body) const {
    return Send({"POST", target, {}, body});
  }

  const TempFolder folder_;
  ApiServerOptions options_;
  FakeRemediator service_;
  MemoryStore store_{kClock};
  Metrics metrics_;
  Status health_;
  const EvidenceBook* evidence_ = nullptr;
  std::unique_ptr<ApiServer> server_;
};

TEST_F(ApiServerTest, EveryRouteUnderApiNeedsAToken) {
  Start();
  for (const char* target :
       {"/api/v1/state", "/api/v1/stream", "/api/v1/hosts", "/api/v1/hosts/a",
        "/api/v1/hosts/a/why", "/api/v1/hosts/a/evidence", "/api/v1/hosts/a/evidence/e1",
        "/api/v1/grants", "/api/v1/audit", "/api/v1/overrides", "/api/v1/rules",
        "/api/v1/rules/kernel.oops", "/api/v1/jobs", "/api/v1/tasks"}) {
    const HttpReply reply = Send({"GET", target}, false);
    EXPECT_EQ(reply.status, 401) << target;
    EXPECT_EQ(reply.headers.at("content-type"), "application/problem+json") << target;
  }
  for (const char* target : {"/api/v1/hold", "/api/v1/release", "/api/v1/brake/release",
                             "/api/v1/overrides", "/api/v1/hosts/a/evidence"}) {
    EXPECT_EQ(Send({"POST", target, {}, "{}"}, false).status, 401) << target;
  }
  EXPECT_TRUE(service_.posted().empty());
  EXPECT_EQ(Send({"GET", "/healthz"}, false).body, "ok\n");
  EXPECT_THAT(Send({"GET", "/metrics"}, false).body,
              HasSubstr("fleetmedic_api_requests_total{status=\"401\"}"));
  health_ = Fail(Code::kUnavailable, "the role is stuck");
  EXPECT_EQ(Send({"GET", "/healthz"}, false).status, 503);
}

TEST_F(ApiServerTest, ASessionLooksAndActsOnlyWithTheCsrfHeader) {
  Start();
  Json body;
  body.Set("token", "wrong");
  EXPECT_EQ(Send({"POST", "/api/v1/session", {}, body.Dump()}, false).status, 401);
  body.Set("token", server_->token());
  const HttpReply opened = Send({"POST", "/api/v1/session", {}, body.Dump()}, false);
  ASSERT_EQ(opened.status, 204);
  const std::string set = opened.headers.at("set-cookie");
  const std::string cookie = set.substr(0, set.find(';'));
  EXPECT_EQ(Send({"GET", "/api/v1/state", {{"cookie", cookie}}}, false).status, 200);
  EXPECT_EQ(Send({"POST", "/api/v1/hold", {{"cookie", cookie}}}, false).status, 403);
  EXPECT_TRUE(service_.posted().empty());
  EXPECT_EQ(Send({"POST", "/api/v1/hold", {{"cookie", cookie}, {"x-fleetmedic-csrf", "1"}}}, false)
                .status,
            200);
}

TEST_F(ApiServerTest, HoldIsOnePressAndNeedsNoBody) {
  Start();
  const HttpReply reply = Post("/api/v1/hold", "");
  ASSERT_EQ(reply.status, 200) << reply.body;
  const auto posted = service_.posted();
  ASSERT_EQ(posted.size(), 1u);
  const auto& add = std::get<request::AddOverride>(posted[0]);
  EXPECT_EQ(add.kind, OverrideKind::kHold);
  EXPECT_EQ(add.scope, (Scope{ScopeKind::kFleet, ""}));
  EXPECT_EQ(add.who, "token");
  EXPECT_EQ(*Json::Parse(reply.body).value()["id"].string(), "o-1");
}

TEST_F(ApiServerTest, AHoldThatIsNotDurableYetIsInForceAndSaysSo) {
  // A slow store: the request is taken, and nothing is answered.
  service_.answer = [](const Request&, const FakeRemediator::Done&) { return Status(); };
  FleetSnapshot fleet = TestFleet({});
  service_.Show(fleet);
  Start();
  const HttpReply reply = Post("/api/v1/hold", R"({"reason": "stop"})");
  EXPECT_EQ(reply.status, 202);
  const Json json = Json::Parse(reply.body).value();
  EXPECT_EQ(json["durable"].boolean(), false);
  EXPECT_THAT(*json["detail"].string(), HasSubstr("touch /run/fleetmedic/HOLD"));
}

TEST_F(ApiServerTest, WhatPeopleSayIsCheckedBeforeItIsPosted) {
  Start();
  struct Case {
    const char* sentence;
    const char* method;
    const char* target;
    std::string body;
    int status;
    const char* detail;
  };
  const Case cases[] = {
      {"an empty scope is not all", "POST", "/api/v1/overrides",
       R"({"kind": "protect", "scope": "", "reason": "x"})", 400, "not a scope"},
      {"no scope", "POST", "/api/v1/overrides", R"({"kind": "protect", "reason": "x"})", 400,
       "scope"},
      {"an unknown kind", "POST", "/api/v1/overrides",
       R"({"kind": "nuke", "scope": "fleet", "reason": "x"})", 400, "unknown word"},
      {"no reason", "POST", "/api/v1/overrides", R"({"kind": "protect", "scope": "fleet"})", 400,
       "reason"},
      {"no JSON", "POST", "/api/v1/overrides", "kind=protect", 400, ""},
      {"an array", "POST", "/api/v1/hold", "[]", 400, "no JSON object"},
      {"a hold with an empty scope", "POST", "/api/v1/hold", R"({"scope": ""})", 400,
       "not a scope"},
      {"a release without a reason", "POST", "/api/v1/release", "{}", 400, "reason"},
      {"an empty reason", "POST", "/api/v1/brake/release", R"({"reason": ""})", 400, "reason"},
      {"an end without a reason", "DELETE", "/api/v1/overrides/o-1", "", 400, "reason"},
      {"a GET never acts", "GET", "/api/v1/hold", "", 405, "not served"},
      {"a body past the limit", "POST", "/api/v1/hold", std::string(2 << 20, ' '), 413, "at most"},
      {"a selector that cannot be read", "GET", "/api/v1/hosts?l=web", "", 400, "key=value"},
      {"a limit past the limit", "GET", "/api/v1/audit?limit=100000", "", 400, "1 to 1000"},
      {"a since of neither kind", "GET", "/api/v1/audit?since=yesterday", "", 400, "neither"},
      {"a host that is not known", "GET", "/api/v1/hosts/web-9", "", 404, "no host"},
      {"a rule that is not in use", "GET", "/api/v1/rules/kernel.oops", "", 404, "no rule"},
      {"no scheduler", "GET", "/api/v1/jobs", "", 501, "no bundled scheduler"},
      {"no such file", "GET", "/etc-passwd", "", 404, "nothing at"},
  };
  for (const Case& c : cases) {
    const HttpReply reply = Send({c.method, c.target, {}, c.body});
    EXPECT_EQ(reply.status, c.status) << c.sentence << ": " << reply.body;
    EXPECT_THAT(reply.body, HasSubstr(c.detail)) << c.sentence;
  }
  EXPECT_TRUE(service_.posted().empty());
}

TEST_F(ApiServerTest, ActsArePostedWithTheNameOfWhoAsks) {
  Start();
  const HttpHeaders ana = {{"x-fleetmedic-who", "ana"},
                           {"authorization", "Bearer " + server_->token()}};
  EXPECT_EQ(Send({"POST", "/api/v1/overrides", ana,
                  R"({"kind": "drain", "scope": "host:web-1", "reason": "noisy",
                      "for_ms": 60000})"})
                .status,
            201);
  EXPECT_EQ(Send({"DELETE", "/api/v1/overrides/o-1", ana, R"({"reason": "done"})"}).status, 204);
  EXPECT_EQ(Send({"POST", "/api/v1/release", ana, R"({"reason": "fixed"})"}).status, 200);
  EXPECT_EQ(Send({"POST", "/api/v1/brake/release", ana, R"({"reason": "seen"})"}).status, 200);
  EXPECT_EQ(Send({"POST", "/api/v1/reconcile/accept", ana, R"({"reason": "seen"})"}).status, 200);
  const auto posted = service_.posted();
  ASSERT_EQ(posted.size(), 5u);
  const auto& add = std::get<request::AddOverride>(posted[0]);
  EXPECT_EQ(add.who, "ana (token)");
  EXPECT_EQ(add.lasts, Minutes(1));
  EXPECT_EQ(std::get<request::EndOverride>(posted[1]).id, OverrideId("o-1"));
  EXPECT_EQ(std::get<request::Release>(posted[2]).who, "ana (token)");
  EXPECT_EQ(std::get<request::ReleaseBrake>(posted[3]).reason, "seen");
  EXPECT_EQ(std::get<request::AcceptReconcile>(posted[4]).who, "ana (token)");
}

TEST_F(ApiServerTest, GrantsAreLentRenewedAndReleased) {
  Start();
  const HttpHeaders kured = {{"x-fleetmedic-who", "kured"},
                             {"authorization", "Bearer " + server_->token()}};
  const HttpReply lent = Send({"POST", "/api/v1/grants", kured,
                               R"({"host": "web-1", "act": "reboot", "reason": "kernel"})"});
  EXPECT_EQ(lent.status, 201);
  EXPECT_THAT(lent.body, HasSubstr(R"("act":"reboot")"));
  EXPECT_THAT(lent.body, HasSubstr(R"j("holder":"kured (token)")j"));
  EXPECT_THAT(lent.body, HasSubstr(R"("ends_at":"2026-01-01T00:15:00.000000Z")"));
  EXPECT_EQ(Send({"POST", "/api/v1/grants/g-1/renew", kured, R"({"lease_ms": 60000})"}).status,
            200);
  EXPECT_EQ(Send({"POST", "/api/v1/grants/g-1/renew", kured, ""}).status, 200);
  EXPECT_EQ(Send({"DELETE", "/api/v1/grants/g-1", kured, ""}).status, 204);
  EXPECT_EQ(Send({"POST", "/api/v1/grants", kured, R"({"host": "web-1"})"}).status, 400);
  const auto posted = service_.posted();
  ASSERT_EQ(posted.size(), 4u);
  EXPECT_EQ(std::get<request::LendGrant>(posted[0]).lease, Minutes(15));
  EXPECT_EQ(std::get<request::RenewGrant>(posted[1]).lease, Minutes(1));
  EXPECT_EQ(std::get<request::RenewGrant>(posted[2]).lease, Minutes(15));
  EXPECT_EQ(std::get<request::ReleaseGrant>(posted[3]).who, "kured (token)");
}

TEST_F(ApiServerTest, ARefusalOfTheRemediatorIsAProblem) {
  service_.answer = [](const Request&, const FakeRemediator::Done& done) {
    done(Fail(Code::kConflict, "the brake is not tripped"));
    return Status();
  };
  Start();
  const HttpReply reply = Post("/api/v1/brake/release", R"({"reason": "x"})");
  EXPECT_EQ(reply.status, 409);
  EXPECT_EQ(*Json::Parse(reply.body).value()["code"].string(), "conflict");
  service_.answer = [](const Request&, const FakeRemediator::Done&) -> Status {
    return Fail(Code::kFull, "too many requests wait already; try again");
  };
  const HttpReply full = Post("/api/v1/release", R"({"reason": "x"})");
  EXPECT_EQ(full.status, 503);
  EXPECT_EQ(full.headers.at("retry-after"), "1");
}

TEST_F(ApiServerTest, HostsAreSelectedAndShown) {
  HostRecord sick = TestHost("web-1");
  sick.state = HostState::kSuspect;
  service_.Show(TestFleet({sick, TestHost("web-2")}));
  Start();
  EXPECT_EQ(GetJson("/api/v1/hosts")["items"].array()->size(), 2u);
  EXPECT_EQ(GetJson("/api/v1/hosts?l=state%3Dsuspect")["items"].array()->size(), 1u);
  EXPECT_EQ(GetJson("/api/v1/hosts?l=")["items"].array()->size(), 0u) << "empty is not all";
  EXPECT_EQ(*GetJson("/api/v1/hosts/web-1")["state"].string(), "suspect");
  EXPECT_THAT(Get("/api/v1/hosts/web-3").body, HasSubstr("did you mean web-"));
  EXPECT_EQ(*GetJson("/api/v1/state")["version"].string(), "1.2.3");
}

TEST_F(ApiServerTest, EvidenceIsAskedForListedAndGivenWhole) {
  const OneBundle book;
  evidence_ = &book;
  service_.Show(TestFleet({TestHost("web-1"), TestHost("web-2")}));
  service_.answer = [](const Request&, const FakeRemediator::Done& done) {
    RequestAnswer answer;
    answer.evidence_id = "p7";
    done(std::move(answer));
    return Status();
  };
  Start();
  const HttpReply asked = Post("/api/v1/hosts/web-1/evidence", R"({"reason": "it smells"})");
  EXPECT_EQ(asked.status, 202) << asked.body;
  EXPECT_EQ(*Json::Parse(asked.body).value()["id"].string(), "p7");
  const auto posted = service_.posted();
  ASSERT_EQ(posted.size(), 1u);
  const auto& collect = std::get<request::CollectEvidence>(posted[0]);
  EXPECT_EQ(collect.host, HostId("web-1"));
  EXPECT_EQ(collect.who, "token");
  EXPECT_EQ(collect.reason, "it smells");
  EXPECT_EQ(Post("/api/v1/hosts/web-1/evidence", R"({"reason": 7})").status, 400);
  EXPECT_EQ(service_.posted().size(), 1u);
  EXPECT_EQ(GetJson("/api/v1/hosts/web-1/evidence")["items"].array()->size(), 1u);
  EXPECT_EQ(GetJson("/api/v1/hosts/web-2/evidence")["items"].array()->size(), 0u);
  EXPECT_EQ(GetJson("/api/v1/hosts/web-1")["evidence"].array()->size(), 1u);
  EXPECT_EQ(*GetJson("/api/v1/hosts/web-1/evidence/e1-suspect")["id"].string(), "e1-suspect");
  EXPECT_EQ(Get("/api/v1/hosts/web-1/evidence/e2").status, 404);
  EXPECT_EQ(Get("/api/v1/hosts/web-9/evidence").status, 404);
  EXPECT_EQ(Get("/api/v1/hosts/%20%0a/evidence/..%2fx").status, 404);
}

TEST_F(ApiServerTest, TheAuditComesWithItsChain) {
  const Lease lease = store_.Acquire("test", Hours(1)).value();
  for (int i = 0; i < 5; ++i) {
    ASSERT_TRUE(store_.Commit(lease.epoch, [&](StoreTransaction& transaction) {
      AuditEntry entry;
      entry.at = kTestNow + Seconds(i);
      entry.who = "op1";
      entry.action = "hold";
      entry.object = i % 2 == 0 ? "fleet" : "host:web-1";
      return transaction.AppendAudit(std::move(entry));
    }));
  }
  Start();
  const Json all = GetJson("/api/v1/audit");
  EXPECT_EQ(all["items"].array()->size(), 5u);
  EXPECT_EQ((*all["items"].array())[0]["seq"].integer(), 5) << "newest first";
  EXPECT_EQ(all["chain"], Json::Parse(R"({"ok": true, "to_seq": 5})").value());
  EXPECT_EQ(GetJson("/api/v1/audit?host=web-1")["items"].array()->size(), 2u);
  const Json after = GetJson("/api/v1/audit?since=3&limit=1");
  EXPECT_EQ((*after["items"].array())[0]["seq"].integer(), 4);
  EXPECT_EQ(GetJson("/api/v1/audit?since=2026-01-01T00:00:03Z")["items"].array()->size(), 2u);
  EXPECT_EQ(GetJson("/api/v1/audit?object=fleet")["items"].array()->size(), 3u);
  EXPECT_EQ(GetJson("/api/v1/audit?who=op1&object=host:web-1")["items"].array()->size(), 2u);
  EXPECT_EQ(GetJson("/api/v1/audit?who=op2")["items"].array()->size(), 0u);
  EXPECT_EQ(Get("/api/v1/audit?host=web-1&object=fleet").status, 400);
}

TEST_F(ApiServerTest, TheControlSocketNeedsNoTokenAndNamesTheUid) {
  Start();
  const HttpClient client(server_->control_address(), &kClock);
  EXPECT_EQ(client.Send({"GET", "/api/v1/state"}, Soon()).value().status, 200);
  EXPECT_EQ(client.Send({"POST", "/api/v1/hold"}, Soon()).value().status, 200);
  const auto posted = service_.posted();
  ASSERT_EQ(posted.size(), 1u);
  EXPECT_EQ(std::get<request::AddOverride>(posted[0]).who, "uid:" + std::to_string(getuid()));
  server_->Stop();
  EXPECT_FALSE(client.Send({"GET", "/api/v1/state"}, Soon()));
}

TEST_F(ApiServerTest, ThePageIsServedWithItsPolicyAndTags) {
  Start();
  const HttpReply page = Send({"GET", "/"}, false);
  EXPECT_EQ(page.status, 200);
  EXPECT_THAT(page.body, HasSubstr("<title>fleetmedic</title>"));
  EXPECT_THAT(page.headers.at("content-security-policy"), HasSubstr("default-src 'self'"));
  EXPECT_EQ(page.headers.at("x-content-type-options"), "nosniff");
  EXPECT_EQ(page.headers.at("cache-control"), "no-cache");
  EXPECT_EQ(Send({"GET", "/hosts/web-1.example"}, false).body, page.body);
  const HttpReply script = Send({"GET", "/app.js"}, false);
  EXPECT_EQ(script.headers.at("content-type"), "text/javascript; charset=utf-8");
  EXPECT_EQ(script.body, ReadFile("console/web/dist/app.js", 10 << 20).value());
  const HttpReply same =
      Send({"GET", "/app.js", {{"if-none-match", script.headers.at("etag")}}}, false);
  EXPECT_EQ(same.status, 304);
  EXPECT_TRUE(same.body.empty());
  EXPECT_EQ(StaticFiles().size(), 5u);
}

TEST_F(ApiServerTest, ANonLoopbackAddressIsRefused) {
  options_.api.listen_address = "0.0.0.0";
  ApiServer server(options_, {service_, store_, kClock, metrics_, {}});
  const Status started = server.Start();
  ASSERT_FALSE(started);
  EXPECT_EQ(started.error().code, Code::kRefused);
  EXPECT_THAT(started.error().message, HasSubstr("ssh -L"));
}

TEST_F(ApiServerTest, HoldAnswersWhileEveryStreamAndFiftyMoreAreOpen) {
  service_.Show(TestFleet({TestHost("web-1")}));
  options_.api.streams_max = 16;
  Start();
  const int wanted = options_.api.streams_max + 50;
  absl::BlockingCounter settled(wanted);
  std::atomic<int> opened{0};
  const HttpCancel cancel;
  const HttpClient streaming(server_->address(), &kClock, &cancel);
  auto readers = std::make_unique<ThreadPool>("reader", static_cast<size_t>(wanted),
                                              static_cast<size_t>(wanted));
  for (int i = 0; i < wanted; ++i) {
    ASSERT_TRUE(readers->Submit("reader", [&] {
      bool first = true;
      HttpCall call;
      call.target = "/api/v1/stream";
      call.headers["authorization"] = "Bearer " + server_->token();
      const auto reply = streaming.Stream(call, kMonoForever, Micros::max(), [&](std::string_view) {
        if (first) {
          ++opened;
          settled.DecrementCount();
        }
        first = false;
        return true;
      });
      if (!first || !reply) return;
      EXPECT_EQ(reply->status, 503);
      EXPECT_EQ(reply->headers.count("retry-after"), 1u);
      settled.DecrementCount();
    }));
  }
  settled.Wait();
  EXPECT_EQ(opened, options_.api.streams_max);
  const MonoTime start = kClock.Mono();
  EXPECT_EQ(Post("/api/v1/hold", "").status, 200);
  EXPECT_LT(kClock.Mono() - start, Seconds(1));  // 100 ms is the aim; the machine may be busy
  RecordProperty("hold_us", std::to_string((kClock.Mono() - start).count()));
  EXPECT_THAT(Get("/metrics").body, HasSubstr("fleetmedic_api_streams_refused_total 50"));
  cancel.Cancel();
  readers.reset();
}

TEST_F(ApiServerTest, WithEveryThreadStuckTheSocketAndTheFileStillHold) {
  absl::Notification release;
  service_.before_snapshot = [&] { release.WaitForNotification(); };
  options_.api.streams_max = 1;
  Start();
  const int threads = static_cast<int>(kApiRequestThreads) + options_.api.streams_max;
  absl::BlockingCounter sent(threads);
  auto stuck = std::make_unique<ThreadPool>("stuck", static_cast<size_t>(threads),
                                            static_cast<size_t>(threads));
  for (int i = 0; i < threads; ++i) {
    ASSERT_TRUE(stuck->Submit("stuck", [&] {
      HttpCall call{"GET", "/api/v1/hosts", {{"authorization", "Bearer " + server_->token()}}};
      sent.DecrementCount();
      (void)HttpClient(server_->address(), &kClock).Send(call, Soon());
    }));
  }
  sent.Wait();
  while (server_->counts().requests < threads) ASSERT_LT(kClock.Mono(), Soon());
  // The door that is jammed ...
  const HttpCall hold{"POST", "/api/v1/hold", {{"authorization", "Bearer " + server_->token()}}};
  EXPECT_FALSE(HttpClient(server_->address(), &kClock).Send(hold, kClock.Mono() + Millis(300)));
  // ... the one beside it ...
  const auto reply =
      HttpClient(server_->control_address(), &kClock).Send({"POST", "/api/v1/hold"}, Soon());
  ASSERT_TRUE(reply) << reply.error().message;
  EXPECT_EQ(reply->status, 200);
  // ... and the one that needs no server at all.
  Gate gate(kClock, folder_ / "HOLD");
  gate.LeadUntil(kMonoForever);
  EXPECT_EQ(gate.Closed(), "");
  ASSERT_TRUE(WriteFileAtomic(folder_ / "HOLD", ""));
  EXPECT_THAT(gate.Closed(), HasSubstr("held by the file"));
  release.Notify();
  stuck.reset();
}

TEST_F(ApiServerTest, JobsAndTasksAreTheSchedulersToTell) {
  std::string who;
  HttpServer scheduler({{"GET", "/v1/tasks",
                         [](const HttpRequest& request) {
                           EXPECT_EQ(request.query("host"), "web-1");
                           return HttpResponse::FromJson(
                               200, Json::Parse(R"({"items": [{"task": "t-1", "host": "web-1"},
                                             {"task": "t-2", "host": "web-2"}]})")
                                        .value());
                         }},
                        {"PUT", "/v1/jobs/{job}",
                         [&](const HttpRequest& request) {
                           who = request.header("x-fleetmedic-who");
                           return HttpResponse::FromJson(
                               201, Json(request.param("job") + "?" +
                                         std::string(*request.query("a")) + request.body));
                         }}},
                       &kClock);
  options_.scheduler = HttpAddress::Unix(folder_ / "scheduler.sock");
  service_.Show(TestFleet({TestHost("web-1")}));
  Start();
  EXPECT_EQ(Get("/api/v1/jobs").status, 503) << "it does not run";
  EXPECT_THAT(Get("/api/v1/hosts/web-1").body, HasSubstr("tasks_error"));
  ASSERT_TRUE(scheduler.Start(*options_.scheduler));
  const Json host = GetJson("/api/v1/hosts/web-1");
  ASSERT_EQ(host["tasks"].array()->size(), 1u);
  EXPECT_EQ(*(*host["tasks"].array())[0]["task"].string(), "t-1");
  EXPECT_TRUE(host["tasks_error"].is_null());
  const HttpReply put = Send({"PUT", "/api/v1/jobs/a%2Fb?a=1%262", {}, "{}"});
  EXPECT_EQ(put.status, 201);
  EXPECT_EQ(put.body, "\"a/b?1&2{}\"");
  EXPECT_EQ(who, "token");
}

}  // namespace
}  // namespace fleetmedic
