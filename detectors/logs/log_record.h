// The records that an agent appends to the event log.
#ifndef FLEETMEDIC_DETECTORS_LOGS_LOG_RECORD_H_
#define FLEETMEDIC_DETECTORS_LOGS_LOG_RECORD_H_

#include "eventlog/event_log.h"
#include "model/evidence_bundle.h"
#include "model/health_event.h"
#include "model/host_facts.h"
#include "model/log_frame.h"

namespace fleetmedic {

// For Topic::kLogs. A text of kCompressedFrom bytes and more is compressed, once and for the whole
// way: to write three times the bytes costs a host more than to compress them. Shorter ones, what
// quiet hosts write, stay as they are, so that a person can read them in the topic.
constexpr size_t kCompressedFrom = 4096;
Record RecordOf(LogFrame frame);
// For Topic::kHealth; CloudEvents attributes in ce_* headers, ce_id is the event's identity.
Record RecordOf(const HealthEvent& event, WallTime now);
// For Topic::kHosts.
Record RecordOf(const HostFacts& facts, WallTime now);
// For Topic::kEvidence.
Record RecordOf(const EvidenceBundle& bundle, WallTime now);

}  // namespace fleetmedic

#endif  // FLEETMEDIC_DETECTORS_LOGS_LOG_RECORD_H_
