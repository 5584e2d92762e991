#include "stream/finding_owner.h"

#include <gtest/gtest.h>

#include "eventlog/memory_event_log.h"
#include "stream/rule_check.h"
#include "stream/stream_role.h"

namespace fleetmedic {
namespace {

TEST(OwnerUnit, IsWhatEndsTogether) {
  const std::string id(64, 'a');
  EXPECT_EQ(OwnerUnit("/fleetmedic/web=web+1=0123456789ab.task"), "web/1");
  EXPECT_EQ(OwnerUnit("/kubepods/pod0c6e-3f6a/" + id), "aaaaaaaaaaaa");
  EXPECT_EQ(OwnerUnit("/kubepods/pod0c6e-3f6a"), "0c6e-3f6a");
  EXPECT_EQ(OwnerUnit("/system.slice/run-u\\x2d1.scope"), "run-u_x2d1.scope");
  EXPECT_EQ(OwnerUnit("/batch"), "");
  EXPECT_EQ(OwnerUnit(""), "");
}

TEST(AddOwner, TellsOnceAndNothingWhereNothingIsKnown) {
  Finding finding;
  finding.condition.message = "x crashed";
  AddOwner("", &finding);
  EXPECT_EQ(finding.condition.message, "x crashed");
  AddOwner("/batch/7", &finding);
  EXPECT_EQ(finding.condition.message, "x crashed, cgroup /batch/7");
  AddOwner("/system.slice/b.service", &finding);
  EXPECT_EQ(finding.condition.message, "x crashed, cgroup /batch/7");
}

class CrashTest : public ::testing::Test {
 protected:
  CrashTest() {
    Diagnostics diagnostics;
    role_ = std::make_unique<StreamRole>(
        CheckRules(ShippedRules(), &diagnostics),
        StreamRole::Parts{.clock = &clock_, .log = &log_, .metrics = &metrics_});
  }
  void Write(const std::string& line, std::map<std::string, std::string, std::less<>> cgroups) {
    clock_.Advance(Millis(200));
    LogFrame frame;
    frame.host = HostId("web-1");
    frame.boot_id = "boot-1";
    frame.source = "kernel";
    frame.first_at = clock_.Wall();
    frame.lines = 1;
    frame.cgroups = std::move(cgroups);
    const Record record{"web-1", line + "\n", LogFrameHeaders(frame), clock_.Wall()};
    ASSERT_TRUE(log_.Append(Topic::kLogs, std::span(&record, 1)));
    role_->Turn(clock_.Mono());
  }
  std::vector<std::string> Messages() {
    std::vector<std::string> messages;
    const auto reader = log_.OpenAt(Topic::kFindings, {}).value();
    const std::vector<LogRecord> records = reader->Poll(1000).value();
    for (const LogRecord& record : records) {
      messages.push_back(
          FindingFromJson(Json::Parse(record.record.value).value()).value().condition.message);
    }
    return messages;
  }

  SimulatedClock clock_;
  MemoryEventLog log_{clock_};
  Metrics metrics_;
  std::unique_ptr<StreamRole> role_;
};

TEST_F(CrashTest, NamesTheTaskAndIsToldOnceForEach) {
  const std::string segfault = "]: segfault at 10 ip 00007f1c sp 00007ffd error 4 in web[400000+b]";
  const std::string one = "/fleetmedic/web=web+1=0123456789ab.task";
  const std::string two = "/fleetmedic/web=web+2=0123456789ab.task";
  Write("web[7" + segfault, {{"7", one}});
  Write("web[8" + segfault, {{"8", two}});
  Write("web[9" + segfault, {{"9", two}});
  Write("web[10" + segfault, {});
  EXPECT_EQ(Messages(),
            (std::vector<std::string>{"web (7) crashed, of task web/1 of job web, cgroup " + one,
                                      "web (8) crashed, of task web/2 of job web, cgroup " + two,
                                      "web (10) crashed"}));
}

}  // namespace
}  // namespace fleetmedic
