// A message in the words of each kind of receiver. Pure. What comes from logs and from people is
// hostile: it can neither mention anybody, nor link, nor hide what stands around it.
#ifndef FLEETMEDIC_NOTIFY_PAYLOAD_H_
#define FLEETMEDIC_NOTIFY_PAYLOAD_H_

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "notify/message.h"

namespace fleetmedic {

struct Payload {
  std::vector<std::pair<std::string, std::string>> headers;  // names in lower case
  std::string body;
};

// `console_url` has no slash at its end: links are it and the message's path.

// JSON, with the attributes of CloudEvents 1.0 in binary mode (ce-*) and, of the time and the body,
// a signature: fleetmedic-timestamp holds seconds since 1970, fleetmedic-signature
// "v1=" + HMAC-SHA256(secret, timestamp + "." + body) in hexadecimal. A receiver refuses what is
// older than five minutes; ce-id (and `id` in the body) is the same where one message comes twice.
Payload WebhookPayload(const NotifyMessage& message, std::string_view console_url,
                       std::string_view secret, WallTime now);

// For an incoming webhook of Slack, or what takes the same: text and blocks.
Payload SlackPayload(const NotifyMessage& message, std::string_view console_url);

// PagerDuty's Events API v2. A digest has no place there.
Payload PagerDutyPayload(const NotifyMessage& message, std::string_view console_url,
                         std::string_view routing_key);

// The key that PagerDuty groups by: the message's own, or where that is longer than the 255
// characters that it takes, a part of it and its SHA-256.
std::string DedupKey(std::string_view key);

// "3 hosts, 12 tasks, pool web, cells c1, c2"; empty where nothing is known.
std::string BlastText(const BlastRadius& blast);

}  // namespace fleetmedic

#endif  // FLEETMEDIC_NOTIFY_PAYLOAD_H_
