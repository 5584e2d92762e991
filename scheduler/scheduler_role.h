// The bundled scheduler as a role: the core with a store behind it and the log around it.
//
//   SchedulerRole scheduler({.clock = &clock, .log = &log, .store = &store, .metrics = &metrics,
//                            .owner = host + ":" + pid, .incarnation = EntropyHex(6),
//                            .wake = [&] { loop->Wake(); }},
//                           config.scheduler);
//   SchedulerServer server(&scheduler, &clock);           // scheduler_server.h
//   RoleLoop loop(&scheduler, &clock);
//
// One turn: keep the lease; read fleetmedic.hosts and fleetmedic.tasks; run the requests that wait;
// plan; commit the rows that changed together with the log positions, in one transaction; only then
// answer the requests and append the commands. A crash before the commit: nothing happened, the
// records are read again. After: the commands are made again from the rows.
#ifndef FLEETMEDIC_SCHEDULER_SCHEDULER_ROLE_H_
#define FLEETMEDIC_SCHEDULER_SCHEDULER_ROLE_H_

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/inbox.h"
#include "base/metrics.h"
#include "base/role.h"
#include "config/scheduler_config.h"
#include "eventlog/event_log.h"
#include "scheduler/scheduler_core.h"
#include "store/store.h"

namespace fleetmedic {

// What the role is built from; nothing is owned, all of it stays until the role is gone.
struct SchedulerParts {
  const Clock* clock = nullptr;
  EventLog* log = nullptr;
  Store* store = nullptr;  // its own: nobody else's rows are in it
  Metrics* metrics = nullptr;
  // Who holds the lease. Two processes never have the same.
  std::string owner;
  // Part of every task id: random, at most 16 characters of an identifier.
  std::string incarnation;
  // Called when a turn should come sooner; may be empty.
  std::function<void()> wake;
};

class SchedulerRole final : public Role {
 public:
  static constexpr size_t kRequestsMax = 1024;
  static constexpr size_t kRecordsPerTurnMax = 2000;  // of each topic
  static constexpr size_t kDeadLettersMax = 1000;
  static constexpr size_t kFactsBytesMax = 64 << 10;
  static constexpr size_t kJobBytesMax = 256 << 10;

  // Reads or changes the cluster, on the role's thread.
  using Run = std::function<Result<Json>(SchedulerCore* core, MonoTime now)>;
  using Done = std::function<void(Result<Json>)>;

  SchedulerRole(SchedulerParts parts, const SchedulerConfig& config);
  SchedulerRole(const SchedulerRole&) = delete;
  SchedulerRole& operator=(const SchedulerRole&) = delete;
  ~SchedulerRole() override;  // gives the lease back

  std::string_view name() const override { return "scheduler"; }
  void Turn(MonoTime now) override;
  MonoTime NextWake() const override { return next_wake_; }

  // Thread-safe. `done` is called once, by a later turn on its thread, after what `run` changed is
  // durable: with run's answer, or with kUnavailable (this is not the leader), or with the error of
  // the commit, where the change may hold all the same. kBusy when kRequestsMax wait: neither is
  // called.
  Status Post(Run run, Done done);
  // The same, and waits. kDeadlineExceeded: it may still come to be. Not on the role's own thread.
  Result<Json> Call(Run run, MonoTime deadline);

  // For tests and the simulator; on the role's thread. Null while this is not the leader.
  const SchedulerCore* core() const { return core_.get(); }

 private:
  struct Request {
    Run run;
    Done done;
  };
  struct Answer {
    Done done;
    Result<Json> result;
  };
  // One topic that is read: the positions that were polled, and those of the store.
  struct Input {
    Topic topic;
    std::unique_ptr<Reader> reader;
    std::vector<Position> committed;
    bool caught_up = false;
  };
  struct Counters {
    MetricGauge leader, hosts, hosts_connected, jobs, tasks, unplaced, unknown_tasks, frozen;
    MetricGauge row_problems;
    MetricCounter commits, commit_errors, commands, append_errors, dead_letters, requests_refused;
    MetricCounter stale_reports, evictions;
  };

  bool Lead(MonoTime now);
  Status TakeOver(MonoTime now);
  void StepDown(std::string_view why);
  void ReadInputs(MonoTime now);
  void TakeRecord(Topic topic, const LogRecord& record, MonoTime now);
  void DeadLetter(Topic topic, const LogRecord& record, const std::string& reason);
  void FlushDeadLetters();
  void RunRequests(MonoTime now);
  Status CommitChanges(MonoTime now);
  Status WriteRows(const ChangeSet& changes, const std::vector<std::vector<Position>>& positions,
                   StoreTransaction* transaction) const;
  void AppendCommands(const std::vector<ExecutorCommand>& commands);
  void AnswerAll(const Status& committed);
  void ShowMetrics(MonoTime now);

  const SchedulerParts parts_;
  const SchedulerConfig config_;
  Counters counters_;
  Inbox<Request> inbox_;
  std::unique_ptr<Subscription> subscription_;

  Lease lease_;
  std::unique_ptr<SchedulerCore> core_;
  std::vector<Input> inputs_;
  bool more_ = false;  // the last read left something in the log
  std::vector<Record> dead_letters_;
  std::vector<Answer> answers_;
  MonoTime next_wake_{};
  MonoTime next_lease_{};
  MonoTime next_plan_{};
  MonoTime next_offsets_{};
};

}  // namespace fleetmedic

#endif  // FLEETMEDIC_SCHEDULER_SCHEDULER_ROLE_H_
