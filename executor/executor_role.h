// The executor of one host: runs the tasks that the scheduler wants and the repairs that the
// remediator wants, and reports.
//
//   ExecutorRole executor({.clock = &clock, .log = &log, .workers = &pool, .metrics = &metrics,
//                          .host = HostId(config.host.name), .state_dir = config.state_dir,
//                          .host_root = FsRoot(config.host.root), .shim_argv = {"/proc/self/exe"},
//                          .wake = [&] { loop->Wake(); }},
//                         config.executor);
//   RoleLoop loop(&executor, &clock);
//
// and main hands `argv0 task-shim FOLDER` to TaskShimMain (task_shim.h) before anything else. The
// tasks do not end with the executor; under systemd its unit needs KillMode=process.
#ifndef FLEETMEDIC_EXECUTOR_EXECUTOR_ROLE_H_
#define FLEETMEDIC_EXECUTOR_EXECUTOR_ROLE_H_

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/file.h"
#include "base/metrics.h"
#include "base/role.h"
#include "base/workers.h"
#include "config/executor_config.h"
#include "eventlog/event_log.h"
#include "executor/process_driver.h"
#include "executor/repairs.h"

namespace fleetmedic {

// What the role is built from; pointers are not owned and stay until the role is gone.
struct ExecutorParts {
  const Clock* clock = nullptr;
  EventLog* log = nullptr;
  Workers* workers = nullptr;
  Metrics* metrics = nullptr;
  HostId host;
  std::string state_dir;  // STATE/executor/ is ours alone
  FsRoot host_root;       // where the boot id and the memory are read
  std::vector<std::string> shim_argv;
  std::function<void()> wake;  // called when a turn should come sooner; may be empty
};

// Reads fleetmedic.commands from where it left off (offsets.json, written after what was read has
// been done: replays are harmless) and ignores other hosts' records. A host that never read before
// starts at the head: what is in the log may be as old as the log, and the scheduler repeats what
// is not confirmed.
//
// Writes fleetmedic.tasks: what changed at once, and the whole every report_every. While the log is
// away the tasks go on; what is written later is their newest state.
class ExecutorRole final : public Role {
 public:
  static constexpr size_t kRecordsPerTurnMax = 2000;
  static constexpr size_t kDeadLettersMax = 1000;
  static constexpr size_t kTasksPerReportMax = 1000;

  ExecutorRole(ExecutorParts parts, const ExecutorConfig& config);
  ExecutorRole(const ExecutorRole&) = delete;
  ExecutorRole& operator=(const ExecutorRole&) = delete;
  ~ExecutorRole() override;

  std::string_view name() const override { return "executor"; }
  void Turn(MonoTime now) override;
  MonoTime NextWake() const override { return next_wake_; }

  // For tests; null until the first turn that could open the state folder.
  const ProcessDriver* driver() const { return driver_.get(); }

 private:
  struct Counters {
    MetricGauge tasks, unreadable_folders, cgroups;
    MetricCounter commands, dead_letters, reports, report_errors, read_errors, offset_errors;
  };

  std::string File(std::string_view name) const;
  Status OpenState();
  Status OpenReader();
  void ReadOffsets();
  bool SaveOffsets();
  void ReadCommands(MonoTime now);
  void TakeCommand(const LogRecord& record);
  void DeadLetter(const LogRecord& record, const std::string& reason);
  void Report(MonoTime now);
  bool Append(const ExecutorReport& report);
  uint64_t NextSequence();
  void FindCgroups();
  Status ReadBootId();  // keeps the one it had where it cannot be read
  Resources Capacity() const;

  const ExecutorParts parts_;
  const ExecutorConfig config_;
  Counters counters_;
  std::unique_ptr<Subscription> subscription_;

  bool cgroups_sought_ = false;
  std::string executor_id_;  // of the cgroups' names
  std::optional<CgroupFolders> cgroup_parent_;
  std::optional<FileLock> lock_;  // one executor for a state folder
  std::unique_ptr<ProcessDriver> driver_;
  std::unique_ptr<Repairs> repairs_;
  std::unique_ptr<Reader> reader_;
  std::string boot_id_;
  std::vector<Position> positions_;  // as saved
  bool skip_to_head_ = false;
  uint64_t sequence_ = 0;
  uint64_t sequence_reserved_ = 0;
  std::vector<Record> dead_letters_;
  // Not yet durable in the log: the newest state of each task, the outcome of each repair.
  std::map<TaskId, TaskStatus> unsent_;
  std::map<std::string, RepairReport> unsent_repairs_;
  MonoTime next_wake_{};
  MonoTime next_look_{};
  MonoTime next_complete_{};
  MonoTime next_save_{};
  MonoTime next_try_{};
};

}  // namespace fleetmedic

#endif  // FLEETMEDIC_EXECUTOR_EXECUTOR_ROLE_H_
