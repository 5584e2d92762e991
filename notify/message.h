// What is sent: one message of one group, or a digest. Pure.
#ifndef FLEETMEDIC_NOTIFY_MESSAGE_H_
#define FLEETMEDIC_NOTIFY_MESSAGE_H_

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/notify_config.h"
#include "notify/event.h"

namespace fleetmedic {

struct NotifyMessage {
  enum class Act : uint8_t { kTrigger, kUpdate, kAcknowledge, kResolve, kDigest, kTest };
  enum class Severity : uint8_t { kInfo, kWarning, kError, kCritical };

  // The same for a message that is sent again after a crash.
  std::string id;
  Act act = Act::kTrigger;
  Severity severity = Severity::kInfo;
  std::string key;    // of its group
  std::string title;  // one line
  std::string why;    // of the newest event
  BlastRadius blast;
  uint64_t events = 1;             // that were folded into it
  std::vector<std::string> lines;  // of a digest or a storm, at most kLinesMax
  uint64_t more = 0;               // of which there was no room
  std::string path;                // of the console: "/#/issues/I-3fa94c21"
  WallTime first_at = kWallNever;
  WallTime last_at = kWallNever;

  static constexpr size_t kLinesMax = 20;

  bool operator==(const NotifyMessage&) const = default;
};

Json ToJson(const NotifyMessage& message);
Result<NotifyMessage> NotifyMessageFromJson(const Json& json);

std::string_view ActName(NotifyMessage::Act act);
std::string_view SeverityName(NotifyMessage::Severity severity);

// The page of the console that shows an object of the audit: "/#/hosts/web-3".
std::string ConsolePath(std::string_view object);

// Whether the channel is for this message: its urgency, and its hosts.
bool Takes(const NotifyChannel& channel, const NotifyMessage& message);

}  // namespace fleetmedic

#endif  // FLEETMEDIC_NOTIFY_MESSAGE_H_
