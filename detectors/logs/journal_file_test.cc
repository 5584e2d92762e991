#include "detectors/logs/journal_file.h"

#include <lz4.h>

#include <algorithm>
#include <cstring>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace fleetmedic {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

constexpr uint32_t kLz4 = 2;
constexpr uint32_t kZstd = 8;
constexpr uint32_t kCompact = 16;

// A file of the journal, made by the format's text and not by what reads it.
class MadeJournal {
 public:
  explicit MadeJournal(uint32_t incompatible) : incompatible_(incompatible), bytes_(272, '\0') {}

  // Answers its offset.
  uint64_t Field(std::string_view payload, uint8_t flags = 0, uint64_t entries = 1) {
    const bool compact = (incompatible_ & kCompact) != 0;
    const uint64_t at = Object(1, flags, (compact ? 72 : 64) + payload.size());
    Put64(at + 56, entries);
    std::memcpy(bytes_.data() + at + (compact ? 72 : 64), payload.data(), payload.size());
    return at;
  }
  void Entry(const std::vector<uint64_t>& fields) {
    const uint64_t item = (incompatible_ & kCompact) != 0 ? 4 : 16;
    const uint64_t at = Object(3, 0, 64 + item * fields.size());
    entries_.push_back(at);
    Put64(at + 16, entries_.size());
    Put64(at + 24, 1000 * entries_.size());
    Put64(at + 32, 10 * entries_.size());
    bytes_[at + 40] = 1;
    for (size_t i = 0; i < fields.size(); ++i) {
      if (item == 4) {
        Put32(at + 64 + i * item, static_cast<uint32_t>(fields[i]));
      } else {
        Put64(at + 64 + i * item, fields[i]);
      }
    }
    if (entries_.size() - array_first_ > array_items_) AddArray();
    SetItem();
  }
  void Message(std::string_view text) { Entry({Field("MESSAGE=" + std::string(text))}); }

  std::string& Bytes(uint8_t state = 1) {
    std::memcpy(bytes_.data(), "LPKSHHRH", 8);
    Put32(12, incompatible_);
    bytes_[16] = static_cast<char>(state);
    bytes_[24] = 7;  // file id
    bytes_[72] = 8;  // who counts
    Put64(88, 272);
    Put64(96, bytes_.size() - 272);
    Put64(152, entries_.size());
    Put64(176, first_array_);
    Put64(192, 1000 * entries_.size());
    return bytes_;
  }
  const std::vector<uint64_t>& entries() const { return entries_; }
  uint64_t first_array() const { return first_array_; }

  void Put64(uint64_t at, uint64_t value) { std::memcpy(bytes_.data() + at, &value, 8); }
  void Put32(uint64_t at, uint32_t value) { std::memcpy(bytes_.data() + at, &value, 4); }

 private:
  uint64_t Object(uint8_t type, uint8_t flags, uint64_t size) {
    const uint64_t at = bytes_.size();
    bytes_.resize((at + size + 7) / 8 * 8);
    bytes_[at] = static_cast<char>(type);
    bytes_[at + 1] = static_cast<char>(flags);
    Put64(at + 8, size);
    return at;
  }
  uint64_t Item() const { return (incompatible_ & kCompact) != 0 ? 4 : 8; }
  void AddArray() {
    const uint64_t items = array_items_ == 0 ? 4 : 2 * array_items_;
    const uint64_t at = Object(6, 0, 24 + items * Item());
    if (array_ != 0) Put64(array_ + 16, at);
    if (first_array_ == 0) first_array_ = at;
    array_first_ += array_items_;
    array_items_ = items;
    array_ = at;
  }
  void SetItem() {
    const uint64_t at = array_ + 24 + (entries_.size() - 1 - array_first_) * Item();
    if (Item() == 4) {
      Put32(at, static_cast<uint32_t>(entries_.back()));
    } else {
      Put64(at, entries_.back());
    }
  }

  const uint32_t incompatible_;
  std::string bytes_;
  std::vector<uint64_t> entries_;
  uint64_t first_array_ = 0;
  uint64_t array_ = 0;
  uint64_t array_first_ = 0;
  uint64_t array_items_ = 0;
};

JournalFile FileOf(const std::string* bytes) {
  return JournalFile([bytes](uint64_t offset, char* into, size_t size) -> Result<size_t> {
    if (offset >= bytes->size()) return size_t{0};
    return bytes->copy(into, size, offset);
  });
}

// The messages from where it stands on; an error ends them.
std::vector<std::string> Messages(JournalFile* file, Status* status = nullptr) {
  std::vector<std::string> messages;
  JournalEntry entry;
  while (true) {
    const Result<const JournalPlace*> next = file->Next();
    if (!next && status != nullptr) *status = tl::unexpected<Error>(next.error());
    if (!next || *next == nullptr) return messages;
    const bool whole = file->ReadFields(&entry);
    messages.push_back(entry.message() + (whole ? "" : " (not whole)"));
    file->Pass();
  }
}

class JournalFileTest : public testing::TestWithParam<uint32_t> {
 protected:
  MadeJournal made_{GetParam() | kLz4 | kZstd};
};
INSTANTIATE_TEST_SUITE_P(Forms, JournalFileTest, testing::Values(0, kCompact),
                         [](const auto& form) {
                           return form.param == 0 ? std::string("Regular") : "Compact";
                         });

TEST_P(JournalFileTest, GivesEntriesInOrderAndThoseThatComeWhileItReads) {
  JournalFile file = FileOf(&made_.Bytes());
  ASSERT_TRUE(file.Refresh());
  EXPECT_THAT(Messages(&file), IsEmpty());
  std::vector<std::string> wanted;
  for (int i = 0; i < 500; ++i) {
    made_.Message("line " + std::to_string(i));
    wanted.push_back("line " + std::to_string(i));
    if (i % 7 != 0) continue;
    made_.Bytes();
    ASSERT_TRUE(file.Refresh());
    ASSERT_EQ(Messages(&file), wanted) << i;
    wanted.clear();
  }
}

TEST_P(JournalFileTest, TakesTheWantedFieldsOfEachEntry) {
  const uint64_t unit = made_.Field("_SYSTEMD_UNIT=docker.service", 0, 3);
  const uint64_t priority = made_.Field("PRIORITY=3", 0, 3);
  const uint64_t other = made_.Field("_HOSTNAME=MESSAGE=no", 0, 3);
  const uint64_t transport = made_.Field("_TRANSPORT=journal", 0, 3);
  made_.Entry({unit, priority, other, transport, made_.Field("MESSAGE=one")});
  made_.Entry({made_.Field("MESSAGE=two"), transport});
  made_.Entry({other, unit, transport, priority, made_.Field("MESSAGE=three")});
  JournalFile file = FileOf(&made_.Bytes());
  ASSERT_TRUE(file.Refresh());
  std::vector<std::string> lines;
  JournalEntry entry;
  for (int i = 0; i < 3; ++i) {
    const Result<const JournalPlace*> next = file.Next();
    ASSERT_TRUE(next && *next != nullptr);
    EXPECT_EQ((*next)->seqnum, static_cast<uint64_t>(i + 1));
    EXPECT_EQ((*next)->realtime, static_cast<uint64_t>(1000 * (i + 1)));
    EXPECT_TRUE(file.ReadFields(&entry));
    lines.push_back(entry.source() + "|" + entry.message() + "|" +
                    (entry.level() == LineLevel::kWarning ? "warning" : "unknown"));
    file.Pass();
  }
  EXPECT_THAT(lines, ElementsAre("journal:docker.service|one|warning", "journal-user|two|unknown",
                                 "journal:docker.service|three|warning"));
}

TEST_P(JournalFileTest, GoesBehindAPlaceWhereverItIs) {
  for (int i = 1; i <= 100; ++i) made_.Message(std::to_string(i));
  JournalFile file = FileOf(&made_.Bytes());
  ASSERT_TRUE(file.Refresh());
  JournalPlace place{.seqnum_id = {8}, .boot_id = {1}};
  for (uint64_t after = 0; after <= 101; ++after) {
    place.seqnum = after;
    place.monotonic = 10 * after;
    place.realtime = 1000 * after;
    ASSERT_TRUE(file.SeekAfter(place));
    EXPECT_EQ(file.left(), 100 - std::min<uint64_t>(after, 100));
    const std::vector<std::string> messages = Messages(&file);
    ASSERT_THAT(messages, SizeIs(100 - std::min<uint64_t>(after, 100)));
    if (after < 100) {
      EXPECT_EQ(messages.front(), std::to_string(after + 1));
    }
  }
  // Counted by somebody else: by the time since the boot, or the clock.
  ASSERT_TRUE(file.SeekAfter({.seqnum_id = {9}, .seqnum = 1, .boot_id = {1}, .monotonic = 405}));
  EXPECT_EQ(file.left(), 60u);
  ASSERT_TRUE(file.SeekAfter({.seqnum_id = {9}, .boot_id = {2}, .realtime = 70'000}));
  EXPECT_EQ(file.left(), 30u);
}

TEST_P(JournalFileTest, DecompressesAFieldWithinTheLimit) {
  const std::string content = "MESSAGE=" + std::string(3000, 'x');
  std::string block(8 + LZ4_compressBound(static_cast<int>(content.size())), '\0');
  const uint64_t content_bytes = content.size();
  std::memcpy(block.data(), &content_bytes, 8);
  block.resize(8 + static_cast<size_t>(LZ4_compress_default(content.data(), block.data() + 8,
                                                            static_cast<int>(content.size()),
                                                            static_cast<int>(block.size() - 8))));
  made_.Entry({made_.Field(block, kLz4)});
  made_.Entry({made_.Field(std::string(block).replace(0, 8, 8, '\xff'), kLz4)});
  made_.Entry({made_.Field(block.substr(0, block.size() - 1), kLz4)});
  made_.Entry({made_.Field(block, 1)});
  made_.Message("sound");
  JournalFile file = FileOf(&made_.Bytes());
  ASSERT_TRUE(file.Refresh());
  EXPECT_THAT(Messages(&file), ElementsAre(std::string(3000, 'x'), " (not whole)", " (not whole)",
                                           " (not whole)", "sound"));
}

TEST_P(JournalFileTest, CutsALongMessage) {
  made_.Message(std::string(3 * JournalEntry::kFieldBytesMax, 'x'));
  made_.Message("short");
  JournalFile file = FileOf(&made_.Bytes());
  ASSERT_TRUE(file.Refresh());
  EXPECT_THAT(
      Messages(&file),
      ElementsAre(std::string(JournalEntry::kFieldBytesMax - strlen("MESSAGE="), 'x'), "short"));
}

TEST_P(JournalFileTest, PassesOverAnEntryThatIsNotSoundAndCountsIt) {
  for (int i = 1; i <= 6; ++i) made_.Message(std::to_string(i));
  made_.Bytes()[made_.entries()[1]] = 1;                   // another type
  made_.Put64(made_.entries()[3] + 8, uint64_t{1} << 60);  // a size
  JournalFile file = FileOf(&made_.Bytes());
  ASSERT_TRUE(file.Refresh());
  EXPECT_THAT(Messages(&file), ElementsAre("1", "3", "5", "6"));
  EXPECT_EQ(file.TakeBad(), 2u);
  EXPECT_EQ(file.TakeBad(), 0u);
}

TEST_P(JournalFileTest, EndsWhereTheChainOfEntriesBreaks) {
  for (int i = 1; i <= 30; ++i) made_.Message(std::to_string(i));
  struct Case {
    const char* name;
    uint64_t next;
  };
  for (const auto& [name, next] :
       {Case{"itself", made_.first_array()}, Case{"nothing", 0},
        Case{"an entry", made_.entries()[20]}, Case{"no object", made_.entries()[20] + 4},
        Case{"past the end", uint64_t{1} << 62}}) {
    MadeJournal broken = made_;
    broken.Put64(broken.first_array() + 16, next);
    JournalFile file = FileOf(&broken.Bytes());
    ASSERT_TRUE(file.Refresh());
    Status status;
    EXPECT_THAT(Messages(&file, &status), ElementsAre("1", "2", "3", "4")) << name;
    ASSERT_FALSE(status) << name;
    EXPECT_EQ(status.error().code, Code::kCorrupt) << name;
    EXPECT_EQ(file.left(), 26u) << name;
  }
}

TEST_P(JournalFileTest, NamesAFormThatItDoesNotKnow) {
  made_.Message("x");
  for (const uint32_t form : {1u, 32u, 1u << 31}) {
    std::string changed = made_.Bytes(2);
    std::memcpy(changed.data() + 12, &form, sizeof form);
    JournalFile file = FileOf(&changed);
    const Status read = file.Refresh();
    ASSERT_FALSE(read);
    EXPECT_EQ(read.error().code, Code::kUnsupported);
    EXPECT_THAT(read.error().message, HasSubstr(std::to_string(form)));
    EXPECT_TRUE(file.archived());
    EXPECT_EQ(file.last_realtime(), 1000u);
  }
}

TEST_P(JournalFileTest, ReadsAFileThatIsCutAnywhereAsFarAsItGoes) {
  for (int i = 1; i <= 9; ++i) made_.Message(std::to_string(i));
  const std::string whole = made_.Bytes();
  JournalFile complete = FileOf(&whole);
  ASSERT_TRUE(complete.Refresh());
  const std::vector<std::string> all = Messages(&complete);
  ASSERT_THAT(all, SizeIs(9));
  for (size_t bytes = 0; bytes < whole.size(); ++bytes) {
    const std::string cut = whole.substr(0, bytes);
    JournalFile file = FileOf(&cut);
    ASSERT_TRUE(file.Refresh()) << bytes;
    const std::vector<std::string> messages = Messages(&file);
    ASSERT_LE(messages.size(), all.size());
    for (const std::string& message : messages) {
      EXPECT_TRUE(message == " (not whole)" || std::ranges::find(all, message) != all.end())
          << bytes << ": " << message;
    }
  }
  // And one that is cut under its reader.
  std::string bytes = whole;
  JournalFile file = FileOf(&bytes);
  ASSERT_TRUE(file.Refresh());
  ASSERT_TRUE(file.Next());
  bytes.resize(100);
  EXPECT_EQ(file.Refresh().error().code, Code::kCorrupt);
}

TEST_P(JournalFileTest, SurvivesFlippedBits) {
  const uint64_t unit = made_.Field("_SYSTEMD_UNIT=docker.service", 0, 9);
  for (int i = 1; i <= 9; ++i) made_.Entry({unit, made_.Field("MESSAGE=" + std::to_string(i))});
  const std::string whole = made_.Bytes();
  size_t given = 0;
  for (size_t bit = 0; bit < 8 * whole.size(); ++bit) {
    std::string bytes = whole;
    bytes[bit / 8] = static_cast<char>(bytes[bit / 8] ^ (1 << bit % 8));
    JournalFile file = FileOf(&bytes);
    if (!file.Refresh()) continue;
    (void)file.SeekAfter({.seqnum_id = {8}, .seqnum = 2});
    given += Messages(&file).size();
    ASSERT_LE(file.left(), bytes.size());
  }
  EXPECT_GT(given, 4 * 8 * whole.size()) << "one bit seldom costs more than one entry";
}

TEST_P(JournalFileTest, WaitsForAFileThatIsBeingMade) {
  std::string bytes;
  JournalFile file = FileOf(&bytes);
  EXPECT_TRUE(file.Refresh());
  bytes.resize(4096);
  EXPECT_TRUE(file.Refresh());
  EXPECT_EQ(file.id(), JournalId{});
  made_.Message("first");
  bytes = made_.Bytes();
  ASSERT_TRUE(file.Refresh());
  EXPECT_THAT(Messages(&file), ElementsAre("first"));
  bytes = "this is a text that somebody has put there by a mistake, long enough to be a header: " +
          std::string(300, 'x');
  EXPECT_EQ(file.Refresh().error().code, Code::kCorrupt);
}

}  // namespace
}  // namespace fleetmedic
