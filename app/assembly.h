// Builds the roles of one process on the embedded engines, turns them, and takes them down in
// order. `fleetmedic up` is all of them; the other daemon commands are one each.
#ifndef FLEETMEDIC_APP_ASSEMBLY_H_
#define FLEETMEDIC_APP_ASSEMBLY_H_

#include <atomic>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/file.h"
#include "base/http_client.h"
#include "base/metrics.h"
#include "base/role.h"
#include "base/role_loop.h"
#include "base/thread_pool.h"
#include "config/config.h"
#include "eventlog/event_log.h"
#include "remediation/query.h"
#include "scheduler-hooks/scheduler_hook.h"
#include "store/store.h"

namespace fleetmedic {

class ApiServer;
class Controller;
class FleetRole;
class NotifyBook;
class PatternBook;
class RuleBook;
class RuleSet;
class RuleWatch;
class SchedulerRole;
class SchedulerServer;

// One host whose agent, and executor where `executes`, run in this process.
struct HostSetup {
  HostConfig host;
  AgentConfig agent;
  DetectorsConfig detectors;
  ExecutorConfig executor;
  bool senses = true;     // an agent
  bool executes = false;  // an executor
  std::string state_dir;
};

struct AssemblyOptions {
  Config config;
  bool stream = false;
  bool remediator = false;
  bool scheduler = false;
  std::vector<HostSetup> hosts;
  std::string self;  // the path of this program: what a task's shim is started with
  // For the stream; CheckRules' answer. Required with `stream`.
  std::shared_ptr<const RuleSet> rules;
  // The files that they are from; null: they do not change.
  std::shared_ptr<RuleWatch> rule_watch;
};

// Owned by one thread.
class Assembly {
 public:
  // Makes the folders and files that are missing and builds everything; nothing turns yet. An
  // error says what, where and what to do.
  static Result<std::unique_ptr<Assembly>> Make(AssemblyOptions options);
  ~Assembly();  // stops

  // Everything turns from its return on.
  Status Start();
  // Orderly: no new requests, then the roles, then what they stand on. Tasks go on.
  void Stop();

  // Signs a browser in to the console; empty without a remediator. Requires Start.
  std::string sign_in_url() const;
  // Null where the role is not of this process.
  RemediatorService* remediator();
  SchedulerRole* scheduler() { return scheduler_; }
  const Clock& clock() const { return clock_; }
  // kUnavailable names a role that is stuck.
  Status Health() const;

 private:
  // A role, the thread that turns it, and the way to wake it from anywhere.
  struct Runner {
    std::unique_ptr<Role> role;
    std::unique_ptr<RoleLoop> loop;
    std::shared_ptr<std::atomic<RoleLoop*>> wake_target =
        std::make_shared<std::atomic<RoleLoop*>>(nullptr);
  };

  explicit Assembly(AssemblyOptions options);

  Status OpenEngines();
  Status AddScheduler();
  Status AddRemediator();
  // The reader of the fleet's log patterns, for the API.
  const PatternBook* AddPatterns();
  // Who tells people; null where nobody is to be told.
  Result<const NotifyBook*> AddNotifier();
  Status AddStream();
  FleetRole* AddFleet();
  // Rules that change, for a remediator whose stream is another process.
  void AddRuleKeeper();
  // Of the rules in use; none where they were not loaded.
  std::optional<std::set<std::string>> RuleNames() const;
  Status AddHost(const HostSetup& setup);
  Runner* NewRunner();
  static std::function<void()> WakeOf(const Runner& runner);

  AssemblyOptions options_;
  SystemClock clock_;
  Metrics metrics_;
  std::vector<FileLock> locks_;  // one agent and one executor for a state folder
  std::unique_ptr<EventLog> log_;
  std::unique_ptr<Store> remediator_store_;
  std::unique_ptr<Store> scheduler_store_;
  std::unique_ptr<Store> notify_store_;
  std::unique_ptr<SchedulerHook> hook_;
  std::unique_ptr<ThreadPool> workers_;
  std::unique_ptr<ThreadPool> stream_workers_;
  HttpCancel notify_cancel_;  // ends the tries under way
  std::unique_ptr<ThreadPool> notify_workers_;
  std::unique_ptr<ThreadPool> rule_workers_;
  std::shared_ptr<RuleBook> rule_book_;  // null: no rules are known
  std::vector<std::unique_ptr<ThreadPool>> executor_workers_;
  std::vector<std::unique_ptr<Runner>> runners_;
  std::vector<std::unique_ptr<Subscription>> subscriptions_;
  std::unique_ptr<SchedulerServer> scheduler_server_;
  std::unique_ptr<ApiServer> api_;
  Runner* controller_runner_ = nullptr;
  Controller* controller_ = nullptr;
  SchedulerRole* scheduler_ = nullptr;
  bool started_ = false;
};

// Where each thing of a process is.
std::string LogPath(const Config& config);
std::string SchedulerSocket(const Config& config);
std::string HoldFile(const Config& config);

}  // namespace fleetmedic

#endif  // FLEETMEDIC_APP_ASSEMBLY_H_
