// Watches a Mesos agent through its operator API and its work folder.
//
// /health at every look; at a look at all, /state (503 while it recovers), /metrics/snapshot, the
// disk and the checkpoint below the work folder, and the master that the agent's own --master or
// the config names by number. Names are not looked up, and ZooKeeper is not asked.
#ifndef FLEETMEDIC_DETECTORS_MESOS_MESOS_DETECTOR_H_
#define FLEETMEDIC_DETECTORS_MESOS_MESOS_DETECTOR_H_

#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/file.h"
#include "base/http.h"
#include "config/host_config.h"
#include "config/mesos_config.h"
#include "detectors/detector.h"
#include "detectors/mesos/mesos_evaluate.h"

namespace fleetmedic {

class MesosDetector final : public Detector {
 public:
  // `clock` is not owned.
  MesosDetector(const Clock* clock, const HostConfig& host, const MesosConfig& config);

  std::string_view name() const override { return "mesos"; }
  std::vector<std::string> types() const override;
  // The config names an address, or the host has an agent's unit or work folder.
  bool Supported() const override;
  Millis interval() const override { return config_.interval; }
  Result<std::vector<Condition>> Probe(MonoTime deadline) override;

 private:
  MesosAnswer Ask(const HttpAddress& address, std::string_view target, MonoTime deadline,
                  std::string* body) const;
  void AskState(MonoTime deadline, MesosSample* sample);
  void AskMetrics(MonoTime deadline, MesosSample* sample) const;
  void AskMaster(MonoTime deadline, MesosSample* sample) const;
  void LookAtWorkFolder(MesosSample* sample) const;
  std::vector<Condition> Evaluate(const MesosSample& sample) const;

  const Clock* const clock_;
  const FsRoot root_;
  const MesosConfig config_;
  const Result<HttpAddress> address_;
  bool seen_ = false;
  MonoTime all_due_{};    // of the next look at all
  MonoTime state_due_{};  // of the next /state: it can be large
  std::optional<MesosState> state_;
  MesosAnswer state_answer_;
  MesosHistory history_;
  MesosSample last_;
};

}  // namespace fleetmedic

#endif  // FLEETMEDIC_DETECTORS_MESOS_MESOS_DETECTOR_H_
