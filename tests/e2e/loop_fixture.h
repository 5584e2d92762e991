// The whole loop in this process: an agent that looks at this machine, executors with real tasks,
// stream, remediator and scheduler, with times that a test can wait for.
#ifndef FLEETMEDIC_TESTS_E2E_LOOP_FIXTURE_H_
#define FLEETMEDIC_TESTS_E2E_LOOP_FIXTURE_H_

#include <sys/types.h>
#include <unistd.h>

#include <map>
#include <memory>
#include <set>
#include <string>

#include "app/assembly.h"
#include "base/clock.h"
#include "base/file.h"
#include "model/host_record.h"

namespace fleetmedic {

class RuleSet;

// Three hosts: the patient, whose agent looks at this machine's own root, and two demonstration
// hosts that can take its tasks.
class LoopFixture {
 public:
  static constexpr const char* kPatient = "patient";
  static constexpr int kTasks = 6;

  struct Options {
    AgentConfig agent;          // the patient's; the beat and the deadline are the fixture's
    DetectorsConfig detectors;  // the patient's
    ExecutorConfig executor;    // the patient's; the capacity is the fixture's
    std::map<std::string, ConditionPolicy> conditions;
    std::shared_ptr<const RuleSet> rules;  // null: those that ship
  };
  // What a patient's agent looks at is switched off, except what the test switches on.
  static Options QuietPatient();

  // Returns once every host reports and every task of the one job runs, some on the patient.
  static Result<std::unique_ptr<LoopFixture>> Start(Options options);
  // Ends the roles, the tasks, and whatever else stands below the folder.
  ~LoopFixture();

  // The newest word about the patient; null while the remediator does not know it.
  std::shared_ptr<const HostRecord> Patient() const;
  bool PatientReaches(const std::set<HostState>& states, Millis limit) const;
  // "drained: held by e2e, waits for ...", for messages.
  std::string PatientText() const;

  // A person holds the patient where it is, and lets go of it. Errors: the remediator's.
  Result<OverrideId> Hold();
  Status Release(const OverrideId& id);

  // Process ids of running tasks by task, by the scheduler's word. Empty: of all hosts.
  std::map<std::string, pid_t> RunningTasks(const std::string& host = "") const;
  std::string log_path() const { return folder_ / "state/log.db"; }
  const Clock& clock() const { return clock_; }

 private:
  LoopFixture() = default;
  AssemblyOptions AssemblyFor(Options options) const;
  Status PutJob();
  Result<RequestAnswer> Ask(Request request);

  SystemClock clock_;
  TempFolder folder_;
  // Of the tasks of the patient, whose root is the machine's own.
  const std::string cgroup_parent_ = "/fleetmedic-loop-" + std::to_string(::getpid());
  std::unique_ptr<Assembly> assembly_;
};

}  // namespace fleetmedic

#endif  // FLEETMEDIC_TESTS_E2E_LOOP_FIXTURE_H_
