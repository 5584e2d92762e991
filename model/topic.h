// The topics of the event log. design.md, "The way of the data", says who writes what.
#ifndef FLEETMEDIC_MODEL_TOPIC_H_
#define FLEETMEDIC_MODEL_TOPIC_H_

#include <array>
#include <optional>
#include <string_view>

#include "model/words.h"

namespace fleetmedic {

enum class Topic : uint8_t {
  kLogs,
  kHealth,
  kHosts,
  kFindings,
  kCounts,
  kIssues,
  kCommands,
  kTasks,
  kAudit,
  kDeadLetter,
  kEvidence,
};

inline constexpr Words<Topic, 11> kTopics = {{{Topic::kLogs, "fleetmedic.logs"},
                                              {Topic::kHealth, "fleetmedic.health"},
                                              {Topic::kHosts, "fleetmedic.hosts"},
                                              {Topic::kFindings, "fleetmedic.findings"},
                                              {Topic::kCounts, "fleetmedic.counts"},
                                              {Topic::kIssues, "fleetmedic.issues"},
                                              {Topic::kCommands, "fleetmedic.commands"},
                                              {Topic::kTasks, "fleetmedic.tasks"},
                                              {Topic::kAudit, "fleetmedic.audit"},
                                              {Topic::kDeadLetter, "fleetmedic.dead-letter"},
                                              {Topic::kEvidence, "fleetmedic.evidence"}}};

constexpr std::string_view TopicName(Topic topic) { return WordOf(kTopics, topic); }
constexpr std::optional<Topic> ParseTopic(std::string_view word) { return ValueOf(kTopics, word); }

}  // namespace fleetmedic

#endif  // FLEETMEDIC_MODEL_TOPIC_H_
