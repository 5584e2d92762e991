// A remediator for tests: shows the snapshot that it was given and answers as it was told.
#ifndef FLEETMEDIC_CONSOLE_FAKE_REMEDIATOR_H_
#define FLEETMEDIC_CONSOLE_FAKE_REMEDIATOR_H_

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "remediation/query.h"

namespace fleetmedic {

class FakeRemediator final : public RemediatorService {
 public:
  using Done = std::function<void(Result<RequestAnswer>)>;

  FakeRemediator() { Show(FleetSnapshot()); }

  std::shared_ptr<const FleetSnapshot> Snapshot() const override {
    if (before_snapshot) before_snapshot();
    absl::MutexLock lock(&mutex_);
    return snapshot_;
  }
  Status Post(Request request, Done done) override {
    {
      absl::MutexLock lock(&mutex_);
      posted_.push_back(request);
    }
    return answer(std::move(request), std::move(done));
  }

  void Show(FleetSnapshot snapshot) {
    absl::MutexLock lock(&mutex_);
    snapshot.sequence = snapshot_ == nullptr ? 1 : snapshot_->sequence + 1;
    snapshot_ = std::make_shared<const FleetSnapshot>(std::move(snapshot));
  }
  std::vector<Request> posted() const {
    absl::MutexLock lock(&mutex_);
    return posted_;
  }

  // Set before the first request. As they are: an override gets the id "o-1" and is answered at
  // once; snapshots are given at once.
  std::function<Status(Request, Done)> answer = AnswerAtOnce;
  std::function<void()> before_snapshot;

  static Status AnswerAtOnce(Request request, const Done& done) {
    RequestAnswer answer;
    if (const auto* add = std::get_if<request::AddOverride>(&request)) {
      answer.added = Override{OverrideId("o-1"), add->kind,   add->scope,
                              add->who,          add->reason, WallFromMillis(1'767'225'600'000)};
    }
    if (const auto* lend = std::get_if<request::LendGrant>(&request)) {
      answer.grant = Grant{.id = GrantId("g-1"),
                           .host = lend->host,
                           .reason = lend->reason,
                           .holder = lend->who,
                           .act = lend->act,
                           .ends_at = WallFromMillis(1'767'225'600'000) + lend->lease};
    } else if (const auto* renew = std::get_if<request::RenewGrant>(&request)) {
      answer.grant = Grant{.id = renew->id, .holder = renew->who};
    }
    done(std::move(answer));
    return {};
  }

 private:
  mutable absl::Mutex mutex_;
  std::shared_ptr<const FleetSnapshot> snapshot_ ABSL_GUARDED_BY(mutex_);
  std::vector<Request> posted_ ABSL_GUARDED_BY(mutex_);
};

constexpr WallTime kTestNow = WallFromMillis(1'767'225'600'000);  // 2026-01-01T00:00:00Z

// A healthy host of pool web, rack r1, heard of one second ago, with 14 tasks.
inline HostRecord TestHost(std::string name) {
  HostRecord record;
  record.facts.host = HostId(std::move(name));
  record.facts.cell = "c1";
  record.facts.pool = "web";
  record.facts.rack = "r1";
  record.facts.zone = "z1";
  record.facts.kernel = "6.1.99";
  record.facts.image = "img";
  record.facts.agent_version = "0.1.0";
  record.facts.boot_id = "boot-1";
  record.facts_known = true;
  record.since = kTestNow - Hours(1);
  record.seen_at = kTestNow - Seconds(1);
  record.revision = 4;
  record.acknowledged = 4;
  record.tasks_left = 14;
  record.tasks_total = 14;
  return record;
}

inline FleetSnapshot TestFleet(const std::vector<HostRecord>& hosts) {
  FleetSnapshot fleet;
  fleet.epoch = 3;
  fleet.now = kTestNow;
  fleet.leader = true;
  fleet.mode = Mode::kAuto;
  fleet.hold_file = "/run/fleetmedic/HOLD";
  fleet.oldest_seen_at = kTestNow - Seconds(1);
  for (const HostRecord& record : hosts) {
    fleet.hosts[record.facts.host] = std::make_shared<const HostRecord>(record);
  }
  return fleet;
}

}  // namespace fleetmedic

#endif  // FLEETMEDIC_CONSOLE_FAKE_REMEDIATOR_H_
