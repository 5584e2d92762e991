// A role owns no thread: it is turned. Production gives each a RoleLoop; the simulator turns all
// of them on one thread.
#ifndef FLEETMEDIC_BASE_ROLE_H_
#define FLEETMEDIC_BASE_ROLE_H_

#include <string_view>

#include "base/time.h"

namespace fleetmedic {

// Called by one thread at a time. Turn never blocks on the network or on a child process; what
// takes time goes to workers, and its outcome is taken in by a later turn.
class Role {
 public:
  virtual ~Role() = default;
  virtual std::string_view name() const = 0;
  // Does what is due at `now`: bounded work. Errors are the role's own to count, log and retry.
  virtual void Turn(MonoTime now) = 0;
  // When Turn wants to be called again at the latest; new input may wake it sooner.
  virtual MonoTime NextWake() const = 0;
};

}  // namespace fleetmedic

#endif  // FLEETMEDIC_BASE_ROLE_H_
