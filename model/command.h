// What executors are told (fleetmedic.commands) and what they answer (fleetmedic.tasks).
#ifndef FLEETMEDIC_MODEL_COMMAND_H_
#define FLEETMEDIC_MODEL_COMMAND_H_

#include <string>
#include <vector>

#include "model/evidence_bundle.h"
#include "model/job.h"

namespace fleetmedic {

// One rung of the ladder, gentlest first. kPerson is no act: it pages.
enum class Rung : uint8_t {
  kRestartUnit,
  kResetGpu,
  kReattachInterface,
  kReboot,
  kReplace,
  kPerson,
};
std::string_view RungName(Rung rung);
std::optional<Rung> ParseRung(std::string_view word);

struct Repair {
  // host/episode/attempt: never used twice. An executor runs an id at most once, ever.
  std::string id;
  Rung rung = Rung::kRestartUnit;
  // The unit, GPU or interface.
  std::string unit;
  // The boot that the evidence was seen in; on any other the repair is refused.
  std::string boot_id;
  // By the remediator's clock; started later than this, the executor refuses it.
  WallTime start_before = kWallNever;

  bool operator==(const Repair&) const = default;
};

Json ToJson(const Repair& repair);
Result<Repair> RepairFromJson(const Json& json);

enum class CommandKind : uint8_t { kRun, kStop, kRepair, kCollectEvidence };

// kRun: the host shall run `task` of `job`; repeated, it changes nothing, also after the task
// ended. kStop: `task` shall end, by SIGTERM and after `job.stop_grace` by SIGKILL. kRepair.
// kCollectEvidence is the agent's, not the executor's.
struct ExecutorCommand {
  CommandKind kind = CommandKind::kRun;
  HostId host;
  TaskId task;
  Job job;
  Repair repair;
  EvidenceRequest evidence;

  bool operator==(const ExecutorCommand&) const = default;
};

Json ToJson(const ExecutorCommand& command);
Result<ExecutorCommand> ExecutorCommandFromJson(const Json& json);

enum class RepairOutcome : uint8_t {
  kDone,
  kFailed,
  kRefused,  // never started: other boot, too late, not configured
  kUnknown,  // started, and what came of it cannot be told (the executor died in it)
};
std::string_view RepairOutcomeName(RepairOutcome outcome);
std::optional<RepairOutcome> ParseRepairOutcome(std::string_view word);

struct RepairReport {
  std::string id;
  RepairOutcome outcome = RepairOutcome::kUnknown;
  std::string message;

  bool operator==(const RepairReport&) const = default;
};

Json ToJson(const RepairReport& report);
Result<RepairReport> RepairReportFromJson(const Json& json);

// What an executor writes. `tasks` holds what changed; with `complete` it is the whole of what
// the host runs, and a task that is not in it is not there. A report without `complete` never
// says that anything is gone.
struct ExecutorReport {
  HostId host;
  std::string boot_id;
  uint64_t sequence = 0;
  WallTime observed_at = kWallNever;
  bool complete = false;
  // What the host offers to tasks in all.
  Resources capacity;
  std::vector<TaskStatus> tasks;
  std::vector<RepairReport> repairs;

  bool operator==(const ExecutorReport&) const = default;
};

Json ToJson(const ExecutorReport& report);
Result<ExecutorReport> ExecutorReportFromJson(const Json& json);

}  // namespace fleetmedic

#endif  // FLEETMEDIC_MODEL_COMMAND_H_
