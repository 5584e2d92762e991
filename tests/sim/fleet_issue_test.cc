// The whole way of a fleet's trouble, on one thread and simulated time: log lines of many hosts,
// the stream's two stages, the issue, and a remediator that drains nobody for it.
#include "remediation/controller_fixture.h"
#include "store/fault_store.h"
#include "stream/fleet_role.h"
#include "stream/stream_role.h"

namespace fleetmedic {
namespace {

using ::testing::HasSubstr;

constexpr int kHosts = 60;
constexpr int kSick = 20;  // those with the kernel that is at fault
constexpr Minutes kQuiet{240};
constexpr Seconds kBeat{20};

std::string Name(int host) { return "web-" + std::to_string(host); }

std::shared_ptr<const RuleSet> OneRule() {
  Rule rule;
  rule.name = "kernel.nvme_timeout";
  rule.version = "0123456789ab";
  rule.pattern = R"(nvme (?P<device>\w+): I/O \d+ QID \d+ timeout)";
  rule.sources = {"kernel"};
  rule.condition = "NvmeTimeout";
  rule.severity = Severity::kHard;
  rule.reason = "Timeout";
  rule.unit = "{device}";
  rule.message = "{device} does not answer";
  rule.clear = Clear::kBoot;
  Diagnostics diagnostics;
  return RuleSet::Compile({rule}, &diagnostics);
}

class FleetIssueSim : public ControllerTest {
 protected:
  FleetIssueSim() {
    config_.policy.confirm_hard = Seconds(30);
    // The brake would stop this too; what holds here is the issue.
    config_.brake.rule_share = 1;
    config_.brake.disrupted_share = 1;
    Restart();
    clock_.Advance(Seconds(11));  // the lease of the one before
    FleetRole::Parts fleet;
    fleet.clock = &clock_;
    fleet.log = &memory_log_;
    fleet.metrics = &metrics_;
    fleet.open_store = [this](int32_t) -> Result<std::unique_ptr<Store>> {
      return std::make_unique<FaultStore>(&fleet_store_);
    };
    fleet.owner = "fleet";
    fleet.rules = {"kernel.nvme_timeout"};
    fleet_ = std::make_unique<FleetRole>(std::move(fleet));
    stream_ = std::make_unique<StreamRole>(
        OneRule(), StreamRole::Parts{.clock = &clock_, .log = &memory_log_, .metrics = &metrics_});
    for (int host = 0; host < kHosts; ++host) {
      HostFacts facts;
      facts.host = HostId(Name(host));
      facts.boot_id = "boot-1";
      facts.booted_at = clock_.Wall() - Hours(1);
      facts.pool = "web";
      facts.rack = "r" + std::to_string(host % 6);
      facts.kernel = host < kSick ? "6.1.99" : "6.1.1";
      hook_.views[facts.host].host = facts.host;
      Append(Topic::kHosts, Name(host), ToJson(facts).Dump());
    }
  }

  void Pass(Millis span, Millis step) {
    for (Millis passed(0); passed < span; passed += step) {
      clock_.Advance(step);
      if (clock_.Mono() >= next_beat_) {
        next_beat_ = clock_.Mono() + kBeat;
        for (int host = 0; host < kHosts; ++host) Report(Name(host), Verdict::kOk);
      }
      stream_->Turn(clock_.Mono());
      fleet_->Turn(clock_.Mono());
      controller_->Turn(clock_.Mono());
    }
  }
  void Complain(int host) {
    LogFrame frame;
    frame.host = HostId(Name(host));
    frame.boot_id = "boot-1";
    frame.source = "kernel";
    frame.first_at = clock_.Wall();
    frame.lines = 1;
    const Record record{frame.host.str(), "nvme nvme0: I/O 214 QID 3 timeout, aborting\n",
                        LogFrameHeaders(frame), clock_.Wall()};
    ASSERT_TRUE(memory_log_.Append(Topic::kLogs, {&record, 1}));
  }
  FleetIssuePtr OpenIssue() {
    const auto issues = controller_->Snapshot()->issues;
    return issues.size() == 1 ? issues[0] : nullptr;
  }

  MemoryStore fleet_store_{clock_};
  std::unique_ptr<StreamRole> stream_;
  std::unique_ptr<FleetRole> fleet_;
  MonoTime next_beat_{};
};

TEST_F(FleetIssueSim, AKernelThatFailsEverywhereIsToldWithItsWhyAndNobodyIsDrained) {
  Pass(kQuiet, kBeat);
  const MonoTime began = clock_.Mono();
  for (int host = 0; host < kSick; ++host) Complain(host);
  while (OpenIssue() == nullptr && clock_.Mono() < began + Minutes(2)) Pass(Seconds(1), Seconds(1));
  const FleetIssuePtr issue = OpenIssue();
  ASSERT_NE(issue, nullptr);
  EXPECT_LE(clock_.Mono() - began, Seconds(5));
  EXPECT_EQ(issue->scope, (IssueScope{"kernel", "6.1.99"}));
  EXPECT_THAT(issue->why, HasSubstr("20 of 20 hit run kernel 6.1.99; 0 of 40 others do."));
  // Long past the confirmation: every sick host waits for the issue, and none was touched.
  for (int i = 0; i < 20; ++i) {
    for (int host = 0; host < kSick; ++host) Complain(host);
    Pass(Seconds(15), Seconds(1));
  }
  for (int host = 0; host < kSick; ++host) {
    EXPECT_EQ(StateOf(Name(host)), HostState::kSuspect);
    EXPECT_THAT(HostNow(Name(host))->waits_for, HasSubstr("fleet issue " + issue->id));
  }
  EXPECT_TRUE(hook_.applied.empty());
}

TEST_F(FleetIssueSim, AHostThatIsAloneInItIsDrained) {
  Pass(kQuiet, kBeat);
  for (int i = 0; i < 8; ++i) {
    Complain(3);
    Pass(Seconds(10), Seconds(1));
  }
  EXPECT_EQ(OpenIssue(), nullptr);
  EXPECT_EQ(HostNow(Name(3))->want, Want::kDrained) << HostNow(Name(3))->waits_for;
}

}  // namespace
}  // namespace fleetmedic
