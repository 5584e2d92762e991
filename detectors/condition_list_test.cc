#include "detectors/condition_list.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace fleetmedic {
namespace {

using testing::IsEmpty;
using testing::SizeIs;

TEST(ConditionListTest, SaysThatATypeIsFineOnlyWhereNothingElseWasSaidOfIt) {
  ConditionList list;
  list.Fine("FilesystemFull", "SpaceLeft", "fine");
  list.Fine("FilesystemInodesFull", "InodesLeft", "fine");
  list.Bad("FilesystemFull", "/a", Severity::kSoft, "SpaceLow", "96 %");
  list.Unknown("FilesystemFull", "/b", "StatFailed", "gone");
  const std::vector<Condition> all = std::move(list).Take();
  ASSERT_THAT(all, SizeIs(3));
  EXPECT_EQ(all[0].unit, "/a");
  EXPECT_EQ(all[0].verdict, Verdict::kBad);
  EXPECT_EQ(all[0].severity, Severity::kSoft);
  EXPECT_EQ(all[1].verdict, Verdict::kUnknown);
  EXPECT_EQ(all[2].type, "FilesystemInodesFull");
  EXPECT_EQ(all[2].verdict, Verdict::kOk);
}

TEST(ConditionListTest, CountsWhatItLeavesOut) {
  ConditionList list;
  for (int i = 0; i < 40; ++i) {
    list.Bad("FilesystemFull", "/" + std::to_string(i), Severity::kHard, "SpaceGone", "full");
  }
  const std::vector<Condition> all = std::move(list).Take();
  ASSERT_THAT(all, SizeIs(ConditionList::kUnitsMax));
  EXPECT_EQ(all.front().message, "full");
  EXPECT_EQ(all.back().message, "full; and 24 more like it");
}

TEST(ConditionListTest, DoesNotMentionWhatNobodyLookedAt) {
  EXPECT_THAT(ConditionList().Take(), IsEmpty());
}

}  // namespace
}  // namespace fleetmedic
