#include "stream/candidate_cache.h"

#include <sys/stat.h>

#include <algorithm>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "base/file.h"

namespace fleetmedic {
namespace {

class CandidateCacheTest : public ::testing::Test {
 protected:
  static std::vector<CandidateExpression> Expressions(int number = 0) {
    return {{"disk .* failed", false}, {fmt::format("link {} down", number), true}};
  }
  std::shared_ptr<const CandidateDatabase> Keep(const std::vector<CandidateExpression>& list) {
    std::vector<CandidateProblem> problems;
    auto database = CandidateDatabase::Compile(list, &problems);
    EXPECT_TRUE(problems.empty());
    EXPECT_TRUE(cache_.Put(list, *database).has_value());
    return database;
  }
  std::string Read(const std::string& path) { return ReadFile(path, 1 << 24).value(); }
  void Write(const std::string& path, const std::string& bytes) {
    ASSERT_TRUE(WriteFileAtomic(path, bytes, 0600).has_value());
  }

  const TempFolder folder_;
  const CandidateCache cache_{folder_ / "rules-cache"};
};

TEST_F(CandidateCacheTest, GivesBackWhatFindsTheSame) {
  EXPECT_EQ(cache_.Get(Expressions()), nullptr);
  Keep(Expressions());
  const auto kept = cache_.Get(Expressions());
  ASSERT_NE(kept, nullptr);
  CandidateScanner scanner(kept);
  std::vector<size_t> found;
  scanner.Scan("LINK 0 DOWN and disk sda failed", [&](size_t i) { found.push_back(i); });
  std::ranges::sort(found);
  EXPECT_EQ(found, (std::vector<size_t>{0, 1}));
}

TEST_F(CandidateCacheTest, IsOfTheseExpressionsInThisOrderWithTheseFlagsAlone) {
  Keep(Expressions());
  std::vector<CandidateExpression> other = Expressions();
  std::swap(other[0], other[1]);
  EXPECT_EQ(cache_.Get(other), nullptr);
  other = Expressions();
  other[0].ignore_case = true;
  EXPECT_EQ(cache_.Get(other), nullptr);
  EXPECT_EQ(cache_.Get(Expressions(1)), nullptr);
}

TEST_F(CandidateCacheTest, BelievesNoFileThatIsDamagedOrForeign) {
  Keep(Expressions());
  const std::string path = cache_.PathOf(Expressions());
  const std::string good = Read(path);
  // Every part of it: the head, the digest, the middle, the end.
  for (const size_t at :
       {size_t{0}, size_t{30}, size_t{100}, size_t{140}, good.size() / 2, good.size() - 1}) {
    std::string damaged = good;
    damaged[at] = static_cast<char>(damaged[at] ^ 1);
    Write(path, damaged);
    EXPECT_EQ(cache_.Get(Expressions()), nullptr) << at;
  }
  for (const std::string& other : {std::string(), good.substr(0, good.size() / 2), good + "x"}) {
    Write(path, other);
    EXPECT_EQ(cache_.Get(Expressions()), nullptr) << other.size();
  }
  // A sound file of other expressions under this name.
  Keep(Expressions(1));
  Write(path, Read(cache_.PathOf(Expressions(1))));
  EXPECT_EQ(cache_.Get(Expressions()), nullptr);
  Write(path, good);
  EXPECT_NE(cache_.Get(Expressions()), nullptr);
  // One that others may write, or that is not the file itself.
  ASSERT_EQ(::chmod(path.c_str(), 0622), 0);
  EXPECT_EQ(cache_.Get(Expressions()), nullptr);
  Keep(Expressions());
  EXPECT_NE(cache_.Get(Expressions()), nullptr) << "it is made anew";
}

TEST_F(CandidateCacheTest, KeepsOnlyTheLast) {
  for (int i = 0; i < 20; ++i) Keep(Expressions(i));
  const auto names = FsRoot(folder_ / "rules-cache").List("/", 100);
  ASSERT_TRUE(names.has_value());
  EXPECT_EQ(names->size(), CandidateCache::kFilesMax);
  EXPECT_NE(cache_.Get(Expressions(19)), nullptr);
}

TEST_F(CandidateCacheTest, AFolderThatCannotBeMadeIsAnErrorAndNoMore) {
  Write(folder_ / "file", "x");
  const CandidateCache cache(folder_ / "file");
  std::vector<CandidateProblem> problems;
  const auto database = CandidateDatabase::Compile(Expressions(), &problems);
  EXPECT_FALSE(cache.Put(Expressions(), *database).has_value());
  EXPECT_EQ(cache.Get(Expressions()), nullptr);
}

}  // namespace
}  // namespace fleetmedic
