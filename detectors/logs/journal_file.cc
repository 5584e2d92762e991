#include "detectors/logs/journal_file.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <utility>

#include "base/lz4.h"
#include "base/zstd.h"

namespace fleetmedic {
namespace {

// Where things stand, by the format. All numbers are little-endian.
constexpr std::string_view kSignature = "LPKSHHRH";
constexpr size_t kHeaderBytes = 208;  // what headers of every version have
enum HeaderAt : size_t {
  kIncompatibleAt = 12,
  kStateAt = 16,
  kFileIdAt = 24,
  kSeqnumIdAt = 72,
  kHeaderSizeAt = 88,
  kArenaSizeAt = 96,
  kEntriesAt = 152,
  kEntriesArrayAt = 176,
  kLastRealtimeAt = 192,
};
enum Incompatible : uint32_t {
  kHasLz4 = 1 << 1,
  kKeyedHash = 1 << 2,  // hashes are not read
  kHasZstd = 1 << 3,
  kCompact = 1 << 4,
};
constexpr uint32_t kIncompatibleKnown = kHasLz4 | kKeyedHash | kHasZstd | kCompact;
constexpr uint8_t kStateArchived = 2;

enum ObjectType : uint8_t { kData = 1, kEntry = 3, kEntryArray = 6 };
constexpr size_t kObjectBytes = 16;
constexpr size_t kArrayBytes = 24;  // before its items
constexpr size_t kNextArrayAt = 16;
constexpr size_t kEntryBytes = 64;  // before its items
constexpr size_t kDataBytes = 64;   // before its payload
constexpr size_t kCompactDataBytes = 72;
constexpr size_t kDataEntriesAt = 56;  // by how many entries it is used
enum DataFlag : uint8_t { kIsXz = 1 << 0, kIsLz4 = 1 << 1, kIsZstd = 1 << 2 };

// Each array of a chain is twice as long as the one before.
constexpr int kArraysMax = 64;
// The journal takes 1,024 of an entry.
constexpr uint64_t kFieldsMax = 4096;
constexpr int kBadInARowMax = 4096;
constexpr uint64_t kProbesMax = 16;  // for an entry that is sound, while a place is looked for
constexpr size_t kWindowBytesMin = size_t{4} << 10;
constexpr size_t kWindowBytesMax = size_t{64} << 10;
// Of what one entry holds compressed: its content and what it is compressed to.
constexpr size_t kUnpackBytesMax = size_t{1} << 20;
constexpr size_t kKnownMax = 1024;
constexpr size_t kKnownValueBytesMax = 256;

static_assert(std::endian::native == std::endian::little);
template <typename T>
T Load(const char* from) {
  T value;
  std::memcpy(&value, from, sizeof value);
  return value;
}

tl::unexpected<Error> Corrupt(std::string_view what, uint64_t offset) {
  return Fail(Code::kCorrupt, std::string(what) + " at byte " + std::to_string(offset));
}

}  // namespace

JournalFile::JournalFile(ReadAt read_at) : read_at_(std::move(read_at)) {}

Status JournalFile::Refresh() {
  char header[kHeaderBytes];
  FLEETMEDIC_ASSIGN_OR_RETURN(const size_t bytes, read_at_(0, header, sizeof header));
  const bool fresh = bytes < sizeof header || Load<uint64_t>(header) == 0;
  if (fresh && id_ != JournalId{}) return Fail(Code::kCorrupt, "the file was cut short");
  if (fresh) return {};
  if (std::string_view(header, kSignature.size()) != kSignature) {
    return Fail(Code::kCorrupt, "not a journal file");
  }
  return TakeHeader(header);
}

Status JournalFile::TakeHeader(const char* header) {
  const auto id = Load<JournalId>(header + kFileIdAt);
  const auto entries = Load<uint64_t>(header + kEntriesAt);
  if ((id_ != JournalId{} && id != id_) || entries < next_) {
    return Fail(Code::kCorrupt, "another file was written over it");
  }
  id_ = id;
  seqnum_id_ = Load<JournalId>(header + kSeqnumIdAt);
  archived_ = Load<uint8_t>(header + kStateAt) == kStateArchived;
  last_realtime_ = Load<uint64_t>(header + kLastRealtimeAt);
  const auto incompatible = Load<uint32_t>(header + kIncompatibleAt);
  if (const uint32_t unknown = incompatible & ~kIncompatibleKnown; unknown != 0) {
    return Fail(Code::kUnsupported, "the file has the form " + std::to_string(unknown) +
                                        " (1: compressed by XZ; 32 and more: of a newer systemd)");
  }
  compact_ = (incompatible & kCompact) != 0;
  header_size_ = Load<uint64_t>(header + kHeaderSizeAt);
  const auto arena = Load<uint64_t>(header + kArenaSizeAt);
  if (header_size_ < kHeaderBytes || arena > ~uint64_t{0} - header_size_) {
    return Fail(Code::kCorrupt, "the header tells an impossible size");
  }
  end_ = header_size_ + arena;
  if (entries > end_ / kEntryBytes) return Fail(Code::kCorrupt, "more entries than bytes");
  entries_array_ = Load<uint64_t>(header + kEntriesArrayAt);
  if (entries == entries_) return {};
  entries_ = entries;
  // They hold what was there before.
  arrays_.size = near_.size = far_.size = 0;
  return {};
}

Result<const char*> JournalFile::Look(Window* window, uint64_t offset, size_t bytes) {
  const uint64_t in = offset - window->start;
  if (in > window->size || bytes > window->size - in) {
    FLEETMEDIC_RETURN_IF_ERROR(Fill(window, offset, bytes));
  }
  return window->bytes.get() + (offset - window->start);
}

Status JournalFile::Fill(Window* window, uint64_t offset, size_t bytes) {
  if (offset > end_ || bytes > end_ - offset) return Corrupt("an object past the end", offset);
  // Who goes on where he was reads more at once.
  const bool goes_on =
      window != &far_ && offset >= window->start && offset - window->start <= 2 * window->size;
  window->next_size = goes_on ? std::min(2 * window->next_size, kWindowBytesMax) : kWindowBytesMin;
  uint64_t start = offset;
  if (window == &near_ && entry_offset_ < offset &&
      offset - entry_offset_ <= window->next_size / 2) {
    start = entry_offset_;  // an entry's fields stand before it
  }
  const size_t needed = static_cast<size_t>(offset - start) + bytes;
  const size_t wanted =
      static_cast<size_t>(std::min<uint64_t>(std::max(needed, window->next_size), end_ - start));
  if (wanted > window->room) {
    window->room = wanted > kWindowBytesMin ? std::max(wanted, kWindowBytesMax) : kWindowBytesMin;
    window->bytes = std::make_unique_for_overwrite<char[]>(window->room);
  }
  window->start = start;
  window->size = 0;
  FLEETMEDIC_ASSIGN_OR_RETURN(window->size, read_at_(start, window->bytes.get(), wanted));
  if (window->size < needed) return Corrupt("the file ends within an object", offset);
  return {};
}

Result<JournalFile::Object> JournalFile::LookObject(Window* window, uint64_t offset, uint8_t type,
                                                    uint64_t size_min) {
  if (offset % 8 != 0 || offset < header_size_) return Corrupt("no object can be", offset);
  FLEETMEDIC_ASSIGN_OR_RETURN(const char* const bytes, Look(window, offset, kObjectBytes));
  const Object object{Load<uint8_t>(bytes), Load<uint8_t>(bytes + 1), Load<uint64_t>(bytes + 8)};
  if (object.type != type) return Corrupt("an object of another type", offset);
  if (object.size < size_min || object.size > end_ - offset) {
    return Corrupt("an object of an impossible size", offset);
  }
  return object;
}

Status JournalFile::LoadArray(uint64_t offset, uint64_t first, int number) {
  FLEETMEDIC_ASSIGN_OR_RETURN(const Object object,
                              LookObject(&arrays_, offset, kEntryArray, kArrayBytes));
  const uint64_t items = (object.size - kArrayBytes) / (compact_ ? 4 : 8);
  if (items == 0) return Corrupt("an empty array of entries", offset);
  array_ = {offset, object.size, first, items, number};
  return {};
}

Result<uint64_t> JournalFile::EntryOffset(uint64_t index) {
  if (array_.offset == 0 || index < array_.first) {
    FLEETMEDIC_RETURN_IF_ERROR(LoadArray(entries_array_, 0, 0));
  }
  while (index - array_.first >= array_.items) {
    FLEETMEDIC_ASSIGN_OR_RETURN(const char* const next,
                                Look(&arrays_, array_.offset + kNextArrayAt, sizeof(uint64_t)));
    const auto offset = Load<uint64_t>(next);
    // Arrays are written one behind the other, so a chain has an end.
    if (offset < array_.offset + array_.size || array_.number + 1 >= kArraysMax) {
      return Corrupt("the chain of entries breaks off", array_.offset);
    }
    FLEETMEDIC_RETURN_IF_ERROR(LoadArray(offset, array_.first + array_.items, array_.number + 1));
  }
  const size_t item = compact_ ? 4 : 8;
  const uint64_t at = array_.offset + kArrayBytes + (index - array_.first) * item;
  FLEETMEDIC_ASSIGN_OR_RETURN(const char* const bytes, Look(&arrays_, at, item));
  const uint64_t offset = compact_ ? Load<uint32_t>(bytes) : Load<uint64_t>(bytes);
  if (offset == 0) return Corrupt("fewer entries than the header counts", at);
  return offset;
}

// False: the entry is not sound, and others may be.
Result<bool> JournalFile::ReadPlace(uint64_t index) {
  at_next_ = false;
  FLEETMEDIC_ASSIGN_OR_RETURN(const uint64_t offset, EntryOffset(index));
  const Result<Object> object = LookObject(&near_, offset, kEntry, kEntryBytes);
  const Result<const char*> entry =
      object ? Look(&near_, offset, kEntryBytes) : tl::unexpected<Error>(object.error());
  if (!entry && entry.error().code == Code::kCorrupt) return false;
  if (!entry) return tl::unexpected<Error>(entry.error());
  place_ = {.seqnum_id = seqnum_id_,
            .seqnum = Load<uint64_t>(*entry + 16),
            .boot_id = Load<JournalId>(*entry + 40),
            .monotonic = Load<uint64_t>(*entry + 32),
            .realtime = Load<uint64_t>(*entry + 24),
            .xor_hash = Load<uint64_t>(*entry + 56)};
  entry_offset_ = offset;
  entry_size_ = object->size;
  return true;
}

Result<const JournalPlace*> JournalFile::Next() {
  for (int in_a_row = 0; !at_next_ && next_ < entries_; ++in_a_row) {
    FLEETMEDIC_ASSIGN_OR_RETURN(at_next_, ReadPlace(next_));
    if (at_next_) break;
    if (in_a_row >= kBadInARowMax) return Fail(Code::kCorrupt, "no entry that is sound");
    ++next_;
    ++bad_;
  }
  return at_next_ ? &place_ : nullptr;
}

void JournalFile::Pass() {
  ++next_;
  at_next_ = false;
}

Result<std::optional<JournalPlace>> JournalFile::SeekEnd() {
  next_ = entries_;
  for (uint64_t index = entries_; index > 0 && entries_ - index < kProbesMax; --index) {
    FLEETMEDIC_ASSIGN_OR_RETURN(const bool sound, ReadPlace(index - 1));
    if (sound) return place_;
  }
  return std::nullopt;
}

// Of the first entry from `index` on that is sound. True where there is none, or the chain breaks
// before: rather twice than not at all.
Result<bool> JournalFile::IsAfter(uint64_t index, uint64_t end, const JournalPlace& place) {
  for (uint64_t probes = 0; index < end && probes < kProbesMax; ++index, ++probes) {
    const Result<bool> sound = ReadPlace(index);
    if (!sound && sound.error().code == Code::kCorrupt) return true;
    if (!sound) return tl::unexpected<Error>(sound.error());
    if (*sound) return Order(place_, place) > 0;
  }
  return true;
}

Status JournalFile::SeekAfter(const JournalPlace& place) {
  uint64_t first = 0;
  uint64_t end = entries_;
  // The last one first: most files are older than the place, or end at it.
  for (uint64_t middle = end - 1; first < end; middle = first + (end - first) / 2) {
    FLEETMEDIC_ASSIGN_OR_RETURN(const bool after, IsAfter(middle, end, place));
    if (after) {
      end = middle;
    } else {
      first = middle + 1;
    }
  }
  next_ = first;
  at_next_ = false;
  return {};
}

bool JournalFile::ReadFields(JournalEntry* entry) {
  const size_t item = compact_ ? 4 : 16;
  const auto count = static_cast<size_t>(std::min((entry_size_ - kEntryBytes) / item, kFieldsMax));
  const Result<const char*> items = Look(&near_, entry_offset_ + kEntryBytes, count * item);
  entry->Begin();
  fields_.clear();
  for (size_t i = 0; items && i < count; ++i) {
    const char* const at = *items + i * item;
    fields_.push_back(compact_ ? Load<uint32_t>(at) : Load<uint64_t>(at));
  }
  unpack_bytes_left_ = kUnpackBytesMax;
  bool whole = items.has_value();
  for (const uint64_t offset : fields_) whole = ReadField(offset, entry) && whole;
  entry->End();
  return whole;
}

JournalFile::Known* JournalFile::KnownAt(uint64_t offset) {
  if (known_.empty()) known_.resize(kKnownMax);
  constexpr int kShift = 64 - std::bit_width(kKnownMax - 1);
  return &known_[(offset / 8 * 0x9e3779b97f4a7c15) >> kShift];
}

bool JournalFile::ReadField(uint64_t offset, JournalEntry* entry) {
  Known* const known = KnownAt(offset);
  if (known->offset == offset && offset != 0) {
    if (known->wanted != JournalEntry::kCount) entry->Take(known->wanted, known->value);
    return true;
  }
  Window* const window = near_.Holds(offset) ? &near_ : &far_;
  const size_t head = compact_ ? kCompactDataBytes : kDataBytes;
  const Result<Object> object = LookObject(window, offset, kData, head + 1);
  if (!object) return false;
  const auto bytes =
      static_cast<size_t>(std::min<uint64_t>(object->size - head, JournalEntry::kFieldBytesMax));
  const size_t name_bytes = std::min(bytes, JournalEntry::kNameBytesMax);
  Result<const char*> data = Look(window, offset, head + name_bytes);
  if (!data) return false;
  const bool shared = Load<uint64_t>(*data + kDataEntriesAt) > 1;
  std::string unpacked;
  std::string_view field(*data + head, name_bytes);
  if (const uint8_t flags = object->flags & (kIsXz | kIsLz4 | kIsZstd); flags != 0) {
    Result<std::string> content = Unpack(offset + head, object->size - head, flags);
    if (!content) return false;
    unpacked = *std::move(content);
    field = std::string_view(unpacked).substr(0, JournalEntry::kFieldBytesMax);
  }
  const JournalEntry::Wanted wanted = JournalEntry::WantedOf(field);
  std::string_view value;
  if (wanted != JournalEntry::kCount) {
    if (unpacked.empty()) {
      data = Look(window, offset + head, bytes);
      if (!data) return false;
      field = std::string_view(*data, bytes);
    }
    value = field.substr(JournalEntry::NameOf(wanted).size());
    entry->Take(wanted, value);
  }
  if (shared && value.size() <= kKnownValueBytesMax) {
    *known = {offset, wanted, std::string(value)};
  }
  return true;
}

Result<std::string> JournalFile::Unpack(uint64_t offset, uint64_t size, uint8_t flags) {
  const size_t limit = unpack_bytes_left_;
  if (size > limit) return Fail(Code::kFull, "a field that is too long to be decompressed");
  std::string packed(static_cast<size_t>(size), '\0');
  FLEETMEDIC_ASSIGN_OR_RETURN(const size_t bytes, read_at_(offset, packed.data(), packed.size()));
  if (bytes < packed.size()) return Corrupt("the file ends within a field", offset);
  Result<std::string> content = Fail(Code::kCorrupt, "a field by an unknown compressor");
  if (flags == kIsZstd) {
    content = ZstdDecompress(packed, limit);
  } else if (flags == kIsLz4 && packed.size() > sizeof(uint64_t)) {
    // A block, its content's length before it.
    const auto content_bytes = Load<uint64_t>(packed.data());
    if (content_bytes > limit) return Fail(Code::kFull, "a field that is too long");
    content = Lz4DecompressBlock(std::string_view(packed).substr(sizeof(uint64_t)),
                                 static_cast<size_t>(content_bytes));
  }
  if (content) unpack_bytes_left_ -= std::min(limit, std::max(content->size(), packed.size()));
  return content;
}

uint64_t JournalFile::TakeBad() { return std::exchange(bad_, 0); }

void JournalFile::Rest() {
  for (Window* const window : {&arrays_, &near_, &far_}) *window = Window();
}

}  // namespace fleetmedic
