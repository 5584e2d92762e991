// A controller on an event log and a store in memory, and a scheduler that obeys: what the tests of
// its parts share.
#ifndef FLEETMEDIC_REMEDIATION_CONTROLLER_FIXTURE_H_
#define FLEETMEDIC_REMEDIATION_CONTROLLER_FIXTURE_H_

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/file.h"
#include "base/logging.h"
#include "base/thread_pool.h"
#include "eventlog/fault_event_log.h"
#include "eventlog/memory_event_log.h"
#include "model/command.h"
#include "remediation/controller.h"
#include "store/fault_store.h"
#include "store/memory_store.h"

namespace fleetmedic {

// A scheduler that does at once what it is told.
class ObedientHook final : public SchedulerHook {
 public:
  Result<HostView> Apply(const Directive& directive, MonoTime) override {
    applied.push_back(directive);
    HostView& view = views[directive.host];
    view.host = directive.host;
    view.revision = directive.revision;
    view.want = directive.want;
    return view;
  }
  Result<std::vector<HostView>> List(MonoTime) override {
    if (list_fails) return Fail(Code::kUnavailable, "no answer");
    std::vector<HostView> all;
    for (const auto& [host, view] : views) all.push_back(view);
    return all;
  }

  std::map<HostId, HostView> views;
  std::vector<Directive> applied;
  bool list_fails = false;
};

// Works at once, but for what the test keeps for later.
class KeepingWorkers final : public Workers {
 public:
  Status Submit(std::string_view name, std::function<void()> work) override {
    if (name != keep) return inline_.Submit(name, std::move(work));
    kept.push_back(std::move(work));
    return {};
  }

  std::string keep;
  std::vector<std::function<void()>> kept;

 private:
  InlineWorkers inline_;
};

// What came is put in by the test.
class Book final : public EvidenceBook {
 public:
  std::vector<Json> List(const HostId&) const override { return {}; }
  Result<std::string> Read(const HostId&, std::string_view) const override {
    return Fail(Code::kNotFound, "not kept");
  }
  bool Has(const HostId& host, std::string_view id) const override {
    return came.contains(host.str() + " " + std::string(id));
  }

  std::set<std::string> came;
};

class ControllerTest : public ::testing::Test {
 protected:
  ControllerTest() : log_(&memory_log_), store_(&memory_store_) {
    SetLogLevel(LogLevel::kError);
    config_.mode = Mode::kAuto;
    config_.policy.confirm_hard = Seconds(0);
    config_.policy.settle = Seconds(5);
    Restart();
  }

  // The process dies, and another takes its place.
  void Restart() {
    controller_.reset();
    controller_ =
        std::make_unique<Controller>(config_, folder_ / "HOLD",
                                     RemediatorEnvironment{clock_,
                                                           log_,
                                                           store_,
                                                           hook_,
                                                           workers_,
                                                           metrics_,
                                                           {},
                                                           fmt::format("test-{}", ++lives_),
                                                           rules_,
                                                           evidence_,
                                                           rules_grace_});
  }

  void Run(Seconds span = Seconds(1)) {
    for (Millis passed(0); passed < span; passed += Millis(100)) {
      clock_.Advance(Millis(100));
      controller_->Turn(clock_.Mono());
    }
  }

  void AddHost(const std::string& name) {
    HostFacts facts;
    facts.host = HostId(name);
    facts.boot_id = "boot-1";
    facts.booted_at = clock_.Wall() - Hours(1);
    facts.pool = "web";
    hook_.views[facts.host].host = facts.host;
    Append(Topic::kHosts, name, ToJson(facts).Dump());
    Report(name, Verdict::kOk);
  }

  HealthEvent EventOf(const std::string& name, Verdict verdict) {
    HealthEvent event;
    event.host = HostId(name);
    event.boot_id = "boot-1";
    event.detector = "docker";
    event.sequence = ++sequence_;
    event.observed_at = clock_.Wall();
    Condition condition;
    condition.type = "DockerUnresponsive";
    condition.verdict = verdict;
    condition.severity = Severity::kHard;
    condition.message = "no answer in 5 s";
    event.conditions.push_back(condition);
    return event;
  }
  void Report(const std::string& name, Verdict verdict) {
    Append(Topic::kHealth, name, ToJson(EventOf(name, verdict)).Dump());
  }
  void Append(Topic topic, const std::string& key, const std::string& value) {
    const Record record{key, value, {}, clock_.Wall()};
    ASSERT_TRUE(memory_log_.Append(topic, {&record, 1}).has_value());
  }

  HostRecordPtr HostNow(const std::string& name) {
    return controller_->ledger().Host(HostId(name));
  }
  HostState StateOf(const std::string& name) { return HostNow(name)->state; }

  Result<RequestAnswer> Tell(Request request) {
    Result<RequestAnswer> answer = Fail(Code::kUnavailable, "never answered");
    EXPECT_TRUE(controller_
                    ->Post(std::move(request),
                           [&answer](Result<RequestAnswer> given) { answer = std::move(given); })
                    .has_value());
    Run(Seconds(1));
    return answer;
  }
  Result<RequestAnswer> Add(OverrideKind kind, const std::string& scope,
                            const std::string& reason = "because") {
    return Tell(request::AddOverride{kind, ParseScope(scope).value(), "op1", reason, Millis(0)});
  }

  // The dead letters so far, each as "kind".
  std::vector<std::string> DeadLetters() {
    auto reader = memory_log_.OpenAt(Topic::kDeadLetter, {}).value();
    const std::vector<LogRecord> records = reader->Poll(100).value();
    std::vector<std::string> kinds;
    for (const LogRecord& record : records) {
      kinds.emplace_back(HeaderOf(record.record, "kind"));
      EXPECT_THAT(std::string(HeaderOf(record.record, "origin")),
                  testing::HasSubstr("fleetmedic."));
      EXPECT_FALSE(HeaderOf(record.record, "reason").empty());
    }
    return kinds;
  }
  // What was ordered so far: "repair ID" and "evidence ID".
  std::vector<std::string> Orders() {
    auto reader = memory_log_.OpenAt(Topic::kCommands, {}).value();
    std::vector<std::string> orders;
    const std::vector<LogRecord> records = reader->Poll(1000).value();
    for (const LogRecord& record : records) {
      const auto command =
          ExecutorCommandFromJson(Json::Parse(record.record.value).value()).value();
      orders.push_back(command.kind == CommandKind::kRepair
                           ? "repair " + command.repair.id
                           : command.host.str() + " evidence " + command.evidence.id);
    }
    return orders;
  }
  // Until the host's first repair is decided; it stays bad.
  void BreakUntilRepair(const std::string& name) {
    for (int i = 0; i < 20 && StateOf(name) != HostState::kRepairing; ++i) StayBad(name, 1);
    ASSERT_EQ(StateOf(name), HostState::kRepairing);
  }
  void StayBad(const std::string& name, int seconds) {
    for (int i = 0; i < seconds; ++i) {
      Report(name, Verdict::kBad);
      Run(Seconds(1));
    }
  }
  std::vector<AuditEntry> AuditOf(const std::string& object) {
    return memory_store_.ReadAudit(0, object, 1000).value();
  }

  std::optional<std::set<std::string>> rules_;
  Millis rules_grace_{0};
  SimulatedClock clock_;
  const TempFolder folder_;
  MemoryEventLog memory_log_{clock_};
  MemoryStore memory_store_{clock_};
  FaultEventLog log_;
  FaultStore store_;
  ObedientHook hook_;
  KeepingWorkers workers_;
  Metrics metrics_;
  RemediatorConfig config_;
  const EvidenceBook* evidence_ = nullptr;
  std::unique_ptr<Controller> controller_;
  uint64_t sequence_ = 0;
  int lives_ = 0;
};

}  // namespace fleetmedic

#endif  // FLEETMEDIC_REMEDIATION_CONTROLLER_FIXTURE_H_
