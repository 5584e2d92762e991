#include "app/demo/demo_host.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>

#include <fmt/format.h>

#include "base/json.h"
#include "base/random.h"

namespace fleetmedic {
namespace {

constexpr size_t kFileBytesMax = size_t{1} << 20;
constexpr std::string_view kDemoFolder = "/run/fleetmedic-demo";
constexpr std::string_view kKmsg = "/dev/kmsg";
constexpr std::string_view kBootId = "/proc/sys/kernel/random/boot_id";
constexpr std::string_view kSystemd = "/run/fleetmedic-demo/systemd.json";
constexpr std::string_view kFilesystems = "/run/fleetmedic-demo/filesystems.json";
constexpr std::string_view kDockerHung = "/run/fleetmedic-demo/docker-hung";
constexpr std::string_view kFailingUnit = "app-proxy.service";
constexpr int64_t kDiskBytes = int64_t{200} << 30;

constexpr std::array<DemoFault, 6> kFaults = {{
    {"docker-hung", "the Docker daemon accepts and never answers", "docker.service"},
    {"unit-failed", "app-proxy.service has failed", "app-proxy.service"},
    {"disk-full", "/var/lib/docker has no space left", ""},
    {"kernel-bug", "the kernel log has a BUG", "reboot"},
    {"gpu-xid", "the kernel log has NVRM Xid 79: a GPU fell off the bus", "reboot"},
    {"nvme-timeout", "the kernel log has NVMe time-outs", "reboot"},
}};

Status WriteText(const std::string& path, std::string_view text) {
  FLEETMEDIC_RETURN_IF_ERROR(MakeFolders(path.substr(0, path.rfind('/'))));
  return WriteFileAtomic(path, text);
}

std::string NewBootId() {
  const std::string hex = EntropyHex(16);
  return fmt::format("{}-{}-{}-{}-{}", hex.substr(0, 8), hex.substr(8, 4), hex.substr(12, 4),
                     hex.substr(16, 4), hex.substr(20));
}

int64_t SecondsOf(WallTime time) { return MillisOf(time) / 1000; }

}  // namespace

std::span<const DemoFault> DemoFaults() { return kFaults; }

DemoHost::DemoHost(std::string root) : root_(std::move(root)) {}

std::string DemoHost::PathOf(std::string_view file) const { return root_ + std::string(file); }

Status DemoHost::Create(const std::string& name, WallTime now) {
  const std::pair<std::string_view, std::string> files[] = {
      {kBootId, NewBootId() + "\n"},
      {"/proc/sys/kernel/hostname", name + "\n"},
      {"/proc/sys/kernel/osrelease", "6.1.0-demo\n"},
      {"/proc/stat", fmt::format("btime {}\n", SecondsOf(now))},
      {"/etc/os-release", "PRETTY_NAME=\"Fleetmedic demo image 1\"\n"},
      {kKmsg, ""},
  };
  for (const auto& [file, text] : files) {
    if (FsRoot(root_).Exists(file)) continue;
    FLEETMEDIC_RETURN_IF_ERROR(WriteText(PathOf(file), text));
  }
  FLEETMEDIC_RETURN_IF_ERROR(MakeFolders(PathOf(kDemoFolder)));
  FLEETMEDIC_RETURN_IF_ERROR(MakeFolders(PathOf("/var/lib/docker")));
  if (!FsRoot(root_).Exists(kSystemd)) {
    FLEETMEDIC_RETURN_IF_ERROR(SetUnit(kFailingUnit, false, now));
  }
  if (!FsRoot(root_).Exists(kFilesystems)) {
    FLEETMEDIC_RETURN_IF_ERROR(SetFreeShare("/var/lib/docker", 0.6));
  }
  return {};
}

Status DemoHost::WriteKernelLine(std::string_view message, WallTime now) {
  // The format of /dev/kmsg: "priority,sequence,microseconds,flags;message\n"; priority 2 is
  // facility 0, the kernel's own.
  FLEETMEDIC_ASSIGN_OR_RETURN(const std::string before, ReadFile(PathOf(kKmsg), kFileBytesMax));
  const auto sequence = std::ranges::count(before, '\n') + 1;
  const std::string line = fmt::format("2,{},{},-;{}\n", sequence,
                                       now.time_since_epoch().count() % 1'000'000'000'000, message);
  const UniqueFd fd(open(PathOf(kKmsg).c_str(), O_WRONLY | O_APPEND | O_CLOEXEC));
  if (!fd.ok()) return FailErrno("open " + PathOf(kKmsg), errno);
  if (write(fd.get(), line.data(), line.size()) != static_cast<ssize_t>(line.size())) {
    return FailErrno("write " + PathOf(kKmsg), errno);
  }
  return {};
}

Status DemoHost::SetUnit(std::string_view unit, bool failed, WallTime) {
  const auto entry = [](std::string_view name, bool is_failed) {
    Json json;
    json.Set("name", name);
    json.Set("active_state", is_failed ? "failed" : "active");
    json.Set("sub_state", is_failed ? "failed" : "running");
    json.Set("result", is_failed ? "exit-code" : "success");
    json.Set("restarts", 0);
    return json;
  };
  Json json;
  json.Set("state", failed ? "degraded" : "running");
  json.Set("answers", true);
  json.Set("uptime_ms", int64_t{3'600'000});
  json.Set("units", Json::Array{entry("docker.service", false), entry(unit, failed)});
  return WriteText(PathOf(kSystemd), json.DumpPretty());
}

Status DemoHost::SetFreeShare(std::string_view mount, double share) {
  const auto entry = [](std::string_view where, double free) {
    Json json;
    json.Set("mount", where);
    json.Set("type", "ext4");
    json.Set("bytes_total", kDiskBytes);
    json.Set("bytes_available", static_cast<int64_t>(static_cast<double>(kDiskBytes) * free));
    json.Set("inodes_total", int64_t{10'000'000});
    json.Set("inodes_free", int64_t{9'000'000});
    return json;
  };
  Json json;
  json.Set("filesystems", Json::Array{entry("/", 0.5), entry(mount, share)});
  return WriteText(PathOf(kFilesystems), json.DumpPretty());
}

Status DemoHost::Inject(std::string_view fault, WallTime now) {
  if (fault == "docker-hung") return WriteText(PathOf(kDockerHung), "");
  if (fault == "unit-failed") return SetUnit(kFailingUnit, true, now);
  if (fault == "disk-full") return SetFreeShare("/var/lib/docker", 0.001);
  if (fault == "kernel-bug") {
    return WriteKernelLine("BUG: unable to handle page fault for address: ffffb1e2c3d4e5f6", now);
  }
  if (fault == "gpu-xid") {
    return WriteKernelLine(
        "NVRM: Xid (PCI:0000:3b:00): 79, pid=4711, name=trainer, GPU has fallen off the bus.", now);
  }
  if (fault == "nvme-timeout") {
    for (int i = 0; i < 6; ++i) {
      FLEETMEDIC_RETURN_IF_ERROR(
          WriteKernelLine(fmt::format("nvme nvme0: I/O {} QID 3 timeout, aborting", 200 + i), now));
    }
    return {};
  }
  std::string names;
  for (const DemoFault& known : DemoFaults()) names += fmt::format(" {}", known.name);
  return Fail(Code::kNotFound,
              fmt::format("no fault \"{}\"; there are:{}", fault.substr(0, 64), names));
}

Status DemoHost::Heal(std::string_view fault, WallTime now) {
  if (fault == "docker-hung") return RemoveTree(PathOf(kDockerHung));
  if (fault == "unit-failed") return SetUnit(kFailingUnit, false, now);
  if (fault == "disk-full") return SetFreeShare("/var/lib/docker", 0.6);
  // What is in the kernel log stays there until the host boots.
  return Fail(Code::kRefused, fmt::format("{} heals by a reboot", fault.substr(0, 64)));
}

Status DemoHost::HealAll(WallTime now) {
  for (const std::string_view fault : {"docker-hung", "unit-failed", "disk-full"}) {
    FLEETMEDIC_RETURN_IF_ERROR(Heal(fault, now));
  }
  return Reboot(now);
}

Status DemoHost::RestartUnit(std::string_view unit, WallTime now) {
  for (const DemoFault& fault : DemoFaults()) {
    if (fault.healed_by == unit) FLEETMEDIC_RETURN_IF_ERROR(Heal(fault.name, now));
  }
  return {};
}

Status DemoHost::Reboot(WallTime now) {
  FLEETMEDIC_RETURN_IF_ERROR(WriteText(PathOf(kKmsg), ""));
  FLEETMEDIC_RETURN_IF_ERROR(Heal("docker-hung", now));
  FLEETMEDIC_RETURN_IF_ERROR(Heal("unit-failed", now));
  // Boots are told apart by the second that they began in, and no host boots twice within one.
  const int64_t booted_at = std::max(SecondsOf(now), BootSecond() + 1);
  FLEETMEDIC_RETURN_IF_ERROR(WriteText(PathOf("/proc/stat"), fmt::format("btime {}\n", booted_at)));
  // Last: whoever sees the new boot sees all that came with it.
  return WriteText(PathOf(kBootId), NewBootId() + "\n");
}

int64_t DemoHost::BootSecond() const {
  constexpr std::string_view kKey = "btime ";
  const std::string text = ReadFile(PathOf("/proc/stat"), kFileBytesMax).value_or("");
  int64_t second = 0;
  if (text.starts_with(kKey)) {
    (void)std::from_chars(text.data() + kKey.size(), text.data() + text.size(), second);
  }
  return second;
}

bool DemoHost::DockerAnswers() const { return !FsRoot(root_).Exists(kDockerHung); }

std::string DemoHostName(int index) { return fmt::format("demo-{:02}", index + 1); }

DemoHostConfig ConfigForDemoHost(int index, const std::string& root, const std::string& self) {
  DemoHostConfig config;
  config.host.name = DemoHostName(index);
  config.host.cell = "demo";
  config.host.pool = index % 3 == 2 ? "batch" : "web";
  config.host.rack = fmt::format("r{}", index % 4 + 1);
  config.host.zone = index % 2 == 0 ? "zone-a" : "zone-b";
  config.host.root = root;
  config.agent.beat_every = Seconds(3);
  config.agent.repeat_every = Seconds(30);
  config.agent.probe_deadline = Seconds(1);
  config.agent.read_journal = false;
  config.detectors.systemd.interval = Seconds(1);
  config.detectors.docker.interval = Seconds(1);
  config.detectors.filesystem.interval = Seconds(1);
  config.detectors.imds.interval = Millis(0);
  config.detectors.dns.interval = Millis(0);
  config.detectors.systemd.boot_grace = Seconds(0);
  config.executor.capacity = {.cpu_milli = 8000, .memory_bytes = int64_t{16} << 30};
  config.executor.report_every = Seconds(2);
  config.executor.reboot_command = {self, "demo", "reboot-root", root};
  config.executor.restart_unit_command = {self, "demo", "restart-unit-root", root, "{unit}"};
  config.executor.repair_timeout = Seconds(20);
  return config;
}

RemediatorConfig DemoRemediatorConfig() {
  RemediatorConfig config;
  config.mode = Mode::kAuto;
  config.list_every = Millis(500);
  Policy& policy = config.policy;
  policy.confirm_hard = Seconds(2);
  policy.confirm_soft = Seconds(4);
  policy.settle = Seconds(5);
  policy.relapse_grace = Seconds(8);
  policy.refused_retry = Seconds(2);
  policy.drain_deadline = Minutes(2);
  policy.repair_deadline = Minutes(1);
  policy.probation_deadline = Minutes(5);
  policy.conditions["DockerUnresponsive"] = {.ladder = {Rung::kReboot, Rung::kPerson}};
  policy.conditions["SystemdUnitFailed"] = {.ladder = {Rung::kRestartUnit, Rung::kReboot},
                                            .repair_in_place = true};
  policy.conditions["FilesystemFull"] = {.ladder = {Rung::kPerson}};
  for (Limit& limit : config.limits) {
    if (limit.kind != LimitKind::kWindow) continue;
    // Ten minutes shipped; a person who watches waits for one.
    limit.window = Minutes(1);
  }
  return config;
}

}  // namespace fleetmedic
