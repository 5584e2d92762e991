// The data root and the storage driver.
#include <fmt/format.h>

#include "base/text.h"
#include "detectors/condition_types.h"
#include "detectors/docker/docker_evaluate.h"

namespace fleetmedic {
namespace {

Condition Full(const DockerDataRoot& root, const DockerThresholds& thresholds) {
  constexpr std::string_view kType = "DockerDataRootFull";
  if (!root.bytes_used_share.has_value()) {
    return MakeCondition(
        kType, root.path, Verdict::kUnknown, "CouldNotTell",
        root.path.empty() ? "the data root is not known" : "statvfs of the data root failed");
  }
  const std::string message = fmt::format(
      "{:.1f} % used, {:.1f} MB available; bad from {:.1f} %", *root.bytes_used_share * 100,
      static_cast<double>(root.bytes_available) / 1e6, thresholds.full_share * 100);
  if (*root.bytes_used_share >= thresholds.full_share) {
    return MakeCondition(kType, root.path, Verdict::kBad, "SpaceGone", message);
  }
  if (root.inodes_used_share.value_or(0) >= thresholds.full_share) {
    return MakeCondition(
        kType, root.path, Verdict::kBad, "InodesGone",
        fmt::format("{:.1f} % of the inodes used", root.inodes_used_share.value_or(0) * 100));
  }
  return MakeCondition(kType, root.path, Verdict::kOk, "SpaceLeft", message);
}

Condition ReadOnly(const DockerDataRoot& root) {
  constexpr std::string_view kType = "DockerDataRootReadOnly";
  if (!root.bytes_used_share.has_value()) {
    return MakeCondition(
        kType, root.path, Verdict::kUnknown, "CouldNotTell",
        root.path.empty() ? "the data root is not known" : "statvfs of the data root failed");
  }
  return root.read_only ? MakeCondition(kType, root.path, Verdict::kBad, "ReadOnly",
                                        "the file system below the data root is read-only")
                        : MakeCondition(kType, root.path, Verdict::kOk, "Writable", "writable");
}

// What /info warns of that is the storage's, out of the many warnings about kernel options.
bool AboutStorage(std::string_view warning) {
  for (const char* word : {"devicemapper", "devmapper", "storage", "overlay", "d_type", "aufs"}) {
    if (warning.find(word) != std::string_view::npos) return true;
  }
  return false;
}

Condition Storage(const DockerSample& sample, const DockerHistory& history,
                  const DockerThresholds& thresholds) {
  const auto told = [](Verdict verdict, std::string_view reason, std::string message) {
    return MakeCondition("DockerStorageError", "", verdict, reason, std::move(message));
  };
  const DockerInfo& info = sample.information;
  if (!sample.info.ok()) {
    return told(Verdict::kUnknown, "CouldNotTell", DescribeAnswer("/info", sample.info));
  }
  const std::string& wanted =
      thresholds.storage_driver.empty() ? history.first_driver : thresholds.storage_driver;
  if (!wanted.empty() && info.driver != wanted) {
    return told(Verdict::kBad, "DriverChanged",
                fmt::format("the storage driver is {} and was to be {}: what the other one kept, "
                            "Docker does not see",
                            Quote(info.driver, 64), Quote(wanted, 64)));
  }
  if (sample.data_root.device != 0 && history.first_device.has_value() &&
      *history.first_device != sample.data_root.device) {
    return told(Verdict::kBad, "DataRootMoved",
                fmt::format("{} is on another file system than it was: its mount is gone, or "
                            "another lies over it",
                            Quote(sample.data_root.path)));
  }
  // https://docs.docker.com/engine/storage/drivers/overlayfs-driver/: not supported without.
  if (info.d_type == "false") {
    return told(Verdict::kBad, "NoDType",
                "the file system below the data root has no d_type, which overlay2 needs");
  }
  for (const std::string& warning : info.warnings) {
    if (!AboutStorage(warning)) continue;
    Condition condition = told(Verdict::kBad, "Warning", "/info warns: " + Quote(warning, 400));
    condition.severity = Severity::kInfo;
    return condition;
  }
  return told(Verdict::kOk, "Works", "storage driver " + Quote(info.driver, 64));
}

}  // namespace

void EvaluateDockerStorage(const DockerSample& sample, const DockerHistory& history,
                           const DockerThresholds& thresholds, std::vector<Condition>* conditions) {
  conditions->push_back(Full(sample.data_root, thresholds));
  conditions->push_back(ReadOnly(sample.data_root));
  conditions->push_back(Storage(sample, history, thresholds));
}

}  // namespace fleetmedic
