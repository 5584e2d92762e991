#include "app/rules_from_template.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "app/cli/exit_codes.h"
#include "app/cli/fake_api.h"
#include "stream/rule_check.h"

namespace fleetmedic {
namespace {

using testing::HasSubstr;

constexpr std::string_view kPattern = R"({"pattern": "t-3a0517cfd9c4da1a", "kind": "template",
  "text": "nvme «nvme0»: I/O «…» QID «…» timeout, aborting",
  "examples": [
    {"host": "web-1", "source": "kernel", "line": "nvme nvme0: I/O 12 QID 3 timeout, aborting"},
    {"host": "web-2", "source": "kernel", "line": "nvme nvme0: I/O 7 QID 11 timeout, aborting"}],
  "variables": [{"name": "1", "values": {"nvme0": 2}, "other_lines": 0}]})";
constexpr std::string_view kOther = R"({"pattern": "t-00000000000000ff", "kind": "template",
  "text": "disk «…» is gone",
  "examples": [{"host": "web-1", "source": "kernel", "line": "disk 3 is gone"}]})";

class RulesFromTemplate : public testing::Test {
 protected:
  RulesFromTemplate() {
    cli_.env.roles.rules_from_template = RunRulesFromTemplate;
    api_.Answer("GET /api/v1/patterns/t-3a0517cfd9c4da1a", Json::Parse(kPattern).value());
    api_.Answer("GET /api/v1/patterns/t-00000000000000ff", Json::Parse(kOther).value());
    api_.Answer("GET /api/v1/patterns", Json::Parse(R"({"items": [{"pattern": "t-3a0517cfd9c4da1a"},
                                          {"pattern": "t-00000000000000ff"}]})")
                                            .value());
  }
  cli::CliResult Run(const std::string& id) {
    return cli_.Run("rules from-template " + id + " --server " + api_.address());
  }

  cli::FakeApi api_;
  cli::CliUnderTest cli_;
};

TEST_F(RulesFromTemplate, PrintsARuleThatPassesTheCheck) {
  const cli::CliResult run = Run("t-3a0517cfd9c4da1a");
  ASSERT_EQ(run.code, cli::kExitDone) << run.err;
  Diagnostics diagnostics;
  const std::vector<RuleText> texts = {{"mined.toml", run.out}};
  const auto rules = CheckRules(texts, &diagnostics);
  ASSERT_NE(rules, nullptr) << diagnostics.Text();
  const Rule& rule = rules->rules().at(0);
  EXPECT_EQ(rule.examples.size(), 2u);
  EXPECT_THAT(rule.counter_examples, testing::ElementsAre("disk 3 is gone"));
  EXPECT_THAT(rule.sources, testing::ElementsAre("kernel"));
}

TEST_F(RulesFromTemplate, SaysWhatIsWrong) {
  cli::CliResult run = Run("kernel.hung_task");
  EXPECT_EQ(run.code, cli::kExitUsage);
  EXPECT_THAT(run.err, HasSubstr("expected a template"));
  run = Run("t-0000000000000001");
  EXPECT_EQ(run.code, cli::kExitNotFound);
  api_.Answer("GET /api/v1/patterns/t-0000000000000002",
              Json::Parse(R"({"pattern": "t-0000000000000002", "text": "it went wrong"})").value());
  run = Run("t-0000000000000002");
  EXPECT_EQ(run.code, cli::kExitFailed);
  EXPECT_THAT(run.err, HasSubstr("no example"));
}

}  // namespace
}  // namespace fleetmedic
