// The wanted state of one host, and what a scheduler says it is.
#ifndef FLEETMEDIC_MODEL_DIRECTIVE_H_
#define FLEETMEDIC_MODEL_DIRECTIVE_H_

#include <cstdint>
#include <string>
#include <vector>

#include "model/ids.h"

namespace fleetmedic {

enum class Want : uint8_t {
  kSchedulable,  // tasks may come
  kTainted,      // no new tasks; those that run stay
  kDrained,      // no new tasks; those that run leave, within their jobs' limits
};
std::string_view WantName(Want want);
std::optional<Want> ParseWant(std::string_view word);

// A wanted state, not a command: repeating it is harmless, and of two the higher revision wins.
struct Directive {
  HostId host;
  uint64_t revision = 0;
  Want want = Want::kSchedulable;
  std::string reason;
  // For kDrained: when people are told that the drain is late. Nothing is forced by it.
  WallTime drain_deadline = kWallNever;

  bool operator==(const Directive&) const = default;
};

Json ToJson(const Directive& directive);
Result<Directive> DirectiveFromJson(const Json& json);

// One host as its scheduler sees it. Revision 0: the scheduler never had a directive for it.
struct HostView {
  HostId host;
  uint64_t revision = 0;
  Want want = Want::kSchedulable;
  // False when the scheduler has lost contact with the host's executor.
  bool connected = true;
  // Tasks that still run or may still run on the host, the scheduler's word.
  int tasks_left = 0;
  // Why the drain does not go on: the job and the limit that block it. Empty where nothing does.
  std::string blocked_by;
  // A taint or cordon of somebody else's holds the host too. Never ours to undo.
  bool foreign_taint = false;

  bool operator==(const HostView&) const = default;
};

Json ToJson(const HostView& view);
Result<HostView> HostViewFromJson(const Json& json);

}  // namespace fleetmedic

#endif  // FLEETMEDIC_MODEL_DIRECTIVE_H_
