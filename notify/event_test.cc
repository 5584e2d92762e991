#include "notify/event.h"

#include <gtest/gtest.h>

namespace fleetmedic {
namespace {

using Act = NotifyEvent::Act;
using Kind = NotifyEvent::Kind;

AuditEntry Entry(const std::string& who, const std::string& action, const std::string& object,
                 const std::string& result, const char* detail = "{}") {
  AuditEntry entry;
  entry.seq = 7;
  entry.at = WallFromMillis(1000);
  entry.who = who;
  entry.action = action;
  entry.object = object;
  entry.why = "the why";
  entry.result = result;
  entry.detail = Json::Parse(detail).value();
  return entry;
}

TEST(NotifyEventTest, ReadsWhatTheRemediatorCommitted) {
  struct Case {
    const char* sentence;
    AuditEntry entry;
    Kind kind;
    Act act;
    bool noted;
    const char* key;
    const char* title;
  };
  const Case cases[] = {
      {"a host that needs a person",
       Entry("fleetmedic", "page", "host:web-3", "", R"({"episode": 12})"), Kind::kHost, Act::kPage,
       false, "host:web-3#12", "Host web-3 needs a person"},
      {"a word on a host", Entry("fleetmedic", "notify", "host:web-3", "", R"({"episode": 12})"),
       Kind::kHost, Act::kNote, false, "host:web-3#12", "Host web-3"},
      {"a host that is back",
       Entry("fleetmedic", "in_service", "host:web-3", "", R"({"episode": 12})"), Kind::kHost,
       Act::kEnd, false, "host:web-3#12", "Host web-3 is back in service"},
      {"a host that left", Entry("fleetmedic", "forget", "host:web-3", "", R"({"episode": 12})"),
       Kind::kHost, Act::kEnd, false, "host:web-3#12", "Host web-3 has left"},
      {"a fleet issue",
       Entry("fleetmedic", "page", "issue:I-3f", "drains are held",
             R"({"title": "I-3f, Nvme on 41 hosts"})"),
       Kind::kIssue, Act::kPage, false, "issue:I-3f", "Fleet issue I-3f, Nvme on 41 hosts"},
      {"one that closed",
       Entry("fleetmedic", "notify", "issue:I-3f", "closed", R"({"ends": true})"), Kind::kIssue,
       Act::kEnd, true, "issue:I-3f", "Fleet issue I-3f"},
      {"the brake", Entry("fleetmedic", "trip", "brake", "tripped", R"({"cause": "disrupted"})"),
       Kind::kBrake, Act::kPage, false, "brake:disrupted", "The brake tripped: disrupted"},
      {"its release", Entry("ana", "release", "brake", "disrupted"), Kind::kBrake, Act::kEnd, true,
       "brake:disrupted", "The brake was released by ana: disrupted"},
      {"a hold to be reviewed", Entry("fleetmedic", "page", "host:web-3", "O-4"), Kind::kHold,
       Act::kPage, false, "hold:O-4", "A hold of host:web-3 is due for review"},
      {"a hold that was released", Entry("ana", "release", "fleet", "O-4"), Kind::kHold, Act::kEnd,
       false, "hold:O-4", "The hold of fleet has ended"},
      {"a store behind its scheduler", Entry("fleetmedic", "page", "store", ""), Kind::kOther,
       Act::kPage, false, "other:store", "About store"},
      {"one that a person looked through", Entry("ana", "reconcile", "store", "accepted"),
       Kind::kOther, Act::kEnd, true, "other:store", "About store: ana accepted what differs"},
      {"another mode", Entry("fleetmedic", "mode", "fleet", "hold"), Kind::kOther, Act::kNote,
       false, "mode", "The mode is hold"},
      {"a page of a kind that is not known here", Entry("fleetmedic", "page", "plan:P-1", "waits"),
       Kind::kOther, Act::kPage, false, "other:plan:P-1", "About plan:P-1"},
      {"a person who protects a host", Entry("ana", "protect", "host:web-3", "O-5"), Kind::kOther,
       Act::kAcknowledge, false, "host:web-3#", "ana has it in hand"},
      {"a person who holds the fleet", Entry("ana", "hold", "fleet", "O-6"), Kind::kOther,
       Act::kAcknowledge, false, "brake:", "ana has it in hand"},
  };
  for (const Case& each : cases) {
    const std::optional<NotifyEvent> event = EventOf(each.entry);
    ASSERT_TRUE(event) << each.sentence;
    EXPECT_EQ(event->kind, each.kind) << each.sentence;
    EXPECT_EQ(event->act, each.act) << each.sentence;
    EXPECT_EQ(event->noted, each.noted) << each.sentence;
    EXPECT_EQ(event->key, each.key) << each.sentence;
    EXPECT_EQ(event->title, each.title) << each.sentence;
    EXPECT_EQ(event->why, "the why") << each.sentence;
    EXPECT_EQ(event->seq, 7u) << each.sentence;
  }
}

TEST(NotifyEventTest, NobodyIsToldOfTheRest) {
  for (const AuditEntry& entry :
       {Entry("fleetmedic", "suspect", "host:web-3", ""),
        Entry("fleetmedic", "reconcile", "store", "shadow"),
        Entry("fleetmedic", "grant", "host:a", ""), Entry("fleetmedic", "drain", "host:web-3", ""),
        Entry("ana", "hold", "pool:web", "O-1"), Entry("ana", "evidence", "host:web-3", "")}) {
    EXPECT_FALSE(EventOf(entry)) << entry.action << " of " << entry.object;
  }
}

TEST(NotifyEventTest, TakesTheBlastRadiusThatIsThereAndNoOther) {
  const auto blast = [](const char* detail) {
    return EventOf(Entry("fleetmedic", "page", "host:a", "", detail))->blast;
  };
  const BlastRadius known =
      blast(R"({"blast": {"hosts": 3, "tasks": 12, "pools": ["web"], "cells": ["c1", "c2"]}})");
  EXPECT_EQ(known, (BlastRadius{3, 12, {"web"}, {"c1", "c2"}}));
  // A page about a host is about one host.
  EXPECT_EQ(blast("{}"), (BlastRadius{1, -1, {}, {}}));
  EXPECT_EQ(blast(R"({"blast": {"hosts": "3", "tasks": -9, "pools": [4, ""]}})"),
            (BlastRadius{1, -1, {}, {}}));
}

TEST(NotifyEventTest, TextsAndNamesHaveLimits) {
  AuditEntry entry = Entry("fleetmedic", "page", "host:a", "");
  entry.why = std::string(5000, 'x');
  Json pools(Json::Array{});
  for (int i = 0; i < 50; ++i) pools.Append("pool-" + std::to_string(i));
  Json blast;
  blast.Set("pools", std::move(pools));
  entry.detail.Set("blast", std::move(blast));
  const std::optional<NotifyEvent> event = EventOf(entry);
  EXPECT_EQ(event->why.size(), NotifyEvent::kTextBytesMax);
  EXPECT_EQ(event->blast.pools.size(), BlastRadius::kNamesMax);
}

}  // namespace
}  // namespace fleetmedic
