// A demonstration host: a folder that stands for a host's file system, which a real agent looks at
// and a real executor runs on. A fault is a change of what the detectors read, and nothing else.
#ifndef FLEETMEDIC_APP_DEMO_DEMO_HOST_H_
#define FLEETMEDIC_APP_DEMO_DEMO_HOST_H_

#include <span>
#include <string>
#include <string_view>

#include "base/file.h"
#include "config/config.h"

namespace fleetmedic {

// One fault that can be injected.
struct DemoFault {
  std::string_view name;
  std::string_view help;
  // What heals it: a restart of this unit, or a reboot. "" heals only by hand.
  std::string_view healed_by;
};
std::span<const DemoFault> DemoFaults();

// Owned by nobody in particular: the state is the folder, and each call reads and writes it. Two
// processes may use one host; a fault injected twice is one fault.
class DemoHost {
 public:
  // `root` is the host's folder.
  explicit DemoHost(std::string root);

  // Makes what a host has: boot id, kernel and OS release, an empty kernel log, a healthy systemd,
  // file systems with space. What is there already stays.
  Status Create(const std::string& name, WallTime now);

  // kNotFound for an unknown fault: the message lists those there are.
  Status Inject(std::string_view fault, WallTime now);
  Status Heal(std::string_view fault, WallTime now);
  Status HealAll(WallTime now);

  // What the executor's repair commands do on this host: restarting a unit heals what a restart of
  // it heals, and a reboot gives a new boot id, an empty kernel log and heals what a boot heals.
  Status RestartUnit(std::string_view unit, WallTime now);
  Status Reboot(WallTime now);

  // What the kernel says.
  Status WriteKernelLine(std::string_view message, WallTime now);

  // Whether its Docker answers, by the file that Inject wrote.
  bool DockerAnswers() const;
  std::string docker_socket() const { return root_ + "/run/docker.sock"; }
  const std::string& root() const { return root_; }

 private:
  int64_t BootSecond() const;  // of /proc/stat; 0 where there is none
  Status SetUnit(std::string_view unit, bool failed, WallTime now);
  Status SetFreeShare(std::string_view mount, double share);
  std::string PathOf(std::string_view file) const;

  const std::string root_;
};

// The agent's and the executor's config for the demo host number `index` (from 0) at `root`.
// `self` is the path of this program: its `demo` subcommands are the host's repair commands.
struct DemoHostConfig {
  HostConfig host;
  AgentConfig agent;
  DetectorsConfig detectors;
  ExecutorConfig executor;
};
DemoHostConfig ConfigForDemoHost(int index, const std::string& root, const std::string& self);

// "demo-01".
std::string DemoHostName(int index);

// The fleet's policy of the demonstration: the shipped one with times that a person can watch.
RemediatorConfig DemoRemediatorConfig();

}  // namespace fleetmedic

#endif  // FLEETMEDIC_APP_DEMO_DEMO_HOST_H_
