// What deploy/ ships: the agent's unit as systemd reads it, dashboards as Grafana does.
#include <unistd.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <set>

#include "base/child_process.h"
#include "base/file.h"
#include "base/json.h"
#include "base/text.h"
#include "tests/metric_names.h"

namespace fleetmedic {
namespace {

using testing::HasSubstr;
using testing::Not;

constexpr const char* kTool = "/usr/bin/systemd-analyze";
constexpr const char* kUnit = "deploy/fleetmedic-agent.service";

std::string Text(const std::string& path) {
  const Result<std::string> text = ReadFile(path, size_t{1} << 20);
  EXPECT_TRUE(text) << path;
  return text.value_or("");
}

// The values of a key, one by one, comments left out.
std::vector<std::string> ValuesOf(const std::string& unit, std::string_view key) {
  std::vector<std::string> values;
  for (const std::string_view line : Split(unit, '\n')) {
    if (!line.starts_with(std::string(key) + "=")) continue;
    for (const std::string_view value : Split(line.substr(key.size() + 1), ' ')) {
      values.emplace_back(value);
    }
  }
  return values;
}

TEST(DeployTest, EveryRightOfTheAgentIsExplained) {
  const std::string unit = Text(kUnit);
  const std::string readme = Text("deploy/README.md");
  const std::vector<std::string> capabilities = ValuesOf(unit, "CapabilityBoundingSet");
  EXPECT_THAT(capabilities, testing::ElementsAre("CAP_SYSLOG"));
  EXPECT_EQ(ValuesOf(unit, "AmbientCapabilities"), capabilities) << "no right is only half given";
  for (const std::string_view key :
       {"CapabilityBoundingSet", "SupplementaryGroups", "RestrictAddressFamilies"}) {
    for (const std::string& value : ValuesOf(unit, key)) {
      if (value == "AF_UNIX") continue;
      EXPECT_THAT(readme, HasSubstr("`" + value + "`")) << key;
    }
  }
}

TEST(DeployTest, TheAgentIsNotRootAndListensOnNoPort) {
  const std::string unit = Text(kUnit);
  EXPECT_THAT(ValuesOf(unit, "User"), testing::ElementsAre("fleetmedic"));
  EXPECT_THAT(ValuesOf(unit, "SocketBindDeny"), testing::ElementsAre("any"));
  EXPECT_THAT(ValuesOf(unit, "NoNewPrivileges"), testing::ElementsAre("yes"));
  EXPECT_THAT(unit, Not(HasSubstr("ListenStream")));
  EXPECT_THAT(Text("deploy/fleetmedic.sysusers"), HasSubstr("\nu fleetmedic "));
}

TEST(DeployTest, SystemdTakesTheUnitAndFindsLittleExposed) {
  if (::access(kTool, X_OK) != 0) GTEST_SKIP() << "systemd-analyze is not installed";
  // The program need not be installed where this runs.
  std::string unit = Text(kUnit);
  const size_t at = unit.find("/usr/bin/fleetmedic");
  ASSERT_NE(at, std::string::npos);
  unit.replace(at, std::string_view("/usr/bin/fleetmedic").size(), "/bin/true");
  const TempFolder folder;
  const std::string path = folder / "fleetmedic-agent.service";
  ASSERT_TRUE(WriteFileAtomic(path, unit));
  const SystemClock clock;
  for (const std::vector<std::string>& words : std::vector<std::vector<std::string>>{
           {"verify", "--man=no"}, {"security", "--offline=true", "--threshold=40"}}) {
    Command command;
    command.argv = {kTool};
    command.argv.insert(command.argv.end(), words.begin(), words.end());
    command.argv.push_back(path);
    const Result<CommandResult> result = RunCommand(command, clock, clock.Mono() + Minutes(2));
    ASSERT_TRUE(result) << result.error().message;
    EXPECT_TRUE(result->status.ok())
        << words[0] << ": " << result->standard_error << result->standard_output;
    EXPECT_THAT(result->standard_error, Not(HasSubstr("Unknown"))) << "a key that systemd ignores";
  }
}

// Of all sources but tests.
const std::set<std::string>& MetricsOfTheCode() {
  static const std::set<std::string> names = [] {
    std::set<std::string> all;
    const auto options = std::filesystem::directory_options::skip_permission_denied;
    std::filesystem::recursive_directory_iterator entry(".", options);
    for (; entry != std::filesystem::recursive_directory_iterator(); ++entry) {
      const std::string path = entry->path().string();
      const std::string name = entry->path().filename().string();
      if (name == "build" || name == "node_modules" || name == ".git" || path == "./tests") {
        entry.disable_recursion_pending();
      }
      if (!name.ends_with(".cc") || name.ends_with("_test.cc")) continue;
      for (const std::string& metric : MetricsIn(Text(path))) all.insert(metric);
    }
    return all;
  }();
  return names;
}

std::vector<std::string> Dashboards() {
  std::vector<std::string> paths;
  for (const auto& entry : std::filesystem::directory_iterator("deploy/grafana")) {
    if (entry.path().extension() == ".json") paths.push_back(entry.path().string());
  }
  return paths;
}

TEST(DashboardTest, EachIsReadByGrafanaAndKeepsItsAddress) {
  ASSERT_THAT(Dashboards(), testing::Not(testing::IsEmpty()));
  for (const std::string& path : Dashboards()) {
    const Result<Json> json = Json::Parse(Text(path));
    ASSERT_TRUE(json) << path << ": " << json.error().message;
    const std::string uid = std::filesystem::path(path).stem().string();
    ASSERT_NE((*json)["uid"].string(), nullptr) << path;
    EXPECT_EQ(*(*json)["uid"].string(), uid) << "links to it must not break";
    EXPECT_TRUE((*json)["id"].is_null()) << "an id is of one Grafana alone";
    bool has_source = false;
    for (const Json& variable : *(*json)["templating"]["list"].array()) {
      has_source = has_source || *variable["type"].string() == "datasource";
    }
    EXPECT_TRUE(has_source) << path << " names a data source of one Grafana alone";
    std::set<int64_t> ids;
    for (const Json& panel : *(*json)["panels"].array()) {
      EXPECT_TRUE(ids.insert(panel["id"].integer().value_or(-1)).second) << path;
      const bool row = *panel["type"].string() == "row";
      EXPECT_TRUE(row || !panel["targets"].array()->empty()) << *panel["title"].string();
    }
  }
}

TEST(DashboardTest, EveryMetricOfADashboardIsInTheCode) {
  for (const std::string& path : Dashboards()) {
    const std::set<std::string> used = MetricsIn(Text(path));
    EXPECT_GT(used.size(), 10u) << path;
    for (const std::string& name : used) {
      EXPECT_TRUE(MetricsOfTheCode().contains(name)) << path << ": nothing counts " << name;
    }
  }
}

}  // namespace
}  // namespace fleetmedic
