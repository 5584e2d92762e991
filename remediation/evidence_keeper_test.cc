#include "remediation/evidence_keeper.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/file.h"
#include "eventlog/sqlite_event_log.h"
#include "model/evidence_bundle.h"

namespace fleetmedic {
namespace {

using testing::SizeIs;

class EvidenceKeeperTest : public testing::Test {
 protected:
  EvidenceKeeperTest() : log_(SqliteEventLog::Open(folder_ / "log.db", clock_).value()) {
    options_.folder = folder_ / "evidence";
    options_.bundles_per_host_max = 3;
    Restart();
  }
  void Restart() {
    keeper_.reset();
    keeper_ = std::make_unique<EvidenceKeeper>(&clock_, log_.get(), &metrics_, options_);
  }
  void Send(const std::string& host, const std::string& id, size_t bytes = 10,
            const std::string& key = "") {
    EvidenceBundle bundle;
    bundle.id = id;
    bundle.host = HostId(host);
    bundle.boot_id = "boot";
    bundle.collected_at = clock_.Wall();
    bundle.parts = {{.name = "mounts", .text = std::string(bytes, 'm')}};
    const Record record{.key = key.empty() ? host : key, .value = ToJson(bundle).Dump()};
    ASSERT_TRUE(log_->Append(Topic::kEvidence, {&record, 1}));
    clock_.Advance(Seconds(1));
  }
  void Turn() {
    do {
      keeper_->Turn(clock_.Mono());
    } while (keeper_->NextWake() <= clock_.Mono());
  }
  std::vector<std::string> Ids(const std::string& host) const {
    std::vector<std::string> ids;
    for (const Json& item : keeper_->List(HostId(host))) ids.push_back(*item["id"].string());
    return ids;
  }

  TempFolder folder_;
  SimulatedClock clock_;
  Metrics metrics_;
  std::unique_ptr<SqliteEventLog> log_;
  EvidenceKeeper::Options options_;
  std::unique_ptr<EvidenceKeeper> keeper_;
};

TEST_F(EvidenceKeeperTest, KeepsWhatCameAndGivesItBackWhole) {
  Send("web-1", "e1-suspect", 1000);
  Turn();
  EXPECT_TRUE(keeper_->Has(HostId("web-1"), "e1-suspect"));
  EXPECT_FALSE(keeper_->Has(HostId("web-2"), "e1-suspect"));
  const Result<std::string> text = keeper_->Read(HostId("web-1"), "e1-suspect");
  ASSERT_TRUE(text);
  const auto bundle = EvidenceBundleFromJson(Json::Parse(*text).value());
  ASSERT_TRUE(bundle);
  EXPECT_EQ(bundle->parts[0].text, std::string(1000, 'm'));
  EXPECT_EQ(keeper_->Read(HostId("web-1"), "../log").error().code, Code::kNotFound);
}

TEST_F(EvidenceKeeperTest, OfOneHostTheNewestStay) {
  for (int i = 1; i <= 5; ++i) Send("web-1", fmt::format("e{}", i));
  Send("web-2", "e1");
  Turn();
  EXPECT_THAT(Ids("web-1"), testing::ElementsAre("e5", "e4", "e3"));
  EXPECT_THAT(Ids("web-2"), testing::ElementsAre("e1"));
}

TEST_F(EvidenceKeeperTest, AHostOfWhichNothingIsKeptLeavesNoFolder) {
  // Hosts come and go, and so many folders would be too many to list one day.
  options_.bytes_max = 2'000;
  Restart();
  for (int i = 1; i <= 20; ++i) {
    Send(fmt::format("web-{}", i), "e1");
    Turn();
  }
  const std::vector<std::string> folders = FsRoot(options_.folder).List("/", 100).value();
  EXPECT_THAT(folders, testing::Contains("web-20"));
  EXPECT_LT(folders.size(), 10u);
  for (const std::string& host : folders) EXPECT_THAT(Ids(host), SizeIs(1)) << host;
}

TEST_F(EvidenceKeeperTest, OfAllTogetherTheNewestStay) {
  options_.bytes_max = 50'000;
  Restart();
  for (int i = 1; i <= 6; ++i) Send(fmt::format("web-{}", i), "e", 20'000);
  Turn();
  EXPECT_THAT(Ids("web-4"), SizeIs(0));
  EXPECT_THAT(Ids("web-5"), SizeIs(1));
  EXPECT_THAT(Ids("web-6"), SizeIs(1));
}

TEST_F(EvidenceKeeperTest, ARestartKnowsWhatIsKeptAndTakesNothingTwice) {
  Send("web-1", "e1");
  Turn();
  Restart();
  Send("web-1", "e2");
  Turn();
  EXPECT_THAT(Ids("web-1"), testing::ElementsAre("e2", "e1"));
}

TEST_F(EvidenceKeeperTest, ABundleOfAnotherHostOrThatCannotBeReadIsPassedOver) {
  Send("web-1", "e1", 10, "web-2");
  const Record torn{.key = "web-1", .value = "{"};
  ASSERT_TRUE(log_->Append(Topic::kEvidence, {&torn, 1}));
  Send(std::string(100, '/'), "e1");
  Send("web-1", "e2");
  Turn();
  EXPECT_THAT(Ids("web-1"), testing::ElementsAre("e2"));
  EXPECT_THAT(metrics_.Text(), testing::HasSubstr("fleetmedic_evidence_refused_total 3"));
}

TEST_F(EvidenceKeeperTest, AHostsNameLeadsNowhereElse) {
  Send("../../web-1", "e1");
  Turn();
  EXPECT_TRUE(keeper_->Has(HostId("../../web-1"), "e1"));
  EXPECT_THAT(FsRoot(options_.folder).List("/", 10).value(),
              testing::ElementsAre("%2E.%2F..%2Fweb-1"));
  Restart();
  Turn();
  EXPECT_TRUE(keeper_->Has(HostId("../../web-1"), "e1"));
}

}  // namespace
}  // namespace fleetmedic
