#include "app/notify_command.h"

#include <algorithm>
#include <ostream>

#include <fmt/format.h>

#include "app/settings.h"
#include "base/random.h"
#include "base/text.h"
#include "notify/sender.h"

namespace fleetmedic {
namespace {

int Problem(const cli::Invocation& call, int code, const std::string& message) {
  *call.env.err << "fleetmedic notify test: " << message << "\n";
  return code;
}

std::string_view VerdictText(TryVerdict verdict) {
  switch (verdict) {
    case TryVerdict::kDelivered:
      return "delivered";
    case TryVerdict::kRetry:
      return "failed, would be tried again";
    case TryVerdict::kFinal:
      return "refused";
  }
  return "";
}

// Those that are to be tried; none where the name is of none.
std::vector<NotifyChannel> Chosen(const cli::Invocation& call, const NotifyConfig& config) {
  if (call.args.positionals.empty()) return config.channels;
  std::vector<NotifyChannel> chosen;
  std::ranges::copy_if(config.channels, std::back_inserter(chosen),
                       [&call](const NotifyChannel& channel) {
                         return channel.name == call.args.positionals.front();
                       });
  return chosen;
}

std::string NoSuchChannel(const std::string& name, const NotifyConfig& config) {
  std::vector<std::string> names;
  for (const NotifyChannel& channel : config.channels) names.push_back(channel.name);
  const auto meant = ClosestWord(name, names);
  return fmt::format("no channel {} is in the config{}", Quote(name, 80),
                     meant ? fmt::format("; did you mean {}?", *meant) : "");
}

}  // namespace

int RunNotifyTest(const cli::Invocation& call) {
  const Result<Config> config = LoadSettings(call);
  if (!config) return Problem(call, cli::kExitBadConfig, config.error().message);
  const NotifyConfig& notify = config->notify;
  if (notify.channels.empty()) {
    return Problem(call, cli::kExitNotFound,
                   "the config has no [[notify.channel]]; docs/NOTIFICATIONS.md has examples");
  }
  const std::vector<NotifyChannel> chosen = Chosen(call, notify);
  if (chosen.empty()) {
    return Problem(call, cli::kExitNotFound, NoSuchChannel(call.args.positionals.front(), notify));
  }
  const HttpAddress api{config->api.listen_address, config->api.port, ""};
  const NotifySender sender(call.env.clock, call.env.cancel, ConsoleUrl(notify, api.Text()),
                            notify.try_deadline);
  size_t delivered = 0;
  for (const NotifyChannel& channel : chosen) {
    const TryOutcome outcome =
        sender.Try(channel, TestMessage("test-" + EntropyHex(8), call.env.clock->Wall()));
    delivered += outcome.verdict == TryVerdict::kDelivered ? 1 : 0;
    *call.env.out << fmt::format("{} ({}): {}: {}\n", channel.name, channel.kind,
                                 VerdictText(outcome.verdict), VisibleText(outcome.reason));
  }
  if (delivered == chosen.size()) return cli::kExitDone;
  return delivered == 0 ? cli::kExitFailed : cli::kExitPartlyDone;
}

void CheckChannelFiles(const NotifyConfig& config, const std::string& path,
                       Diagnostics* diagnostics) {
  const SystemClock clock;
  for (const NotifyChannel& channel : config.channels) {
    const auto warn = [&](const Error& error) {
      diagnostics->Warning({path, 0, 0}, 1,
                           fmt::format("notify.channel {}: {}", channel.name, error.message));
    };
    if (const auto secrets = ReadSecrets(channel); !secrets) warn(secrets.error());
    if (const auto client = WebClient::Make(channel.ca_file, &clock); !client) {
      warn(client.error());
    }
  }
}

}  // namespace fleetmedic
