// The custom checks, with the defaults that ship.
#ifndef FLEETMEDIC_CONFIG_CHECKS_CONFIG_H_
#define FLEETMEDIC_CONFIG_CHECKS_CONFIG_H_

#include <cstddef>
#include <string>
#include <vector>

#include "base/time.h"
#include "model/condition.h"

namespace fleetmedic {

// [[checks]]: a program of the operator's, by node-problem-detector's contract.
struct CheckConfig {
  std::string name;
  std::string type;  // of the condition that it tells of, with its name as the unit
  Severity severity = Severity::kSoft;
  std::vector<std::string> command;  // argv
  // As node-problem-detector's custom plugins where their config says nothing: invoke_interval
  // 30s, timeout 5s, concurrency 3.
  Millis interval = Seconds(30);
  Millis deadline = Seconds(5);
  std::string user;  // a local user or UID:GID; empty: the agent's own
};

inline constexpr size_t kChecksMax = 64;  // each has a thread, asleep between its runs

// [detectors.checks]
struct ChecksConfig {
  int running_max = 3;  // at the same time
  std::vector<CheckConfig> list;
};

}  // namespace fleetmedic

#endif  // FLEETMEDIC_CONFIG_CHECKS_CONFIG_H_
