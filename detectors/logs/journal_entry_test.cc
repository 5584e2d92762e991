#include "detectors/logs/journal_entry.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "detectors/logs/journal_place.h"

namespace fleetmedic {
namespace {

TEST(JournalSourceTest, TrustsOnlyWhatTheJournalItselfSays) {
  EXPECT_EQ(JournalSourceOf({"", "docker.service", "dockerd"}), "journal:docker.service");
  EXPECT_EQ(JournalSourceOf({"", "", "sshd"}), "journal:sshd");
  EXPECT_EQ(JournalSourceOf({"", "", "docker.service"}), "journal-user")
      << "an identifier cannot make itself a unit";
  EXPECT_EQ(JournalSourceOf({"abc", "docker.service", "dockerd"}), "journal-container")
      << "a container's output is not its daemon's";
  EXPECT_EQ(JournalSourceOf({"", "", "evil\nkernel"}), "journal-user");
  EXPECT_EQ(JournalSourceOf({"", "", ""}), "journal-user");
}

TEST(JournalLevelTest, IsUnknownWhereOnlyTheUnitsDefaultStandsThere) {
  const struct {
    std::string_view priority;
    std::string_view transport;
    LineLevel level;
  } cases[] = {
      {"3", "journal", LineLevel::kWarning},     {"4", "syslog", LineLevel::kWarning},
      {"5", "syslog", LineLevel::kBelowWarning}, {"6", "journal", LineLevel::kBelowWarning},
      {"4", "stdout", LineLevel::kWarning},      {"6", "stdout", LineLevel::kUnknown},
      {"7", "stdout", LineLevel::kBelowWarning}, {"", "journal", LineLevel::kUnknown},
      {"8", "journal", LineLevel::kUnknown},     {"err", "syslog", LineLevel::kUnknown},
      {"-1", "journal", LineLevel::kUnknown},    {"44", "journal", LineLevel::kUnknown},
  };
  for (const auto& [priority, transport, level] : cases) {
    EXPECT_EQ(JournalLevelOf(priority, transport), level) << priority << " by " << transport;
  }
}

TEST(JournalPlaceTest, IsWrittenAsLibsystemdsCursorAndReadBack) {
  constexpr std::string_view kCursor =
      "s=0f35e209be614e8fb68f8e27de9737bf;i=1a2;b=11111111111111111111111111111111;m=64;"
      "t=60a24181e4001;x=95e1f4bb9a1b4a58";
  const std::optional<JournalPlace> place = JournalPlace::FromCursor(kCursor);
  ASSERT_TRUE(place.has_value());
  EXPECT_EQ(place->seqnum, 0x1a2u);
  EXPECT_EQ(place->monotonic, 100u);
  EXPECT_EQ(place->realtime, 1'700'000'000'000'001u);
  EXPECT_EQ(place->seqnum_id[0], 0x0f);
  EXPECT_EQ(place->Cursor(), kCursor);
}

TEST(JournalPlaceTest, IsNotReadFromAnotherText) {
  for (const std::string_view text :
       {"", "x", ";", "s=;i=;b=;m=;t=;x=", "s=0f35e209be614e8fb68f8e27de9737bf;i=1a2",
        "s=0f35e209be614e8fb68f8e27de9737b;i=1;b=11111111111111111111111111111111;m=1;t=1;x=1",
        "s=0f35e209be614e8fb68f8e27de9737bf;i=g;b=11111111111111111111111111111111;m=1;t=1;x=1",
        "s=0f35e209be614e8fb68f8e27de9737bf;i=1;b=11111111111111111111111111111111;m=1;t=1;"
        "x=11111111111111111"}) {
    EXPECT_FALSE(JournalPlace::FromCursor(text).has_value()) << text;
  }
}

TEST(JournalPlaceTest, IsOrderedByNumberThenBootThenClock) {
  const JournalPlace base{.seqnum_id = {1},
                          .seqnum = 5,
                          .boot_id = {1},
                          .monotonic = 50,
                          .realtime = 500,
                          .xor_hash = 9};
  const auto with = [&](auto change) {
    JournalPlace place = base;
    change(place);
    return place;
  };
  EXPECT_TRUE(Order(base, base) == 0);
  EXPECT_TRUE(Order(with([](auto& p) { p.seqnum = 6, p.monotonic = 1; }), base) > 0)
      << "the clock was put back";
  EXPECT_TRUE(Order(with([](auto& p) { p.seqnum_id = {2}, p.seqnum = 1; }), base) == 0)
      << "a copy, numbered anew";
  EXPECT_TRUE(
      Order(with([](auto& p) { p.seqnum_id = {2}, p.monotonic = 51, p.realtime = 1; }), base) > 0);
  EXPECT_TRUE(Order(with([](auto& p) {
                      p.seqnum_id = {2}, p.boot_id = {2}, p.monotonic = 51, p.realtime = 499;
                    }),
                    base) < 0)
      << "another boot";
}

}  // namespace
}  // namespace fleetmedic
