// The life of one host, as a pure and total function: docs/STATE_MACHINE.md is printed from it.
#ifndef FLEETMEDIC_REMEDIATION_HOST_MACHINE_H_
#define FLEETMEDIC_REMEDIATION_HOST_MACHINE_H_

#include <span>
#include <string>
#include <variant>
#include <vector>

#include "config/remediator_config.h"
#include "model/finding.h"
#include "model/health_event.h"
#include "model/host_record.h"

namespace fleetmedic {

// What can happen to a host's record.
namespace input {
struct Facts {
  HostFacts facts;
};
struct Report {
  HealthEvent event;
};
struct Found {
  Finding finding;
};
struct Tick {};
struct Granted {
  GrantId grant;
};
struct Refused {
  std::string limit;  // the named limit
  WallTime retry_at = kWallNever;
};
// The scheduler's word about the host. `listed`: from List, which alone verifies that nothing
// runs; an answer to Apply only acknowledges.
struct View {
  HostView view;
  bool listed = false;
};
// List succeeded and does not know the host.
struct NotListed {};
struct Repaired {
  RepairReport report;
};
// What people have laid over the host now, all of it at once.
struct Overlay {
  bool held = false;
  bool protected_ = false;
  bool drain_wanted = false;
  bool taint_only = false;  // with drain_wanted: the taint and no more
  std::string reason;
};
// A person gives a drained or retired host back.
struct Return {
  std::string who;
};
}  // namespace input

using Input = std::variant<input::Facts, input::Report, input::Found, input::Tick, input::Granted,
                           input::Refused, input::View, input::NotListed, input::Repaired,
                           input::Overlay, input::Return>;

// What the host's record cannot know: the state of the whole.
struct Surroundings {
  Mode mode = Mode::kShadow;
  // Why the mode is not auto, for `waits_for`; empty in auto.
  std::string mode_reason;
  // Why nothing may be done to any host at all, whatever the mode; empty where it may.
  std::string frozen;
  // Executors' reports of a while ago are not read yet: how a repair ended may be among them.
  bool outcomes_behind = false;
  // The open fleet issue that covers this host; empty for none.
  std::string issue;
  // Rules that people hold: what they found justifies nothing new.
  std::vector<std::string> held_rules;
  // Rules that are not in use any more: what they found is over.
  std::vector<std::string> ended_rules;
};

// What the machine wants done. Nothing is done before the record that says so is durable.
namespace effect {
struct AskGrant {
  std::string reason;
};
struct ReleaseGrant {
  GrantId grant;
};
struct Direct {
  Directive directive;
  // It gives back or softens: needs no evidence that something is bad.
  bool recovery = false;
};
struct RunRepair {
  Repair repair;
};
// People are told; `urgent` pages, otherwise it is a line in the digest.
struct Notify {
  std::string text;
  bool urgent = false;
};
}  // namespace effect

using Effect = std::variant<effect::AskGrant, effect::ReleaseGrant, effect::Direct,
                            effect::RunRepair, effect::Notify>;

struct Decision {
  HostRecord next;
  std::vector<Effect> effects;
  // Why the state changed, or "ignored: ..." where the input changed nothing it could have.
  // Empty where there is nothing to tell.
  std::string why;
};

// Total: every pair of state and input has an answer. Reads nothing but its arguments.
Decision Step(const Policy& policy, const HostRecord& record, const Input& input,
              const Surroundings& surroundings, WallTime now);

std::string_view InputName(const Input& input);

// One row of the machine, for docs and for the test that compares it with what Step does.
struct Transition {
  HostState from;
  std::string_view input;
  std::string_view guard;
  HostState to;
  std::string_view effects;
};
std::span<const Transition> Transitions();
// docs/STATE_MACHINE.md.
std::string StateMachineMarkdown();

}  // namespace fleetmedic

#endif  // FLEETMEDIC_REMEDIATION_HOST_MACHINE_H_
