// One try at sending one message by one channel. Blocks; for workers.
#ifndef FLEETMEDIC_NOTIFY_SENDER_H_
#define FLEETMEDIC_NOTIFY_SENDER_H_

#include <optional>
#include <string>

#include "base/clock.h"
#include "base/http_client.h"
#include "base/web_client.h"
#include "config/notify_config.h"
#include "notify/message.h"
#include "notify/retry.h"

namespace fleetmedic {

struct TryOutcome {
  TryVerdict verdict = TryVerdict::kRetry;
  std::string reason;  // what was answered or went wrong; no secret and no URL is in it
  std::optional<Millis> retry_after;
};

// What a channel needs, as its files say now: they are read at each try, so that a secret is
// changed without a restart.
struct ChannelSecrets {
  WebUrl url;
  std::string secret;
};
// Errors name the file and what to do, and never what is in it.
Result<ChannelSecrets> ReadSecrets(const NotifyChannel& channel);

class NotifySender {
 public:
  // `clock` and `cancel` are not owned. `console_url` has no slash at its end.
  NotifySender(const Clock* clock, const HttpCancel* cancel, std::string console_url,
               Millis try_deadline)
      : clock_(clock),
        cancel_(cancel),
        console_url_(std::move(console_url)),
        try_deadline_(try_deadline) {}

  // Thread-safe.
  TryOutcome Try(const NotifyChannel& channel, const NotifyMessage& message) const;

 private:
  const Clock* const clock_;
  const HttpCancel* const cancel_;
  const std::string console_url_;
  const Millis try_deadline_;
};

// The message of `fleetmedic notify test`.
NotifyMessage TestMessage(std::string id, WallTime now);

// What links begin with: notify.console_url, or else the API's own address.
std::string ConsoleUrl(const NotifyConfig& config, const std::string& api_address);

}  // namespace fleetmedic

#endif  // FLEETMEDIC_NOTIFY_SENDER_H_
