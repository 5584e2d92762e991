// Whom people's messages go to, with the defaults that ship.
#ifndef FLEETMEDIC_CONFIG_NOTIFY_CONFIG_H_
#define FLEETMEDIC_CONFIG_NOTIFY_CONFIG_H_

#include <cstddef>
#include <string>
#include <vector>

#include "base/time.h"

namespace fleetmedic {

// [[notify.channel]]
struct NotifyChannel {
  std::string name;
  std::string kind;                // "webhook", "slack" or "pagerduty"
  std::string url;                 // where it is no secret
  std::string url_file;            // holds it where it is one
  std::string secret_file;         // webhook: the key of signatures; pagerduty: the routing key
  std::string ca_file;             // empty: the machine's authorities
  std::string urgency = "page";    // "page", "digest" or "all"
  std::vector<std::string> pools;  // empty: all
  std::vector<std::string> cells;  // empty: all
  bool fleet = true;               // what concerns no pool alone: the brake, the mode
};

constexpr size_t kNotifyChannelsMax = 32;

// [notify]
struct NotifyConfig {
  std::string console_url;          // before the path of a link; empty: [api]'s own address
  Millis gather = Seconds(5);       // a message waits this long for what belongs to it
  Millis window = Minutes(5);       // news of the same is told again only after it
  int messages_per_minute_max = 6;  // further ones become one, "and N more"
  Millis digest_every = Hours(1);   // 0: no digest
  Millis try_deadline = Seconds(10);
  Millis give_up_after = Hours(1);  // then it goes to the dead letters
  int queue_messages_max = 256;     // of one channel
  std::vector<NotifyChannel> channels;
};

}  // namespace fleetmedic

#endif  // FLEETMEDIC_CONFIG_NOTIFY_CONFIG_H_
