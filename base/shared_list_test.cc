#include "base/shared_list.h"

#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/flat_map.h"

namespace fleetmedic {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;

TEST(SharedList, ACopyThatIsChangedLeavesTheOtherAsItWas) {
  const SharedList<std::string> list = {"a", "b"};
  SharedList<std::string> copy = list;
  EXPECT_EQ(copy.begin(), list.begin());
  copy.Edit().push_back("c");
  EXPECT_THAT(copy, ElementsAre("a", "b", "c"));
  EXPECT_THAT(list, ElementsAre("a", "b"));
  EXPECT_NE(copy, list);
  copy = list;
  copy.EraseIf([](const std::string& item) { return item == "a"; });
  EXPECT_THAT(copy, ElementsAre("b"));
  EXPECT_THAT(list, ElementsAre("a", "b"));
}

TEST(SharedList, IsCopiedOnlyWhereSomethingGoes) {
  const SharedList<int> list = {1, 2};
  SharedList<int> copy = list;
  copy.EraseIf([](int item) { return item > 2; });
  EXPECT_EQ(copy.begin(), list.begin());
  copy.EraseIf([](int) { return true; });
  EXPECT_THAT(copy, IsEmpty());
  EXPECT_EQ(copy, SharedList<int>());
  EXPECT_EQ(list, SharedList<int>({1, 2}));
}

TEST(FlatMap, IsInTheOrderOfItsKeys) {
  FlatMap<int> map;
  for (const char* key : {"d", "b", "e", "a", "c"}) map[key] = key[0];
  map["b"] = 7;
  EXPECT_THAT(map, ElementsAre(Pair("a", 'a'), Pair("b", 7), Pair("c", 'c'), Pair("d", 'd'),
                               Pair("e", 'e')));
  EXPECT_EQ(map.at("c"), 'c');
  EXPECT_EQ(map.find("bb"), map.end());
  EXPECT_EQ(map.find("f"), map.end());
  map.EraseIf([](const auto& entry) { return entry.first != "b"; });
  EXPECT_THAT(map, ElementsAre(Pair("b", 7)));
}

}  // namespace
}  // namespace fleetmedic
