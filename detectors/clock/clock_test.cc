#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>

#include "detectors/clock/clock_detector.h"
#include "detectors/clock/clock_evaluate.h"
#include "detectors/fixture_host.h"

namespace fleetmedic {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

// What the kernel says on a virtual machine where nobody synchronises, recorded with Linux 6.18:
// STA_UNSYNC, and the errors at their greatest.
KernelTime Nobodys() { return {false, Micros(0), Seconds(16), Seconds(16)}; }
KernelTime Good() { return {true, Micros(-120), Micros(400), Millis(30)}; }

ClockSample Host(const KernelTime& time) {
  ClockSample host;
  host.time = time;
  host.source = "tsc";
  host.available = {"tsc", "hpet", "acpi_pm"};
  return host;
}

struct EvaluateCase {
  const char* sentence;
  ClockSample first;  // an hour before
  ClockSample now;
  bool required;
  const char* type;  // empty: nothing is wrong
  const char* reason;
  Severity severity;
};

ClockSample Off(Micros offset) {
  ClockSample host = Host(Good());
  host.time->offset = offset;
  return host;
}

ClockSample WithMaximumError(Micros error) {
  ClockSample host = Host(Good());
  host.time->maximum_error = error;
  return host;
}

ClockSample WithSource(const char* source, bool steady_tsc) {
  ClockSample host = Host(Good());
  host.source = source;
  host.available = {"hpet", "acpi_pm"};
  host.steady_tsc = steady_tsc;
  return host;
}

std::vector<EvaluateCase> Cases() {
  const ClockSample good = Host(Good());
  const ClockSample nobodys = Host(Nobodys());
  ClockSample served = nobodys;
  served.service = "chrony";
  ClockSample was_good = nobodys;
  was_good.was_synchronised = true;
  ClockSample nobodys_off = nobodys;
  nobodys_off.time->offset = Seconds(3);
  return {
      {"a synchronised clock is fine", good, good, true, "", "", {}},
      {"one that nobody synchronises is fine", nobodys, nobodys, false, "", "", {}},
      {"unless it is required", nobodys, nobodys, true, "ClockUnsynchronised", "NoService",
       Severity::kSoft},
      {"or a service is there that does not manage it", served, served, false,
       "ClockUnsynchronised", "NeverSynchronised", Severity::kSoft},
      {"one that was synchronised and is no longer is bad at once", good, nobodys, false,
       "ClockUnsynchronised", "Lost", Severity::kSoft},
      {"so is one of which a file of this boot says so", nobodys, was_good, false,
       "ClockUnsynchronised", "Lost", Severity::kSoft},
      {"a clock that came to be synchronised is fine", served, good, false, "", "", {}},
      {"five seconds of maximum error mean that no update came", good, WithMaximumError(Seconds(5)),
       false, "ClockUnsynchronised", "NotUpdated", Severity::kSoft},
      {"what grows between two polls of 2048 s does not",
       good,
       WithMaximumError(Micros(1'024'000)),
       false,
       "",
       "",
       {}},
      {"50 ms off is too much", good, Off(Millis(50)), false, "ClockOffset", "Large",
       Severity::kSoft},
      {"the other way too", good, Off(-Millis(50)), false, "ClockOffset", "Large", Severity::kSoft},
      {"a little less is not", good, Off(Micros(49'999)), false, "", "", {}},
      {"an offset without a service means nothing", nobodys, nobodys_off, false, "", "", {}},
      {"a lost time-stamp counter is soft", good, WithSource("hpet", true), false,
       "ClockSourceUnstable", "Lost", Severity::kSoft},
      {"one that was lost before is for people to know", WithSource("acpi_pm", true),
       WithSource("acpi_pm", true), false, "ClockSourceUnstable", "Slow", Severity::kInfo},
      {"a processor without a steady one has no better",
       WithSource("hpet", false),
       WithSource("hpet", false),
       false,
       "",
       "",
       {}},
      {"a paravirtual source is fine",
       WithSource("kvm-clock", false),
       WithSource("kvm-clock", false),
       false,
       "",
       "",
       {}},
      {"no source at all is not told of",
       WithSource("", false),
       WithSource("", false),
       false,
       "",
       "",
       {}},
  };
}

TEST(EvaluateClockTest, SaysWhatEachSampleMeans) {
  for (const EvaluateCase& c : Cases()) {
    SCOPED_TRACE(c.sentence);
    ClockHistory history;
    history.Add(c.first, MonoTime(Hours(1)));
    history.Add(c.now, MonoTime(Hours(2)));
    ClockThresholds thresholds;
    thresholds.required = c.required;
    const auto bad = NotOk(EvaluateClock(c.now, history, thresholds));
    if (*c.type == '\0') {
      EXPECT_THAT(bad, IsEmpty());
      continue;
    }
    ASSERT_THAT(bad, SizeIs(1));
    EXPECT_EQ(bad[0].type, c.type);
    EXPECT_EQ(bad[0].reason, c.reason);
    EXPECT_EQ(bad[0].severity, c.severity);
  }
}

TEST(EvaluateClockTest, GivesAServiceItsGrace) {
  ClockHistory history;
  ClockSample sample = Host(Nobodys());
  sample.service = "chrony";
  history.Add(sample, MonoTime(Hours(1)));
  history.Add(sample, MonoTime(Hours(1) + Minutes(9)));
  EXPECT_THAT(NotOk(EvaluateClock(sample, history, {})), IsEmpty());
  history.Add(sample, MonoTime(Hours(1) + Minutes(10)));
  const auto bad = NotOk(EvaluateClock(sample, history, {}));
  ASSERT_THAT(bad, SizeIs(1));
  EXPECT_EQ(bad[0].message,
            "the kernel's clock is not synchronised, seen for 10m (at most 10m); time service "
            "chrony");
}

TEST(EvaluateClockTest, IsUnknownWhereItMayNotAsk) {
  ClockSample sample = Host(Good());
  sample.time = Fail(Code::kPermissionDenied, "adjtimex: Operation not permitted");
  ClockHistory history;
  history.Add(sample, MonoTime(Hours(1)));
  const auto unknown = NotOk(EvaluateClock(sample, history, {}));
  ASSERT_THAT(unknown, SizeIs(2));
  for (const Condition& condition : unknown) {
    EXPECT_EQ(condition.verdict, Verdict::kUnknown);
    EXPECT_EQ(condition.reason, "NoPermission");
  }
}

class ClockDetectorTest : public FixtureHostTest {
 protected:
  ClockDetectorTest() {
    Put("sys/devices/system/clocksource/clocksource0/current_clocksource", "tsc\n");
    Put("sys/devices/system/clocksource/clocksource0/available_clocksource", "tsc hpet acpi_pm \n");
    detector_ = std::make_unique<ClockDetector>(&clock_, host_, ClockConfig(),
                                                [this]() -> Result<KernelTime> { return time_; });
  }
  std::vector<Condition> Probe(Micros step = Seconds(30)) {
    clock_.Advance(step);
    const auto conditions = detector_->Probe(clock_.Mono());
    EXPECT_TRUE(conditions) << conditions.error().message;
    return conditions ? NotOk(*conditions) : std::vector<Condition>();
  }

  KernelTime time_ = Nobodys();
  std::unique_ptr<ClockDetector> detector_;
};

TEST_F(ClockDetectorTest, FindsNothingWrongWhereNobodySynchronises) {
  ASSERT_TRUE(detector_->Supported());
  EXPECT_THAT(Probe(), IsEmpty());
  EXPECT_THAT(Probe(Hours(5)), IsEmpty());
}

TEST_F(ClockDetectorTest, ExpectsMoreOfAHostWithAService) {
  Put("run/chrony/chronyd.pid", "812\n");
  EXPECT_THAT(Probe(), IsEmpty());
  EXPECT_THAT(Probe(Minutes(11)), SizeIs(1));
  time_ = Good();
  EXPECT_THAT(Probe(), IsEmpty());
  time_ = Nobodys();
  EXPECT_THAT(Probe(), SizeIs(1));
}

TEST_F(ClockDetectorTest, BelievesTheFileOfASynchronisationInThisBoot) {
  Put("run/systemd/timesync/synchronized", "");
  const auto bad = Probe();
  ASSERT_THAT(bad, SizeIs(1));
  EXPECT_EQ(bad[0].reason, "Lost");
  EXPECT_THAT(bad[0].message, HasSubstr("systemd-timesyncd"));
}

TEST_F(ClockDetectorTest, LooksAtTheProcessorWhereTheSourceIsSlow) {
  Put("sys/devices/system/clocksource/clocksource0/current_clocksource", "hpet\n");
  Put("proc/cpuinfo",
      "processor\t: 0\nflags\t\t: fpu tsc constant_tsc nonstop_tsc sse\n\nprocessor\t: 1\n");
  const auto bad = Probe();
  ASSERT_THAT(bad, SizeIs(1));
  EXPECT_EQ(bad[0].severity, Severity::kInfo);
  Put("proc/cpuinfo", "processor\t: 0\nflags\t\t: fpu tsc sse\n");
  EXPECT_THAT(Probe(), IsEmpty());
}

TEST(ClockDetectorOnThisMachineTest, AsksTheKernelAndChangesNothing) {
  const Result<KernelTime> before = ReadKernelTime();
  if (!before) GTEST_SKIP() << before.error().message;
  EXPECT_GE(before->maximum_error, Micros(0));
  SystemClock clock;
  ClockDetector detector(&clock, HostConfig(), ClockConfig());
  ASSERT_TRUE(detector.Supported());
  ASSERT_TRUE(detector.Probe(clock.Mono()));
  EXPECT_EQ(ReadKernelTime()->synchronised, before->synchronised);
}

TEST(ClockDetectorOnThisMachineTest, IsNotSupportedBelowABareFolder) {
  TempFolder bare;
  SystemClock clock;
  HostConfig host;
  host.root = bare.path();
  EXPECT_FALSE(ClockDetector(&clock, host, ClockConfig()).Supported());
}

}  // namespace
}  // namespace fleetmedic
