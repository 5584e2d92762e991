#include "detectors/logs/log_record.h"

#include <fmt/format.h>

#include "base/lz4.h"

namespace fleetmedic {
namespace {

void AddCloudEvent(std::string_view type, std::string id, const HostId& host, WallTime time,
                   Record* record) {
  record->headers = {{"content-type", "application/json"},
                     {"ce_specversion", "1.0"},
                     {"ce_type", std::string(type)},
                     {"ce_source", "/hosts/" + host.str()},
                     {"ce_id", std::move(id)},
                     {"ce_time", FormatWall(time)}};
}

}  // namespace

Record RecordOf(LogFrame frame) {
  Record record;
  record.key = frame.host.str();
  record.headers = LogFrameHeaders(frame);
  record.timestamp = frame.first_at;
  record.value = std::move(frame.text);
  if (record.value.size() >= kCompressedFrom) {
    record.value = Lz4Compress(record.value);
    record.value.shrink_to_fit();  // it may wait in the spool for long
    record.headers.emplace_back("content-encoding", "lz4");
  }
  return record;
}

Record RecordOf(const HealthEvent& event, WallTime now) {
  Record record;
  record.key = event.host.str();
  record.value = ToJson(event).Dump();
  record.timestamp = now;
  AddCloudEvent(
      "fleetmedic.health",
      fmt::format("{}/{}/{}/{}", event.host.str(), event.boot_id, event.detector, event.sequence),
      event.host, event.observed_at, &record);
  return record;
}

Record RecordOf(const HostFacts& facts, WallTime now) {
  Record record;
  record.key = facts.host.str();
  record.value = ToJson(facts).Dump();
  record.timestamp = now;
  AddCloudEvent("fleetmedic.hosts",
                fmt::format("{}/{}/{}", facts.host.str(), facts.boot_id, MillisOf(now)), facts.host,
                now, &record);
  return record;
}

Record RecordOf(const EvidenceBundle& bundle, WallTime now) {
  Record record;
  record.key = bundle.host.str();
  record.value = ToJson(bundle).Dump();
  record.timestamp = now;
  AddCloudEvent("fleetmedic.evidence", fmt::format("{}/{}", bundle.host.str(), bundle.id),
                bundle.host, bundle.collected_at, &record);
  return record;
}

}  // namespace fleetmedic
