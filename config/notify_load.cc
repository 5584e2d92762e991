#include "config/notify_load.h"

#include <algorithm>

#include "base/text.h"
#include "base/web_client.h"

namespace fleetmedic {
namespace {

class ChannelCheck {
 public:
  ChannelCheck(const TomlNode& place, const NotifyChannel& channel, Diagnostics* diagnostics)
      : place_(place), channel_(channel), diagnostics_(diagnostics) {}

  void Required(std::span<const NotifyChannel> others) {
    for (const std::string_view key : {"name", "kind"}) {
      if (place_.Find(key) == nullptr) Refuse("", "expected " + std::string(key) + ", got none");
    }
    if (std::ranges::count(others, channel_.name, &NotifyChannel::name) > 0) {
      Refuse("name", "expected each name once, got " + Quote(channel_.name) + " again");
    }
  }

  void Address() {
    if (!channel_.url.empty() && !channel_.url_file.empty()) {
      return Refuse("url_file", "expected url or url_file, got both");
    }
    if (channel_.kind == "slack" && !channel_.url.empty()) {
      return Refuse("url",
                    "a Slack webhook's URL is its secret: write it into a file and name "
                    "that by url_file");
    }
    const bool has_own = channel_.kind == "pagerduty";
    if (channel_.url.empty() && channel_.url_file.empty() && !has_own) {
      return Refuse("", channel_.kind == "slack" ? "expected url_file, got none"
                                                 : "expected url or url_file, got none");
    }
    if (channel_.url.empty()) return;
    const Result<WebUrl> url = WebUrl::Parse(channel_.url);
    if (!url) return Refuse("url", url.error().message);
    if (url->tls || url->IsLoopback()) return;
    const TomlNode& at = *place_.Find("url");
    diagnostics_->Warning(at.place, at.width,
                          "notify.channel.url: http:// lets others read and change what is sent",
                          "write https://");
  }

  void Secret() {
    const bool takes = channel_.kind != "slack";
    if (takes && channel_.secret_file.empty()) {
      Refuse("", channel_.kind == "pagerduty"
                     ? "expected secret_file, which holds the routing key; got none"
                     : "expected secret_file, which holds the key of signatures; got none");
    }
    if (!takes && !channel_.secret_file.empty()) {
      Refuse("secret_file", "expected none for the kind \"slack\", got one");
    }
    if (channel_.kind == "pagerduty" && channel_.urgency != "page") {
      Refuse("urgency",
             "expected \"page\" for the kind \"pagerduty\": a digest calls nobody; got " +
                 Quote(channel_.urgency));
    }
  }

 private:
  void Refuse(std::string_view key, const std::string& message) {
    // A snippet of a URL's own line would print what may be a secret.
    const bool plain = !key.empty() && key != "url";
    const TomlNode* const value = plain ? place_.Find(key) : nullptr;
    const TomlNode& at = value == nullptr ? place_ : *value;
    const std::string path = key.empty() ? "notify.channel" : "notify.channel." + std::string(key);
    diagnostics_->Error(at.place, at.width, path + ": " + message);
  }

  const TomlNode& place_;
  const NotifyChannel& channel_;
  Diagnostics* const diagnostics_;
};

}  // namespace

void CheckChannel(const TomlNode& place, const NotifyChannel& channel,
                  std::span<const NotifyChannel> others, Diagnostics* diagnostics) {
  ChannelCheck check(place, channel, diagnostics);
  check.Required(others);
  // Without its kind nothing more can be said of it.
  if (channel.kind.empty()) return;
  check.Address();
  check.Secret();
}

}  // namespace fleetmedic
