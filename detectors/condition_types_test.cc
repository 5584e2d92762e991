#include "detectors/condition_types.h"

#include <filesystem>
#include <set>

#include <gtest/gtest.h>

#include "base/file.h"

namespace fleetmedic {
namespace {

TEST(ConditionTypesTest, EachTypeIsWholeAndThereOnce) {
  for (const ConditionType& entry : ConditionTypes()) {
    EXPECT_EQ(FindConditionType(entry.type), &entry) << entry.type;
    EXPECT_FALSE(entry.detector.empty()) << entry.type;
    EXPECT_FALSE(entry.meaning.empty()) << entry.type;
    EXPECT_FALSE(entry.found.empty()) << entry.type;
    EXPECT_FALSE(entry.what_to_do.empty()) << entry.type;
    EXPECT_FALSE(entry.clears.empty()) << entry.type;
  }
  EXPECT_EQ(FindConditionType("NoSuchType"), nullptr);
}

TEST(ConditionTypesTest, CutsTextsBetweenCharacters) {
  std::string text(1023, 'a');
  text += "\xc3\xa9\xc3\xa9";
  const Condition condition = MakeCondition("FilesystemFull", "/", Verdict::kBad, "Space", text);
  EXPECT_EQ(condition.message, std::string(1023, 'a'));
}

// build/release/detectors/print_conditions docs/conditions writes them anew.
TEST(ConditionTypesTest, HavePagesThatSayWhatTheTablesSay) {
  std::set<std::string> wanted = {"README.md"};
  EXPECT_EQ(ReadFile("docs/conditions/README.md", 1 << 20).value_or(""), ConditionIndex());
  for (const ConditionType& type : ConditionTypes()) {
    const std::string name = std::string(type.type) + ".md";
    wanted.insert(name);
    EXPECT_EQ(ReadFile("docs/conditions/" + name, 1 << 20).value_or(""), ConditionPage(type))
        << name;
  }
  std::set<std::string> found;
  for (const auto& entry : std::filesystem::directory_iterator("docs/conditions")) {
    found.insert(entry.path().filename().string());
  }
  EXPECT_EQ(found, wanted);
}

}  // namespace
}  // namespace fleetmedic
