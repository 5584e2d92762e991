// One file of systemd's journal, read by its documented format (systemd.io/JOURNAL_FILE_FORMAT). It
// takes bytes and gives entries; where the bytes come from is its caller's. Pure.
#ifndef FLEETMEDIC_DETECTORS_LOGS_JOURNAL_FILE_H_
#define FLEETMEDIC_DETECTORS_LOGS_JOURNAL_FILE_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "detectors/logs/journal_entry.h"
#include "detectors/logs/journal_place.h"

namespace fleetmedic {

// Regular and compact files; fields plain, by Zstandard or LZ4. Its writer may be at work: what the
// header counts is complete. Nothing in the file is trusted: every offset, size, count and type is
// checked before it is used, an entry that is not sound is passed over and counted, and memory is
// bounded whatever the file says.
//
// Much the same few fields are in all entries of a writer, stored once each: those are remembered
// by their offset, so that of an entry little more than its message is read.
class JournalFile {
 public:
  // Reads `bytes` bytes at `offset`, fewer at the end of the file, and says how many.
  using ReadAt = std::function<Result<size_t>(uint64_t offset, char* into, size_t bytes)>;

  explicit JournalFile(ReadAt read_at);

  // Looks at the header: before anything else, and again for what came since. A file that its
  // writer has only just made has no entries. kUnsupported: a form that is not known here
  // (compressed by XZ, or newer); what the header says of the file is known then. kCorrupt: it is
  // no journal, or not the one it was.
  Status Refresh();

  // What the header says; nothing yet where the id is zero.
  const JournalId& id() const { return id_; }
  bool archived() const { return archived_; }  // nothing will be written to it any more
  uint64_t last_realtime() const { return last_realtime_; }

  // Goes behind all that is there. The place of the last entry, none in an empty file.
  Result<std::optional<JournalPlace>> SeekEnd();
  // Goes before the first entry that comes after `place`.
  Status SeekAfter(const JournalPlace& place);

  // The next entry, until Pass; null: no more for now. An error means that none will come.
  Result<const JournalPlace*> Next();
  // Its fields. False where one of them could not be read.
  bool ReadFields(JournalEntry* entry);
  void Pass();

  // How many entries are not given yet.
  uint64_t left() const { return entries_ - next_; }
  // Entries that were passed over since the last call.
  uint64_t TakeBad();
  // Gives the memory back until it is needed again.
  void Rest();

 private:
  // A part of the file in memory.
  struct Window {
    std::unique_ptr<char[]> bytes;
    size_t room = 0;
    uint64_t start = 0;
    size_t size = 0;
    size_t next_size = 0;
    bool Holds(uint64_t offset) const { return offset - start < size; }
  };
  struct Object {
    uint8_t type = 0;
    uint8_t flags = 0;
    uint64_t size = 0;
  };
  // One of the chain of arrays that say where the entries are.
  struct EntryArray {
    uint64_t offset = 0;
    uint64_t size = 0;
    uint64_t first = 0;  // the index of its first entry
    uint64_t items = 0;
    int number = 0;
  };
  // A field by its offset.
  struct Known {
    uint64_t offset = 0;
    JournalEntry::Wanted wanted = JournalEntry::kCount;
    std::string value;
  };

  Status TakeHeader(const char* header);
  Result<const char*> Look(Window* window, uint64_t offset, size_t bytes);
  Status Fill(Window* window, uint64_t offset, size_t bytes);
  Result<Object> LookObject(Window* window, uint64_t offset, uint8_t type, uint64_t size_min);
  Status LoadArray(uint64_t offset, uint64_t first, int number);
  Result<uint64_t> EntryOffset(uint64_t index);
  Result<bool> ReadPlace(uint64_t index);
  Result<bool> IsAfter(uint64_t index, uint64_t end, const JournalPlace& place);
  bool ReadField(uint64_t offset, JournalEntry* entry);
  Result<std::string> Unpack(uint64_t offset, uint64_t size, uint8_t flags);
  Known* KnownAt(uint64_t offset);

  const ReadAt read_at_;
  JournalId id_{};
  JournalId seqnum_id_{};
  bool archived_ = false;
  bool compact_ = false;
  uint64_t header_size_ = 0;
  uint64_t end_ = 0;  // of what is used of the file
  uint64_t entries_array_ = 0;
  uint64_t entries_ = 0;
  uint64_t last_realtime_ = 0;

  Window arrays_;
  Window near_;  // entries and what was written with them
  Window far_;   // fields that earlier entries brought
  EntryArray array_;
  uint64_t next_ = 0;
  bool at_next_ = false;  // place_ is of next_
  JournalPlace place_;
  uint64_t entry_offset_ = 0;
  uint64_t entry_size_ = 0;
  uint64_t bad_ = 0;
  size_t unpack_bytes_left_ = 0;  // of this entry
  std::vector<uint64_t> fields_;
  std::vector<Known> known_;
};

}  // namespace fleetmedic

#endif  // FLEETMEDIC_DETECTORS_LOGS_JOURNAL_FILE_H_
