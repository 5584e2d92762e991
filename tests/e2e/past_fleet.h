// A fleet with a past: hours of facts, beats and log lines in the event log and what the stream
// made of them in its stores, written by the stream itself on a clock that ends at the present. For
// tests that start the program and want it to know what is usual.
#ifndef FLEETMEDIC_TESTS_E2E_PAST_FLEET_H_
#define FLEETMEDIC_TESTS_E2E_PAST_FLEET_H_

#include <string>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "eventlog/event_log.h"

namespace fleetmedic {

// Sixty hosts in six racks; every third, the sick ones, run kernel 6.1.99. Every host has said each
// of the usual lines once a minute, and no host any of the others.
class PastFleet {
 public:
  static constexpr int kHosts = 60;
  static constexpr int kSickEvery = 3;
  static constexpr int kSick = kHosts / kSickEvery;

  static std::string Name(int host);
  static bool Sick(int host) { return host % kSickEvery == 0; }
  static const std::vector<std::string>& UsualRules();
  static const std::vector<std::string>& TroubleRules();
  static uint64_t LinesOfThePast(const std::string& rule);
  // A line that the rule matches, as the kernel writes it.
  static std::string LineOf(const std::string& rule);
  // The rules, as a file of them.
  static std::string RulesToml();

  // Into the folder, which has the file of rules already. The event log gets so many partitions.
  static Status Write(const std::string& state_dir, const std::string& rules_path, int partitions);

  // The record of a frame of the kernel's lines of these rules.
  static Record Frame(int host, const std::vector<std::string>& rules, WallTime at);
  static Record Beat(int host, WallTime at);
};

}  // namespace fleetmedic

#endif  // FLEETMEDIC_TESTS_E2E_PAST_FLEET_H_
