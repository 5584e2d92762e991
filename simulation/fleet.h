// The simulated hosts: agents that report, executors that repair and run tasks, and what befalls
// them.
#ifndef FLEETMEDIC_SIMULATION_FLEET_H_
#define FLEETMEDIC_SIMULATION_FLEET_H_

#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "eventlog/event_log.h"
#include "model/command.h"
#include "model/finding.h"
#include "model/health_event.h"
#include "model/host_facts.h"
#include "remediation/query.h"
#include "simulation/event_loop.h"

namespace fleetmedic::sim {

struct FleetOptions {
  int hosts = 24;
  int racks = 4;
  double duplicate_chance = 0.02;  // a health event arrives twice
  double late_chance = 0.02;       // ... or once more, minutes later
  double repair_cures_chance = 0.7;
};

struct SimHost {
  HostFacts facts;
  std::map<std::string, uint64_t> sequences;          // by detector
  std::map<std::string, std::vector<Condition>> bad;  // by detector
  bool agent_up = true;
  bool booting = false;
  std::map<TaskId, TaskStatus> tasks;
  std::set<std::string> repairs_seen;
  uint64_t boots = 0;
  uint64_t report_sequence = 0;
};

// The bundles that came; nothing of their text.
class SimEvidence final : public EvidenceBook {
 public:
  void Add(const HostId& host, const std::string& id) { came_.insert({host, id}); }
  size_t size() const { return came_.size(); }

  std::vector<Json> List(const HostId&) const override { return {}; }
  Result<std::string> Read(const HostId&, std::string_view) const override {
    return Fail(Code::kNotFound, "only that it came is kept");
  }
  bool Has(const HostId& host, std::string_view id) const override {
    return came_.contains({host, std::string(id)});
  }

 private:
  std::set<std::pair<HostId, std::string>> came_;
};

class Fleet {
 public:
  Fleet(EventLoop* loop, EventLog* log, const FleetOptions& options);

  std::map<HostId, SimHost>& hosts() { return hosts_; }
  const std::map<HostId, SimHost>& hosts() const { return hosts_; }
  HostId RandomHost();

  void Start();

  // What befalls a host. A condition of a detector, until it is cured or healed.
  void Break(const HostId& id, const std::string& detector, const std::string& type,
             Severity severity);
  void Heal(const HostId& id);
  void HealAll();
  // A log line that the stream made a finding of; only a boot clears it when `until_boot`.
  void Find(const HostId& id, const std::string& rule, bool until_boot);
  void Silence(const HostId& id, Micros lasts);
  void Reboot(const HostId& id);
  // Records that are no events, from the future, too long.
  void SendGarbage(const HostId& id);

  // How often each repair id was carried out: never more than once.
  const std::map<std::string, int>& repairs_run() const { return repairs_run_; }
  const SimEvidence& evidence() const { return evidence_; }

 private:
  void SendFacts(const HostId& id);
  void SendConditions(const HostId& id, const std::string& detector);
  void SendBeat(const HostId& id);
  void SendAll(const HostId& id);
  void SendReport(const HostId& id, std::vector<RepairReport> repairs);
  void ReadCommands();
  void Obey(const ExecutorCommand& command);
  void RunRepair(const HostId& id, const Repair& repair);
  void Append(Topic topic, const HostId& key, const Json& value);

  EventLoop* const loop_;
  EventLog* const log_;
  const FleetOptions options_;
  std::map<HostId, SimHost> hosts_;
  std::unique_ptr<Reader> commands_;
  std::map<std::string, int> repairs_run_;
  SimEvidence evidence_;
};

}  // namespace fleetmedic::sim

#endif  // FLEETMEDIC_SIMULATION_FLEET_H_
