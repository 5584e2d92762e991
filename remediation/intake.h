// The remediator's side of the log: polls its topics, decodes, and sets aside what it cannot use.
#ifndef FLEETMEDIC_REMEDIATION_INTAKE_H_
#define FLEETMEDIC_REMEDIATION_INTAKE_H_

#include <initializer_list>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/metrics.h"
#include "eventlog/event_log.h"
#include "model/fleet_issue.h"
#include "remediation/host_machine.h"

namespace fleetmedic {

// One input for one host, and where it came from.
struct HostInput {
  HostId host;
  Input input;
};

// Owned by one thread.
class Intake {
 public:
  static constexpr size_t kRecordsPerPollMax = 1024;

  Intake(EventLog* log, Metrics* metrics);

  // Opens a reader for each topic at the offsets that were committed last. Of the fleet issues all
  // are read again, so that those that are open hold from the first pass on: TakeIssues has them.
  Status Open(const std::function<std::vector<Position>(Topic)>& offsets);
  void Close() { readers_.clear(); }

  // The next inputs, at most kRecordsPerPollMax of each topic. What cannot be read is in the
  // dead-letter topic before this returns; when it cannot be put there, nothing was taken and the
  // intake must be opened again. `more`: a topic had a full batch, so poll again soon.
  Result<std::vector<HostInput>> Poll(WallTime now, bool* more);

  // The issues that came since the last call, in their order. `fresh`: after the offset that was
  // committed last, so that nobody was told of it before.
  struct IssueNews {
    FleetIssue issue;
    bool fresh = false;
  };
  std::vector<IssueNews> TakeIssues() { return std::exchange(issues_, {}); }

  // Where each topic stands, to be committed with what its records led to.
  std::vector<std::pair<Topic, std::vector<Position>>> Positions() const;

  // The age of the oldest health event or finding that is not read yet; zero at the head.
  Result<Millis> Lag(WallTime now) const;
  // The same of what executors report: how repairs ended.
  Result<Millis> OutcomesLag(WallTime now) const;

  // One more record that decided nothing because of its boot: counted and set aside. The record
  // is the one that made `input`; call between Poll and the next.
  void SetAsideOtherBoot(const HostInput& input);
  // Appends what was set aside since; on an error keeps it for the next call.
  Status FlushDeadLetters();

 private:
  Result<Millis> LagOf(std::initializer_list<Topic> topics, WallTime now) const;
  void Decode(Topic topic, const LogRecord& record, WallTime now, std::vector<HostInput>* out);
  void TakeHealth(const LogRecord& record, HealthEvent event, WallTime now,
                  std::vector<HostInput>* out);
  Status ReadIssuesAgain(const std::vector<Position>& committed);
  void DecodeIssue(const LogRecord& record, bool fresh);
  void SetAside(Topic topic, const LogRecord& record, std::string_view kind, std::string reason);

  EventLog* const log_;
  Metrics* const metrics_;
  std::map<Topic, std::unique_ptr<Reader>> readers_;
  std::vector<Record> dead_letters_;
  std::vector<IssueNews> issues_;
};

}  // namespace fleetmedic

#endif  // FLEETMEDIC_REMEDIATION_INTAKE_H_
