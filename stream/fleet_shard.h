// The durable side of one fleet watch: its lease, what it keeps, and what it tells. One for each
// partition of fleetmedic.counts that this process has.
//
// What changed of an issue is committed before it is told: after a crash it is told again, with the
// same identifier. Windows are not kept: a successor reads the counts of the last hour again, which
// are sets and bear it.
#ifndef FLEETMEDIC_STREAM_FLEET_SHARD_H_
#define FLEETMEDIC_STREAM_FLEET_SHARD_H_

#include <deque>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/clock.h"
#include "eventlog/event_log.h"
#include "store/store.h"
#include "stream/fleet_watch.h"

namespace fleetmedic {

// Owned by one thread.
class FleetShard {
 public:
  struct Parts {
    const Clock* clock = nullptr;
    FleetHosts* hosts = nullptr;  // shared by the shards of a role
    std::string owner;            // who holds the lease; no two processes have the same
    std::set<std::string> rules;  // that are in use
    FleetWatchOptions watch;
    Millis lease_ttl = Seconds(10);
  };

  FleetShard(int32_t partition, std::unique_ptr<Store> store, Parts parts);
  ~FleetShard();  // gives the lease back

  // Takes or renews the lease. True: it is ours, and what was kept is loaded. An error says why it
  // is not, kBusy where another holds it.
  Result<bool> Lead(MonoTime now);
  bool leading() const { return watch_ != nullptr; }
  // The first offset of fleetmedic.counts that a successor must read again; none where nothing was
  // kept.
  std::optional<int64_t> replay_from() const { return replay_from_; }

  // Others are in use now.
  void UseRules(const std::set<std::string>& rules);

  // Requires leading().
  FleetWatch& watch() { return *watch_; }
  // Where the counts are read now: kept by the minute, for a successor.
  void NotePlace(int64_t offset, WallTime now);
  // Commits what changed; the records of the issues that are to be told are then in ToTell. On
  // kFenced another leads and this one has stepped down.
  Status Commit(WallTime now, uint32_t hosts_reporting, const std::vector<Position>& beats);
  std::vector<Record>& to_tell() { return to_tell_; }
  // Of those that report beats, where the predecessor stood; empty where nothing was kept.
  const std::vector<Position>& beats() const { return beats_; }

 private:
  Status Load();
  Status LoadIssues(FleetWatch* watch, WallTime now);
  void StepDown();
  Status CommitRows(const std::vector<FleetIssue>& issues, bool patterns, uint32_t hosts_reporting,
                    const std::vector<Position>& beats);

  struct Place {
    WallTime at = kWallNever;
    int64_t offset = 0;
  };

  const int32_t partition_;
  const std::unique_ptr<Store> store_;
  Parts parts_;
  std::optional<Lease> lease_;
  MonoTime renew_at_{};
  MonoTime lost_at_{};
  std::unique_ptr<FleetWatch> watch_;
  std::optional<int64_t> replay_from_;
  std::vector<Position> beats_;
  std::deque<Place> places_;
  WallTime patterns_due_ = kWallNever;
  // Changes that a commit failed to keep, for the next.
  std::vector<FleetIssue> unkept_;
  std::vector<FleetWatch::Saved> unkept_patterns_;
  std::set<std::string> unkept_removed_;
  std::vector<std::string> closed_;  // told; their rows can go
  std::vector<Record> to_tell_;
};

}  // namespace fleetmedic

#endif  // FLEETMEDIC_STREAM_FLEET_SHARD_H_
