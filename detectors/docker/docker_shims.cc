#include "detectors/docker/docker_shims.h"

#include <algorithm>
#include <map>

#include <fmt/format.h>

#include "base/text.h"
#include "detectors/proc_text.h"

namespace fleetmedic {
namespace {

constexpr size_t kProcessesMax = 100'000;
constexpr size_t kCommandBytesMax = size_t{64} << 10;
constexpr size_t kCommandLineKeptMax = 4096;
constexpr size_t kCommandLinesMax = 20'000;
constexpr size_t kStatusBytesMax = size_t{16} << 10;
constexpr size_t kAddressesMax = 16;
constexpr size_t kShimsMax = 8192;
// The kernel keeps 15 characters of "containerd-shim-runc-v2" (TASK_COMM_LEN, proc(5)).
constexpr std::string_view kShimComm = "containerd-shim";

// Whether the process is in no PID namespace below the one that /proc shows: NSpid of proc(5) has
// one number. Kernels without that line know no better.
bool InOurPidNamespace(std::string_view status) {
  for (const std::string_view line : Lines(status)) {
    if (line.starts_with("NSpid:")) return Fields(line).size() == 2;
  }
  return true;
}

std::string WithBlanks(std::string command_line) {
  while (!command_line.empty() && command_line.back() == '\0') command_line.pop_back();
  std::ranges::replace(command_line, '\0', ' ');
  if (command_line.size() > kCommandLineKeptMax) command_line.resize(kCommandLineKeptMax);
  return command_line;
}

bool ShouldHaveShim(std::string_view state) { return state == "running" || state == "paused"; }
bool MayHaveShim(std::string_view state) {
  return ShouldHaveShim(state) || state == "restarting" || state == "removing";
}

void Replace(std::string* text, std::string_view from, std::string_view to) {
  for (size_t at = text->find(from); at != std::string::npos; at = text->find(from, at)) {
    text->replace(at, from.size(), to);
    at += to.size();
  }
}

// What the executor's command line holds, or none where the container has no executor.
std::optional<std::string> ExecutorMark(const DockerContainer& container,
                                        const ExecutorRule& rule) {
  const auto label =
      rule.label.empty() ? container.labels.end() : container.labels.find(rule.label);
  const std::string_view name = std::string_view(container.name).starts_with('/')
                                    ? std::string_view(container.name).substr(1)
                                    : std::string_view(container.name);
  const bool named = std::ranges::any_of(
      rule.prefixes, [&](const std::string& prefix) { return name.starts_with(prefix); });
  if (label == container.labels.end() && !named) return std::nullopt;
  std::string mark = rule.command;
  Replace(&mark, "{label}", label == container.labels.end() ? "" : label->second);
  Replace(&mark, "{name}", name);
  Replace(&mark, "{id}", container.id);
  return mark;
}

void JudgeExecutors(const std::vector<DockerContainer>& containers, const ProcessScan& scan,
                    const ExecutorRule& rule, ShimFindings* findings) {
  if (rule.command.empty() || !scan.whole) return;
  for (const DockerContainer& container : containers) {
    if (!ShouldHaveShim(container.state)) continue;
    const std::optional<std::string> mark = ExecutorMark(container, rule);
    if (!mark.has_value() || mark->empty()) continue;
    const bool runs = std::ranges::any_of(scan.command_lines, [&](const std::string& line) {
      return line.find(*mark) != std::string::npos;
    });
    if (!runs) findings->executor_gone.insert(container.id);
  }
}

}  // namespace

std::optional<DockerShim> ShimFromCommandLine(std::string_view command_line) {
  const std::vector<std::string_view> words = Split(command_line, '\0');
  const std::string_view program = words[0].substr(words[0].rfind('/') + 1);
  if (!program.starts_with(kShimComm)) return std::nullopt;
  DockerShim shim;
  std::string_view space;
  for (size_t i = 1; i + 1 < words.size(); ++i) {
    if (words[i] == "-namespace") space = words[++i];
    if (words[i] == "-id") shim.container = words[++i];
    if (words[i] == "-address") shim.address = words[++i];
    // Shims of runtime v1 have no -id; their folder ends in it.
    if (words[i] == "-workdir") {
      const std::string_view folder = words[++i];
      shim.container = folder.substr(folder.rfind('/') + 1);
    }
  }
  if (space != "moby" || !IsDockerId(shim.container)) return std::nullopt;
  return shim;
}

Result<ProcessScan> ScanProcesses(const FsRoot& root, const Clock& clock, MonoTime deadline,
                                  bool command_lines) {
  ProcessScan scan;
  scan.at = clock.Mono();
  FLEETMEDIC_ASSIGN_OR_RETURN(const std::vector<std::string> names,
                              root.List("/proc", kProcessesMax));
  for (const std::string& name : names) {
    const std::optional<uint64_t> pid = ParseCount(name);
    if (!pid.has_value()) continue;
    if (clock.Mono() >= deadline) return scan;
    const std::string folder = "/proc/" + name;
    const std::string comm(Trim(root.ReadFile(folder + "/comm", 64).value_or("")));
    const bool shim = comm == kShimComm;
    const bool daemon = comm == "dockerd";
    if (!shim && !daemon && !command_lines) continue;
    const std::string line = root.ReadFile(folder + "/cmdline", kCommandBytesMax).value_or("");
    if (command_lines && !line.empty() && scan.command_lines.size() < kCommandLinesMax) {
      scan.command_lines.push_back(WithBlanks(line));
    }
    if (!shim && !daemon) continue;
    const std::string status = root.ReadFile(folder + "/status", kStatusBytesMax).value_or("");
    if (!InOurPidNamespace(status)) continue;
    scan.daemon_seen |= daemon;
    std::optional<DockerShim> found = shim ? ShimFromCommandLine(line) : std::nullopt;
    if (!found.has_value() || scan.shims.size() >= kShimsMax) continue;
    const Result<DaemonProcess> process = ReadProcess(root, static_cast<int64_t>(*pid));
    if (!process || process->state == 'Z') continue;  // ended meanwhile, or about to
    found->pid = process->pid;
    found->state = process->state;
    scan.shims.push_back(*std::move(found));
  }
  scan.whole = true;
  return scan;
}

ShimFindings JudgeShims(const std::vector<DockerContainer>& containers, const ProcessScan& scan,
                        const ExecutorRule& rule, std::set<std::string>* addresses) {
  ShimFindings findings;
  std::map<std::string_view, const DockerContainer*> by_id;
  for (const DockerContainer& container : containers) by_id[container.id] = &container;
  std::set<std::string_view> shims;
  for (const DockerShim& shim : scan.shims) {
    shims.insert(shim.container);
    const auto found = by_id.find(shim.container);
    if (found == by_id.end()) continue;
    if (addresses->size() < kAddressesMax) addresses->insert(shim.address);
    if (shim.state == 'T' || shim.state == 'D') findings.halted.insert(shim.container);
    if (!MayHaveShim(found->second->state)) findings.orphaned.insert(shim.container);
  }
  for (const DockerShim& shim : scan.shims) {
    if (!by_id.contains(shim.container) && addresses->contains(shim.address)) {
      findings.orphaned.insert(shim.container);
    }
  }
  // A daemon in a process table that is not ours has its shims there too.
  if (scan.whole && (scan.daemon_seen || !scan.shims.empty())) {
    for (const DockerContainer& container : containers) {
      if (ShouldHaveShim(container.state) && !shims.contains(container.id)) {
        findings.missing.insert(container.id);
      }
    }
  }
  JudgeExecutors(containers, scan, rule, &findings);
  return findings;
}

}  // namespace fleetmedic
