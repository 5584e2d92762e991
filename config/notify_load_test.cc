#include "config/notify_load.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/file.h"
#include "config/load.h"
#include "config/show.h"

namespace fleetmedic {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

// The headlines for one channel of these keys.
std::vector<std::string> Said(const std::string& keys) {
  Diagnostics diagnostics;
  (void)ParseConfig("[[notify.channel]]\n" + keys, "f", {}, &diagnostics);
  std::vector<std::string> said;
  for (const Diagnostic& each : diagnostics.Sorted()) said.push_back(each.message);
  return said;
}

constexpr std::string_view kAll = R"(
[notify]
console_url = "https://fleet.example.com"
messages_per_minute_max = 3

[[notify.channel]]
name = "oncall"
kind = "pagerduty"
secret_file = "/etc/fleetmedic/pagerduty.key"

[[notify.channel]]
name = "web-team"
kind = "slack"
url_file = "/etc/fleetmedic/slack.url"
urgency = "all"
pools = ["web"]
fleet = false

[[notify.channel]]
name = "bus"
kind = "webhook"
url = "https://bus.example.com/fleet"
secret_file = "/etc/fleetmedic/bus.key"
ca_file = "/etc/fleetmedic/ca.pem"
urgency = "digest"
cells = ["c1"]
)";

TEST(NotifyConfigTest, ReadsChannelsAndShowsThemAgain) {
  Diagnostics diagnostics;
  const Result<Config> config = ParseConfig(kAll, "f", {}, &diagnostics);
  ASSERT_TRUE(config) << diagnostics.Text();
  ASSERT_EQ(config->notify.channels.size(), 3u);
  EXPECT_EQ(config->notify.messages_per_minute_max, 3);
  EXPECT_EQ(config->notify.channels[0].urgency, "page");
  EXPECT_TRUE(config->notify.channels[0].fleet);
  EXPECT_THAT(config->notify.channels[1].pools, ElementsAre("web"));
  EXPECT_FALSE(config->notify.channels[1].fleet);
  EXPECT_EQ(config->notify.channels[2].ca_file, "/etc/fleetmedic/ca.pem");
  const std::string shown = ShowConfig(*config, {});
  Diagnostics again;
  const Result<Config> reread = ParseConfig(shown, "g", {}, &again);
  ASSERT_TRUE(reread) << again.Text();
  EXPECT_EQ(ShowConfig(*reread, {}), shown);
  EXPECT_THAT(shown, HasSubstr("[[notify.channel]]\nname = \"web-team\"\nkind = \"slack\"\n"));
}

TEST(NotifyConfigTest, TheExampleThatShipsIsRightAndTheManualShowsIt) {
  const std::string example = ReadFile("deploy/notify.example.toml", 1 << 20).value();
  Diagnostics diagnostics;
  const Result<Config> config = ParseConfig(example, "f", {}, &diagnostics);
  ASSERT_TRUE(config) << diagnostics.Text();
  EXPECT_EQ(diagnostics.warnings(), 0u) << diagnostics.Text();
  EXPECT_EQ(config->notify.channels.size(), 3u);
  const std::string manual = ReadFile("docs/NOTIFICATIONS.md", 1 << 20).value();
  EXPECT_THAT(manual, HasSubstr(example.substr(example.find("[notify]"))));
}

TEST(NotifyConfigTest, EveryMistakeHasItsWord) {
  struct Case {
    const char* sentence;
    const char* keys;
    std::vector<std::string> said;
  };
  const Case cases[] = {
      {"neither name nor kind",
       "url = \"https://h/\"\n",
       {"notify.channel: expected name, got none", "notify.channel: expected kind, got none"}},
      {"a webhook without address and key",
       "name = \"a\"\nkind = \"webhook\"\n",
       {"notify.channel: expected url or url_file, got none",
        "notify.channel: expected secret_file, which holds the key of signatures; got none"}},
      {"both addresses",
       "name = \"a\"\nkind = \"webhook\"\nurl = \"https://h/\"\nurl_file = \"/u\"\n"
       "secret_file = \"/s\"\n",
       {"notify.channel.url_file: expected url or url_file, got both"}},
      {"an address over the open wire",
       "name = \"a\"\nkind = \"webhook\"\nurl = \"http://h/\"\nsecret_file = \"/s\"\n",
       {"notify.channel.url: http:// lets others read and change what is sent"}},
      {"one that stays on the machine",
       "name = \"a\"\nkind = \"webhook\"\nurl = \"http://127.0.0.1:9/\"\nsecret_file = \"/s\"\n",
       {}},
      {"slack without its file",
       "name = \"a\"\nkind = \"slack\"\n",
       {"notify.channel: expected url_file, got none"}},
      {"slack with a key",
       "name = \"a\"\nkind = \"slack\"\nurl_file = \"/u\"\nsecret_file = \"/s\"\n",
       {"notify.channel.secret_file: expected none for the kind \"slack\", got one"}},
      {"pagerduty without its key",
       "name = \"a\"\nkind = \"pagerduty\"\n",
       {"notify.channel: expected secret_file, which holds the routing key; got none"}},
      {"pagerduty for a digest",
       "name = \"a\"\nkind = \"pagerduty\"\nsecret_file = \"/s\"\nurgency = \"all\"\n",
       {"notify.channel.urgency: expected \"page\" for the kind \"pagerduty\": a digest calls "
        "nobody; got \"all\""}},
      {"one name twice",
       "name = \"a\"\nkind = \"slack\"\nurl_file = \"/u\"\n[[notify.channel]]\nname = \"a\"\n"
       "kind = \"slack\"\nurl_file = \"/v\"\n",
       {"notify.channel.name: expected each name once, got \"a\" again"}},
  };
  for (const Case& each : cases) EXPECT_EQ(Said(each.keys), each.said) << each.sentence;
}

TEST(NotifyConfigTest, AUrlThatIsASecretIsNotQuoted) {
  for (const char* kind : {"slack", "webhook"}) {
    Diagnostics diagnostics;
    (void)ParseConfig(std::string("[[notify.channel]]\nname = \"a\"\nkind = \"") + kind +
                          "\"\nsecret_file = \"/s\"\nurl = \"https://u:T0KEN@h/T0KEN\"\n",
                      "f", {}, &diagnostics);
    EXPECT_FALSE(diagnostics.ok());
    EXPECT_THAT(diagnostics.Text(), Not(HasSubstr("T0KEN")));
  }
}

}  // namespace
}  // namespace fleetmedic
