// What a Mesos agent's answers mean for the host. Pure.
#ifndef FLEETMEDIC_DETECTORS_MESOS_MESOS_EVALUATE_H_
#define FLEETMEDIC_DETECTORS_MESOS_MESOS_EVALUATE_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/time.h"
#include "detectors/counter_window.h"
#include "detectors/daemon_process.h"
#include "detectors/mesos/mesos_json.h"
#include "model/condition.h"

namespace fleetmedic {

// How one request ended.
struct MesosAnswer {
  enum class Kind : uint8_t {
    kNotAsked,
    kReplied,
    kTimedOut,
    kNobody,  // nobody listens at the address
    kBroken,
  };
  Kind kind = Kind::kNotAsked;
  int status = 0;
  std::string error;

  bool ok() const { return kind == Kind::kReplied && status >= 200 && status < 300; }
};

// The file by which the agent would find its tasks again after a restart.
struct MesosCheckpoint {
  enum class Kind : uint8_t {
    kNotLooked,  // the work folder is not known
    kNone,       // it has never registered
    kReadable,
    kUnreadable,
    kNoRight,
  };
  Kind kind = Kind::kNotLooked;
  std::string path;
  std::string error;
};

struct MesosSample {
  MonoTime at{};
  bool seen = false;  // it has answered since this agent looks
  Millis limit{0};    // for /health
  MesosAnswer health;
  MesosAnswer state_answer;
  MesosAnswer metrics_answer;
  std::optional<MesosState> state;  // the last that was read
  MesosMetrics metrics;
  std::optional<double> disk_used_share;  // below the work folder
  MesosCheckpoint checkpoint;
  std::string master;  // asked at; empty: not known by number
  MesosAnswer master_answer;
};

struct MesosThresholds {
  Millis register_max = Minutes(2);
  Millis recovery_max = Minutes(15);
  int launch_errors = 5;
  int tasks_failed = 20;
  double failed_share = 0.5;
};

class MesosHistory {
 public:
  explicit MesosHistory(Millis window) : growth(window) {}

  // Requires a sample whose /health answered.
  void Add(const MesosSample& sample);

  CounterWindow growth;
  HeldSince held;  // kNotRegistered, kRecovering

  static constexpr std::string_view kNotRegistered = "not registered";
  static constexpr std::string_view kRecovering = "recovering";
};

// `history` holds the sample already where its /health answered.
std::vector<Condition> EvaluateMesos(const MesosSample& sample, const MesosHistory& history,
                                     const MesosThresholds& thresholds);

}  // namespace fleetmedic

#endif  // FLEETMEDIC_DETECTORS_MESOS_MESOS_EVALUATE_H_
