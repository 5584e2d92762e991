#include "detectors/memory/memory_evaluate.h"

#include <functional>
#include <span>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace fleetmedic {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr uint64_t kGiB = uint64_t{1} << 30;

MonoTime At(int seconds) { return MonoTime{} + Hours(1) + Seconds(seconds); }

// A look at a host of 16 GiB, `seconds` after the first.
HostMemorySample Healthy(int seconds) {
  HostMemorySample sample;
  sample.at = At(seconds);
  const auto stalled = static_cast<uint64_t>(seconds) * 10'000;  // 1 %
  sample.cpu.totals = {stalled, 0};
  sample.memory.totals = {stalled, stalled};
  sample.io.totals = {stalled, stalled};
  sample.total_bytes = 16 * kGiB;
  sample.available_bytes = 8 * kGiB;
  sample.swap_total_bytes = kGiB;
  sample.swap_free_bytes = kGiB;
  sample.oom_kills = 5;
  sample.free_blocks = {{0, "DMA", {0, 0, 0, 0, 0, 0}}, {0, "Normal", {9, 9, 9, 9, 90, 9}}};
  return sample;
}

// Looks every 15 s from 0 to `until`, each changed.
std::vector<Condition> Watch(int until,
                             const std::function<void(HostMemorySample*, int seconds)>& change) {
  MemoryThresholds thresholds;
  MemoryHistory history(thresholds.window, thresholds.oom_window);
  HostMemorySample sample;
  for (int seconds = 0; seconds <= until; seconds += 15) {
    sample = Healthy(seconds);
    change(&sample, seconds);
    history.Add(sample);
  }
  return EvaluateMemory(sample, history, thresholds);
}

struct EvaluateCase {
  const char* sentence;
  int until;
  std::function<void(HostMemorySample*, int seconds)> change;
  const char* type;
  Verdict verdict;
  Severity severity;
  const char* reason;
};

void Check(std::span<const EvaluateCase> cases) {
  for (const EvaluateCase& c : cases) {
    int found = 0;
    for (const Condition& condition : Watch(c.until, c.change)) {
      if (condition.type != c.type) {
        continue;
      }
      ++found;
      EXPECT_EQ(condition.verdict, c.verdict) << c.sentence << ": " << condition.message;
      EXPECT_EQ(condition.severity, c.severity) << c.sentence;
      EXPECT_EQ(condition.reason, c.reason) << c.sentence;
    }
    EXPECT_EQ(found, 1) << c.sentence;
  }
}

uint64_t Stalled(int seconds, double share) { return static_cast<uint64_t>(seconds * share * 1e6); }

TEST(EvaluateMemoryTest, SaysWhatPressureMeans) {
  const auto memory = [](double share) {
    return [share](HostMemorySample* s, int t) { s->memory.totals->full_us = Stalled(t, share); };
  };
  const EvaluateCase cases[] = {
      {"a host at rest is fine", 300, [](HostMemorySample*, int) {}, "MemoryPressure", Verdict::kOk,
       Severity::kSoft, "Flowing"},
      {"thrashing with memory left is a cgroup's own limit", 300, memory(0.7), "MemoryPressure",
       Verdict::kBad, Severity::kInfo, "CgroupLimit"},
      {"thrashing without is the host's trouble", 300,
       [](HostMemorySample* s, int t) {
         s->memory.totals->full_us = Stalled(t, 0.7);
         s->available_bytes = kGiB;
       },
       "MemoryPressure", Verdict::kBad, Severity::kSoft, "Stalled"},
      {"less than the window is too early", 165, memory(0.7), "MemoryPressure", Verdict::kOk,
       Severity::kSoft, "Flowing"},
      {"just below the share is fine", 300, memory(0.59), "MemoryPressure", Verdict::kOk,
       Severity::kSoft, "Flowing"},
      {"a stall before the window is past", 600,
       [](HostMemorySample* s, int t) { s->memory.totals->full_us = Stalled(std::min(t, 300), 1); },
       "MemoryPressure", Verdict::kOk, Severity::kSoft, "Flowing"},
      {"what stalled before the first look is nobody's news", 300,
       [](HostMemorySample* s, int) { s->memory.totals->full_us = 86'400'000'000; },
       "MemoryPressure", Verdict::kOk, Severity::kSoft, "Flowing"},
      {"processors that are wanted all the time are told", 300,
       [](HostMemorySample* s, int t) { s->cpu.totals->some_us = Stalled(t, 0.99); }, "CpuPressure",
       Verdict::kBad, Severity::kInfo, "Stalled"},
      {"I/O that all wait for is told", 300,
       [](HostMemorySample* s, int t) { s->io.totals->full_us = Stalled(t, 0.95); }, "IoPressure",
       Verdict::kBad, Severity::kInfo, "Stalled"},
      {"a kernel without PSI is unknown, and holds nothing back", 300,
       [](HostMemorySample* s, int) {
         s->memory = {std::nullopt, "NotSupported", "no PSI"};
       },
       "MemoryPressure", Verdict::kUnknown, Severity::kInfo, "NotSupported"},
      {"a missing right is unknown", 300,
       [](HostMemorySample* s, int) {
         s->memory = {std::nullopt, "NoPermission", "permission denied"};
       },
       "MemoryPressure", Verdict::kUnknown, Severity::kSoft, "NoPermission"},
  };
  Check(cases);
}

TEST(EvaluateMemoryTest, SaysWhatLittleMemoryMeans) {
  const EvaluateCase cases[] = {
      {"2 % of 16 GiB is the least that is fine", 300,
       [](HostMemorySample* s, int) { s->available_bytes = s->total_bytes / 50 + 1; }, "MemoryLow",
       Verdict::kOk, Severity::kSoft, "Available"},
      {"less is low", 300,
       [](HostMemorySample* s, int) { s->available_bytes = s->total_bytes / 50 - 1; }, "MemoryLow",
       Verdict::kBad, Severity::kSoft, "AvailableLow"},
      {"low for less than the window is fine", 165,
       [](HostMemorySample* s, int) { s->available_bytes = 0; }, "MemoryLow", Verdict::kOk,
       Severity::kSoft, "Available"},
      {"one better look within the window is fine", 300,
       [](HostMemorySample* s, int t) {
         if (t != 240) s->available_bytes = 0;
       },
       "MemoryLow", Verdict::kOk, Severity::kSoft, "Available"},
      {"of 2 TiB, 1 GiB is enough", 300,
       [](HostMemorySample* s, int) {
         s->total_bytes = 2048 * kGiB;
         s->available_bytes = kGiB + 1;
       },
       "MemoryLow", Verdict::kOk, Severity::kSoft, "Available"},
      {"of 1 GiB, 100 MiB are wanted", 300,
       [](HostMemorySample* s, int) {
         s->total_bytes = kGiB;
         s->available_bytes = 99 << 20;
       },
       "MemoryLow", Verdict::kBad, Severity::kSoft, "AvailableLow"},
      {"of 128 MiB, a tenth is enough", 300,
       [](HostMemorySample* s, int) {
         s->total_bytes = 128 << 20;
         s->available_bytes = 13 << 20;
       },
       "MemoryLow", Verdict::kOk, Severity::kSoft, "Available"},
      {"a host without swap has none that is full", 300,
       [](HostMemorySample* s, int) { s->swap_total_bytes = s->swap_free_bytes = 0; }, "SwapFull",
       Verdict::kOk, Severity::kInfo, "SwapLeft"},
      {"90 % of the swap is full", 300,
       [](HostMemorySample* s, int) { s->swap_free_bytes = kGiB / 10; }, "SwapFull", Verdict::kBad,
       Severity::kInfo, "SwapUsed"},
      {"500 pages a second from swap are too many", 300,
       [](HostMemorySample* s, int t) { s->pages_swapped_in = static_cast<uint64_t>(t) * 500; },
       "SwapBusy", Verdict::kBad, Severity::kInfo, "SwappingIn"},
      {"499 are not", 300,
       [](HostMemorySample* s, int t) { s->pages_swapped_in = static_cast<uint64_t>(t) * 499; },
       "SwapBusy", Verdict::kOk, Severity::kInfo, "Quiet"},
  };
  Check(cases);
}

TEST(EvaluateMemoryTest, SaysWhatFragmentsAndCgroupsMean) {
  const std::vector<FreeBlocks> small = {{0, "Normal", {9000, 900, 90, 9, 5, 5}}};
  const EvaluateCase cases[] = {
      {"few large blocks and failed compactions are fragmented", 300,
       [&](HostMemorySample* s, int t) {
         s->free_blocks = small;
         s->compactions_failed = static_cast<uint64_t>(t);
       },
       "MemoryFragmented", Verdict::kBad, Severity::kInfo, "NoLargeBlocks"},
      {"few large blocks that can be made are fine", 300,
       [&](HostMemorySample* s, int) { s->free_blocks = small; }, "MemoryFragmented", Verdict::kOk,
       Severity::kInfo, "LargeBlocksLeft"},
      {"one larger block is as good as many small ones", 300,
       [&](HostMemorySample* s, int t) {
         s->free_blocks = {{0, "Normal", {0, 0, 0, 0, 0, 0, 0, 0, 1}}};
         s->compactions_failed = static_cast<uint64_t>(t);
       },
       "MemoryFragmented", Verdict::kOk, Severity::kInfo, "LargeBlocksLeft"},
      {"no buddyinfo is unknown", 300, [](HostMemorySample* s, int) { s->free_blocks.clear(); },
       "MemoryFragmented", Verdict::kUnknown, Severity::kInfo, "NoBuddyInfo"},
      {"many dying cgroups leak", 15,
       [](HostMemorySample* s, int) {
         s->cgroups = {100, 10'000};
       },
       "CgroupLeak", Verdict::kBad, Severity::kInfo, "CgroupsDying"},
      {"few of them do not", 15,
       [](HostMemorySample* s, int) {
         s->cgroups = {100, 9'999};
       },
       "CgroupLeak", Verdict::kOk, Severity::kInfo, "CgroupsLeft"},
      {"a host that has given nearly all ids away starts no container", 15,
       [](HostMemorySample* s, int) {
         s->cgroups = {60'000, 0};
       },
       "CgroupLeak", Verdict::kBad, Severity::kSoft, "CgroupsGone"},
      {"a host without cgroups is fine", 15, [](HostMemorySample*, int) {}, "CgroupLeak",
       Verdict::kOk, Severity::kSoft, "NotCounted"},
      {"kills before the first look are nobody's news", 300, [](HostMemorySample*, int) {},
       "OomKill", Verdict::kOk, Severity::kInfo, "NoneKilled"},
      {"a kill is told", 300, [](HostMemorySample* s, int t) { s->oom_kills = t >= 30 ? 6 : 5; },
       "OomKill", Verdict::kBad, Severity::kInfo, "Killed"},
      {"a kill is told no longer than its window", 645,
       [](HostMemorySample* s, int t) { s->oom_kills = t >= 30 ? 6 : 5; }, "OomKill", Verdict::kOk,
       Severity::kInfo, "NoneKilled"},
      {"a kernel that does not count kills is unknown", 15,
       [](HostMemorySample* s, int) { s->oom_kills.reset(); }, "OomKill", Verdict::kUnknown,
       Severity::kInfo, "NotSupported"},
  };
  Check(cases);
}

TEST(EvaluateMemoryTest, TellsKillsByCgroupMostFirstAndTheRestWithoutOne) {
  const auto conditions = Watch(60, [](HostMemorySample* s, int t) {
    s->oom_kills = 5 + (t >= 30 ? 4 : 0);
    s->unnamed_why = "it was removed";
    if (t == 30) s->cgroup_kills = {{"/a", 1}, {"/system.slice/nginx.service", 2}};
  });
  std::vector<std::string> units;
  for (const Condition& condition : conditions) {
    if (condition.type != "OomKill") continue;
    units.push_back(condition.unit);
    if (condition.unit.empty()) {
      EXPECT_THAT(condition.message, HasSubstr("it was removed"));
    }
    if (condition.unit.size() > 2) {
      EXPECT_EQ(condition.message,
                "2 processes were killed for memory within 10m, of systemd unit nginx.service, "
                "cgroup \"/system.slice/nginx.service\"");
    }
  }
  EXPECT_THAT(units, ElementsAre("/system.slice/nginx.service", "", "/a"));
}

TEST(MemoryHistoryTest, CountsAKillOnceThatACgroupToldOfBeforeVmstatDid) {
  MemoryHistory history(Minutes(3), Minutes(10));
  HostMemorySample sample = Healthy(0);
  history.Add(sample);
  sample = Healthy(15);
  sample.oom_kills = 6;
  sample.cgroup_kills = {{"/a", 2}};  // the second came between the two reads
  history.Add(sample);
  sample = Healthy(30);
  sample.oom_kills = 7;
  history.Add(sample);
  EXPECT_THAT(history.Kills(), ElementsAre(CgroupKills{"/a", 2}));
}

TEST(MemoryHistoryTest, KeepsToItsLimits) {
  MemoryHistory history(Minutes(3), Hours(24));
  for (int i = 0; i < 1000; ++i) {
    HostMemorySample sample = Healthy(i);
    sample.oom_kills = static_cast<uint64_t>(i);
    history.Add(sample);
  }
  EXPECT_THAT(history.Kills(), ElementsAre(CgroupKills{"", MemoryHistory::kKillsMax}));
  EXPECT_TRUE(history.Whole("memory.full")) << "looks every second, and a window of minutes";
}

TEST(ParsePressureTest, ReadsTotalsAndNothingElse) {
  EXPECT_EQ(ParsePressure("some avg10=0.87 avg60=0.41 avg300=0.55 total=23615449\n"
                          "full avg10=0.18 avg60=0.16 avg300=0.42 total=22216867\n"),
            (PressureTotals{23615449, 22216867}));
  EXPECT_EQ(ParsePressure("some avg10=0.00 avg60=0.00 avg300=0.00 total=7\n"),
            (PressureTotals{7, 0}))
      << "cpu before 5.13";
  EXPECT_EQ(ParsePressure(""), std::nullopt);
  EXPECT_EQ(ParsePressure("full total=1\nsome total=-1\n"), std::nullopt);
}

TEST(ParseBuddyInfoTest, ReadsZonesAndLeavesOutTheRest) {
  EXPECT_THAT(ParseBuddyInfo("Node 0, zone   Normal    481    338 \nNode 1, zone\ntorn\n"),
              ElementsAre(FreeBlocks{0, "Normal", {481, 338}}));
  EXPECT_THAT(ParseBuddyInfo(""), IsEmpty());
}

TEST(TakeMemoryTextsTest, LeavesHugePagesOutOfTheTotal) {
  HostMemorySample sample;
  EXPECT_TRUE(
      TakeMemoryTexts("MemTotal: 1000 kB\nMemAvailable: 100 kB\nHugetlb: 400 kB\nSwapTotal: 10 kB\n"
                      "SwapFree: 4 kB\n",
                      "oom_kill 3\npswpin 7\ncompact_fail 9\n", &sample));
  EXPECT_EQ(sample.total_bytes, 600u * 1024);
  EXPECT_EQ(sample.available_bytes, 100u * 1024);
  EXPECT_EQ(sample.swap_total_bytes, 10u * 1024);
  EXPECT_EQ(sample.swap_free_bytes, 4u * 1024);
  EXPECT_EQ(sample.oom_kills, 3u);
  EXPECT_EQ(sample.pages_swapped_in, 7u);
  EXPECT_EQ(sample.compactions_failed, 9u);
  EXPECT_FALSE(TakeMemoryTexts("MemTotal: 1000 kB\n", "", &sample)) << "before 3.14";
}

}  // namespace
}  // namespace fleetmedic
