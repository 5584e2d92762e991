#include "app/cli/watch.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>

#include "app/cli/fake_api.h"

namespace fleetmedic::cli {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

std::string HostEvent(const std::string& id, const std::string& host, const std::string& state) {
  return "id: " + id + "\nevent: host\ndata: {\"host\":\"" + host + "\",\"state\":\"" + state +
         "\"}\n\n";
}

class WatchTest : public testing::Test {
 protected:
  WatchTest() {
    cli_.env.variables["FLEETMEDIC_SERVER"] = api_.address();
    cli_.env.cancel = &cancel_;
    api_.Answer("GET /api/v1/hosts",
                Json::Parse(R"({"items":[{"host":"web-1","state":"healthy"}]})").value());
    api_.Answer(
        "GET /api/v1/state",
        Json::Parse(R"({"cursor":"1:5","hosts":[{"host":"web-1","state":"healthy"}]})").value());
  }
  // The stream sends this and ends. The person presses Ctrl-C, where `cancel`, when the watch comes
  // back: by then all that was sent has been read.
  void Streams(const std::string& text, bool cancel = true) {
    api_.Answer("GET /api/v1/stream",
                HttpResponse::Stream("text/event-stream", [this, text, cancel](HttpStream* stream) {
                  if (cancel && streams_++ > 0) {
                    cancel_.Cancel();
                    stream->Wait(kMonoForever);
                    return;
                  }
                  stream->Write(text);
                }));
  }

  const HttpCancel cancel_;
  std::atomic<int> streams_ = 0;
  FakeApi api_;
  CliUnderTest cli_;
};

TEST_F(WatchTest, PrintsTheListAndThenEachChangeUntilCtrlC) {
  Streams(HostEvent("1:6", "web-1", "suspect") + "event: beat\ndata: {}\n\n" +
          HostEvent("1:7", "web-1", "suspect") + HostEvent("1:8", "web-2", "healthy"));
  const CliResult run = cli_.Run("get hosts -w -o jsonl");
  EXPECT_EQ(run.code, 130) << run.err;
  EXPECT_EQ(run.out,
            "{\"host\":\"web-1\",\"state\":\"healthy\"}\n"
            "{\"host\":\"web-1\",\"state\":\"suspect\"}\n"
            "{\"host\":\"web-2\",\"state\":\"healthy\"}\n");
}

TEST_F(WatchTest, AlignsLaterRowsWithTheTable) {
  Streams(HostEvent("1:6", "web-1", "suspect"));
  const CliResult run = cli_.Run("get hosts -w");
  EXPECT_THAT(run.out, HasSubstr("web-1  H healthy  -    -      -     -\n"
                                 "web-1  S suspect  -    -      -     -\n"));
}

TEST_F(WatchTest, ResumesAfterTheLastEventWhenTheStreamEnds) {
  Streams(HostEvent("1:6", "web-1", "suspect"), false);
  const CliResult run = cli_.Run("get hosts -w -o name --timeout 1500ms");
  EXPECT_EQ(run.code, 8);
  EXPECT_EQ(run.out, "web-1\nweb-1\n") << "the same event again is no change";
  const std::vector<std::string> requests = api_.requests();
  ASSERT_GE(requests.size(), 4u);
  EXPECT_EQ(requests[2], "GET /api/v1/stream?since=1:5");
  EXPECT_EQ(requests[3], "GET /api/v1/stream?since=1:6");
  EXPECT_THAT(run.err, HasSubstr("trying again"));
}

TEST_F(WatchTest, ReadsTheStateAgainAfterAReset) {
  Streams("event: reset\ndata: {}\n\n", false);
  api_.Answer(
      "GET /api/v1/state",
      Json::Parse(R"({"cursor":"2:0","hosts":[{"host":"web-1","state":"drained"}]})").value());
  const CliResult run = cli_.Run("get hosts -w -o name --timeout 100ms");
  EXPECT_EQ(run.code, 8);
  EXPECT_EQ(run.out, "web-1\nweb-1\n");
  EXPECT_EQ(api_.requests()[3], "GET /api/v1/state");
}

TEST_F(WatchTest, AServerThatOnlyResetsIsNotAskedWithoutPause) {
  Streams("event: reset\ndata: {}\n\n", false);
  EXPECT_EQ(cli_.Run("get hosts -w -o name --timeout 1500ms").code, 8);
  EXPECT_LE(std::ranges::count(api_.requests(), "GET /api/v1/state"), 4);
}

TEST_F(WatchTest, ShowsOnlyTheHostThatWasNamed) {
  Streams(HostEvent("1:6", "web-2", "suspect") + HostEvent("1:7", "web-1", "suspect"));
  EXPECT_EQ(cli_.Run("get hosts web-1 -w -o jsonl").out,
            "{\"host\":\"web-1\",\"state\":\"healthy\"}\n"
            "{\"host\":\"web-1\",\"state\":\"suspect\"}\n");
}

TEST_F(WatchTest, AsksOnceWhetherANewHostHasTheLabels) {
  Streams(HostEvent("1:6", "db-1", "suspect") + HostEvent("1:7", "db-1", "tainted"));
  EXPECT_EQ(cli_.Run("get hosts -l pool=web -w -o name").out, "web-1\n");
  EXPECT_THAT(api_.requests(),
              ElementsAre("GET /api/v1/hosts?l=pool=web", "GET /api/v1/state",
                          "GET /api/v1/stream?since=1:5", "GET /api/v1/hosts?l=pool=web",
                          "GET /api/v1/stream?since=1:7"));
}

TEST_F(WatchTest, EndsWhenTheServerForbidsIt) {
  api_.Problem("GET /api/v1/stream", 403, "permission_denied", "not for you");
  const CliResult run = cli_.Run("get hosts -w");
  EXPECT_EQ(run.code, 4);
  EXPECT_THAT(run.err, HasSubstr("not for you"));
}

TEST_F(WatchTest, NoEntryOfTheAuditIsLeftOutBetweenTheLastThatWasShownAndTheNewest) {
  // The state tells the newest few; more came since the list, or while the line was broken.
  static constexpr int64_t kNewest = 2500;
  api_.AnswerBy("GET /api/v1/audit", [](const HttpRequest& request) {
    const std::optional<std::string_view> since = request.query("since");
    const int64_t after = since ? std::stoll(std::string(*since)) : 6;
    Json::Array items;
    for (int64_t seq = after + 1; seq <= std::min(since ? after + 1000 : 7, kNewest); ++seq) {
      Json item;
      item.Set("seq", seq);
      items.push_back(std::move(item));
    }
    Json answer;
    answer.Set("items", std::move(items));
    return HttpResponse::FromJson(200, answer);
  });
  api_.Answer("GET /api/v1/state",
              Json::Parse(R"({"cursor":"1:5","recent":[{"seq":2500},{"seq":2499}]})").value());
  Streams("id: 1:6\nevent: audit\ndata: {\"seq\":2501}\n\n");
  std::string all;
  for (int64_t seq = 7; seq <= kNewest + 1; ++seq) all += std::to_string(seq) + "\n";
  EXPECT_EQ(cli_.Run("get audit -w -o name").out, all);
}

TEST_F(WatchTest, FollowsTheAudit) {
  api_.Answer("GET /api/v1/audit",
              Json::Parse(R"({"items":[{"seq":7,"who":"ana"}],"chain":{"ok":true}})").value());
  api_.Answer("GET /api/v1/state",
              Json::Parse(R"({"cursor":"1:5","recent":[{"seq":8},{"seq":7}]})").value());
  Streams("id: 1:6\nevent: audit\ndata: {\"seq\":8}\n\nevent: audit\ndata: {\"seq\":9}\n\n");
  EXPECT_EQ(cli_.Run("get audit -w -o name").out, "7\n8\n9\n");
}

}  // namespace
}  // namespace fleetmedic::cli
