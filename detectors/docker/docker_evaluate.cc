#include "detectors/docker/docker_evaluate.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/text.h"
#include "detectors/condition_types.h"

namespace fleetmedic {
namespace {

constexpr size_t kShortIdChars = 12;
constexpr size_t kStuckToldMax = 100;
constexpr size_t kFullIdChars = 64;
constexpr size_t kNameCharsMax = 128;
constexpr int kUnavailableStatus = 503;

using Kind = DockerAnswer::Kind;

bool ShouldPass(std::string_view state) {
  return state == "removing" || state == "created" || state == "dead";
}

std::string Describe(std::string_view request, const DockerAnswer& answer) {
  switch (answer.kind) {
    case Kind::kNotAsked:
      return fmt::format("{} was not asked", request);
    case Kind::kReplied:
      return fmt::format("{} answers {}", request, answer.status);
    case Kind::kTimedOut:
      return fmt::format("{} does not answer in time", request);
    case Kind::kNobody:
      return fmt::format("{}: nobody listens: {}", request, answer.error);
    case Kind::kBroken:
      return fmt::format("{}: {}", request, answer.error);
  }
  return "";
}

// Says which way the daemon itself is bad, or nothing. `told` is the condition.
std::optional<Condition> DaemonBad(const DockerSample& sample) {
  const auto bad = [](std::string_view reason, std::string message) {
    return MakeCondition("DockerUnresponsive", "", Verdict::kBad, reason, std::move(message));
  };
  const std::pair<std::string_view, const DockerAnswer*> calls[] = {
      {"Ping", &sample.ping}, {"List", &sample.list}, {"Create", &sample.create}};
  for (const auto& [name, answer] : calls) {
    const std::string message = Describe(name, *answer);
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
      case Kind::kBroken:
        break;  // could not tell; see DaemonUnknown
    }
  }
  return std::nullopt;
}

Condition Daemon(const DockerSample& sample) {
  if (sample.ping.kind == Kind::kNobody && !sample.seen) {
    return MakeCondition("DockerUnresponsive", "", Verdict::kUnknown, "SocketMissing",
                         Describe("Ping", sample.ping));
  }
  if (std::optional<Condition> bad = DaemonBad(sample)) return *std::move(bad);
  if (!sample.ping.ok() || !sample.list.ok()) {
    return MakeCondition("DockerUnresponsive", "", Verdict::kUnknown, "CouldNotTell",
                         Describe("Ping", sample.ping) + "; " + Describe("List", sample.list));
  }
  return MakeCondition("DockerUnresponsive", "", Verdict::kOk, "Answers",
                       fmt::format("{} containers", sample.containers.size()));
}

Condition Containerd(const DockerSample& sample) {
  const auto told = [](Verdict verdict, std::string_view reason, std::string message) {
    return MakeCondition("ContainerdUnresponsive", "", verdict, reason, std::move(message));
  };
  if (sample.info.kind == Kind::kTimedOut) {
    return told(Verdict::kBad, "InfoTimedOut",
                "the list of containers answers and /info does not: containerd hangs");
  }
  if (sample.top.kind == Kind::kTimedOut) {
    return told(Verdict::kBad, "TopTimedOut", Describe("/top of a container", sample.top));
  }
  if (sample.top.kind == Kind::kReplied && sample.top.status == kUnavailableStatus) {
    return told(Verdict::kBad, "TopUnavailable",
                "/top of a running container answers 503: containerd is away");
  }
  if (sample.info.ok()) return told(Verdict::kOk, "Answers", "/info answers");
  return told(Verdict::kUnknown, "CouldNotTell", Describe("/info", sample.info));
}

Condition DataRoot(const DockerSample& sample, const DockerThresholds& thresholds) {
  constexpr std::string_view kType = "DockerDataRootFull";
  if (!sample.bytes_used_share.has_value()) {
    return MakeCondition(kType, sample.data_root, Verdict::kUnknown, "CouldNotTell",
                         sample.data_root.empty() ? "the data root is not known"
                                                  : "statvfs of the data root failed");
  }
  const std::string message =
      fmt::format("{:.1f} % used, {:.1f} MB available", *sample.bytes_used_share * 100,
                  static_cast<double>(sample.bytes_available) / 1e6);
  if (*sample.bytes_used_share >= thresholds.full_share) {
    return MakeCondition(kType, sample.data_root, Verdict::kBad, "SpaceGone", message);
  }
  if (sample.inodes_used_share.value_or(0) >= thresholds.full_share) {
    return MakeCondition(kType, sample.data_root, Verdict::kBad, "InodesGone", message);
  }
  return MakeCondition(kType, sample.data_root, Verdict::kOk, "SpaceLeft", message);
}

void AddStuck(const DockerSample& sample, const DockerHistory& history,
              const DockerThresholds& thresholds, std::vector<Condition>* conditions) {
  constexpr std::string_view kType = "DockerContainerStuck";
  if (!sample.list.ok()) {
    conditions->push_back(
        MakeCondition(kType, "", Verdict::kUnknown, "CouldNotTell", Describe("List", sample.list)));
    return;
  }
  size_t stuck = 0;
  for (const DockerContainer& container : sample.containers) {
    const Micros in_state = history.InState(container, sample.at);
    if (in_state <= thresholds.removing_max || stuck >= kStuckToldMax) continue;
    ++stuck;
    Condition condition = MakeCondition(
        kType, container.id.substr(0, kShortIdChars), Verdict::kBad,
        container.state == "removing" ? "Removing"
        : container.state == "dead"   ? "Dead"
                                      : "Created",
        fmt::format("container {} is {} for {}", Quote(container.name), container.state,
                    FormatDuration(std::chrono::duration_cast<Seconds>(in_state))));
    // Somebody may have made it to start it later.
    if (container.state == "created") condition.severity = Severity::kInfo;
    conditions->push_back(std::move(condition));
  }
  if (stuck == 0) {
    conditions->push_back(MakeCondition(kType, "", Verdict::kOk, "NoneStuck",
                                        "no container is in a state that should have passed"));
  }
}

}  // namespace

Result<std::vector<DockerContainer>> DockerContainersFromJson(const Json& json) {
  if (json.array() == nullptr) return Fail(Code::kCorrupt, "Docker's list is no list");
  std::vector<DockerContainer> containers;
  for (const Json& member : *json.array()) {
    const std::string* const id = member["Id"].string();
    const std::string* const state = member["State"].string();
    if (id == nullptr || state == nullptr) continue;
    DockerContainer container;
    container.id = id->substr(0, kFullIdChars);
    // It becomes a path of a request and a unit: nothing but what an id is made of.
    const bool hexadecimal = std::ranges::all_of(
        container.id, [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
    if (container.id.empty() || !hexadecimal) continue;
    container.state = state->substr(0, kNameCharsMax);
    if (const Json::Array* names = member["Names"].array(); names != nullptr && !names->empty()) {
      if (names->front().string() != nullptr) {
        container.name = names->front().string()->substr(0, kNameCharsMax);
      }
    }
    containers.push_back(std::move(container));
  }
  return containers;
}

std::string DockerRootDirFromJson(const Json& json) {
  const std::string* const root = json["DockerRootDir"].string();
  return root != nullptr && root->starts_with('/') ? *root : "";
}

void DockerHistory::Add(const DockerSample& sample) {
  std::map<std::string, std::pair<std::string, MonoTime>> now;
  for (const DockerContainer& container : sample.containers) {
    if (!ShouldPass(container.state) || now.size() >= kContainersMax) continue;
    const auto found = since_.find(container.id);
    const bool same = found != since_.end() && found->second.first == container.state;
    now[container.id] = {container.state, same ? found->second.second : sample.at};
  }
  since_ = std::move(now);
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
  conditions.push_back(DataRoot(sample, thresholds));
  AddStuck(sample, history, thresholds, &conditions);
  return conditions;
}

}  // namespace fleetmedic
