#include "console/rules_view.h"

#include <gtest/gtest.h>

namespace fleetmedic {
namespace {

constexpr WallTime kStart = WallFromMillis(1'767'225'600'000);

std::vector<Rule> TwoRules() {
  Rule link;
  link.name = "kernel.link_down";
  link.version = "0123456789ab";
  link.severity = Severity::kSoft;
  link.condition = "LinkDown";
  link.sources = {"kernel"};
  link.threshold_count = 3;
  link.threshold_within = Minutes(5);
  link.clear = Clear::kBoot;
  link.cancel = "link up";
  Rule oom;
  oom.name = "kernel.oom";
  oom.severity = Severity::kInfo;
  oom.clear = Clear::kTime;
  oom.clear_after = Minutes(10);
  return {link, oom};
}

FleetSnapshot Fleet() {
  FleetSnapshot snapshot;
  for (const std::string name : {"web-1", "web-2", "web-3"}) {
    HostRecord record;
    record.facts.host = HostId(name);
    const int found = name == "web-1" ? 2 : name == "web-2" ? 1 : 0;
    for (int i = 0; i < found; ++i) {
      TrackedCondition tracked;
      tracked.detector = "rule:kernel.link_down";
      tracked.condition.unit = "eth" + std::to_string(i);
      tracked.condition.message = "down";
      tracked.condition.since = kStart;
      record.conditions.Edit().push_back(tracked);
    }
    TrackedCondition other;
    other.detector = "docker";
    record.conditions.Edit().push_back(other);
    snapshot.hosts[HostId(name)] = std::make_shared<const HostRecord>(std::move(record));
  }
  Override held;
  held.kind = OverrideKind::kHold;
  held.scope = ParseScope("rule:kernel.oom").value();
  snapshot.overrides.push_back(held);
  return snapshot;
}

RuleBook::Look LookAt(std::vector<Rule> rules) {
  return {.rules = std::make_shared<const std::vector<Rule>>(std::move(rules))};
}

TEST(RulesView, CountsTheHostsOnWhichWhatARuleFoundStands) {
  const Json rules = RulesJson(LookAt(TwoRules()), Fleet());
  EXPECT_EQ(rules["refused"].object(), nullptr);
  const Json& items = rules["items"];
  ASSERT_EQ(items.array()->size(), 2u);
  const Json& link = (*items.array())[0];
  EXPECT_EQ(*link["name"].string(), "kernel.link_down");
  EXPECT_EQ(*link["kind"].string(), "lasting");
  EXPECT_EQ(*link["clear"].string(), "boot");
  EXPECT_EQ(*link["cancel"].string(), "link up");
  EXPECT_EQ(link["clear_after_ms"].integer(), std::nullopt);
  EXPECT_EQ(link["threshold"]["count"].integer(), 3);
  EXPECT_EQ(link["threshold"]["within_ms"].integer(), 300'000);
  EXPECT_EQ(link["hosts"].integer(), 2);
  EXPECT_EQ(link["open_total"].integer(), 3);
  EXPECT_EQ(link["held"].boolean(), false);
  ASSERT_EQ(link["open"].array()->size(), 3u);
  EXPECT_EQ(*(*link["open"].array())[1]["unit"].string(), "eth1");
  const Json& oom = (*items.array())[1];
  EXPECT_EQ(*oom["kind"].string(), "event");
  EXPECT_EQ(oom["clear_after_ms"].integer(), 600'000);
  EXPECT_EQ(oom["hosts"].integer(), 0);
  EXPECT_EQ(oom["held"].boolean(), true);
}

TEST(RulesView, SaysWhyTheFilesAreNotWhatIsInUse) {
  RuleBook::Look look = LookAt(TwoRules());
  look.refused = "disk.toml:3:12: error: missing ): disk (bad";
  look.refused_at = kStart;
  const Json rules = RulesJson(look, Fleet());
  EXPECT_EQ(rules["items"].array()->size(), 2u);
  EXPECT_EQ(*rules["refused"]["error"].string(), look.refused);
  EXPECT_EQ(*rules["refused"]["at"].string(), "2026-01-01T00:00:00.000000Z");
}

TEST(RulesView, NamesTheRuleThatWasMeant) {
  EXPECT_EQ(*RuleJson(TwoRules(), Fleet(), "kernel.oom").value()["name"].string(), "kernel.oom");
  const Result<Json> wrong = RuleJson(TwoRules(), Fleet(), "kernel.oon");
  ASSERT_FALSE(wrong.has_value());
  EXPECT_EQ(wrong.error().code, Code::kNotFound);
  EXPECT_EQ(wrong.error().message, "no rule \"kernel.oon\" is in use; did you mean kernel.oom?");
}

}  // namespace
}  // namespace fleetmedic
