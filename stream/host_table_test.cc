#include "stream/host_table.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/random.h"

namespace fleetmedic {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr WallTime kStart = WallFromMillis(1'790'000'000'000);

HostFacts Facts(const std::string& host, const std::string& kernel, const std::string& rack = "r1",
                std::map<std::string, std::string> labels = {}) {
  HostFacts facts;
  facts.host = HostId(host);
  facts.kernel = kernel;
  facts.rack = rack;
  facts.labels = std::move(labels);
  return facts;
}

std::string ValueOf(const HostTable& table, std::string_view key, const std::string& host) {
  const KeyNumber k = table.FindKey(key).value();
  return table.ValueName(k, table.Column(k)[table.Find(HostId(host)).value()]);
}

uint32_t HostsWith(const HostTable& table, std::string_view key, std::string_view value) {
  const std::optional<KeyNumber> k = table.FindKey(key);
  const std::optional<ValueNumber> v = k ? table.FindValue(*k, value) : std::nullopt;
  return v ? table.HostsWith(*k, *v) : 0;
}

std::vector<std::string> WorkOf(const HostTable& table, const std::string& host) {
  std::vector<std::string> names;
  for (const ValueNumber value : table.Work(table.Find(HostId(host)).value())) {
    names.push_back(table.WorkName(value));
  }
  return names;
}

TEST(HostTable, NumbersHostsInTheOrderInWhichTheyBecameKnown) {
  HostTable table;
  EXPECT_EQ(table.Add(HostId("a")), 0u);
  EXPECT_EQ(table.Add(HostId("b")), 1u);
  EXPECT_EQ(table.Add(HostId("a")), 0u);
  EXPECT_EQ(table.Find(HostId("b")), 1u);
  EXPECT_EQ(table.Find(HostId("c")), std::nullopt);
  EXPECT_EQ(table.index_end(), 2u);
  EXPECT_EQ(table.told_hosts(), 0u) << "neither has told what it is";
}

TEST(HostTable, KeepsFactsAsColumnsAndCountsTheHostsOfEachValue) {
  HostTable table;
  table.SetFacts(Facts("a", "6.1.99", "r1"), kStart);
  table.SetFacts(Facts("b", "6.1.99", "r2", {{"team", "web"}}), kStart);
  table.SetFacts(Facts("c", "6.1.98", "r1"), kStart);
  EXPECT_EQ(table.Column("rack").size(), 3u);
  EXPECT_EQ(table.Column("rack")[0], table.Column("rack")[2]);
  EXPECT_NE(table.Column("rack")[0], table.Column("rack")[1]);
  EXPECT_EQ(HostsWith(table, "kernel", "6.1.99"), 2u);
  EXPECT_EQ(HostsWith(table, "team", "web"), 1u);
  EXPECT_EQ(ValueOf(table, "team", "a"), "") << "0 is a value that a host does not tell";
  EXPECT_THAT(table.Column("boot_id"), IsEmpty());
  EXPECT_EQ(table.told_hosts(), 3u);
}

TEST(HostTable, KeepsWhenAFactChangedAndWhatItWas) {
  HostTable table;
  table.SetFacts(Facts("a", "6.1.98"), kStart);
  table.SetFacts(Facts("b", "6.1.98"), kStart);
  const KeyNumber kernel = table.FindKey("kernel").value();
  EXPECT_THAT(table.ChangedSeconds(kernel), IsEmpty()) << "first facts change nothing";
  table.SetFacts(Facts("a", "6.1.99"), kStart + Minutes(5));
  table.SetFacts(Facts("a", "6.1.99"), kStart + Minutes(6));
  EXPECT_EQ(table.ChangedAt(kernel, 0), kStart + Minutes(5));
  EXPECT_EQ(table.ChangedAt(kernel, 1), kWallNever);
  EXPECT_EQ(table.NewestChange(kernel), kStart + Minutes(5));
  EXPECT_EQ(table.ValueName(kernel, table.OldValue(kernel, 0)), "6.1.98");
  EXPECT_EQ(table.ChangedAt(table.FindKey("rack").value(), 0), kWallNever);
  // Nobody runs it any more, but it is what two hosts ran.
  table.SetFacts(Facts("b", "6.1.99"), kStart + Minutes(7));
  table.Forget(kStart + Hours(5));
  EXPECT_EQ(table.ValueName(kernel, table.OldValue(kernel, 1)), "6.1.98");
  EXPECT_EQ(HostsWith(table, "kernel", "6.1.98"), 0u);
}

TEST(HostTable, ALabelThatIsGoneIsAChangeAndItsKeyGoesWithItsLastHost) {
  HostTable table;
  table.SetFacts(Facts("a", "k", "r", {{"canary", "yes"}}), kStart);
  table.SetFacts(Facts("a", "k", "r"), kStart + Minutes(1));
  const KeyNumber canary = table.FindKey("canary").value();
  EXPECT_EQ(table.Column(canary)[0], kValueUnknown);
  EXPECT_EQ(table.ChangedAt(canary, 0), kStart + Minutes(1));
  table.Forget(kStart);
  EXPECT_EQ(table.FindKey("canary"), std::nullopt);
}

TEST(HostTable, KeepsWhatAHostRunsAndSinceWhen) {
  HostTable table;
  table.SetWork(HostId("a"), {"job=db", "job=web"}, kStart);
  table.SetWork(HostId("b"), {"job=web"}, kStart);
  table.SetWork(HostId("a"), {"job=web", "task_image=web:7"}, kStart + Minutes(3));
  EXPECT_THAT(WorkOf(table, "a"), ElementsAre("job=web", "task_image=web:7"));
  EXPECT_EQ(table.FindWork(0, table.Work(0)[0]), 0u) << "it ran before we heard of the host";
  EXPECT_EQ(table.FindWork(0, table.Work(0)[1]), MillisOf(kStart + Minutes(3)) / 1000);
  EXPECT_EQ(table.WorkHosts(table.Work(0)[0]).size(), 2u);
  EXPECT_EQ(table.FindWork(1, table.Work(0)[1]), std::nullopt);
  EXPECT_THAT(table.WorkSince(0), ElementsAre(0u, MillisOf(kStart + Minutes(3)) / 1000));
  EXPECT_EQ(table.WorkHosts(table.Work(0)[1])[0].since_seconds, table.WorkSince(0)[1]);
  table.Forget(kStart + Minutes(4));
  table.SetWork(HostId("c"), {"job=new"}, kStart + Minutes(5));
  EXPECT_EQ(table.work_values_end(), 4u) << "the number of job=db is used again";
}

TEST(HostTable, ARemovedHostKeepsItsNumberAndItsFactsUntilItIsForgotten) {
  HostTable table;
  table.SetFacts(Facts("a", "6.1.99"), kStart);
  table.SetFacts(Facts("b", "6.1.98"), kStart);
  table.Remove(HostId("a"), kStart + Minutes(1));
  EXPECT_EQ(table.Add(HostId("c")), 2u);
  EXPECT_EQ(ValueOf(table, "kernel", "a"), "6.1.99");
  EXPECT_THAT(table.Forget(kStart), IsEmpty());
  EXPECT_THAT(table.Forget(kStart + Minutes(2)), ElementsAre(0u));
  EXPECT_EQ(table.Find(HostId("a")), std::nullopt);
  EXPECT_EQ(table.told_hosts(), 1u);
  EXPECT_EQ(HostsWith(table, "kernel", "6.1.99"), 0u);
  EXPECT_EQ(table.Add(HostId("d")), 0u);
  EXPECT_EQ(table.Column("kernel")[0], kValueUnknown);
  EXPECT_EQ(table.Host(0).str(), "d");
}

TEST(HostTable, AHostThatComesBackHasItsNumberAgain) {
  HostTable table;
  table.SetFacts(Facts("a", "6.1.99"), kStart);
  for (int i = 0; i < 3; ++i) {
    table.Remove(HostId("a"), kStart);
    EXPECT_EQ(table.Add(HostId("a")), 0u);
  }
  table.Remove(HostId("a"), kStart + Minutes(9));
  EXPECT_THAT(table.Forget(kStart + Minutes(5)), IsEmpty());
  EXPECT_THAT(table.Forget(kStart + Hours(1)), ElementsAre(0u));
  EXPECT_THAT(table.Forget(kStart + Hours(2)), IsEmpty());
  EXPECT_EQ(table.hosts(), 0u);
}

TEST(HostTable, LimitsBiteAndAreCounted) {
  HostTableLimits limits;
  limits.hosts_max = 3;
  limits.keys_max = 10;
  limits.labels_per_host_max = 2;
  limits.values_per_key_max = 2;
  limits.value_bytes_max = 4;
  limits.work_per_host_max = 2;
  HostTable table(limits);
  table.SetFacts(Facts("a", "1", "rack-1", {{"x", "1"}, {"y", "1"}, {"z", "1"}}), kStart);
  EXPECT_EQ(table.dropped().labels, 1u);
  EXPECT_EQ(ValueOf(table, "rack", "a"), "rack");
  table.SetFacts(Facts("b", "2", "r", {{"x", "1"}, {"w", "1"}}), kStart);
  EXPECT_EQ(table.dropped().keys, 1u) << "y, which one host alone has, makes room for w";
  EXPECT_EQ(table.FindKey("y"), std::nullopt);
  table.SetFacts(Facts("c", "3", "r"), kStart);
  EXPECT_EQ(table.dropped().values, 1u);
  EXPECT_EQ(ValueOf(table, "kernel", "c"), "");
  EXPECT_FALSE(table.SetFacts(Facts("d", "1"), kStart));
  EXPECT_EQ(table.dropped().hosts, 1u);
  table.SetWork(HostId("a"), {"job=a", "job=b", "x=3", "y=4"}, kStart);
  EXPECT_EQ(table.Work(0).size(), 2u) << "job= (cut to four bytes, twice the same) and x=3";
  EXPECT_EQ(table.dropped().work, 1u);
  EXPECT_EQ(table.WorkHosts(table.Work(0)[0]).size(), 1u);
}

TEST(HostTable, ASerialNumberForEachHostIsNotKept) {
  HostTable table;
  for (int i = 0; i < 20; ++i) {
    table.SetFacts(
        Facts("h" + std::to_string(i), "k", "r", {{"serial", std::to_string(i)}, {"os", "12"}}),
        kStart);
  }
  EXPECT_TRUE(table.TooVaried(table.FindKey("serial").value()));
  EXPECT_FALSE(table.TooVaried(table.FindKey("os").value()));
  for (int i = 20; i < 5000; ++i) {
    table.SetFacts(Facts("h" + std::to_string(i), "k", "r", {{"serial", std::to_string(i)}}),
                   kStart);
  }
  const size_t before = table.MemoryBytes();
  table.Forget(kStart);
  EXPECT_LT(table.MemoryBytes() + 5000 * 32, before);
  EXPECT_TRUE(table.TooVaried(table.FindKey("serial").value()));
  EXPECT_EQ(ValueOf(table, "serial", "h7"), "");
}

TEST(HostTable, AHostThatTellsAnotherValueEachSecondHoldsTwo) {
  HostTableLimits limits;
  limits.values_per_key_max = 8;
  HostTable table(limits);
  table.SetFacts(Facts("good", "6.1.99"), kStart);
  for (int i = 0; i < 1000; ++i) {
    table.SetFacts(Facts("bad", std::to_string(i)), kStart + Seconds(i));
  }
  EXPECT_EQ(table.dropped().values, 0u);
  EXPECT_LE(table.values_end(table.FindKey("kernel").value()), 9u);
  table.SetFacts(Facts("good", "6.1.100"), kStart + Hours(1));
  EXPECT_EQ(ValueOf(table, "kernel", "good"), "6.1.100");
}

// Whatever comes in what order, the counts are those of the columns.
TEST(HostTable, CountsAgreeWithColumnsAfterAnyCalls) {
  HostTableLimits limits;
  limits.keys_max = 12;
  limits.values_per_key_max = 6;
  limits.hosts_max = 30;
  limits.work_values_max = 9;
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    Random random(seed);
    HostTable table(limits);
    for (int step = 0; step < 2000; ++step) {
      const WallTime at = kStart + Seconds(step);
      const std::string host = "h" + std::to_string(random.Below(40));
      const auto word = [&](uint64_t n) { return std::to_string(random.Below(n)); };
      if (random.Chance(0.1)) {
        table.Remove(HostId(host), at);
      } else if (random.Chance(0.05)) {
        table.Forget(at - Seconds(20));
      } else if (random.Chance(0.3)) {
        table.SetWork(HostId(host), {"job=" + word(8), "job=" + word(8)}, at);
      } else {
        table.SetFacts(Facts(host, word(9), word(4), {{word(7), word(3)}, {word(7), word(9)}}), at);
      }
    }
    size_t told = 0;
    std::vector<uint32_t> work(table.work_values_end());
    for (HostIndex h = 0; h < table.index_end(); ++h) {
      told += table.told()[h / 64] >> (h % 64) & 1;
      for (const ValueNumber v : table.Work(h)) {
        ++work[v];
        EXPECT_NE(table.FindWork(h, v), std::nullopt);
      }
    }
    EXPECT_EQ(told, table.told_hosts());
    for (ValueNumber v = 1; v < work.size(); ++v) EXPECT_EQ(work[v], table.WorkHosts(v).size());
    for (KeyNumber k = 0; k < table.keys_end(); ++k) {
      if (table.KeyName(k).empty()) continue;
      ASSERT_EQ(table.Column(k).size(), table.index_end());
      std::vector<uint32_t> counts(table.values_end(k));
      for (const ValueNumber v : table.Column(k)) ++counts[v];
      for (ValueNumber v = 1; v < counts.size(); ++v) {
        EXPECT_EQ(counts[v], table.HostsWith(k, v)) << table.KeyName(k) << " " << v;
        if (counts[v] > 0) {
          EXPECT_NE(table.ValueName(k, v), "");
        }
      }
    }
  }
}

TEST(HostTable, AHundredThousandHostsWithTwentyKeysTakeFewMegabytes) {
  HostTable table;
  for (int i = 0; i < 100'000; ++i) {
    HostFacts facts =
        Facts("host-" + std::to_string(i), std::to_string(i % 7), "rack-" + std::to_string(i / 20));
    for (int label = 0; label < 12; ++label) {
      facts.labels["label-" + std::to_string(label)] = std::to_string(i % (label + 2));
    }
    table.SetFacts(facts, kStart);
  }
  // 8 MB of columns; the rest are the names of hosts, twice.
  EXPECT_LT(table.MemoryBytes(), 40u << 20);
}

}  // namespace
}  // namespace fleetmedic
