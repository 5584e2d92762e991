// People are told: the whole program with a webhook on loopback, a brake that trips, and kill -9.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include <fmt/format.h>

#include "absl/synchronization/mutex.h"
#include "app/demo/demo_host.h"
#include "base/file.h"
#include "base/http_server.h"
#include "base/sha256.h"
#include "tests/e2e/fleet_program.h"
#include "tests/e2e/processes.h"
#include "tests/e2e/wait.h"

namespace fleetmedic {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

constexpr int kHosts = 9;
constexpr int kSick = 5;  // of 10 hosts; the brake trips above 3
constexpr std::string_view kKey = "an-e2e-key";

class NotifyE2e : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(receiver_.Start(HttpAddress::Loopback(0)));
    ASSERT_TRUE(WriteFileAtomic(folder_ / "hook.key", std::string(kKey) + "\n", 0600));
    ASSERT_TRUE(WriteFileAtomic(
        folder_ / "notify.toml",
        fmt::format("[notify]\nconsole_url = \"http://127.0.0.1:7480\"\ngather = \"1s\"\n"
                    "[[notify.channel]]\nname = \"hook\"\nkind = \"webhook\"\n"
                    "url = \"http://127.0.0.1:{}/hook\"\nsecret_file = \"{}\"\n",
                    receiver_.address().port, folder_ / "hook.key")));
  }
  void TearDown() override {
    if (fleet_.running()) {
      const Status stopped = fleet_.Stop(Seconds(60));
      EXPECT_TRUE(stopped) << stopped.error().message;
    }
    EXPECT_TRUE(EndProcessesBelow(folder_.path()));
  }

  void StartFleet() {
    const Status started = fleet_.Start(
        {"up", "--demo-hosts", std::to_string(kHosts), "--config", folder_ / "notify.toml"},
        Seconds(60));
    ASSERT_TRUE(started) << started.error().message;
  }
  bool Leads() const {
    const Result<std::string> metrics = fleet_.Metrics();
    return metrics && metrics->find("\nfleetmedic_notifier_leading 1\n") != std::string::npos;
  }
  bool HostsReport() const {
    const Result<Json> state = fleet_.Get("/api/v1/state");
    return state && (*state)["freshness"]["hosts_reporting"].integer().value_or(0) > kHosts;
  }
  // How many times this message was answered so.
  size_t Answered(const std::string& id, bool taken) const {
    absl::MutexLock lock(&mutex_);
    const auto& of = taken ? taken_ : refused_;
    const auto at = of.find(id);
    return at == of.end() ? 0 : at->second;
  }
  // The identifiers of the triggers of the brake that came.
  std::vector<std::string> BrakePages() const {
    absl::MutexLock lock(&mutex_);
    std::vector<std::string> ids;
    for (const auto& [id, body] : bodies_) {
      if (body["key"] == Json("brake:disrupted") && body["act"] == Json("trigger")) {
        ids.push_back(id);
      }
    }
    return ids;
  }
  void Take(bool take) {
    absl::MutexLock lock(&mutex_);
    take_ = take;
  }
  Json Body(const std::string& id) const {
    absl::MutexLock lock(&mutex_);
    return bodies_.at(id);
  }

  // As docs/NOTIFICATIONS.md tells a receiver to.
  HttpResponse Receive(const HttpRequest& request) {
    const std::string timestamp(request.header("fleetmedic-timestamp"));
    EXPECT_EQ(request.header("fleetmedic-signature"),
              "v1=" + HmacSha256Hex(kKey, timestamp + "." + request.body));
    EXPECT_NEAR(std::stod("0" + timestamp), MillisOf(clock_.Wall()) / 1000.0, 300);
    const Result<Json> body = Json::Parse(request.body);
    EXPECT_TRUE(body) << request.body;
    const std::string id(request.header("ce-id"));
    absl::MutexLock lock(&mutex_);
    if (body) bodies_[id] = *body;
    ++(take_ ? taken_ : refused_)[id];
    return take_ ? HttpResponse::Empty(202) : HttpResponse::Text(503, "not now");
  }

  SystemClock clock_;
  TempFolder folder_;
  mutable absl::Mutex mutex_;
  bool take_ ABSL_GUARDED_BY(mutex_) = true;
  std::map<std::string, Json> bodies_ ABSL_GUARDED_BY(mutex_);
  std::map<std::string, size_t> taken_ ABSL_GUARDED_BY(mutex_);
  std::map<std::string, size_t> refused_ ABSL_GUARDED_BY(mutex_);
  FleetProgram fleet_{folder_.path()};
  HttpServer receiver_{
      {{"POST", "/hook", [this](const HttpRequest& request) { return Receive(request); }}},
      &clock_};
};

TEST_F(NotifyE2e, ABrakeThatTripsIsOnePageAlsoAcrossKills) {
  Take(false);
  ASSERT_NO_FATAL_FAILURE(StartFleet());
  ASSERT_TRUE(WaitUntil(clock_, Seconds(60), [this] { return HostsReport() && Leads(); }))
      << fleet_.LogEnd();
  for (int i = 0; i < kSick; ++i) {
    DemoHost host((folder_ / "hosts/") + DemoHostName(i) + "/root");
    ASSERT_TRUE(host.Inject("docker-hung", clock_.Wall()));
  }
  ASSERT_TRUE(WaitUntil(clock_, Seconds(90), [this] { return !BrakePages().empty(); }))
      << "nobody is told of the brake\n"
      << fleet_.LogEnd();
  const std::string id = BrakePages().front();
  const Json page = Body(id);
  EXPECT_THAT(*page["title"].string(), StartsWith("The brake tripped"));
  EXPECT_THAT(*page["why"].string(), HasSubstr("are bad, tainted or draining"));
  EXPECT_EQ(page["severity"], Json("critical"));
  EXPECT_GT(page["blast_radius"]["hosts"].integer().value_or(0), 3);
  EXPECT_EQ(page["link"], Json("http://127.0.0.1:7480/#/"));
  // It is refused: the channel is shown to fail, and the message stays.
  EXPECT_TRUE(WaitUntil(clock_, Seconds(20), [this] {
    const Result<Json> state = fleet_.Get("/api/v1/state");
    const Json::Array* const channels = state ? (*state)["notify"].array() : nullptr;
    return channels != nullptr && (*channels)[0]["failing"] == Json(true);
  }));

  ASSERT_TRUE(fleet_.Kill());
  Take(true);
  ASSERT_NO_FATAL_FAILURE(StartFleet());
  ASSERT_TRUE(WaitUntil(clock_, Seconds(60), [&] { return Answered(id, true) > 0; }))
      << "what was not delivered is lost\n"
      << fleet_.LogEnd();
  // The next pass writes down that it was.
  ASSERT_TRUE(WaitUntil(clock_, Seconds(20), [this] {
    const Result<std::string> metrics = fleet_.Metrics();
    return metrics && metrics->find("fleetmedic_notifications_queued{channel=\"hook\"} 0\n") !=
                          std::string::npos;
  }));

  ASSERT_TRUE(fleet_.Kill());
  ASSERT_NO_FATAL_FAILURE(StartFleet());
  ASSERT_TRUE(WaitUntil(clock_, Seconds(60), [this] { return Leads(); })) << fleet_.LogEnd();
  EXPECT_FALSE(WaitUntil(clock_, Seconds(5), [&] {
    return Answered(id, true) > 1 || BrakePages().size() > 1;
  })) << "the same page was sent twice";
  EXPECT_EQ(Answered(id, true), 1u);
  EXPECT_EQ(BrakePages().size(), 1u);
}

}  // namespace
}  // namespace fleetmedic
