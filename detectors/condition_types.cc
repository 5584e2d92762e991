#include "detectors/condition_types.h"

namespace fleetmedic {
namespace {

constexpr size_t kMessageBytesMax = 1024;
constexpr size_t kUnitBytesMax = 256;

constexpr ConditionType kTypes[] = {
    {"LogsDropped", "agent", Severity::kInfo, "the source of the lines, or \"spool\"",
     "Log lines of this host were lost: a source wrote faster than the rate cap, the kernel's ring "
     "was overrun, or the spool was full while the event log was away. Rules could not see them.",
     "Read the lines on the host itself. Raise agent.log_lines_per_second_max for the source or "
     "agent.spool_bytes_max; find out why the event log was away."},
    {"AgentSpoolFull", "agent", Severity::kInfo, "",
     "The agent cannot write to its own spool; the newest state is kept in memory and log sources "
     "wait where they are.",
     "Free space on the file system of the state folder."},
    {"AgentDetectorOverdue", "agent", Severity::kInfo, "the detector",
     "A detector has not come back from a look at its subsystem; what it watches is unknown.",
     "Look at the subsystem on the host: the detector hangs where any other caller would."},
    {"AgentClockJumped", "agent", Severity::kInfo, "",
     "The host's wall clock was set by seconds or more, against the clock that only counts. Times "
     "around it cannot be compared with those of other hosts.",
     "Check the time service of the host."},
    {"FilesystemFull", "filesystem", Severity::kHard, "the mount point",
     "A file system has too few free bytes for those who are not root. Soft at "
     "detectors.filesystem_full_share, hard at filesystem_full_hard_share.",
     "Find what grows (du -x), remove it or make the file system larger."},
    {"FilesystemInodesFull", "filesystem", Severity::kSoft, "the mount point",
     "A file system has too few free inodes: new files fail though bytes are free.",
     "Find the folder with very many small files (du --inodes -x) and remove them."},
    {"FilesystemReadOnly", "filesystem", Severity::kHard, "the mount point",
     "A file system that is to be writable is mounted read-only, as the kernel does after an I/O "
     "error (errors=remount-ro).",
     "Read the kernel log for the first I/O error; check the device before a remount."},
    {"SystemdUnresponsive", "systemd", Severity::kHard, "",
     "systemd (PID 1) or its bus does not answer: no unit can be started, stopped or asked.",
     "Reboot the host; nothing gentler is left when PID 1 does not answer."},
    {"SystemdDegraded", "systemd", Severity::kInfo, "",
     "systemd calls the system degraded: at least one unit failed, or jobs hang.",
     "See the failed units (SystemdUnitFailed)."},
    {"SystemdUnitFailed", "systemd", Severity::kSoft, "the unit",
     "A unit is in the state failed and systemd does not try it again.",
     "journalctl -u UNIT -b; systemctl restart UNIT when the cause is gone."},
    {"SystemdRestartLoop", "systemd", Severity::kSoft, "the unit",
     "systemd has restarted a unit detectors.restart_loop_count times within "
     "restart_loop_within: it starts and dies.",
     "journalctl -u UNIT -b; a bad configuration or a missing dependency is the usual cause."},
    {"DockerUnresponsive", "docker", Severity::kHard, "",
     "The Docker daemon does not answer on its socket, or answers with errors of its own.",
     "Restart docker.service; look for a full disk or a stuck storage driver first."},
    {"ContainerdUnresponsive", "docker", Severity::kHard, "",
     "dockerd answers, but what asks containerd (/info, /top) hangs or fails: containers can "
     "neither be started nor stopped.",
     "Restart containerd.service; dockerd comes back to it by itself or needs a restart too."},
    {"DockerDataRootFull", "docker", Severity::kHard, "the data root",
     "The file system below Docker's data root is full: no container can be created.",
     "docker system df; prune images and build caches, or make the file system larger."},
    {"DockerContainerStuck", "docker", Severity::kSoft, "the container, short id",
     "A container is in the state removing, created or dead for longer than "
     "detectors.docker_removing_max.",
     "docker rm -f ID; a busy mount or an immutable file below the data root holds it."},
};

void Cap(std::string* text, size_t bytes_max) {
  if (text->size() <= bytes_max) return;
  size_t end = bytes_max;
  // Not within a UTF-8 sequence.
  while (end > 0 && (static_cast<unsigned char>((*text)[end]) & 0xC0) == 0x80) --end;
  text->resize(end);
}

}  // namespace

std::span<const ConditionType> ConditionTypes() { return kTypes; }

const ConditionType* FindConditionType(std::string_view type) {
  for (const ConditionType& entry : kTypes) {
    if (entry.type == type) return &entry;
  }
  return nullptr;
}

std::vector<std::string> ConditionTypesOf(std::string_view detector) {
  std::vector<std::string> types;
  for (const ConditionType& entry : kTypes) {
    if (entry.detector == detector) types.emplace_back(entry.type);
  }
  return types;
}

Condition MakeCondition(std::string_view type, std::string_view unit, Verdict verdict,
                        std::string_view reason, std::string message) {
  const ConditionType* const entry = FindConditionType(type);
  FLEETMEDIC_CHECK(entry != nullptr);
  Condition condition;
  condition.type = type;
  condition.unit = unit;
  condition.verdict = verdict;
  condition.severity = entry->severity;
  condition.reason = reason;
  condition.message = std::move(message);
  Cap(&condition.unit, kUnitBytesMax);
  Cap(&condition.message, kMessageBytesMax);
  return condition;
}

}  // namespace fleetmedic
