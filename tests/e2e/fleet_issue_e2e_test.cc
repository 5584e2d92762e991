// A real fleet issue, from log lines in the event log to what people see: the program runs with a
// past, an outbreak comes, and the command line, the API, /metrics and the page in a browser tell
// of it.
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <regex>
#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fmt/format.h>

#include "app/cli/exit_codes.h"
#include "app/demo/demo_host.h"
#include "base/child_process.h"
#include "base/environment.h"
#include "base/file.h"
#include "eventlog/sqlite_event_log.h"
#include "tests/e2e/fleet_program.h"
#include "tests/e2e/past_fleet.h"
#include "tests/e2e/processes.h"
#include "tests/e2e/wait.h"
#include "tests/metric_names.h"

namespace fleetmedic {
namespace {

using ::testing::HasSubstr;

constexpr Millis kUpMax = Seconds(60);
// A stream that has just begun tests nothing before its first minute is over.
constexpr Millis kToldMax = Seconds(75);
constexpr Millis kRunMax = Seconds(15);
constexpr std::string_view kRule = "trouble.nvme_timeout";

class FleetIssueE2e : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(host_.Create("lone", clock_.Wall()));
    ASSERT_TRUE(WriteFileAtomic(rules_, PastFleet::RulesToml()));
    const std::string config =
        "[host]\nname = \"lone\"\nroot = \"" + host_.root() +
        "\"\n"
        "[agent]\nread_journal = false\n"
        "[detectors.systemd]\ninterval = \"0s\"\n"
        "[detectors.docker]\ninterval = \"0s\"\n"
        "[stream]\nrules = [\"" +
        rules_ +
        "\"]\n"
        "[remediator]\nmode = \"auto\"\n"
        "[policy]\nconfirm_hard = \"1s\"\n"
        // The brake would hold these hosts too, for so many are sick and so long is the log's past;
        // what is to be seen is the issue.
        "[brake]\ndisrupted_share = 1.0\nrule_share = 1.0\nsilent_share = 1.0\n"
        "log_lag_max = \"24h\"\n";
    ASSERT_TRUE(WriteFileAtomic(config_, config));
    const Status written = PastFleet::Write(folder_.path(), rules_, 1);
    ASSERT_TRUE(written) << written.error().message;
    log_ = SqliteEventLog::Open(folder_ / "log.db", clock_).value();
    const Status up = program_.Start({"up", "--config", config_}, kUpMax);
    ASSERT_TRUE(up) << up.error().message;
  }
  void TearDown() override {
    if (program_.running()) {
      const Status stopped = program_.Stop(kUpMax);
      EXPECT_TRUE(stopped) << stopped.error().message;
    }
    EXPECT_TRUE(EndProcessesBelow(folder_.path()));
  }

  // Every host beats and says what it always says; the sick ones say more.
  void Feed(bool trouble) {
    std::vector<Record> beats;
    std::vector<Record> frames;
    for (int host = 0; host < PastFleet::kHosts; ++host) {
      beats.push_back(PastFleet::Beat(host, clock_.Wall()));
      std::vector<std::string> rules = PastFleet::UsualRules();
      if (trouble && PastFleet::Sick(host)) rules.emplace_back(kRule);
      frames.push_back(PastFleet::Frame(host, rules, clock_.Wall()));
    }
    ASSERT_TRUE(log_->Append(Topic::kHealth, beats));
    ASSERT_TRUE(log_->Append(Topic::kLogs, frames));
  }
  // The outbreak until `done`, a second's lines at a time.
  bool FeedUntil(absl::FunctionRef<bool()> done) {
    const MonoTime end = clock_.Mono() + kToldMax;
    while (clock_.Mono() < end) {
      Feed(true);
      if (WaitUntil(clock_, Seconds(1), done)) return true;
    }
    return false;
  }
  std::vector<Json> OpenIssues() const {
    const Result<Json> list = program_.Get("/api/v1/issues?state=open");
    if (!list || (*list)["items"].array() == nullptr) return {};
    return *(*list)["items"].array();
  }
  std::string HostMember(const std::string& host, std::string_view member) const {
    const Result<Json> json = program_.Get("/api/v1/hosts/" + host);
    if (!json || (*json)[member].string() == nullptr) return "";
    return *(*json)[member].string();
  }
  // `attention`: it says so by its exit code that something needs a person.
  std::string Cli(std::vector<std::string> words, bool attention = false) {
    const Result<CommandResult> ran =
        RunProgram(words, kRunMax, {"FLEETMEDIC_RUN_DIR=" + (folder_ / "run")});
    EXPECT_TRUE(ran) << ran.error().message;
    if (!ran) return "";
    EXPECT_EQ(ran->status,
              (ExitStatus{.exit_code = attention ? cli::kExitAttention : cli::kExitDone}))
        << words[0] << ": " << ran->standard_error;
    fmt::print("$ fleetmedic {}\n{}\n", fmt::join(words, " "), ran->standard_output);
    return ran->standard_output;
  }
  // "console: http://127.0.0.1:PORT/#t=…", as the program printed it.
  std::string SignInUrl() const {
    static const std::regex kUrl("console: (http://\\S+)");
    const std::string log = ReadFile(folder_ / "log", size_t{1} << 20).value_or("");
    std::smatch match;
    return std::regex_search(log, match, kUrl) ? match[1].str() : "";
  }

  const SystemClock clock_;
  TempFolder folder_;
  DemoHost host_{folder_ / "root"};
  const std::string config_ = folder_ / "fleetmedic.toml";
  const std::string rules_ = folder_ / "rules.toml";
  std::unique_ptr<SqliteEventLog> log_;
  FleetProgram program_{folder_.path()};
};

TEST_F(FleetIssueE2e, IsToldToPeopleOnEveryWayAndHoldsTheDrains) {
  (void)std::setvbuf(stdout, nullptr, _IOLBF, 0);
  Feed(false);
  const MonoTime began = clock_.Mono();
  ASSERT_TRUE(FeedUntil([this] { return !OpenIssues().empty(); })) << program_.LogEnd();
  fmt::print("told after {} ms\n",
             std::chrono::duration_cast<Millis>(clock_.Mono() - began).count());
  const std::string sick = PastFleet::Name(0);
  EXPECT_TRUE(FeedUntil([&] {
    const std::vector<Json> issues = OpenIssues();
    return issues.size() == 1 && issues[0]["hosts_total"].integer() == PastFleet::kSick &&
           HostMember(sick, "waits_for").find("fleet issue") != std::string::npos;
  })) << HostMember(sick, "waits_for")
      << HostMember(sick, "why") << program_.LogEnd();
  ASSERT_EQ(OpenIssues().size(), 1U);
  const std::string id = *OpenIssues()[0]["id"].string();

  const std::string why = "20 of 20 hit run kernel 6.1.99";
  const std::string list = Cli({"get", "issues"});
  EXPECT_THAT(list, HasSubstr(id));
  EXPECT_THAT(list, HasSubstr("kernel 6.1.99"));
  const std::string told = Cli({"describe", "issue", id});
  EXPECT_THAT(told, HasSubstr(why));
  EXPECT_THAT(told, HasSubstr("nvme nvme0: I/O 214 QID 3 timeout, aborting")) << "an example";
  const std::string patterns = Cli({"patterns", "top"});
  EXPECT_THAT(patterns, HasSubstr(std::string(kRule)));
  EXPECT_THAT(patterns, HasSubstr(id));
  EXPECT_THAT(Cli({"patterns", "diff", std::string(kRule)}), HasSubstr("6.1.99"));
  EXPECT_THAT(Cli({"why", sick}), HasSubstr(id));
  EXPECT_THAT(Cli({"status"}, true), HasSubstr(id));
  EXPECT_EQ(HostMember(sick, "state"), "suspect");

  // What the dashboard asks for is there, by the names that it asks with.
  const std::string metrics = program_.Metrics().value_or("");
  const std::set<std::string> there = MetricsIn(metrics);
  const std::string dashboard =
      ReadFile("deploy/grafana/fleetmedic-patterns.json", size_t{1} << 20).value_or("");
  ASSERT_FALSE(MetricsIn(dashboard).empty());
  for (const std::string& name : MetricsIn(dashboard)) {
    EXPECT_TRUE(there.contains(name)) << "/metrics has no " << name;
  }
}

TEST_F(FleetIssueE2e, IsOnThePagesOfTheConsole) {
  if (::access("/usr/bin/chromium", X_OK) != 0) GTEST_SKIP() << "no Chromium";
  ASSERT_EQ(::access("console/web/node_modules/playwright-core", R_OK), 0)
      << "console/web/modules.sh was not run: ctest does it, as the fixture console_modules";
  ASSERT_TRUE(FeedUntil([this] {
    const std::vector<Json> issues = OpenIssues();
    return issues.size() == 1 && issues[0]["hosts_total"].integer() == PastFleet::kSick;
  })) << program_.LogEnd();
  const std::string id = *OpenIssues()[0]["id"].string();
  const std::string pictures = EnvironmentVariable("FLEETMEDIC_PICTURES");
  Command command;
  command.argv = {"/usr/bin/env",
                  "node",
                  std::filesystem::current_path() / "tests/web/real_issue.mjs",
                  SignInUrl(),
                  id,
                  std::string(kRule),
                  pictures.empty() ? folder_.path() : pictures};
  const Result<CommandResult> ran = RunCommand(command, clock_, clock_.Mono() + Seconds(60));
  ASSERT_TRUE(ran) << ran.error().message;
  ASSERT_TRUE(ran->status.ok()) << ran->standard_error << ran->standard_output;
  const Json said = Json::Parse(ran->standard_output).value();
  const std::string& issue = *said["issue"].string();
  EXPECT_THAT(issue, HasSubstr(id));
  EXPECT_THAT(issue, HasSubstr("20 of 20 hit run kernel 6.1.99"));
  EXPECT_THAT(issue, HasSubstr("nvme nvme0: I/O 214 QID 3 timeout, aborting"));
  EXPECT_THAT(issue, HasSubstr(PastFleet::Name(3))) << "a host that is hit";
  EXPECT_GE(said["canvases"].integer().value_or(0), 1) << "its series is drawn";
  EXPECT_THAT(*said["issues"].string(), HasSubstr(id));
  EXPECT_THAT(*said["now"].string(), HasSubstr("A fleet issue is open"));
  EXPECT_THAT(*said["pattern"].string(), HasSubstr("6.1.99"));
  EXPECT_THAT(*said["patterns"].string(), HasSubstr(std::string(kRule)));
}

}  // namespace
}  // namespace fleetmedic
