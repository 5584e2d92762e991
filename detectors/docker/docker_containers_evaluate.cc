// The containers, one by one.
#include <algorithm>

#include <fmt/format.h>

#include "base/text.h"
#include "detectors/condition_types.h"
#include "detectors/docker/docker_evaluate.h"

namespace fleetmedic {
namespace {

constexpr size_t kToldMax = 100;  // of one type; the rest would say no more

std::string For(Micros time) { return FormatDuration(std::chrono::duration_cast<Seconds>(time)); }

// By id, "/name" in quotes; the id where the list does not have it.
class Names {
 public:
  explicit Names(const DockerSample& sample) {
    for (const DockerContainer& container : sample.containers) {
      by_id_[container.id] = &container;
    }
  }
  std::string Of(std::string_view id) const {
    const auto found = by_id_.find(id);
    return found == by_id_.end() ? "container " + ShortId(id)
                                 : "container " + Quote(found->second->name);
  }

 private:
  std::map<std::string_view, const DockerContainer*> by_id_;
};

void AddStuck(const DockerSample& sample, const DockerHistory& history,
              const DockerThresholds& thresholds, std::vector<Condition>* conditions) {
  constexpr std::string_view kType = "DockerContainerStuck";
  size_t stuck = 0;
  for (const DockerContainer& container : sample.containers) {
    const Micros in_state = history.InState(container, sample.at);
    if (in_state <= thresholds.removing_max || stuck >= kToldMax) continue;
    ++stuck;
    Condition condition = MakeCondition(
        kType, ShortId(container.id), Verdict::kBad,
        container.state == "removing" ? "Removing"
        : container.state == "dead"   ? "Dead"
                                      : "Created",
        fmt::format("container {} is {} for {} (limit {})", Quote(container.name), container.state,
                    For(in_state), FormatDuration(thresholds.removing_max)));
    // Somebody may have made it to start it later.
    if (container.state == "created") condition.severity = Severity::kInfo;
    conditions->push_back(std::move(condition));
  }
  if (stuck == 0) {
    conditions->push_back(MakeCondition(kType, "", Verdict::kOk, "NoneStuck",
                                        "no container is in a state that should have passed"));
  }
}

void AddHeld(std::string_view type, const HeldSince& held, std::string_view reason,
             std::string_view what, const DockerSample& sample, const DockerThresholds& thresholds,
             std::vector<Condition>* conditions) {
  const Names names(sample);
  size_t told = 0;
  for (const auto& [id, since] : held.all()) {
    const Micros lasted = sample.at - since;
    if (lasted < thresholds.shim_grace || told >= kToldMax) continue;
    ++told;
    conditions->push_back(
        MakeCondition(type, ShortId(id), Verdict::kBad, reason,
                      fmt::format("{} {} for {} (limit {})", names.Of(id), what, For(lasted),
                                  FormatDuration(thresholds.shim_grace))));
  }
  if (told == 0) conditions->push_back(MakeCondition(type, "", Verdict::kOk, "None", "none"));
}

// Those of a set, at once; `also_held` are those that hold long enough, for another reason.
void AddHung(const DockerSample& sample, const DockerHistory& history,
             const DockerThresholds& thresholds, std::vector<Condition>* conditions) {
  constexpr std::string_view kType = "DockerShimHung";
  const Names names(sample);
  std::set<std::string> told;
  const bool containerd_bad =
      sample.info.kind == DockerAnswer::Kind::kTimedOut ||
      (sample.top.size() > 1 && std::ranges::all_of(sample.top, [](const auto& top) {
         return top.answer.kind == DockerAnswer::Kind::kTimedOut;
       }));
  for (const std::string& id : history.hung) {
    // Nobody's comes: that is containerd's fault, told by its own condition.
    if (containerd_bad || told.size() >= kToldMax) break;
    told.insert(id);
    conditions->push_back(MakeCondition(
        kType, ShortId(id), Verdict::kBad, "TopTimedOut",
        names.Of(id) + ": the list of its processes does not come, while containerd answers"));
  }
  for (const auto& [id, since] : history.halted.all()) {
    const Micros lasted = sample.at - since;
    if (lasted < thresholds.shim_grace || told.size() >= kToldMax) continue;
    if (!told.insert(id).second) continue;
    conditions->push_back(MakeCondition(
        kType, ShortId(id), Verdict::kBad, "ShimHalted",
        fmt::format("{}: its shim is stopped, or sleeps in the kernel, for {} (limit {})",
                    names.Of(id), For(lasted), FormatDuration(thresholds.shim_grace))));
  }
  if (told.empty()) {
    conditions->push_back(MakeCondition(kType, "", Verdict::kOk, "None", "none hangs"));
  }
}

void AddSet(std::string_view type, const std::set<std::string>& ids, std::string_view what,
            const DockerSample& sample, std::vector<Condition>* conditions) {
  const Names names(sample);
  size_t told = 0;
  for (const std::string& id : ids) {
    if (told++ >= kToldMax) break;
    conditions->push_back(MakeCondition(type, ShortId(id), Verdict::kBad, "TimedOut",
                                        fmt::format("{}: {}", names.Of(id), what)));
  }
  if (ids.empty()) conditions->push_back(MakeCondition(type, "", Verdict::kOk, "None", "none"));
}

void AddCount(const DockerSample& sample, const DockerThresholds& thresholds,
              std::vector<Condition>* conditions) {
  const auto running =
      std::ranges::count(sample.containers, std::string("running"), &DockerContainer::state);
  const bool bad = sample.containers.size() > static_cast<size_t>(thresholds.containers_max);
  conditions->push_back(MakeCondition(
      "DockerTooManyContainers", "", bad ? Verdict::kBad : Verdict::kOk, bad ? "TooMany" : "Within",
      fmt::format("{} containers, {} of them run (limit {})", sample.containers.size(), running,
                  thresholds.containers_max)));
}

}  // namespace

void EvaluateDockerContainers(const DockerSample& sample, const DockerHistory& history,
                              const DockerThresholds& thresholds,
                              std::vector<Condition>* conditions) {
  if (!sample.list.ok()) {
    for (const char* type : {"DockerContainerStuck", "DockerTooManyContainers", "DockerShimHung",
                             "DockerShimOrphaned", "DockerShimMissing", "DockerLogsStuck"}) {
      conditions->push_back(MakeCondition(type, "", Verdict::kUnknown, "CouldNotTell",
                                          DescribeAnswer("List", sample.list)));
    }
    return;
  }
  AddStuck(sample, history, thresholds, conditions);
  AddCount(sample, thresholds, conditions);
  AddHung(sample, history, thresholds, conditions);
  if (history.shims_known) {
    AddHeld("DockerShimOrphaned", history.orphaned, "ContainerGone",
            "is gone or has ended, and its shim stays", sample, thresholds, conditions);
    AddHeld("DockerShimMissing", history.missing, "ShimGone", "is said to run and has no shim",
            sample, thresholds, conditions);
    if (thresholds.executors) {
      AddHeld("DockerExecutorGone", history.executor_gone, "ExecutorGone",
              "runs and no process is its executor", sample, thresholds, conditions);
    }
  }
  if (history.logs_asked) {
    AddSet("DockerLogsStuck", history.logs_stuck,
           "the last line of its log does not come: its log driver is stuck", sample, conditions);
  }
  if (thresholds.exec_probe && history.exec_asked) {
    AddSet("DockerExecStuck", history.exec_stuck, "a command run in it does not come to its end",
           sample, conditions);
  }
}

}  // namespace fleetmedic
