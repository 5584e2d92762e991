#include "detectors/containerd/containerd_evaluate.h"

#include <fmt/format.h>

#include "base/text.h"
#include "detectors/condition_types.h"

namespace fleetmedic {
namespace {

using Kind = ContainerdAnswer::Kind;

Condition Health(const ContainerdAnswer& answer) {
  const auto told = [&](Verdict verdict, std::string_view reason, std::string message) {
    return MakeCondition("ContainerdNotServing", answer.socket, verdict, reason,
                         std::move(message));
  };
  // Where none has answered yet, there may be none.
  const Verdict gone = answer.seen ? Verdict::kBad : Verdict::kUnknown;
  switch (answer.kind) {
    case Kind::kServing:
      return told(Verdict::kOk, "Serving", "its health check says SERVING");
    case Kind::kNoHealth:
      return told(Verdict::kOk, "Answers", "it answers, and has no health check");
    case Kind::kNotServing:
      return told(Verdict::kBad, "NotServing", "its health check says " + answer.error);
    case Kind::kTimedOut:
      return told(Verdict::kBad, "TimedOut",
                  "its health check is not answered within " + FormatDuration(answer.limit));
    case Kind::kRefused:
      return told(gone, "Refused", "nobody listens at its socket");
    case Kind::kMissing:
      return told(gone, "SocketMissing", "its socket is not there");
    case Kind::kNoRight:
      return told(Verdict::kUnknown, "NoPermission",
                  "no permission (to write to its socket): " + answer.error);
    case Kind::kBroken:
      break;
  }
  return told(Verdict::kUnknown, "CouldNotTell", answer.error);
}

void AddRestarts(const ContainerdAnswer& answer, const ContainerdThresholds& thresholds,
                 std::vector<Condition>* conditions) {
  if (!answer.restarts.has_value()) return;
  const bool bad = *answer.restarts >= static_cast<size_t>(thresholds.restarts_count);
  conditions->push_back(MakeCondition(
      "ContainerdRestarting", answer.socket, bad ? Verdict::kBad : Verdict::kOk,
      bad ? "Restarts" : "Stays",
      fmt::format("containerd was replaced {} times of late (bad from {}); now process {}",
                  *answer.restarts, thresholds.restarts_count, answer.pid)));
}

void AddFolder(const ContainerdFolder& folder, const ContainerdThresholds& thresholds,
               std::vector<Condition>* conditions) {
  const auto told = [&](std::string_view type, Verdict verdict, std::string_view reason,
                        std::string message) {
    conditions->push_back(MakeCondition(type, folder.path, verdict, reason, std::move(message)));
  };
  constexpr std::string_view kFull = "ContainerdStorageFull";
  constexpr std::string_view kReadOnly = "ContainerdStorageReadOnly";
  if (!folder.answered) {
    told(kFull, Verdict::kUnknown, "CouldNotTell", folder.error);
    told(kReadOnly, Verdict::kUnknown, "CouldNotTell", folder.error);
    return;
  }
  const std::string message = fmt::format(
      "{:.1f} % of bytes and {:.1f} % of inodes used, {:.1f} MB available; bad from "
      "{:.1f} %",
      folder.bytes_used_share * 100, folder.inodes_used_share * 100,
      static_cast<double>(folder.bytes_available) / 1e6, thresholds.full_share * 100);
  if (folder.bytes_used_share >= thresholds.full_share) {
    told(kFull, Verdict::kBad, "SpaceGone", message);
  } else if (folder.inodes_used_share >= thresholds.full_share) {
    told(kFull, Verdict::kBad, "InodesGone", message);
  } else {
    told(kFull, Verdict::kOk, "SpaceLeft", message);
  }
  if (folder.read_only) {
    told(kReadOnly, Verdict::kBad, "ReadOnly", "its file system is read-only");
  } else {
    told(kReadOnly, Verdict::kOk, "Writable", "writable");
  }
}

}  // namespace

std::vector<Condition> EvaluateContainerd(const ContainerdSample& sample,
                                          const ContainerdThresholds& thresholds) {
  std::vector<Condition> conditions;
  for (const ContainerdAnswer& answer : sample.answers) {
    conditions.push_back(Health(answer));
    AddRestarts(answer, thresholds, &conditions);
  }
  for (const ContainerdFolder& folder : sample.folders) {
    AddFolder(folder, thresholds, &conditions);
  }
  return conditions;
}

}  // namespace fleetmedic
