#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fmt/format.h>

#include "base/file.h"
#include "detectors/logs/file_tailer.h"
#include "detectors/logs/kmsg_reader.h"
#include "model/log_frame.h"

namespace fleetmedic {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

void AppendTo(const std::string& path, std::string_view text) {
  const UniqueFd fd(::open(path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0644));
  ASSERT_TRUE(fd.ok());
  ASSERT_EQ(::write(fd.get(), text.data(), text.size()), static_cast<ssize_t>(text.size()));
}

// "source|line" of everything that is there.
std::vector<std::string> ReadAll(LogSource* source, size_t lines_max = 1000) {
  std::vector<std::string> lines;
  const Result<size_t> read =
      source->Read(lines_max, [&](std::string_view from, std::string_view line, LineLevel) {
        lines.push_back(std::string(from) + "|" + std::string(line));
      });
  EXPECT_TRUE(read) << read.error().message;
  return lines;
}

// The levels of everything that is there.
std::vector<LineLevel> ReadLevels(LogSource* source) {
  std::vector<LineLevel> levels;
  const Result<size_t> read = source->Read(
      1000, [&](std::string_view, std::string_view, LineLevel level) { levels.push_back(level); });
  EXPECT_TRUE(read) << read.error().message;
  return levels;
}

class FileTailerTest : public testing::Test {
 protected:
  FileTailerTest() : root_(folder_.path()) { Restart(""); }

  void Restart(const std::string& cursor) {
    tailer_ = std::make_unique<FileTailer>(&root_, "/app.log");
    tailer_->Start(cursor);
  }
  std::vector<std::string> Lines(size_t lines_max = 1000) {
    std::vector<std::string> lines = ReadAll(tailer_.get(), lines_max);
    for (std::string& line : lines) line = line.substr(std::string("file:/app.log|").size());
    return lines;
  }

  TempFolder folder_;
  FsRoot root_;
  const std::string path_ = folder_ / "app.log";
  std::unique_ptr<FileTailer> tailer_;
};

TEST_F(FileTailerTest, StartsAtTheEndOfWhatIsThereAndAtTheBeginningOfWhatComes) {
  AppendTo(path_, "old\n");
  EXPECT_THAT(Lines(), IsEmpty());
  AppendTo(path_, "new\n");
  EXPECT_THAT(Lines(), ElementsAre("new"));
}

TEST_F(FileTailerTest, ReadsAFileThatComesLaterFromItsBeginning) {
  EXPECT_THAT(Lines(), IsEmpty());
  AppendTo(path_, "first\n");
  EXPECT_THAT(ReadAll(tailer_.get()), ElementsAre("file:/app.log|first"));
}

TEST_F(FileTailerTest, WaitsForTheEndOfALine) {
  Lines();
  AppendTo(path_, "ab");
  EXPECT_THAT(Lines(), IsEmpty());
  AppendTo(path_, "c\nd");
  EXPECT_THAT(Lines(), ElementsAre("abc"));
  Restart(tailer_->Cursor());
  AppendTo(path_, "e\n");
  EXPECT_THAT(Lines(), ElementsAre("de")) << "the cursor stands before the part";
}

TEST_F(FileTailerTest, GoesOnThroughARestart) {
  Lines();
  AppendTo(path_, "1\n2\n");
  EXPECT_THAT(Lines(), ElementsAre("1", "2"));
  const std::string cursor = tailer_->Cursor();
  AppendTo(path_, "3\n");
  Restart(cursor);
  EXPECT_EQ(tailer_->Cursor(), cursor) << "also before the first read";
  EXPECT_THAT(Lines(), ElementsAre("3"));
}

TEST_F(FileTailerTest, ReadsARotatedFileToItsEndAndThenTheNewOne) {
  Lines();
  AppendTo(path_, "1\n");
  Lines();
  AppendTo(path_, "2\nunfinished");
  ASSERT_EQ(std::rename(path_.c_str(), (path_ + ".1").c_str()), 0);
  AppendTo(path_, "3\n");
  EXPECT_THAT(Lines(), ElementsAre("2", "unfinished", "3"));
}

TEST_F(FileTailerTest, FindsTheRotatedFileAfterARestart) {
  Lines();
  AppendTo(path_, "1\n");
  Lines();
  const std::string cursor = tailer_->Cursor();
  AppendTo(path_, "2\n");
  ASSERT_EQ(std::rename(path_.c_str(), (path_ + ".1").c_str()), 0);
  AppendTo(path_, "3\n");
  Restart(cursor);
  EXPECT_THAT(Lines(), ElementsAre("2", "3"));
}

TEST_F(FileTailerTest, StartsAgainWhenTheFileWasCutShort) {
  Lines();
  AppendTo(path_, "a long line\n");
  Lines();
  ASSERT_EQ(::truncate(path_.c_str(), 0), 0);
  AppendTo(path_, "new\n");
  EXPECT_THAT(Lines(), ElementsAre("new"));
}

TEST_F(FileTailerTest, CutsALongLineAndFindsTheNextOne) {
  Lines();
  AppendTo(path_, std::string(200'000, 'x') + "\nshort\n");
  const std::vector<std::string> lines = Lines();
  ASSERT_THAT(lines, SizeIs(2));
  EXPECT_EQ(lines[0], std::string(LogFrame::kLineBytesMax, 'x'));
  EXPECT_EQ(lines[1], "short");
}

TEST_F(FileTailerTest, SurvivesNonsenseAsACursor) {
  for (const char* cursor : {"x", "1:2", "1:2:-5", "::", "1:2:99999999999999999999"}) {
    Restart(cursor);
    AppendTo(path_, "x\n");
    Lines();
    AppendTo(path_, "y\n");
    EXPECT_THAT(Lines(), ElementsAre("y")) << cursor;
  }
}

TEST_F(FileTailerTest, IsNotHeldUpByAFifo) {
  ASSERT_EQ(::mkfifo(path_.c_str(), 0600), 0);
  const Result<size_t> read =
      tailer_->Read(10, [](std::string_view, std::string_view, LineLevel) {});
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().code, Code::kInvalidArgument);
}

TEST(ParseKmsgTest, ReadsAPriorityIntoLevelAndFacility) {
  const auto kernel = ParseKmsg("3,1234,5678901,-;nvme nvme0: I/O timeout");
  ASSERT_TRUE(kernel.has_value());
  EXPECT_EQ(kernel->level, 3);
  EXPECT_EQ(kernel->facility, 0);
  EXPECT_EQ(kernel->sequence, 1234u);
  EXPECT_EQ(kernel->at, Micros(5678901));
  EXPECT_EQ(kernel->message, "nvme nvme0: I/O timeout");
  const auto user = ParseKmsg("11,1,2,-,caller=T1;nvme nvme0: I/O timeout\n SUBSYSTEM=x\n");
  ASSERT_TRUE(user.has_value());
  EXPECT_EQ(user->level, 3);
  EXPECT_EQ(user->facility, 1);
  EXPECT_EQ(user->message, "nvme nvme0: I/O timeout");
}

TEST(ParseKmsgTest, RefusesWhatHasAnotherForm) {
  for (const char* line : {"", "hello", "3,1", "x,1,2,-;m", "3,x,2,-;m", "-1,1,2,-;m", ";m"}) {
    EXPECT_FALSE(ParseKmsg(line).has_value()) << line;
  }
}

class KmsgFixtureTest : public testing::Test {
 protected:
  KmsgFixtureTest() : root_(folder_.path()) {
    EXPECT_TRUE(MakeFolders(folder_ / "dev"));
    EXPECT_TRUE(MakeFolders(folder_ / "proc/sys/kernel/random"));
    Boot("boot-1");
    Restart("");
  }
  void Boot(const std::string& id) {
    EXPECT_TRUE(WriteFileAtomic(folder_ / "proc/sys/kernel/random/boot_id", id + "\n"));
  }
  void Restart(const std::string& cursor) {
    reader_ = std::make_unique<KmsgReader>(&root_, &clock_, KmsgReader::Options());
    reader_->Start(cursor);
  }

  TempFolder folder_;
  FsRoot root_;
  SimulatedClock clock_;
  const std::string path_ = folder_ / "dev/kmsg";
  std::unique_ptr<KmsgReader> reader_;
};

TEST_F(KmsgFixtureTest, OnlyFacilityZeroIsTheKernel) {
  AppendTo(path_,
           "6,1,100,-;kernel line\n"
           " SUBSYSTEM=nvme\n"
           "14,2,200,-;a program that plays the kernel\n"
           "garbage\n"
           "4,3,300,c;cut off");
  EXPECT_THAT(ReadAll(reader_.get()),
              ElementsAre("kernel|kernel line", "kmsg-user|a program that plays the kernel"));
  AppendTo(path_, " no more\n");
  EXPECT_THAT(ReadAll(reader_.get()), ElementsAre("kernel|cut off no more"));
}

TEST_F(KmsgFixtureTest, TellsTheLevelOfEachRecord) {
  AppendTo(path_,
           "3,1,100,-;error\n4,2,200,-;warning\n5,3,300,-;notice\n12,4,400,-;by a program\n");
  EXPECT_THAT(ReadLevels(reader_.get()),
              ElementsAre(LineLevel::kWarning, LineLevel::kWarning, LineLevel::kBelowWarning,
                          LineLevel::kWarning));
}

TEST_F(KmsgFixtureTest, GoesOnAtItsCursorInTheSameBootAlone) {
  AppendTo(path_, "6,1,100,-;one\n");
  ReadAll(reader_.get());
  const std::string cursor = reader_->Cursor();
  AppendTo(path_, "6,2,200,-;two\n");
  Restart(cursor);
  EXPECT_EQ(reader_->Cursor(), cursor);
  EXPECT_THAT(ReadAll(reader_.get()), ElementsAre("kernel|two"));
  Boot("boot-2");
  Restart(cursor);
  EXPECT_THAT(ReadAll(reader_.get()), SizeIs(2));
}

TEST_F(KmsgFixtureTest, StartsAgainWhenTheFileIsReplaced) {
  AppendTo(path_, "6,1,100,-;one\n");
  ReadAll(reader_.get());
  ASSERT_TRUE(WriteFileAtomic(path_, "6,1,50,-;after the reboot\n"));
  EXPECT_THAT(ReadAll(reader_.get()), ElementsAre("kernel|after the reboot"));
}

// A process that is root puts the right down for the look.
TEST(LogSourcesWithoutRightsTest, NameTheRightThatIsMissing) {
  const TempFolder folder;
  ASSERT_TRUE(MakeFolders(folder / "dev"));
  for (const char* name : {"dev/kmsg", "app.log"}) {
    ASSERT_TRUE(WriteFileAtomic(folder / name, "3,1,100,-;a line\n", 0));
  }
  const FsRoot root(folder.path());
  const SystemClock clock;
  KmsgReader kmsg(&root, &clock, {});
  FileTailer file(&root, "/app.log");
  kmsg.Start("");
  file.Start("");
  const bool was_root = ::geteuid() == 0;
  if (was_root) {
    ASSERT_EQ(::seteuid(65534), 0);
  }
  const auto drop = [](std::string_view, std::string_view, LineLevel) {};
  const Result<size_t> of_kmsg = kmsg.Read(10, drop);
  const Result<size_t> of_file = file.Read(10, drop);
  if (was_root) {
    ASSERT_EQ(::seteuid(0), 0);
  }
  ASSERT_FALSE(of_kmsg);
  EXPECT_EQ(of_kmsg.error().code, Code::kPermissionDenied);
  EXPECT_THAT(of_kmsg.error().message, testing::StartsWith("no permission (CAP_SYSLOG)"));
  ASSERT_FALSE(of_file);
  EXPECT_EQ(of_file.error().code, Code::kPermissionDenied);
  EXPECT_THAT(of_file.error().message, testing::StartsWith("no permission (to read /app.log)"));
}

}  // namespace
}  // namespace fleetmedic
