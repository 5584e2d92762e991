// A cgroup of its own for each task: what the kernel says of it (who was killed for memory) names
// the task, the job's resources are its limits, and no process of it escapes its end.
//
// Both versions of cgroups are known (kernel Documentation/admin-guide/cgroup-v1 and cgroup-v2):
// v2 in one folder, v1 in a folder of the hierarchies memory, cpu and pids each. Everything here
// blocks on the kernel; nothing is synchronised.
#ifndef FLEETMEDIC_EXECUTOR_TASK_CGROUP_H_
#define FLEETMEDIC_EXECUTOR_TASK_CGROUP_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "model/cgroup_owner.h"
#include "model/job.h"

namespace fleetmedic {

// Folders, one for each hierarchy that is there. With v2 all are the same.
struct CgroupFolders {
  bool unified = false;  // v2
  std::string memory;
  std::string cpu;   // empty: not there
  std::string pids;  // empty: not there; v1 alone

  bool operator==(const CgroupFolders&) const = default;

  // Those that are there, each once.
  std::vector<std::string> All() const;
};
Json ToJson(const CgroupFolders& folders);
Result<CgroupFolders> CgroupFoldersFromJson(const Json& json);

// Where the cgroups of an executor's tasks are made: below `parent` ("/fleetmedic") in the
// hierarchies at `mount` (/sys/fs/cgroup). Tries with a cgroup of its own that one can be made
// there, and says in the error what is missing.
Result<CgroupFolders> FindCgroupParent(std::string_view mount, std::string_view parent,
                                       std::string_view executor);

class TaskCgroup {
 public:
  // The folders of the task, not of the parent.
  explicit TaskCgroup(CgroupFolders folders) : folders_(std::move(folders)) {}
  // That of the name below the parent.
  TaskCgroup(const CgroupFolders& parent, std::string_view name);

  const CgroupFolders& folders() const { return folders_; }

  // Makes it, or takes it as it is, and sets the limits: memory and swap together memory_bytes, cpu
  // time in 100 ms periods, at least 10 milli. Resources of 0 are no limit.
  Status Make(const Resources& limits) const;

  // What a process writes "0" to, to be in it.
  std::vector<std::string> ProcsFiles() const;

  // Sends SIGKILL until no process is left in it, those below included; remains (zombies) do not
  // count. Bounded: false when some do not die. True where there is none. Nothing can start in it
  // meanwhile, nor before the next Make.
  bool KillAll() const;

  // How many processes of it the kernel killed for memory, since it was made.
  uint64_t OomKills() const;

  // Fine where there is none; kBusy while something is left in it.
  Status Remove() const;

 private:
  CgroupFolders folders_;
};

// The names below the parent that are cgroups of this executor's tasks.
std::vector<std::string> TaskCgroupsOf(const CgroupFolders& parent, std::string_view executor);

}  // namespace fleetmedic

#endif  // FLEETMEDIC_EXECUTOR_TASK_CGROUP_H_
