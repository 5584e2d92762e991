// What one run of a custom check means. Pure.
//
// The contract is node-problem-detector's (docs/custom_plugin_monitor.md there): exit code 0 is
// ok, 1 is bad, anything else is unknown, and the first line of the standard output is the message.
#ifndef FLEETMEDIC_DETECTORS_CHECKS_CHECK_EVALUATE_H_
#define FLEETMEDIC_DETECTORS_CHECKS_CHECK_EVALUATE_H_

#include <cstdint>
#include <string>
#include <string_view>

#include "base/child_process.h"
#include "config/checks_config.h"
#include "model/condition.h"

namespace fleetmedic {

inline constexpr size_t kCheckMessageBytesMax = 512;

struct CheckRun {
  enum class Outcome : uint8_t {
    kEnded,        // `status` and `output`
    kTimedOut,     // killed at its deadline
    kCannotStart,  // `error` says why
    kNoTurn,       // as many checks as may run did so for all its time
  };
  Outcome outcome = Outcome::kEnded;
  ExitStatus status;
  std::string output;  // standard output, any bytes
  std::string error;
};

// The first line that is not blank, visible and capped; empty where there is none.
std::string CheckMessage(std::string_view output);

Condition EvaluateCheck(const CheckConfig& check, const CheckRun& run);

}  // namespace fleetmedic

#endif  // FLEETMEDIC_DETECTORS_CHECKS_CHECK_EVALUATE_H_
