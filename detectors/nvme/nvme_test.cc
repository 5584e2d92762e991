#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <functional>
#include <limits>

#include "base/text.h"
#include "detectors/fixture_host.h"
#include "detectors/nvme/nvme_detector.h"
#include "detectors/nvme/nvme_evaluate.h"
#include "detectors/proc_text.h"

namespace fleetmedic {
namespace {

using testing::Each;
using testing::ElementsAre;
using testing::Field;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

std::string FixturePage() {
  const auto read = ReadFile("detectors/nvme/testdata/health_log.txt", 1 << 16);
  EXPECT_TRUE(read) << "run the test from the top of the tree";
  const std::string text = read.value_or("");
  std::string page(NvmeHealth::kPageBytes, '\0');
  for (const std::string_view line : Lines(text)) {
    if (line.starts_with('#')) continue;
    const size_t colon = line.find(':');
    size_t offset = ParseCount(line.substr(0, colon)).value();
    for (const std::string_view byte : Fields(line.substr(colon + 1))) {
      page.at(offset++) = static_cast<char>(std::stoi(std::string(byte), nullptr, 16));
    }
  }
  return page;
}

TEST(ParseNvmeHealthTest, ReadsEachFieldWhereTheSpecificationPutsIt) {
  const auto health = ParseNvmeHealth(FixturePage());
  ASSERT_TRUE(health);
  NvmeHealth wanted;
  wanted.kelvin = 310;
  wanted.spare_percent = 100;
  wanted.spare_threshold_percent = 10;
  wanted.used_percent = 3;
  wanted.power_on_hours = 8760;
  wanted.unsafe_shutdowns = 17;
  wanted.media_errors = 2;
  wanted.error_log_entries = 261;
  wanted.warning_temperature_minutes = 12;
  wanted.critical_temperature_minutes = 1;
  EXPECT_EQ(*health, wanted);
}

TEST(ParseNvmeHealthTest, CutsNumbersOf128BitsAndTakesNothingShort) {
  std::string page = FixturePage();
  page[0] = '\x3f';
  page[160 + 15] = '\x01';
  const auto health = ParseNvmeHealth(page);
  ASSERT_TRUE(health);
  EXPECT_EQ(health->critical_warning, 0x3f);
  EXPECT_EQ(health->media_errors, std::numeric_limits<uint64_t>::max());
  EXPECT_FALSE(ParseNvmeHealth(page.substr(1)));
  EXPECT_FALSE(ParseNvmeHealth(page + "x"));
  EXPECT_FALSE(ParseNvmeHealth(""));
}

struct EvaluateCase {
  const char* sentence;
  std::function<void(NvmeHealth*)> change;
  const char* type;  // empty: nothing is wrong
  const char* reason;
  Severity severity;
};

TEST(EvaluateNvmeTest, SaysWhatTheHealthMeans) {
  const EvaluateCase cases[] = {
      {"what was counted before the agent came is nobody's news", [](NvmeHealth*) {}, "", "", {}},
      {"a low spare is soft", [](NvmeHealth* h) { h->critical_warning = 0x01; },
       "NvmeCriticalWarning", "SpareLow", Severity::kSoft},
      {"a spare below its threshold is low even where the bit does not say so",
       [](NvmeHealth* h) { h->spare_percent = 9; }, "NvmeCriticalWarning", "SpareLow",
       Severity::kSoft},
      {"a spare at its threshold is fine",
       [](NvmeHealth* h) { h->spare_percent = 10; },
       "",
       "",
       {}},
      {"a temperature is soft", [](NvmeHealth* h) { h->critical_warning = 0x02; },
       "NvmeCriticalWarning", "Temperature", Severity::kSoft},
      {"degraded reliability is soft", [](NvmeHealth* h) { h->critical_warning = 0x04; },
       "NvmeCriticalWarning", "ReliabilityDegraded", Severity::kSoft},
      {"read-only media are hard, and the gravest of several is named",
       [](NvmeHealth* h) { h->critical_warning = 0x0f; }, "NvmeCriticalWarning", "MediaReadOnly",
       Severity::kHard},
      {"a failed backup is soft", [](NvmeHealth* h) { h->critical_warning = 0x10; },
       "NvmeCriticalWarning", "BackupFailed", Severity::kSoft},
      {"persistent memory is soft", [](NvmeHealth* h) { h->critical_warning = 0x20; },
       "NvmeCriticalWarning", "PersistentMemory", Severity::kSoft},
      {"reserved bits mean nothing", [](NvmeHealth* h) { h->critical_warning = 0xc0; }, "", "", {}},
      {"one new media error is soft", [](NvmeHealth* h) { ++h->media_errors; }, "NvmeMediaErrors",
       "DataLost", Severity::kSoft},
      {"a count that falls was reset", [](NvmeHealth* h) { h->media_errors = 0; }, "", "", {}},
      {"used-up endurance is for people to know", [](NvmeHealth* h) { h->used_percent = 100; },
       "NvmeWornOut", "EnduranceUsed", Severity::kInfo},
      {"99 % are fine", [](NvmeHealth* h) { h->used_percent = 99; }, "", "", {}},
      {"a minute of critical temperature is soft",
       [](NvmeHealth* h) { ++h->critical_temperature_minutes; }, "NvmeTemperature", "Critical",
       Severity::kSoft},
      {"ten of warning are for people to know",
       [](NvmeHealth* h) { h->warning_temperature_minutes += 10; }, "NvmeTemperature", "Warning",
       Severity::kInfo},
      {"nine are fine", [](NvmeHealth* h) { h->warning_temperature_minutes += 9; }, "", "", {}},
  };
  for (const EvaluateCase& c : cases) {
    SCOPED_TRACE(c.sentence);
    NvmeHealth health = *ParseNvmeHealth(FixturePage());
    NvmeHistory history(Hours(10));
    history.AddHealth("nvme0", health, MonoTime(Hours(1)));
    c.change(&health);
    history.AddHealth("nvme0", health, MonoTime(Hours(1) + Minutes(5)));
    const NvmeSample sample{"nvme0", "Disk", "live", health};
    const auto bad = NotOk(EvaluateNvme({sample}, history, {}));
    if (*c.type == '\0') {
      EXPECT_THAT(bad, IsEmpty());
      continue;
    }
    ASSERT_THAT(bad, SizeIs(1));
    EXPECT_EQ(bad[0].type, c.type);
    EXPECT_EQ(bad[0].unit, "nvme0");
    EXPECT_EQ(bad[0].reason, c.reason);
    EXPECT_EQ(bad[0].severity, c.severity);
    EXPECT_THAT(bad[0].message, testing::StartsWith("nvme0 (\"Disk\"): "));
  }
}

TEST(EvaluateNvmeTest, SaysNothingOfAHealthThatTheControllerDoesNotTell) {
  const NvmeSample sample{"nvme0", "Volume", "live", Fail(Code::kUnsupported, "status 0x109")};
  const auto conditions = EvaluateNvme({sample}, NvmeHistory(Hours(1)), {});
  ASSERT_THAT(conditions, SizeIs(1));
  EXPECT_EQ(conditions[0].type, "NvmeControllerDown");
  EXPECT_EQ(conditions[0].verdict, Verdict::kOk);
}

// /sys/class/nvme as Documentation/nvme and drivers/nvme/host/core.c have it, and pages from the
// fixture in place of a device.
class NvmeDetectorTest : public FixtureHostTest {
 protected:
  NvmeDetectorTest() {
    Put("sys/class/nvme/nvme0/model", "Disk                                    \n");
    Put("sys/class/nvme/nvme0/state", "live\n");
    detector_ = std::make_unique<NvmeDetector>(&clock_, host_, NvmeConfig(),
                                               [this](const FsRoot&, const std::string&) {
                                                 ++asked_;
                                                 return page_;
                                               });
  }
  std::vector<Condition> Probe(Micros step = Seconds(30)) {
    clock_.Advance(step);
    const auto conditions = detector_->Probe(clock_.Mono() + Seconds(5));
    EXPECT_TRUE(conditions) << conditions.error().message;
    return conditions ? NotOk(*conditions) : std::vector<Condition>();
  }

  Result<std::string> page_ = FixturePage();
  int asked_ = 0;
  std::unique_ptr<NvmeDetector> detector_;
};

TEST_F(NvmeDetectorTest, AsksForHealthAtItsOwnPaceAndFindsNothingWrong) {
  ASSERT_TRUE(detector_->Supported());
  for (int i = 0; i < 10; ++i) EXPECT_THAT(Probe(), IsEmpty());
  EXPECT_EQ(asked_, 1) << "five minutes have not passed";
  EXPECT_THAT(Probe(Minutes(5)), IsEmpty());
  EXPECT_EQ(asked_, 2);
  const auto conditions = detector_->Probe(clock_.Mono() + Seconds(5));
  EXPECT_THAT(*conditions, SizeIs(detector_->types().size())) << "one ok for each type";
}

TEST_F(NvmeDetectorTest, IsUnknownWithoutTheRightAndAsksAgain) {
  page_ = Fail(Code::kPermissionDenied, "no permission (CAP_SYS_ADMIN) to ask \"/dev/nvme0\"");
  const auto unknown = Probe();
  ASSERT_THAT(unknown, SizeIs(4));
  EXPECT_THAT(unknown, Each(Field(&Condition::verdict, Verdict::kUnknown)));
  EXPECT_THAT(unknown, Each(Field(&Condition::reason, "NoPermission")));
  EXPECT_THAT(unknown[0].message, HasSubstr("CAP_SYS_ADMIN"));
  page_ = FixturePage();
  EXPECT_THAT(Probe(), IsEmpty());
}

TEST_F(NvmeDetectorTest, DoesNotAskAControllerThatIsNotLive) {
  Put("sys/class/nvme/nvme0/state", "resetting\n");
  const auto unknown = Probe();
  ASSERT_THAT(unknown, SizeIs(4));
  EXPECT_EQ(unknown[0].reason, "NotLive");
  EXPECT_EQ(asked_, 0);
  const auto bad = Probe(Seconds(60));
  ASSERT_THAT(bad, SizeIs(5));
  EXPECT_EQ(bad[0].type, "NvmeControllerDown");
  EXPECT_EQ(bad[0].severity, Severity::kSoft);
  Put("sys/class/nvme/nvme0/state", "live\n");
  EXPECT_THAT(Probe(), IsEmpty());
}

TEST_F(NvmeDetectorTest, IsHardWhereTheControllerIsDead) {
  Put("sys/class/nvme/nvme0/state", "dead\n");
  const auto bad = Probe();
  ASSERT_FALSE(bad.empty());
  EXPECT_EQ(bad[0].type, "NvmeControllerDown");
  EXPECT_EQ(bad[0].severity, Severity::kHard);
}

TEST_F(NvmeDetectorTest, IsUnknownWhereThePageIsTorn) {
  page_ = std::string(100, '\0');
  const auto unknown = Probe();
  ASSERT_THAT(unknown, SizeIs(4));
  EXPECT_EQ(unknown[0].reason, "CannotAsk");
}

TEST_F(NvmeDetectorTest, StartsAfreshWithAControllerThatCameBack) {
  Probe();
  ASSERT_TRUE(RemoveTree(folder_ / "sys/class/nvme/nvme0"));
  EXPECT_FALSE(detector_->Supported());
  Probe();
  Put("sys/class/nvme/nvme0/state", "live\n");
  Probe();
  EXPECT_EQ(asked_, 2);
}

TEST(ReadNvmeHealthPageTest, TellsWhyItCannotAsk) {
  TempFolder folder;
  const FsRoot root(folder.path());
  EXPECT_EQ(ReadNvmeHealthPage(root, "nvme0").error().code, Code::kNotFound);
  ASSERT_TRUE(MakeFolders(folder / "dev"));
  ASSERT_TRUE((std::ofstream(folder / "dev/nvme0") << "no device").good());
  const auto page = ReadNvmeHealthPage(root, "nvme0");
  ASSERT_FALSE(page);
  EXPECT_THAT(page.error().message, HasSubstr("/dev/nvme0"));
}

TEST(NvmeDetectorOnThisMachineTest, LooksWhereThereIsAController) {
  SystemClock clock;
  NvmeDetector detector(&clock, HostConfig(), NvmeConfig());
  if (!detector.Supported()) GTEST_SKIP() << "no NVMe controller here";
  EXPECT_TRUE(detector.Probe(clock.Mono() + Seconds(5)));
}

}  // namespace
}  // namespace fleetmedic
