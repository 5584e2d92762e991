// Stage two of the stream as a role: counts of patterns in, fleet issues out.
//
// Any number of processes share the partitions of fleetmedic.counts as one group; what they know of
// a partition is in a store of that partition (stream/fleet_shard.h), whose lease says who may
// write it. A process that takes a partition over reads the last hour of its counts again before it
// goes on; until then its issues stand as they were told.
#ifndef FLEETMEDIC_STREAM_FLEET_ROLE_H_
#define FLEETMEDIC_STREAM_FLEET_ROLE_H_

#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/inbox.h"
#include "base/metrics.h"
#include "base/role.h"
#include "eventlog/event_log.h"
#include "stream/fleet_hosts.h"
#include "stream/fleet_shard.h"

namespace fleetmedic {

class FleetRole final : public Role {
 public:
  static constexpr std::string_view kGroup = "fleet";
  // Of one topic in one turn.
  static constexpr size_t kRecordsPerTurn = 1000;
  static constexpr Millis kPollEvery = Seconds(1);

  // Not owned; stays as long as the role. `wake` is the loop's, or empty; it is called from any
  // thread. `open_store` is called once for each partition that comes to us.
  struct Parts {
    const Clock* clock = nullptr;
    EventLog* log = nullptr;
    Metrics* metrics = nullptr;
    std::function<void()> wake;
    std::function<Result<std::unique_ptr<Store>>(int32_t partition)> open_store;
    std::string owner;
    std::set<std::string> rules;  // that are in use
    FleetWatchOptions watch;
    Millis lease_ttl = Seconds(10);
  };

  explicit FleetRole(Parts parts);
  ~FleetRole() override;

  std::string_view name() const override { return "fleet"; }
  void Turn(MonoTime now) override;
  MonoTime NextWake() const override { return next_wake_; }

  // Other rules are in use: what is of those that are not among them ends with the next turn. From
  // any thread. False where turns do not keep up.
  bool UseRules(std::set<std::string> rules) { return new_rules_.Post(std::move(rules)); }

  // For tests, on the role's thread: of a partition that is ours and read up to here.
  const FleetWatch* watch(int32_t partition) const;

 private:
  struct Owned {
    std::unique_ptr<FleetShard> shard;
    // What a predecessor had read already, up to where the group stands; null when that is done.
    std::unique_ptr<Reader> replay;
    int64_t replay_to = 0;
    bool replayed = false;
    int64_t committed = 0;  // from there on its successor reads, whatever was kept
  };

  void TakeRules();
  Status OpenReaders();
  Status CommitPlace();
  // Facts, tasks and beats. True: there is more.
  Result<bool> ReadHosts();
  // Makes and drops shards as the group's partitions come and go. False where one does not lead.
  Result<bool> TakePartitions(MonoTime now);
  Result<bool> Replay(int32_t partition, Owned* owned);
  Result<bool> ReadCounts();
  void TakeCount(const LogRecord& record, FleetShard* shard);
  // What another partition's watch expects of a template that is this one now.
  void InheritFromOthers(const PatternCount& count, FleetWatch* watch);
  Status Settle(WallTime now);
  Status Tell(FleetShard* shard);
  Status TellDeadLetters();
  void EndMinutes(WallTime now);
  void Show();

  const Parts parts_;
  Inbox<std::set<std::string>> new_rules_;
  std::set<std::string> rules_;  // in use
  FleetHosts hosts_;
  std::unique_ptr<Reader> facts_;
  bool facts_read_ = false;  // once to their end
  std::unique_ptr<Reader> tasks_;
  std::unique_ptr<Reader> beats_;
  std::unique_ptr<Reader> counts_;
  std::map<int32_t, Owned> owned_;
  // Of partitions that came with what was read of them: the first offset that no shard took yet.
  // Nothing is committed meanwhile.
  std::map<int32_t, int64_t> passed_over_;
  std::vector<Record> dead_letters_;
  bool uncommitted_ = false;
  WallTime minute_ended_ = kWallNever;
  MonoTime commit_due_{};
  MonoTime next_wake_{};

  MetricCounter counts_read_;
  MetricCounter counts_unreadable_;
  MetricCounter issues_told_;
  MetricCounter issues_dropped_;
  MetricCounter cohorts_unkept_;
  MetricCounter errors_;
  MetricGauge issues_open_;
  MetricGauge patterns_;
  MetricGauge hosts_known_;
  MetricGauge hosts_reporting_;
  MetricGauge memory_;
  MetricGauge lag_seconds_;
  uint64_t issues_dropped_told_ = 0;
  uint64_t cohorts_unkept_told_ = 0;
  // Last: its end stops the wakes before anything that they could meet is gone.
  std::unique_ptr<Subscription> subscription_;
};

}  // namespace fleetmedic

#endif  // FLEETMEDIC_STREAM_FLEET_ROLE_H_
