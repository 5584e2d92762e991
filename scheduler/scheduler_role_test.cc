#include "scheduler/scheduler_role.h"

#include <gmock/gmock.h>

#include "eventlog/fault_event_log.h"
#include "eventlog/memory_event_log.h"
#include "store/fault_store.h"
#include "store/memory_store.h"

namespace fleetmedic {
namespace {

class SchedulerRoleTest : public testing::Test {
 protected:
  SchedulerRoleTest() { Start("one"); }

  void Start(const std::string& owner) {
    role_.reset();
    role_ = Make(owner);
  }
  std::unique_ptr<SchedulerRole> Make(const std::string& owner) {
    return std::make_unique<SchedulerRole>(SchedulerParts{.clock = &clock_,
                                                          .log = &log_,
                                                          .store = &store_,
                                                          .metrics = &metrics_,
                                                          .owner = owner,
                                                          .incarnation = owner,
                                                          .wake = {}},
                                           SchedulerConfig());
  }

  void Turn(SchedulerRole* role = nullptr) {
    clock_.Advance(Seconds(1));
    (role == nullptr ? role_.get() : role)->Turn(clock_.Mono());
  }

  void AppendText(Topic topic, const std::string& key, const std::string& value) {
    const Record record{.key = key, .value = value, .headers = {}, .timestamp = clock_.Wall()};
    ASSERT_TRUE(log_.Append(topic, std::span(&record, 1)));
  }
  void AppendHost(const std::string& id) {
    HostFacts facts;
    facts.host = HostId(id);
    AppendText(Topic::kHosts, id, ToJson(facts).Dump());
  }
  void AppendReport(const std::string& id, std::vector<TaskStatus> tasks = {}) {
    ExecutorReport report;
    report.host = HostId(id);
    report.boot_id = "boot";
    report.sequence = ++sequence_;
    report.observed_at = clock_.Wall();
    report.complete = true;
    report.capacity = {.cpu_milli = 4000, .memory_bytes = 4000};
    report.tasks = std::move(tasks);
    AppendText(Topic::kTasks, id, ToJson(report).Dump());
  }

  // Runs in the next turn; the answer is there after it.
  std::shared_ptr<std::optional<Result<Json>>> Ask(SchedulerRole::Run run) {
    auto answer = std::make_shared<std::optional<Result<Json>>>();
    EXPECT_TRUE(role_->Post(std::move(run), [answer](Result<Json> r) { *answer = std::move(r); }));
    return answer;
  }
  static SchedulerRole::Run PutJob() {
    return [](SchedulerCore* core, MonoTime) -> Result<Json> {
      Job job;
      job.id = JobId("web");
      job.argv = {"server"};
      FLEETMEDIC_RETURN_IF_ERROR(core->cluster().PutJob(job));
      return Json("put");
    };
  }
  static SchedulerRole::Run Direct(uint64_t revision, Want want) {
    return [revision, want](SchedulerCore* core, MonoTime now) -> Result<Json> {
      Directive directive;
      directive.host = HostId("a");
      directive.revision = revision;
      directive.want = want;
      FLEETMEDIC_ASSIGN_OR_RETURN(const HostView view,
                                  core->cluster().ApplyDirective(directive, now));
      return ToJson(view);
    };
  }

  std::vector<Record> ReadAll(Topic topic) {
    std::vector<Record> records;
    const auto reader = log_.OpenAt(topic, {});
    Result<std::vector<LogRecord>> polled = (*reader)->Poll(1000);
    for (LogRecord& record : *polled) records.push_back(std::move(record.record));
    return records;
  }

  SimulatedClock clock_;
  MemoryEventLog memory_log_{clock_};
  FaultEventLog log_{&memory_log_};
  MemoryStore memory_store_{clock_};
  FaultStore store_{&memory_store_};
  Metrics metrics_;
  uint64_t sequence_ = 0;
  std::unique_ptr<SchedulerRole> role_;
};

TEST_F(SchedulerRoleTest, AJobBecomesACommandForAHostThatReports) {
  AppendHost("a");
  AppendReport("a");
  const auto answer = Ask(PutJob());
  Turn();
  ASSERT_TRUE(answer->has_value() && (*answer)->has_value());
  const std::vector<Record> commands = ReadAll(Topic::kCommands);
  ASSERT_EQ(commands.size(), 1U);
  EXPECT_EQ(commands[0].key, "a");
  const Result<ExecutorCommand> command = ExecutorCommandFromJson(*Json::Parse(commands[0].value));
  ASSERT_TRUE(command);
  EXPECT_EQ(command->kind, CommandKind::kRun);
  EXPECT_EQ(command->job.id, JobId("web"));
}

TEST_F(SchedulerRoleTest, AnAnswerComesOnlyAfterTheCommitAndNoCommandWithoutIt) {
  AppendHost("a");
  AppendReport("a");
  Turn();
  store_.FailAt(StoreCall::kCommit, 1, CallFault::kFull);
  const auto answer = Ask(PutJob());
  Turn();
  ASSERT_TRUE(answer->has_value());
  ASSERT_FALSE((*answer)->has_value());
  EXPECT_EQ((*answer)->error().code, Code::kFull);
  EXPECT_TRUE(ReadAll(Topic::kCommands).empty());
  for (int i = 0; i < 10; ++i) Turn();
  EXPECT_EQ(ReadAll(Topic::kCommands).size(), 1U) << "the change is committed by a later turn";
}

TEST_F(SchedulerRoleTest, ACrashBetweenTheCommitAndTheCommandsOnlyDelays) {
  AppendHost("a");
  AppendReport("a");
  Ask(PutJob());
  log_.FailAt(LogCall::kAppend, 1, CallFault::kUnavailable);
  Turn();
  EXPECT_TRUE(ReadAll(Topic::kCommands).empty());
  Start("two");
  Turn();
  AppendReport("a");
  Turn();
  EXPECT_EQ(ReadAll(Topic::kCommands).size(), 1U);
}

TEST_F(SchedulerRoleTest, DirectivesSurviveARestartAndRevisionsNeverGoBack) {
  AppendHost("a");
  Turn();
  Ask(Direct(7, Want::kTainted));
  Turn();
  Start("two");
  const auto older = Ask(Direct(6, Want::kSchedulable));
  Turn();
  EXPECT_EQ((**older).error().code, Code::kConflict);
  const auto same = Ask(Direct(7, Want::kSchedulable));
  Turn();
  const Result<HostView> view = HostViewFromJson(***same);
  ASSERT_TRUE(view);
  EXPECT_EQ(view->want, Want::kTainted);
}

TEST_F(SchedulerRoleTest, WhatWasReadIsNotReadAgainAfterARestart) {
  AppendHost("a");
  AppendReport("a");
  Turn();
  const auto offsets = store_.Get(Table::kOffsets, TopicName(Topic::kTasks));
  ASSERT_TRUE(offsets && *offsets);
  EXPECT_EQ(**offsets, R"([{"offset":1,"partition":0}])");
  Start("two");
  Turn();
  EXPECT_FALSE(role_->core()->cluster().hosts().at(HostId("a")).last_seen)
      << "the report was taken before the restart";
}

TEST_F(SchedulerRoleTest, TwoSchedulersOneLeads) {
  Turn();
  ASSERT_NE(role_->core(), nullptr);
  const auto other = Make("two");
  Turn(other.get());
  EXPECT_EQ(other->core(), nullptr);
  std::optional<Result<Json>> answer;
  ASSERT_TRUE(other->Post(PutJob(), [&](Result<Json> result) { answer = std::move(result); }));
  Turn(other.get());
  EXPECT_EQ(answer->error().code, Code::kUnavailable);
  role_.reset();  // gives the lease back
  Turn(other.get());
  EXPECT_NE(other->core(), nullptr);
}

TEST_F(SchedulerRoleTest, ALeaderThatStoodStillPastItsLeaseWritesNothing) {
  AppendHost("a");
  AppendReport("a");
  Turn();
  const auto other = Make("two");
  clock_.Advance(Seconds(60));
  Turn(other.get());
  ASSERT_NE(other->core(), nullptr);
  const auto answer = Ask(PutJob());
  Turn();
  EXPECT_EQ((**answer).error().code, Code::kUnavailable);
  EXPECT_EQ(role_->core(), nullptr);
  EXPECT_TRUE(ScanAll(memory_store_, Table::kJobs)->empty());
  EXPECT_TRUE(ReadAll(Topic::kCommands).empty());
}

TEST_F(SchedulerRoleTest, AnUnreadableRecordIsPutAsideAndTheNextIsRead) {
  AppendText(Topic::kTasks, "a", "{\"host\": \x1b[31m");
  AppendText(Topic::kTasks, "b",
             R"({"host":"not-b","boot_id":"x","sequence":1,)"
             R"("observed_at":"2026-01-01T00:00:00Z","complete":true})");
  AppendReport("c");
  Turn();
  EXPECT_TRUE(role_->core()->cluster().hosts().contains(HostId("c")));
  EXPECT_FALSE(role_->core()->cluster().hosts().contains(HostId("not-b")));
  const std::vector<Record> letters = ReadAll(Topic::kDeadLetter);
  ASSERT_EQ(letters.size(), 2U);
  EXPECT_EQ(letters[0].key, "fleetmedic.tasks/0/0");
  EXPECT_EQ(letters[0].value, "{\"host\": \x1b[31m");
  EXPECT_FALSE(HeaderOf(letters[0], "reason").empty());
}

TEST_F(SchedulerRoleTest, WhatCouldNotBePutAsideIsReadAgainAfterACrash) {
  AppendText(Topic::kTasks, "a", "nonsense");
  log_.FailAt(LogCall::kAppend, 1, CallFault::kUnavailable);
  Turn();
  EXPECT_TRUE(ReadAll(Topic::kDeadLetter).empty());
  Start("two");
  Turn();
  EXPECT_EQ(ReadAll(Topic::kDeadLetter).size(), 1U);
}

TEST_F(SchedulerRoleTest, WhileTheLogIsAwayNobodysSilenceMeansAnything) {
  AppendHost("a");
  AppendReport("a");
  Ask(PutJob());
  Turn();
  const TaskId task = role_->core()->cluster().tasks().begin()->first;
  TaskStatus running;
  running.task = task;
  running.job = JobId("web");
  running.state = TaskState::kRunning;
  AppendReport("a", {running});
  Turn();
  log_.FailAt(LogCall::kPoll, 1, CallFault::kUnavailable, 4000);
  for (int i = 0; i < 900; ++i) Turn();
  EXPECT_FALSE(role_->core()->cluster().task(task).presumed_lost);
  log_.Heal();
  for (int i = 0; i < 60; ++i) Turn();
  EXPECT_FALSE(role_->core()->cluster().task(task).presumed_lost)
      << "its executor may need a moment too";
  AppendReport("a", {running});
  Turn();
  EXPECT_EQ(role_->core()->cluster().tasks().size(), 1U);
}

TEST_F(SchedulerRoleTest, ItCountsWhatItDoes) {
  AppendHost("a");
  AppendReport("a");
  Ask(PutJob());
  Turn();
  const std::string text = metrics_.Text();
  EXPECT_THAT(text, testing::HasSubstr("fleetmedic_scheduler_leader 1"));
  EXPECT_THAT(text, testing::HasSubstr("fleetmedic_scheduler_hosts_connected 1"));
  EXPECT_THAT(text, testing::HasSubstr("fleetmedic_scheduler_commands_total 1"));
}

TEST_F(SchedulerRoleTest, RequestsPastTheLimitAreRefusedAtOnce) {
  for (size_t i = 0; i < SchedulerRole::kRequestsMax; ++i) Ask(PutJob());
  const Status refused = role_->Post(PutJob(), [](Result<Json>) { FAIL(); });
  EXPECT_EQ(refused.error().code, Code::kBusy);
  Turn();
}

}  // namespace
}  // namespace fleetmedic
