#include "scheduler/scheduler_server.h"

#include <gmock/gmock.h>

#include "base/file.h"
#include "base/http_client.h"
#include "base/role_loop.h"
#include "eventlog/memory_event_log.h"
#include "store/memory_store.h"

namespace fleetmedic {
namespace {

class SchedulerServerTest : public testing::Test {
 protected:
  void SetUp() override {
    HostFacts facts;
    facts.host = HostId("a");
    const Record record{.key = "a", .value = ToJson(facts).Dump(), .headers = {}, .timestamp = {}};
    ASSERT_TRUE(log_.Append(Topic::kHosts, std::span(&record, 1)));
    loop_.Start();
    ASSERT_TRUE(server_.Start(folder_ / "socket"));
    // The first answer comes when the role leads and has read the log.
    EXPECT_EQ(Send("GET", "/v1/hosts").status, 200);
  }
  void TearDown() override {
    server_.Stop();
    loop_.Stop();
  }

  HttpReply Send(const std::string& method, const std::string& target,
                 const std::string& body = "") {
    const HttpCall call{.method = method, .target = target, .headers = {}, .body = body};
    Result<HttpReply> reply = client_.Send(call, clock_.Mono() + Seconds(10));
    EXPECT_TRUE(reply) << reply.error().message;
    return reply.value_or(HttpReply());
  }

  // How many items a list has.
  size_t ItemsOf(const std::string& target) {
    const Result<Json> json = Json::Parse(Send("GET", target).body);
    const Json::Array* const items = json ? (*json)["items"].array() : nullptr;
    EXPECT_NE(items, nullptr) << target;
    return items == nullptr ? 0 : items->size();
  }

  TempFolder folder_;
  SystemClock clock_;
  MemoryEventLog log_{clock_};
  MemoryStore store_{clock_};
  Metrics metrics_;
  SchedulerRole role_{{.clock = &clock_,
                       .log = &log_,
                       .store = &store_,
                       .metrics = &metrics_,
                       .owner = "test",
                       .incarnation = "t",
                       .wake = [this] { loop_.Wake(); }},
                      SchedulerConfig()};
  RoleLoop loop_{&role_, &clock_};
  SchedulerServer server_{&role_, &clock_};
  HttpClient client_{HttpAddress::Unix(folder_ / "socket"), &clock_};
};

TEST_F(SchedulerServerTest, ADirectiveIsTakenAnOlderOneIsAConflict) {
  const auto body = [](int revision) {
    return R"({"host":"a","revision":)" + std::to_string(revision) + R"(,"want":"tainted"})";
  };
  const HttpReply taken = Send("PUT", "/v1/directives/a", body(3));
  EXPECT_EQ(taken.status, 200) << taken.body;
  EXPECT_EQ(HostViewFromJson(*Json::Parse(taken.body))->want, Want::kTainted);
  const HttpReply older = Send("PUT", "/v1/directives/a", body(2));
  EXPECT_EQ(older.status, 409);
  EXPECT_EQ(older.ToError().code, Code::kConflict);
  EXPECT_EQ(Send("PUT", "/v1/directives/b", body(3)).status, 400) << "another host in the path";
  EXPECT_EQ(Send("PUT", "/v1/directives/a", "{").status, 400);
}

TEST_F(SchedulerServerTest, JobsArePutListedAndRemoved) {
  const std::string job = R"({"id":"team/web","argv":["server"],"instances":2})";
  EXPECT_EQ(Send("PUT", "/v1/jobs/team/web", job).status, 200);
  const HttpReply one = Send("GET", "/v1/jobs/team/web");
  EXPECT_EQ(one.status, 200);
  EXPECT_EQ((*Json::Parse(one.body))["id"], Json("team/web"));
  EXPECT_EQ(ItemsOf("/v1/jobs"), 1U);
  EXPECT_EQ(Send("PUT", "/v1/jobs/other", job).status, 400);
  EXPECT_EQ(Send("GET", "/v1/jobs/none").status, 404);
  EXPECT_EQ(Send("DELETE", "/v1/jobs/team/web").status, 204);
  EXPECT_EQ(Send("DELETE", "/v1/jobs/none").status, 404);
}

TEST_F(SchedulerServerTest, TasksAreSelectedByHostAndJob) {
  EXPECT_EQ(Send("PUT", "/v1/jobs/web", R"({"id":"web","argv":["x"],"instances":2})").status, 200);
  EXPECT_EQ(ItemsOf("/v1/tasks?job=web"), 2U);
  EXPECT_EQ(ItemsOf("/v1/tasks?job=api"), 0U);
  EXPECT_EQ(ItemsOf("/v1/tasks?host=a"), 0U);
  EXPECT_EQ(Send("GET", "/v1/tasks?host=%1b").status, 400);
}

TEST_F(SchedulerServerTest, UnknownTasksNeedTheirNames) {
  EXPECT_EQ(Send("POST", "/v1/unknown-tasks", R"({"act":"stop","host":"a","task":"x"})").status,
            404);
  EXPECT_EQ(Send("POST", "/v1/unknown-tasks", R"({"act":"kill","host":"a","task":"x"})").status,
            400);
}

TEST_F(SchedulerServerTest, AJobThatIsTooLargeIsRefused) {
  const std::string job =
      R"({"id":"web","argv":["x"],"env":{"A":")" + std::string(300'000, 'a') + R"("}})";
  EXPECT_EQ(Send("PUT", "/v1/jobs/web", job).status, 400);
}

}  // namespace
}  // namespace fleetmedic
