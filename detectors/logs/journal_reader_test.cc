#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fmt/format.h>

#include "base/child_process.h"
#include "base/file.h"
#include "detectors/logs/journal_files.h"
#include "detectors/logs/journal_reader.h"
#include "detectors/logs/systemd_journal.h"

namespace fleetmedic {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

// "source|level|line" of everything that is there.
std::vector<std::string> ReadAll(LogSource* source, size_t lines_max = 1'000'000) {
  constexpr std::string_view kLevels[] = {"unknown", "below", "warning"};
  std::vector<std::string> lines;
  const Result<size_t> read =
      source->Read(lines_max, [&](std::string_view from, std::string_view line, LineLevel level) {
        lines.push_back(fmt::format("{}|{}|{}", from, kLevels[static_cast<size_t>(level)], line));
      });
  EXPECT_TRUE(read) << read.error().message;
  return lines;
}

struct Written {
  std::string message;
  std::string fields;  // "NAME=VALUE\n"...
};

// Journals made from text by systemd's own tool.
class JournalWriter {
 public:
  static constexpr const char* kTool = "/lib/systemd/systemd-journal-remote";
  static bool Present() { return ::access(kTool, X_OK) == 0; }

  explicit JournalWriter(std::string folder) : folder_(std::move(folder)) {
    EXPECT_TRUE(MakeFolders(folder_));
  }

  void set_compact(bool compact) { compact_ = compact; }

  // The text of an entry, later than the one before.
  std::string Text(const Written& entry) {
    ++written_;
    return fmt::format(
        "__REALTIME_TIMESTAMP={0}\n__MONOTONIC_TIMESTAMP={0}\n"
        "_BOOT_ID=11111111111111111111111111111111\nMESSAGE={1}\n{2}\n",
        1'700'000'000'000'000 + written_, entry.message, entry.fields);
  }
  ChildOptions Command(const std::string& name) const {
    ChildOptions options;
    options.argv = {kTool, "-o", fmt::format("{}/{}.journal", folder_, name), "-"};
    options.env.push_back(fmt::format("SYSTEMD_JOURNAL_COMPACT={}", compact_ ? 1 : 0));
    return options;
  }
  // To a file of the folder, behind what is in it.
  void Write(const std::string& name, const std::vector<Written>& entries) {
    struct Command command;
    command.argv = Command(name).argv;
    command.env = Command(name).env;
    for (const Written& entry : entries) command.input += Text(entry);
    SystemClock clock;
    const Result<CommandResult> result = RunCommand(command, clock, clock.Mono() + Seconds(20));
    ASSERT_TRUE(result) << result.error().message;
    ASSERT_TRUE(result->status.ok()) << result->standard_error;
  }

 private:
  const std::string folder_;
  bool compact_ = false;
  int64_t written_ = 0;
};

class JournalReaderTest : public testing::TestWithParam<bool> {
 protected:
  void SetUp() override {
    if (!JournalWriter::Present()) GTEST_SKIP() << "systemd-journal-remote is not installed";
    writer_.set_compact(GetParam());
    Write(1, "before us", "_SYSTEMD_UNIT=a.service\n");
    Restart("");
    EXPECT_THAT(ReadAll(reader_.get()), IsEmpty());
  }
  void Write(int number, const std::vector<Written>& entries) {
    writer_.Write(std::to_string(number), entries);
  }
  void Write(int number, const std::string& message, const std::string& fields) {
    Write(number, {{message, fields}});
  }
  void Restart(const std::string& cursor) {
    reader_ = std::make_unique<JournalFiles>(journal_);
    reader_->Start(cursor);
  }
  // What libsystemd reads behind the cursor.
  std::vector<std::string> ByLibsystemd(const std::string& cursor) const {
    SystemdJournal source(journal_);
    source.Start(cursor);
    return ReadAll(&source);
  }
  void Rename(const std::string& from, const std::string& to) {
    ASSERT_EQ(std::rename((journal_ + "/" + from).c_str(), (journal_ + "/" + to).c_str()), 0);
  }

  const TempFolder folder_;
  const std::string journal_ = folder_ / "journal";
  JournalWriter writer_{journal_};
  std::unique_ptr<LogSource> reader_;
};
INSTANTIATE_TEST_SUITE_P(Forms, JournalReaderTest, testing::Bool(), [](const auto& form) {
  return form.param ? std::string("Compact") : std::string("Regular");
});

TEST_P(JournalReaderTest, ReadsWhatComesAndGoesOnThroughARestart) {
  Write(2, "hello", "_SYSTEMD_UNIT=docker.service\n");
  Write(3, "from the kernel", "_TRANSPORT=kernel\n");
  EXPECT_THAT(ReadAll(reader_.get()), ElementsAre("journal:docker.service|unknown|hello"));
  const std::string cursor = reader_->Cursor();
  EXPECT_FALSE(cursor.empty());
  Write(4, "again", "SYSLOG_IDENTIFIER=sshd\n");
  Restart(cursor);
  EXPECT_THAT(ReadAll(reader_.get()), ElementsAre("journal:sshd|unknown|again"));
}

TEST_P(JournalReaderTest, TellsTheLevelOfEachEntry) {
  Write(2, "an error", "PRIORITY=3\n_TRANSPORT=journal\n");
  Write(3, "a notice", "PRIORITY=5\n_TRANSPORT=syslog\n");
  Write(4, "from a pipe", "PRIORITY=6\n_TRANSPORT=stdout\n");
  EXPECT_THAT(ReadAll(reader_.get()),
              ElementsAre("journal-user|warning|an error", "journal-user|below|a notice",
                          "journal-user|unknown|from a pipe"));
}

// What is made of an entry is kept for the next one of the same writer.
TEST_P(JournalReaderTest, TakesEachEntryByItsOwnFieldsAlone) {
  const std::string docker = "_SYSTEMD_UNIT=docker.service\nSYSLOG_IDENTIFIER=dockerd\n";
  Write(2, {{"an error", docker + "PRIORITY=3\n_TRANSPORT=journal\n"},
            {"one more", docker + "PRIORITY=3\n_TRANSPORT=journal\n"},
            {"no error", docker + "PRIORITY=6\n_TRANSPORT=journal\n"},
            {"from a pipe", docker + "PRIORITY=6\n_TRANSPORT=stdout\n"},
            {"of a container", docker + "PRIORITY=3\n_TRANSPORT=journal\nCONTAINER_ID=abc\n"},
            {"of the daemon", docker + "PRIORITY=3\n_TRANSPORT=journal\n"},
            {"no priority", docker + "_TRANSPORT=journal\n"},
            {"of the kernel", "PRIORITY=3\n_TRANSPORT=kernel\nSYSLOG_IDENTIFIER=kernel\n"},
            {"no unit", "SYSLOG_IDENTIFIER=dockerd\nPRIORITY=4\n_TRANSPORT=syslog\n"},
            {"_SYSTEMD_UNIT=docker.service", ""},
            {"again an error", docker + "PRIORITY=3\n_TRANSPORT=journal\n"}});
  EXPECT_THAT(
      ReadAll(reader_.get()),
      ElementsAre(
          "journal:docker.service|warning|an error", "journal:docker.service|warning|one more",
          "journal:docker.service|below|no error", "journal:docker.service|unknown|from a pipe",
          "journal-container|warning|of a container",
          "journal:docker.service|warning|of the daemon",
          "journal:docker.service|unknown|no priority", "journal:dockerd|warning|no unit",
          "journal-user|unknown|_SYSTEMD_UNIT=docker.service",
          "journal:docker.service|warning|again an error"));
}

TEST_P(JournalReaderTest, TellsAFolderThatIsNotThere) {
  JournalFiles reader(folder_ / "none");
  reader.Start("");
  EXPECT_FALSE(reader.Read(10, [](std::string_view, std::string_view, LineLevel) {}));
}

// Multi-line ones, empty ones, of all sizes, compressed and not, with fields of most kinds.
std::vector<Written> ManyEntries(int count, int from) {
  std::vector<Written> entries;
  for (int i = from; i < from + count; ++i) {
    std::string message = fmt::format("message {} ", i);
    if (i % 5 == 0) message += std::string(static_cast<size_t>(i) * 37 % 9000, 'a' + i % 26);
    if (i % 11 == 0) message = "";
    std::string fields = fmt::format("_HOSTNAME=host\n_PID={}\n_SOURCE_REALTIME_TIMESTAMP={}\n",
                                     i % 50, 1'700'000'000'000'000 + i);
    if (i % 3 != 0) fields += fmt::format("_SYSTEMD_UNIT=unit-{}.service\n", i % 9);
    if (i % 4 != 0) fields += fmt::format("SYSLOG_IDENTIFIER=program-{}\n", i % 5);
    fields += fmt::format("PRIORITY={}\n_TRANSPORT={}\n", i % 8,
                          i % 7 == 0   ? "kernel"
                          : i % 2 == 0 ? "stdout"
                                       : "journal");
    if (i % 13 == 0) fields += "CONTAINER_ID=abcdef\n";
    if (i % 17 == 0) fields += "_CMDLINE=" + std::string(2000, 'c') + "\n";
    if (i % 19 == 0) fields += "MESSAGE=a second one\n";
    entries.push_back({message, fields});
  }
  return entries;
}

TEST_P(JournalReaderTest, GivesWhatLibsystemdGivesOfManyFiles) {
  const std::string cursor = reader_->Cursor();
  // Each file has a part of the time, and the third goes on after the fourth.
  Write(1, ManyEntries(700, 0));
  Write(2, ManyEntries(700, 700));
  Write(3, ManyEntries(300, 1400));
  Write(4, ManyEntries(50, 1700));
  Write(3, ManyEntries(300, 1750));
  const std::vector<std::string> lines = ByLibsystemd(cursor);
  EXPECT_GT(lines.size(), 1500u);
  EXPECT_EQ(ReadAll(reader_.get()), lines);
  EXPECT_EQ(reader_->TakeLost(), 0u);
  // Whoever reads goes on where the other one stood, wherever that is.
  const size_t lines_max = lines.size() / 7;
  std::vector<std::string> in_turns;
  std::string at = cursor;
  for (int turn = 0; turn < 40 && in_turns.size() < lines.size(); ++turn) {
    if (turn % 2 == 0) {
      Restart(at);
    } else {
      reader_ = std::make_unique<SystemdJournal>(journal_);
      reader_->Start(at);
    }
    for (std::string& line : ReadAll(reader_.get(), lines_max)) in_turns.push_back(line);
    at = reader_->Cursor();
  }
  EXPECT_EQ(in_turns, lines);
}

TEST_P(JournalReaderTest, SaysTheSameCursorAsLibsystemd) {
  const std::string cursor = reader_->Cursor();
  Write(1, ManyEntries(5, 0));
  for (int entry = 0; entry < 5; ++entry) {
    SystemdJournal other(journal_);
    other.Start(reader_->Cursor());
    (void)ReadAll(reader_.get(), 1);
    (void)ReadAll(&other, 1);
    EXPECT_EQ(reader_->Cursor(), other.Cursor());
  }
  EXPECT_NE(reader_->Cursor(), cursor);
}

TEST_P(JournalReaderTest, ReadsAFileThatWasRotatedAwayToItsEndAndThenTheNewOne) {
  Write(2, "one", "");
  EXPECT_THAT(ReadAll(reader_.get()), SizeIs(1));
  Write(2, {{"two", ""}, {"three", ""}});
  Rename("2.journal",
         "2@0f35e209be614e8fb68f8e27de9737bf-0000000000000001-00060a24181e4001.journal");
  Write(2, {{"four", ""}, {"five", ""}});
  EXPECT_THAT(ReadAll(reader_.get()),
              ElementsAre("journal-user|unknown|two", "journal-user|unknown|three",
                          "journal-user|unknown|four", "journal-user|unknown|five"));
  Write(2, "six", "");
  EXPECT_THAT(ReadAll(reader_.get()), ElementsAre("journal-user|unknown|six"));
}

TEST_P(JournalReaderTest, ReadsAFileThatIsDeletedToItsEndAndLetsItGo) {
  Write(2, "one", "");
  EXPECT_THAT(ReadAll(reader_.get()), SizeIs(1));
  Write(2, "two", "");
  ASSERT_EQ(::unlink((journal_ + "/2.journal").c_str()), 0);
  EXPECT_THAT(ReadAll(reader_.get()), ElementsAre("journal-user|unknown|two"));
  // With the same inode, as is usual on ext4, or another.
  Write(2, "of another file", "");
  EXPECT_THAT(ReadAll(reader_.get()), ElementsAre("journal-user|unknown|of another file"));
}

TEST_P(JournalReaderTest, GivesACopyOfAFileOnce) {
  Write(2, {{"one", ""}, {"two", ""}});
  std::ofstream(journal_ + "/copy.journal", std::ios::binary)
      << std::ifstream(journal_ + "/2.journal", std::ios::binary).rdbuf();
  EXPECT_THAT(ReadAll(reader_.get()), SizeIs(2));
  std::ofstream(journal_ + "/later.journal", std::ios::binary)
      << std::ifstream(journal_ + "/2.journal", std::ios::binary).rdbuf();
  EXPECT_THAT(ReadAll(reader_.get()), IsEmpty());
}

TEST_P(JournalReaderTest, ReadsFoldersOfMachinesBelowItsOwn) {
  JournalWriter machine(journal_ + "/0f35e209be614e8fb68f8e27de9737bf");
  JournalWriter space(journal_ + "/0f35e209be614e8fb68f8e27de9737bf.space");
  JournalWriter other(journal_ + "/other");
  machine.Write("system", {{"of the machine", ""}});
  space.Write("system", {{"of a namespace", ""}});
  other.Write("system", {{"of no machine", ""}});
  const std::vector<std::string> lines = ReadAll(reader_.get());
  EXPECT_THAT(lines, ElementsAre("journal-user|unknown|of the machine"));
}

TEST_P(JournalReaderTest, StartsAtTheEndByACursorThatMeansNothing) {
  Restart("nonsense");
  EXPECT_THAT(ReadAll(reader_.get()), IsEmpty());
  Write(2, "hello", "");
  EXPECT_THAT(ReadAll(reader_.get()), ElementsAre("journal-user|unknown|hello"));
}

TEST_P(JournalReaderTest, ReadsOnWhileTheWriterDoes) {
  const SystemClock clock;
  ChildOptions options = writer_.Command("live");
  options.standard_input = {ChildStream::Kind::kPipe};
  Result<Child> child = Child::Start(options);
  ASSERT_TRUE(child) << child.error().message;
  constexpr int kEntries = 20'000;
  std::vector<std::string> wanted;
  std::vector<std::string> lines;
  std::string text;
  const MonoTime end = clock.Mono() + Seconds(60);
  for (int i = 0; i < kEntries; ++i) {
    text += writer_.Text({fmt::format("line {}", i), "PRIORITY=3\n_TRANSPORT=journal\n"});
    wanted.push_back(fmt::format("journal-user|warning|line {}", i));
    if (i % 100 != 99) continue;
    for (std::string_view rest = text; !rest.empty();) {
      const ssize_t bytes = ::write(child->standard_input().get(), rest.data(), rest.size());
      ASSERT_GT(bytes, 0);
      rest.remove_prefix(static_cast<size_t>(bytes));
    }
    text.clear();
    for (std::string& line : ReadAll(reader_.get())) lines.push_back(std::move(line));
  }
  while (lines.size() < wanted.size() && clock.Mono() < end) {
    for (std::string& line : ReadAll(reader_.get())) lines.push_back(std::move(line));
  }
  EXPECT_EQ(lines, wanted);
  EXPECT_EQ(reader_->TakeLost(), 0u);
}

TEST_P(JournalReaderTest, GivesUpAFileThatIsCutAndGoesOnWithTheOthers) {
  Write(2, ManyEntries(2000, 1));
  Write(3, "of a sound file", "");
  // Its hash tables take the first 3.7 MB, its entries more than a MB behind them.
  const std::string path = journal_ + "/2.journal";
  ASSERT_EQ(::truncate(path.c_str(), 4'200'000), 0);
  std::vector<std::string> lines = ReadAll(reader_.get());
  EXPECT_GT(lines.size(), 10u);
  EXPECT_LT(lines.size(), 1800u);
  EXPECT_EQ(lines.back(), "journal-user|unknown|of a sound file");
  const uint64_t lost = reader_->TakeLost();
  EXPECT_GT(lost, 10u);
  EXPECT_LE(lost, 2000u);
  Write(3, "later", "");
  EXPECT_THAT(ReadAll(reader_.get()), ElementsAre("journal-user|unknown|later"));
}

TEST_P(JournalReaderTest, LeavesTheJournalToLibsystemdWhereItsFormIsNotKnown) {
  Write(2, "one", "");
  JournalReader reader(journal_);
  reader.Start(reader_->Cursor());
  EXPECT_THAT(ReadAll(&reader), ElementsAre("journal-user|unknown|one"));
  // XZ is among the forms of this file's header, though nothing in it is compressed by that.
  Write(2, "two", "");
  const auto mark = [&](char forms) {
    std::fstream file(journal_ + "/2.journal", std::ios::binary | std::ios::in | std::ios::out);
    file.seekg(12);
    const char before = static_cast<char>(file.get());
    file.seekp(12);
    file.put(static_cast<char>(before | forms));
  };
  mark(1);
  Result<size_t> refused = reader_->Read(100, [](std::string_view, std::string_view, LineLevel) {});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::kUnsupported);
  EXPECT_THAT(ReadAll(&reader), ElementsAre("journal-user|unknown|two"));
  Write(3, "three", "");
  EXPECT_THAT(ReadAll(&reader), ElementsAre("journal-user|unknown|three"));
}

TEST(JournalFilesWithoutRightsTest, NameTheFile) {
  const TempFolder folder;
  ASSERT_TRUE(WriteFileAtomic(folder / "system.journal", "x", 0));
  ASSERT_EQ(::chmod(folder.path().c_str(), 0755), 0);
  JournalFiles files(folder.path());
  files.Start("");
  const bool was_root = ::geteuid() == 0;
  if (was_root) {
    ASSERT_EQ(::seteuid(65534), 0);
  }
  const Result<size_t> read = files.Read(10, [](std::string_view, std::string_view, LineLevel) {});
  if (was_root) {
    ASSERT_EQ(::seteuid(0), 0);
  }
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().code, Code::kPermissionDenied);
  EXPECT_EQ(read.error().message, "no permission (to read " + (folder / "system.journal") + ")");
}

}  // namespace
}  // namespace fleetmedic
