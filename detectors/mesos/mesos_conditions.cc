#include "detectors/condition_types.h"

namespace fleetmedic {
namespace {

constexpr ConditionType kTypes[] = {
    {"MesosAgentUnresponsive", "mesos", Severity::kHard, "",
     "The Mesos agent does not answer /health, or answers that it is not healthy.",
     "/health of detectors.mesos.address within detectors.mesos.answer_max. An address at which "
     "nothing has answered since the agent started is unknown.",
     "Restart the Mesos agent's unit: with checkpoints its tasks live through it.",
     "/health answers 200.", Rung::kRestartUnit},
    {"MesosAgentNotRegistered", "mesos", Severity::kSoft, "",
     "The agent runs and is not registered with a master, or does not get registered again: it "
     "gets no tasks, and its master gives up those it has.",
     "slave/registered of /metrics/snapshot is 0 for longer than detectors.mesos.register_max.",
     "Look for the leading master and the way to it; for a changed attribute or resource that "
     "makes the master refuse (the agent's log says so).",
     "slave/registered is 1.", Rung::kRestartUnit},
    {"MesosRecoveryStuck", "mesos", Severity::kSoft, "",
     "The agent does not finish its recovery after a start; or it went on with errors of recovery "
     "(then information).",
     "/state answers 503 for longer than detectors.mesos.recovery_max; slave/recovery_errors.",
     "Look at the agent's log for the executor or container that it waits for.",
     "/state answers 200, and the agent's next start counts no error.", Rung::kPerson},
    {"MesosContainerErrors", "mesos", Severity::kSoft, "the counter",
     "Containers cannot be launched or destroyed, or what tasks need cannot be fetched.",
     "Growth of slave/container_launch_errors, containerizer/mesos/container_destroy_errors and "
     "containerizer/fetcher/task_fetches_failed within detectors.mesos.failures_within.",
     "Look at the agent's log around a launch; at cgroups, the image store, the disk.",
     "Less growth within the window.", Rung::kPerson},
    {"MesosExecutorsFailing", "mesos", Severity::kSoft, "",
     "Most tasks that end on this agent fail or are lost.",
     "Growth of slave/tasks_failed and slave/tasks_lost, in number and as a share of all that "
     "ended, within detectors.mesos.failures_within.",
     "Compare with other agents: one framework's bad release fails everywhere, a bad host alone.",
     "Fewer failures, or a smaller share of them.", Rung::kPerson},
    {"MesosDiskOverGcThreshold", "mesos", Severity::kSoft, "the work folder",
     "The disk below the agent's work folder is fuller than gc_disk_headroom leaves: sandboxes are "
     "deleted as soon as their executors end.",
     "statvfs(3) of the work folder against 1 - gc_disk_headroom of /state, and "
     "slave/executor_directory_max_allowed_age_secs at 0.",
     "Look for large sandboxes of running executors below work_dir/slaves.",
     "Less of the disk is used.", Rung::kPerson},
    {"MesosCheckpointUnreadable", "mesos", Severity::kSoft, "the file",
     "The agent's own checkpoint cannot be read: after its next start it would not recover its "
     "tasks, or not start.",
     "The first bytes of meta/slaves/latest/slave.info below the work folder.",
     "Drain the host before the Mesos agent is restarted; look for errors of the disk.",
     "It can be read, or the agent begins anew.", Rung::kPerson},
    {"MesosMasterUnreachable", "mesos", Severity::kSoft, "the master's address",
     "The master that this agent was started with takes no connection from this host.",
     "/health of the address in --master of /state, or of detectors.mesos.master, where it is a "
     "number; any answer is one. Names are not looked up and ZooKeeper is not asked.",
     "Look at the way there from this host, and whether other hosts reach it.",
     "It takes connections.", Rung::kPerson},
};

}  // namespace

std::span<const ConditionType> MesosConditions() { return kTypes; }

}  // namespace fleetmedic
