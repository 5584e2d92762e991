#include "detectors/kernel/kernel_evaluate.h"

#include <utmp.h>

#include <functional>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace fleetmedic {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

const WallTime kNow = WallTime(Seconds(1'800'000'000));

KernelSample Healthy() {
  KernelSample sample;
  sample.now = kNow;
  sample.uptime = Hours(48);
  sample.tainted = 0;
  sample.boots = {{kNow - Hours(200), kNow - Hours(48)}};
  sample.running = "6.1.0-18-amd64";
  sample.installed = {"6.1.0-18-amd64"};
  sample.entropy = 256;
  sample.entropy_pool = 256;
  sample.hung_task_seconds = 120;
  sample.soft_watchdog = 1;
  return sample;
}

struct EvaluateCase {
  const char* sentence;
  std::function<void(KernelSample*)> change;
  const char* type;
  Verdict verdict;
  Severity severity;
  const char* reason;
};

void Check(const std::vector<EvaluateCase>& cases) {
  for (const EvaluateCase& c : cases) {
    KernelSample sample = Healthy();
    c.change(&sample);
    int found = 0;
    for (const Condition& condition : EvaluateKernel(sample, {})) {
      if (condition.type != c.type) continue;
      ++found;
      EXPECT_EQ(condition.verdict, c.verdict) << c.sentence << ": " << condition.message;
      EXPECT_EQ(condition.severity, c.severity) << c.sentence;
      EXPECT_EQ(condition.reason, c.reason) << c.sentence;
    }
    EXPECT_EQ(found, 1) << c.sentence;
  }
}

TEST(EvaluateKernelTest, FindsNothingOnAHealthyHost) {
  for (const Condition& condition : EvaluateKernel(Healthy(), {})) {
    EXPECT_EQ(condition.verdict, Verdict::kOk) << condition.type << ": " << condition.message;
  }
}

TEST(EvaluateKernelTest, SaysWhichTaintsMatter) {
  const auto tainted = [](uint64_t value) {
    return [value](KernelSample* sample) { sample->tainted = value; };
  };
  Check({
      {"a kernel that died is bad", tainted(1 << 7), "KernelTainted", Verdict::kBad,
       Severity::kSoft, "KernelDied"},
      {"a bad page is bad", tainted(1 << 5), "KernelTainted", Verdict::kBad, Severity::kSoft,
       "BadPage"},
      {"a machine check is bad", tainted(1 << 4), "KernelTainted", Verdict::kBad, Severity::kSoft,
       "MachineCheck"},
      {"a soft lockup that is over is information", tainted(1 << 14), "KernelTainted",
       Verdict::kBad, Severity::kInfo, "SoftLockup"},
      {"a graphics driver (P, O, E) is fine", tainted(1 << 0 | 1 << 12 | 1 << 13), "KernelTainted",
       Verdict::kOk, Severity::kSoft, "HarmlessTaints"},
      {"a warning and a staging driver are fine", tainted(1 << 9 | 1 << 10), "KernelTainted",
       Verdict::kOk, Severity::kSoft, "HarmlessTaints"},
      {"one bad bit among harmless ones is bad", tainted(1 << 7 | 1 << 9 | 1 << 12),
       "KernelTainted", Verdict::kBad, Severity::kSoft, "KernelDied"},
      {"a bit of a later kernel is fine", tainted(uint64_t{1} << 40), "KernelTainted", Verdict::kOk,
       Severity::kSoft, "HarmlessTaints"},
      {"what cannot be read is unknown", [](KernelSample* s) { s->tainted.reset(); },
       "KernelTainted", Verdict::kUnknown, Severity::kSoft, "NotReadable"},
  });
  KernelSample sample = Healthy();
  sample.tainted = 1 << 7 | 1 << 12;
  EXPECT_EQ(EvaluateKernel(sample, {})[0].message,
            "tainted 4224: D (kernel died: oops or BUG), O (out-of-tree module)");
}

TEST(EvaluateKernelTest, SaysWhichDumpsAreNews) {
  const auto dump = [](Hours age) {
    return [age](KernelSample* sample) {
      sample->dumps = {{"/sys/fs/pstore/dmesg-1", kNow - age}};
    };
  };
  Check({
      {"one of the boot before is told",
       [&](KernelSample* s) {
         s->uptime = Hours(1);
         s->boots = {{kNow - Hours(9), kNow - Hours(1)}};
         dump(Hours(2))(s);
       },
       "KernelCrashDump", Verdict::kBad, Severity::kInfo, "Crashed"},
      {"one of an earlier boot is not",
       [&](KernelSample* s) {
         s->uptime = Hours(1);
         s->boots = {{kNow - Hours(9), kNow - Hours(1)}};
         dump(Hours(10))(s);
       },
       "KernelCrashDump", Verdict::kOk, Severity::kInfo, "NoneFound"},
      {"one that was told for a day is not", dump(Hours(25)), "KernelCrashDump", Verdict::kOk,
       Severity::kInfo, "NoneFound"},
      {"without records of boots, one of the day before this boot is told",
       [&](KernelSample* s) {
         s->uptime = Hours(1);
         s->boots.reset();
         dump(Hours(23))(s);
       },
       "KernelCrashDump", Verdict::kBad, Severity::kInfo, "Crashed"},
      {"a folder that cannot be read is unknown",
       [](KernelSample* s) {
         s->dumps_reason = "NoPermission";
         s->dumps_cut = "cannot open /sys/fs/pstore";
       },
       "KernelCrashDump", Verdict::kUnknown, Severity::kInfo, "NoPermission"},
  });
}

TEST(EvaluateKernelTest, SaysWhatBootsMean) {
  Check({
      {"three boots within the hour are a loop",
       [](KernelSample* s) {
         s->boots = {{kNow - Minutes(50), kNow - Minutes(20), kNow - Minutes(1)}};
       },
       "BootLoop", Verdict::kBad, Severity::kSoft, "ManyBoots"},
      {"two are not",
       [](KernelSample* s) {
         s->boots = {{kNow - Minutes(61), kNow - Minutes(20), kNow - Minutes(1)}};
       },
       "BootLoop", Verdict::kOk, Severity::kSoft, "FewBoots"},
      {"records from the future do not count",
       [](KernelSample* s) {
         s->boots = {{kNow - Minutes(1), kNow + Minutes(1), kNow + Minutes(2)}};
       },
       "BootLoop", Verdict::kOk, Severity::kSoft, "FewBoots"},
      {"a host that keeps none is unknown, and held back by nothing",
       [](KernelSample* s) { s->boots.reset(); }, "BootLoop", Verdict::kUnknown, Severity::kInfo,
       "NoBootRecords"},
      {"a young host is told", [](KernelSample* s) { s->uptime = Minutes(9); }, "BootedRecently",
       Verdict::kBad, Severity::kInfo, "BootedRecently"},
      {"ten minutes later it is not", [](KernelSample* s) { s->uptime = Minutes(10); },
       "BootedRecently", Verdict::kOk, Severity::kInfo, "UpForLong"},
  });
}

TEST(EvaluateKernelTest, SaysWhatWaitsForAReboot) {
  Check({
      {"the flag of a package is told", [](KernelSample* s) { s->reboot_flagged = true; },
       "RebootRequired", Verdict::kBad, Severity::kInfo, "Flagged"},
      {"a newer kernel is told", [](KernelSample* s) { s->installed.push_back("6.1.0-21-amd64"); },
       "RebootRequired", Verdict::kBad, Severity::kInfo, "NewerKernel"},
  });
  KernelSample sample = Healthy();
  sample.reboot_flagged = true;
  sample.reboot_packages = {"linux-image-6.1.0-21-amd64", "dbus"};
  EXPECT_THAT(EvaluateKernel(sample, {})[4].message,
              HasSubstr("for \"linux-image-6.1.0-21-amd64\", \"dbus\""));
}

TEST(EvaluateKernelTest, SaysWhatIsSwitchedOffOrRunsLow) {
  Check({
      {"an old kernel can run low",
       [](KernelSample* s) {
         s->entropy_pool = 4096;
         s->entropy = 127;
       },
       "EntropyLow", Verdict::kBad, Severity::kInfo, "RunsLow"},
      {"128 bits are enough",
       [](KernelSample* s) {
         s->entropy_pool = 4096;
         s->entropy = 128;
       },
       "EntropyLow", Verdict::kOk, Severity::kInfo, "Enough"},
      {"a new kernel does not run low", [](KernelSample* s) { s->entropy = 0; }, "EntropyLow",
       Verdict::kOk, Severity::kInfo, "DoesNotRunLow"},
      {"a watchdog that is off is told", [](KernelSample* s) { s->hung_task_seconds = 0; },
       "KernelWatchdogOff", Verdict::kBad, Severity::kInfo, "SwitchedOff"},
      {"one that the kernel does not have is not",
       [](KernelSample* s) {
         s->hung_task_seconds.reset();
         s->soft_watchdog.reset();
       },
       "KernelWatchdogOff", Verdict::kOk, Severity::kInfo, "On"},
  });
}

TEST(TaintLettersTest, NamesEachBitAsTheKernelDoes) {
  EXPECT_EQ(TaintLetters(0), "");
  EXPECT_EQ(TaintLetters(0xFFFFF), "PFSRMBUDAWCIOELKXTNJ");
  EXPECT_EQ(TaintLetters(1 << 20 | 1), "P?");
}

TEST(NewerKernelTest, ComparesWhatIsComparable) {
  struct Case {
    const char* sentence;
    const char* running;
    std::vector<std::string> installed;
    std::optional<std::string> newer;
  };
  const Case cases[] = {
      {"numbers are numbers",
       "6.1.0-9-amd64",
       {"6.1.0-9-amd64", "6.1.0-18-amd64"},
       "6.1.0-18-amd64"},
      {"older ones are kept too",
       "6.1.0-18-amd64",
       {"6.1.0-9-amd64", "6.1.0-18-amd64"},
       std::nullopt},
      {"another flavour is not newer",
       "6.1.0-9-amd64",
       {"6.1.0-9-amd64", "6.1.0-18-cloud-amd64", "6.1.0-18-rt-amd64"},
       std::nullopt},
      {"Ubuntu",
       "5.15.0-101-generic",
       {"5.15.0-101-generic", "5.15.0-97-generic", "5.15.0-105-generic", "6.5.0-1014-aws"},
       "5.15.0-105-generic"},
      {"Red Hat",
       "5.14.0-362.8.1.el9_3.x86_64",
       {"5.14.0-362.8.1.el9_3.x86_64", "5.14.0-362.18.1.el9_3.x86_64"},
       "5.14.0-362.18.1.el9_3.x86_64"},
      {"Amazon Linux",
       "6.1.66-91.160.amzn2023.x86_64",
       {"6.1.66-91.160.amzn2023.x86_64", "6.1.102-108.177.amzn2023.x86_64"},
       "6.1.102-108.177.amzn2023.x86_64"},
      {"a kernel that is not installed here, as in a container",
       "6.18.44",
       {"6.99.0"},
       std::nullopt},
      {"nothing installed", "6.18.44", {}, std::nullopt},
  };
  for (const Case& c : cases) EXPECT_EQ(NewerKernel(c.running, c.installed), c.newer) << c.sentence;
  EXPECT_EQ(CompareVersions("1.02", "1.2"), 0);
  EXPECT_LT(CompareVersions("1.2", "1.2.1"), 0);
  EXPECT_GT(CompareVersions("1.18446744073709551616", "1.9"), 0) << "larger than any integer";
}

TEST(ParseBootsTest, ReadsBootsOfWholeRecords) {
  const auto record = [](short type, int32_t seconds) {
    utmp one{};
    one.ut_type = type;
    one.ut_tv.tv_sec = seconds;
    return std::string(reinterpret_cast<const char*>(&one), sizeof one);
  };
  const std::string wtmp = record(BOOT_TIME, 2000) + record(USER_PROCESS, 2500) +
                           record(BOOT_TIME, 1000) + record(BOOT_TIME, -1) +
                           record(BOOT_TIME, 3000).substr(0, 100);
  EXPECT_THAT(ParseBoots(wtmp), ElementsAre(WallTime(Seconds(1000)), WallTime(Seconds(2000))));
  EXPECT_THAT(ParseBoots(""), IsEmpty());
}

}  // namespace
}  // namespace fleetmedic
