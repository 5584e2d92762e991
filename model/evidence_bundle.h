// What a host looked like at one moment, as its agent collected it: fleetmedic.evidence.
#ifndef FLEETMEDIC_MODEL_EVIDENCE_BUNDLE_H_
#define FLEETMEDIC_MODEL_EVIDENCE_BUNDLE_H_

#include <string>
#include <vector>

#include "base/json.h"
#include "model/ids.h"

namespace fleetmedic {

// A command to an agent: collect a bundle.
struct EvidenceRequest {
  // Letters, digits, '-', '_' and '.': names a file; see ValidEvidenceId.
  std::string id;
  std::string reason;
  WallTime asked_at = kWallNever;

  bool operator==(const EvidenceRequest&) const = default;
};
bool ValidEvidenceId(std::string_view id);

Json ToJson(const EvidenceRequest& request);
Result<EvidenceRequest> EvidenceRequestFromJson(const Json& json);

enum class EvidencePartState : uint8_t {
  kCollected,
  kAbsent,   // this host has no such thing
  kFailed,   // it could not be read, and the message says why
  kTimeout,  // not back by its deadline: skipped
};
std::string_view EvidencePartStateName(EvidencePartState state);

struct EvidencePart {
  std::string name;  // "kernel-log", "containers"
  EvidencePartState state = EvidencePartState::kCollected;
  std::string message;
  std::string text;
  uint64_t bytes_cut = 0;  // that were more than its share

  static constexpr size_t kTextBytesMax = 64 * 1024;

  bool operator==(const EvidencePart&) const = default;
};

struct EvidenceBundle {
  std::string id;  // the request's
  HostId host;
  std::string boot_id;
  std::string reason;
  WallTime collected_at = kWallNever;  // when it was begun, by the host's clock
  Millis took{0};
  std::vector<EvidencePart> parts;

  // Of the texts together.
  static constexpr size_t kTextBytesMax = 256 * 1024;
  static constexpr size_t kPartsMax = 32;

  bool operator==(const EvidenceBundle&) const = default;
};

Json ToJson(const EvidenceBundle& bundle);
// kInvalidArgument also for one that passes the limits above.
Result<EvidenceBundle> EvidenceBundleFromJson(const Json& json);
// The bundle without its texts: id, reason, times, and of each part its state and size.
Json SummaryJson(const EvidenceBundle& bundle);

}  // namespace fleetmedic

#endif  // FLEETMEDIC_MODEL_EVIDENCE_BUNDLE_H_
