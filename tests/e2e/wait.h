// Waiting for the real world, in tests that start it.
#ifndef FLEETMEDIC_TESTS_E2E_WAIT_H_
#define FLEETMEDIC_TESTS_E2E_WAIT_H_

#include <poll.h>

#include "absl/functional/function_ref.h"
#include "base/clock.h"

namespace fleetmedic {

// Asks every 50 ms until `done` says so, at most for `limit`. False when the limit came first.
inline bool WaitUntil(const Clock& clock, Millis limit, absl::FunctionRef<bool()> done) {
  const MonoTime end = clock.Mono() + limit;
  while (!done()) {
    if (clock.Mono() >= end) return false;
    (void)::poll(nullptr, 0, 50);
  }
  return true;
}

}  // namespace fleetmedic

#endif  // FLEETMEDIC_TESTS_E2E_WAIT_H_
