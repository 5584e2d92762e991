// The table of the host machine, for people, and the page that is printed from it. The simulator
// fails when a run steps along an edge that is not here, and when no run steps along one that is.
#include <fmt/format.h>

#include "remediation/host_machine.h"

namespace fleetmedic {
namespace {

using enum HostState;

constexpr Transition kTransitions[] = {
    {kHealthy, "report, finding", "a condition is bad, at or above the policy's severity", kSuspect,
     "a new episode"},
    {kHealthy, "tick", "the agent is silent and the scheduler lost the host too", kSuspect,
     "notify"},
    {kHealthy, "overlay", "a person wants the host drained", kSuspect, "a new episode"},
    {kSuspect, "tick", "all ok for `settle`, nobody wants it drained", kHealthy, ""},
    {kSuspect, "any",
     "bad for `confirm`, evidence fresh and of this boot, not held or protected, mode auto, no "
     "fleet issue that covers it, `retry_at` reached; or a person wants it drained",
     kSuspect, "ask for a grant"},
    {kSuspect, "refused", "", kSuspect, "`waits_for` names the limit, `retry_at` is kept"},
    {kSuspect, "granted", "not proven any more, or stopped", kSuspect, "release the grant"},
    {kSuspect, "granted", "still bad", kTainted, "revision + 1, directive tainted"},
    {kSuspect, "granted", "still bad, and the policy repairs this condition in place first",
     kRepairing, "attempt + 1, run the repair; tasks stay"},
    {kTainted, "any", "acknowledged, still bad, nothing stops it", kDraining,
     "revision + 1, directive drained with its deadline"},
    {kTainted, "tick", "all ok for `settle`", kProbation, "the taint stays"},
    {kTainted, "tick", "not acknowledged by its deadline", kTainted, "page; the outbox goes on"},
    {kTainted, "return", "", kProbation, ""},
    {kDraining, "view", "acknowledged, no task left, by the scheduler's list", kDrained, ""},
    {kDraining, "tick", "all ok for `settle`", kProbation, "revision + 1, directive tainted"},
    {kDraining, "tick", "past its deadline", kDraining, "page and wait; nothing is forced"},
    {kDraining, "return", "", kProbation, "revision + 1, directive tainted"},
    {kDrained, "tick", "still bad, a rung is left, nothing stops it", kRepairing,
     "attempt + 1, run the repair"},
    {kDrained, "tick", "still bad, the ladder is used up", kRetired, "page"},
    {kDrained, "tick", "all ok for `settle`, nobody wants it drained", kProbation,
     "the taint stays"},
    {kDrained, "return", "", kProbation, ""},
    {kRepairing, "repaired", "done", kProbation, "findings that need no boot are forgotten"},
    {kRepairing, "repaired, tick", "failed, refused or unknown, or past its deadline; in place",
     kTainted, "revision + 1, directive tainted, under the same grant"},
    {kRepairing, "repaired, tick", "failed, refused or unknown, or past its deadline; rungs left",
     kRepairing, "attempt + 1, run the next rung"},
    {kRepairing, "repaired, tick", "failed, refused or unknown, or past its deadline; none left",
     kRetired, "page"},
    {kProbation, "tick", "every detector fresh and ok for `settle`", kProbation,
     "revision + 1, directive schedulable"},
    {kProbation, "view", "schedulable is acknowledged", kHealthy, "release the grant"},
    {kProbation, "tick", "every detector fresh and ok for `settle`; no taint to lift", kHealthy,
     "release the grant"},
    {kProbation, "any", "bad after `relapse_grace`; the host is drained", kDrained, ""},
    {kProbation, "any", "bad after `relapse_grace`; the host is tainted", kTainted, ""},
    {kProbation, "any", "bad after `relapse_grace`; repaired in place", kTainted,
     "revision + 1, directive tainted, under the same grant"},
    {kProbation, "tick", "past its deadline", kRetired, "page"},
    {kRetired, "return", "by a person", kProbation, ""},
};

}  // namespace

std::span<const Transition> Transitions() { return kTransitions; }

std::string StateMachineMarkdown() {
  std::string page =
      "# The life of a host\n\n"
      "Printed from `remediation/transitions.cc` by a test; do not edit.\n\n"
      "A hold or a protection lies over a state: the machine never forgets where it was. "
      "`unknown`\nfreezes a host; it is not a state to drain from. Any other pair of state and "
      "input leaves the\nhost as it is, with `ignored: ...` as its why, counted.\n\n"
      "| from | input | guard | to | effects |\n|---|---|---|---|---|\n";
  for (const Transition& row : Transitions()) {
    page += fmt::format("| {} | {} | {} | {} | {} |\n", HostStateName(row.from), row.input,
                        row.guard, HostStateName(row.to), row.effects);
  }
  return page;
}

}  // namespace fleetmedic
