// What an agent writes to fleetmedic.health.
#ifndef FLEETMEDIC_MODEL_HEALTH_EVENT_H_
#define FLEETMEDIC_MODEL_HEALTH_EVENT_H_

#include <map>
#include <string>
#include <vector>

#include "model/condition.h"
#include "model/ids.h"

namespace fleetmedic {

// kConditions: all conditions of one detector, replacing what that detector said before. Sent
// when any of them changes, and again on a period.
// kBeat: nothing changed; `beats` says which sequence of each detector still stands, and when it
// was last observed; `running` says which detectors this agent runs. What keeps evidence fresh
// without repeating it, and takes back the word of a detector that is not run any more.
enum class HealthEventKind : uint8_t { kConditions, kBeat };

// The newest word of one detector, as a beat repeats it.
struct DetectorBeat {
  uint64_t sequence = 0;
  WallTime observed_at = kWallNever;

  bool operator==(const DetectorBeat&) const = default;
};

// Identity is (host, boot id, detector, sequence): duplicates and reordering change nothing. A
// sequence starts at 1 with each boot and counts on through restarts of the agent.
struct HealthEvent {
  HealthEventKind kind = HealthEventKind::kConditions;
  HostId host;
  std::string boot_id;
  WallTime booted_at = kWallNever;
  // The name of the detector; "agent" in a beat.
  std::string detector;
  uint64_t sequence = 0;
  // By the host's clock.
  WallTime observed_at = kWallNever;
  std::vector<Condition> conditions;
  std::map<std::string, DetectorBeat> beats;
  // In a beat: the detectors that run and their intervals. One that was switched off, removed, or
  // whose subsystem is gone is missing. Empty: an agent that does not say.
  std::map<std::string, Millis> running;

  static constexpr size_t kBytesMax = 256 * 1024;
  static constexpr size_t kConditionsMax = 512;
  static constexpr Millis kEveryMax = Hours(24);
  // An event that says it was observed this far ahead of us is from a wrong clock.
  static constexpr Millis kFutureMax = Minutes(5);

  bool operator==(const HealthEvent&) const = default;
};

Json ToJson(const HealthEvent& event);
Result<HealthEvent> HealthEventFromJson(const Json& json);
// The same of a JSON text, without the Json in between.
Result<HealthEvent> HealthEventFromText(std::string_view text);

}  // namespace fleetmedic

#endif  // FLEETMEDIC_MODEL_HEALTH_EVENT_H_
