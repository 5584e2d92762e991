// Waiting for descriptors with a deadline.
#ifndef FLEETMEDIC_BASE_POLL_H_
#define FLEETMEDIC_BASE_POLL_H_

#include <poll.h>

#include <span>

#include "base/clock.h"

namespace fleetmedic {

// poll(2) until a descriptor is ready (their number) or the clock reads `deadline` (0), signals
// notwithstanding. A deadline that is past looks once and does not wait; kMonoForever waits for
// ever. The kernel measures by its monotonic clock: a jump of the wall clock changes nothing.
int PollUntil(std::span<pollfd> fds, const Clock& clock, MonoTime deadline);

}  // namespace fleetmedic

#endif  // FLEETMEDIC_BASE_POLL_H_
