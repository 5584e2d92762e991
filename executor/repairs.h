// Repairs of this host: each id is run at most once, ever.
#ifndef FLEETMEDIC_EXECUTOR_REPAIRS_H_
#define FLEETMEDIC_EXECUTOR_REPAIRS_H_

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/inbox.h"
#include "base/workers.h"
#include "config/executor_config.h"
#include "model/command.h"

namespace fleetmedic {

struct RepairsParts {
  std::string folder;            // one file for each repair; made when it is missing
  const Clock* clock = nullptr;  // not owned
  Workers* workers = nullptr;    // not owned; the commands run on them
  std::function<void()> wake;    // called when a command has ended; may be empty
};

// The intent is durable before anything is started, so a repair that was under way when the
// executor died is found again, and is never run again:
//   restart_unit  its outcome is unknown
//   reboot        done when the boot is another than that of the intent, else unknown
// Refused, and never started: another boot than the evidence's, a start_before that is past, a rung
// that this executor has no command for, a unit that cannot be one.
//
// Owned by one thread, except the work that it gives to the workers.
class Repairs {
 public:
  static constexpr size_t kWaitingMax = 100;
  static constexpr size_t kRecordsMax = 10'000;
  static constexpr size_t kUnitCharsMax = 256;

  Repairs(RepairsParts parts, const ExecutorConfig& config);
  Repairs(const Repairs&) = delete;
  Repairs& operator=(const Repairs&) = delete;

  // Reads what was. Before anything else. `boot_id`: of the present boot of the host.
  Status Open(const std::string& boot_id);

  // Repeated, it only tells the outcome again.
  void Take(const Repair& repair, const std::string& boot_id);
  // Takes what has ended, and starts what waits: one at a time.
  void Poll(const std::string& boot_id);

  // Outcomes that were not told yet, or were asked for again.
  std::vector<RepairReport> TakeReports();

 private:
  enum class Phase : uint8_t { kWaiting, kIntent, kEnded };
  struct Entry {
    Repair repair;
    Phase phase = Phase::kWaiting;
    std::string boot_id;  // when it was started
    RepairReport report;
    bool tell = false;
    // A reboot whose command ended well: it is judged when the boot changes, or here.
    MonoTime judge_at = kMonoForever;
  };
  struct Ended {
    std::string id;
    RepairOutcome outcome = RepairOutcome::kUnknown;
    std::string message;
  };

  // Why it is refused; empty when it is not.
  std::string Refusal(const Repair& repair, const std::string& boot_id) const;
  std::vector<std::string> CommandOf(const Repair& repair) const;
  void Start(Entry* entry, const std::string& boot_id);
  void End(Entry* entry, RepairOutcome outcome, std::string message);
  void TakeEnded(const Ended& ended);
  Status Save(const Entry& entry) const;
  std::string FileOf(const std::string& id) const;
  void Prune();

  const RepairsParts parts_;
  const ExecutorConfig config_;
  std::map<std::string, Entry> entries_;
  std::deque<std::string> waiting_;
  std::string running_;
  // Outlives us: work that is still under way posts into it.
  const std::shared_ptr<Inbox<Ended>> inbox_;
};

}  // namespace fleetmedic

#endif  // FLEETMEDIC_EXECUTOR_REPAIRS_H_
