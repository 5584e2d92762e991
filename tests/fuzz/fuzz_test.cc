// Every target on what is kept of its inputs, in every build: what fuzzing once found stays found.
#include <filesystem>
#include <set>

#include <gtest/gtest.h>

#include "base/file.h"
#include "tests/fuzz/targets.h"

namespace fleetmedic {
namespace {

constexpr size_t kInputBytesMax = 1 << 20;

class Corpus : public testing::TestWithParam<FuzzTarget> {};

TEST_P(Corpus, IsTakenWithoutHarm) {
  const std::string folder = "tests/fuzz/corpus/" + std::string(GetParam().name);
  size_t inputs = 0;
  ASSERT_TRUE(std::filesystem::is_directory(folder)) << folder;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    const Result<std::string> bytes = ReadFile(entry.path().string(), kInputBytesMax);
    ASSERT_TRUE(bytes) << bytes.error().message;
    GetParam().run(*bytes);
    // And every beginning of it, at some steps.
    for (size_t size = 0; size < bytes->size(); size += 1 + bytes->size() / 64) {
      GetParam().run(std::string_view(*bytes).substr(0, size));
    }
    ++inputs;
  }
  EXPECT_GT(inputs, 0u) << folder << " has no input";
}

INSTANTIATE_TEST_SUITE_P(Fuzz, Corpus,
                         testing::ValuesIn(FuzzTargets().begin(), FuzzTargets().end()),
                         [](const auto& target) { return std::string(target.param.name); });

TEST(Fuzz, EveryFolderOfTheCorpusHasItsTarget) {
  std::set<std::string> names;
  for (const FuzzTarget& target : FuzzTargets()) {
    EXPECT_TRUE(names.emplace(target.name).second) << target.name;
  }
  for (const auto& entry : std::filesystem::directory_iterator("tests/fuzz/corpus")) {
    EXPECT_TRUE(names.contains(entry.path().filename().string())) << entry.path();
  }
}

}  // namespace
}  // namespace fleetmedic
