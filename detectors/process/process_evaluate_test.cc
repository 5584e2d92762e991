#include "detectors/process/process_evaluate.h"

#include <functional>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace fleetmedic {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Pair;

MonoTime At(int seconds) { return MonoTime{} + Hours(1) + Seconds(seconds); }

ProcessSample HealthySample() {
  ProcessSample sample;
  sample.threads = 1000;
  sample.pid_max = 4'194'304;
  sample.threads_max = 192'536;
  sample.files = 1274;
  sample.files_max = 2'466'165;
  sample.inotify = InotifyTry::kMade;
  return sample;
}

BlockedProcess Blocked(int pid) {
  BlockedProcess process;
  process.stat = {.key = {pid, 77}, .parent = 1, .state = 'D', .name = "postgres"};
  process.switches = 40;
  return process;
}

// A walk a minute from 0 to `until` seconds, each changed; then a sample, changed too.
std::vector<Condition> Watch(int until,
                             const std::function<void(ProcessWalk*, int seconds)>& change_walk,
                             const std::function<void(ProcessSample*)>& change_sample) {
  ProcessHistory history;
  for (int seconds = 0; seconds <= until; seconds += 60) {
    ProcessWalk walk;
    walk.at = At(seconds);
    change_walk(&walk, seconds);
    history.Add(std::move(walk));
  }
  ProcessSample sample = HealthySample();
  sample.at = history.walk().at;
  for (const ProcessStat& stat : history.BlockedSince(sample.at)) {
    sample.details[stat.key].wait_channel = "io_schedule";
  }
  change_sample(&sample);
  return EvaluateProcess(sample, history, {});
}

struct EvaluateCase {
  const char* sentence;
  int until;
  std::function<void(ProcessWalk*, int seconds)> change_walk;
  std::function<void(ProcessSample*)> change_sample;
  const char* type;
  Verdict verdict;
  Severity severity;
  const char* reason;
};

void Check(const std::vector<EvaluateCase>& cases) {
  for (const EvaluateCase& c : cases) {
    int found = 0;
    for (const Condition& condition : Watch(c.until, c.change_walk, c.change_sample)) {
      if (condition.type != c.type) continue;
      ++found;
      EXPECT_EQ(condition.verdict, c.verdict) << c.sentence << ": " << condition.message;
      EXPECT_EQ(condition.severity, c.severity) << c.sentence;
      EXPECT_EQ(condition.reason, c.reason) << c.sentence;
    }
    EXPECT_EQ(found, 1) << c.sentence;
  }
}

const auto kSameWalk = [](ProcessWalk*, int) {};
const auto kSameSample = [](ProcessSample*) {};

TEST(EvaluateProcessTest, SaysWhatBlockedProcessesMean) {
  const auto blocked = [](ProcessWalk* walk, int) { walk->blocked = {Blocked(7)}; };
  const auto detail = [](BlockedDetail all) {
    return [all](ProcessSample* sample) {
      for (auto& [key, one] : sample->details) one = all;
    };
  };
  Check({
      {"a host without one is fine", 300, kSameWalk, kSameSample, "ProcessBlocked", Verdict::kOk,
       Severity::kSoft, "NoneBlocked"},
      {"one for five minutes is bad", 300, blocked, kSameSample, "ProcessBlocked", Verdict::kBad,
       Severity::kSoft, "Blocked"},
      {"one for four is not yet", 240, blocked, kSameSample, "ProcessBlocked", Verdict::kOk,
       Severity::kSoft, "NoneBlocked"},
      {"one that was run meanwhile is busy, not blocked", 600,
       [](ProcessWalk* walk, int t) {
         walk->blocked = {Blocked(7)};
         walk->blocked[0].switches = static_cast<uint64_t>(t);
       },
       kSameSample, "ProcessBlocked", Verdict::kOk, Severity::kSoft, "NoneBlocked"},
      {"another process with the old number is another", 300,
       [](ProcessWalk* walk, int t) {
         walk->blocked = {Blocked(7)};
         walk->blocked[0].stat.key.start_ticks = static_cast<uint64_t>(t);
       },
       kSameSample, "ProcessBlocked", Verdict::kOk, Severity::kSoft, "NoneBlocked"},
      {"one that runs again is fine", 300,
       [&](ProcessWalk* walk, int t) {
         if (t < 300) blocked(walk, t);
       },
       kSameSample, "ProcessBlocked", Verdict::kOk, Severity::kSoft, "NoneBlocked"},
      {"a kernel thread is told for information", 300,
       [](ProcessWalk* walk, int) {
         walk->blocked = {Blocked(7)};
         walk->blocked[0].stat.kernel_thread = true;
       },
       kSameSample, "ProcessBlocked", Verdict::kBad, Severity::kInfo, "KernelThreads"},
      {"a frozen container is not blocked", 300, blocked, detail({true, "io_schedule", {}, ""}),
       "ProcessBlocked", Verdict::kOk, Severity::kSoft, "NoneBlocked"},
      {"a process in the refrigerator is not", 300, blocked,
       detail({false, "__refrigerator", {}, ""}), "ProcessBlocked", Verdict::kOk, Severity::kSoft,
       "NoneBlocked"},
      {"a parent in vfork is not", 300, blocked, detail({false, "kernel_clone", {}, ""}),
       "ProcessBlocked", Verdict::kOk, Severity::kSoft, "NoneBlocked"},
      {"where it waits cannot be seen: unknown", 300, blocked, detail({}), "ProcessBlocked",
       Verdict::kUnknown, Severity::kSoft, "NoPermission"},
      {"not all processes seen: not said to be fine", 300,
       [](ProcessWalk* walk, int) {
         walk->reason = "TimeUp";
         walk->cut = "time was up";
       },
       kSameSample, "ProcessBlocked", Verdict::kUnknown, Severity::kSoft, "TimeUp"},
  });
}

TEST(EvaluateProcessTest, NamesWhereTheBlockedWait) {
  const auto conditions = Watch(
      300,
      [](ProcessWalk* walk, int) {
        for (int pid = 1; pid <= 9; ++pid) walk->blocked.push_back(Blocked(pid));
        walk->blocked[0].stat.name = "ps\x1b[31m\n";
      },
      [](ProcessSample* sample) {
        sample->details[{1, 77}] = {false,
                                    "rpc_wait_bit_killable",
                                    {"rpc_wait_bit_killable", "nfs4_call_sync_sequence"},
                                    "/docker/" + std::string(64, 'a')};
      });
  EXPECT_EQ(
      conditions[0].message,
      "9 processes and 0 kernel threads are in uninterruptible sleep and have not run for 5m: "
      "1 (ps\xE2\x90\x9B[31m\xE2\x90\x8A), 2 (postgres), 3 (postgres), 4 (postgres), 5 "
      "(postgres), ...");
  ASSERT_EQ(conditions[0].evidence.size(), 8u);
  EXPECT_EQ(
      conditions[0].evidence[0],
      "process 1 (ps\xE2\x90\x9B[31m\xE2\x90\x8A) for 5m, of Docker container aaaaaaaaaaaa, in "
      "rpc_wait_bit_killable; stack rpc_wait_bit_killable < nfs4_call_sync_sequence");
}

std::vector<Zombie> Zombies(int count, int parent) {
  std::vector<Zombie> zombies;
  for (int i = 0; i < count; ++i) zombies.push_back({{1000 + i, 5}, parent});
  return zombies;
}

TEST(EvaluateProcessTest, SaysWhatZombiesMeanAndWhoseTheyAre) {
  Check({
      {"a hundred that stay are told", 300,
       [](ProcessWalk* walk, int) { walk->zombies = Zombies(100, 9); }, kSameSample,
       "ZombieProcesses", Verdict::kBad, Severity::kInfo, "NotReaped"},
      {"ninety-nine are not", 300, [](ProcessWalk* walk, int) { walk->zombies = Zombies(99, 9); },
       kSameSample, "ZombieProcesses", Verdict::kOk, Severity::kInfo, "FewZombies"},
      {"many that just ended are not", 300,
       [](ProcessWalk* walk, int t) {
         walk->zombies = Zombies(500, 9);
         for (Zombie& zombie : walk->zombies) zombie.key.start_ticks = static_cast<uint64_t>(t);
       },
       kSameSample, "ZombieProcesses", Verdict::kOk, Severity::kInfo, "FewZombies"},
  });
  const auto conditions = Watch(
      300, [](ProcessWalk* walk, int) { walk->zombies = Zombies(100, 9); },
      [](ProcessSample* sample) { sample->parent_names[9] = "dumb-app"; });
  EXPECT_THAT(conditions[1].message, HasSubstr("100 of 9 (dumb-app)"));
}

TEST(EvaluateProcessTest, SaysWhatLimitsMean) {
  Check({
      {"90 % of the lower limit is bad", 0, kSameWalk,
       [](ProcessSample* s) { s->threads = 173'283; }, "PidLimit", Verdict::kBad, Severity::kSoft,
       "NearlyUsedUp"},
      {"less is fine", 0, kSameWalk, [](ProcessSample* s) { s->threads = 173'282; }, "PidLimit",
       Verdict::kOk, Severity::kSoft, "EnoughLeft"},
      {"pid_max may be the lower one", 0, kSameWalk,
       [](ProcessSample* s) {
         s->pid_max = 32'768;
         s->threads = 30'000;
       },
       "PidLimit", Verdict::kBad, Severity::kSoft, "NearlyUsedUp"},
      {"what cannot be read is unknown", 0, kSameWalk, [](ProcessSample* s) { s->threads.reset(); },
       "PidLimit", Verdict::kUnknown, Severity::kSoft, "NotReadable"},
      {"90 % of all file handles are bad", 0, kSameWalk,
       [](ProcessSample* s) { s->files = 2'300'000; }, "FileHandleLimit", Verdict::kBad,
       Severity::kSoft, "NearlyUsedUp"},
      {"a limit as large as numbers go is never near", 0, kSameWalk,
       [](ProcessSample* s) { s->files_max = 9'223'372'036'854'775'807; }, "FileHandleLimit",
       Verdict::kOk, Severity::kSoft, "EnoughLeft"},
      {"no inotify instance more is bad", 0, kSameWalk,
       [](ProcessSample* s) { s->inotify = InotifyTry::kInstancesUsedUp; }, "InotifyLimit",
       Verdict::kBad, Severity::kSoft, "InstancesUsedUp"},
      {"no watch more is bad", 0, kSameWalk,
       [](ProcessSample* s) { s->inotify = InotifyTry::kWatchesUsedUp; }, "InotifyLimit",
       Verdict::kBad, Severity::kSoft, "WatchesUsedUp"},
      {"who is not root cannot tell, and holds nothing back", 0, kSameWalk,
       [](ProcessSample* s) { s->inotify = InotifyTry::kNotTried; }, "InotifyLimit",
       Verdict::kUnknown, Severity::kInfo, "NoPermission"},
      {"a process at its own limit is told", 0,
       [](ProcessWalk* walk, int) {
         walk->open_files = {{7, "java", 900, 1024}, {8, "nginx", 973, 1024}};
       },
       kSameSample, "ProcessFileLimit", Verdict::kBad, Severity::kInfo, "NearlyUsedUp"},
      {"others are fine", 0,
       [](ProcessWalk* walk, int) {
         walk->open_files = {{7, "java", 900, 1024}};
       },
       kSameSample, "ProcessFileLimit", Verdict::kOk, Severity::kInfo, "EnoughLeft"},
  });
}

TEST(ProcessHistoryTest, KeepsToItsLimits) {
  ProcessHistory history;
  for (int seconds : {0, 60}) {
    ProcessWalk walk;
    walk.at = At(seconds);
    for (int i = 0; i < 20'000; ++i) {
      walk.blocked.push_back(Blocked(i));
      walk.zombies.push_back({{i, 1}, 1});
    }
    history.Add(std::move(walk));
  }
  EXPECT_EQ(history.BlockedSince(At(0)).size(), ProcessHistory::kBlockedMax);
  EXPECT_THAT(history.ZombiesSince(At(0)), ElementsAre(Pair(1, ProcessHistory::kZombiesMax)));
  EXPECT_THAT(history.walk().blocked, IsEmpty());
}

TEST(ParseProcessStatusTest, ReadsSwitchesAndLimits) {
  EXPECT_EQ(ParseSwitches("Name:\tcat\nvoluntary_ctxt_switches:\t4\n"
                          "nonvoluntary_ctxt_switches:\t3\n"),
            7u);
  EXPECT_EQ(ParseSwitches("voluntary_ctxt_switches:\t4\n"), std::nullopt);
  EXPECT_EQ(ParseOpenFilesLimit("Max processes  1 1 processes\n"
                                "Max open files            1024                 4096  files \n"),
            1024u);
  EXPECT_EQ(ParseOpenFilesLimit("Max open files  unlimited unlimited files\n"), std::nullopt);
  EXPECT_EQ(ParseOpenFilesLimit(""), std::nullopt);
}

}  // namespace
}  // namespace fleetmedic
