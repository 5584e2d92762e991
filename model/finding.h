// A rule matched on one host, past that rule's per-host threshold: what the stream writes to
// fleetmedic.findings.
#ifndef FLEETMEDIC_MODEL_FINDING_H_
#define FLEETMEDIC_MODEL_FINDING_H_

#include <map>
#include <string>
#include <vector>

#include "model/condition.h"
#include "model/ids.h"

namespace fleetmedic {

// What ends the condition that a finding opens. A log line says "bad" and mostly nothing ever says
// "ok", so each rule must name one. The host's next boot ends it in any case, and so do a finding
// whose verdict is kOk (the rule's cancelling pattern) and the end of the rule itself.
enum class Clear : uint8_t {
  kQuiet,  // no further finding for clear_after
  kBoot,   // the host's next boot, only
  kTime,   // clear_after from when it was opened, whatever comes: an event, not a state
  kProbe,  // a detector sees clear_probe ok, clear_after or later after the last line
};
std::string_view ClearName(Clear clear);
std::optional<Clear> ParseClear(std::string_view word);

struct Finding {
  HostId host;
  std::string boot_id;
  // "kernel.nvme_timeout" and the version of it that matched: the digest of the rule's text.
  std::string rule;
  std::string rule_version;
  // What it means for the host. verdict kBad opens it and evidence holds the lines that matched;
  // kOk withdraws what the rule said of this unit before.
  Condition condition;
  Clear clear = Clear::kQuiet;
  Millis clear_after = Minutes(10);
  std::string clear_probe;  // a condition type; for Clear::kProbe alone
  // Lines in the window that passed the threshold.
  uint64_t count = 0;
  WallTime first_at = kWallNever;
  WallTime last_at = kWallNever;
  // Where the last line stood, "logs/0@1234": findings of a re-read frame are recognised by it.
  std::string position;
  std::map<std::string, std::string> captures;

  bool operator==(const Finding&) const = default;
};

Json ToJson(const Finding& finding);
Result<Finding> FindingFromJson(const Json& json);

}  // namespace fleetmedic

#endif  // FLEETMEDIC_MODEL_FINDING_H_
