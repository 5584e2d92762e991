// All that the remediator knows and has decided about one host: the durable row on which the host
// machine steps.
#ifndef FLEETMEDIC_MODEL_HOST_RECORD_H_
#define FLEETMEDIC_MODEL_HOST_RECORD_H_

#include <string>
#include <vector>

#include "base/flat_map.h"
#include "base/shared_list.h"
#include "model/command.h"
#include "model/condition.h"
#include "model/directive.h"
#include "model/host_facts.h"
#include "model/limits.h"

namespace fleetmedic {

enum class HostState : uint8_t {
  kHealthy,
  kSuspect,
  kTainted,
  kDraining,
  kDrained,
  kRepairing,
  kProbation,
  kRetired,
};
std::string_view HostStateName(HostState state);
std::optional<HostState> ParseHostState(std::string_view word);

// A condition as the remediator follows it.
struct TrackedCondition {
  Condition condition;
  // The detector that reports it, or "rule:NAME" for one that a finding opened.
  std::string detector;
  uint64_t sequence = 0;
  // When the host last vouched for it, by the host's clock.
  WallTime observed_at = kWallNever;
  // When we first saw this verdict, by our clock: confirmation counts from here.
  WallTime verdict_since = kWallNever;
  // For findings: when it clears by itself if nothing more is found; kWallNever: at the next boot,
  // or by the probe.
  WallTime clears_at = kWallNever;
  // For findings: the condition type whose ok, seen at or after probe_from by the host's clock,
  // clears it; "" for none.
  std::string clear_probe;
  WallTime probe_from = kWallNever;
  // For findings: "kernel.oops@3fe1 logs/0@123", which line led here.
  std::string origin;

  bool operator==(const TrackedCondition&) const = default;
};

// The newest sequence that one detector sent in this boot.
struct DetectorMark {
  uint64_t sequence = 0;
  WallTime observed_at = kWallNever;
  Millis every{0};  // its interval, as far as the agent said it

  bool operator==(const DetectorMark&) const = default;
};

struct HostRecord {
  HostFacts facts;  // facts.host is the key; facts.boot_id the present boot
  // Its agent has told what it is. Until then no limit can be counted for it, so nothing is done.
  bool facts_known = false;
  HostState state = HostState::kHealthy;
  WallTime since = kWallNever;     // when the state was entered
  WallTime deadline = kWallNever;  // of the state; kWallNever for none

  // What the host says.
  SharedList<TrackedCondition> conditions;
  FlatMap<DetectorMark> detectors;
  WallTime seen_at = kWallNever;  // the newest observation of any kind, the host's clock
  // Since when every detector is ok, by our clock; kWallNever while one is not.
  WallTime ok_since = kWallNever;

  // What we want and what its scheduler confirmed.
  uint64_t revision = 0;
  Want want = Want::kSchedulable;
  uint64_t acknowledged = 0;
  int tasks_left = -1;   // -1: the scheduler has not said yet
  int tasks_total = -1;  // how many there were when it was last schedulable; or -1
  std::string blocked_by;
  bool scheduler_lost = false;

  // The episode: from the first bad condition until the host is given back.
  uint64_t episode = 0;
  // The boot in which the evidence for this episode was confirmed.
  std::string evidence_boot_id;
  // What is being repaired: the title of the condition and its ladder's key.
  std::string cause_type;
  std::string cause_unit;
  int attempt = 0;        // repairs started in this episode
  std::string repair_id;  // the one that is running; empty for none
  Rung rung = Rung::kPerson;
  bool in_place = false;           // the running repair left the tasks where they were
  GrantId grant;                   // the open grant; empty for none
  WallTime retry_at = kWallNever;  // after a refusal: not before

  // What lies over the state.
  bool held = false;
  bool protected_ = false;
  bool drain_wanted = false;  // a person asked; ends with a return
  bool taint_only = false;    // ... and asked for no more than the taint
  std::string over_reason;    // who and why, of the strictest of them

  std::string why;        // of the last transition
  std::string waits_for;  // the named limit, hold or missing evidence; empty: nothing

  bool operator==(const HostRecord&) const = default;
};

Json ToJson(const HostRecord& record);
Result<HostRecord> HostRecordFromJson(const Json& json);
// The same of a JSON text, without the Json in between.
Result<HostRecord> HostRecordFromText(std::string_view text);

}  // namespace fleetmedic

#endif  // FLEETMEDIC_MODEL_HOST_RECORD_H_
