// What the remediator is told, its policy and its limits, with the defaults that ship.
#ifndef FLEETMEDIC_CONFIG_REMEDIATOR_CONFIG_H_
#define FLEETMEDIC_CONFIG_REMEDIATOR_CONFIG_H_

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "model/command.h"
#include "model/condition.h"
#include "model/host_facts.h"
#include "model/limits.h"
#include "model/override.h"

namespace fleetmedic {

// What to do about a condition type.
struct ConditionPolicy {
  std::vector<Rung> ladder;       // gentlest first; empty: the default ladder
  bool repair_in_place = false;   // try the first rung before any drain
  bool ignore = false;            // seen and shown, never acted on
  std::optional<Millis> confirm;  // in place of the severity's

  bool operator==(const ConditionPolicy&) const = default;
};

// [policy]
struct Policy {
  Severity severity_min = Severity::kSoft;
  Millis confirm_hard = Seconds(30);
  Millis confirm_soft = Seconds(300);
  Millis settle = Seconds(120);
  Millis evidence_age_max = Seconds(30);
  Millis silent_after = Seconds(30);
  Millis issue_stale_after = Minutes(10);  // a fleet issue that the stream does not renew
  Millis acknowledge_deadline = Minutes(5);
  Millis drain_deadline = Minutes(30);
  Millis repair_deadline = Minutes(15);
  Millis probation_deadline = Hours(1);
  // After a repair the host may still report what was wrong before it: this long it is no relapse.
  Millis relapse_grace = Seconds(30);
  Millis refused_retry = Seconds(15);  // a refused grant is asked for again after this
  int attempts_max = 3;                // repairs in one episode, over all rungs
  std::vector<Rung> default_ladder = {Rung::kReboot};
  std::map<std::string, ConditionPolicy> conditions = {};
};

// [remediator]
struct RemediatorConfig {
  Mode mode = Mode::kShadow;  // kAuto or kShadow
  Policy policy;
  // [policy.pools.NAME], each whole: what it does not say is as in [policy].
  std::map<std::string, Policy> pool_policies = {};
  std::vector<Limit> limits = ShippedLimits();
  BrakeLimits brake;
  Millis lease_ttl = Seconds(10);
  Millis list_every = Seconds(5);  // the scheduler's view of all hosts
  Millis apply_deadline = Seconds(5);
  std::string hold_file;               // empty: RUN_DIR/HOLD
  Millis evidence_wait = Seconds(10);  // a repair waits this long for its bundle of evidence
  // Hosts that are shown and never acted on, by name: protected for as long as the config says so.
  std::vector<std::string> watch_only;

  const Policy& PolicyOf(const HostFacts& facts) const {
    const auto pool = pool_policies.find(facts.pool);
    return pool == pool_policies.end() ? policy : pool->second;
  }
};

}  // namespace fleetmedic

#endif  // FLEETMEDIC_CONFIG_REMEDIATOR_CONFIG_H_
