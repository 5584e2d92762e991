// How long a detector takes from a fault to its condition.
#ifndef FLEETMEDIC_TESTS_E2E_FAULT_TIME_H_
#define FLEETMEDIC_TESTS_E2E_FAULT_TIME_H_

#include <cstdio>
#include <string>
#include <string_view>

#include "absl/functional/function_ref.h"
#include "base/clock.h"
#include "detectors/detector.h"
#include "tests/e2e/wait.h"

namespace fleetmedic {

// What is to be said of a fault, where it is more than its type.
struct FaultSaid {
  std::string unit = {};  // empty: of any
  Verdict verdict = Verdict::kBad;
};

// Runs the detector at its own interval, as the agent does, until it says `type` is ok; makes the
// fault at once after such a look, which is the worst moment; and goes on until it says bad. Prints
// the time between, and returns it; at most two minutes each.
inline Micros FaultTime(const Clock& clock, Detector* detector, std::string_view fault,
                        std::string_view type, absl::FunctionRef<void()> make_fault,
                        const FaultSaid& said = {}) {
  const auto until = [&](Verdict verdict) {
    const MonoTime end = clock.Mono() + Minutes(2);
    while (clock.Mono() < end) {
      const MonoTime next = clock.Mono() + detector->interval();
      const auto conditions = detector->Probe(clock.Mono() + Seconds(5));
      for (const Condition& condition : conditions.value_or(std::vector<Condition>{})) {
        const bool of_unit =
            verdict == Verdict::kOk || said.unit.empty() || condition.unit == said.unit;
        if (condition.type == type && condition.verdict == verdict && of_unit) return true;
      }
      (void)WaitUntil(clock, Minutes(1), [&] { return clock.Mono() >= next; });
    }
    return false;
  };
  if (!until(Verdict::kOk)) return Minutes(2);
  const MonoTime fault_at = clock.Mono();
  make_fault();
  // The look before the fault has just ended: the next is due an interval after it began.
  (void)WaitUntil(clock, Minutes(1),
                  [&] { return clock.Mono() - fault_at >= detector->interval(); });
  (void)until(said.verdict);
  const Micros took = clock.Mono() - fault_at;
  std::printf("FAULT %s -> %s in %.2f s\n", std::string(fault).c_str(), std::string(type).c_str(),
              static_cast<double>(took.count()) / 1e6);
  return took;
}

}  // namespace fleetmedic

#endif  // FLEETMEDIC_TESTS_E2E_FAULT_TIME_H_
