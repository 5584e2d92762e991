// Turns what detectors say into health events: changes at once, everything again on a period, and
// beats between. Pure: times come in, events and the state to keep come out.
#ifndef FLEETMEDIC_DETECTORS_REPORT_REPORTER_H_
#define FLEETMEDIC_DETECTORS_REPORT_REPORTER_H_

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/time.h"
#include "detectors/runner.h"
#include "model/health_event.h"

namespace fleetmedic {

// Owned by one thread.
//
// Sequences start at 1 with each boot and count on through restarts of the agent: what TakeState
// returns must be durable before the events that Due returned with it are sent, and is given back
// to Restore. Sequences are reserved ahead in blocks, so that this is seldom; after a restart they
// skip to the end of the block.
class Reporter {
 public:
  struct Options {
    HostId host;
    Millis beat_every = Seconds(10);
    Millis repeat_every = Seconds(60);
    uint64_t reserve_block = 100'000;
  };

  explicit Reporter(Options options) : options_(std::move(options)) {}

  // Before the first SetBoot. A text that cannot be read is an error, and then sequences start
  // past what an agent of this boot can have used: at its age in milliseconds.
  Status Restore(std::string_view state);

  // Which boot this is. A new one starts the sequences and `since` afresh. `wall` is now.
  void SetBoot(const std::string& boot_id, WallTime booted_at, WallTime wall);
  const std::string& boot_id() const { return boot_id_; }

  // The detectors that run, with their intervals, "agent" among them: what beats say. One that left
  // is forgotten once its last word was told. Never called: beats do not say.
  void SetRunning(std::map<std::string, Millis> running);

  // The newest word of a detector. One that was observed no later than what is held of the same
  // detector is dropped (false).
  bool Take(DetectorReport report);

  // The events that are due: of each detector whose conditions changed (another type, unit,
  // verdict, severity or reason; a message alone is no change) or were last sent repeat_every ago
  // (with a beat: will have been before the next), and a beat every beat_every. Requires SetBoot.
  std::vector<HealthEvent> Due(MonoTime now);
  MonoTime NextDue() const;

  // The state to keep, once after each change of it.
  std::optional<std::string> TakeState();

  // The conditions held now, of all detectors: for the agent's own page and for tests.
  std::vector<Condition> Conditions() const;

 private:
  struct Slot {
    std::vector<Condition> conditions;
    WallTime observed_at = kWallNever;  // never: only beats so far, or it does not run any more
    uint64_t sequence = 0;              // the last used
    uint64_t told = 0;                  // of the last kConditions event
    MonoTime sent_at{};
    bool changed = true;
  };
  // (type, unit) to the verdict and since when.
  using Since = std::map<std::pair<std::string, std::string>, std::pair<Verdict, WallTime>>;

  uint64_t NextSequence(Slot* slot);
  void KeepSince(const std::string& detector, WallTime observed_at,
                 std::vector<Condition>* conditions);
  void ForgetStopped();
  HealthEvent EventOf(const std::string& detector) const;

  const Options options_;
  std::string boot_id_;
  WallTime booted_at_ = kWallNever;
  bool booted_ = false;
  std::string restored_boot_id_;
  bool restore_failed_ = false;
  uint64_t first_sequence_ = 0;  // the last one that an earlier agent of this boot may have used
  uint64_t reserved_ = 0;
  std::map<std::string, Millis> running_;
  std::map<std::string, Slot> slots_;
  std::map<std::string, Since> since_;
  MonoTime beat_due_{};
  bool state_changed_ = false;
};

// Cuts to the limits of HealthEvent and Condition, so that the event can be read at the other end:
// the worst conditions first, evidence goes before conditions do.
void CapConditions(std::vector<Condition>* conditions);

}  // namespace fleetmedic

#endif  // FLEETMEDIC_DETECTORS_REPORT_REPORTER_H_
