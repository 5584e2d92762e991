// The real child process against a stub of NVML.
#include "detectors/gpu/gpu_detector.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <functional>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/poll.h"
#include "base/thread_pool.h"
#include "detectors/condition_types.h"
#include "detectors/runner.h"

namespace fleetmedic {
namespace {

using testing::HasSubstr;

constexpr std::string_view kGpus =
    "gpu 00000000:3B:00.0\necc 0\nreasons 1\nclock 345\n"
    "gpu 00000000:86:00.0\necc 0\nreasons 1\nclock 345\n";

class GpuDetectorTest : public testing::Test {
 protected:
  GpuDetectorTest() {
    host_.root = folder_ / "root";
    config_.library = folder_ / "libnvidia-ml.so.1";
    config_.nvml_every = Millis(1);
    // Far above what a loaded machine takes, where nothing hangs.
    config_.hung_after = config_.hung_after_cold = Seconds(60);
    EXPECT_EQ(symlink(NVML_STUB, config_.library.c_str()), 0);
    AddGpu("0000:3b:00.0");
    AddGpu("0000:86:00.0");
    Put("proc/driver/nvidia/version",
        "NVRM version: NVIDIA UNIX x86_64 Kernel Module  550.54.15  Tue Mar  5 22:23:56 UTC 2024\n"
        "GCC version:  gcc version 12.2.0 (Debian 12.2.0-14)\n");
    Scenario(std::string(kGpus));
  }

  void Put(const std::string& path, std::string_view text) {
    const std::string whole = host_.root + "/" + path;
    EXPECT_TRUE(MakeFolders(whole.substr(0, whole.rfind('/'))));
    EXPECT_TRUE(WriteFileAtomic(whole, text));
  }
  void AddGpu(const std::string& address) {
    const std::string device = "sys/bus/pci/devices/" + address;
    Put(device + "/vendor", "0x10de\n");
    Put(device + "/class", "0x030200\n");
    Put(device + "/uevent", "DRIVER=nvidia\nPCI_CLASS=30200\n");
    Put(device + "/power/runtime_status", "active\n");
    Put(device + "/config", std::string("\xde\x10\x30\x23", 4));
  }
  void Scenario(const std::string& text) {
    EXPECT_TRUE(WriteFileAtomic(config_.library + ".scenario", text));
  }

  std::unique_ptr<GpuDetector> Make() {
    return std::make_unique<GpuDetector>(&clock_, host_, config_,
                                         std::vector<std::string>{GPU_TEST_CHILD});
  }
  std::vector<Condition> Probe(GpuDetector* detector) {
    EXPECT_TRUE(detector->Supported());
    const auto conditions = detector->Probe(clock_.Mono() + Seconds(30));
    EXPECT_TRUE(conditions);
    return *conditions;
  }
  // Looks until the child has answered: on a machine under load that can take more than one look.
  std::vector<Condition> ProbeUntilAnswered(GpuDetector* detector) {
    const MonoTime give_up = clock_.Mono() + Seconds(60);
    std::vector<Condition> conditions = Probe(detector);
    while (Of(conditions, "GpuDriverHung").reason == "CouldNotTell" && clock_.Mono() < give_up) {
      conditions = Probe(detector);
    }
    return conditions;
  }
  static Condition Of(const std::vector<Condition>& conditions, std::string_view type) {
    const auto found = std::ranges::find(conditions, type, &Condition::type);
    return found == conditions.end() ? Condition() : *found;
  }
  static std::vector<std::string> Bad(const std::vector<Condition>& conditions) {
    std::vector<std::string> titles;
    for (const Condition& condition : conditions) {
      if (condition.verdict == Verdict::kBad) titles.push_back(ConditionTitle(condition));
    }
    return titles;
  }
  // A figure for docs/detectors.md.
  void Measured(const char* fault, MonoTime since) {
    std::printf("measured: %s to its condition in %.3f s\n", fault,
                std::chrono::duration<double>(clock_.Mono() - since).count());
  }

  SystemClock clock_;
  TempFolder folder_;
  HostConfig host_;
  GpuConfig config_;
};

TEST_F(GpuDetectorTest, AHostThatIsWellShowsNothingBad) {
  const auto detector = Make();
  for (const Condition& condition : ProbeUntilAnswered(detector.get())) {
    EXPECT_EQ(condition.verdict, Verdict::kOk) << condition.type << " " << condition.message;
  }
}

TEST_F(GpuDetectorTest, ALostGpuIsTold) {
  const auto detector = Make();
  EXPECT_THAT(Bad(ProbeUntilAnswered(detector.get())), testing::IsEmpty());
  const MonoTime fault = clock_.Mono();
  Scenario(std::string(kGpus) + "lost 1\n");
  std::vector<Condition> conditions;
  do {
    conditions = Probe(detector.get());
  } while (Bad(conditions).empty() && clock_.Mono() < fault + Seconds(60));
  Measured("a GPU that NVML calls lost", fault);
  EXPECT_THAT(Bad(conditions), testing::ElementsAre("GpuLost(gpu-0000:86:00)"));
  EXPECT_EQ(Of(conditions, "GpuLost").reason, "GpuIsLost");
}

TEST_F(GpuDetectorTest, AGpuOffTheBusIsToldWhileTheDriverHangs) {
  const auto detector = Make();
  EXPECT_THAT(Bad(ProbeUntilAnswered(detector.get())), testing::IsEmpty());
  Scenario("hang nvmlInit_v2\n");
  const MonoTime fault = clock_.Mono();
  Put("sys/bus/pci/devices/0000:3b:00.0/config", std::string(4, '\xff'));
  const std::vector<Condition> conditions = Probe(detector.get());
  Measured("a GPU off the bus", fault);
  EXPECT_THAT(Bad(conditions), testing::ElementsAre("GpuLost(gpu-0000:3b:00)"));
  EXPECT_EQ(Of(conditions, "GpuLost").reason, "OffTheBus");
}

// With the intervals that ship, on a worker of its own, from the fault to the runner's report.
class GpuReportTest : public GpuDetectorTest {
 protected:
  GpuReportTest() {
    config_ = GpuConfig();
    config_.library = folder_ / "libnvidia-ml.so.1";
  }
  void Start() {
    runner_ = std::make_unique<Runner>(
        &clock_, nullptr,
        [](std::string_view name) { return std::make_unique<ThreadPool>(name, 1, 1); },
        std::function<void()>(), Runner::Options{.host = "h"});
    runner_->Add(Make());
    Await([](const auto& conditions) { return Bad(conditions).empty(); });
  }
  // Turns until a report is so.
  std::vector<std::string> Await(const std::function<bool(const std::vector<Condition>&)>& wanted) {
    const MonoTime give_up = clock_.Mono() + Seconds(100);
    while (clock_.Mono() < give_up) {
      for (const DetectorReport& report : runner_->Turn(clock_.Mono(), clock_.Wall())) {
        if (Of(report.conditions, "GpuMissing").verdict == Verdict::kUnknown &&
            Bad(report.conditions).empty()) {
          continue;
        }
        if (wanted(report.conditions)) return Bad(report.conditions);
      }
      PollUntil({}, clock_, clock_.Mono() + Millis(5));
    }
    return {"nothing came"};
  }

  std::unique_ptr<Runner> runner_;
};

TEST_F(GpuReportTest, AGpuOffTheBusIsReportedWithinTheInterval) {
  Start();
  const MonoTime fault = clock_.Mono();
  Put("sys/bus/pci/devices/0000:3b:00.0/config", std::string(4, '\xff'));
  EXPECT_THAT(Await([](const auto& conditions) { return !Bad(conditions).empty(); }),
              testing::ElementsAre("GpuLost(gpu-0000:3b:00)"));
  Measured("a GPU off the bus, reported,", fault);
  EXPECT_LT(clock_.Mono() - fault, Seconds(20));
}

TEST_F(GpuReportTest, AHungDriverIsReportedAfterItsTime) {
  // With what ships it takes up to 10 s until the next question, and 5 s more.
  config_.nvml_every = config_.hung_after = Seconds(1);
  Start();
  const MonoTime fault = clock_.Mono();
  Scenario(std::string(kGpus) + "hang nvmlInit_v2\n");
  EXPECT_THAT(Await([](const auto& conditions) { return !Bad(conditions).empty(); }),
              testing::ElementsAre("GpuDriverHung"));
  Measured("a hung driver, reported,", fault);
}

// Both GPUs with persistence mode.
const std::string kReadyGpus =
    "gpu 00000000:3B:00.0\npersistence 1\ngpu 00000000:86:00.0\npersistence 1\n";

class GpuPingTest : public GpuReportTest {
 protected:
  // Every function of NVML hangs as long as the file is there.
  void Hang() { EXPECT_TRUE(WriteFileAtomic(config_.library + ".hangs", "")); }
  void GoOn() { EXPECT_TRUE(RemoveTree(config_.library + ".hangs")); }
  bool ChildRuns() {
    Command look;
    look.argv = {"pgrep", "-f", "gpu_test_child " + config_.library + " ping"};
    const Result<CommandResult> found = RunCommand(look, clock_, clock_.Mono() + Seconds(10));
    return found && !found->standard_output.empty();
  }
  // The child has answered once; then it is asked at each look.
  void StartAndWaitForTheChild() {
    Start();
    const MonoTime give_up = clock_.Mono() + Seconds(60);
    while (!ChildRuns() && clock_.Mono() < give_up) Await([](const auto&) { return true; });
    for (int look = 0; look < 2; ++look) Await([](const auto&) { return true; });
  }
};

TEST_F(GpuPingTest, ADriverThatGoesSilentIsToldWithinTwoSecondsAndHungInItsTime) {
  Scenario(kReadyGpus);
  StartAndWaitForTheChild();
  const MonoTime fault = clock_.Mono();
  Hang();
  Condition told;
  Await([&](const auto& conditions) {
    told = Of(conditions, "GpuDriverHung");
    return told.verdict == Verdict::kBad;
  });
  Measured("a driver that goes silent, reported,", fault);
  EXPECT_EQ(told.reason, "NoAnswer") << told.message;
  EXPECT_EQ(told.severity, Severity::kSoft);
  Await([&](const auto& conditions) {
    told = Of(conditions, "GpuDriverHung");
    return told.reason == "NvmlHung";
  });
  Measured("a driver that hangs, reported as hung,", fault);
  EXPECT_EQ(told.severity, Severity::kHard);
  GoOn();
  EXPECT_THAT(Await([](const auto& conditions) { return Bad(conditions).empty(); }),
              testing::IsEmpty());
}

TEST_F(GpuPingTest, WhereItMayBeInTheWayTheDriverIsLetGo) {
  config_.nvml_every = Millis(100);
  Scenario(kReadyGpus);
  StartAndWaitForTheChild();
  for (const auto& [words, bad] :
       {std::pair{"recovery 1\n", "GpuResetRequired(gpu-0000:86:00)"},
        std::pair{"persistence 0\n", "GpuPersistenceOff(gpu-0000:86:00)"}}) {
    ASSERT_TRUE(ChildRuns());
    Scenario(kReadyGpus + words);
    EXPECT_THAT(Await([](const auto& conditions) { return !Bad(conditions).empty(); }),
                testing::ElementsAre(bad));
    for (int look = 0; look < 2; ++look) Await([](const auto&) { return true; });
    EXPECT_FALSE(ChildRuns()) << bad;
    Scenario(kReadyGpus);
    Await([](const auto& conditions) { return Bad(conditions).empty(); });
    for (int look = 0; look < 2; ++look) Await([](const auto&) { return true; });
  }
}

TEST_F(GpuDetectorTest, OneGoneFromSysfsStaysLost) {
  const auto detector = Make();
  ProbeUntilAnswered(detector.get());
  ASSERT_TRUE(RemoveTree(host_.root + "/sys/bus/pci/devices/0000:3b:00.0"));
  EXPECT_THAT(Bad(Probe(detector.get())), testing::Contains("GpuLost(gpu-0000:3b:00)"));
}

TEST_F(GpuDetectorTest, AHungDriverIsToldInTimeAndItsChildKilled) {
  config_.hung_after = config_.hung_after_cold = Millis(700);
  Scenario(std::string(kGpus) + "hang nvmlDeviceGetTotalEccErrors\n");
  const auto detector = Make();
  const MonoTime start = clock_.Mono();
  // The look is back long before the driver is given up on.
  std::vector<Condition> conditions = Probe(detector.get());
  EXPECT_LT(clock_.Mono() - start, Seconds(15)) << "back by its deadline";
  conditions = ProbeUntilAnswered(detector.get());
  Measured("a hung driver (hung_after 0.7 s)", start);
  EXPECT_THAT(Bad(conditions), testing::ElementsAre("GpuDriverHung"));
  EXPECT_THAT(Of(conditions, "GpuDriverHung").message, HasSubstr("nvmlDeviceGetTotalEccErrors"));
  EXPECT_EQ(Of(conditions, "GpuRowRemapFailed").reason, "DriverHung");
  // And back.
  Scenario(std::string(kGpus));
  const MonoTime give_up = clock_.Mono() + Seconds(60);
  do {
    conditions = Probe(detector.get());
  } while (!Bad(conditions).empty() && clock_.Mono() < give_up);
  EXPECT_THAT(Bad(conditions), testing::IsEmpty());
}

TEST_F(GpuDetectorTest, NobodyWaitsForAChildThatHangsAtTheEnd) {
  Scenario("hang nvmlInit_v2\n");
  auto detector = Make();
  Probe(detector.get());
  const MonoTime start = clock_.Mono();
  detector.reset();
  EXPECT_LT(clock_.Mono() - start, Millis(900));
  // Killed, and reaped by whoever looks next.
  const MonoTime give_up = clock_.Mono() + Seconds(60);
  while (Child::unreaped() > 0 && clock_.Mono() < give_up) {
    PollUntil({}, clock_, clock_.Mono() + Millis(5));
  }
  EXPECT_EQ(Child::unreaped(), 0u);
}

// A process in a frozen cgroup (v1) does not die of SIGKILL, as one that hangs in the kernel.
class Freezer {
 public:
  Freezer() { usable_ = mkdir(path_.c_str(), 0755) == 0; }
  ~Freezer() {
    if (!usable_) return;
    Write("freezer.state", "THAWED");
    // It is busy until the kernel has taken the process out.
    const SystemClock clock;
    const MonoTime give_up = clock.Mono() + Seconds(60);
    while (rmdir(path_.c_str()) != 0 && errno == EBUSY && clock.Mono() < give_up) {
      PollUntil({}, clock, clock.Mono() + Millis(5));
    }
  }
  bool usable() const { return usable_; }
  bool Freeze(pid_t pid) {
    if (!Write("tasks", std::to_string(pid)) || !Write("freezer.state", "FROZEN")) return false;
    const SystemClock clock;
    const MonoTime give_up = clock.Mono() + Seconds(60);
    while (ReadFile(path_ + "/freezer.state", 64).value_or("") != "FROZEN\n") {
      if (clock.Mono() > give_up) return false;
      PollUntil({}, clock, clock.Mono() + Millis(5));
    }
    return true;
  }

 private:
  bool Write(const std::string& name, const std::string& text) const {
    const UniqueFd file(open((path_ + "/" + name).c_str(), O_WRONLY | O_CLOEXEC));
    return file.ok() && write(file.get(), text.data(), text.size()) == ssize_t(text.size());
  }

  const std::string path_ =
      "/sys/fs/cgroup/freezer/fleetmedic-gpu-test-" + std::to_string(getpid());
  bool usable_ = false;
};

TEST_F(GpuDetectorTest, AChildThatDoesNotDieIsLeftAloneAndNoOtherIsStartedBesideIt) {
  Freezer freezer;
  if (!freezer.usable()) GTEST_SKIP() << "no right to freeze a process here, or no cgroup v1";
  Scenario("hang nvmlInit_v2\n");
  auto probe = std::make_unique<GpuProbe>(
      &clock_, std::vector<std::string>{GPU_TEST_CHILD, config_.library});
  ASSERT_FALSE(probe->Ask(clock_.Mono() + Millis(100), Seconds(60)).has_value());
  const pid_t child = probe->pid();
  ASSERT_TRUE(freezer.Freeze(child));
  for (int look = 0; look < 3; ++look) {
    const std::optional<GpuAnswer> answer = probe->Ask(clock_.Mono() + Seconds(30), Millis(1));
    ASSERT_TRUE(answer);
    EXPECT_EQ(answer->kind, GpuAnswer::Kind::kHung);
    EXPECT_EQ(probe->pid(), child);
  }
  const MonoTime start = clock_.Mono();
  probe.reset();
  EXPECT_LT(clock_.Mono() - start, Millis(900));
  EXPECT_EQ(Child::unreaped(), 1u);
}

TEST_F(GpuDetectorTest, AMismatchNamesBothVersions) {
  Scenario("version 555.42.02\nfail nvmlInit_v2 18\n");
  const auto detector = Make();
  const std::vector<Condition> conditions = ProbeUntilAnswered(detector.get());
  EXPECT_THAT(Bad(conditions), testing::ElementsAre("GpuDriverMismatch"));
  EXPECT_THAT(Of(conditions, "GpuDriverMismatch").message,
              testing::AllOf(HasSubstr("550.54.15"), HasSubstr("12.555.42.02")));
}

TEST_F(GpuDetectorTest, NoneListedIsNeverOne) {
  Scenario("");
  const auto detector = Make();
  const std::vector<Condition> conditions = ProbeUntilAnswered(detector.get());
  EXPECT_THAT(Bad(conditions), testing::ElementsAre("GpuMissing"));
  EXPECT_THAT(Of(conditions, "GpuMissing").message, HasSubstr("0 of 2 GPUs"));
}

TEST_F(GpuDetectorTest, ReadsWhatAGpuSaysOfItself) {
  Scenario(std::string(kGpus) +
           "remap_pending 1\nremap_failed 1\nretirement_pending 1\npersistence 0\n"
           "fabric 3 999\nrecovery 2\nlink 0 1 0\n");
  const auto detector = Make();
  EXPECT_THAT(Bad(ProbeUntilAnswered(detector.get())),
              testing::UnorderedElementsAre(
                  "GpuRowRemapPending(gpu-0000:86:00)", "GpuRowRemapFailed(gpu-0000:86:00)",
                  "GpuPageRetirementPending(gpu-0000:86:00)", "GpuPersistenceOff(gpu-0000:86:00)",
                  "GpuFabricNotReady(gpu-0000:86:00)", "GpuRebootRequired(gpu-0000:86:00)"));
}

TEST_F(GpuDetectorTest, ALibraryThatCrashesIsUnknownAndHarmsNobody) {
  Scenario("crash nvmlDeviceGetCount_v2\n");
  const auto detector = Make();
  const MonoTime give_up = clock_.Mono() + Seconds(60);
  Condition hung;
  do {
    hung = Of(Probe(detector.get()), "GpuDriverHung");
  } while (hung.message.find("signal 6") == std::string::npos && clock_.Mono() < give_up);
  EXPECT_EQ(hung.verdict, Verdict::kUnknown);
  EXPECT_THAT(hung.message, HasSubstr("nvmlDeviceGetCount_v2"));
}

TEST_F(GpuDetectorTest, NoLibraryIsUnknown) {
  config_.library = folder_ / "nothing.so";
  const auto detector = Make();
  const std::vector<Condition> conditions = ProbeUntilAnswered(detector.get());
  EXPECT_THAT(Bad(conditions), testing::IsEmpty());
  EXPECT_EQ(Of(conditions, "GpuMissing").reason, "LibraryMissing");
}

TEST_F(GpuDetectorTest, GpusThatSleepAreLeftAlone) {
  for (const std::string address : {"0000:3b:00.0", "0000:86:00.0"}) {
    Put("sys/bus/pci/devices/" + address + "/power/runtime_status", "suspended\n");
  }
  Scenario("crash nvmlInit_v2\n");
  const auto detector = Make();
  for (const Condition& condition : Probe(detector.get())) {
    EXPECT_EQ(condition.reason, "Asleep") << condition.type;
  }
}

TEST_F(GpuDetectorTest, IsSupportedWhereThereAreGpusForIt) {
  EXPECT_TRUE(Make()->Supported());
  // Given to another driver.
  ASSERT_TRUE(RemoveTree(host_.root + "/proc"));
  for (const std::string address : {"0000:3b:00.0", "0000:86:00.0"}) {
    Put("sys/bus/pci/devices/" + address + "/uevent", "DRIVER=vfio-pci\n");
  }
  EXPECT_FALSE(Make()->Supported());
  // Without a driver: that is bad, and not "no GPU".
  Put("sys/bus/pci/devices/0000:3b:00.0/uevent", "PCI_CLASS=30200\n");
  Scenario("fail nvmlInit_v2 9\n");
  const auto detector = Make();
  EXPECT_THAT(Bad(ProbeUntilAnswered(detector.get())), testing::ElementsAre("GpuDriverNotLoaded"));
  // A screen's GPU that nobody wants to compute with.
  ASSERT_TRUE(RemoveTree(host_.root + "/sys"));
  AddGpu("0000:01:00.0");
  Put("sys/bus/pci/devices/0000:01:00.0/class", "0x030000\n");
  Put("sys/bus/pci/devices/0000:01:00.0/uevent", "PCI_CLASS=30000\n");
  EXPECT_FALSE(Make()->Supported());
  ASSERT_TRUE(RemoveTree(host_.root + "/sys"));
  EXPECT_FALSE(Make()->Supported());
}

TEST(ModuleVersionTest, ReadsBothKindsOfModule) {
  EXPECT_EQ(ModuleVersion("NVRM version: NVIDIA UNIX x86_64 Kernel Module  550.54.15  Tue Mar  5\n"
                          "GCC version:  gcc version 12.2.0\n"),
            "550.54.15");
  EXPECT_EQ(ModuleVersion("NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  570.158.01  "
                          "Release Build  (dvs-builder@U22)\n"),
            "570.158.01");
  EXPECT_EQ(ModuleVersion("torn"), "");
  EXPECT_EQ(ModuleVersion(""), "");
}

}  // namespace
}  // namespace fleetmedic
