// The simulated hosts: agents that report, executors that repair and run tasks, and what befalls
// them.
#ifndef FLEETMEDIC_SIMULATION_FLEET_H_
#define FLEETMEDIC_SIMULATION_FLEET_H_

#include <array>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
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

// A pool, with so many hosts or such a share of the fleet.
struct PoolShape {
  std::string name;
  int hosts = 0;
  double share = 0;
};

// A fact or label that so many of the hosts have, or such a share of them; drawn by the seed.
struct FactShape {
  std::string name;  // "kernel", "image", "zone", or a label: "detector.docker"
  std::string value;
  int hosts = 0;
  double share = 0;
  std::string others;  // what the other hosts have; empty: none
};

struct FleetOptions {
  int hosts = 24;
  int cells = 1;
  int racks = 4;  // of each cell; 0: hosts without a rack
  std::vector<PoolShape> pools = {{"db", 0, 0.34}, {"web", 0, 0.66}};
  std::vector<FactShape> facts;
  bool boot_ids = true;  // false: hosts that never tell one
  Millis beat_every = Seconds(10);
  Millis repeat_every = Seconds(90);
  Millis report_every = Seconds(10);
  double duplicate_chance = 0.02;  // a health event arrives twice
  double late_chance = 0.02;       // ... or once more, up to late_max later
  Millis late_max = Minutes(5);
  double repair_cures_chance = 0.7;
  double outcome_lost_chance = 0.1;  // nobody hears what came of a repair
  double evidence_lost_chance = 0.2;
};

// Something wrong with a host, or said to be.
struct Ailment {
  Condition condition;
  std::string rule;  // of a finding; empty: a detector's word
  Clear clear = Clear::kQuiet;
  bool real = true;     // false: the detector is wrong
  bool curable = true;  // by a repair
  uint64_t cause = 0;   // of the fault that made it: what ends it; 0: nothing but a cure
};

struct SimHost {
  HostFacts facts;
  std::map<std::string, uint64_t> sequences;           // by detector
  std::map<std::string, std::vector<Ailment>> ailing;  // by detector, or "rule:NAME"
  bool agent_up = true;
  bool reachable = true;
  bool booting = false;
  Micros skew{0};  // of its clock
  std::map<TaskId, TaskStatus> tasks;
  std::set<TaskId> tasks_seen;
  std::set<std::string> repairs_seen;
  std::vector<ExecutorCommand> waiting;  // told while it was not reachable
  uint64_t boots = 0;
  uint64_t report_sequence = 0;
  // Since when something is said to be wrong; kMonoForever while nothing is.
  MonoTime said_bad_since = kMonoForever;
  // When something was truly wrong for the last time; kMonoForever while it is.
  std::optional<MonoTime> truly_bad_at;
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

// Hosts are numbered from 0, in the order of their names.
class Fleet {
 public:
  // What the invariants and the figures hear of at once.
  class Watcher {
   public:
    virtual ~Watcher() = default;
    virtual void OnRepairRun(size_t host, const Repair& repair, int times) = 0;
    virtual void OnTaskStarted(size_t host, const TaskId& task) = 0;
    virtual void OnTaskEnded(size_t host, const TaskId& task) = 0;
  };

  Fleet(EventLoop* loop, EventLog* log, const FleetOptions& options);
  void Watch(Watcher* watcher) { watcher_ = watcher; }

  const std::vector<SimHost>& hosts() const { return hosts_; }
  size_t size() const { return hosts_.size(); }
  // Requires that it is one of the fleet.
  size_t IndexOf(const HostId& host) const { return index_.at(host); }
  size_t RandomHost() { return loop_->random().Below(hosts_.size()); }

  void Start();

  // What befalls a host. An ailment lasts until it is cured, healed, or its cause ends.
  void Break(size_t host, const std::string& detector, Ailment ailment);
  void EndCause(size_t host, uint64_t cause);
  void Heal(size_t host);
  // A log line that the stream made one finding of; only a boot clears it when `until_boot`.
  void FindOnce(size_t host, const std::string& rule, bool until_boot);
  void Silence(size_t host, Micros lasts);
  // Neither its agent nor its executor can be reached, and neither reaches anybody.
  void Cut(size_t host);
  void Rejoin(size_t host);
  void Reboot(size_t host);
  void Skew(size_t host, Micros skew) { hosts_[host].skew = skew; }
  // Records that are no events, from the future, too long.
  void SendGarbage(size_t host);
  // From now on health events arrive so, on the way to the log.
  void Deliver(double duplicate_chance, double late_chance, Millis late_max);
  // Health events of the last while are kept, so that the log can tell them again.
  void KeepHistory(Micros span) { history_span_ = span; }
  void ReplayHistory();

  // Whether anything was truly wrong with the host within the span before now.
  bool TrulyBadWithin(size_t host, Micros span) const;
  // How often each repair id was carried out: never more than once.
  const std::map<std::string, int>& repairs_run() const { return repairs_run_; }
  const SimEvidence& evidence() const { return evidence_; }

 private:
  static constexpr size_t kSlots = 50;

  void NameHosts();
  void AssignPools();
  void AssignFacts();
  void TurnWheel(Millis period, std::function<void(size_t slot)> turn);
  WallTime WallOf(const SimHost& host) const { return loop_->wall() + host.skew; }
  bool Speaks(const SimHost& host) const {
    return host.agent_up && host.reachable && !host.booting;
  }
  void AddFacts(const SimHost& host, std::vector<Record>* batch);
  void AddConditions(SimHost* host, const std::string& detector, std::vector<Record>* batch);
  void AddFindings(const SimHost& host);
  void AddBeat(const SimHost& host, std::vector<Record>* batch);
  void AddReport(SimHost* host, std::vector<RepairReport> repairs, std::vector<Record>* batch);
  void SendConditions(size_t host, const std::string& detector);
  void SendAll(size_t host);
  void SendReport(size_t host, std::vector<RepairReport> repairs);
  void AppendHealth(std::vector<Record> batch);
  void ReadCommands();
  void Obey(size_t host, const ExecutorCommand& command);
  void RunTask(size_t host, const ExecutorCommand& command);
  void StopTask(size_t host, const TaskId& task);
  void RunRepair(size_t host, const Repair& repair);
  void Cure(size_t host);
  void NoteHealth(size_t host);
  void DropTasks(size_t host);

  EventLoop* const loop_;
  EventLog* const log_;
  FleetOptions options_;
  // On its own, so that what the network does shifts nothing else.
  Random delivery_;
  Watcher* watcher_ = nullptr;
  std::vector<SimHost> hosts_;
  std::unordered_map<HostId, size_t> index_;
  std::array<std::vector<size_t>, kSlots> slots_;
  size_t beat_turn_ = 0;
  std::unique_ptr<Reader> commands_;
  std::map<std::string, int> repairs_run_;
  SimEvidence evidence_;
  Micros history_span_{0};
  std::deque<Record> history_;
};

}  // namespace fleetmedic::sim

#endif  // FLEETMEDIC_SIMULATION_FLEET_H_
