// One message for what belongs together, few messages for much, and a digest of the rest. Pure:
// events and `now` in, messages out.
#ifndef FLEETMEDIC_NOTIFY_GROUPING_H_
#define FLEETMEDIC_NOTIFY_GROUPING_H_

#include <map>
#include <string>
#include <vector>

#include "config/notify_config.h"
#include "notify/event.h"
#include "notify/message.h"

namespace fleetmedic {

// A page is told `gather` after its first event, with what came meanwhile; later events of the same
// key at most once in `window`; an acknowledgement and an end at once. No more than
// messages_per_minute_max of these in any minute: when there are more keys to tell of, the last of
// them are folded into one message, a storm, which ends when all of its keys have. What calls
// nobody is told together every digest_every.
//
// Not synchronised. The same events at the same times give the same messages.
class Grouping {
 public:
  // Keys that are followed; past it one that was told and is silent the longest is forgotten, and
  // its end is not told. Where none was told yet, further ones are counted in the next storm.
  static constexpr size_t kGroupsMax = 2000;
  // Lines of one digest that differ; further ones are counted.
  static constexpr size_t kDigestLinesMax = 200;

  explicit Grouping(const NotifyConfig& config) : config_(config) {}

  void Take(const NotifyEvent& event, WallTime now);
  // The messages that are due, the most urgent first.
  std::vector<NotifyMessage> Due(WallTime now);
  // When Due may have something; kWallNever: not before the next event.
  WallTime NextDue(WallTime now) const;

  size_t groups() const { return groups_.size(); }

  // Everything, for a restart.
  Json ToJson() const;
  // Replaces everything. On an error nothing is changed.
  Status Restore(const Json& json);

 private:
  struct Group {
    NotifyEvent newest;
    WallTime first_at = kWallNever;
    uint64_t events = 0;
    BlastRadius blast;
    bool untold = false;  // there is something to tell
    bool told = false;
    bool acknowledge = false;   // to be told
    bool acknowledged = false;  // was told
    bool ended = false;
    WallTime due_at = kWallNever;
    WallTime told_at = kWallNever;
    std::string storm;     // the storm that it was told in; empty: in its own name
    uint64_t members = 0;  // of a storm: those that have not ended
  };
  using Groups = std::map<std::string, Group>;

  struct DigestLine {
    std::string text;
    uint64_t count = 0;
  };

  friend class GroupingCodec;  // grouping_state.cc
  void TakePage(const NotifyEvent& event, WallTime now);
  void TakeEnd(const NotifyEvent& event, WallTime now);
  void TakeAcknowledgement(const NotifyEvent& event, WallTime now);
  void TakeNote(const NotifyEvent& event, WallTime now);
  // False where every key that is followed still has to be told.
  bool MakeRoom();
  // The group is told in another way than in its storm from now on.
  void LeaveStorm(Group* group, WallTime now);
  bool IsDue(const Group& group, WallTime now) const;
  // How many more may be told now.
  size_t Budget(WallTime now) const;
  NotifyMessage Tell(Groups::iterator at, WallTime now);
  NotifyMessage TellStorm(const std::vector<Groups::iterator>& folded, WallTime now);
  NotifyMessage Digest(WallTime now);
  void MemberEnded(const std::string& storm, WallTime now);
  std::string NextId(WallTime now);

  NotifyConfig config_;
  Groups groups_;
  std::vector<WallTime> told_;                // within the last minute, the oldest first
  std::map<std::string, DigestLine> digest_;  // by key and title
  uint64_t digest_more_ = 0;
  WallTime digest_first_at_ = kWallNever;
  uint64_t untracked_ = 0;  // pages of keys for which there was no room
  uint64_t last_number_ = 0;
};

}  // namespace fleetmedic

#endif  // FLEETMEDIC_NOTIFY_GROUPING_H_
