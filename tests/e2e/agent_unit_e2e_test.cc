// The agent as deploy/ installs it, under a real systemd: what it may, and what it says without.
//
// The container gives it what a host would but for these: its network has loopback alone; there is
// no GPU, no Docker, no Mesos; limits of memory and of devices are in force only where the
// container's systemd may set them. /dev/kmsg is the machine's own.
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/random.h"
#include "base/text.h"
#include "detectors/proc_text.h"
#include "eventlog/sqlite_event_log.h"
#include "model/command.h"
#include "model/evidence_bundle.h"
#include "model/health_event.h"
#include "tests/e2e/systemd_fixture.h"
#include "tests/e2e/wait.h"

namespace fleetmedic {
namespace {

using ::testing::Contains;
using ::testing::ContainsRegex;
using ::testing::Each;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::IsSupersetOf;
using ::testing::Not;

constexpr Millis kRunMax = Seconds(30);
constexpr Millis kReportMax = Seconds(60);
constexpr size_t kFileBytesMax = size_t{4} << 20;
constexpr const char* kUnit = "fleetmedic-agent.service";
// 1 << CAP_SYSLOG, as /proc writes it.
constexpr const char* kSyslogOnly = "0000000400000000";

std::vector<std::string> Words(std::string_view text) {
  std::vector<std::string> words;
  for (const std::string_view word : Fields(text)) words.emplace_back(word);
  return words;
}

class AgentUnitE2e : public testing::Test {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "not root: cannot boot a systemd";
    // The agent asks for the time by adjtimex, which nspawn else keeps from who may not set it.
    std::vector<std::string> options = {"--capability=CAP_SYSLOG",
                                        "--system-call-filter=adjtimex clock_adjtime"};
    kernel_log_ = ::access("/dev/kmsg", F_OK) == 0;
    if (kernel_log_) options.emplace_back("--bind=/dev/kmsg");
    auto started = SystemdFixture::Start({}, options);
    ASSERT_TRUE(started) << started.error().message;
    systemd_ = *std::move(started);
    CopyTheTree();
    CopyLibraries();
  }

  // What is built and deploy/, where deploy/README.md says that one stands.
  void CopyTheTree() {
    const std::string tree = systemd_->disk() + "/src";
    ASSERT_TRUE(MakeFolders(tree + "/build/release"));
    std::filesystem::copy("deploy", tree + "/deploy", std::filesystem::copy_options::recursive);
    std::filesystem::copy(FLEETMEDIC_PROGRAM, tree + "/build/release/fleetmedic");
  }
  // The program's libraries, as its package would have them installed.
  void CopyLibraries() {
    Command command;
    command.argv = {"ldd", FLEETMEDIC_PROGRAM};
    const Result<CommandResult> listed = RunCommand(command, clock_, clock_.Mono() + kRunMax);
    ASSERT_TRUE(listed) << listed.error().message;
    for (const std::string_view line : Lines(listed->standard_output)) {
      const std::vector<std::string> words = Words(line);
      if (words.size() < 3 || words[1] != "=>") continue;
      const std::string there = systemd_->disk() + words[2];
      if (!std::filesystem::exists(there)) std::filesystem::copy_file(words[2], there);
    }
  }
  // The indented lines of deploy/README.md, as they stand there.
  void InstallAsTheReadmeSays() {
    const Result<std::string> readme = ReadFile("deploy/README.md", kFileBytesMax);
    ASSERT_TRUE(readme);
    std::string script;
    for (const std::string_view line : Lines(*readme)) {
      if (line.starts_with("    ")) script += std::string(line) + "\n";
    }
    EXPECT_THAT(script, HasSubstr("systemctl enable --now fleetmedic-agent"));
    Run({"sh", "-ec", script}, "/src");
  }
  std::string Run(const std::vector<std::string>& argv, const std::string& cwd = "/") {
    const Result<CommandResult> ran = systemd_->Run(argv, kRunMax, cwd);
    EXPECT_TRUE(ran) << ran.error().message;
    if (!ran) return "";
    EXPECT_TRUE(ran->status.ok()) << argv[0] << ": " << ran->standard_error << ran->standard_output;
    return ran->standard_output + ran->standard_error;
  }

  // Of the unit's main process, by /proc of the container.
  std::string ProcPath(const std::string& pid, const std::string& name) const {
    return systemd_->root() + "/proc/" + pid + "/" + name;
  }
  std::string MainPid() {
    return std::string(Trim(Run({"systemctl", "show", "-p", "MainPID", "--value", kUnit})));
  }
  std::vector<std::string> StatusOf(const std::string& pid, std::string_view key) {
    const std::string text = ReadFile(ProcPath(pid, "status"), kFileBytesMax).value_or("");
    for (const std::string_view line : Lines(text)) {
      if (line.starts_with(std::string(key) + ":")) return Words(line.substr(key.size() + 1));
    }
    ADD_FAILURE() << "no " << key << " of process " << pid;
    return {};
  }
  std::string IdOf(const std::string& file, const std::string& name) {
    const std::string text = ReadFile(systemd_->disk() + file, kFileBytesMax).value_or("");
    for (const std::string_view line : Lines(text)) {
      const std::vector<std::string_view> fields = Split(line, ':');
      if (fields.size() > 2 && fields[0] == name) return std::string(fields[2]);
    }
    ADD_FAILURE() << "no " << name << " in " << file;
    return "";
  }

  // The process's own sockets that wait for somebody: lines of proc_net(5).
  std::vector<std::string> Listening(const std::string& pid) {
    std::set<std::string> inodes;
    for (const auto& entry : std::filesystem::directory_iterator(ProcPath(pid, "fd"))) {
      std::error_code gone;
      const std::string link = std::filesystem::read_symlink(entry.path(), gone).string();
      constexpr std::string_view kSocket = "socket:[";
      if (!link.starts_with(kSocket)) continue;
      inodes.insert(link.substr(kSocket.size(), link.size() - kSocket.size() - 1));
    }
    std::vector<std::string> listening;
    for (const std::string table : {"tcp", "tcp6", "udp", "udp6", "unix"}) {
      const Result<std::string> text = ReadFile(ProcPath(pid, "net/" + table), kFileBytesMax);
      EXPECT_TRUE(text) << table;
      for (const std::string_view line : Lines(text.value_or(""))) {
        const std::vector<std::string> words = Words(line);
        if (words.size() < (table == "unix" ? 7u : 10u)) continue;
        const bool waits = table == "unix"            ? words[3] == "00010000"  // __SO_ACCEPTCON
                           : table.starts_with("tcp") ? words[3] == "0A"        // TCP_LISTEN
                                                      : words[2].ends_with(":0000");
        if (waits && inodes.contains(words[table == "unix" ? 6 : 9])) {
          listening.push_back(table + ": " + std::string(line));
        }
      }
    }
    return listening;
  }

  // As the remediator asks for it.
  EvidenceBundle AskForEvidence(const std::string& host) {
    ExecutorCommand command;
    command.kind = CommandKind::kCollectEvidence;
    command.host = HostId(host);
    command.evidence = {.id = "e-1", .reason = "a test", .asked_at = clock_.Wall()};
    const Record record{
        .key = host, .value = ToJson(command).Dump(), .headers = {}, .timestamp = clock_.Wall()};
    EXPECT_TRUE(log_->Append(Topic::kCommands, std::span(&record, 1)));
    auto reader = log_->OpenAt(Topic::kEvidence, {});
    EXPECT_TRUE(reader);
    std::optional<EvidenceBundle> bundle;
    EXPECT_TRUE(WaitUntil(clock_, kReportMax, [&] {
      for (const LogRecord& found : (*reader)->Poll(10).value_or(std::vector<LogRecord>{})) {
        const Result<Json> json = Json::Parse(found.record.value);
        if (!json) continue;
        const Result<EvidenceBundle> read = EvidenceBundleFromJson(*json);
        if (read) bundle = *read;
      }
      return bundle.has_value();
    }));
    return bundle.value_or(EvidenceBundle{});
  }

  // What the agent says now, read from its log as another role would.
  void ReadReports() {
    if (log_ == nullptr && !OpenLog()) return;
    const auto records = health_->Poll(1000);
    ASSERT_TRUE(records) << records.error().message;
    for (const LogRecord& record : *records) {
      const Result<Json> json = Json::Parse(record.record.value);
      ASSERT_TRUE(json);
      const Result<HealthEvent> event = HealthEventFromJson(*json);
      ASSERT_TRUE(event) << event.error().message;
      if (event->kind == HealthEventKind::kBeat) {
        ++beats_;
      } else {
        reports_[event->detector] = event->conditions;
      }
    }
  }
  // False: there is none yet.
  bool OpenLog() {
    const std::string path = systemd_->disk() + "/var/lib/fleetmedic/log.db";
    if (!std::filesystem::exists(path)) return false;
    auto opened = SqliteEventLog::Open(path, clock_);
    if (!opened) return false;
    auto health = (*opened)->OpenAt(Topic::kHealth, {});
    auto lines = (*opened)->OpenAt(Topic::kLogs, {});
    if (!health || !lines) return false;
    log_ = *std::move(opened);
    health_ = *std::move(health);
    lines_ = *std::move(lines);
    return true;
  }
  // The source of the frame that a line with this text came in; empty: it did not come.
  std::string SourceOfLine(const std::string& text) {
    std::string source;
    (void)WaitUntil(clock_, kReportMax, [&] {
      for (const LogRecord& record : lines_->Poll(1000).value_or(std::vector<LogRecord>{})) {
        if (record.record.value.find(text) == std::string::npos) continue;
        source = HeaderOf(record.record, "source");
      }
      return !source.empty();
    });
    return source;
  }
  bool WaitFor(const std::string& title, Verdict verdict) {
    return WaitUntil(clock_, kReportMax, [&] {
      ReadReports();
      const std::optional<Condition> condition = Find(title);
      return condition.has_value() && condition->verdict == verdict;
    });
  }
  std::optional<Condition> Find(const std::string& title) const {
    for (const auto& [detector, conditions] : reports_) {
      for (const Condition& condition : conditions) {
        if (ConditionTitle(condition) == title) return condition;
      }
    }
    return std::nullopt;
  }
  std::string ReportsText() const {
    std::string text;
    for (const auto& [detector, conditions] : reports_) {
      text += detector + "\n";
      for (const Condition& condition : conditions) {
        text += "  " + ConditionTitle(condition) + " " +
                std::string(VerdictName(condition.verdict)) + " " + condition.reason + ": " +
                condition.message + "\n";
      }
    }
    return text;
  }
  // The titles of what is unknown for this reason.
  std::string Unknown(std::string_view reason) const {
    std::string titles;
    for (const auto& [detector, conditions] : reports_) {
      for (const Condition& condition : conditions) {
        if (condition.verdict != Verdict::kUnknown || condition.reason != reason) continue;
        titles += ConditionTitle(condition) + "\n";
      }
    }
    return titles;
  }
  // Whatever is not known for want of a right names the right.
  void ExpectMissingRightsNamed() const {
    for (const auto& [detector, conditions] : reports_) {
      for (const Condition& condition : conditions) {
        const std::string& text = condition.message;
        const bool want_of_right = text.find("ermission") != std::string::npos ||
                                   text.find("not permitted") != std::string::npos;
        if (!want_of_right) continue;
        EXPECT_EQ(condition.verdict, Verdict::kUnknown) << ConditionTitle(condition) << text;
        EXPECT_THAT(text, ContainsRegex("no permission \\([^)]+\\)"))
            << detector << " " << ConditionTitle(condition);
      }
    }
  }

  SystemClock clock_;
  bool kernel_log_ = false;
  std::unique_ptr<SystemdFixture> systemd_;
  std::unique_ptr<SqliteEventLog> log_;
  std::unique_ptr<Reader> health_;
  std::unique_ptr<Reader> lines_;
  std::map<std::string, std::vector<Condition>> reports_;
  int beats_ = 0;
};

TEST_F(AgentUnitE2e, RunsAsAUserOfItsOwnWithOneCapabilityAndNoPortAndReports) {
  InstallAsTheReadmeSays();
  if (kernel_log_) {
    EXPECT_TRUE(WaitFor("LogSourceUnreadable", Verdict::kOk)) << ReportsText();
  }
  EXPECT_TRUE(WaitUntil(clock_, kReportMax, [&] {
    ReadReports();
    return beats_ > 0;
  }));
  const std::string pid = MainPid();
  const std::string uid = IdOf("/etc/passwd", "fleetmedic");
  EXPECT_NE(uid, "0");
  EXPECT_THAT(StatusOf(pid, "Uid"), Each(uid));
  EXPECT_THAT(StatusOf(pid, "Gid"), Each(IdOf("/etc/group", "fleetmedic")));
  EXPECT_THAT(StatusOf(pid, "Groups"), Contains(IdOf("/etc/group", "systemd-journal")));
  for (const char* set : {"CapEff", "CapPrm", "CapBnd", "CapAmb"}) {
    EXPECT_THAT(StatusOf(pid, set), Each(std::string(kSyslogOnly))) << set;
  }
  EXPECT_THAT(StatusOf(pid, "NoNewPrivs"), Each(std::string("1")));
  EXPECT_THAT(StatusOf(pid, "Seccomp"), Each(std::string("2")));
  EXPECT_THAT(Listening("1"), Not(IsEmpty())) << "systemd listens: else the look sees nothing";
  EXPECT_THAT(Listening(pid), IsEmpty());
  // Each of them tells something within these rights.
  for (const char* detector : {"agent", "clock", "disk", "dns", "filesystem", "kernel", "memory",
                               "network", "process", "systemd"}) {
    EXPECT_TRUE(WaitUntil(clock_, kReportMax, [&] {
      ReadReports();
      return reports_.contains(detector);
    })) << detector;
  }
  // It reads what it has the rights for.
  const std::string text = "fleetmedic unit test " + EntropyHex(8);
  Run({"systemd-cat", "--identifier=fm-test", "echo", text + " journal"});
  EXPECT_EQ(SourceOfLine(text + " journal"), "journal:fm-test");
  if (kernel_log_) {
    std::ofstream("/dev/kmsg") << "<6>" << text << " kmsg\n" << std::flush;
    EXPECT_EQ(SourceOfLine(text + " kmsg"), "kmsg-user");
  }
  EXPECT_TRUE(WaitFor("SystemdUnresponsive", Verdict::kOk)) << ReportsText();
  ExpectMissingRightsNamed();
  EXPECT_EQ(Unknown("NoPermission"), "InotifyLimit\n") << "root alone can try root's limits";
  EXPECT_EQ(Trim(Run({"systemctl", "show", "-p", "NRestarts", "--value", kUnit})), "0");
  const std::string verified = Run({"systemd-analyze", "verify", "--man=no",
                                    "/usr/lib/systemd/system/fleetmedic-agent.service"});
  EXPECT_THAT(verified, Not(HasSubstr("fleetmedic"))) << "what systemd says of the unit";
  Run({"systemd-analyze", "security", "--no-pager", "--threshold=40", kUnit});
  if (HasFailure()) std::printf("%s\n", ReportsText().c_str());
}

TEST_F(AgentUnitE2e, SaysWhichRightItLacksWhenItsOnlyOneIsTakenAway) {
  if (!kernel_log_) GTEST_SKIP() << "this machine has no /dev/kmsg";
  const std::string restricted =
      ReadFile("/proc/sys/kernel/dmesg_restrict", kFileBytesMax).value_or("");
  if (Trim(restricted) != "1") GTEST_SKIP() << "the kernel log is open to all here";
  const std::string drop_ins = systemd_->disk() + "/etc/systemd/system/" + kUnit + ".d";
  ASSERT_TRUE(MakeFolders(drop_ins));
  ASSERT_TRUE(WriteFileAtomic(drop_ins + "/without.conf",
                              "[Service]\nAmbientCapabilities=\nCapabilityBoundingSet=\n"
                              "SupplementaryGroups=\n"));
  InstallAsTheReadmeSays();
  EXPECT_TRUE(WaitFor("LogSourceUnreadable(kmsg)", Verdict::kUnknown)) << ReportsText();
  EXPECT_TRUE(WaitFor("LogSourceUnreadable(journal)", Verdict::kUnknown)) << ReportsText();
  ASSERT_TRUE(Find("LogSourceUnreadable(kmsg)") && Find("LogSourceUnreadable(journal)"));
  EXPECT_THAT(Find("LogSourceUnreadable(kmsg)")->message, HasSubstr("no permission (CAP_SYSLOG)"));
  EXPECT_THAT(Find("LogSourceUnreadable(journal)")->message,
              HasSubstr("no permission (group systemd-journal)"));
  const std::string pid = MainPid();
  EXPECT_THAT(StatusOf(pid, "CapEff"), Each(std::string("0000000000000000")));
  // The other detectors go on.
  EXPECT_TRUE(WaitFor("SystemdUnresponsive", Verdict::kOk)) << ReportsText();
  ExpectMissingRightsNamed();
}

TEST_F(AgentUnitE2e, RunsChecksAndCollectsEvidenceWithinItsRights) {
  const std::string folder = systemd_->disk() + "/etc/fleetmedic";
  ASSERT_TRUE(MakeFolders(folder));
  ASSERT_TRUE(WriteFileAtomic(folder + "/fleetmedic.toml",
                              "[host]\nname = 'unit-test'\n"
                              "[[checks]]\nname = 'own'\ntype = 'OwnCheck'\n"
                              "command = ['/bin/sh', '-c', 'echo I am $(id -un)']\n"
                              "[[checks]]\nname = 'other'\ntype = 'OtherCheck'\n"
                              "command = ['/bin/true']\nuser = 'nobody'\n"));
  InstallAsTheReadmeSays();
  EXPECT_TRUE(WaitFor("OwnCheck(own)", Verdict::kOk)) << ReportsText();
  EXPECT_TRUE(WaitFor("OtherCheck(other)", Verdict::kUnknown)) << ReportsText();
  ASSERT_TRUE(Find("OwnCheck(own)") && Find("OtherCheck(other)"));
  EXPECT_EQ(Find("OwnCheck(own)")->message, "I am fleetmedic");
  EXPECT_THAT(Find("OtherCheck(other)")->message,
              HasSubstr("no permission (CAP_SETUID, CAP_SETGID)"));

  const EvidenceBundle bundle = AskForEvidence("unit-test");
  std::vector<std::string> collected;
  for (const EvidencePart& part : bundle.parts) {
    std::printf("evidence %s: %s %s\n", part.name.c_str(),
                std::string(EvidencePartStateName(part.state)).c_str(), part.message.c_str());
    EXPECT_NE(part.state, EvidencePartState::kTimeout) << part.name;
    if (part.state == EvidencePartState::kCollected) collected.push_back(part.name);
    if (part.state != EvidencePartState::kFailed) continue;
    EXPECT_THAT(part.message, HasSubstr("no permission (")) << part.name;
  }
  EXPECT_THAT(collected, IsSupersetOf({"journal", "units", "processes"}));
}

}  // namespace
}  // namespace fleetmedic
