#include "detectors/report/spool_record.h"

#include <bit>
#include <cstring>

#include <fmt/format.h>

#include "detectors/report/crc32c.h"

namespace fleetmedic {
namespace {

static_assert(std::endian::native == std::endian::little,
              "the spool's integers are written as they stand in memory");

template <typename T>
void Put(T value, std::string* out) {
  char bytes[sizeof(T)];
  std::memcpy(bytes, &value, sizeof(T));
  out->append(bytes, sizeof(T));
}

void PutText(std::string_view text, std::string* out) {
  Put(static_cast<uint32_t>(text.size()), out);
  out->append(text);
}

// Takes values off the front; `ok` falls at the first that is not there.
struct Cursor {
  std::string_view rest;
  bool ok = true;

  template <typename T>
  T Take() {
    T value{};
    if (rest.size() < sizeof(T)) {
      ok = false;
      return value;
    }
    std::memcpy(&value, rest.data(), sizeof(T));
    rest.remove_prefix(sizeof(T));
    return value;
  }

  std::string TakeText() {
    const uint32_t bytes = Take<uint32_t>();
    if (!ok || rest.size() < bytes) {
      ok = false;
      return "";
    }
    std::string text(rest.substr(0, bytes));
    rest.remove_prefix(bytes);
    return text;
  }
};

}  // namespace

void AppendSpoolEntry(const SpoolEntry& entry, std::string* out) {
  std::string payload;
  payload.reserve(entry.record.value.size() + 512);
  Put(static_cast<uint8_t>(entry.topic), &payload);
  PutText(entry.state_key, &payload);
  Put(entry.lines, &payload);
  PutText(entry.record.key, &payload);
  PutText(entry.record.value, &payload);
  Put(static_cast<uint32_t>(entry.record.headers.size()), &payload);
  for (const auto& [name, value] : entry.record.headers) {
    PutText(name, &payload);
    PutText(value, &payload);
  }
  Put(int64_t{entry.record.timestamp.time_since_epoch().count()}, &payload);
  FLEETMEDIC_CHECK(payload.size() <= kSpoolPayloadBytesMax);
  Put(static_cast<uint32_t>(payload.size()), out);
  Put(Crc32c(payload), out);
  out->append(payload);
}

Result<SpoolHeader> ReadSpoolHeader(std::string_view bytes) {
  FLEETMEDIC_CHECK(bytes.size() >= kSpoolHeaderBytes);
  Cursor cursor{bytes};
  SpoolHeader header;
  header.payload_bytes = cursor.Take<uint32_t>();
  header.crc = cursor.Take<uint32_t>();
  if (header.payload_bytes == 0 || header.payload_bytes > kSpoolPayloadBytesMax) {
    return Fail(Code::kCorrupt,
                fmt::format("a spool record of {} bytes cannot be", header.payload_bytes));
  }
  return header;
}

Result<SpoolEntry> ReadSpoolPayload(const SpoolHeader& header, std::string_view payload) {
  if (payload.size() != header.payload_bytes || Crc32c(payload) != header.crc) {
    return Fail(Code::kCorrupt, "a spool record does not have its checksum");
  }
  Cursor cursor{payload};
  SpoolEntry entry;
  const uint8_t topic = cursor.Take<uint8_t>();
  entry.state_key = cursor.TakeText();
  entry.lines = cursor.Take<uint32_t>();
  entry.record.key = cursor.TakeText();
  entry.record.value = cursor.TakeText();
  const uint32_t headers = cursor.Take<uint32_t>();
  if (!cursor.ok || topic >= kTopics.size() || headers > Record::kHeadersMax) {
    return Fail(Code::kCorrupt, "a spool record cannot be read");
  }
  entry.topic = static_cast<Topic>(topic);
  for (uint32_t i = 0; i < headers; ++i) {
    std::string name = cursor.TakeText();
    entry.record.headers.emplace_back(std::move(name), cursor.TakeText());
  }
  entry.record.timestamp = WallTime(Micros(cursor.Take<int64_t>()));
  if (!cursor.ok || !cursor.rest.empty()) {
    return Fail(Code::kCorrupt, "a spool record cannot be read");
  }
  return entry;
}

}  // namespace fleetmedic
