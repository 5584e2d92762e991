// What containerd's answers mean for the host. Pure.
#ifndef FLEETMEDIC_DETECTORS_CONTAINERD_CONTAINERD_EVALUATE_H_
#define FLEETMEDIC_DETECTORS_CONTAINERD_CONTAINERD_EVALUATE_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/time.h"
#include "model/condition.h"

namespace fleetmedic {

// One health check at one socket.
struct ContainerdAnswer {
  enum class Kind : uint8_t {
    kServing,
    kNotServing,
    kNoHealth,  // answers, and has no health service
    kTimedOut,
    kRefused,  // the socket is there and nobody listens
    kMissing,  // no socket
    kNoRight,
    kBroken,
  };
  std::string socket;
  Kind kind = Kind::kBroken;
  std::string error;
  Millis limit{0};
  bool seen = false;               // it has answered since this agent looks
  std::optional<size_t> restarts;  // within the window; none where its process is not known
  int64_t pid = 0;
};

// The file system below one of its folders.
struct ContainerdFolder {
  std::string path;
  bool answered = false;
  std::string error;
  double bytes_used_share = 0;
  double inodes_used_share = 0;
  uint64_t bytes_available = 0;
  bool read_only = false;
};

struct ContainerdSample {
  std::vector<ContainerdAnswer> answers;
  std::vector<ContainerdFolder> folders;
};

struct ContainerdThresholds {
  int restarts_count = 3;
  double full_share = 0.99;
};

std::vector<Condition> EvaluateContainerd(const ContainerdSample& sample,
                                          const ContainerdThresholds& thresholds);

}  // namespace fleetmedic

#endif  // FLEETMEDIC_DETECTORS_CONTAINERD_CONTAINERD_EVALUATE_H_
