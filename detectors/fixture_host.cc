#include "detectors/fixture_host.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>

namespace fleetmedic {

std::vector<Condition> NotOk(const std::vector<Condition>& conditions) {
  std::vector<Condition> not_ok;
  std::ranges::copy_if(conditions, std::back_inserter(not_ok), [](const Condition& condition) {
    return condition.verdict != Verdict::kOk;
  });
  return not_ok;
}

FixtureHostTest::FixtureHostTest(const std::string& recorded) {
  host_.root = folder_.path();
  if (recorded.empty()) return;
  std::filesystem::copy(recorded, folder_.path(), std::filesystem::copy_options::recursive);
}

void FixtureHostTest::Put(const std::string& path, std::string_view text) {
  const std::string whole = folder_ / path;
  ASSERT_TRUE(MakeFolders(whole.substr(0, whole.rfind('/'))));
  // Plainly: a fixture of many files need not last.
  ASSERT_TRUE((std::ofstream(whole) << text).good());
}

std::string FixtureHostTest::Get(const std::string& path) {
  const auto text = ReadFile(folder_ / path, size_t{1} << 20);
  EXPECT_TRUE(text) << text.error().message;
  return text.value_or("");
}

}  // namespace fleetmedic
