#include "base/file.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <gtest/gtest.h>

namespace fleetmedic {
namespace {

using Names = std::vector<std::string>;

Code CodeOf(const Status& status) { return status ? Code::kIo : status.error().code; }

TEST(FsRoot, PathStaysBelowTheRoot) {
  EXPECT_EQ(FsRoot("/x/").Path("/proc/stat"), "/x/proc/stat");
  EXPECT_EQ(FsRoot("/x").Path("a//./b/../c"), "/x/a/c");
  EXPECT_EQ(FsRoot("/x").Path("../../etc"), "/x/etc");
  EXPECT_EQ(FsRoot("/x").Path("/"), "/x");
  EXPECT_EQ(FsRoot().Path("/etc"), "/etc");
  EXPECT_EQ(FsRoot().Path(""), "/");
}

TEST(FsRoot, LinksCannotLeadOutOfTheRoot) {
  const TempFolder folder;
  const std::string outside = folder / "secret";
  ASSERT_TRUE(WriteFileAtomic(outside, "outside"));
  ASSERT_TRUE(MakeFolders(folder / "root/etc"));
  ASSERT_TRUE(WriteFileAtomic(folder / "root/secret", "inside"));
  ASSERT_EQ(symlink("/secret", (folder / "root/etc/absolute").c_str()), 0);
  ASSERT_EQ(symlink("../../secret", (folder / "root/etc/upward").c_str()), 0);
  ASSERT_EQ(symlink(outside.c_str(), (folder / "root/etc/outside").c_str()), 0);
  const FsRoot root(folder / "root");
  EXPECT_EQ(root.ReadFile("/etc/absolute", 100), "inside");
  EXPECT_EQ(root.ReadFile("etc/upward", 100), "inside");
  EXPECT_EQ(root.ReadFile("../secret", 100), "inside");
  EXPECT_EQ(root.ReadFile("/etc/outside", 100).error().code, Code::kNotFound);
  EXPECT_FALSE(root.Exists("/etc/outside"));
  EXPECT_TRUE(root.Exists("/etc/upward"));
}

TEST(FsRoot, ReadFileKeepsItsLimit) {
  const TempFolder folder;
  ASSERT_TRUE(WriteFileAtomic(folder / "ten", "0123456789"));
  const FsRoot root(folder.path());
  EXPECT_EQ(root.ReadFile("ten", 10), "0123456789");
  EXPECT_EQ(root.ReadFile("ten", 9).error().code, Code::kFull);
  EXPECT_NE(root.ReadFile("ten", 9).error().message.find("limit of 9 bytes"), std::string::npos);
  const std::string large(300'000, 'x');
  ASSERT_TRUE(WriteFileAtomic(folder / "large", large));
  EXPECT_EQ(root.ReadFile("large", large.size()), large);
}

TEST(FsRoot, ReadFileReadsFilesThatSayTheyAreEmpty) {
  const auto status = FsRoot().ReadFile("/proc/self/status", 1 << 20);
  ASSERT_TRUE(status) << status.error().message;
  EXPECT_NE(status->find("VmRSS"), std::string::npos);
}

TEST(FsRoot, ReadFileRefusesWhatItWouldWaitFor) {
  const TempFolder folder;
  ASSERT_EQ(mkfifo((folder / "fifo").c_str(), 0600), 0);
  const FsRoot root(folder.path());
  EXPECT_EQ(root.ReadFile("fifo", 10).error().code, Code::kInvalidArgument);
  EXPECT_EQ(root.ReadFile("/", 10).error().code, Code::kInvalidArgument);
  EXPECT_EQ(root.ReadFile("absent", 10).error().code, Code::kNotFound);
  EXPECT_EQ(root.ReadFile("fifo/below", 10).error().code, Code::kNotFound);
  EXPECT_EQ(root.ReadFile(std::string_view("a\0b", 3), 10).error().code, Code::kInvalidArgument);
}

TEST(FsRoot, ListIsSortedAndKeepsItsLimit) {
  const TempFolder folder;
  for (const char* name : {"c", "a", ".b"}) ASSERT_TRUE(WriteFileAtomic(folder / name, ""));
  const FsRoot root(folder.path());
  EXPECT_EQ(root.List("/", 3), (Names{".b", "a", "c"}));
  EXPECT_EQ(root.List("", 2).error().code, Code::kFull);
  EXPECT_EQ(root.List("absent", 2).error().code, Code::kNotFound);
}

TEST(WriteFileAtomic, ReplacesTheContentAndLeavesNothingElse) {
  const TempFolder folder;
  ASSERT_TRUE(WriteFileAtomic(folder / "file", "old"));
  ASSERT_TRUE(WriteFileAtomic(folder / "file", "new", 0600));
  EXPECT_EQ(ReadFile(folder / "file", 10), "new");
  EXPECT_EQ(FsRoot(folder.path()).List("", 10), (Names{"file"}));
  struct stat info {};
  ASSERT_EQ(stat((folder / "file").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600u);
}

TEST(WriteFileAtomic, AFailureLeavesTheOldContentAndNoTemporary) {
  const TempFolder folder;
  ASSERT_TRUE(MakeFolders(folder / "target/kept"));
  EXPECT_FALSE(WriteFileAtomic(folder / "target", "new"));  // a folder that is not empty
  EXPECT_EQ(FsRoot(folder.path()).List("", 10), (Names{"target"}));
  EXPECT_EQ(CodeOf(WriteFileAtomic(folder / "absent/file", "x")), Code::kNotFound);
}

TEST(MakeFolders, MakesWhatIsMissingAndAcceptsWhatIsThere) {
  const TempFolder folder;
  EXPECT_TRUE(MakeFolders(folder / "a/b/c"));
  EXPECT_TRUE(MakeFolders(folder / "a/b/c/"));
  ASSERT_TRUE(WriteFileAtomic(folder / "file", ""));
  EXPECT_EQ(CodeOf(MakeFolders(folder / "file/below")), Code::kAlreadyExists);
}

TEST(RemoveTree, RemovesLinksAndNotWhatTheyPointTo) {
  const TempFolder folder;
  ASSERT_TRUE(MakeFolders(folder / "kept"));
  ASSERT_TRUE(WriteFileAtomic(folder / "kept/file", "x"));
  ASSERT_TRUE(MakeFolders(folder / "tree/deep/deeper"));
  ASSERT_TRUE(WriteFileAtomic(folder / "tree/deep/file", "x"));
  ASSERT_EQ(symlink((folder / "kept").c_str(), (folder / "tree/deep/link").c_str()), 0);
  EXPECT_TRUE(RemoveTree(folder / "tree"));
  EXPECT_EQ(FsRoot(folder.path()).List("", 10), (Names{"kept"}));
  EXPECT_EQ(ReadFile(folder / "kept/file", 10), "x");
  ASSERT_EQ(symlink((folder / "kept").c_str(), (folder / "link").c_str()), 0);
  EXPECT_TRUE(RemoveTree(folder / "link"));
  EXPECT_EQ(ReadFile(folder / "kept/file", 10), "x");
  EXPECT_TRUE(RemoveTree(folder / "absent"));
}

TEST(FileLock, IsHeldByOneAtATime) {
  const TempFolder folder;
  {
    const auto first = FileLock::Acquire(folder / "lock");
    ASSERT_TRUE(first) << first.error().message;
    const auto second = FileLock::Acquire(folder / "lock");
    ASSERT_FALSE(second);
    EXPECT_EQ(second.error().code, Code::kBusy);
    EXPECT_NE(second.error().message.find(std::to_string(getpid())), std::string::npos);
  }
  EXPECT_TRUE(FileLock::Acquire(folder / "lock"));
}

TEST(TempFolder, IsGoneAtTheEnd) {
  std::string path;
  {
    const TempFolder folder;
    path = folder.path();
    EXPECT_TRUE(MakeFolders(folder / "a/b"));
    EXPECT_TRUE(FsRoot().Exists(path));
  }
  EXPECT_FALSE(FsRoot().Exists(path));
}

}  // namespace
}  // namespace fleetmedic
