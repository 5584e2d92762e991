#include "detectors/evidence/evidence_sources.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <map>
#include <memory>
#include <set>

#include <fmt/format.h>

#include "base/http_client.h"
#include "base/text.h"
#include "detectors/logs/systemd_journal.h"
#include "detectors/systemd/systemd_source.h"

namespace fleetmedic {
namespace {

constexpr size_t kFileBytesMax = 256 * 1024;
constexpr size_t kKmsgRecordBytesMax = 8192;
constexpr size_t kProcessesMax = 65'536;
constexpr size_t kProcessRowsMax = 60;
constexpr size_t kJournalLinesMax = 400;
constexpr size_t kUnitRowsMax = 400;
constexpr size_t kReplyBytesMax = size_t{4} << 20;

// Each file under a heading of its own; what is not there is left out.
Result<std::string> FilesText(const FsRoot& root, std::span<const std::string_view> paths) {
  std::string text;
  Error last{Code::kNotFound, "none of the files is there"};
  for (const std::string_view path : paths) {
    const Result<std::string> content = root.ReadFile(path, kFileBytesMax);
    if (!content) {
      if (content.error().code != Code::kNotFound) last = content.error();
      continue;
    }
    text += fmt::format("== {}\n{}\n", path, *content);
  }
  if (text.empty()) return tl::unexpected<Error>(last);
  return text;
}

EvidenceSource Files(std::string name, FsRoot root, std::vector<std::string_view> paths) {
  return {std::move(name), [root = std::move(root), paths = std::move(paths)](MonoTime) {
            return FilesText(root, paths);
          }};
}

// All of the ring, or of the file that stands for it; a bundle keeps its end.
Result<std::string> KernelLog(const FsRoot& root, const Clock& clock, MonoTime deadline) {
  FLEETMEDIC_ASSIGN_OR_RETURN(const UniqueFd fd, root.Open("/dev/kmsg", O_RDONLY | O_NONBLOCK));
  std::string text;
  char buffer[kKmsgRecordBytesMax];
  struct stat info {};
  if (::fstat(fd.get(), &info) == 0 && S_ISREG(info.st_mode)) {
    const off_t start =
        std::max<off_t>(0, info.st_size - static_cast<off_t>(EvidencePart::kTextBytesMax));
    if (::lseek(fd.get(), start, SEEK_SET) < 0) return FailErrno("seek /dev/kmsg", errno);
  }
  while (clock.Mono() < deadline) {
    const ssize_t bytes = ::read(fd.get(), buffer, sizeof buffer);
    if (bytes < 0 && (errno == EPIPE || errno == EINTR)) continue;
    if (bytes < 0 && errno != EAGAIN) return FailErrno("read /dev/kmsg", errno);
    if (bytes <= 0) break;
    text.append(buffer, static_cast<size_t>(bytes));
    if (text.size() > 4 * EvidencePart::kTextBytesMax) {
      text.erase(0, text.size() - 2 * EvidencePart::kTextBytesMax);
    }
  }
  return text;
}

Result<std::string> Units(SystemdSource* source, MonoTime deadline) {
  if (!source->Present()) return Fail(Code::kUnsupported, "no systemd on this host");
  FLEETMEDIC_ASSIGN_OR_RETURN(SystemdSample sample, source->Sample(deadline));
  std::string text = fmt::format("state {}\n", sample.state);
  std::ranges::stable_partition(sample.units, [](const SystemdUnit& unit) {
    return unit.active_state != "active" && unit.active_state != "inactive";
  });
  if (sample.units.size() > kUnitRowsMax) sample.units.resize(kUnitRowsMax);
  for (const SystemdUnit& unit : sample.units) {
    text += fmt::format("{} {}/{} result={} restarts={}\n", unit.name, unit.active_state,
                        unit.sub_state, unit.result, unit.restarts);
  }
  return text;
}

Result<std::string> Containers(const HttpClient& client, MonoTime deadline) {
  HttpCall call;
  call.target = "/containers/json?all=1";
  call.reply_bytes_max = kReplyBytesMax;
  FLEETMEDIC_ASSIGN_OR_RETURN(const HttpReply reply, client.Send(call, deadline));
  if (!reply.ok()) return tl::unexpected<Error>(reply.ToError());
  FLEETMEDIC_ASSIGN_OR_RETURN(const Json json, Json::Parse(reply.body));
  if (json.array() == nullptr) return Fail(Code::kCorrupt, "Docker's list is no list");
  const auto text_of = [](const Json& item, std::string_view key) {
    const std::string* const text = item[key].string();
    return text == nullptr ? std::string("-") : *text;
  };
  std::string text;
  for (const Json& item : *json.array()) {
    const Json::Array* const names = item["Names"].array();
    const std::string* const name =
        names == nullptr || names->empty() ? nullptr : names->front().string();
    text += fmt::format("{:.12} {} {} {} {}\n", text_of(item, "Id"), name == nullptr ? "-" : *name,
                        text_of(item, "Image"), text_of(item, "State"), text_of(item, "Status"));
  }
  return text;
}

Result<std::string> Processes(const FsRoot& root, const Clock& clock, MonoTime deadline) {
  FLEETMEDIC_ASSIGN_OR_RETURN(const std::vector<std::string> names,
                              root.List("/proc", kProcessesMax));
  std::vector<ProcessStat> processes;
  for (const std::string& name : names) {
    if (clock.Mono() >= deadline) break;
    if (name.empty() || name.front() < '0' || name.front() > '9') continue;
    const Result<std::string> stat = root.ReadFile("/proc/" + name + "/stat", 4096);
    if (!stat) continue;  // it has ended
    if (auto process = ParseProcessStat(*stat)) processes.push_back(*std::move(process));
  }
  if (processes.empty()) return Fail(Code::kNotFound, "no process is listed");
  return ProcessTable(std::move(processes), kProcessRowsMax, ::sysconf(_SC_PAGESIZE),
                      ::sysconf(_SC_CLK_TCK));
}

Result<std::string> Sockets(const FsRoot& root) {
  constexpr std::string_view kStats[] = {"/proc/net/sockstat", "/proc/net/sockstat6"};
  FLEETMEDIC_ASSIGN_OR_RETURN(std::string text, FilesText(root, kStats));
  for (const std::string_view path : {"/proc/net/tcp", "/proc/net/tcp6"}) {
    const Result<std::string> tcp = root.ReadFile(path, size_t{8} << 20);
    if (tcp) text += fmt::format("== {} by state\n{}", path, TcpStates(*tcp));
  }
  return text;
}

Result<std::string> Gpu(const FsRoot& root) {
  constexpr std::string_view kFolder = "/proc/driver/nvidia";
  FLEETMEDIC_ASSIGN_OR_RETURN(std::string text,
                              root.ReadFile(std::string(kFolder) + "/version", 4096));
  const std::string gpus = std::string(kFolder) + "/gpus";
  const Result<std::vector<std::string>> names = root.List(gpus, 64);
  for (const std::string& name : names.value_or(std::vector<std::string>())) {
    const Result<std::string> gpu = root.ReadFile(gpus + "/" + name + "/information", 16 << 10);
    text += fmt::format("== {}\n{}\n", name, gpu ? *gpu : gpu.error().message);
  }
  return text;
}

}  // namespace

std::string ProcessTable(std::vector<ProcessStat> processes, size_t rows_max, int64_t page_bytes,
                         int64_t ticks_per_second) {
  const size_t all = processes.size();
  std::vector<ProcessStat> chosen;
  std::set<int> pids;
  const auto choose = [&](const ProcessStat& process, size_t limit) {
    if (chosen.size() < limit && pids.insert(process.key.pid).second) chosen.push_back(process);
  };
  for (const ProcessStat& process : processes) {
    if (process.state == 'D') choose(process, rows_max / 2);
  }
  const size_t stuck = chosen.size();
  std::ranges::stable_sort(processes, std::greater(), &ProcessStat::resident_pages);
  for (const ProcessStat& process : processes) choose(process, stuck + (rows_max - stuck) / 2);
  std::ranges::stable_sort(processes, std::greater(), &ProcessStat::cpu_ticks);
  for (const ProcessStat& process : processes) choose(process, rows_max);
  std::string text = fmt::format("{} processes\n{:>8} {:>8} S {:>10} {:>10} NAME\n", all, "PID",
                                 "PPID", "MIB", "CPU_S");
  for (const ProcessStat& process : chosen) {
    text += fmt::format("{:>8} {:>8} {} {:>10.1f} {:>10.1f} {}\n", process.key.pid, process.parent,
                        process.state,
                        static_cast<double>(process.resident_pages * page_bytes) / (1 << 20),
                        static_cast<double>(process.cpu_ticks) /
                            static_cast<double>(std::max<int64_t>(1, ticks_per_second)),
                        process.name);
  }
  return text;
}

std::string TcpStates(std::string_view tcp) {
  // include/net/tcp_states.h of the kernel.
  constexpr std::string_view kNames[] = {
      "?",     "ESTABLISHED", "SYN_SENT", "SYN_RECV", "FIN_WAIT1", "FIN_WAIT2",   "TIME_WAIT",
      "CLOSE", "CLOSE_WAIT",  "LAST_ACK", "LISTEN",   "CLOSING",   "NEW_SYN_RECV"};
  std::map<size_t, int> counts;
  bool heading = true;
  for (const std::string_view line : Split(tcp, '\n')) {
    if (std::exchange(heading, false)) continue;
    std::vector<std::string_view> fields;
    for (const std::string_view field : Split(line, ' ')) {
      if (!field.empty()) fields.push_back(field);
      if (fields.size() == 4) break;
    }
    unsigned state = 0;
    if (fields.size() < 4) continue;
    const std::string_view hex = fields[3];
    if (std::from_chars(hex.data(), hex.data() + hex.size(), state, 16).ec != std::errc()) continue;
    ++counts[state < std::size(kNames) ? state : 0];
  }
  std::string text;
  for (const auto& [state, count] : counts) text += fmt::format("{} {}\n", kNames[state], count);
  return text;
}

std::vector<EvidenceSource> EvidenceSources(const Clock* clock, const HostConfig& host,
                                            const AgentConfig& agent,
                                            const SystemdConfig& systemd_config,
                                            const DockerConfig& docker_config) {
  const FsRoot root(host.root);
  std::vector<EvidenceSource> sources;
  sources.push_back(
      {"kernel-log", [root, clock](MonoTime end) { return KernelLog(root, *clock, end); }});
  const std::shared_ptr<SystemdSource> systemd = MakeSystemdSource(clock, host, systemd_config);
  sources.push_back({"units", [systemd](MonoTime end) { return Units(systemd.get(), end); }});
  const auto docker =
      std::make_shared<HttpClient>(HttpAddress::Unix(root.Path(docker_config.socket)), clock);
  sources.push_back({"containers", [docker](MonoTime end) { return Containers(*docker, end); }});
  sources.push_back(Files("pressure", root,
                          {"/proc/loadavg", "/proc/pressure/cpu", "/proc/pressure/memory",
                           "/proc/pressure/io", "/proc/meminfo"}));
  sources.push_back(
      {"processes", [root, clock](MonoTime end) { return Processes(root, *clock, end); }});
  if (agent.read_journal && (host.root == "/" || !agent.journal_dir.empty())) {
    sources.push_back({"journal", [folder = agent.journal_dir](MonoTime) {
                         return JournalTail(folder, kJournalLinesMax,
                                            2 * EvidencePart::kTextBytesMax);
                       }});
  }
  sources.push_back(Files("mounts", root, {"/proc/1/mounts", "/proc/mounts"}));
  sources.push_back({"sockets", [root](MonoTime) { return Sockets(root); }});
  sources.push_back(Files("interfaces", root, {"/proc/net/dev", "/proc/net/route"}));
  sources.push_back({"gpu", [root](MonoTime) { return Gpu(root); }});
  return sources;
}

}  // namespace fleetmedic
