#include "remediation/audit_export.h"

#include <algorithm>

#include "base/logging.h"

namespace fleetmedic {
namespace {

static_assert(AuditExport::kEntriesMax * kAuditEntryBytesMax < kAppendBytesMax);
static_assert(AuditExport::kEntriesMax <= kAppendRecordsMax);

// The whole entry, its hashes too: a reader of the topic can follow the chain.
Record RecordOf(const AuditEntry& entry) {
  Record record;
  record.key = entry.object.substr(0, Record::kKeyBytesMax);
  record.value = ToJson(entry).Dump();
  record.headers = {{"content-type", "application/json"},
                    {"ce_specversion", "1.0"},
                    {"ce_type", "fleetmedic.audit"},
                    {"ce_source", "/remediator"},
                    {"ce_id", std::to_string(entry.seq) + "/" + entry.hash},
                    {"ce_time", FormatWall(entry.at)}};
  record.timestamp = entry.at;
  return record;
}

}  // namespace

AuditExport::AuditExport(Environment environment)
    : env_(std::move(environment)),
      // One is under way at a time.
      outcomes_(1, env_.wake),
      told_(env_.metrics.Counter("fleetmedic_audit_exported_total",
                                 "Audit entries appended to their topic, repeats included.")),
      failed_(env_.metrics.Counter("fleetmedic_audit_export_failed_total",
                                   "Batches of audit entries that failed and are repeated.")) {}

AuditExport::Outcome AuditExport::TellBatch(uint64_t after_seq) const {
  const Result<std::vector<AuditEntry>> entries = env_.store.ReadAudit(after_seq, "", kEntriesMax);
  if (!entries) return {after_seq, 0, tl::unexpected<Error>(entries.error())};
  if (entries->empty()) return {after_seq, 0, {}};
  std::vector<Record> records;
  records.reserve(entries->size());
  for (const AuditEntry& entry : *entries) records.push_back(RecordOf(entry));
  return {entries->back().seq, entries->size(), env_.log.Append(Topic::kAudit, records)};
}

void AuditExport::TakeOutcome(MonoTime now, Ledger* ledger) {
  for (const Outcome& outcome : outcomes_.TakeAll()) {
    in_flight_ = false;
    if (!outcome.status) {
      const int doublings = std::min(failures_, 10);
      failures_ += 1;
      due_ = now + std::min(kRetryMax, kRetryMin * (1 << doublings));
      waiting_ = true;
      failed_.Add();
      LogWarning("cannot tell the audit to its topic", {{"after_seq", ledger->audit_exported()},
                                                        {"error", outcome.status.error().message}});
      continue;
    }
    failures_ = 0;
    due_ = now;
    told_.Add(static_cast<double>(outcome.entries));
    if (outcome.entries == kEntriesMax) waiting_ = true;
    ledger->SetAuditExported(outcome.to_seq);
  }
}

void AuditExport::Act(MonoTime now, const Ledger& ledger) {
  if (!waiting_ || in_flight_ || now < due_) return;
  const Status submitted = env_.workers.Submit("audit", [this, after = ledger.audit_exported()] {
    FLEETMEDIC_CHECK(outcomes_.Post(TellBatch(after)));
  });
  if (!submitted) {
    due_ = now + kRetryMin;
    return;
  }
  in_flight_ = true;
  waiting_ = false;
}

}  // namespace fleetmedic
