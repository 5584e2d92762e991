// What a host and its agent are told, with the defaults that ship.
#ifndef FLEETMEDIC_CONFIG_HOST_CONFIG_H_
#define FLEETMEDIC_CONFIG_HOST_CONFIG_H_

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "base/time.h"

namespace fleetmedic {

// [host]: what the operator says of this host; the agent finds out the rest.
struct HostConfig {
  std::string name;  // empty: the machine's host name
  std::string cell = "default";
  std::string pool = "default";
  std::string rack;
  std::string zone;
  std::map<std::string, std::string> labels;
  std::string root = "/";  // the folder that stands for the host's file system
};

struct TailedFile {
  std::string path;  // on the host; no pattern
};

// [agent]
struct AgentConfig {
  Millis beat_every = Seconds(10);
  Millis repeat_every = Seconds(60);  // everything again, changed or not
  Millis probe_deadline = Seconds(5);
  int64_t spool_bytes_max = int64_t{64} << 20;
  int64_t log_lines_per_second_max = 2000;  // of one source; beyond it lines are counted as lost
  Millis log_flush_after = Millis(800);     // lines of a busy source wait at most this long
  int64_t memory_bytes_max = int64_t{64} << 20;  // of the agent's own process; told, not enforced
  double cpu_share_max = 0.05;                   // of one core over five minutes; told
  bool read_kernel_log = true;
  bool read_journal = true;
  std::vector<TailedFile> files;
  std::string journal_dir;  // empty: the machine's own journal
};

}  // namespace fleetmedic

#endif  // FLEETMEDIC_CONFIG_HOST_CONFIG_H_
