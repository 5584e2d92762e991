#include "detectors/agent_role.h"

#include <fcntl.h>
#include <unistd.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "base/role_loop.h"
#include "base/thread_pool.h"
#include "detectors/condition_types.h"
#include "detectors/report/fake_event_log.h"

namespace fleetmedic {
namespace {

using testing::IsEmpty;
using testing::SizeIs;

struct DockerScript {
  Verdict verdict = Verdict::kOk;
};

class ScriptedDocker final : public Detector {
 public:
  explicit ScriptedDocker(const DockerScript* script) : script_(script) {}
  std::string_view name() const override { return "docker"; }
  std::vector<std::string> types() const override { return {"DockerUnresponsive"}; }
  bool Supported() const override { return true; }
  Millis interval() const override { return Seconds(10); }
  Result<std::vector<Condition>> Probe(MonoTime) override {
    return std::vector{MakeCondition("DockerUnresponsive", "", script_->verdict, "R", "m")};
  }

 private:
  const DockerScript* const script_;
};

class AgentRoleTest : public testing::Test {
 protected:
  AgentRoleTest() {
    Put("proc/sys/kernel/hostname", "host-7\n");
    Put("proc/sys/kernel/osrelease", "6.1.0-18-amd64\n");
    Put("proc/sys/kernel/random/boot_id", "boot-1\n");
    Put("proc/stat", "cpu 1 2 3\nbtime 1767222000\n");
    Put("etc/os-release", "PRETTY_NAME=\"Debian 12\"\nIMAGE_ID=base\nIMAGE_VERSION='7'\n");
    Put("dev/kmsg", "");
    options_.host.root = folder_ / "root";
    options_.host.pool = "web";
    options_.agent.read_journal = false;
    options_.state_dir = folder_ / "state";
    options_.agent_version = "1.2.3";
    options_.inline_workers = true;
    options_.make_workers = [](std::string_view) { return std::make_unique<InlineWorkers>(); };
    options_.detectors_for_tests = {[this] { return std::make_unique<ScriptedDocker>(&docker_); }};
  }
  void Put(const std::string& path, std::string_view text) {
    const std::string full = (folder_ / "root/") + path;
    ASSERT_TRUE(MakeFolders(full.substr(0, full.rfind('/'))));
    ASSERT_TRUE(WriteFileAtomic(full, text));
  }
  void AppendKmsg(std::string_view text) {
    const UniqueFd fd(::open((folder_ / "root/dev/kmsg").c_str(), O_WRONLY | O_APPEND));
    ASSERT_EQ(::write(fd.get(), text.data(), text.size()), static_cast<ssize_t>(text.size()));
  }
  void Start() {
    role_.reset();
    auto role = AgentRole::Make(&clock_, &log_, &metrics_, options_, {});
    ASSERT_TRUE(role) << role.error().message;
    role_ = *std::move(role);
  }
  // Turns the role whenever it wants to be, for this long.
  void RunFor(Micros duration) {
    const MonoTime end = clock_.Mono() + duration;
    while (clock_.Mono() < end) {
      role_->Turn(clock_.Mono());
      const MonoTime next = std::clamp(role_->NextWake(), clock_.Mono() + Millis(1), end);
      clock_.Advance(next - clock_.Mono());
    }
  }
  std::vector<HealthEvent> Events(HealthEventKind kind, const std::string& detector) {
    std::vector<HealthEvent> events;
    for (const Record& record : log_.Of(Topic::kHealth)) {
      const Result<HealthEvent> event = HealthEventFromJson(*Json::Parse(record.value));
      EXPECT_TRUE(event);
      if (event->kind == kind && event->detector == detector) events.push_back(*event);
    }
    return events;
  }

  TempFolder folder_;
  SimulatedClock clock_;
  Metrics metrics_;
  FakeEventLog log_;
  DockerScript docker_;
  AgentOptions options_;
  std::unique_ptr<AgentRole> role_;
};

TEST_F(AgentRoleTest, TellsTheFactsOfTheHostAtTheStartAndOnChange) {
  Start();
  RunFor(Seconds(30));
  ASSERT_THAT(log_.Of(Topic::kHosts), SizeIs(1));
  const HostFacts facts = *HostFactsFromJson(*Json::Parse(log_.Of(Topic::kHosts)[0].value));
  EXPECT_EQ(facts.host.str(), "host-7");
  EXPECT_EQ(facts.pool, "web");
  EXPECT_EQ(facts.kernel, "6.1.0-18-amd64");
  EXPECT_EQ(facts.image, "base-7");
  EXPECT_EQ(facts.boot_id, "boot-1");
  EXPECT_EQ(facts.agent_version, "1.2.3");
  EXPECT_EQ(facts.booted_at, WallTime(Seconds(1767222000)));
  Put("proc/sys/kernel/osrelease", "6.1.0-19-amd64\n");
  RunFor(Seconds(10));
  EXPECT_THAT(log_.Of(Topic::kHosts), SizeIs(2));
  RunFor(Minutes(5));
  EXPECT_THAT(log_.Of(Topic::kHosts), SizeIs(3)) << "and every five minutes";
}

TEST_F(AgentRoleTest, TellsABadConditionAtTheNextLookAndBeatsBetween) {
  Start();
  RunFor(Seconds(35));
  ASSERT_THAT(Events(HealthEventKind::kConditions, "docker"), SizeIs(1));
  docker_.verdict = Verdict::kBad;
  RunFor(Seconds(11));
  const auto events = Events(HealthEventKind::kConditions, "docker");
  ASSERT_THAT(events, SizeIs(2));
  EXPECT_EQ(events[1].sequence, 2u);
  EXPECT_EQ(events[1].conditions[0].verdict, Verdict::kBad);
  EXPECT_THAT(Events(HealthEventKind::kBeat, "agent"), SizeIs(testing::Ge(4u)));
}

TEST_F(AgentRoleTest, AKernelLineIsInTheLogWithinTwoHundredMilliseconds) {
  Start();
  RunFor(Seconds(1));
  AppendKmsg("3,1,100,-;EXT4-fs error (device sda1)\n11,2,200,-;not the kernel\n");
  RunFor(Millis(200));
  const std::vector<Record> frames = log_.Of(Topic::kLogs);
  ASSERT_THAT(frames, SizeIs(2));
  EXPECT_EQ(frames[0].value, "EXT4-fs error (device sda1)\n");
  EXPECT_EQ(frames[1].value, "not the kernel\n");
  std::map<std::string, std::string> headers(frames[1].headers.begin(), frames[1].headers.end());
  EXPECT_EQ(headers["source"], "kmsg-user");
}

TEST_F(AgentRoleTest, ARestartGoesOnAndSaysNothingTwice) {
  Start();
  RunFor(Seconds(2));
  AppendKmsg("3,1,100,-;first\n");
  RunFor(Seconds(5));
  const uint64_t before = Events(HealthEventKind::kConditions, "docker").back().sequence;
  Start();
  AppendKmsg("3,2,200,-;second\n");
  RunFor(Seconds(5));
  EXPECT_EQ(log_.TextOf(Topic::kLogs), "first\nsecond\n");
  EXPECT_GT(Events(HealthEventKind::kConditions, "docker").back().sequence, before);
}

TEST_F(AgentRoleTest, ARestartKeepsSinceWhenItBegan) {
  docker_.verdict = Verdict::kBad;
  Start();
  RunFor(Seconds(20));
  const WallTime since = Events(HealthEventKind::kConditions, "docker").back().conditions[0].since;
  ASSERT_NE(since, kWallNever);
  RunFor(Minutes(2));
  Start();
  RunFor(Seconds(20));
  EXPECT_EQ(Events(HealthEventKind::kConditions, "docker").back().conditions[0].since, since);
}

TEST_F(AgentRoleTest, ABeatSaysWhichDetectorsRun) {
  Start();
  RunFor(Seconds(20));
  const HealthEvent beat = Events(HealthEventKind::kBeat, "agent").back();
  EXPECT_TRUE(beat.running.contains("agent"));
  EXPECT_TRUE(beat.running.contains("docker"));
}

TEST_F(AgentRoleTest, ARebootStartsSequencesAtOne) {
  Start();
  RunFor(Seconds(20));
  Put("proc/sys/kernel/random/boot_id", "boot-2\n");
  RunFor(Seconds(20));
  const HealthEvent event = Events(HealthEventKind::kConditions, "docker").back();
  EXPECT_EQ(event.boot_id, "boot-2");
  EXPECT_EQ(event.sequence, 1u);
}

TEST_F(AgentRoleTest, WhileTheLogIsAwayItKeepsTheNewestStateAndAllLines) {
  Start();
  RunFor(Seconds(20));
  log_.Break();
  std::string all;
  for (int i = 0; i < 10; ++i) {
    docker_.verdict = i % 2 == 0 ? Verdict::kBad : Verdict::kOk;
    AppendKmsg("3," + std::to_string(i + 1) + ",100,-;line " + std::to_string(i) + "\n");
    all += "line " + std::to_string(i) + "\n";
    RunFor(Seconds(10));
  }
  const size_t sent = Events(HealthEventKind::kConditions, "docker").size();
  log_.Heal();
  RunFor(Seconds(20));
  EXPECT_EQ(log_.TextOf(Topic::kLogs), all);
  const auto events = Events(HealthEventKind::kConditions, "docker");
  ASSERT_GT(events.size(), sent);
  EXPECT_EQ(events.back().conditions[0].verdict, Verdict::kOk);
}

TEST_F(AgentRoleTest, ABootIdThatIsNoneDoesNotSpoilTheFrames) {
  Put("proc/sys/kernel/random/boot_id", "not an\x1b[31m id\n");
  Start();
  RunFor(Seconds(1));
  AppendKmsg("3,1,100,-;a line\n");
  RunFor(Seconds(1));
  ASSERT_THAT(log_.Of(Topic::kLogs), SizeIs(1));
  const Record record = log_.Of(Topic::kLogs)[0];
  const auto frame = LogFrameFrom(record.key, record.headers, record.value);
  ASSERT_TRUE(frame) << frame.error().message;
  EXPECT_EQ(frame->boot_id, "");
}

TEST_F(AgentRoleTest, AHostWithoutANameIsAClearError) {
  Put("proc/sys/kernel/hostname", "two words\n");
  const auto role = AgentRole::Make(&clock_, &log_, &metrics_, options_, {});
  ASSERT_FALSE(role);
  EXPECT_THAT(role.error().message, testing::HasSubstr("host.name"));
}

TEST_F(AgentRoleTest, OnItsThreadsAKernelLineIsInTheLogWithinASecond) {
  const SystemClock clock;
  options_.inline_workers = false;
  options_.make_workers = [](std::string_view name) {
    return std::make_unique<ThreadPool>(name, 1, 1);
  };
  RoleLoop* loop = nullptr;
  auto role = AgentRole::Make(&clock, &log_, &metrics_, options_, [&loop] {
    if (loop != nullptr) loop->Wake();
  });
  ASSERT_TRUE(role);
  RoleLoop running(role->get(), &clock);
  loop = &running;
  running.Start();
  ASSERT_TRUE(log_.WaitForText(Topic::kHealth, "DockerUnresponsive", Seconds(10)));
  for (int i = 1; i <= 5; ++i) {
    const std::string text = "line number " + std::to_string(i);
    const MonoTime written = clock.Mono();
    AppendKmsg("3," + std::to_string(i) + ",100,-;" + text + "\n");
    ASSERT_TRUE(log_.WaitForText(Topic::kLogs, text, Seconds(10)));
    const auto took = std::chrono::duration_cast<Millis>(clock.Mono() - written);
    RecordProperty("line_millis_" + std::to_string(i), static_cast<int>(took.count()));
    EXPECT_LT(took, Seconds(1));
  }
  running.Stop();
  role->reset();
}

}  // namespace
}  // namespace fleetmedic
