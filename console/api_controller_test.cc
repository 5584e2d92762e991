// The API over a real remediator, on a store and a log in memory.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "absl/synchronization/mutex.h"
#include "base/file.h"
#include "base/http_client.h"
#include "base/role_loop.h"
#include "base/thread_pool.h"
#include "console/api_server.h"
#include "eventlog/memory_event_log.h"
#include "model/health_event.h"
#include "remediation/controller.h"
#include "store/memory_store.h"

namespace fleetmedic {
namespace {

using testing::Contains;
using testing::HasSubstr;

const SystemClock kClock;

MonoTime Soon() { return kClock.Mono() + Seconds(60); }

// A scheduler that does at once what it is told; three tasks stay on a host that is drained.
class QuickScheduler final : public SchedulerHook {
 public:
  Result<HostView> Apply(const Directive& directive, MonoTime) override {
    absl::MutexLock lock(&mutex_);
    HostView& view = views_[directive.host];
    view.host = directive.host;
    view.revision = directive.revision;
    view.want = directive.want;
    view.tasks_left = directive.want == Want::kDrained ? 3 : 14;
    view.blocked_by = directive.want == Want::kDrained ? "payments: 3 of 3 must stay" : "";
    return view;
  }
  Result<std::vector<HostView>> List(MonoTime) override {
    absl::MutexLock lock(&mutex_);
    std::vector<HostView> views;
    for (const auto& [host, view] : views_) views.push_back(view);
    return views;
  }
  void Know(const HostId& host) {
    absl::MutexLock lock(&mutex_);
    views_[host].host = host;
    views_[host].tasks_left = 14;
  }

 private:
  absl::Mutex mutex_;
  std::map<HostId, HostView> views_ ABSL_GUARDED_BY(mutex_);
};

class ApiControllerTest : public testing::Test {
 protected:
  ApiControllerTest() {
    RemediatorConfig config;
    config.mode = Mode::kAuto;
    config.policy.confirm_hard = Millis(0);
    config.list_every = Millis(100);
    Limit limit;
    limit.name = "fleet_concurrent";
    limit.at_least = 2;
    config.limits = {limit};
    controller_ = std::make_unique<Controller>(
        config, folder_ / "HOLD",
        RemediatorEnvironment{kClock, log_, store_, hook_, workers_, metrics_,
                              [this] { loop_->Wake(); }, "test"});
    loop_ = std::make_unique<RoleLoop>(controller_.get(), &kClock);
    const std::array topics = {Topic::kHosts, Topic::kHealth};
    woken_ = log_.Subscribe(topics, [this] { loop_->Wake(); });
    ApiServerOptions options;
    options.api.port = 0;
    options.state_dir = folder_.path();
    options.run_dir = folder_ / "run";
    api_ = std::make_unique<ApiServer>(options,
                                       ApiEnvironment{*controller_, store_, kClock, metrics_, {}});
    const Status started = api_->Start();
    EXPECT_TRUE(started) << started.error().message;
    loop_->Start();
  }
  ~ApiControllerTest() override {
    api_->Stop();
    loop_->Stop();
    woken_.reset();
  }

  void Append(Topic topic, const HostId& host, const Json& value) {
    const Record record{host.str(), value.Dump(), {}, kClock.Wall()};
    ASSERT_TRUE(log_.Append(topic, {&record, 1}));
  }
  void Introduce(const std::string& name, bool sick) {
    HostFacts facts;
    facts.host = HostId(name);
    facts.pool = "web";
    facts.boot_id = "boot-1";
    facts.booted_at = kClock.Wall() - Hours(1);
    hook_.Know(facts.host);
    Append(Topic::kHosts, facts.host, ToJson(facts));
    HealthEvent event;
    event.host = facts.host;
    event.boot_id = facts.boot_id;
    event.booted_at = facts.booted_at;
    event.detector = "docker";
    event.sequence = 1;
    event.observed_at = kClock.Wall();
    Condition condition{"DockerUnresponsive", "", Verdict::kOk, Severity::kHard, "", "",
                        kClock.Wall(),        {}};
    if (sick) {
      condition.verdict = Verdict::kBad;
      condition.reason = "InfoTimedOut";
      condition.message = "/info: no answer in 5s";
      condition.evidence = {"GET /info: \x1b[31mno bytes\n\nevent: x"};
    }
    event.conditions = {condition};
    Append(Topic::kHealth, facts.host, ToJson(event));
  }
  Json Ask(const std::string& method, const std::string& target, const std::string& body = "") {
    const auto reply =
        HttpClient(api_->control_address(), &kClock).Send({method, target, {}, body}, Soon());
    EXPECT_TRUE(reply) << reply.error().message;
    if (!reply || reply->body.empty()) return {};
    EXPECT_LT(reply->status, 300) << reply->body;
    return Json::Parse(reply->body).value_or(Json());
  }
  // Reads the stream, from what the state says on, until it says this.
  bool StreamSays(std::string_view text, std::string_view cursor) {
    std::string got;
    HttpCall call;
    call.target = "/api/v1/stream?since=" + std::string(cursor);
    const auto reply = HttpClient(api_->control_address(), &kClock)
                           .Stream(call, Soon(), Seconds(30), [&](std::string_view piece) {
                             got += piece;
                             return got.find(text) == std::string::npos;
                           });
    return reply && got.find(text) != std::string::npos;
  }

  const TempFolder folder_;
  Metrics metrics_;
  MemoryStore store_{kClock};
  MemoryEventLog log_{kClock};
  QuickScheduler hook_;
  ThreadPool workers_{"work", 2, 64};
  std::unique_ptr<Controller> controller_;
  std::unique_ptr<RoleLoop> loop_;
  std::unique_ptr<Subscription> woken_;
  std::unique_ptr<ApiServer> api_;
};

TEST_F(ApiControllerTest, TellsFromTheProbeToTheDrainAndHolds) {
  const std::string cursor = *Ask("GET", "/api/v1/state")["cursor"].string();
  for (const char* name : {"web-2", "web-3", "web-4", "web-5"}) Introduce(name, false);
  Introduce("web-1", true);
  ASSERT_TRUE(StreamSays(R"("state":"draining")", cursor));
  ASSERT_TRUE(StreamSays(R"("waits_for":"payments: 3 of 3 must stay")", cursor));

  const Json host = Ask("GET", "/api/v1/hosts/web-1");
  EXPECT_EQ(*host["state"].string(), "draining");
  EXPECT_EQ(host["tasks_left"].integer(), 3);
  EXPECT_EQ(host["tasks_total"].integer(), 14);
  std::vector<std::string> chain;
  const Json why = Ask("GET", "/api/v1/hosts/web-1/why");
  for (const Json& line : *why["lines"].array()) {
    chain.push_back(*line["kind"].string() + ": " + *line["text"].string());
  }
  EXPECT_EQ(chain.front(), "probe: GET /info: \x1b[31mno bytes\n\nevent: x");
  EXPECT_THAT(chain, Contains(HasSubstr("condition: DockerUnresponsive is bad (hard")));
  EXPECT_THAT(chain, Contains(HasSubstr("with it: fleet_concurrent (fleet) 1 of 2")));
  EXPECT_THAT(chain, Contains("directive: revision 1: tainted"));
  EXPECT_THAT(chain, Contains("ack: the scheduler acknowledged revision 1"));
  EXPECT_THAT(chain, Contains("directive: revision 2: drained"));
  EXPECT_EQ(chain.back(), "refusal: waits for payments: 3 of 3 must stay");

  const Json state = Ask("GET", "/api/v1/state");
  EXPECT_EQ(*state["mode"]["mode"].string(), "auto");
  EXPECT_EQ(*(*state["grants"].array())[0]["act"].string(), "drain");
  EXPECT_EQ(*(*state["needs_you"].array())[0]["what"].string(), "A drain is blocked");
}

TEST_F(ApiControllerTest, AHoldIsSeenByWhoLooksNextAndReleaseNamesWhatStays) {
  Introduce("web-1", false);
  const Json held = Ask("POST", "/api/v1/hold");
  EXPECT_EQ(held["durable"].boolean(), true);
  Json mode = Ask("GET", "/api/v1/state")["mode"];
  EXPECT_EQ(*mode["mode"].string(), "hold");
  EXPECT_EQ(*(*mode["holds"].array())[0]["id"].string(), *held["id"].string());
  ASSERT_TRUE(WriteFileAtomic(folder_ / "HOLD", ""));
  const Json released = Ask("POST", "/api/v1/release", R"({"reason": "a test"})");
  ASSERT_EQ(released["released"].array()->size(), 1u);
  ASSERT_EQ(released["still"].array()->size(), 1u);
  EXPECT_EQ(*(*released["still"].array())[0]["source"].string(), "file");
  EXPECT_EQ(*(*released["still"].array())[0]["path"].string(), folder_ / "HOLD");
  mode = Ask("GET", "/api/v1/state")["mode"];
  EXPECT_EQ(*mode["mode"].string(), "hold") << "the file holds";
  const Json audit = Ask("GET", "/api/v1/audit");
  EXPECT_EQ(*(*audit["items"].array())[0]["action"].string(), "release");
  EXPECT_EQ(audit["chain"]["ok"].boolean(), true);
}

}  // namespace
}  // namespace fleetmedic
