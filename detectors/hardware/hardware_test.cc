#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>

#include "detectors/fixture_host.h"
#include "detectors/hardware/hardware_detector.h"
#include "detectors/hardware/hardware_evaluate.h"

namespace fleetmedic {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Pair;
using testing::SizeIs;
using testing::UnorderedElementsAre;

// A host on which nothing is wrong now, though something was before.
HardwareSample Host() {
  HardwareSample host;
  host.has_memory = true;
  host.memory = {{"mc0/dimm0", "DIMM_A1", 5000, 0}, {"mc0", "skx", 0, 0}};
  host.has_pcie = true;
  PcieSample device;
  device.address = "0000:5e:00.0";
  device.driver = "nvme";
  device.correctable = {{"RxErr", 9000}, {"BadTLP", 100}};
  device.nonfatal = {{"CmpltTO", 3}};
  device.fatal = {{"DLP", 1}};
  host.pcie = {device};
  host.has_throttle = true;
  host.throttle = {{"package-0", 1000, 100'000}, {"package-1", 1000, std::nullopt}};
  host.present = std::set<int>{0, 1, 2, 3};
  host.online = host.present;
  host.has_sensors = true;
  return host;
}

struct EvaluateCase {
  const char* sentence;
  std::function<void(HardwareSample*)> change;
  const char* type;  // empty: nothing is wrong
  const char* unit;
  const char* reason;
  Severity severity;
};

TEST(EvaluateHardwareTest, SaysWhatChangedSinceTheLookBefore) {
  const EvaluateCase cases[] = {
      {"what was counted before the agent came is nobody's news",
       [](HardwareSample*) {},
       "",
       "",
       "",
       {}},
      {"99 corrected errors are fine",
       [](HardwareSample* h) { h->memory[0].corrected += 99; },
       "",
       "",
       "",
       {}},
      {"100 are not", [](HardwareSample* h) { h->memory[0].corrected += 100; },
       "MemoryErrorsCorrected", "mc0/dimm0", "Many", Severity::kSoft},
      {"a driver that was loaded anew counts from nothing",
       [](HardwareSample* h) { h->memory[0].corrected = 50; },
       "",
       "",
       "",
       {}},
      {"one uncorrected error is hard", [](HardwareSample* h) { h->memory[0].uncorrected = 1; },
       "MemoryErrorsUncorrected", "mc0/dimm0", "Now", Severity::kHard},
      {"so is one that belongs to no module",
       [](HardwareSample* h) { h->memory[1].uncorrected = 1; }, "MemoryErrorsUncorrected", "mc0",
       "Now", Severity::kHard},
      {"a fatal PCIe error is told", [](HardwareSample* h) { ++h->pcie[0].fatal["DLP"]; },
       "PcieErrorsUncorrected", "0000:5e:00.0", "Fatal", Severity::kSoft},
      {"so is one that is not fatal", [](HardwareSample* h) { ++h->pcie[0].nonfatal["CmpltTO"]; },
       "PcieErrorsUncorrected", "0000:5e:00.0", "NonFatal", Severity::kSoft},
      {"999 corrected PCIe errors are fine",
       [](HardwareSample* h) { h->pcie[0].correctable["RxErr"] += 999; },
       "",
       "",
       "",
       {}},
      {"1000 of several kinds are for people to know",
       [](HardwareSample* h) {
         h->pcie[0].correctable["RxErr"] += 600;
         h->pcie[0].correctable["Timeout"] += 400;
       },
       "PcieErrorsCorrected", "0000:5e:00.0", "Many", Severity::kInfo},
      {"a tenth of the time too hot is told",
       [](HardwareSample* h) { *h->throttle[0].throttled_ms += 3000; }, "CpuThermalThrottled",
       "package-0", "Hot", Severity::kSoft},
      {"less is not",
       [](HardwareSample* h) { *h->throttle[0].throttled_ms += 2999; },
       "",
       "",
       "",
       {}},
      {"many events of a package whose time is counted are not",
       [](HardwareSample* h) { h->throttle[0].events += 1000; },
       "",
       "",
       "",
       {}},
      {"those of one whose time is not counted are",
       [](HardwareSample* h) { h->throttle[1].events += 100; }, "CpuThermalThrottled", "package-1",
       "Hot", Severity::kSoft},
      {"a processor that goes is soft", [](HardwareSample* h) { h->online->erase(3); },
       "CpuOffline", "", "WentOffline", Severity::kSoft},
      {"siblings that are switched off are meant so",
       [](HardwareSample* h) {
         h->online = std::set<int>{0, 2};
         h->siblings_off = true;
       },
       "",
       "",
       "",
       {}},
      {"a processor that was taken out is not missed",
       [](HardwareSample* h) {
         h->online->erase(3);
         h->present->erase(3);
       },
       "",
       "",
       "",
       {}},
      {"one that is added and not yet used is for people to know",
       [](HardwareSample* h) { h->present->insert(4); }, "CpuOffline", "", "NotUsed",
       Severity::kInfo},
      {"an alarm at one look is not told of",
       [](HardwareSample* h) {
         h->hot = {{"coretemp/hwmon2/temp1", "Package id 0", false, 101'000, 100'000}};
       },
       "",
       "",
       "",
       {}},
  };
  for (const EvaluateCase& c : cases) {
    SCOPED_TRACE(c.sentence);
    HardwareHistory history(Hours(1), Minutes(5));
    const MonoTime start{Hours(1)};
    history.Add(Host(), start);
    HardwareSample later = Host();
    c.change(&later);
    history.Add(later, start + Seconds(30));
    const std::vector<Condition> bad = NotOk(EvaluateHardware(later, history, {}));
    if (*c.type == '\0') {
      EXPECT_THAT(bad, IsEmpty());
      continue;
    }
    ASSERT_THAT(bad, SizeIs(1));
    EXPECT_EQ(bad[0].type, c.type);
    EXPECT_EQ(bad[0].unit, c.unit);
    EXPECT_EQ(bad[0].reason, c.reason);
    EXPECT_EQ(bad[0].severity, c.severity);
  }
}

TEST(EvaluateHardwareTest, TellsOfAnAlarmAtTheSecondLookWithItsFigures) {
  HardwareHistory history(Hours(1), Minutes(5));
  HardwareSample host = Host();
  host.hot = {{"coretemp/hwmon2/temp1", "Package id 0", false, 101'500, 100'000}};
  history.Add(host, MonoTime(Hours(1)));
  history.Add(host, MonoTime(Hours(1) + Seconds(30)));
  const auto bad = NotOk(EvaluateHardware(host, history, {}));
  ASSERT_THAT(bad, SizeIs(1));
  EXPECT_EQ(bad[0].message,
            "coretemp/hwmon2/temp1 \"Package id 0\": critical alarm, 101.5 °C (limit 100.0 °C)");
  host.hot.clear();
  history.Add(host, MonoTime(Hours(1) + Seconds(60)));
  EXPECT_THAT(NotOk(EvaluateHardware(host, history, {})), IsEmpty());
}

TEST(EvaluateHardwareTest, KeepsAnUncorrectedErrorThatWasThereBeforeAsSoft) {
  HardwareHistory history(Hours(1), Minutes(5));
  HardwareSample host = Host();
  host.memory[0].uncorrected = 2;
  history.Add(host, MonoTime(Hours(1)));
  const auto bad = NotOk(EvaluateHardware(host, history, {}));
  ASSERT_THAT(bad, SizeIs(1));
  EXPECT_EQ(bad[0].severity, Severity::kSoft);
  EXPECT_EQ(
      bad[0].message,
      "mc0/dimm0 \"DIMM_A1\": 2 uncorrected errors in this boot, none of them since the agent "
      "started");
}

TEST(EvaluateHardwareTest, SaysNothingOfWhatTheHostDoesNotHave) {
  HardwareHistory history(Hours(1), Minutes(5));
  EXPECT_THAT(EvaluateHardware(HardwareSample(), history, {}), IsEmpty());
}

TEST(AerCountsTest, ReadsNamesOfBothKindsAndLeavesOutTheTotal) {
  // The long names are those of Documentation/ABI/testing/sysfs-bus-pci-devices-aer_stats of 4.19,
  // the short ones of drivers/pci/pcie/aer.c of kernels after.
  EXPECT_THAT(AerCounts("Receiver Error 2\nBad TLP 0\nTOTAL_ERR_COR 2\n"),
              ElementsAre(Pair("Bad TLP", 0), Pair("Receiver Error", 2)));
  EXPECT_THAT(AerCounts("RxErr 18446744073709551615\nBadTLP x\nTimeout\n"),
              ElementsAre(Pair("RxErr", 18446744073709551615ULL)));
  EXPECT_TRUE(IsProbeError("UnsupReq"));
  EXPECT_FALSE(IsProbeError("CmpltTO"));
}

TEST(ParseCpuListTest, ReadsRangesAndRefusesNonsense) {
  EXPECT_EQ(ParseCpuList("0-3,8\n", 64), (std::set<int>{0, 1, 2, 3, 8}));
  EXPECT_EQ(ParseCpuList("0", 64), std::set<int>{0});
  EXPECT_EQ(ParseCpuList("", 64), std::set<int>());
  EXPECT_EQ(ParseCpuList("3-1", 64), std::nullopt);
  EXPECT_EQ(ParseCpuList("0-", 64), std::nullopt);
  EXPECT_EQ(ParseCpuList("0-4000000000", 64), std::nullopt);
  EXPECT_EQ(ParseCpuList("0-64", 64), std::nullopt) << "more than the limit";
}

// Files as /sys of a server has them, written from the kernel's documentation: ras.rst,
// sysfs-bus-pci-devices-aer_stats, sysfs-devices-system-cpu, hwmon/sysfs-interface.rst.
class HardwareDetectorTest : public FixtureHostTest {
 protected:
  HardwareDetectorTest() {
    PutCpus();
    Put("sys/devices/system/edac/mc/power/x", "");
    Put(kMc + "/mc_name", "Skylake Socket#0 IMC#0\n");
    Put(kMc + "/ce_count", "12\n");
    Put(kMc + "/ue_count", "0\n");
    Put(kMc + "/dimm0/dimm_label", "CPU_SrcID#0_MC#0_Chan#0_DIMM#0\n");
    Put(kMc + "/dimm0/dimm_ce_count", "10\n");
    Put(kMc + "/dimm0/dimm_ue_count", "0\n");
    Put(kMc + "/csrow0/ce_count", "10\n");
    Put(kMc + "/csrow0/ue_count", "0\n");
    Put(kPcie + "/uevent", "DRIVER=nvme\nPCI_CLASS=10802\n");
    Put(kPcie + "/aer_dev_correctable", "RxErr 1\nNonFatalErr 7\nTOTAL_ERR_COR 8\n");
    Put(kPcie + "/aer_dev_nonfatal", "CmpltTO 0\nUnsupReq 4\nTOTAL_ERR_NONFATAL 4\n");
    Put(kPcie + "/aer_dev_fatal", "DLP 0\nTOTAL_ERR_FATAL 0\n");
    Put("sys/bus/pci/devices/0000:00:1f.0/uevent", "PCI_CLASS=60100\n");
    Put("sys/class/hwmon/hwmon2/name", "coretemp\n");
    Put("sys/class/hwmon/hwmon2/temp1_input", "61000\n");
    Put("sys/class/hwmon/hwmon2/temp1_label", "Package id 0\n");
    Put("sys/class/hwmon/hwmon2/temp1_crit", "100000\n");
    Put("sys/class/hwmon/hwmon2/temp1_crit_alarm", "0\n");
    Put("sys/class/hwmon/hwmon2/in3_alarm", "1\n");
    detector_ = std::make_unique<HardwareDetector>(&clock_, host_, HardwareConfig());
  }
  void PutCpus() {
    Put("sys/devices/system/cpu/present", "0-3\n");
    Put("sys/devices/system/cpu/online", "0-3\n");
    for (const int cpu : {0, 1, 2, 3}) {
      const std::string folder = "sys/devices/system/cpu/cpu" + std::to_string(cpu);
      Put(folder + "/topology/physical_package_id", "0\n");
      Put(folder + "/topology/core_id", std::to_string(cpu % 2) + "\n");
      for (const char* name : {"core", "package"}) {
        Put(folder + "/thermal_throttle/" + name + "_throttle_count", "3\n");
        Put(folder + "/thermal_throttle/" + name + "_throttle_total_time_ms", "40\n");
      }
    }
  }
  std::vector<Condition> Probe() {
    const auto conditions = detector_->Probe(clock_.Mono());
    EXPECT_TRUE(conditions) << conditions.error().message;
    clock_.Advance(Seconds(30));
    return conditions ? NotOk(*conditions) : std::vector<Condition>();
  }

  const std::string kMc = "sys/devices/system/edac/mc/mc0";
  const std::string kPcie = "sys/bus/pci/devices/0000:5e:00.0";
  std::unique_ptr<HardwareDetector> detector_;
};

TEST_F(HardwareDetectorTest, FindsNothingWrongWithATreeThatIsFine) {
  ASSERT_TRUE(detector_->Supported());
  EXPECT_THAT(Probe(), IsEmpty());
  const auto conditions = detector_->Probe(clock_.Mono());
  EXPECT_THAT(*conditions, SizeIs(detector_->types().size())) << "one ok for each type";
}

TEST_F(HardwareDetectorTest, TellsModulesApartFromWhatBelongsToNone) {
  EXPECT_THAT(Probe(), IsEmpty());
  Put(kMc + "/ce_count", "112\n");
  Put(kMc + "/dimm0/dimm_ce_count", "110\n");
  auto bad = Probe();
  ASSERT_THAT(bad, SizeIs(1));
  EXPECT_EQ(bad[0].message,
            "mc0/dimm0 \"CPU_SrcID#0_MC#0_Chan#0_DIMM#0\": 100 corrected errors within 1h (from "
            "100), 110 in this boot");
  Put(kMc + "/ue_count", "1\n");
  bad = Probe();
  ASSERT_THAT(bad, SizeIs(2));
  EXPECT_EQ(bad[1].type, "MemoryErrorsUncorrected");
  EXPECT_EQ(bad[1].unit, "mc0");
}

TEST_F(HardwareDetectorTest, CountsByRowsOfChipsWhereThereAreNoModules) {
  ASSERT_TRUE(RemoveTree(folder_ / (kMc + "/dimm0")));
  EXPECT_THAT(Probe(), IsEmpty());
  Put(kMc + "/csrow0/ue_count", "1\n");
  Put(kMc + "/ue_count", "1\n");
  const auto bad = Probe();
  ASSERT_THAT(bad, SizeIs(1));
  EXPECT_EQ(bad[0].unit, "mc0/csrow0");
}

TEST_F(HardwareDetectorTest, TakesUnsupportedRequestsForWhatTheyAre) {
  EXPECT_THAT(Probe(), IsEmpty());
  Put(kPcie + "/aer_dev_nonfatal", "CmpltTO 0\nUnsupReq 4000\nTOTAL_ERR_NONFATAL 4000\n");
  Put(kPcie + "/aer_dev_correctable", "RxErr 1\nNonFatalErr 9000\nTOTAL_ERR_COR 9001\n");
  EXPECT_THAT(Probe(), IsEmpty());
  Put(kPcie + "/aer_dev_nonfatal", "CmpltTO 2\nUnsupReq 4000\nTOTAL_ERR_NONFATAL 4002\n");
  const auto bad = Probe();
  ASSERT_THAT(bad, SizeIs(1));
  EXPECT_EQ(
      bad[0].message,
      "0000:5e:00.0 (nvme): 0 fatal and 2 non-fatal errors within 1h; in this boot CmpltTO 2");
}

TEST_F(HardwareDetectorTest, ForgetsAPcieErrorAfterTheWindow) {
  Probe();
  Put(kPcie + "/aer_dev_fatal", "DLP 1\nTOTAL_ERR_FATAL 1\n");
  EXPECT_THAT(Probe(), SizeIs(1));
  clock_.Advance(Minutes(61));
  Probe();
  EXPECT_THAT(Probe(), IsEmpty());
}

TEST_F(HardwareDetectorTest, CountsACoreOnceThoughItHasTwoProcessors) {
  Probe();
  for (const int cpu : {0, 2}) {
    Put("sys/devices/system/cpu/cpu" + std::to_string(cpu) +
            "/thermal_throttle/core_throttle_total_time_ms",
        "30040\n");
  }
  const auto bad = Probe();
  ASSERT_THAT(bad, SizeIs(1));
  EXPECT_EQ(bad[0].unit, "package-0/core-0");
  EXPECT_THAT(bad[0].message, HasSubstr("for 30 of 30 s, 100 % (from 10 %)"));
}

TEST_F(HardwareDetectorTest, NamesTheProcessorsThatWentOffline) {
  Probe();
  Put("sys/devices/system/cpu/online", "0-1\n");
  const auto bad = Probe();
  ASSERT_THAT(bad, SizeIs(1));
  EXPECT_EQ(bad[0].message, "2 of 4 processors are offline: 2-3; since the agent started: 2-3");
  Put("sys/devices/system/cpu/online", "0-3\n");
  EXPECT_THAT(Probe(), IsEmpty());
}

TEST_F(HardwareDetectorTest, ReadsACriticalAlarmOfATemperatureAlone) {
  Put("sys/class/hwmon/hwmon2/temp1_crit_alarm", "1\n");
  Probe();
  const auto bad = Probe();
  ASSERT_THAT(bad, SizeIs(1));
  EXPECT_EQ(bad[0].unit, "coretemp/hwmon2/temp1");
  EXPECT_THAT(bad[0].message, HasSubstr("61.0 °C (limit 100.0 °C)"));
}

TEST_F(HardwareDetectorTest, SaysNothingOfMemoryWhereNoDriverCountsIt) {
  ASSERT_TRUE(RemoveTree(folder_ / "sys/devices/system/edac"));
  const auto conditions = detector_->Probe(clock_.Mono());
  for (const Condition& condition : *conditions) {
    EXPECT_FALSE(condition.type.starts_with("Memory")) << condition.type;
  }
}

TEST(HardwareDetectorOnAnyMachineTest, LooksAtThisOneAndIsNotSupportedBelowABareFolder) {
  SystemClock clock;
  HardwareDetector detector(&clock, HostConfig(), HardwareConfig());
  if (detector.Supported()) {
    const auto conditions = detector.Probe(clock.Mono());
    ASSERT_TRUE(conditions) << conditions.error().message;
    EXPECT_LE(conditions->size(), detector.types().size() * 16);
  }
  TempFolder bare;
  HostConfig host;
  host.root = bare.path();
  EXPECT_FALSE(HardwareDetector(&clock, host, HardwareConfig()).Supported());
}

}  // namespace
}  // namespace fleetmedic
