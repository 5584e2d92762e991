#include "detectors/systemd/systemd_detector.h"

#include <signal.h>
#include <unistd.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/thread_pool.h"
#include "detectors/logs/journal_reader.h"
#include "detectors/runner.h"
#include "tests/e2e/fault_time.h"
#include "tests/e2e/systemd_fixture.h"
#include "tests/e2e/wait.h"

namespace fleetmedic {
namespace {

class SystemdDetectorE2e : public testing::Test {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "not root: cannot boot a systemd";
  }
  void TearDown() override { systemd_.reset(); }

  void Start(const std::map<std::string, std::string>& units) {
    auto started = SystemdFixture::Start(units);
    ASSERT_TRUE(started) << started.error().message;
    systemd_ = *std::move(started);
    config_.bus = systemd_->bus();
    config_.boot_grace = Millis(0);
  }
  std::unique_ptr<SystemdDetector> NewDetector() {
    return std::make_unique<SystemdDetector>(MakeSystemdSource(&clock_, HostConfig(), config_),
                                             config_);
  }
  Condition Probe(Detector* detector, const std::string& type, const std::string& unit = "") {
    const auto conditions = detector->Probe(clock_.Mono() + Seconds(5));
    error_ = conditions ? "" : conditions.error().message;
    for (const Condition& condition : conditions.value_or(std::vector<Condition>{})) {
      if (condition.type == type && condition.unit == unit) return condition;
    }
    return {};
  }

  SystemClock clock_;
  SystemdConfig config_;
  std::string error_;
  std::unique_ptr<SystemdFixture> systemd_;
};

TEST_F(SystemdDetectorE2e, TellsAUnitThatFailsOneThatLoopsAndWhatTheJournalSays) {
  Start({{"fails.service", "[Service]\nType=oneshot\nExecStart=/bin/sh -c 'echo dying; exit 3'\n"},
         {"loops.service",
          "[Unit]\nStartLimitIntervalSec=0\n[Service]\nExecStart=/bin/false\nRestart=always\n"
          "RestartSec=200ms\n"},
         {"hangs.service", "[Service]\nWatchdogSec=500ms\nExecStart=/bin/sleep 100000\n"},
         {"runs.service", "[Service]\nExecStart=/bin/sleep 100000\n"}});
  const auto detector = NewDetector();
  EXPECT_TRUE(WaitUntil(
      clock_, Seconds(40),
      [&] {
        return Probe(detector.get(), "SystemdUnitFailed", "fails.service").verdict == Verdict::kBad;
      }))
      << error_ << systemd_->ConsoleText();
  EXPECT_THAT(Probe(detector.get(), "SystemdUnitFailed", "fails.service").message,
              testing::HasSubstr("exit-code"));
  EXPECT_TRUE(WaitUntil(clock_, Seconds(40), [&] {
    return Probe(detector.get(), "SystemdUnitFailed", "hangs.service").reason == "Watchdog";
  })) << error_;
  EXPECT_TRUE(WaitUntil(clock_, Seconds(40), [&] {
    return Probe(detector.get(), "SystemdRestartLoop", "loops.service").verdict == Verdict::kBad;
  })) << error_;
  EXPECT_EQ(Probe(detector.get(), "SystemdRestartLoop", "runs.service").type, "");
  EXPECT_TRUE(WaitUntil(clock_, Seconds(40), [&] {
    return Probe(detector.get(), "SystemdDegraded").verdict == Verdict::kBad;
  }));
  EXPECT_EQ(Probe(detector.get(), "SystemdUnresponsive").verdict, Verdict::kOk);

  // Its journal, from outside: what comes after the reader was started.
  JournalReader journal(systemd_->journal());
  journal.Start("");
  bool told = false;
  EXPECT_TRUE(WaitUntil(clock_, Seconds(20), [&] {
    (void)journal.Read(1000, [&](std::string_view source, std::string_view line, LineLevel) {
      told = told ||
             (line.find("loops.service") != std::string::npos && source == "journal:init.scope");
    });
    return told;
  }));
}

TEST_F(SystemdDetectorE2e, TellsARequiredUnitThatIsDownOneThatIsMissingAndAJobThatIsStuck) {
  // Stops itself in good order, so that it is inactive and not failed.
  Start({{"fm-agent.service",
          "[Service]\nExecStart=/bin/sleep 1\n[Install]\nWantedBy=multi-user.target\n"},
         {"fm-runs.service", "[Service]\nExecStart=/bin/sleep 100000\n"},
         {"fm-skipped.service",
          "[Unit]\nConditionPathExists=/not-there\n[Service]\nExecStart=/bin/sleep 100000\n"},
         {"fm-masked.service", ""},  // an empty file masks, systemd.unit(5)
         {"fm-once.service", "[Service]\nType=oneshot\nExecStart=/bin/true\n"},
         {"fm-hangs.service",
          "[Service]\nType=notify\nTimeoutStartSec=3600\nExecStart=/bin/sleep 100000\n"},
         {"fm-after.service",
          "[Unit]\nAfter=fm-hangs.service\n[Service]\nExecStart=/bin/sleep 100000\n"}});
  config_.required = {
      "fm-runs",   "fm-skipped",
      "fm-once",   "fm-absent",
      "fm-masked", "dbus-org.freedesktop.login1"};  // an alias of systemd-logind.service
  config_.required_if_enabled = {"fm-agent.service", "fm-unknown*.service"};
  config_.required_grace = Millis(500);
  config_.job_max = Seconds(1);
  config_.boot_max = Seconds(1);
  const auto detector = NewDetector();
  const auto becomes_bad = [&](const std::string& type, const std::string& unit) {
    return WaitUntil(clock_, Seconds(40),
                     [&] { return Probe(detector.get(), type, unit).verdict == Verdict::kBad; });
  };
  EXPECT_TRUE(becomes_bad("SystemdRequiredUnitMissing", "fm-absent.service")) << error_;
  EXPECT_TRUE(becomes_bad("SystemdRequiredUnitMissing", "fm-masked.service")) << error_;
  EXPECT_TRUE(becomes_bad("SystemdRequiredUnitDown", "fm-agent.service")) << error_;
  EXPECT_TRUE(becomes_bad("SystemdJobStuck", "fm-hangs.service")) << error_;
  EXPECT_TRUE(becomes_bad("SystemdJobStuck", "fm-after.service")) << error_;
  EXPECT_TRUE(becomes_bad("SystemdBootUnfinished", "")) << error_;
  EXPECT_THAT(Probe(detector.get(), "SystemdRequiredUnitDown", "fm-agent.service").message,
              testing::HasSubstr("enabled"));
  const Condition hangs = Probe(detector.get(), "SystemdJobStuck", "fm-hangs.service");
  EXPECT_EQ(hangs.reason, "Runs") << hangs.message;
  EXPECT_EQ(hangs.severity, Severity::kSoft);
  EXPECT_EQ(Probe(detector.get(), "SystemdJobStuck", "fm-after.service").severity, Severity::kInfo);
  // By now each of the others has been asked as often as those that are bad.
  for (const char* unit : {"fm-runs.service", "fm-skipped.service", "fm-once.service",
                           "dbus-org.freedesktop.login1.service"}) {
    EXPECT_EQ(Probe(detector.get(), "SystemdRequiredUnitDown", unit).type, "") << unit;
    EXPECT_EQ(Probe(detector.get(), "SystemdRequiredUnitMissing", unit).type, "") << unit;
  }
  EXPECT_EQ(Probe(detector.get(), "SystemdRequiredUnitMissing", "fm-unknown*.service").type, "");
}

TEST_F(SystemdDetectorE2e, TellsAStoppedPid1WithinItsDeadlineAndThatItGoesOn) {
  Start({});
  const auto detector = NewDetector();
  EXPECT_TRUE(WaitUntil(clock_, Seconds(40), [&] {
    return Probe(detector.get(), "SystemdUnresponsive").verdict == Verdict::kOk;
  })) << error_;
  ASSERT_EQ(::kill(systemd_->leader(), SIGSTOP), 0);
  const MonoTime asked = clock_.Mono();
  const auto conditions = detector->Probe(asked + Seconds(1));
  EXPECT_LT(clock_.Mono() - asked, Seconds(2)) << "the deadline is ours, not the bus's";
  ASSERT_TRUE(conditions) << conditions.error().message;
  EXPECT_EQ(conditions->back().type, "SystemdUnresponsive");
  EXPECT_EQ(conditions->back().verdict, Verdict::kBad);
  EXPECT_EQ(conditions->back().reason, "NoAnswer");
  ASSERT_EQ(::kill(systemd_->leader(), SIGCONT), 0);
  EXPECT_TRUE(WaitUntil(clock_, Seconds(20), [&] {
    return Probe(detector.get(), "SystemdUnresponsive").verdict == Verdict::kOk;
  })) << error_;
}

TEST_F(SystemdDetectorE2e, TellsAUnitThatFailsAndAStoppedPid1AtItsNextLook) {
  Start({});
  const auto detector = NewDetector();
  EXPECT_LT(FaultTime(clock_, detector.get(), "systemd: a unit fails", "SystemdUnitFailed",
                      [&] {
                        const auto failed = systemd_->Run(
                            {"systemd-run", "--unit=fm-fails", "--wait", "/bin/false"},
                            Seconds(30));
                        ASSERT_TRUE(failed) << failed.error().message;
                      },
                      {.unit = "fm-fails.service"}),
            config_.interval + Seconds(20));
  EXPECT_LT(FaultTime(clock_, detector.get(), "systemd: SIGSTOP of PID 1", "SystemdUnresponsive",
                      [&] { ASSERT_EQ(::kill(systemd_->leader(), SIGSTOP), 0); }),
            config_.interval + Seconds(20));
  ASSERT_EQ(::kill(systemd_->leader(), SIGCONT), 0);
}

}  // namespace
}  // namespace fleetmedic
