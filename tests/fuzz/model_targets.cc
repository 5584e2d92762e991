// What comes from the event log, from other roles and from HTTP.
#include <algorithm>
#include <iterator>
#include <vector>

#include "base/json.h"
#include "base/lz4.h"
#include "base/result.h"
#include "base/sha256.h"
#include "base/text.h"
#include "detectors/report/spool_record.h"
#include "model/audit.h"
#include "model/command.h"
#include "model/directive.h"
#include "model/evidence_bundle.h"
#include "model/finding.h"
#include "model/fleet_issue.h"
#include "model/health_event.h"
#include "model/host_facts.h"
#include "model/job.h"
#include "model/log_frame.h"
#include "model/override.h"
#include "model/pattern_count.h"
#include "store/backup.h"
#include "tests/fuzz/targets.h"

namespace fleetmedic {
namespace {

void AnyJson(std::string_view bytes) {
  const Result<Json> json = Json::Parse(bytes);
  if (!json) return;
  const std::string text = json->Dump();
  const Result<Json> again = Json::Parse(text);
  FLEETMEDIC_CHECK(again.has_value());
  FLEETMEDIC_CHECK(again->Dump() == text);
}

// What was read and written is read as the same again.
template <typename Value, Result<Value> (*read)(const Json&)>
void RoundTrip(std::string_view bytes) {
  const Result<Json> json = Json::Parse(bytes);
  if (!json) return;
  const Result<Value> value = read(*json);
  if (!value) return;
  const Result<Json> written = Json::Parse(ToJson(*value).Dump());
  FLEETMEDIC_CHECK(written.has_value());
  const Result<Value> again = read(*written);
  FLEETMEDIC_CHECK(again.has_value());
  FLEETMEDIC_CHECK(*again == *value);
}

// Read where it lies, a text is what its Json is, or is refused for the same.
template <typename Value, Result<Value> (*from_text)(std::string_view),
          Result<Value> (*from_json)(const Json&)>
void TwoWays(std::string_view bytes) {
  const Result<Value> value = from_text(bytes);
  const Result<Json> json = Json::Parse(bytes);
  const Result<Value> other = json ? from_json(*json) : tl::unexpected<Error>(json.error());
  FLEETMEDIC_CHECK(value == other);
  RoundTrip<Value, from_json>(bytes);
}

// The first byte says where the key and each header end; the rest is the text.
void Frame(std::string_view bytes) {
  if (bytes.size() < 2) return;
  const size_t key_size =
      std::min<size_t>(static_cast<unsigned char>(bytes[0]) % 32, bytes.size() - 1);
  const std::string_view key = bytes.substr(1, key_size);
  const std::string value(bytes.substr(1 + key_size));
  LogFrame frame;
  frame.host = HostId("h");
  frame.boot_id = "b";
  frame.source = "kernel";
  frame.first_at = WallTime(Micros(1'000'000));
  frame.lines = static_cast<uint32_t>(std::ranges::count(value, '\n'));
  const Result<LogFrame> read = LogFrameFrom(key, LogFrameHeaders(frame), value);
  if (read) FLEETMEDIC_CHECK(read->text == value);
  // The same bytes as an LZ4 frame of whatever they hold.
  LogFrameHeaderList headers = LogFrameHeaders(frame);
  headers.emplace_back("content-encoding", "lz4");
  const Result<LogFrame> packed = LogFrameFrom(key, headers, Lz4Compress(value));
  FLEETMEDIC_CHECK(packed.has_value() == read.has_value() && (!read || *packed == *read));
  const Result<std::string> content = Lz4Decompress(value, LogFrame::kTextBytesMax);
  if (!content) return;
  FLEETMEDIC_CHECK(content->size() <= LogFrame::kTextBytesMax);
  frame.lines = static_cast<uint32_t>(std::ranges::count(*content, '\n'));
  headers = LogFrameHeaders(frame);
  const Result<LogFrame> plain = LogFrameFrom(key, headers, *content);
  headers.emplace_back("content-encoding", "lz4");
  const Result<LogFrame> unpacked = LogFrameFrom(key, headers, value);
  FLEETMEDIC_CHECK(unpacked.has_value() == plain.has_value() && (!plain || *unpacked == *plain));
}

// The headers that say something of lines, with '|' between.
void FrameHeaders(std::string_view bytes) {
  constexpr std::string_view kNames[] = {"repeats", "warnings", "cgroups"};
  LogFrame frame;
  frame.host = HostId("h");
  frame.boot_id = "b";
  frame.source = "kernel";
  frame.first_at = WallTime(Micros(1'000'000));
  frame.lines = 10;
  frame.text = std::string(10, '\n');
  LogFrameHeaderList headers = LogFrameHeaders(frame);
  const std::vector<std::string_view> values = Split(bytes, '|');
  for (size_t i = 0; i < std::min(values.size(), std::size(kNames)); ++i) {
    headers.emplace_back(kNames[i], values[i]);
  }
  const Result<LogFrame> read = LogFrameFrom("h", headers, frame.text);
  if (!read) return;
  FLEETMEDIC_CHECK(read->warnings.size() <= LogFrame::kWarningRunsMax);
  for (const LogFrame::LineRun& run : read->warnings) FLEETMEDIC_CHECK(run.last < frame.lines);
  FLEETMEDIC_CHECK(LogFrameFrom("h", LogFrameHeaders(*read), frame.text) == *read);
}

void Spool(std::string_view bytes) {
  if (bytes.size() < kSpoolHeaderBytes) return;
  const Result<SpoolHeader> header = ReadSpoolHeader(bytes.substr(0, kSpoolHeaderBytes));
  if (!header) return;
  const std::string_view payload = bytes.substr(kSpoolHeaderBytes);
  if (payload.size() < header->payload_bytes) return;
  const auto entry = ReadSpoolPayload(*header, payload.substr(0, header->payload_bytes));
  if (!entry) return;
  std::string written;
  AppendSpoolEntry(*entry, &written);
  const auto again_header = ReadSpoolHeader(std::string_view(written).substr(0, kSpoolHeaderBytes));
  FLEETMEDIC_CHECK(again_header.has_value());
  const auto again =
      ReadSpoolPayload(*again_header, std::string_view(written).substr(kSpoolHeaderBytes));
  FLEETMEDIC_CHECK(again.has_value() && *again == *entry);
}

// A backup without its last line: with the hash put right, what is behind it is reached as well.
void BackupText(std::string_view bytes) {
  std::string text(bytes);
  text += "sha256 " + Sha256Hex(bytes) + "\n";
  size_t at = 0;
  const auto source = [&](std::span<char> into) -> Result<size_t> {
    const size_t count = std::min(into.size(), text.size() - at);
    std::copy_n(text.data() + at, count, into.data());
    at += count;
    return count;
  };
  const Result<BackupManifest> manifest = ReadBackup(source, nullptr);
  if (!manifest) return;
  const Result<BackupManifest> again = BackupManifestFromJson(ToJson(*manifest));
  FLEETMEDIC_CHECK(again.has_value() && *again == *manifest);
}

constexpr FuzzTarget kTargets[] = {
    {"json", AnyJson},
    {"health_event", TwoWays<HealthEvent, HealthEventFromText, HealthEventFromJson>},
    {"host_facts", RoundTrip<HostFacts, HostFactsFromJson>},
    {"finding", RoundTrip<Finding, FindingFromJson>},
    {"pattern_count", RoundTrip<PatternCount, PatternCountFromJson>},
    {"fleet_issue", RoundTrip<FleetIssue, FleetIssueFromJson>},
    {"command", RoundTrip<ExecutorCommand, ExecutorCommandFromJson>},
    {"evidence_bundle", RoundTrip<EvidenceBundle, EvidenceBundleFromJson>},
    {"executor_report", RoundTrip<ExecutorReport, ExecutorReportFromJson>},
    {"job", RoundTrip<Job, JobFromJson>},
    {"directive", RoundTrip<Directive, DirectiveFromJson>},
    {"audit_entry", RoundTrip<AuditEntry, AuditEntryFromJson>},
    {"override", RoundTrip<Override, OverrideFromJson>},
    {"log_frame", Frame},
    {"frame_headers", FrameHeaders},
    {"spool", Spool},
    {"backup", BackupText},
};

}  // namespace

std::span<const FuzzTarget> ModelFuzzTargets() { return kTargets; }

}  // namespace fleetmedic
