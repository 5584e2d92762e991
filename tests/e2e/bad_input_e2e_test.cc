// What people and machines get wrong, tried on the whole program.
#include <fcntl.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstring>

#include <gmock/gmock.h>
#include <netinet/in.h>

#include "app/cli/exit_codes.h"
#include "app/demo/demo_host.h"
#include "base/child_process.h"
#include "base/file.h"
#include "eventlog/sqlite_event_log.h"
#include "model/health_event.h"
#include "tests/e2e/fleet_program.h"
#include "tests/e2e/processes.h"
#include "tests/e2e/wait.h"

namespace fleetmedic {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr Millis kRunMax = Seconds(30);
constexpr Millis kUpMax = Seconds(60);
constexpr int kHosts = 3;

class BadInputE2e : public testing::Test {
 protected:
  ~BadInputE2e() override {
    if (fleet_.running()) {
      EXPECT_TRUE(fleet_.Stop(kUpMax));
    }
    EXPECT_TRUE(EndProcessesBelow(folder_.path()));
  }

  // `up` with this config or these flags, that is to fail.
  CommandResult Up(const std::vector<std::string>& more) {
    std::vector<std::string> arguments = {"up", "--state-dir", folder_ / "state", "--run-dir",
                                          folder_ / "run"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    const Result<CommandResult> ran = RunProgram(arguments, kRunMax);
    EXPECT_TRUE(ran) << ran.error().message;
    return ran.value_or(CommandResult{});
  }
  std::string Write(const std::string& name, std::string_view text) {
    EXPECT_TRUE(WriteFileAtomic(folder_ / name, text));
    return folder_ / name;
  }

  SystemClock clock_;
  TempFolder folder_;
  FleetProgram fleet_{folder_.path()};
};

TEST_F(BadInputE2e, ABrokenConfigNamesEveryErrorWithItsPlaceAndStartsNothing) {
  const std::string file = Write("bad.toml",
                                 "[agent]\n"
                                 "beat_every = 30\n"
                                 "[api]\n"
                                 "port = 65536\n"
                                 "[remediator]\n"
                                 "mode = \"automatic\"\n");
  const CommandResult result = Up({"--config", file});
  EXPECT_EQ(result.status.exit_code, cli::kExitBadConfig);
  EXPECT_THAT(result.standard_error,
              AllOf(HasSubstr(file + ":2:14: error: agent.beat_every"),
                    HasSubstr(file + ":4:8: error: api.port"),
                    HasSubstr(file + ":6:8: error: remediator.mode"), HasSubstr("3 errors")));
  EXPECT_FALSE(FsRoot().Exists(folder_ / "state"));
  EXPECT_FALSE(FsRoot().Exists(folder_ / "run"));
}

TEST_F(BadInputE2e, RulesMatchReadsThePipeOfItsOwnExample) {
  Command command;
  command.argv = {FLEETMEDIC_PROGRAM, "rules", "match", "-", "--source", "kernel"};
  command.input = "BUG: kernel NULL pointer dereference, address: 0000000000000000\nall is well\n";
  const Result<CommandResult> ran = RunCommand(command, clock_, clock_.Mono() + kRunMax);
  ASSERT_TRUE(ran) << ran.error().message;
  EXPECT_EQ(ran->status.exit_code, 0) << ran->standard_error;
  EXPECT_THAT(ran->standard_output, HasSubstr("1: kernel."));
  EXPECT_THAT(ran->standard_output, Not(HasSubstr("\n2: ")));
}

TEST_F(BadInputE2e, CtrlCEndsAWaitForAPipe) {
  ChildOptions options;
  options.argv = {FLEETMEDIC_PROGRAM, "rules", "match", "-"};
  options.standard_input = {ChildStream::Kind::kPipe};
  const Result<Child> waits = Child::Start(options);
  ASSERT_TRUE(waits) << waits.error().message;
  const std::string place = "/proc/" + std::to_string(waits->pid()) + "/wchan";
  ASSERT_TRUE(WaitUntil(clock_, kRunMax, [&] {
    return ReadFile(place, 4096).value_or("").find("pipe_read") != std::string::npos;
  })) << "it does not read its pipe";
  waits->Kill(SIGINT);
  const Result<ExitStatus> ended = waits->Wait(clock_, clock_.Mono() + kRunMax);
  ASSERT_TRUE(ended) << ended.error().message;
  EXPECT_EQ(ended->exit_code, cli::kExitFailed) << ended->Text();
}

TEST_F(BadInputE2e, ABrokenRuleFileNamesEveryErrorWithItsPlaceAndStartsNothing) {
  const std::string rules = Write("bad-rules.toml",
                                  "[[rule]]\n"
                                  "name = \"site.hung\"\n"
                                  "pattern = 'task (blocked'\n"
                                  "sources = [\"kernel\"]\n"
                                  "condition = \"TaskHung\"\n"
                                  "severity = \"soft\"\n"
                                  "reason = \"Blocked\"\n"
                                  "message = \"a task is blocked\"\n"
                                  "clear = \"quiet\"\n"
                                  "help = \"see the task\"\n"
                                  "examples = [\"task blocked\"]\n"
                                  "counter_examples = [\"task\"]\n"
                                  "[[rule]]\n"
                                  "name = \"site.other\"\n"
                                  "sevrity = \"hard\"\n");
  const std::string config = Write("good.toml", "[stream]\nrules = [\"" + rules + "\"]\n");
  const CommandResult result = Up({"--config", config});
  EXPECT_EQ(result.status.exit_code, cli::kExitBadConfig);
  EXPECT_THAT(result.standard_error,
              AllOf(HasSubstr(rules + ":3:"), HasSubstr(rules + ":15:1: error: "),
                    HasSubstr("did you mean \"severity\"")));
  EXPECT_FALSE(FsRoot().Exists(folder_ / "state"));
  const Result<CommandResult> check = RunProgram({"rules", "check", rules}, kRunMax);
  ASSERT_TRUE(check);
  EXPECT_EQ(check->status.exit_code, cli::kExitBadConfig);
  EXPECT_THAT(check->standard_error + check->standard_output, HasSubstr(rules + ":3:"));
}

TEST_F(BadInputE2e, APortInUseIsNamedWithWhatToDo) {
  const UniqueFd taken(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  ASSERT_EQ(::bind(taken.get(), reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);
  ASSERT_EQ(::listen(taken.get(), 1), 0);
  socklen_t size = sizeof(address);
  ASSERT_EQ(::getsockname(taken.get(), reinterpret_cast<sockaddr*>(&address), &size), 0);
  const std::string port = std::to_string(ntohs(address.sin_port));
  const CommandResult result = Up({"--listen", "127.0.0.1:" + port});
  EXPECT_EQ(result.status.exit_code, cli::kExitFailed);
  EXPECT_THAT(result.standard_error,
              AllOf(HasSubstr("127.0.0.1:" + port), HasSubstr("another process listens there"),
                    HasSubstr("port 0 takes a free one")));
}

TEST_F(BadInputE2e, AFolderThatCannotBeMadeIsNamed) {
  const std::string file = Write("file", "");
  const Result<CommandResult> result =
      RunProgram({"up", "--state-dir", file + "/state", "--run-dir", folder_ / "run"}, kRunMax);
  ASSERT_TRUE(result);
  EXPECT_EQ(result->status.exit_code, cli::kExitFailed);
  EXPECT_THAT(result->standard_error, HasSubstr(file));
}

TEST_F(BadInputE2e, WithoutAProgramTheCliNamesTheSocketAndWhatToDo) {
  const Result<CommandResult> result =
      RunProgram({"status"}, kRunMax, {"FLEETMEDIC_RUN_DIR=" + (folder_ / "nowhere")});
  ASSERT_TRUE(result);
  EXPECT_EQ(result->status.exit_code, cli::kExitUnreachable);
  EXPECT_THAT(result->standard_error,
              AllOf(HasSubstr(folder_ / "nowhere/control.sock"), HasSubstr("fleetmedic up")));
}

// Written to the log by another process than the one that reads it.
TEST_F(BadInputE2e, HealthEventsThatCannotBeAreSetAsideWithTheirReasonAndCounted) {
  const Status up = fleet_.Start({"up", "--demo-hosts", std::to_string(kHosts)}, kUpMax);
  ASSERT_TRUE(up) << up.error().message;
  auto log = SqliteEventLog::Open(folder_ / "log.db", clock_, SqliteEventLogOptions{});
  ASSERT_TRUE(log) << log.error().message;
  const std::string host = DemoHostName(0);
  // Only a host whose boot is known can be told to have booted since.
  ASSERT_TRUE(WaitUntil(clock_, kUpMax, [&] {
    const Result<Json> answer = fleet_.Get("/api/v1/hosts/" + host);
    if (!answer) return false;
    const std::string* boot_id = (*answer)["facts"]["boot_id"].string();
    return boot_id != nullptr && !boot_id->empty();
  }));
  HealthEvent event;
  event.host = HostId(host);
  event.boot_id = "a-boot-of-long-ago";
  event.booted_at = clock_.Wall() - Hours(1000);
  event.detector = "docker";
  event.sequence = 1;
  event.observed_at = clock_.Wall();
  HealthEvent future = event;
  future.observed_at += Hours(1);
  std::vector<Record> records;
  for (const std::string& value :
       {std::string("{\"kind\": "), std::string(HealthEvent::kBytesMax + 1, ' '),
        ToJson(future).Dump(), ToJson(event).Dump()}) {
    records.push_back({.key = host, .value = value, .headers = {}, .timestamp = clock_.Wall()});
  }
  ASSERT_TRUE((*log)->Append(Topic::kHealth, records));
  auto letters = (*log)->OpenAt(Topic::kDeadLetter, {});
  ASSERT_TRUE(letters);
  std::vector<std::string> reasons;
  EXPECT_TRUE(WaitUntil(clock_, kUpMax, [&] {
    for (const LogRecord& letter : (*letters)->Poll(100).value_or(std::vector<LogRecord>{})) {
      for (const auto& [name, value] : letter.record.headers) {
        if (name == "reason") reasons.push_back(value);
      }
    }
    return reasons.size() >= records.size();
  }));
  EXPECT_THAT(reasons, ElementsAre(HasSubstr("not JSON"), HasSubstr("at most 262144 are read"),
                                   HasSubstr("ahead of us"), HasSubstr("has booted since")));
  const Result<std::string> metrics = fleet_.Metrics();
  ASSERT_TRUE(metrics) << metrics.error().message;
  for (const std::string reason : {"not_json", "too_long", "future", "other_boot"}) {
    const std::string counter = "fleetmedic_dead_letters_total{reason=\"" + reason + "\"";
    EXPECT_NE(metrics->find(counter), std::string::npos) << counter;
  }
}

// A small file system of its own, filled to the last block while the program runs.
class FullDiskE2e : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(MakeFolders(disk_));
    ASSERT_EQ(::mount("fleetmedic-test", disk_.c_str(), "tmpfs", 0, "size=64m,mode=0700"), 0)
        << "needs root: " << std::strerror(errno);
  }
  void TearDown() override {
    if (fleet_.running()) {
      EXPECT_TRUE(fleet_.Stop(kUpMax));
    }
    EXPECT_TRUE(EndProcessesBelow(disk_));
    EXPECT_EQ(::umount2(disk_.c_str(), MNT_DETACH), 0);
  }

  void Fill() {
    const UniqueFd file(::open((disk_ + "/filler").c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
    const std::string block(4096, 'x');
    while (::write(file.get(), block.data(), block.size()) > 0) {
    }
    ASSERT_EQ(errno, ENOSPC);
  }
  void Free() { ASSERT_EQ(::unlink((disk_ + "/filler").c_str()), 0); }

  // A member of GET /api/v1/state's mode: "mode", "reason".
  std::string Mode(std::string_view member) const {
    const Result<Json> state = fleet_.Get("/api/v1/state");
    if (!state) return "";
    const Json& value = (*state)["mode"][member];
    return value.string() == nullptr ? "" : *value.string();
  }
  std::string StateOf(const std::string& host) const {
    const Result<Json> answer = fleet_.Get("/api/v1/hosts/" + host);
    if (!answer) return "";
    const Json& state = (*answer)["state"];
    return state.string() == nullptr ? "" : *state.string();
  }

  SystemClock clock_;
  TempFolder folder_;
  const std::string disk_ = folder_ / "disk";
  FleetProgram fleet_{disk_};
};

TEST_F(FullDiskE2e, StopsNewActsSaysSoAndLosesNothingThatWasAcknowledged) {
  const Status up = fleet_.Start({"up", "--demo-hosts", std::to_string(kHosts)}, kUpMax);
  ASSERT_TRUE(up) << up.error().message;
  const std::string host = DemoHostName(0);
  ASSERT_TRUE(WaitUntil(clock_, kUpMax,
                        [&] { return Mode("mode") == "auto" && StateOf(host) == "healthy"; }))
      << Mode("mode") << " " << StateOf(host);
  // Acknowledged before the disk was full.
  const auto protection = fleet_.Call(
      "POST", "/api/v1/overrides",
      R"({"kind": "protect", "scope": "host:demo-02", "reason": "before the disk was full"})");
  ASSERT_TRUE(protection) << protection.error().message;
  DemoHost patient(disk_ + "/hosts/" + host + "/root");
  ASSERT_TRUE(patient.Inject("docker-hung", clock_.Wall()));
  ASSERT_NO_FATAL_FAILURE(Fill());
  EXPECT_TRUE(WaitUntil(clock_, kUpMax, [&] { return Mode("mode") == "degraded"; }))
      << Mode("mode") << ": " << Mode("reason");
  EXPECT_THAT(Mode("reason"), HasSubstr("full"));
  EXPECT_THAT(StateOf(host), testing::AnyOf("healthy", "suspect"));
  const Result<Json> grants = fleet_.Get("/api/v1/grants");
  ASSERT_TRUE(grants) << grants.error().message;
  EXPECT_TRUE((*grants)["items"].array()->empty()) << grants->Dump();

  ASSERT_NO_FATAL_FAILURE(Free());
  EXPECT_TRUE(WaitUntil(clock_, kUpMax, [&] { return Mode("mode") == "auto"; }))
      << Mode("mode") << ": " << Mode("reason");
  EXPECT_TRUE(WaitUntil(clock_, kUpMax,
                        [&] {
                          const std::string state = StateOf(host);
                          return state != "healthy" && state != "suspect" && !state.empty();
                        }))
      << "the fault from before is acted on: " << StateOf(host);
  ASSERT_TRUE(fleet_.Kill());
  const Status again = fleet_.Start({"up", "--demo-hosts", std::to_string(kHosts)}, kUpMax);
  ASSERT_TRUE(again) << again.error().message;
  std::string overrides;
  EXPECT_TRUE(WaitUntil(clock_, kUpMax, [&] {
    overrides = fleet_.Get("/api/v1/overrides").value_or(Json()).Dump();
    return overrides.find("before the disk was full") != std::string::npos;
  })) << overrides;
}

}  // namespace
}  // namespace fleetmedic
