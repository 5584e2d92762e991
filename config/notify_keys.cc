// The keys of [notify] and of its channels.
#include "config/keys.h"

namespace fleetmedic {
namespace {

constexpr std::string_view kKinds[] = {"webhook", "slack", "pagerduty"};
constexpr std::string_view kUrgencies[] = {"page", "digest", "all"};

constexpr ConfigKey kNotifyKeys[] = {
    {"notify",
     "console_url",
     [](Config& c) { return Slot(&c.notify.console_url); },
     {},
     "Where people reach the console, before the path of a link; empty: [api]'s own address."},
    {"notify", "gather", [](Config& c) { return Slot(&c.notify.gather); },
     Between(Millis(0), Minutes(10)), "A message waits this long for what belongs to it."},
    {"notify", "window", [](Config& c) { return Slot(&c.notify.window); },
     Between(Seconds(1), Hours(24)), "News of what was told already is told again after this."},
    {"notify", "messages_per_minute_max",
     [](Config& c) { return Slot(&c.notify.messages_per_minute_max); }, Between(1, 1000),
     "What is beyond becomes one message: \"and N more\"."},
    {"notify", "digest_every", [](Config& c) { return Slot(&c.notify.digest_every); },
     Between(Millis(0), Hours(24 * 7)),
     "What calls nobody is told together this often; 0s: never."},
    {"notify", "try_deadline", [](Config& c) { return Slot(&c.notify.try_deadline); },
     Between(Millis(100), Minutes(2)), "For one try at sending."},
    {"notify", "give_up_after", [](Config& c) { return Slot(&c.notify.give_up_after); },
     Between(Seconds(1), Hours(24 * 7)),
     "A message that could not be sent for so long goes to the dead letters."},
    {"notify", "queue_messages_max", [](Config& c) { return Slot(&c.notify.queue_messages_max); },
     Between(1, 10'000), "Of one channel; past it the oldest goes to the dead letters."},
};

constexpr NotifyChannelKey kChannelKeys[] = {
    {"notify.channel", "name", [](NotifyChannel& c) { return Slot(&c.name); }, Form(TextForm::kId),
     "In metrics, in status, and for `notify test`."},
    {"notify.channel", "kind", [](NotifyChannel& c) { return Slot(&c.kind); }, OneOf(kKinds),
     "How it is spoken to."},
    {"notify.channel",
     "url",
     [](NotifyChannel& c) { return Slot(&c.url); },
     {},
     "Of a webhook, where it is no secret; of pagerduty, in place of its own."},
    {"notify.channel", "url_file", [](NotifyChannel& c) { return Slot(&c.url_file); },
     Form(TextForm::kPathOrEmpty), "Holds the URL where it is a secret: Slack's always is."},
    {"notify.channel", "secret_file", [](NotifyChannel& c) { return Slot(&c.secret_file); },
     Form(TextForm::kPathOrEmpty),
     "Holds the key of a webhook's signatures, or PagerDuty's routing key."},
    {"notify.channel", "ca_file", [](NotifyChannel& c) { return Slot(&c.ca_file); },
     Form(TextForm::kPathOrEmpty),
     "Authorities (PEM) that the server's certificate is checked by; empty: the machine's."},
    {"notify.channel", "urgency", [](NotifyChannel& c) { return Slot(&c.urgency); },
     OneOf(kUrgencies), "What calls a person, the digest, or all."},
    {"notify.channel",
     "pools",
     [](NotifyChannel& c) { return Slot(&c.pools); },
     {},
     "Only what concerns hosts of these; empty: all."},
    {"notify.channel",
     "cells",
     [](NotifyChannel& c) { return Slot(&c.cells); },
     {},
     "Only what concerns hosts of these; empty: all."},
    {"notify.channel",
     "fleet",
     [](NotifyChannel& c) { return Slot(&c.fleet); },
     {},
     "Also what concerns no pool alone, such as the brake, where pools or cells are named."},
};

}  // namespace

std::span<const ConfigKey> NotifyKeys() { return kNotifyKeys; }
std::span<const NotifyChannelKey> NotifyChannelKeys() { return kChannelKeys; }

}  // namespace fleetmedic
