#include "detectors/docker/docker_evaluate.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/text.h"
#include "detectors/condition_types.h"

namespace fleetmedic {
namespace {

constexpr int kUnavailableStatus = 503;

using Kind = DockerAnswer::Kind;

bool ShouldPass(std::string_view state) {
  return state == "removing" || state == "created" || state == "dead";
}

std::string_view UnknownReason(const DockerAnswer& answer) {
  return answer.kind == Kind::kNoRight ? "NoPermission" : "CouldNotTell";
}

// Says which way the daemon itself is bad, or nothing.
std::optional<Condition> DaemonBad(const DockerSample& sample) {
  const auto bad = [](std::string_view reason, std::string message) {
    return MakeCondition("DockerUnresponsive", "", Verdict::kBad, reason, std::move(message));
  };
  const std::pair<std::string_view, const DockerAnswer*> calls[] = {
      {"Ping", &sample.ping}, {"List", &sample.list}, {"Create", &sample.create}};
  for (const auto& [name, answer] : calls) {
    const std::string message = DescribeAnswer(name, *answer);
    switch (answer->kind) {
      case Kind::kNotAsked:
        break;
      case Kind::kTimedOut:
        return bad(std::string(name) + "TimedOut", message);
      case Kind::kNobody:
        return bad("SocketMissing", message);
      case Kind::kReplied:
        if (answer->status >= 500) return bad(std::string(name) + "Failed", message);
        break;
      case Kind::kNoRight:
      case Kind::kBroken:
        break;  // could not tell; see Daemon
    }
  }
  return std::nullopt;
}

Condition Daemon(const DockerSample& sample) {
  constexpr std::string_view kType = "DockerUnresponsive";
  if (sample.dormant) {
    return MakeCondition(kType, "", sample.seen ? Verdict::kBad : Verdict::kUnknown,
                         sample.seen ? "DaemonGone" : "NotStarted",
                         "no dockerd runs; systemd holds its socket, and asking would start one");
  }
  if (sample.ping.kind == Kind::kNobody && !sample.seen) {
    return MakeCondition(kType, "", Verdict::kUnknown, "SocketMissing",
                         DescribeAnswer("Ping", sample.ping));
  }
  if (std::optional<Condition> bad = DaemonBad(sample)) return *std::move(bad);
  if (!sample.ping.ok() || !sample.list.ok()) {
    return MakeCondition(
        kType, "", Verdict::kUnknown, UnknownReason(sample.ping),
        DescribeAnswer("Ping", sample.ping) + "; " + DescribeAnswer("List", sample.list));
  }
  return MakeCondition(kType, "", Verdict::kOk, "Answers",
                       fmt::format("{} containers", sample.containers.size()));
}

// The one whose process list does not come is to blame, unless nobody's comes.
Condition Containerd(const DockerSample& sample) {
  const auto told = [](Verdict verdict, std::string_view reason, std::string message) {
    return MakeCondition("ContainerdUnresponsive", "", verdict, reason, std::move(message));
  };
  if (sample.info.kind == Kind::kTimedOut) {
    return told(Verdict::kBad, "InfoTimedOut",
                "the list of containers answers and /info does not: containerd hangs");
  }
  size_t timed_out = 0;
  for (const DockerContainerAnswer& top : sample.top) {
    if (top.answer.kind == Kind::kTimedOut) ++timed_out;
    if (top.answer.kind == Kind::kReplied && top.answer.status == kUnavailableStatus) {
      return told(Verdict::kBad, "TopUnavailable",
                  "/top of a running container answers 503: containerd is away");
    }
  }
  if (timed_out > 1 && timed_out == sample.top.size()) {
    // Not hung as a whole: /info goes through it too. ps(1), which /top runs, may only be slow.
    Condition condition =
        told(Verdict::kBad, "TopTimedOut",
             fmt::format("/info answers and /top of none of {} containers does", timed_out));
    condition.severity = Severity::kSoft;
    return condition;
  }
  if (sample.info.ok()) return told(Verdict::kOk, "Answers", "/info answers");
  return told(Verdict::kUnknown, UnknownReason(sample.info), DescribeAnswer("/info", sample.info));
}

void AddRestarts(const DockerSample& sample, const DockerHistory& history,
                 const DockerThresholds& thresholds, std::vector<Condition>* conditions) {
  constexpr std::string_view kType = "DockerRestarting";
  const DaemonProcess* const process = history.restarts.last();
  if (process == nullptr) {
    conditions->push_back(MakeCondition(kType, "", Verdict::kUnknown, "CouldNotTell",
                                        "dockerd's process is not known"));
    return;
  }
  const size_t count = history.restarts.Count(sample.at);
  const bool bad = count >= static_cast<size_t>(thresholds.restarts_count);
  conditions->push_back(MakeCondition(
      kType, "", bad ? Verdict::kBad : Verdict::kOk, bad ? "Restarts" : "Stays",
      fmt::format("dockerd was replaced {} times of late (bad from {}); now process {}", count,
                  thresholds.restarts_count, process->pid)));
}

void AddVersions(const DockerHistory& history, const DockerThresholds& thresholds,
                 std::vector<Condition>* conditions) {
  constexpr std::string_view kType = "DockerVersionSkew";
  if (history.binary_replaced) {
    conditions->push_back(MakeCondition(
        kType, "dockerd", Verdict::kBad, "ProgramReplaced",
        "dockerd's program file was replaced while it runs: the new one waits for a restart"));
  }
  bool skew = history.binary_replaced;
  for (const auto& [component, wanted] : thresholds.versions) {
    const auto found = history.versions.find(component);
    if (found == history.versions.end() || found->second.starts_with(wanted)) continue;
    skew = true;
    conditions->push_back(
        MakeCondition(kType, component, Verdict::kBad, "NotAsConfigured",
                      fmt::format("{} is {}, the config wants {}", Quote(component, 64),
                                  Quote(found->second, 64), Quote(wanted, 64))));
  }
  if (skew) return;
  std::string all;
  for (const auto& [component, version] : history.versions) {
    if (all.size() < 256) all += (all.empty() ? "" : ", ") + component + " " + version;
  }
  conditions->push_back(MakeCondition(kType, "", Verdict::kOk, "AsConfigured",
                                      all.empty() ? "no version is told" : all));
}

}  // namespace

std::string DescribeAnswer(std::string_view request, const DockerAnswer& answer) {
  switch (answer.kind) {
    case Kind::kNotAsked:
      return fmt::format("{} was not asked", request);
    case Kind::kReplied:
      return fmt::format("{} answers {}{}", request, answer.status,
                         answer.error.empty() ? "" : " " + Quote(answer.error));
    case Kind::kTimedOut:
      return fmt::format("{} does not answer in time", request);
    case Kind::kNobody:
      return fmt::format("{}: nobody listens: {}", request, answer.error);
    case Kind::kNoRight:
      return fmt::format("{}: no permission (group docker): {}", request, answer.error);
    case Kind::kBroken:
      return fmt::format("{}: {}", request, answer.error);
  }
  return "";
}

void DockerHistory::Add(const DockerSample& sample) {
  std::map<std::string, std::pair<std::string, MonoTime>> now;
  std::set<std::string> running;
  for (const DockerContainer& container : sample.containers) {
    if (container.state == "running") running.insert(container.id);
    if (!ShouldPass(container.state) || now.size() >= kContainersMax) continue;
    const auto found = since_.find(container.id);
    const bool same = found != since_.end() && found->second.first == container.state;
    now[container.id] = {container.state, same ? found->second.second : sample.at};
  }
  since_ = std::move(now);
  for (std::set<std::string>* const ids : {&hung, &logs_stuck, &exec_stuck}) {
    std::erase_if(*ids, [&](const std::string& id) { return !running.contains(id); });
  }
}

void DockerHistory::AddInfo(const DockerSample& sample) {
  if (first_driver.empty()) first_driver = sample.information.driver;
  if (!first_device.has_value() && sample.data_root.device != 0) {
    first_device = sample.data_root.device;
  }
}

void DockerHistory::AddShims(const ShimFindings& findings, MonoTime now) {
  shims_known = true;
  orphaned.Replace(findings.orphaned, now);
  missing.Replace(findings.missing, now);
  halted.Replace(findings.halted, now);
  executor_gone.Replace(findings.executor_gone, now);
}

void DockerHistory::AddTop(const DockerContainerAnswer& top) {
  if (top.answer.kind == Kind::kTimedOut) {
    if (hung.size() < kContainersMax) hung.insert(top.id);
  } else if (top.answer.kind == Kind::kReplied) {
    hung.erase(top.id);
  }
}

Micros DockerHistory::InState(const DockerContainer& container, MonoTime now) const {
  const auto found = since_.find(container.id);
  if (found == since_.end() || found->second.first != container.state) return Micros(0);
  return now - found->second.second;
}

std::vector<Condition> EvaluateDocker(const DockerSample& sample, const DockerHistory& history,
                                      const DockerThresholds& thresholds) {
  std::vector<Condition> conditions;
  conditions.push_back(Daemon(sample));
  conditions.push_back(Containerd(sample));
  AddRestarts(sample, history, thresholds, &conditions);
  AddVersions(history, thresholds, &conditions);
  EvaluateDockerStorage(sample, history, thresholds, &conditions);
  EvaluateDockerContainers(sample, history, thresholds, &conditions);
  return conditions;
}

}  // namespace fleetmedic
