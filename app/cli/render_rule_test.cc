#include <gtest/gtest.h>

#include "app/cli/render.h"

namespace fleetmedic::cli {
namespace {

constexpr TextStyle kPlain{.color = false, .columns = 0, .wide = false};

Json LinkRule() {
  return Json::Parse(R"({"name":"kernel.link_down","version":"0123456789ab","severity":"soft",
      "condition":"LinkDown","reason":"LinkDown","pattern":"link down",
      "sources":["kernel","kmsg-user"],
      "threshold":{"count":3,"within_ms":300000},"kind":"lasting","clear":"quiet",
      "clear_after_ms":600000,"cancel":"link up","help":"Look at the cable.","held":true,"hosts":1,
      "open_total":3,"open":[{"host":"web-1","unit":"eth0","message":"down",
      "since":"2026-01-01T00:00:00Z"}]})")
      .value();
}

TEST(RenderRule, ShowsWhatItFindsWhatEndsItAndWhereItStands) {
  const WallTime now = ParseWall("2026-01-01T00:05:00Z").value();
  EXPECT_EQ(RenderRule(LinkRule(), kPlain, now),
            "rule       kernel.link_down @ 0123456789ab\n"
            "finds      LinkDown, LinkDown\n"
            "severity   soft\n"
            "kind       lasting\n"
            "pattern    link down\n"
            "sources    kernel kmsg-user\n"
            "threshold  3 in 5m\n"
            "clears     quiet 10m, cancel\n"
            "cancel     link up\n"
            "held       what it finds justifies nothing\n"
            "help       Look at the cable.\n"
            "\n"
            "open findings\n"
            "  HOST   UNIT  FOR  MESSAGE\n"
            "  web-1  eth0  5m   down\n"
            "  and 2 more\n");
}

TEST(RenderRule, HostileTextAndMissingMembersDoNoHarm) {
  const Json evil = Json::Parse(R"({"name":"\u001b[31m","clear":"\u001b[2J","cancel":"\u001b",
      "open":[{"host":"\u001b[0m"}]})")
                        .value();
  EXPECT_EQ(RenderRule(evil, kPlain, kWallNever).find('\x1b'), std::string::npos);
  EXPECT_EQ(RuleThreshold(Json()), "?");
  EXPECT_EQ(RuleClears(Json()), "");
}

}  // namespace
}  // namespace fleetmedic::cli
