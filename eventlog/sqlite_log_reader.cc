#include "eventlog/sqlite_log_reader.h"

#include <algorithm>

namespace fleetmedic {
namespace {

int64_t FirstOf(const PartitionOffsets& next) {
  return std::ranges::min_element(next, {}, [](const auto& entry) { return entry.second; })->second;
}

std::vector<int32_t> PartitionsOf(const PartitionOffsets& next) {
  std::vector<int32_t> partitions;
  for (const auto& [partition, offset] : next) partitions.push_back(partition);
  return partitions;
}

Result<std::vector<LogRecord>> ReadOn(SqliteLogFile* file, Topic topic, size_t records_max,
                                      PartitionOffsets* next) {
  std::vector<LogRecord> records;
  if (records_max == 0 || next->empty()) return records;
  // Partitions may stand at different places: what one has read is passed over again.
  for (bool more = true; more && records.empty();) {
    FLEETMEDIC_ASSIGN_OR_RETURN(
        SqliteLogFile::Slice slice,
        file->Read(topic, PartitionsOf(*next), FirstOf(*next), records_max, kPollBytesMax));
    more = !slice.at_head;
    for (LogRecord& record : slice.records) {
      if (record.offset >= next->at(record.partition)) records.push_back(std::move(record));
    }
    for (auto& [partition, offset] : *next) offset = std::max(offset, slice.next);
  }
  return records;
}

std::vector<Position> PositionsOf(const PartitionOffsets& next) {
  std::vector<Position> positions;
  for (const auto& [partition, offset] : next) positions.push_back({partition, offset});
  return positions;
}

Result<Reader::Lag> BehindOf(SqliteLogFile* file, Topic topic, const PartitionOffsets& next) {
  if (next.empty()) return Reader::Lag{};
  return file->Behind(topic, PartitionsOf(next), FirstOf(next));
}

}  // namespace

Result<std::vector<LogRecord>> SqliteOwnReader::Poll(size_t records_max) {
  return ReadOn(&file_, topic_, records_max, &next_);
}

Status SqliteOwnReader::Commit() {
  return Fail(Code::kInvalidArgument,
              "commit by a reader whose owner keeps the offsets: open it by a group");
}

std::vector<Position> SqliteOwnReader::Positions() const { return PositionsOf(next_); }

Result<Reader::Lag> SqliteOwnReader::Behind() const { return BehindOf(&file_, topic_, next_); }

Status SqliteGroupReader::Claim() {
  FLEETMEDIC_RETURN_IF_ERROR(claim_.Settle([this](int32_t partition) {
    const auto held = held_.find(partition);
    return held == held_.end() || !held->second.read;
  }));
  std::erase_if(held_, [this](const auto& held) { return !claim_.held().contains(held.first); });
  std::erase_if(next_, [this](const auto& next) { return !claim_.held().contains(next.first); });
  for (const int32_t partition : claim_.held()) {
    if (next_.contains(partition)) continue;
    // Read after the claim: until then its holder may have committed.
    FLEETMEDIC_ASSIGN_OR_RETURN(const auto offset, file_.GroupOffset(IdOf(partition)));
    held_[partition] = {.committed = offset.value_or(0)};
    next_[partition] = offset.value_or(0);
  }
  return {};
}

Result<std::vector<LogRecord>> SqliteGroupReader::Poll(size_t records_max) {
  FLEETMEDIC_RETURN_IF_ERROR(Claim());
  FLEETMEDIC_ASSIGN_OR_RETURN(std::vector<LogRecord> records,
                              ReadOn(&file_, topic_, records_max, &next_));
  for (const LogRecord& record : records) held_[record.partition].read = true;
  return records;
}

Status SqliteGroupReader::Commit() {
  std::map<int64_t, int64_t> offsets;
  for (const auto& [partition, held] : held_) {
    const int64_t next = next_.at(partition);
    if (next != held.committed) offsets[IdOf(partition)] = next;
  }
  if (!offsets.empty()) FLEETMEDIC_RETURN_IF_ERROR(commit_(offsets));
  for (auto& [partition, held] : held_) held = {.committed = next_.at(partition)};
  return {};
}

std::vector<Position> SqliteGroupReader::Positions() const { return PositionsOf(next_); }

Result<Reader::Lag> SqliteGroupReader::Behind() const { return BehindOf(&file_, topic_, next_); }

}  // namespace fleetmedic
