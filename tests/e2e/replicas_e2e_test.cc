// Three processes of the stream on one event log with four partitions, killed at random moments: no
// frame is lost, none is counted twice but those in flight, and every fleet issue is told once.
//
// FLEETMEDIC_CRASH_SEED (random, printed) repeats a run.
#include <fcntl.h>
#include <signal.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <map>
#include <optional>
#include <set>

#include <gtest/gtest.h>

#include <fmt/format.h>

#include "base/child_process.h"
#include "base/environment.h"
#include "base/file.h"
#include "base/random.h"
#include "eventlog/sqlite_event_log.h"
#include "stream/pattern_keeper.h"
#include "tests/e2e/fleet_program.h"
#include "tests/e2e/past_fleet.h"
#include "tests/e2e/processes.h"
#include "tests/e2e/wait.h"

namespace fleetmedic {
namespace {

constexpr int kReplicas = 3;
constexpr int kPartitions = 4;
constexpr Millis kFedFor = Seconds(18);
constexpr Millis kTick{100};
constexpr int kFramesPerTick = 6;  // each host speaks once a second
constexpr Millis kTroubleAt = Seconds(4);
constexpr Millis kTroubleFor = Seconds(8);
constexpr uint64_t kLifeMillisMin = 600;
constexpr uint64_t kLifeMillisMax = 2'200;
// A shard that has just begun to lead tells nothing before its first minute is over.
constexpr Millis kReadMax = Seconds(90);
// What is read is committed within a second, and a replica of three has two of four partitions at
// most.
constexpr Millis kInFlight = Seconds(1);
constexpr size_t kInFlightOneOf = 2;

// Distinct hosts by pattern and minute.
using Tally = std::map<std::string, std::map<WallTime, std::set<std::string>>>;

class ReplicasE2e : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(WriteFileAtomic(rules_, PastFleet::RulesToml()));
    ASSERT_TRUE(WriteFileAtomic(config_, fmt::format("[event_log]\npartitions = {}\n"
                                                     "[stream]\nrules = [\"{}\"]\n",
                                                     kPartitions, rules_)));
    const Status written = PastFleet::Write(folder_.path(), rules_, kPartitions);
    ASSERT_TRUE(written) << written.error().message;
    log_ = SqliteEventLog::Open(folder_ / "log.db", clock_).value();
    issues_ = log_->OpenAt(Topic::kIssues, {}).value();
    counts_ = log_->OpenAt(Topic::kCounts, {}).value();
    ReadCounts();
    before_ = counted_;
  }
  void TearDown() override {
    for (std::optional<Child>& replica : replicas_) {
      if (!replica) continue;
      ::kill(replica->pid(), SIGTERM);
      const auto ended = replica->Wait(clock_, clock_.Mono() + Seconds(30));
      EXPECT_TRUE(ended && ended->ok()) << LogText();
    }
    EXPECT_TRUE(EndProcessesBelow(folder_.path()));
  }

  void StartReplica(size_t index) {
    const UniqueFd log(
        ::open((folder_ / "log").c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600));
    ChildOptions options;
    options.argv = {FLEETMEDIC_PROGRAM, "stream",    "--config",      config_,       "--state-dir",
                    folder_.path(),     "--run-dir", folder_ / "run", "--log-level", "warning"};
    options.dies_with_thread = true;
    options.standard_output = {ChildStream::Kind::kFd, log.get()};
    options.standard_error = {ChildStream::Kind::kFd, log.get()};
    Result<Child> child = Child::Start(options);
    ASSERT_TRUE(child) << child.error().message;
    replicas_[index].emplace(*std::move(child));
  }
  void KillReplica(size_t index) {
    ASSERT_EQ(::kill(replicas_[index]->pid(), SIGKILL), 0) << LogText();
    ASSERT_TRUE(replicas_[index]->Wait(clock_, clock_.Mono() + Seconds(10)));
    replicas_[index].reset();
    ++kills_;
    for (const auto& [at, frames] : fed_frames_) {
      if (at + kInFlight >= clock_.Mono()) in_flight_ += frames / kInFlightOneOf;
    }
  }

  // One tick: every host in its turn says what it always says, and the sick ones their trouble.
  void Feed(bool trouble) {
    const WallTime now = clock_.Wall();
    std::vector<Record> frames;
    std::vector<Record> beats;
    for (int i = 0; i < kFramesPerTick; ++i) {
      const int host = next_host_++ % PastFleet::kHosts;
      std::vector<std::string> rules = PastFleet::UsualRules();
      if (trouble && PastFleet::Sick(host)) {
        const std::vector<std::string>& more = PastFleet::TroubleRules();
        rules.insert(rules.end(), more.begin(), more.end());
      }
      for (const std::string& rule : rules) {
        fed_[rule][std::chrono::floor<std::chrono::minutes>(now)].insert(PastFleet::Name(host));
        ++fed_lines_[rule];
      }
      frames.push_back(PastFleet::Frame(host, rules, now));
      beats.push_back(PastFleet::Beat(host, now));
    }
    ASSERT_TRUE(log_->Append(Topic::kHealth, beats));
    ASSERT_TRUE(log_->Append(Topic::kLogs, frames));
    fed_frames_.emplace_back(clock_.Mono(), frames.size());
  }

  void ReadCounts() {
    for (const LogRecord& record : Drain(counts_.get())) {
      const auto count = PatternCountFromJson(Json::Parse(record.record.value).value());
      ASSERT_TRUE(count) << count.error().message;
      for (const HostId& host : count->hosts) {
        counted_[count->pattern][count->minute].insert(host.str());
      }
    }
  }
  void ReadIssues() {
    for (const LogRecord& record : Drain(issues_.get())) {
      const auto issue = FleetIssueFromJson(Json::Parse(record.record.value).value());
      ASSERT_TRUE(issue) << issue.error().message;
      ids_[issue->pattern].insert(issue->id);
      told_.insert_or_assign(issue->id, *issue);
    }
  }
  static std::vector<LogRecord> Drain(Reader* reader) {
    std::vector<LogRecord> all;
    while (true) {
      std::vector<LogRecord> some = reader->Poll(1'000).value();
      if (some.empty()) return all;
      std::move(some.begin(), some.end(), std::back_inserter(all));
    }
  }
  // Counted since the past ended, of the minutes that something was fed in.
  Tally CountedOfFed() const {
    Tally tally;
    for (const auto& [pattern, minutes] : fed_) {
      for (const auto& [minute, hosts] : minutes) {
        const auto of = counted_.find(pattern);
        if (of == counted_.end()) continue;
        const auto counted = of->second.find(minute);
        if (counted != of->second.end()) tally[pattern][minute] = counted->second;
      }
    }
    return tally;
  }
  bool AllIssuesKnowTheirHosts() const {
    size_t whole = 0;
    for (const auto& [id, issue] : told_) whole += issue.hosts_total == PastFleet::kSick ? 1 : 0;
    return whole >= PastFleet::TroubleRules().size();
  }
  std::string LogText() const { return ReadFile(folder_ / "log", size_t{1} << 20).value_or(""); }

  const SystemClock clock_;
  TempFolder folder_;
  const std::string config_ = folder_ / "fleetmedic.toml";
  const std::string rules_ = folder_ / "rules.toml";
  const uint64_t seed_ = EnvironmentNumber("FLEETMEDIC_CRASH_SEED", EntropySeed()).value();
  Random random_{seed_};
  std::unique_ptr<SqliteEventLog> log_;
  std::unique_ptr<Reader> issues_;
  std::unique_ptr<Reader> counts_;
  std::array<std::optional<Child>, kReplicas> replicas_;

  int next_host_ = 0;
  Tally fed_;
  std::map<std::string, uint64_t> fed_lines_;
  std::vector<std::pair<MonoTime, size_t>> fed_frames_;
  Tally before_;
  Tally counted_;
  std::map<std::string, std::set<std::string>> ids_;  // of issues, by pattern
  std::map<std::string, FleetIssue> told_;
  int kills_ = 0;
  uint64_t in_flight_ = 0;  // frames, at most, over all kills
};

TEST_F(ReplicasE2e, KilledAtRandomMomentsTheyLoseNoFrameAndTellEveryIssueOnce) {
  (void)std::setvbuf(stdout, nullptr, _IOLBF, 0);
  fmt::print("FLEETMEDIC_CRASH_SEED={}\n", seed_);
  for (size_t i = 0; i < kReplicas; ++i) ASSERT_NO_FATAL_FAILURE(StartReplica(i));
  const MonoTime began = clock_.Mono();
  const auto life = [this] {
    return Millis(kLifeMillisMin + random_.Below(kLifeMillisMax - kLifeMillisMin));
  };
  MonoTime kill_at = began + life();
  for (MonoTime now = began; now < began + kFedFor; now = clock_.Mono()) {
    const bool trouble = now >= began + kTroubleAt && now < began + kTroubleAt + kTroubleFor;
    ASSERT_NO_FATAL_FAILURE(Feed(trouble));
    ASSERT_NO_FATAL_FAILURE(ReadIssues());
    if (now >= kill_at) {
      const size_t victim = random_.Below(kReplicas);
      ASSERT_NO_FATAL_FAILURE(KillReplica(victim));
      ASSERT_NO_FATAL_FAILURE(StartReplica(victim));
      kill_at = now + life();
    }
    // The pace of the feed.
    (void)WaitUntil(clock_, kTick, [] { return false; });
  }
  Tally expected = fed_;
  for (auto& [pattern, minutes] : expected) {
    for (auto& [minute, hosts] : minutes) {
      const std::set<std::string>& more = before_[pattern][minute];
      hosts.insert(more.begin(), more.end());
    }
  }
  (void)WaitUntil(clock_, kReadMax, [&] {
    ReadIssues();
    ReadCounts();
    return CountedOfFed() == expected && AllIssuesKnowTheirHosts();
  });
  EXPECT_GE(kills_, 6);
  EXPECT_EQ(CountedOfFed(), expected) << LogText();

  // Every trouble is one issue with one identifier through all takeovers, and nothing usual is any.
  std::set<std::string> patterns;
  for (const auto& [pattern, ids] : ids_) {
    patterns.insert(pattern);
    EXPECT_EQ(ids.size(), 1U) << pattern;
  }
  const std::vector<std::string>& trouble = PastFleet::TroubleRules();
  EXPECT_EQ(patterns, std::set<std::string>(trouble.begin(), trouble.end())) << LogText();
  for (const auto& [id, issue] : told_) {
    EXPECT_EQ(issue.state, IssueState::kOpen) << id;
    EXPECT_EQ(issue.hosts_total, static_cast<uint64_t>(PastFleet::kSick)) << id;
    EXPECT_EQ(issue.scope, (IssueScope{"kernel", "6.1.99"})) << id;
  }

  // Lines are known by where they stood: at most those in flight are counted otherwise.
  Metrics metrics;
  PatternKeeper keeper(&clock_, log_.get(), &metrics, {});
  for (int turn = 0; turn < 100; ++turn) keeper.Turn(clock_.Mono());
  for (const auto& [rule, lines] : fed_lines_) {
    const auto shown = keeper.Show(rule, Hours(24));
    ASSERT_TRUE(shown) << rule << ": " << shown.error().message;
    const uint64_t counted = shown->summary.lines - PastFleet::LinesOfThePast(rule);
    fmt::print("{}: fed {}, counted {}, in flight {}\n", rule, lines, counted, in_flight_);
    EXPECT_LE(std::max(counted, lines) - std::min(counted, lines), in_flight_) << rule;
  }
}

}  // namespace
}  // namespace fleetmedic
