// What a run showed, in figures: noted as things happen, from the scheduler's truth, the hosts and
// the audit.
#ifndef FLEETMEDIC_SIMULATION_FIGURES_H_
#define FLEETMEDIC_SIMULATION_FIGURES_H_

#include <array>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "model/audit.h"
#include "model/directive.h"
#include "simulation/fleet.h"

namespace fleetmedic::sim {

constexpr size_t kRungCount = static_cast<size_t>(Rung::kPerson) + 1;

struct FigureCounts {
  int64_t taints = 0;  // hosts that the scheduler began to keep out
  int64_t drains = 0;
  int64_t give_backs = 0;
  std::array<int64_t, kRungCount> repairs = {};
  int64_t wrong_acts = 0;  // on hosts with which nothing was truly wrong
  int64_t grants = 0;
  int64_t refusals = 0;
  int64_t pages = 0;  // that call a person, trips of the brake among them
  int64_t brake_trips = 0;
  int64_t episodes = 0;  // that held a grant and ended
  int64_t healed = 0;    // ... of which no person was called for
  int64_t retired = 0;
  int64_t drains_while_braked = 0;
  int64_t tasks_killed = 0;  // that ran on a host when it was rebooted by a repair

  int64_t acts() const;  // taints, drains and repairs
};

class Figures {
 public:
  Figures(const EventLoop* loop, const Fleet* fleet) : loop_(*loop), fleet_(*fleet) {}

  void OnDirective(const Directive& before, const Directive& now, bool braked);
  void OnAudit(const AuditEntry& entry);
  void OnRepairRun(size_t host, const Repair& repair);
  // The first fault of the run begins.
  void OnFault();

  const FigureCounts& counts() const { return counts_; }
  int out_now() const { return out_now_; }
  int out_max() const { return out_max_; }
  const std::set<size_t>& acted_on() const { return acted_on_; }
  // Since the first fault, until the brake tripped first.
  std::optional<Micros> brake_after() const { return brake_after_; }
  // From when a host said that it is bad until its scheduler held the taint.
  const std::vector<Micros>& to_taint() const { return to_taint_; }
  // From the taint until it was given back.
  const std::vector<Micros>& to_give_back() const { return to_give_back_; }
  // The most that one host saw within an hour.
  int host_taints_per_hour_max() const { return host_taints_per_hour_max_; }
  int host_drains_max() const { return host_drains_max_; }
  // What refused a drain or a grant, as it was named; the first of each.
  const std::set<std::string>& blocked_by() const { return blocked_by_; }
  void OnBlocked(const std::string& text);

 private:
  struct Host {
    MonoTime tainted_at = kMonoForever;
    std::deque<MonoTime> taints;  // of the last hour
    int drains = 0;
    std::string grant;  // open, of the episode that is under way
    bool person = false;
  };
  static constexpr size_t kBlockedMax = 1000;

  void NoteAct(size_t host);

  const EventLoop& loop_;
  const Fleet& fleet_;
  FigureCounts counts_;
  std::map<size_t, Host> hosts_;
  int out_now_ = 0;
  int out_max_ = 0;
  std::set<size_t> acted_on_;
  std::optional<MonoTime> fault_at_;
  std::optional<Micros> brake_after_;
  std::vector<Micros> to_taint_;
  std::vector<Micros> to_give_back_;
  int host_taints_per_hour_max_ = 0;
  int host_drains_max_ = 0;
  std::set<std::string> blocked_by_;
};

// The pth share of the values, sorted or not; nothing for none.
std::optional<Micros> Percentile(std::vector<Micros> values, double share);

}  // namespace fleetmedic::sim

#endif  // FLEETMEDIC_SIMULATION_FIGURES_H_
