// The processes that hold containers: containerd's shims, and whoever drives a container from
// outside (its executor). Found in /proc.
#ifndef FLEETMEDIC_DETECTORS_DOCKER_DOCKER_SHIMS_H_
#define FLEETMEDIC_DETECTORS_DOCKER_DOCKER_SHIMS_H_

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/file.h"
#include "detectors/daemon_process.h"
#include "detectors/docker/docker_json.h"

namespace fleetmedic {

struct DockerShim {
  int64_t pid = 0;
  std::string container;  // id
  std::string address;    // of the containerd that it belongs to
  char state = 'S';       // of proc(5)

  bool operator==(const DockerShim&) const = default;
};

// Of a shim's command line as /proc/PID/cmdline has it; none for one of another namespace than
// Docker's ("moby"), or of another program. Pure.
std::optional<DockerShim> ShimFromCommandLine(std::string_view command_line);

struct ProcessScan {
  MonoTime at{};
  // False: /proc could not be read to its end; nothing is missing because it was not seen.
  bool whole = false;
  bool daemon_seen = false;  // a dockerd, so that its shims would be seen too
  std::vector<DockerShim> shims;
  // Command lines with blanks between their words; only where asked for.
  std::vector<std::string> command_lines;
};

// Looks at every process below the root's /proc, those in containers of their own left out (their
// shims are not this host's). kNotFound where there is no /proc.
Result<ProcessScan> ScanProcesses(const FsRoot& root, const Clock& clock, MonoTime deadline,
                                  bool command_lines);

// Which containers have an executor, and how it is told.
struct ExecutorRule {
  std::string label;                  // containers with this label have one
  std::vector<std::string> prefixes;  // and those whose names begin so
  // What stands in its command line; {label}, {name} and {id} are the container's. Empty: no rule.
  std::string command;
};

// What is wrong at one look; each by the container's id. Pure.
struct ShimFindings {
  std::set<std::string> orphaned;  // a shim whose container is gone or has ended
  std::set<std::string> missing;   // a running container without a shim
  std::set<std::string> halted;    // a shim that is stopped or in uninterruptible sleep
  std::set<std::string> executor_gone;
};
// `addresses` gathers those of the containerds that our containers' shims belong to: the shims of
// other daemons are not ours to judge.
ShimFindings JudgeShims(const std::vector<DockerContainer>& containers, const ProcessScan& scan,
                        const ExecutorRule& rule, std::set<std::string>* addresses);

}  // namespace fleetmedic

#endif  // FLEETMEDIC_DETECTORS_DOCKER_DOCKER_SHIMS_H_
