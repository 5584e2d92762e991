// Real subsystems that fall sick and get well, and the whole loop around them.
#include <fcntl.h>
#include <linux/fs.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <functional>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fmt/format.h>

#include "base/random.h"
#include "eventlog/sqlite_event_log.h"
#include "model/finding.h"
#include "stream/rule_check.h"
#include "tests/e2e/docker_fixture.h"
#include "tests/e2e/loop_fixture.h"
#include "tests/e2e/processes.h"
#include "tests/e2e/systemd_fixture.h"
#include "tests/e2e/wait.h"

namespace fleetmedic {
namespace {

using enum HostState;

Status SetImmutable(const std::string& path, bool immutable) {
  const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd.ok()) return FailErrno("open " + path, errno);
  int flags = 0;
  if (::ioctl(fd.get(), FS_IOC_GETFLAGS, &flags) != 0) return FailErrno("flags of " + path, errno);
  flags = immutable ? flags | FS_IMMUTABLE_FL : flags & ~FS_IMMUTABLE_FL;
  if (::ioctl(fd.get(), FS_IOC_SETFLAGS, &flags) != 0) return FailErrno("chattr " + path, errno);
  return {};
}

class LoopE2e : public testing::Test {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "not root: cannot start daemons";
  }
  void TearDown() override {
    loop_.reset();
    docker_.reset();
    systemd_.reset();
  }

  void StartLoop(LoopFixture::Options options) {
    auto loop = LoopFixture::Start(std::move(options));
    ASSERT_TRUE(loop) << loop.error().message;
    loop_ = *std::move(loop);
    ASSERT_TRUE(loop_->PatientReaches({kHealthy}, Seconds(30))) << loop_->PatientText();
    before_ = loop_->RunningTasks(LoopFixture::kPatient);
    ASSERT_FALSE(before_.empty());
  }
  void StartDocker(DockerFixture::Options options, LoopFixture::Options loop) {
    auto docker = DockerFixture::Start(options);
    ASSERT_TRUE(docker) << docker.error().message;
    docker_ = *std::move(docker);
    loop.detectors.docker.socket = docker_->socket();
    loop.detectors.docker.interval = Millis(500);
    loop.detectors.docker.full_every = Millis(0);
    ASSERT_NO_FATAL_FAILURE(StartLoop(std::move(loop)));
  }
  bool PatientHas(const std::string& type, Verdict verdict) const {
    for (const TrackedCondition& tracked : loop_->Patient()->conditions) {
      if (tracked.condition.type == type && tracked.condition.verdict == verdict) return true;
    }
    return false;
  }
  bool HasMoved() const {
    const auto now = loop_->RunningTasks();
    if (now.size() != LoopFixture::kTasks) return false;
    if (!loop_->RunningTasks(LoopFixture::kPatient).empty()) return false;
    for (const auto& [task, pid] : before_) {
      if (now.contains(task) || ::kill(pid, 0) == 0) return false;
    }
    return true;
  }
  // Sick, tainted, drained with its tasks elsewhere; a person holds it there, `heal` makes it well,
  // the person lets go; by probation back to healthy.
  void DrainsAndComesBack(const std::string& type, const std::function<void()>& heal) {
    const MonoTime began = clock_.Mono();
    ASSERT_TRUE(WaitUntil(clock_, Seconds(30), [&] { return PatientHas(type, Verdict::kBad); }))
        << loop_->PatientText();
    ASSERT_TRUE(loop_->PatientReaches({kTainted, kDraining}, Seconds(30))) << loop_->PatientText();
    EXPECT_EQ(loop_->Patient()->cause_type, type);
    EXPECT_FALSE(loop_->Patient()->grant.empty());
    ASSERT_TRUE(loop_->PatientReaches({kDraining}, Seconds(20))) << loop_->PatientText();
    // Held in time the host stays drained: with nothing left to try it would be retired.
    const auto hold = loop_->Hold();
    ASSERT_TRUE(hold) << hold.error().message;
    ASSERT_TRUE(loop_->PatientReaches({kDrained}, Seconds(60))) << loop_->PatientText();
    Took("drained_millis", began);
    EXPECT_TRUE(WaitUntil(clock_, Seconds(30), [&] { return HasMoved(); }))
        << "tasks of the patient are left, or not all run elsewhere";
    EXPECT_EQ(loop_->Patient()->tasks_left, 0);

    heal();
    const MonoTime healed = clock_.Mono();
    ASSERT_TRUE(WaitUntil(clock_, Seconds(60), [&] { return !PatientHas(type, Verdict::kBad); }))
        << loop_->PatientText();
    ASSERT_TRUE(loop_->Release(*hold));
    ASSERT_TRUE(loop_->PatientReaches({kProbation}, Seconds(30))) << loop_->PatientText();
    ASSERT_TRUE(loop_->PatientReaches({kHealthy}, Seconds(60))) << loop_->PatientText();
    Took("back_millis", healed);
    EXPECT_TRUE(loop_->Patient()->grant.empty()) << "the grant was released";
    EXPECT_EQ(loop_->Patient()->want, Want::kSchedulable);
    EXPECT_EQ(loop_->RunningTasks().size(), static_cast<size_t>(LoopFixture::kTasks));
  }
  void Took(const std::string& name, MonoTime since) {
    const auto took = std::chrono::duration_cast<Millis>(clock_.Mono() - since);
    RecordProperty(name, static_cast<int>(took.count()));
    fmt::print("{}: {}\n", name, took.count());
  }

  SystemClock clock_;
  std::unique_ptr<DockerFixture> docker_;
  std::unique_ptr<SystemdFixture> systemd_;
  std::unique_ptr<LoopFixture> loop_;
  std::map<std::string, pid_t> before_;
};

TEST_F(LoopE2e, AStoppedDockerDaemonIsDrainedAndComesBackWhenItGoesOn) {
  ASSERT_NO_FATAL_FAILURE(StartDocker({}, LoopFixture::QuietPatient()));
  ASSERT_EQ(::kill(docker_->dockerd(), SIGSTOP), 0);
  DrainsAndComesBack("DockerUnresponsive",
                     [this] { ASSERT_EQ(::kill(docker_->dockerd(), SIGCONT), 0); });
}

TEST_F(LoopE2e, AFullDataRootIsDrainedAndComesBackWhenSpaceIsFree) {
  ASSERT_NO_FATAL_FAILURE(
      StartDocker({.data_bytes_max = int64_t{50} << 20}, LoopFixture::QuietPatient()));
  const std::string filler = docker_->data_root() + "/filler";
  {
    const UniqueFd fd(::open(filler.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
    const std::string block(1 << 16, 'x');
    while (::write(fd.get(), block.data(), block.size()) > 0) {
    }
  }
  DrainsAndComesBack("DockerDataRootFull", [&filler] { ASSERT_EQ(::unlink(filler.c_str()), 0); });
}

TEST_F(LoopE2e, AContainerThatCannotGoIsDrainedAndComesBackWhenItIsGone) {
  LoopFixture::Options options = LoopFixture::QuietPatient();
  options.detectors.docker.removing_max = Millis(500);
  ASSERT_NO_FATAL_FAILURE(StartDocker({}, std::move(options)));
  const auto id = docker_->Run("stuck");
  ASSERT_TRUE(id) << id.error().message;
  const std::string file = docker_->data_root() + "/containers/" + *id + "/config.v2.json";
  ASSERT_TRUE(docker_->Call("POST", "/containers/" + *id + "/kill"));
  ASSERT_TRUE(SetImmutable(file, true));
  EXPECT_FALSE(docker_->Call("DELETE", "/containers/" + *id + "?force=1"));
  DrainsAndComesBack("DockerContainerStuck", [&] {
    ASSERT_TRUE(SetImmutable(file, false));
    ASSERT_TRUE(docker_->Call("DELETE", "/containers/" + *id + "?force=1"));
  });
  (void)SetImmutable(file, false);
}

class LoopSystemdE2e : public LoopE2e {
 protected:
  void StartSystemd(const std::map<std::string, std::string>& units, LoopFixture::Options options) {
    auto systemd = SystemdFixture::Start(units);
    ASSERT_TRUE(systemd) << systemd.error().message;
    systemd_ = *std::move(systemd);
    options.detectors.systemd.bus = systemd_->bus();
    options.detectors.systemd.interval = Seconds(1);
    options.detectors.systemd.boot_grace = Millis(0);
    options.executor.restart_unit_command = {"busctl",
                                             "--address=" + systemd_->bus(),
                                             "call",
                                             "org.freedesktop.systemd1",
                                             "/org/freedesktop/systemd1",
                                             "org.freedesktop.systemd1.Manager",
                                             "RestartUnit",
                                             "ss",
                                             "{unit}",
                                             "replace"};
    auto loop = LoopFixture::Start(std::move(options));
    ASSERT_TRUE(loop) << loop.error().message;
    loop_ = *std::move(loop);
  }
};

TEST_F(LoopSystemdE2e, AFailedUnitIsRestartedInPlaceAndTheHostIsNeverTainted) {
  LoopFixture::Options options = LoopFixture::QuietPatient();
  options.conditions["SystemdUnitFailed"] = {.ladder = {Rung::kRestartUnit, Rung::kPerson},
                                             .repair_in_place = true};
  // Fails at its first start and runs at its second; the test says when the first is.
  ASSERT_NO_FATAL_FAILURE(
      StartSystemd({{"proxy.service",
                     "[Service]\nExecStart=/bin/sh -c 'while ! test -e /run/fall; do "
                     "sleep 0.2; done; if mkdir /run/fell; then exit 3; fi; exec sleep 100000'\n"}},
                   std::move(options)));
  ASSERT_TRUE(loop_->PatientReaches({kHealthy}, Seconds(60))) << loop_->PatientText();
  before_ = loop_->RunningTasks(LoopFixture::kPatient);
  const MonoTime began = clock_.Mono();
  ASSERT_TRUE(WriteFileAtomic(fmt::format("/proc/{}/root/run/fall", systemd_->leader()), ""));
  ASSERT_TRUE(loop_->PatientReaches({kRepairing, kProbation}, Seconds(60))) << loop_->PatientText();
  EXPECT_EQ(loop_->Patient()->cause_unit, "proxy.service");
  EXPECT_EQ(loop_->Patient()->attempt, 1);
  ASSERT_TRUE(loop_->PatientReaches({kHealthy}, Seconds(60))) << loop_->PatientText();
  Took("repaired_millis", began);
  EXPECT_FALSE(PatientHas("SystemdUnitFailed", Verdict::kBad));
  EXPECT_EQ(loop_->Patient()->revision, 0u) << "the scheduler was never told anything";
  EXPECT_EQ(loop_->RunningTasks(LoopFixture::kPatient), before_) << "the same processes run";
}

TEST_F(LoopSystemdE2e, ALoopingUnitHasTheHostDrained) {
  LoopFixture::Options options = LoopFixture::QuietPatient();
  options.conditions["SystemdRestartLoop"] = {.ladder = {Rung::kPerson}};
  ASSERT_NO_FATAL_FAILURE(StartSystemd(
      {{"loops.service",
        "[Unit]\nStartLimitIntervalSec=0\n[Service]\nExecStart=/bin/sh -c 'while ! test -e "
        "/run/fall; do sleep 0.2; done; exit 3'\nRestart=always\nRestartSec=200ms\n"}},
      std::move(options)));
  ASSERT_TRUE(loop_->PatientReaches({kHealthy}, Seconds(60))) << loop_->PatientText();
  before_ = loop_->RunningTasks(LoopFixture::kPatient);
  const MonoTime began = clock_.Mono();
  ASSERT_TRUE(WriteFileAtomic(fmt::format("/proc/{}/root/run/fall", systemd_->leader()), ""));
  ASSERT_TRUE(loop_->PatientReaches({kTainted, kDraining, kDrained}, Seconds(60)))
      << loop_->PatientText();
  EXPECT_EQ(loop_->Patient()->cause_unit, "loops.service");
  // What nothing repairs is drained, and then waits for a person.
  ASSERT_TRUE(loop_->PatientReaches({kRetired}, Seconds(60))) << loop_->PatientText();
  Took("drained_millis", began);
  EXPECT_EQ(loop_->Patient()->want, Want::kDrained);
  EXPECT_TRUE(WaitUntil(clock_, Seconds(30), [&] { return HasMoved(); }));
}

constexpr const char* kUserRule = R"(
[[rule]]
name = "e2e.user"
pattern = '^fleetmedic e2e (?P<mark>[0-9a-f]+) is here$'
sources = ["kmsg-user"]
condition = "EndToEnd"
severity = "info"
reason = "Seen"
message = "seen {mark}"
clear = "quiet"
help = "A test."
examples = ['fleetmedic e2e 00ff is here']
counter_examples = ['fleetmedic e2e xyz is here']
)";

TEST_F(LoopE2e, AUsersKernelLogLineIsFoundWithinASecondAndIsNeverTakenForTheKernels) {
  const UniqueFd kmsg(::open("/dev/kmsg", O_WRONLY | O_CLOEXEC));
  if (!kmsg.ok()) GTEST_SKIP() << "cannot open /dev/kmsg";
  std::vector<RuleText> texts(ShippedRules().begin(), ShippedRules().end());
  texts.push_back({"e2e.toml", kUserRule});
  Diagnostics diagnostics;
  LoopFixture::Options options = LoopFixture::QuietPatient();
  options.rules = CheckRules(texts, &diagnostics);
  ASSERT_NE(options.rules, nullptr) << diagnostics.Text();
  options.agent.read_kernel_log = true;
  ASSERT_NO_FATAL_FAILURE(StartLoop(std::move(options)));
  auto log = SqliteEventLog::Open(loop_->log_path(), clock_);
  ASSERT_TRUE(log) << log.error().message;
  auto reader = (*log)->OpenAt(Topic::kFindings, {});
  ASSERT_TRUE(reader) << reader.error().message;

  const std::string mark = EntropyHex(8);
  const std::string fake = "BUG: unable to handle page fault for address: " + mark;
  EXPECT_EQ(MatchLines(CheckRules(ShippedRules(), &diagnostics), fake, "kernel").size(), 1u)
      << "as the kernel's own it would be an oops";
  const std::string lines[] = {"<3>" + fake + "\n", "<3>fleetmedic e2e " + mark + " is here\n"};
  const MonoTime written = clock_.Mono();
  for (const std::string& line : lines) {
    ASSERT_EQ(::write(kmsg.get(), line.data(), line.size()), static_cast<ssize_t>(line.size()));
  }
  std::vector<Finding> findings;
  const auto seen = [&] {
    for (const LogRecord& record : (*reader)->Poll(1000).value_or(std::vector<LogRecord>{})) {
      const auto json = Json::Parse(record.record.value);
      const auto finding = FindingFromJson(json.value_or(Json()));
      if (finding && finding->host == HostId(LoopFixture::kPatient)) findings.push_back(*finding);
    }
    return std::ranges::any_of(findings, [&](const Finding& finding) {
      return finding.rule == "e2e.user" && finding.condition.message == "seen " + mark;
    });
  };
  ASSERT_TRUE(WaitUntil(clock_, Seconds(10), seen));
  EXPECT_LT(clock_.Mono() - written, Seconds(1));
  Took("finding_millis", written);
  // One source's lines keep their order: the one before it was judged already.
  // What the kernel itself said before (of another test's OOM, for one) is none of this test's.
  for (const Finding& finding : findings) {
    const std::string text = ToJson(finding).Dump();
    if (text.find(mark) != std::string::npos) {
      EXPECT_FALSE(finding.rule.starts_with("kernel.")) << text;
    }
  }
  EXPECT_EQ(loop_->Patient()->state, kHealthy);
}

}  // namespace
}  // namespace fleetmedic
