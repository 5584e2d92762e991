// Each role as a process of its own, on one event log: they find each other, and one that is killed
// goes on where it was.
#include <fcntl.h>
#include <signal.h>

#include <map>
#include <optional>

#include <gtest/gtest.h>

#include "app/demo/demo_host.h"
#include "base/child_process.h"
#include "base/file.h"
#include "model/job.h"
#include "tests/e2e/fleet_program.h"
#include "tests/e2e/processes.h"
#include "tests/e2e/wait.h"

namespace fleetmedic {
namespace {

constexpr Millis kUpMax = Seconds(60);
constexpr Millis kStepMax = Seconds(90);

class RolesE2e : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(host_.Create("lone", clock_.Wall()));
    const std::string config =
        "[host]\nname = \"lone\"\nroot = \"" + host_.root() +
        "\"\n"
        "[agent]\nbeat_every = \"1s\"\nread_journal = false\n"
        "[detectors.systemd]\ninterval = \"1s\"\nboot_grace = \"0s\"\n"
        "[detectors.docker]\ninterval = \"0s\"\n"
        "[executor]\nreport_every = \"1s\"\nrestart_unit_command = [\"" FLEETMEDIC_PROGRAM
        "\", \"demo\", \"restart-unit-root\", \"" +
        host_.root() +
        "\", \"{unit}\"]\n"
        "[remediator]\nmode = \"auto\"\n"
        "[policy]\nconfirm_soft = \"1s\"\nsettle = \"2s\"\nrelapse_grace = \"1s\"\n"
        "[policy.conditions.SystemdUnitFailed]\nladder = [\"restart_unit\"]\n"
        "repair_in_place = true\n"
        // A fleet of one: limits of its own size would stop the first repair.
        "[brake]\ndisrupted_at_least = 5\nrule_at_least = 5\nsilent_at_least = 5\n"
        "[[limits]]\nname = \"pool_floor\"\nat_least = 0\nshare = 0.0\n" +
        MoreConfig();
    ASSERT_TRUE(WriteFileAtomic(config_, config));
    ASSERT_NO_FATAL_FAILURE(StartRole("scheduler"));
    ASSERT_NO_FATAL_FAILURE(StartRole("stream"));
    ASSERT_NO_FATAL_FAILURE(StartRole("agent"));
    ASSERT_NO_FATAL_FAILURE(StartRole("executor"));
    const Status up = remediator_.Start({"remediator", "--config", config_}, kUpMax);
    ASSERT_TRUE(up) << up.error().message;
  }
  void TearDown() override {
    if (remediator_.running()) {
      EXPECT_TRUE(remediator_.Stop(kUpMax));
    }
    for (auto& [name, child] : roles_) {
      ::kill(child.pid(), SIGTERM);
      const auto ended = child.Wait(clock_, clock_.Mono() + kUpMax);
      EXPECT_TRUE(ended && ended->ok()) << name << "\n" << remediator_.LogEnd();
    }
    roles_.clear();
    EXPECT_TRUE(EndProcessesBelow(folder_.path()));
  }

  virtual std::string MoreConfig() { return ""; }

  void StartRole(const std::string& name) {
    const UniqueFd log(
        ::open((folder_ / "log").c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600));
    ChildOptions options;
    options.argv = {FLEETMEDIC_PROGRAM, name,        "--config",      config_,       "--state-dir",
                    folder_.path(),     "--run-dir", folder_ / "run", "--log-level", "warning"};
    options.standard_output = {ChildStream::Kind::kFd, log.get()};
    options.standard_error = {ChildStream::Kind::kFd, log.get()};
    Result<Child> child = Child::Start(options);
    ASSERT_TRUE(child) << child.error().message;
    roles_.emplace(name, *std::move(child));
  }
  void KillRole(const std::string& name) {
    Child& child = roles_.at(name);
    ASSERT_EQ(::kill(child.pid(), SIGKILL), 0);
    ASSERT_TRUE(child.Wait(clock_, clock_.Mono() + kUpMax));
    roles_.erase(name);
  }

  std::string HostMember(std::string_view member) const {
    const Result<Json> host = remediator_.Get("/api/v1/hosts/lone");
    if (!host) return host.error().message;
    return (*host)[member].string() == nullptr ? "" : *(*host)[member].string();
  }
  std::string Why() const {
    return remediator_.Get("/api/v1/hosts/lone/why").value_or(Json()).Dump();
  }
  // The process id of the job's one task; 0 while it does not run.
  int64_t TaskPid() const {
    const Result<Json> tasks = remediator_.Get("/api/v1/tasks");
    if (!tasks || (*tasks)["items"].array() == nullptr) return 0;
    for (const Json& item : *(*tasks)["items"].array()) {
      const Result<TaskStatus> task = TaskStatusFromJson(item);
      if (task && task->state == TaskState::kRunning) return task->pid;
    }
    return 0;
  }

  SystemClock clock_;
  TempFolder folder_;
  DemoHost host_{folder_ / "root"};
  const std::string config_ = folder_ / "fleetmedic.toml";
  std::map<std::string, Child> roles_;
  FleetProgram remediator_{folder_.path()};
};

TEST_F(RolesE2e, FiveProcessesRunTheLoopAndEachMayDie) {
  ASSERT_TRUE(WaitUntil(clock_, kStepMax, [this] { return HostMember("state") == "healthy"; }))
      << HostMember("state") << "\n"
      << remediator_.LogEnd();
  const std::string job = R"({"id":"web","instances":1,"argv":["sleep","86400"],"min_healthy":0,)"
                          R"("resources":{"cpu_milli":100,"memory_bytes":1048576}})";
  std::string error;
  ASSERT_TRUE(WaitUntil(clock_, kStepMax, [&] {
    const auto put = remediator_.Call("PUT", "/api/v1/jobs/web", job);
    if (!put) error = put.error().message;
    return put.has_value();
  })) << error;
  ASSERT_TRUE(WaitUntil(clock_, kStepMax, [this] { return TaskPid() > 0; }))
      << remediator_.LogEnd();
  const int64_t pid = TaskPid();

  for (const std::string name : {"scheduler", "stream", "agent", "executor"}) {
    ASSERT_NO_FATAL_FAILURE(KillRole(name));
    ASSERT_NO_FATAL_FAILURE(StartRole(name));
  }
  ASSERT_TRUE(remediator_.Kill());
  const Status again = remediator_.Start({"remediator", "--config", config_}, kUpMax);
  ASSERT_TRUE(again) << again.error().message;

  // Through agent, log, remediator, log and executor: the unit is restarted where it stands.
  ASSERT_TRUE(host_.Inject("unit-failed", clock_.Wall()));
  ASSERT_TRUE(WaitUntil(clock_, kStepMax,
                        [this] {
                          return Why().find("restart_unit") != std::string::npos &&
                                 HostMember("state") == "healthy";
                        }))
      << HostMember("state") << " " << Why() << "\n"
      << remediator_.LogEnd();
  EXPECT_TRUE(WaitUntil(clock_, kStepMax, [this] { return TaskPid() > 0; }));
  EXPECT_EQ(TaskPid(), pid) << "the task went on through all of it";

  // Through the kernel log, stream and remediator.
  ASSERT_TRUE(host_.Inject("kernel-bug", clock_.Wall()));
  EXPECT_TRUE(WaitUntil(clock_, kStepMax, [this] { return HostMember("state") != "healthy"; }))
      << remediator_.LogEnd();
}

// Files of rules that change while a stream and a remediator that are two processes run.
class RuleReloadE2e : public RolesE2e {
 protected:
  std::string MoreConfig() override {
    WriteRule("disk.bad", "disk (?P<disk>sd[a-z]) bad", "disk sda bad");
    return "[stream]\nrules = [\"" + rules_.path() + "\"]\n";
  }
  void WriteRule(const std::string& name, const std::string& pattern, const std::string& example) {
    const std::string text =
        "[[rule]]\nname = \"" + name + "\"\npattern = '" + pattern +
        "'\nsources = [\"kernel\"]\ncondition = \"DiskError\"\nseverity = \"info\"\n"
        "reason = \"Bad\"\nunit = \"{disk}\"\nmessage = \"{disk} is bad\"\n"
        "clear = \"boot\"\nhelp = \"Look at it.\"\n"
        "examples = ['" +
        example + "']\ncounter_examples = ['disk good']\n";
    ASSERT_TRUE(WriteFileAtomic(rules_ / "disk.toml", text));
  }
  // "disk.bad sda" for each open finding of the rules that the API shows; "disk.bad" for a rule
  // without one.
  std::string RulesShown() const {
    const Result<Json> rules = remediator_.Get("/api/v1/rules");
    if (!rules) return rules.error().message;
    std::string shown;
    for (const Json& rule : *(*rules)["items"].array()) {
      if (!shown.empty()) shown += ", ";
      shown += *rule["name"].string();
      for (const Json& open : *rule["open"].array()) shown += " " + *open["unit"].string();
    }
    return shown;
  }
  std::string Refused() const {
    const Result<Json> rules = remediator_.Get("/api/v1/rules");
    if (!rules) return rules.error().message;
    const std::string* const error = (*rules)["refused"]["error"].string();
    return error == nullptr ? "" : *error;
  }
  // Until it is so, with the line said again and again: who reads it may not have the rules yet.
  testing::AssertionResult Shows(const std::string& wanted, const std::string& line = "") {
    const bool shown = WaitUntil(clock_, kStepMax, [&] {
      if (!line.empty()) {
        EXPECT_TRUE(host_.WriteKernelLine(line, clock_.Wall()));
      }
      return RulesShown() == wanted;
    });
    if (shown) return testing::AssertionSuccess();
    return testing::AssertionFailure() << RulesShown() << "\n" << remediator_.LogEnd();
  }
  bool MetricIs(const std::string& line) const {
    return remediator_.Metrics().value_or("").find(line + "\n") != std::string::npos;
  }

  TempFolder rules_;
};

TEST_F(RuleReloadE2e, BothTakeWhatChangedAndKeepWhatWasWhereTheFilesHaveErrors) {
  ASSERT_TRUE(Shows("disk.bad sda", "disk sda bad"));

  WriteRule("disk.worse", "disk (?P<disk>sd[a-z]) worse", "disk sda worse");
  ASSERT_TRUE(Shows("disk.worse")) << "what a rule found ends with it";
  ASSERT_TRUE(Shows("disk.worse sdb", "disk sdb worse"));
  EXPECT_EQ(HostMember("state"), "healthy");
  const std::string why = remediator_.Get("/api/v1/hosts/lone").value_or(Json()).Dump();
  EXPECT_EQ(why.find("sda is bad"), std::string::npos) << why;

  WriteRule("disk.worst", "disk (?P<disk>sd[a-z] worst", "disk sda worst");
  ASSERT_TRUE(WaitUntil(clock_, kStepMax, [this] { return !Refused().empty(); }));
  EXPECT_NE(Refused().find("disk.toml:3:"), std::string::npos) << Refused();
  EXPECT_TRUE(MetricIs("fleetmedic_remediator_rules_stale 1"));
  EXPECT_TRUE(MetricIs("fleetmedic_remediator_rules_refused_total 1"));
  EXPECT_NE(remediator_.LogEnd().find("the rules changed and have errors"), std::string::npos)
      << remediator_.LogEnd();
  const auto listed =
      RunProgram({"get", "rules"}, kStepMax, {"FLEETMEDIC_RUN_DIR=" + (folder_ / "run")});
  ASSERT_TRUE(listed) << listed.error().message;
  EXPECT_NE(listed->standard_output.find("disk.worse"), std::string::npos);
  EXPECT_NE(listed->standard_error.find("disk.toml:3:"), std::string::npos)
      << listed->standard_error;
  ASSERT_TRUE(Shows("disk.worse sdb sdc", "disk sdc worse")) << "the rules from before match";

  WriteRule("disk.worse", "disk (?P<disk>sd[a-z]) worse", "disk sda worse");
  ASSERT_TRUE(WaitUntil(clock_, kStepMax, [this] { return Refused().empty(); }));
  EXPECT_TRUE(MetricIs("fleetmedic_remediator_rules_stale 0"));
  EXPECT_EQ(RulesShown(), "disk.worse sdb sdc");
}

}  // namespace
}  // namespace fleetmedic
