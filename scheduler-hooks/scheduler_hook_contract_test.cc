// What every hook does, whichever scheduler is behind it.
#include <gmock/gmock.h>

#include "base/file.h"
#include "base/role_loop.h"
#include "eventlog/memory_event_log.h"
#include "scheduler-hooks/bundled_hook.h"
#include "scheduler-hooks/dry_run_hook.h"
#include "scheduler/scheduler_server.h"
#include "simulation/core_hook.h"
#include "store/memory_store.h"

namespace fleetmedic {
namespace {

HostFacts FactsOf(const std::string& id) {
  HostFacts facts;
  facts.host = HostId(id);
  return facts;
}

// A hook with a scheduler behind it that knows two hosts, "a" and "rack/b".
class HookUnderTest {
 public:
  virtual ~HookUnderTest() = default;
  virtual SchedulerHook& hook() = 0;
  virtual const Clock& clock() const = 0;
  // The scheduler is gone and comes back with what was durable.
  virtual void Restart() = 0;
};

class CoreUnderTest final : public HookUnderTest {
 public:
  CoreUnderTest() { Make(); }
  SchedulerHook& hook() override { return *hook_; }
  const Clock& clock() const override { return clock_; }
  void Restart() override {
    for (const auto& [row, value] : core_->cluster().changes()) {
      if (value) rows_[row] = *value;
    }
    Make();
  }

 private:
  void Make() {
    core_ = std::make_unique<SchedulerCore>(SchedulerOptions());
    std::vector<ClusterRow> rows;
    for (const auto& [row, value] : rows_) rows.push_back({row.first, row.second, value});
    EXPECT_TRUE(core_->Restore(rows, clock_.Mono()).empty());
    for (const char* id : {"a", "rack/b"}) {
      EXPECT_TRUE(core_->cluster().ObserveHost(FactsOf(id), clock_.Mono()));
    }
    hook_ = std::make_unique<CoreHook>(core_.get(), &clock_);
  }

  SimulatedClock clock_;
  std::map<std::pair<ClusterTable, std::string>, std::string> rows_;
  std::unique_ptr<SchedulerCore> core_;
  std::unique_ptr<CoreHook> hook_;
};

class BundledUnderTest final : public HookUnderTest {
 public:
  BundledUnderTest() {
    for (const char* id : {"a", "rack/b"}) {
      const Record record{.key = id,
                          .value = ToJson(FactsOf(id)).Dump(),
                          .headers = {},
                          .timestamp = clock_.Wall()};
      EXPECT_TRUE(log_.Append(Topic::kHosts, std::span(&record, 1)));
    }
    Start();
  }
  ~BundledUnderTest() override { Stop(); }
  SchedulerHook& hook() override { return hook_; }
  const Clock& clock() const override { return clock_; }
  void Restart() override {
    Stop();
    const Result<std::vector<HostView>> list = hook_.List(clock_.Mono() + Seconds(5));
    EXPECT_FALSE(list) << "an error is no list";
    EXPECT_EQ(list.error().code, Code::kUnavailable);
    Start();
  }

 private:
  void Start() {
    role_ = std::make_unique<SchedulerRole>(SchedulerParts{.clock = &clock_,
                                                           .log = &log_,
                                                           .store = &store_,
                                                           .metrics = &metrics_,
                                                           .owner = "test",
                                                           .incarnation = "t",
                                                           .wake = [this] { Wake(); }},
                                            SchedulerConfig());
    loop_ = std::make_unique<RoleLoop>(role_.get(), &clock_);
    loop_->Start();
    server_ = std::make_unique<SchedulerServer>(role_.get(), &clock_);
    EXPECT_TRUE(server_->Start(folder_ / "socket"));
    EXPECT_TRUE(hook_.List(clock_.Mono() + Seconds(10)));
  }
  void Stop() {
    server_->Stop();
    loop_->Stop();
    role_.reset();
  }
  void Wake() {
    if (loop_ != nullptr) loop_->Wake();
  }

  TempFolder folder_;
  SystemClock clock_;
  MemoryEventLog log_{clock_};
  MemoryStore store_{clock_};
  Metrics metrics_;
  std::unique_ptr<RoleLoop> loop_;
  std::unique_ptr<SchedulerRole> role_;
  std::unique_ptr<SchedulerServer> server_;
  BundledHook hook_{folder_ / "socket", &clock_};
};

struct HookCase {
  const char* name;
  std::unique_ptr<HookUnderTest> (*make)();
};

class SchedulerHookContract : public testing::TestWithParam<HookCase> {
 protected:
  MonoTime Deadline() const { return under_test_->clock().Mono() + Seconds(10); }
  Result<HostView> Apply(const std::string& host, uint64_t revision, Want want) {
    Directive directive;
    directive.host = HostId(host);
    directive.revision = revision;
    directive.want = want;
    directive.reason = "disk \"sda\" \x1b[31m";
    return under_test_->hook().Apply(directive, Deadline());
  }

  std::unique_ptr<HookUnderTest> under_test_ = GetParam().make();
};

TEST_P(SchedulerHookContract, ADirectiveIsTakenAndListShowsIt) {
  const Result<HostView> view = Apply("a", 4, Want::kTainted);
  ASSERT_TRUE(view) << view.error().message;
  EXPECT_EQ(view->host, HostId("a"));
  EXPECT_EQ(view->revision, 4U);
  EXPECT_EQ(view->want, Want::kTainted);
  EXPECT_FALSE(view->foreign_taint);
  const Result<std::vector<HostView>> list = under_test_->hook().List(Deadline());
  ASSERT_TRUE(list);
  ASSERT_EQ(list->size(), 2U);
  EXPECT_EQ((*list)[0], *view);
  EXPECT_EQ((*list)[1].host, HostId("rack/b"));
  EXPECT_EQ((*list)[1].revision, 0U);
}

TEST_P(SchedulerHookContract, TheSameRevisionAgainAnswersThePresentView) {
  const Result<HostView> first = Apply("a", 4, Want::kDrained);
  const Result<HostView> again = Apply("a", 4, Want::kDrained);
  ASSERT_TRUE(first && again);
  EXPECT_EQ(*first, *again);
}

TEST_P(SchedulerHookContract, AnOlderRevisionIsAConflictAndChangesNothing) {
  ASSERT_TRUE(Apply("a", 4, Want::kTainted));
  const Result<HostView> older = Apply("a", 3, Want::kSchedulable);
  ASSERT_FALSE(older);
  EXPECT_EQ(older.error().code, Code::kConflict);
  EXPECT_EQ((*under_test_->hook().List(Deadline()))[0].want, Want::kTainted);
}

TEST_P(SchedulerHookContract, AHostThatItDoesNotKnowIsNotFound) {
  EXPECT_EQ(Apply("nobody", 1, Want::kTainted).error().code, Code::kNotFound);
}

TEST_P(SchedulerHookContract, AHostWhoseNameHoldsASlashIsOneHost) {
  const Result<HostView> view = Apply("rack/b", 1, Want::kTainted);
  ASSERT_TRUE(view) << view.error().message;
  EXPECT_EQ(view->host, HostId("rack/b"));
}

TEST_P(SchedulerHookContract, WhatWasAnsweredHoldsAfterARestart) {
  ASSERT_TRUE(Apply("a", 9, Want::kDrained));
  under_test_->Restart();
  EXPECT_EQ(Apply("a", 8, Want::kSchedulable).error().code, Code::kConflict);
  const Result<HostView> view = Apply("a", 9, Want::kDrained);
  ASSERT_TRUE(view);
  EXPECT_EQ(view->want, Want::kDrained);
}

TEST_P(SchedulerHookContract, ADeadlineThatIsPastIsAnErrorAndNoList) {
  const MonoTime past = under_test_->clock().Mono() - Seconds(1);
  const Result<std::vector<HostView>> list = under_test_->hook().List(past);
  ASSERT_FALSE(list);
  EXPECT_EQ(list.error().code, Code::kDeadlineExceeded);
}

TEST_P(SchedulerHookContract, ADryRunRecordsAndAppliesNothing) {
  DryRunHook dry(&under_test_->hook());
  Directive directive;
  directive.host = HostId("a");
  directive.revision = 4;
  directive.want = Want::kTainted;
  const Result<HostView> view = dry.Apply(directive, Deadline());
  ASSERT_TRUE(view);
  EXPECT_EQ(view->want, Want::kSchedulable);
  EXPECT_EQ(view->revision, 0U);
  EXPECT_EQ(dry.recorded(), (std::vector<Directive>{directive}));
  EXPECT_EQ((*dry.List(Deadline()))[0].want, Want::kSchedulable);
  directive.host = HostId("nobody");
  EXPECT_EQ(dry.Apply(directive, Deadline()).error().code, Code::kNotFound);
}

INSTANTIATE_TEST_SUITE_P(Hooks, SchedulerHookContract,
                         testing::Values(HookCase{"Core",
                                                  []() -> std::unique_ptr<HookUnderTest> {
                                                    return std::make_unique<CoreUnderTest>();
                                                  }},
                                         HookCase{"Bundled",
                                                  []() -> std::unique_ptr<HookUnderTest> {
                                                    return std::make_unique<BundledUnderTest>();
                                                  }}),
                         [](const auto& test) { return test.param.name; });

}  // namespace
}  // namespace fleetmedic
