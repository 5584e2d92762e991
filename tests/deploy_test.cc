// The unit of the agent, as systemd reads it.
#include <unistd.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/child_process.h"
#include "base/file.h"
#include "base/text.h"

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

}  // namespace
}  // namespace fleetmedic
