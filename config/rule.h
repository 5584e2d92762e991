// A rule: a pattern over log lines, and what it means for a host. The plain struct that
// rules/*.toml is compiled to (config/rules_load.h); the stream makes engines of it.
#ifndef FLEETMEDIC_CONFIG_RULE_H_
#define FLEETMEDIC_CONFIG_RULE_H_

#include <string>
#include <vector>

#include "model/finding.h"

namespace fleetmedic {

// Where something stands in a file, for messages: 1-based.
struct SourcePlace {
  std::string file;
  int line = 0;
  int column = 0;

  bool operator==(const SourcePlace&) const = default;
};

struct Rule {
  // "kernel.hung_task": the pack, a dot, the name. Unique over all files.
  std::string name;
  // Twelve hexadecimal characters of the SHA-256 over what the rule does: its name and everything
  // down to cancel, not its help, examples and places. What a finding names.
  std::string version;
  // The syntax that RE2 and Hyperscan share. Named groups are the captures.
  std::string pattern;
  bool ignore_case = false;
  // Which sources are trusted for it: "kernel", "journal:docker.service", "file:/var/log/syslog".
  // A trailing '*' matches any rest. Never empty.
  std::vector<std::string> sources;
  // The condition of the host that a finding opens.
  std::string condition;
  Severity severity = Severity::kSoft;
  std::string reason;
  // Templates over the captures: "task {task} blocked for {seconds} s". unit may be empty.
  std::string unit;
  std::string message;
  // A finding needs this many lines within this time on one host.
  int threshold_count = 1;
  Millis threshold_within = Minutes(1);
  // Clear::kTime is that of events, and of events alone: something that happened and is over. All
  // else is a state of the host that lasts.
  Clear clear = Clear::kQuiet;
  Millis clear_after = Minutes(10);
  // With Clear::kProbe: the condition type whose ok says that all is well again.
  std::string clear_probe;
  // A line of the same sources that takes back what was found, for the unit that its captures
  // give; "" for none. What was counted towards the threshold is forgotten too.
  std::string cancel;
  // For people: what it means, what to do.
  std::string help;
  // Lines that must match, and lines that must not. At least one of each.
  std::vector<std::string> examples;
  std::vector<std::string> counter_examples;
  // Lines that `cancel` must match; at least one where there is a cancel.
  std::vector<std::string> cancel_examples;
  SourcePlace place;
  // Of the patterns' values, so that an error inside them points into the file.
  SourcePlace pattern_place;
  SourcePlace cancel_place;
};

}  // namespace fleetmedic

#endif  // FLEETMEDIC_CONFIG_RULE_H_
