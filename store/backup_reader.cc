// Reading a backup. Its text may be anything: every length is limited before it is believed.
#include <charconv>
#include <limits>
#include <optional>

#include <fmt/format.h>

#include "base/text.h"
#include "store/backup.h"
#include "store/store_limits.h"

namespace fleetmedic {
namespace {

constexpr size_t kBufferBytes = size_t{256} << 10;
constexpr size_t kLineBytesMax = 160;
constexpr size_t kManifestBytesMax = size_t{4} << 20;
constexpr size_t kSectionsMax = 64;  // of one store

// The bytes in order, hashed as they are taken.
class Bytes {
 public:
  explicit Bytes(BackupSource source) : source_(source) {}

  // Up to the next newline, which is taken and is not in the answer.
  Result<std::string> Line() {
    std::string line;
    while (true) {
      if (at_ == filled_ && !Fill()) return tl::unexpected<Error>(error_);
      const char c = buffer_[at_++];
      ++offset_;
      if (c == '\n') break;
      if (line.size() == kLineBytesMax) return Corrupt("a line is too long");
      line += c;
    }
    return line;
  }
  Result<std::string> Take(size_t count) {
    std::string bytes;
    while (bytes.size() < count) {
      if (at_ == filled_ && !Fill()) return tl::unexpected<Error>(error_);
      const size_t part = std::min(count - bytes.size(), filled_ - at_);
      bytes.append(buffer_, at_, part);
      at_ += part;
      offset_ += part;
    }
    return bytes;
  }
  Status ExpectEnd() {
    if (at_ < filled_ || Fill()) return Corrupt("something follows its end");
    return at_end_ ? Status() : tl::unexpected<Error>(error_);
  }

  tl::unexpected<Error> Corrupt(std::string_view what) const {
    return Fail(Code::kCorrupt, fmt::format("the backup is damaged: {} (byte {})", what, offset_));
  }

 private:
  bool Fill() {
    buffer_.resize(kBufferBytes);
    const Result<size_t> got = source_(std::span(buffer_.data(), buffer_.size()));
    at_ = 0;
    filled_ = got.value_or(0);
    at_end_ = got && *got == 0;
    if (!got) error_ = got.error();
    if (at_end_) error_ = Corrupt("it ends too early").value();
    return filled_ > 0;
  }

  BackupSource source_;
  std::string buffer_;
  size_t at_ = 0;
  size_t filled_ = 0;
  uint64_t offset_ = 0;
  bool at_end_ = false;
  Error error_;
};

std::optional<uint64_t> NumberOf(std::string_view word) {
  uint64_t number = 0;
  const auto [end, error] = std::from_chars(word.begin(), word.end(), number);
  const bool whole = error == std::errc() && end == word.end();
  // 2^63 and more would not read back from the manifest.
  if (!whole || number > uint64_t{std::numeric_limits<int64_t>::max()}) return std::nullopt;
  return number;
}

std::optional<Table> TableOf(std::string_view name) {
  for (const Table table : AllTables()) {
    if (TableName(table) == name) return table;
  }
  return std::nullopt;
}

class Reading {
 public:
  Reading(BackupSource source, BackupVisitor* visitor) : bytes_(source), visitor_(visitor) {}

  Result<BackupManifest> Run() {
    FLEETMEDIC_RETURN_IF_ERROR(TakeFormat());
    while (true) {
      FLEETMEDIC_ASSIGN_OR_RETURN(const std::string line, HashedLine());
      const std::vector<std::string_view> words = Split(line, ' ');
      if (words[0] == "row" && words.size() == 3) {
        FLEETMEDIC_RETURN_IF_ERROR(TakeRow(line, words[1], words[2]));
      } else if (words[0] == "table" && words.size() == 2) {
        FLEETMEDIC_RETURN_IF_ERROR(TakeTable(std::string(words[1])));
      } else if (words[0] == "store" && words.size() == 4) {
        FLEETMEDIC_RETURN_IF_ERROR(TakeStore(words));
      } else if (words[0] == "manifest" && words.size() == 2) {
        return TakeEnd(words[1]);
      } else {
        return bytes_.Corrupt("unknown line " + Quote(line));
      }
    }
  }

 private:
  Result<std::string> HashedLine() {
    FLEETMEDIC_ASSIGN_OR_RETURN(std::string line, bytes_.Line());
    whole_.Add(line);
    whole_.Add("\n");
    return line;
  }
  Result<std::string> HashedBytes(size_t count) {
    FLEETMEDIC_ASSIGN_OR_RETURN(std::string bytes, bytes_.Take(count));
    whole_.Add(bytes);
    return bytes;
  }

  Status TakeFormat() {
    constexpr std::string_view kMagic = "fleetmedic-backup ";
    FLEETMEDIC_ASSIGN_OR_RETURN(const std::string line, HashedLine());
    if (!line.starts_with(kMagic)) return bytes_.Corrupt("it does not begin as a backup does");
    const auto format = NumberOf(std::string_view(line).substr(kMagic.size()));
    if (!format) return bytes_.Corrupt("its format has no number");
    if (*format != static_cast<uint64_t>(kBackupFormat)) {
      return Fail(
          Code::kUnsupported,
          fmt::format("the backup has format {} and this build reads {}", *format, kBackupFormat));
    }
    return {};
  }

  Status TakeStore(std::span<const std::string_view> words) {
    EndSection();
    const auto schema = NumberOf(words[2]);
    const auto epoch = NumberOf(words[3]);
    if (!ValidStoreName(words[1]) || !schema || !epoch) return bytes_.Corrupt("a store's line");
    if (stores_.size() == kBackupStoresMax) return bytes_.Corrupt("too many stores");
    BackupStore store;
    store.name = words[1];
    store.schema = static_cast<int64_t>(*schema);
    store.epoch = *epoch;
    if (store.schema > kStoreSchemaVersion) {
      return Fail(Code::kUnsupported,
                  fmt::format("the backup's store {} has schema {} and this build knows {}",
                              store.name, store.schema, kStoreSchemaVersion));
    }
    stores_.push_back(std::move(store));
    return visitor_ == nullptr ? Status() : visitor_->Begin(stores_.back());
  }

  Status TakeTable(std::string name) {
    EndSection();
    if (stores_.empty()) return bytes_.Corrupt("a table outside a store");
    if (stores_.back().sections.size() == kSectionsMax) return bytes_.Corrupt("too many tables");
    table_ = TableOf(name);
    if (!table_ && name != kAuditTableName) return bytes_.Corrupt("unknown table " + Quote(name));
    stores_.back().sections.push_back({std::move(name), 0, ""});
    section_.emplace();
    return {};
  }

  Status TakeRow(const std::string& line, std::string_view key_word, std::string_view value_word) {
    if (!section_) return bytes_.Corrupt("a row outside a table");
    const auto key_bytes = NumberOf(key_word);
    const auto value_bytes = NumberOf(value_word);
    if (!key_bytes || !value_bytes || *key_bytes == 0 || *key_bytes > kStoreKeyBytesMax ||
        *value_bytes > kStoreValueBytesMax) {
      return bytes_.Corrupt("a row's lengths");
    }
    FLEETMEDIC_ASSIGN_OR_RETURN(const std::string row, HashedBytes(*key_bytes + *value_bytes + 1));
    if (row.back() != '\n') return bytes_.Corrupt("a row's end");
    section_->Add(line);
    section_->Add("\n");
    section_->Add(row);
    ++stores_.back().sections.back().rows;
    const std::string_view key = std::string_view(row).substr(0, *key_bytes);
    const std::string_view value = std::string_view(row).substr(*key_bytes, *value_bytes);
    if (!table_) return TakeAudit(key, value);
    return visitor_ == nullptr ? Status() : visitor_->Row(*table_, key, value);
  }

  Status TakeAudit(std::string_view key, std::string_view value) {
    const Result<Json> json = Json::Parse(value);
    const auto entry = json ? AuditEntryFromJson(*json) : tl::unexpected<Error>(json.error());
    if (!entry || key != std::to_string(entry->seq)) return bytes_.Corrupt("an audit entry");
    if (const Status whole = FollowAudit(*entry, &stores_.back().audit); !whole) {
      return bytes_.Corrupt(whole.error().message);
    }
    return visitor_ == nullptr ? Status() : visitor_->Audit(*entry);
  }

  void EndSection() {
    if (section_) stores_.back().sections.back().sha256 = section_->Hex();
    section_.reset();
  }

  Result<BackupManifest> TakeEnd(std::string_view length_word) {
    EndSection();
    const auto length = NumberOf(length_word);
    if (!length || *length > kManifestBytesMax) return bytes_.Corrupt("the manifest's length");
    FLEETMEDIC_ASSIGN_OR_RETURN(const std::string text, HashedBytes(*length));
    FLEETMEDIC_ASSIGN_OR_RETURN(const std::string newline, HashedBytes(1));
    FLEETMEDIC_ASSIGN_OR_RETURN(const std::string last, bytes_.Line());
    if (newline != "\n" || last != "sha256 " + whole_.Hex()) {
      return bytes_.Corrupt("its bytes do not have the hash at its end");
    }
    FLEETMEDIC_RETURN_IF_ERROR(bytes_.ExpectEnd());
    const Result<Json> json = Json::Parse(text);
    auto manifest = json ? BackupManifestFromJson(*json) : tl::unexpected<Error>(json.error());
    if (!manifest) return bytes_.Corrupt("the manifest: " + manifest.error().message);
    if (manifest->stores != stores_) {
      return bytes_.Corrupt("the manifest does not say what is in it");
    }
    return manifest;
  }

  Bytes bytes_;
  BackupVisitor* const visitor_;
  Sha256 whole_;
  std::optional<Sha256> section_;  // none outside a table
  std::optional<Table> table_;     // none in the audit
  std::vector<BackupStore> stores_;
};

}  // namespace

Result<BackupManifest> ReadBackup(BackupSource source, BackupVisitor* visitor) {
  return Reading(source, visitor).Run();
}

}  // namespace fleetmedic
