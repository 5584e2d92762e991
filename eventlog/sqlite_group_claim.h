// How the readers of one group share the partitions of a SqliteEventLog, over all processes: by
// locks on single bytes of one file. The kernel takes them back when a process ends, however it
// ends, so nothing has to be renewed or to run out.
#ifndef FLEETMEDIC_EVENTLOG_SQLITE_GROUP_CLAIM_H_
#define FLEETMEDIC_EVENTLOG_SQLITE_GROUP_CLAIM_H_

#include <sys/types.h>

#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
#include "base/result.h"
#include "base/unique_fd.h"

namespace fleetmedic {

// Of one reader; belongs to one thread. Beside a byte for each partition, whose lock is the right
// to read it, there is a row of bytes of which each reader holds one: so the readers count each
// other, and each knows how many partitions are its share. A reader that has more gives up what it
// has committed; one that has less takes what is free. A log of one partition leaves it with who
// has it, and the others wait as spares.
class GroupClaim {
 public:
  // Past it a reader waits as a spare until another ends.
  static constexpr int kReadersMax = 64;

  // `path` is the file of locks, made where there is none; `ids` has the number of each partition's
  // place in this group, which no other group or partition has.
  static Result<GroupClaim> Open(const std::string& path, std::vector<int64_t> ids);
  GroupClaim(GroupClaim&&) noexcept = default;

  const std::set<int32_t>& held() const { return held_; }
  // Moves towards the share, without waiting. `may_give` says of a partition whether it can be
  // given up now.
  Status Settle(absl::FunctionRef<bool(int32_t)> may_give);

 private:
  GroupClaim(UniqueFd fd, std::vector<int64_t> ids) : fd_(std::move(fd)), ids_(std::move(ids)) {}

  // How many partitions are this reader's.
  Result<size_t> Share();
  off_t SeatAt(int seat) const;
  Result<bool> Lock(off_t byte) const;
  Status Unlock(off_t byte) const;
  Result<bool> HeldByAnother(off_t byte) const;

  UniqueFd fd_;  // closed at the end, and the locks with it
  std::vector<int64_t> ids_;
  int seat_ = -1;
  std::set<int32_t> held_;
};

}  // namespace fleetmedic

#endif  // FLEETMEDIC_EVENTLOG_SQLITE_GROUP_CLAIM_H_
