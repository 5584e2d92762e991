#include "detectors/gpu/gpu_evaluate.h"

#include <functional>
#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "detectors/condition_types.h"
#include "detectors/gpu/nvml_api.h"

namespace fleetmedic {
namespace {

using testing::HasSubstr;

constexpr MonoTime kStart{Seconds(1000)};
constexpr std::string_view kUnit0 = "gpu-0000:3b:00";

GpuReading Reading(int64_t index, std::string pci) {
  GpuReading gpu;
  gpu.index = index;
  gpu.pci = std::move(pci);
  gpu.ecc_uncorrected = 7;  // of before
  gpu.row_remap = RowRemapReading{};
  gpu.nvlinks = {{0, true, 0, 0, 0}, {1, false, std::nullopt, std::nullopt, std::nullopt}};
  gpu.clock_reasons = nvml::kReasonIdle;
  gpu.sm_clock_mhz = 345;
  gpu.sm_clock_max_mhz = 1980;
  gpu.temperature_c = 33;
  gpu.persistence = true;
  gpu.fabric_state = nvml::kFabricNotSupported;
  gpu.recovery_action = nvml::kRecoveryNone;
  return gpu;
}

// Two GPUs that are well.
GpuSample Healthy() {
  GpuSample sample;
  sample.host.module_loaded = true;
  sample.host.module_version = "550.54.15";
  sample.host.gpus = {{"0000:3b:00.0", "nvidia", true}, {"0000:86:00.0", "nvidia", true}};
  sample.state = GpuSample::Nvml::kAnswered;
  sample.nvml.library_version = "12.550.54.15";
  sample.nvml.gpus = {Reading(0, "0000:3b:00.0"), Reading(1, "0000:86:00.0")};
  sample.nvml_at = kStart;
  return sample;
}

std::set<std::string> BadTypes(const std::vector<Condition>& conditions) {
  std::set<std::string> types;
  for (const Condition& condition : conditions) {
    if (condition.verdict == Verdict::kBad) types.insert(condition.type);
  }
  return types;
}

const Condition* Find(const std::vector<Condition>& conditions, std::string_view type) {
  const auto found = std::ranges::find(conditions, type, &Condition::type);
  return found == conditions.end() ? nullptr : &*found;
}

TEST(EvaluateGpuTest, AHostThatIsWellHasOneOkOfEachType) {
  GpuHistory history;
  const std::vector<Condition> conditions = EvaluateGpu(Healthy(), {}, &history);
  EXPECT_EQ(conditions.size(), GpuConditions().size());
  for (const Condition& condition : conditions) {
    EXPECT_EQ(condition.verdict, Verdict::kOk) << condition.type;
  }
}

struct Case {
  const char* sentence;
  std::function<void(GpuSample*)> change;
  const char* type;
  std::string_view unit;
  const char* reason;
  Severity severity = Severity::kSoft;
};

// Seen by one look, without history.
const Case kAtOnce[] = {
    {"a GPU that NVML calls lost is lost",
     [](GpuSample* s) {
       s->nvml.gpus[0] = GpuReading{};
       s->nvml.gpus[0].pci = "0000:3b:00.0";
       s->nvml.gpus[0].status = nvml::kGpuIsLost;
     },
     "GpuLost", kUnit0, "GpuIsLost", Severity::kHard},
    {"one that cannot even say its address is the one that no other is",
     [](GpuSample* s) {
       s->nvml.gpus[0] = GpuReading{};
       s->nvml.gpus[0].status = nvml::kGpuIsLost;
     },
     "GpuLost", kUnit0, "GpuIsLost", Severity::kHard},
    {"one off the bus is lost whatever NVML says",
     [](GpuSample* s) { s->host.gpus[0].off_the_bus = true; }, "GpuLost", kUnit0, "OffTheBus",
     Severity::kHard},
    {"no power is lost, too",
     [](GpuSample* s) { s->nvml.gpus[0].status = nvml::kInsufficientPower; }, "GpuLost", kUnit0,
     "NoPower", Severity::kHard},
    {"a look that does not come back is a hung driver",
     [](GpuSample* s) { s->state = GpuSample::Nvml::kHung; }, "GpuDriverHung", "", "NvmlHung",
     Severity::kHard},
    {"a driver that has just gone silent is told of softly",
     [](GpuSample* s) { s->silent_for = Millis(950); }, "GpuDriverHung", "", "NoAnswer",
     Severity::kSoft},
    {"one that the look calls hung is hung, however silent",
     [](GpuSample* s) {
       s->silent_for = Seconds(9);
       s->state = GpuSample::Nvml::kHung;
     },
     "GpuDriverHung", "", "NvmlHung", Severity::kHard},
    {"a GPU that the type of the machine has and the bus does not is missing",
     [](GpuSample* s) { s->host.instance_type = "g5.12xlarge"; }, "GpuMissing", "",
     "FewerThanExpected", Severity::kHard},
    {"one GPU fewer than on the bus is missing", [](GpuSample* s) { s->nvml.gpus.pop_back(); },
     "GpuMissing", "", "FewerThanExpected", Severity::kHard},
    {"none listed is none, and not one", [](GpuSample* s) { s->nvml.gpus.clear(); }, "GpuMissing",
     "", "NoneListed", Severity::kHard},
    {"GPUs without a driver are bad",
     [](GpuSample* s) {
       s->host.module_loaded = false;
       for (PciGpu& gpu : s->host.gpus) gpu.driver.clear();
       s->nvml.init_status = nvml::kDriverNotLoaded;
     },
     "GpuDriverNotLoaded", "", "NotLoaded"},
    {"a library of another version is a mismatch",
     [](GpuSample* s) {
       s->nvml.init_status = nvml::kLibRmVersionMismatch;
       s->nvml.library_version = "12.555.42.02";
     },
     "GpuDriverMismatch", "", "VersionsDiffer"},
    {"reset required by code", [](GpuSample* s) { s->nvml.gpus[0].status = nvml::kResetRequired; },
     "GpuResetRequired", kUnit0, "ResetRequired", Severity::kHard},
    {"reset required by recovery action",
     [](GpuSample* s) { s->nvml.gpus[0].recovery_action = nvml::kRecoveryGpuReset; },
     "GpuResetRequired", kUnit0, "GpuReset", Severity::kHard},
    {"drain and reset",
     [](GpuSample* s) { s->nvml.gpus[0].recovery_action = nvml::kRecoveryDrainAndReset; },
     "GpuResetRequired", kUnit0, "DrainAndReset", Severity::kHard},
    {"a drain of peers alone is soft",
     [](GpuSample* s) { s->nvml.gpus[0].recovery_action = nvml::kRecoveryDrainP2p; },
     "GpuResetRequired", kUnit0, "DrainP2p", Severity::kSoft},
    {"reboot required by recovery action",
     [](GpuSample* s) { s->nvml.gpus[0].recovery_action = nvml::kRecoveryNodeReboot; },
     "GpuRebootRequired", kUnit0, "NodeReboot", Severity::kHard},
    {"a remap that waits for a reset",
     [](GpuSample* s) { s->nvml.gpus[0].row_remap->pending = true; }, "GpuRowRemapPending", kUnit0,
     "Pending"},
    {"a remap that failed", [](GpuSample* s) { s->nvml.gpus[0].row_remap->failed = true; },
     "GpuRowRemapFailed", kUnit0, "Failed", Severity::kHard},
    {"a page that waits for a reset",
     [](GpuSample* s) { s->nvml.gpus[0].retirement_pending = true; }, "GpuPageRetirementPending",
     kUnit0, "Pending"},
    {"persistence mode off", [](GpuSample* s) { s->nvml.gpus[0].persistence = false; },
     "GpuPersistenceOff", kUnit0, "Off", Severity::kInfo},
    {"a fabric that was joined with an error",
     [](GpuSample* s) {
       s->nvml.gpus[0].fabric_state = nvml::kFabricCompleted;
       s->nvml.gpus[0].fabric_status = 999;
     },
     "GpuFabricNotReady", kUnit0, "Failed", Severity::kHard},
};

TEST(EvaluateGpuTest, SaysWhatEachSampleMeansAtOnce) {
  for (const Case& c : kAtOnce) {
    GpuSample sample = Healthy();
    c.change(&sample);
    GpuHistory history;
    const std::vector<Condition> conditions = EvaluateGpu(sample, {}, &history);
    EXPECT_EQ(BadTypes(conditions), std::set<std::string>{c.type}) << c.sentence;
    const Condition* condition = Find(conditions, c.type);
    ASSERT_NE(condition, nullptr) << c.sentence;
    EXPECT_EQ(condition->unit, c.unit) << c.sentence;
    EXPECT_EQ(condition->reason, c.reason) << c.sentence;
    EXPECT_EQ(condition->severity, c.severity) << c.sentence;
  }
}

// Seen by what changed, or lasted, between the first look and the last of several.
const Case kInTime[] = {
    {"ECC errors that grow", [](GpuSample* s) { s->nvml.gpus[0].ecc_uncorrected = 9; },
     "GpuEccUncorrected", kUnit0, "Uncorrected"},
    {"one recovery of a link", [](GpuSample* s) { s->nvml.gpus[0].nvlinks[0].recoveries = 1; },
     "GpuNvlinkErrors", kUnit0, "LinkErrors"},
    {"many replays of a link", [](GpuSample* s) { s->nvml.gpus[0].nvlinks[0].replays = 90'001; },
     "GpuNvlinkErrors", kUnit0, "LinkErrors"},
    {"a link that was active and is not",
     [](GpuSample* s) { s->nvml.gpus[0].nvlinks[0].active = false; }, "GpuNvlinkErrors", kUnit0,
     "LinkDown"},
    {"heat that lasts",
     [](GpuSample* s) { s->nvml.gpus[0].clock_reasons = nvml::kReasonHwThermal; },
     "GpuThrottledThermal", kUnit0, "HwThermal"},
    {"heat that software sees",
     [](GpuSample* s) { s->nvml.gpus[0].clock_reasons = nvml::kReasonSwThermal; },
     "GpuThrottledThermal", kUnit0, "SwThermal"},
    {"a power brake that lasts",
     [](GpuSample* s) {
       s->nvml.gpus[0].clock_reasons = nvml::kReasonHwPowerBrake | nvml::kReasonHwSlowdown;
     },
     "GpuThrottledPower", kUnit0, "HwPowerBrake"},
    {"a low clock at work", [](GpuSample* s) { s->nvml.gpus[0].clock_reasons = 0; }, "GpuClocksLow",
     kUnit0, "ClocksLow", Severity::kInfo},
    {"a fabric that is not joined for long",
     [](GpuSample* s) { s->nvml.gpus[0].fabric_state = nvml::kFabricInProgress; },
     "GpuFabricNotReady", kUnit0, "InProgress", Severity::kHard},
};

TEST(EvaluateGpuTest, SaysWhatChangesAndLasts) {
  for (const Case& c : kInTime) {
    GpuHistory history;
    EXPECT_TRUE(BadTypes(EvaluateGpu(Healthy(), {}, &history)).empty()) << c.sentence;
    GpuSample sample = Healthy();
    c.change(&sample);
    std::vector<Condition> conditions;
    for (int second = 10; second <= 400; second += 10) {
      sample.nvml_at = kStart + Seconds(second);
      conditions = EvaluateGpu(sample, {}, &history);
    }
    EXPECT_EQ(BadTypes(conditions), std::set<std::string>{c.type}) << c.sentence;
    const Condition* condition = Find(conditions, c.type);
    EXPECT_EQ(condition->unit, c.unit) << c.sentence;
    EXPECT_EQ(condition->reason, c.reason) << c.sentence;
    EXPECT_EQ(condition->severity, c.severity) << c.sentence;
    GpuSample well = Healthy();
    well.nvml_at = kStart + Hours(2);
    EXPECT_TRUE(BadTypes(EvaluateGpu(well, {}, &history)).empty()) << c.sentence << ": clears";
  }
}

TEST(EvaluateGpuTest, WhatIsShortOrNormalIsNotBad) {
  const std::pair<const char*, std::function<void(GpuSample*)>> cases[] = {
      {"heat for a moment",
       [](GpuSample* s) { s->nvml.gpus[0].clock_reasons = nvml::kReasonHwThermal; }},
      {"a fabric that is being joined",
       [](GpuSample* s) { s->nvml.gpus[0].fabric_state = nvml::kFabricInProgress; }},
      {"a GPU at its own power limit",
       [](GpuSample* s) { s->nvml.gpus[0].clock_reasons = nvml::kReasonSwPowerCap; }},
      {"a few replays", [](GpuSample* s) { s->nvml.gpus[0].nvlinks[0].replays = 90'000; }},
      {"a GPU that was given to a virtual machine",
       [](GpuSample* s) {
         s->host.gpus[1].driver = "vfio-pci";
         s->nvml.gpus.pop_back();
       }},
      {"all GPUs asleep", [](GpuSample* s) { s->state = GpuSample::Nvml::kAsleep; }},
  };
  for (const auto& [sentence, change] : cases) {
    GpuHistory history;
    (void)EvaluateGpu(Healthy(), {}, &history);
    GpuSample sample = Healthy();
    change(&sample);
    sample.nvml_at = kStart + Seconds(10);
    EXPECT_TRUE(BadTypes(EvaluateGpu(sample, {}, &history)).empty()) << sentence;
    sample.nvml_at = kStart + Seconds(20);
    EXPECT_TRUE(BadTypes(EvaluateGpu(sample, {}, &history)).empty()) << sentence;
  }
}

TEST(EvaluateGpuTest, AResetTakesBackWhatWasCounted) {
  GpuHistory history;
  GpuSample sample = Healthy();
  (void)EvaluateGpu(sample, {}, &history);
  sample.nvml.gpus[0].ecc_uncorrected = 9;
  sample.nvml_at = kStart + Seconds(10);
  EXPECT_EQ(BadTypes(EvaluateGpu(sample, {}, &history)).size(), 1u);
  sample.nvml.gpus[0].ecc_uncorrected = 0;
  sample.nvml_at = kStart + Seconds(20);
  EXPECT_TRUE(BadTypes(EvaluateGpu(sample, {}, &history)).empty());
}

TEST(EvaluateGpuTest, WhatCannotBeAskedIsUnknownWithItsReason) {
  const std::tuple<const char*, std::function<void(GpuSample*)>, const char*> cases[] = {
      {"no answer yet", [](GpuSample* s) { s->state = GpuSample::Nvml::kNotYet; },
       "NotYetAnswered"},
      {"a child that crashed", [](GpuSample* s) { s->state = GpuSample::Nvml::kFailed; },
       "CouldNotTell"},
      {"no library", [](GpuSample* s) { s->nvml.library_error = "no such file"; },
       "LibraryMissing"},
      {"no right", [](GpuSample* s) { s->nvml.init_status = nvml::kNoPermission; }, "NoPermission"},
      {"a code of another kind", [](GpuSample* s) { s->nvml.init_status = 999; }, "InitFailed"},
      {"no count", [](GpuSample* s) { s->nvml.count_status = 999; }, "CouldNotTell"},
  };
  for (const auto& [sentence, change, reason] : cases) {
    GpuSample sample = Healthy();
    change(&sample);
    GpuHistory history;
    const std::vector<Condition> conditions = EvaluateGpu(sample, {}, &history);
    EXPECT_TRUE(BadTypes(conditions).empty()) << sentence;
    for (const std::string_view type : {"GpuMissing", "GpuRowRemapFailed", "GpuResetRequired"}) {
      const Condition* condition = Find(conditions, type);
      ASSERT_NE(condition, nullptr) << sentence;
      EXPECT_EQ(condition->verdict, Verdict::kUnknown) << sentence << " " << type;
      EXPECT_EQ(condition->reason, reason) << sentence << " " << type;
    }
  }
}

TEST(EvaluateGpuTest, WhatWasBadOfAGpuIsUnknownOfItWhileTheDriverHangs) {
  GpuHistory history;
  GpuSample sample = Healthy();
  sample.nvml.gpus[1].row_remap->failed = true;
  (void)EvaluateGpu(sample, {}, &history);
  sample.state = GpuSample::Nvml::kHung;
  for (int look = 0; look < 2; ++look) {
    const std::vector<Condition> conditions = EvaluateGpu(sample, {}, &history);
    const Condition* condition = Find(conditions, "GpuRowRemapFailed");
    EXPECT_EQ(condition->unit, "gpu-0000:86:00");
    EXPECT_EQ(condition->verdict, Verdict::kUnknown);
  }
}

TEST(EvaluateGpuTest, OneOffTheBusIsLostWhileTheDriverHangs) {
  GpuSample sample = Healthy();
  sample.host.gpus[0].off_the_bus = true;
  sample.state = GpuSample::Nvml::kHung;
  GpuHistory history;
  EXPECT_EQ(BadTypes(EvaluateGpu(sample, {}, &history)),
            (std::set<std::string>{"GpuLost", "GpuDriverHung"}));
}

TEST(EvaluateGpuTest, CountsAgainstTheConfigWhereItSays) {
  GpuThresholds thresholds;
  thresholds.expected = 8;
  GpuHistory history;
  const std::vector<Condition> conditions = EvaluateGpu(Healthy(), thresholds, &history);
  const Condition* missing = Find(conditions, "GpuMissing");
  EXPECT_EQ(missing->verdict, Verdict::kBad);
  EXPECT_THAT(missing->message, HasSubstr("2 of 8 GPUs"));
}

TEST(EvaluateGpuTest, CountsAgainstTheTypeOfTheMachineWithoutWhatIsGivenToOthers) {
  GpuSample sample = Healthy();
  sample.host.instance_type = "g5.12xlarge";
  GpuHistory history;
  EXPECT_THAT(Find(EvaluateGpu(sample, {}, &history), "GpuMissing")->message,
              HasSubstr("2 of 4 GPUs that a g5.12xlarge has are listed by NVML, 2 are on the PCI"));
  sample.host.gpus.push_back({"0000:a1:00.0", "vfio-pci", true});
  sample.host.gpus.push_back({"0000:a2:00.0", "vfio-pci", true});
  EXPECT_EQ(Find(EvaluateGpu(sample, {}, &history), "GpuMissing")->verdict, Verdict::kOk);
}

}  // namespace
}  // namespace fleetmedic
