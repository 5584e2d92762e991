// Commands of log patterns and fleet issues, against a server that answers as docs/api.md says.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "app/cli/command.h"
#include "app/cli/fake_api.h"

namespace fleetmedic::cli {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class PatternCommands : public testing::Test {
 protected:
  PatternCommands() {
    cli_.env.variables["FLEETMEDIC_SERVER"] = api_.address();
    Json list;
    list.Set("matching_total", 118);
    list.Set("lines_total", 2'100'000);
    list.Set("items", Json(Json::Array{TestJson("pattern.json")}));
    api_.Answer("GET /api/v1/patterns", list);
    api_.Answer("GET /api/v1/patterns/t-9f31", TestJson("pattern.json"));
    api_.Answer("GET /api/v1/patterns/t-9f31/diff", TestJson("pattern_diff.json"));
    Json issues;
    issues.Set("items", Json(Json::Array{TestJson("issue.json")}));
    api_.Answer("GET /api/v1/issues", issues);
    api_.Answer("GET /api/v1/issues/I-3fa94c21", TestJson("issue.json"));
  }

  FakeApi api_;
  CliUnderTest cli_;
};

TEST_F(PatternCommands, TopListsAndSaysWhatToDoNext) {
  const CliResult run = cli_.Run("patterns top");
  EXPECT_EQ(run.code, kExitDone) << run.err;
  EXPECT_THAT(run.out, HasSubstr("t-9f31"));
  EXPECT_EQ(run.err,
            "1 of 118 patterns, 2100000 lines\n"
            "next: fleetmedic patterns show t-9f31\n");
  EXPECT_EQ(cli_.Run("patterns top -o name").out, "t-9f31\n");
  const CliResult json = cli_.Run("patterns top -o json");
  EXPECT_EQ(Json::Parse(json.out).value()["matching_total"].integer(), 118);
  EXPECT_EQ(json.err, "");
}

TEST_F(PatternCommands, FlagsBecomeTheQuery) {
  EXPECT_EQ(cli_.Run("patterns top --range 6h --query 'nvme timeout' --scope rack=r17 --sort lines "
                     "--new --rising --unmatched --limit 5")
                .code,
            kExitDone);
  EXPECT_EQ(cli_.Run("patterns top --since 2h").code, kExitDone);
  EXPECT_THAT(api_.requests(),
              ElementsAre("GET /api/v1/patterns?limit=5&new=1&q=nvme timeout&range=6h&rising=1&"
                          "scope=rack=r17&sort=lines&unmatched=1",
                          "GET /api/v1/patterns?limit=30&new=2h&range=1h&sort=rank"));
}

TEST_F(PatternCommands, WhyOfAnIssueIsItsCauseAndWhatWasTold) {
  api_.Answer("GET /api/v1/audit", Json::Parse(R"({"items": [
      {"at": "2026-03-01T00:10:00Z", "action": "notify", "why": "renewed again"},
      {"at": "2026-03-01T00:00:00Z", "action": "page", "why": "on 12 hosts\u001b[2J"}]})")
                                       .value());
  const CliResult run = cli_.Run("why I-3fa94c21");
  EXPECT_EQ(run.code, kExitDone) << run.err;
  const Json issue = TestJson("issue.json");
  EXPECT_THAT(run.out, HasSubstr(*issue["why"].string()));
  EXPECT_THAT(run.out, HasSubstr(*issue["response"].string()));
  EXPECT_LT(run.out.find("page  on 12 hosts"), run.out.find("notify  renewed again"));
  EXPECT_THAT(run.out, testing::Not(HasSubstr("\x1b")));
  EXPECT_THAT(api_.requests(), ElementsAre("GET /api/v1/issues/I-3fa94c21",
                                           "GET /api/v1/audit?limit=100&object=issue:I-3fa94c21"));
  const CliResult json = cli_.Run("why I-3fa94c21 -o json");
  EXPECT_EQ(Json::Parse(json.out).value()["audit"].array()->size(), 2U);
}

TEST_F(PatternCommands, ShowAndDiffAskForOnePattern) {
  EXPECT_EQ(cli_.Run("patterns show t-9f31 --range 24h").code, kExitDone);
  EXPECT_EQ(cli_.Run("patterns show t-9f31 -o json").code, kExitDone);
  EXPECT_THAT(cli_.Run("patterns diff t-9f31").out, HasSubstr("kernel"));
  EXPECT_EQ(cli_.Run("patterns diff t-9f31 --from 2026-01-01T00:00:00Z --to 2026-01-01T00:05:00Z "
                     "--among pool=web")
                .code,
            kExitDone);
  const std::vector<std::string> requests = api_.requests();
  ASSERT_EQ(requests.size(), 4u);
  EXPECT_EQ(requests[0], "GET /api/v1/patterns/t-9f31?range=1d");
  EXPECT_EQ(requests[2], "GET /api/v1/patterns/t-9f31/diff?range=1h");
  EXPECT_EQ(requests[3],
            "GET /api/v1/patterns/t-9f31/diff?range=1h&sel=2026-01-01T00:00:00.000000Z.."
            "2026-01-01T00:05:00.000000Z;pool=web");
  EXPECT_EQ(cli_.Run("patterns diff t-9f31 --from yesterday").code, kExitUsage);
  EXPECT_EQ(cli_.Run("patterns show none").code, kExitNotFound);
}

TEST_F(PatternCommands, IssuesAreListedAndDescribed) {
  EXPECT_THAT(cli_.Run("get issues").out, HasSubstr("I-3fa94c21"));
  EXPECT_EQ(cli_.Run("get issues --state open -o name").out, "I-3fa94c21\n");
  EXPECT_EQ(cli_.Run("get issues I-no").code, kExitNotFound);
  EXPECT_THAT(cli_.Run("describe issue I-3fa94c21").out, HasSubstr("response"));
  EXPECT_EQ(cli_.Run("describe issue I-no").code, kExitNotFound);
  EXPECT_EQ(api_.requests()[1], "GET /api/v1/issues?limit=1000&state=open");
}

TEST_F(PatternCommands, AWatchEndsWithItsTime) {
  const CliResult run = cli_.Run("patterns top -w --timeout 300ms");
  EXPECT_EQ(run.code, kExitTimedOut);
  EXPECT_EQ(api_.requests().size(), 1u);
}

}  // namespace
}  // namespace fleetmedic::cli
