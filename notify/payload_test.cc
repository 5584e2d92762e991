#include "notify/payload.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/sha256.h"

namespace fleetmedic {
namespace {

using testing::HasSubstr;
using testing::Not;

constexpr WallTime kNow = WallFromMillis(1'800'000'000'000);
constexpr std::string_view kConsole = "https://fleet.example.com";

NotifyMessage Issue() {
  NotifyMessage message;
  message.id = "N-7";
  message.severity = NotifyMessage::Severity::kError;
  message.key = "issue:I-3f";
  message.title = "Fleet issue I-3f, NvmeTimeout on 41 hosts";
  message.why = "41 of 41 hit run kernel 6.1.99; 0 of 3,959 others do.";
  message.blast = {41, 120, {"web"}, {"c1", "c2"}};
  message.path = "/#/issues/I-3f";
  message.first_at = kNow - Minutes(1);
  message.last_at = kNow;
  return message;
}

NotifyMessage Storm() {
  NotifyMessage message = Issue();
  message.key = "storm:9";
  message.title = "And 3 more need a person";
  message.lines = {"Host a: stuck", "Host b: stuck"};
  message.more = 1;
  message.events = 3;
  message.path = "/#/";
  return message;
}

std::string HeaderOf(const Payload& payload, std::string_view name) {
  for (const auto& [each, value] : payload.headers) {
    if (each == name) return value;
  }
  return "";
}

TEST(PayloadTest, AWebhookGetsTheMessageAndItsAttributes) {
  const Payload payload = WebhookPayload(Issue(), kConsole, "secret", kNow);
  EXPECT_EQ(payload.body,
            R"({"act":"trigger","blast_radius":{"cells":["c1","c2"],"hosts":41,"pools":["web"],)"
            R"("tasks":120},"events":1,"first_at":"2027-01-15T07:59:00.000000Z","id":"N-7",)"
            R"("key":"issue:I-3f","last_at":"2027-01-15T08:00:00.000000Z","lines":[],)"
            R"("link":"https://fleet.example.com/#/issues/I-3f","more":0,)"
            R"("sent_at":"2027-01-15T08:00:00.000000Z","severity":"error",)"
            R"("title":"Fleet issue I-3f, NvmeTimeout on 41 hosts",)"
            R"("why":"41 of 41 hit run kernel 6.1.99; 0 of 3,959 others do."})");
  EXPECT_EQ(HeaderOf(payload, "content-type"), "application/json");
  EXPECT_EQ(HeaderOf(payload, "ce-specversion"), "1.0");
  EXPECT_EQ(HeaderOf(payload, "ce-id"), "N-7");
  EXPECT_EQ(HeaderOf(payload, "ce-source"), kConsole);
  EXPECT_EQ(HeaderOf(payload, "ce-type"), "fleetmedic.notification.trigger");
  EXPECT_EQ(HeaderOf(payload, "ce-time"), "2027-01-15T08:00:00.000000Z");
}

TEST(PayloadTest, TheSignatureIsOverTheTimeAndTheBody) {
  const Payload payload = WebhookPayload(Issue(), kConsole, "secret", kNow);
  EXPECT_EQ(HeaderOf(payload, "fleetmedic-timestamp"), "1800000000");
  EXPECT_EQ(HeaderOf(payload, "fleetmedic-signature"),
            "v1=" + HmacSha256Hex("secret", "1800000000." + payload.body));
  // Another secret, another time: another signature.
  EXPECT_NE(HeaderOf(payload, "fleetmedic-signature"),
            HeaderOf(WebhookPayload(Issue(), kConsole, "secret2", kNow), "fleetmedic-signature"));
  EXPECT_THAT(payload.body, Not(HasSubstr("secret")));
}

TEST(PayloadTest, SlackGetsTextAndBlocks) {
  const Payload payload = SlackPayload(Storm(), kConsole);
  EXPECT_EQ(Json::Parse(payload.body).value().DumpPretty(),
            Json::Parse(R"({
        "text": "And 3 more need a person", "link_names": false, "unfurl_links": false,
        "blocks": [
          {"type": "header", "text": {"type": "plain_text", "emoji": false,
             "text": "And 3 more need a person"}},
          {"type": "section", "text": {"type": "plain_text", "emoji": false,
             "text": "41 of 41 hit run kernel 6.1.99; 0 of 3,959 others do."}},
          {"type": "section", "text": {"type": "mrkdwn", "verbatim": true,
             "text": "• Host a: stuck\n• Host b: stuck\nand 1 more"}},
          {"type": "context", "elements": [{"type": "mrkdwn", "verbatim": true,
             "text": "ERROR · 41 hosts, 120 tasks, pool web, cells c1, c2 · 3 events · )"
                        R"(<https://fleet.example.com/#/|open the console>"}]}
        ]})")
                .value()
                .DumpPretty());
}

TEST(PayloadTest, SlackCannotBeMadeToMentionOrToLink) {
  NotifyMessage message = Storm();
  const std::string hostile =
      "<!channel> @here <https://evil.example|click> & *bold* `x` \x1b[31m\xe2\x80\xae";
  message.title = hostile;
  message.why = hostile;
  message.lines = {hostile};
  message.blast.pools = {"<!everyone>"};
  const Json json = Json::Parse(SlackPayload(message, kConsole).body).value();
  const std::string text = *json["text"].string();
  EXPECT_THAT(text, HasSubstr("&lt;!channel&gt; @\u2060here"));
  for (const Json& block : *json["blocks"].array()) {
    const Json& element =
        block["elements"].array() == nullptr ? block["text"] : (*block["elements"].array())[0];
    const std::string shown = *element["text"].string();
    EXPECT_THAT(shown, Not(HasSubstr("\x1b")));
    EXPECT_THAT(shown, Not(HasSubstr("\xe2\x80\xae")));
    if (*element["type"].string() != "mrkdwn") continue;  // is not read for marks
    EXPECT_THAT(shown, Not(HasSubstr("<!")));
    EXPECT_THAT(shown, Not(HasSubstr("<https://evil")));
    EXPECT_THAT(shown, Not(HasSubstr("@here")));
  }
}

TEST(PayloadTest, SlackTextsStayWithinItsLimits) {
  NotifyMessage message = Storm();
  message.title = std::string(1000, '<');
  message.why = std::string(1000, '&');
  message.lines.assign(NotifyMessage::kLinesMax, std::string(1000, '&'));
  message.more = 5;
  const Json json = Json::Parse(SlackPayload(message, kConsole).body).value();
  const Json::Array& blocks = *json["blocks"].array();
  EXPECT_LE(blocks[0]["text"]["text"].string()->size(), 150u);
  EXPECT_LE(blocks[1]["text"]["text"].string()->size(), 3000u);
  const std::string lines = *blocks[2]["text"]["text"].string();
  EXPECT_LE(lines.size(), 3000u);
  EXPECT_THAT(lines, testing::ContainsRegex("and 2[0-9] more$"));
}

TEST(PayloadTest, PagerDutyGetsAnEvent) {
  struct Case {
    NotifyMessage::Act act;
    const char* action;
    const char* summary;
  };
  for (const Case& each : {Case{NotifyMessage::Act::kTrigger, "trigger", ""},
                           Case{NotifyMessage::Act::kUpdate, "trigger", "Still: "},
                           Case{NotifyMessage::Act::kAcknowledge, "acknowledge", "In hand: "},
                           Case{NotifyMessage::Act::kResolve, "resolve", "Over: "},
                           Case{NotifyMessage::Act::kTest, "trigger", "Test: "}}) {
    NotifyMessage message = Issue();
    message.act = each.act;
    const Json json = Json::Parse(PagerDutyPayload(message, kConsole, "R0UT1NG").body).value();
    EXPECT_EQ(json["routing_key"], Json("R0UT1NG"));
    EXPECT_EQ(json["event_action"], Json(each.action));
    EXPECT_EQ(json["dedup_key"], Json("issue:I-3f"));
    const Json& payload = json["payload"];
    EXPECT_EQ(payload["summary"],
              Json(std::string(each.summary) + "Fleet issue I-3f, NvmeTimeout on 41 hosts"));
    EXPECT_EQ(payload["severity"], Json("error"));
    EXPECT_EQ(payload["source"], Json(std::string(kConsole)));
    EXPECT_EQ(payload["class"], Json("issue"));
    EXPECT_EQ(payload["custom_details"]["why"],
              Json("41 of 41 hit run kernel 6.1.99; 0 of 3,959 others do."));
    EXPECT_EQ(payload["custom_details"]["blast_radius"],
              Json("41 hosts, 120 tasks, pool web, cells c1, c2"));
    EXPECT_EQ((*json["links"].array())[0]["href"], Json("https://fleet.example.com/#/issues/I-3f"));
  }
}

TEST(PayloadTest, PagerDutysLimitsHold) {
  NotifyMessage message = Issue();
  message.title = std::string(5000, 't');
  message.key = "brake:rule:" + std::string(5000, 'k');
  const Json json = Json::Parse(PagerDutyPayload(message, kConsole, "r").body).value();
  EXPECT_LE(json["payload"]["summary"].string()->size(), 1024u);
  EXPECT_LE(json["dedup_key"].string()->size(), 255u);
  EXPECT_EQ(DedupKey("short"), "short");
  EXPECT_EQ(DedupKey(message.key), DedupKey(message.key));
  EXPECT_NE(DedupKey(message.key), DedupKey(message.key + "l"));
}

TEST(PayloadTest, BlastRadiusSaysWhatIsKnown) {
  EXPECT_EQ(BlastText({}), "");
  EXPECT_EQ(BlastText({1, 1, {}, {}}), "1 host, 1 task");
  EXPECT_EQ(BlastText({0, -1, {"a", "b"}, {}}), "0 hosts, pools a, b");
}

TEST(PayloadTest, AChannelTakesItsUrgencyAndItsHosts) {
  NotifyChannel all;
  all.urgency = "all";
  NotifyChannel page;
  NotifyChannel digest;
  digest.urgency = "digest";
  NotifyChannel web;
  web.pools = {"web"};
  NotifyChannel web_only = web;
  web_only.fleet = false;
  NotifyChannel c9;
  c9.cells = {"c9"};
  NotifyMessage brake = Issue();
  brake.blast = {300, -1, {}, {}};
  NotifyMessage summary = brake;
  summary.act = NotifyMessage::Act::kDigest;
  NotifyMessage batch = Issue();
  batch.blast.pools = {"batch"};
  struct Case {
    const char* sentence;
    NotifyChannel channel;
    bool issue, brake, digest, batch;
  };
  for (const Case& each :
       {Case{"all", all, true, true, true, true}, Case{"page", page, true, true, false, true},
        Case{"digest", digest, false, false, true, false},
        Case{"pool web", web, true, true, false, false},
        Case{"pool web alone", web_only, true, false, false, false},
        Case{"cell c9", c9, false, true, false, false}}) {
    EXPECT_EQ(Takes(each.channel, Issue()), each.issue) << each.sentence;
    EXPECT_EQ(Takes(each.channel, brake), each.brake) << each.sentence;
    EXPECT_EQ(Takes(each.channel, summary), each.digest) << each.sentence;
    EXPECT_EQ(Takes(each.channel, batch), each.batch) << each.sentence;
  }
}

TEST(MessageTest, IsTheSameAfterItWasKept) {
  for (const NotifyMessage& message : {Issue(), Storm()}) {
    const auto read = NotifyMessageFromJson(ToJson(message));
    ASSERT_TRUE(read) << read.error().message;
    EXPECT_EQ(*read, message);
  }
}

}  // namespace
}  // namespace fleetmedic
