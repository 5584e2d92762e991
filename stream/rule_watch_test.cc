#include "stream/rule_watch.h"

#include <gtest/gtest.h>

#include "base/file.h"

namespace fleetmedic {
namespace {

std::string RuleText(const std::string& name, const std::string& pattern) {
  return "[[rule]]\nname = \"" + name + "\"\npattern = '" + pattern +
         "'\nsources = [\"kernel\"]\ncondition = \"DiskError\"\nseverity = \"soft\"\n"
         "reason = \"Bad\"\nmessage = \"bad\"\nclear = \"quiet\"\nclear_after = \"10m\"\n"
         "help = \"Look at it.\"\nexamples = ['disk bad 17']\ncounter_examples = ['disk good']\n";
}

class RuleWatchTest : public ::testing::Test {
 protected:
  RuleWatchTest() { Write("disk.toml", RuleText("disk.bad", "disk bad")); }
  void Write(const std::string& name, const std::string& text) {
    ASSERT_TRUE(WriteFileAtomic(folder_ / name, text).has_value());
  }

  const TempFolder folder_;
};

TEST_F(RuleWatchTest, SaysNothingWhereNothingChanged) {
  RuleWatch watch({folder_.path()}, std::nullopt);
  EXPECT_FALSE(watch.Look().has_value());
  Write("notes.txt", "not a rule");
  EXPECT_FALSE(watch.Look().has_value());
}

TEST_F(RuleWatchTest, GivesTheRulesOfFilesThatChangedCameOrWent) {
  RuleWatch watch({folder_.path()}, CandidateCache(folder_ / "cache"));
  Write("disk.toml", RuleText("disk.bad", "disk bad [0-9]+"));
  auto changed = watch.Look();
  ASSERT_TRUE(changed.has_value());
  ASSERT_TRUE(changed->has_value()) << changed->error().message;
  EXPECT_EQ((**changed)->rules()[0].pattern, "disk bad [0-9]+");
  EXPECT_FALSE(watch.Look().has_value());
  Write("more.toml", RuleText("disk.worse", "disk bad \\d"));
  changed = watch.Look();
  ASSERT_TRUE(changed.has_value() && changed->has_value());
  EXPECT_EQ((**changed)->rules().size(), 2u);
  ASSERT_TRUE(RemoveTree(folder_ / "more.toml").has_value());
  changed = watch.Look();
  ASSERT_TRUE(changed.has_value() && changed->has_value());
  EXPECT_EQ((**changed)->rules().size(), 1u);
}

TEST_F(RuleWatchTest, SaysOnceWhyRulesAreNotToBeUsedAndWhere) {
  RuleWatch watch({folder_ / "disk.toml"}, std::nullopt);
  Write("disk.toml", RuleText("disk.bad", "disk (bad"));
  const auto refused = watch.Look();
  ASSERT_TRUE(refused.has_value());
  ASSERT_FALSE(refused->has_value());
  EXPECT_NE(refused->error().message.find("disk.toml:3:"), std::string::npos)
      << refused->error().message;
  EXPECT_FALSE(watch.Look().has_value());
  Write("disk.toml", RuleText("disk.bad", "disk bad"));
  const auto mended = watch.Look();
  ASSERT_TRUE(mended.has_value());
  EXPECT_TRUE(mended->has_value());
}

}  // namespace
}  // namespace fleetmedic
