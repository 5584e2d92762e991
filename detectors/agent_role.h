// The agent: one host's detectors, log sources and facts on their way to the event log.
#ifndef FLEETMEDIC_DETECTORS_AGENT_ROLE_H_
#define FLEETMEDIC_DETECTORS_AGENT_ROLE_H_

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/file.h"
#include "base/metrics.h"
#include "base/role.h"
#include "base/workers.h"
#include "config/config.h"
#include "detectors/agent/agent_detector.h"
#include "detectors/evidence/evidence_courier.h"
#include "detectors/facts.h"
#include "detectors/logs/log_pump.h"
#include "detectors/pid_cgroups.h"
#include "detectors/report/reporter.h"
#include "detectors/report/sender.h"
#include "detectors/runner.h"
#include "eventlog/event_log.h"

namespace fleetmedic {

struct AgentOptions {
  HostConfig host;
  AgentConfig agent;
  DetectorsConfig detectors;
  // The agent's own folder; no two agents share one.
  std::string state_dir;
  std::string agent_version;
  std::string self;  // the path of this program, for detectors that start it; may be empty
  // A pool of one thread with room for one in production: each detector, the log pump ("logs"),
  // the sender ("send") and the courier of evidence ("evidence") get their own, so an agent has
  // at most four threads beside its detectors' and one for what a bundle is collected from. The
  // pump's and the sender's are kept by them until the end, so that a line or an event on its way
  // wakes nobody else.
  MakeWorkers make_workers;
  // The workers above run what they are given at once: the pump and the sender are turned with the
  // role.
  bool inline_workers = false;
  // Nothing else runs in this process: what it uses is the agent's.
  bool own_process = false;
  // A name and a maker for each detector; AgentDetectors() of the config where this is empty.
  std::vector<std::function<std::unique_ptr<Detector>()>> detectors_for_tests = {};
};

// Turn blocks on nothing: what waits for a subsystem, the disk or the log runs on workers. Facts
// are read on the turn, at most every five seconds, from a handful of small files.
class AgentRole final : public Role {
 public:
  // Nothing is owned but the options; `wake` is called from any thread to ask for a turn. The host
  // must have a name: an error is ReadFacts'.
  static Result<std::unique_ptr<AgentRole>> Make(const Clock* clock, EventLog* log,
                                                 Metrics* metrics, AgentOptions options,
                                                 std::function<void()> wake);
  // Waits for what runs on workers: bounded by their deadlines, and see Runner.
  ~AgentRole() override;

  std::string_view name() const override { return "agent"; }
  void Turn(MonoTime now) override;
  MonoTime NextWake() const override;

  const HostFacts& facts() const { return facts_; }
  // What it holds now. On the role's thread.
  std::vector<Condition> Conditions() const { return reporter_.Conditions(); }

 private:
  // One piece of repeated work on a worker, never twice at once.
  struct Job {
    std::atomic<bool> running{false};
    std::unique_ptr<Workers> workers;
  };

  AgentRole(const Clock* clock, EventLog* log, Metrics* metrics, AgentOptions options,
            std::function<void()> wake, HostFacts facts);

  void RestoreReporter();
  void AddDetectors();
  std::vector<std::unique_ptr<LogSource>> MakeSources();
  void RefreshFacts(MonoTime now);
  void PostFacts(MonoTime now);
  void ReportAgent(MonoTime now);
  void SendReports(MonoTime now);
  void StartJob(Job* job, std::string_view job_name, void (AgentRole::*work)());
  void RunSender();
  void RunPump();
  void RunEvidence() {
    if (courier_->Cycle()) commands_came_ = true;
  }
  void MakeCourier(EventLog* log);

  const Clock* const clock_;
  Metrics* const metrics_;
  const AgentOptions options_;
  const std::function<void()> wake_;
  const FsRoot root_;
  const std::shared_ptr<PidCgroups> pid_cgroups_;
  HostFacts facts_;
  MonoTime facts_due_{};
  MonoTime facts_post_due_{};
  MonoTime agent_due_{};
  MonoTime pages_due_;
  AgentDetector agent_detector_;
  Reporter reporter_;
  std::unique_ptr<Sender> sender_;
  std::unique_ptr<LogPump> pump_;  // null where no source is configured
  std::unique_ptr<Runner> runner_;
  std::unique_ptr<EvidenceCourier> courier_;
  std::atomic<bool> commands_came_{true};
  MonoTime evidence_due_{};
  uint64_t bundles_ = 0;  // of the evidence job alone
  std::atomic<bool> stopping_{false};
  Job send_job_;
  Job pump_job_;
  Job evidence_job_;
  std::unique_ptr<Subscription> commands_;  // ends first
};

}  // namespace fleetmedic

#endif  // FLEETMEDIC_DETECTORS_AGENT_ROLE_H_
