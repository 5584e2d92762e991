// The routes of log patterns and fleet issues, asked over HTTP.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/file.h"
#include "base/http_client.h"
#include "console/api_server.h"
#include "console/fake_remediator.h"
#include "store/memory_store.h"

namespace fleetmedic {
namespace {

using testing::HasSubstr;

const SystemClock kClock;

// One pattern and one issue; what was asked is kept.
class OnePage final : public PatternBook {
 public:
  PatternList List(const PatternQuery& query) const override {
    asked = query;
    PatternList list;
    list.now = kTestNow;
    list.patterns_total = 9;
    list.matching_total = 1;
    list.items.push_back({.pattern = "disk.slow", .text = "Disk slow", .hosts = 41});
    return list;
  }
  Result<PatternDetail> Show(std::string_view pattern, Millis range) const override {
    if (pattern != "a/b") return Fail(Code::kNotFound, "no such pattern");
    PatternDetail detail;
    detail.summary.pattern = pattern;
    detail.from = kTestNow - range;
    return detail;
  }
  Result<PatternDiff> Diff(std::string_view pattern,
                           const PatternSelection& selection) const override {
    PatternDiff diff;
    diff.pattern = pattern;
    diff.hit = selection.among.size();
    diff.why = "because";
    return diff;
  }
  std::vector<FleetIssuePtr> Issues() const override { return {TheIssue()}; }
  Result<FleetIssuePtr> Issue(std::string_view id) const override {
    if (id != "I-1") return Fail(Code::kNotFound, "no such issue");
    return TheIssue();
  }
  PatternNews News() const override { return {}; }
  std::string MetricsText() const override { return "fleetmedic_pattern_hosts 7\n"; }

  mutable PatternQuery asked;

 private:
  static FleetIssuePtr TheIssue() {
    FleetIssue issue;
    issue.id = "I-1";
    issue.pattern = "disk.slow";
    issue.hosts = {HostId("web-1")};
    issue.hosts_total = 1;
    issue.why = "1 of 1";
    return std::make_shared<const FleetIssue>(issue);
  }
};

class ApiPatternReadsTest : public testing::Test {
 protected:
  void Start(const PatternBook* book) {
    ApiServerOptions options;
    options.api.port = 0;
    options.state_dir = folder_.path();
    options.run_dir = folder_ / "run";
    ApiEnvironment environment{service_, store_, kClock, metrics_, {}};
    environment.patterns = book;
    server_ = std::make_unique<ApiServer>(options, environment);
    const Status started = server_->Start();
    ASSERT_TRUE(started) << started.error().message;
  }
  HttpReply Get(const std::string& target, bool with_token = true) const {
    HttpCall call{"GET", target};
    if (with_token) call.headers["authorization"] = "Bearer " + server_->token();
    const auto reply =
        HttpClient(server_->address(), &kClock).Send(call, kClock.Mono() + Seconds(30));
    EXPECT_TRUE(reply) << target;
    return reply.value_or(HttpReply());
  }
  Json GetJson(const std::string& target) const {
    const HttpReply reply = Get(target);
    EXPECT_EQ(reply.status, 200) << target << reply.body;
    return Json::Parse(reply.body).value_or(Json());
  }

  const TempFolder folder_;
  FakeRemediator service_;
  MemoryStore store_{kClock};
  Metrics metrics_;
  const OnePage page_;
  std::unique_ptr<ApiServer> server_;
};

TEST_F(ApiPatternReadsTest, EachNeedsAToken) {
  Start(&page_);
  for (const char* target : {"/api/v1/patterns", "/api/v1/patterns/x", "/api/v1/patterns/x/diff",
                             "/api/v1/issues", "/api/v1/issues/I-1"}) {
    EXPECT_EQ(Get(target, false).status, 401) << target;
  }
  for (const char* target : {"/patterns", "/patterns/x", "/issues", "/issues/I-1"}) {
    EXPECT_EQ(Get(target, false).headers.at("content-type"), "text/html; charset=utf-8") << target;
  }
}

TEST_F(ApiPatternReadsTest, PatternsAndIssuesAreListedAndShown) {
  Start(&page_);
  const Json list = GetJson("/api/v1/patterns?q=nvme+timeout&scope=rack%3Dr17&limit=5");
  EXPECT_THAT(page_.asked.words, testing::ElementsAre("nvme", "timeout"));
  EXPECT_EQ(page_.asked.scope.value, "r17");
  EXPECT_EQ((*list["items"].array())[0]["hosts"].integer(), 41);
  EXPECT_EQ(list["patterns_total"].integer(), 9);
  const Json shown = GetJson("/api/v1/patterns/a%2Fb?range=3h");
  EXPECT_EQ(*shown["from"].string(), FormatWall(kTestNow - Hours(3)));
  const Json diff = GetJson("/api/v1/patterns/a%2Fb/diff?sel=pool%3Dweb,zone%3Da");
  EXPECT_EQ(diff["hit"].integer(), 2);
  EXPECT_EQ(*diff["why"].string(), "because");
  EXPECT_EQ((*GetJson("/api/v1/issues?state=open")["items"].array()).size(), 1u);
  EXPECT_EQ(GetJson("/api/v1/issues?state=closed")["total"].integer(), 0);
  EXPECT_EQ(*GetJson("/api/v1/issues/I-1")["why"].string(), "1 of 1");
}

TEST_F(ApiPatternReadsTest, WhatCannotBeAnsweredSaysWhy) {
  Start(&page_);
  EXPECT_EQ(Get("/api/v1/patterns/none").status, 404);
  EXPECT_EQ(Get("/api/v1/issues/I-2").status, 404);
  for (const char* target :
       {"/api/v1/patterns?range=2d", "/api/v1/patterns/a%2Fb?range=0s", "/api/v1/issues?state=x",
        "/api/v1/patterns/x/diff?sel=pool", "/api/v1/issues?limit=0"}) {
    EXPECT_EQ(Get(target).status, 400) << target;
  }
}

TEST_F(ApiPatternReadsTest, WithoutAReaderItIsUnsupported) {
  Start(nullptr);
  EXPECT_EQ(Get("/api/v1/patterns").status, 501);
  EXPECT_EQ(Get("/api/v1/issues/I-1").status, 501);
}

TEST_F(ApiPatternReadsTest, MetricsHoldTheSeriesThatComeAndGo) {
  Start(&page_);
  EXPECT_THAT(Get("/metrics", false).body, HasSubstr("fleetmedic_pattern_hosts 7\n"));
}

}  // namespace
}  // namespace fleetmedic
