// What the agent reads on its host.
#include <optional>

#include "base/json.h"
#include "base/result.h"
#include "detectors/docker/docker_evaluate.h"
#include "detectors/docker/docker_json.h"
#include "detectors/logs/journal_entry.h"
#include "detectors/logs/journal_file.h"
#include "detectors/logs/kmsg_reader.h"
#include "detectors/proc_text.h"
#include "stream/kernel_record.h"
#include "tests/fuzz/targets.h"

namespace fleetmedic {
namespace {

void Kmsg(std::string_view bytes) {
  for (const std::string_view line : Lines(bytes)) {
    const std::optional<KmsgRecord> record = ParseKmsg(line);
    if (!record) continue;
    FLEETMEDIC_CHECK(record->level >= 0 && record->level <= 7);
    FLEETMEDIC_CHECK(record->facility >= 0);
    FLEETMEDIC_CHECK(record->message.size() <= line.size());
  }
}

void Journal(std::string_view bytes) {
  JournalFields fields;
  std::string* const texts[] = {&fields.container_id, &fields.systemd_unit,
                                &fields.syslog_identifier};
  size_t next = 0;
  for (const std::string_view line : Lines(bytes)) {
    if (next < std::size(texts)) *texts[next++] = line;
  }
  const std::string source = JournalSourceOf(fields);
  // Whatever an entry says of itself, it is never taken for the kernel's.
  FLEETMEDIC_CHECK(source.starts_with("journal"));
}

// A journal file, from its beginning and from a place in it, and on with the last byte that comes.
void JournalFileBytes(std::string_view bytes) {
  size_t there = bytes.size() - bytes.size() / 8;
  JournalFile file([&](uint64_t offset, char* into, size_t size) -> Result<size_t> {
    const std::string_view written = bytes.substr(0, there);
    return offset >= written.size() ? size_t{0} : written.copy(into, size, offset);
  });
  JournalEntry entry;
  std::optional<JournalPlace> first;
  for (const bool again : {false, true}) {
    if (!file.Refresh()) return;
    if (again && first && !file.SeekAfter(*first)) return;
    // Arrays do not overlap, so there are no more items than bytes.
    for (size_t entries = 0;; ++entries) {
      FLEETMEDIC_CHECK(entries <= bytes.size());
      const Result<const JournalPlace*> next = file.Next();
      if (!next || *next == nullptr) break;
      if (!first) first = **next;
      (void)file.ReadFields(&entry);
      FLEETMEDIC_CHECK(entry.message().size() <= JournalEntry::kFieldBytesMax);
      const std::optional<JournalPlace> back = JournalPlace::FromCursor((*next)->Cursor());
      FLEETMEDIC_CHECK(back.has_value() && Order(*back, **next) == 0);
      file.Pass();
    }
    there = bytes.size();
  }
  FLEETMEDIC_CHECK(file.TakeBad() <= 2 * bytes.size());
}

void JournalCursor(std::string_view bytes) {
  const std::optional<JournalPlace> place = JournalPlace::FromCursor(bytes);
  if (!place) return;
  const std::optional<JournalPlace> back = JournalPlace::FromCursor(place->Cursor());
  FLEETMEDIC_CHECK(back.has_value() && Order(*back, *place) == 0);
}

void DockerJson(std::string_view bytes) {
  const Result<Json> json = Json::Parse(bytes);
  if (!json) return;
  const Result<std::vector<DockerContainer>> containers = DockerContainersFromJson(*json);
  DockerSample sample;
  sample.seen = true;
  sample.ping = sample.list = sample.info = {DockerAnswer::Kind::kReplied, 200};
  if (containers) sample.containers = *containers;
  sample.information = DockerInfoFromJson(*json);
  DockerHistory history;
  history.versions = DockerVersionsFromJson(*json);
  for (int look = 1; look <= 2; ++look) {
    sample.at = MonoTime(Minutes(10) * look);
    history.Add(sample);
    history.AddInfo(sample);
    for (const Condition& condition : EvaluateDocker(sample, history, DockerThresholds())) {
      // What a detector tells is read by other roles, whatever its subsystem answered.
      const Result<Json> told = Json::Parse(ToJson(condition).Dump());
      FLEETMEDIC_CHECK(told.has_value() && ConditionFromJson(*told).has_value());
    }
  }
}

// Lines of a kernel log as the stream joins them to records, each with a finding.
void KernelRecordLines(std::string_view bytes) {
  KernelRecord record;
  WallTime at(Seconds(1'000'000'000));
  for (const std::string_view line : Lines(bytes)) {
    at += Millis(1);
    if (!record.Take(line, at)) continue;
    if (!record.Counts("kernel.fuzz", "")) continue;
    Finding finding;
    finding.rule = "kernel.fuzz";
    finding.condition.type = "Fuzz";
    finding.condition.evidence = {std::string(line.substr(0, Condition::kEvidenceLineBytesMax))};
    finding.count = 1;
    record.Add(std::move(finding));
  }
  for (const Finding& finding : record.Told(at, "logs/0@1")) {
    FLEETMEDIC_CHECK(finding.condition.evidence.size() <= Condition::kEvidenceLinesMax);
    for (const std::string& line : finding.condition.evidence) {
      FLEETMEDIC_CHECK(line.size() <= Condition::kEvidenceLineBytesMax);
    }
  }
}

void ProcText(std::string_view bytes) {
  for (const std::string_view line : Lines(bytes)) {
    for (const std::string_view field : Fields(line)) {
      (void)ParseCount(field);
      (void)ParseSigned(field);
      (void)ParseDecimal(field);
    }
  }
  (void)NamedCounts(bytes);
}

constexpr FuzzTarget kTargets[] = {
    {"kmsg", Kmsg},
    {"journal", Journal},
    {"journal_file", JournalFileBytes},
    {"journal_cursor", JournalCursor},
    {"docker", DockerJson},
    {"proc_text", ProcText},
    {"kernel_record", KernelRecordLines},
};

}  // namespace

std::span<const FuzzTarget> HostFuzzTargets() { return kTargets; }

}  // namespace fleetmedic
