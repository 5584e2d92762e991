#include "eventlog/append_limits.h"

#include <fmt/format.h>

namespace fleetmedic {
namespace {

size_t HeaderBytes(const Record& record) {
  size_t bytes = 0;
  for (const auto& [name, value] : record.headers) bytes += name.size() + value.size();
  return bytes;
}

Status Within(Topic topic, std::string_view what, size_t have, size_t max) {
  if (have <= max) return {};
  return Fail(Code::kInvalidArgument, fmt::format("append to {}: {} are {} and the limit is {}",
                                                  TopicName(topic), what, have, max));
}

}  // namespace

size_t BytesOf(const Record& record) {
  return record.key.size() + record.value.size() + HeaderBytes(record);
}

Status CheckAppend(Topic topic, std::span<const Record> records) {
  FLEETMEDIC_RETURN_IF_ERROR(Within(topic, "records", records.size(), kAppendRecordsMax));
  size_t bytes = 0;
  for (size_t i = 0; i < records.size(); ++i) {
    const Record& record = records[i];
    const auto of = [i](std::string_view what) { return fmt::format("{} of record {}", what, i); };
    FLEETMEDIC_RETURN_IF_ERROR(
        Within(topic, of("key bytes"), record.key.size(), Record::kKeyBytesMax));
    FLEETMEDIC_RETURN_IF_ERROR(
        Within(topic, of("value bytes"), record.value.size(), Record::kValueBytesMax));
    FLEETMEDIC_RETURN_IF_ERROR(
        Within(topic, of("headers"), record.headers.size(), Record::kHeadersMax));
    FLEETMEDIC_RETURN_IF_ERROR(
        Within(topic, of("header bytes"), HeaderBytes(record), Record::kHeaderBytesMax));
    bytes += BytesOf(record);
  }
  return Within(topic, "bytes", bytes, kAppendBytesMax);
}

Status CheckGroup(std::string_view group) {
  if (!group.empty() && group.size() <= EventLog::kGroupBytesMax) return {};
  return Fail(Code::kInvalidArgument,
              fmt::format("the name of a group of readers is 1 to {} bytes, not {}",
                          EventLog::kGroupBytesMax, group.size()));
}

}  // namespace fleetmedic
