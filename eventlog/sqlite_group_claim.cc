#include "eventlog/sqlite_group_claim.h"

#include <fcntl.h>

#include <cerrno>
#include <utility>

namespace fleetmedic {
namespace {

// Bytes from here on are seats; those before it are partitions. The file stays empty.
constexpr off_t kSeats = off_t{1} << 40;

struct flock OneByte(short type, off_t byte) {
  struct flock lock {};
  lock.l_type = type;
  lock.l_whence = SEEK_SET;
  lock.l_start = byte;
  lock.l_len = 1;
  return lock;
}

}  // namespace

Result<GroupClaim> GroupClaim::Open(const std::string& path, std::vector<int64_t> ids) {
  FLEETMEDIC_CHECK(!ids.empty());
  UniqueFd fd(open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644));
  if (!fd.ok()) return FailErrno("open " + path, errno);
  return GroupClaim(std::move(fd), std::move(ids));
}

off_t GroupClaim::SeatAt(int seat) const { return kSeats + ids_[0] * kReadersMax + seat; }

// Locks are of the open file, not of the process: two readers in one process exclude each other.
Result<bool> GroupClaim::Lock(off_t byte) const {
  struct flock lock = OneByte(F_WRLCK, byte);
  if (fcntl(fd_.get(), F_OFD_SETLK, &lock) == 0) return true;
  if (errno == EAGAIN || errno == EACCES) return false;
  return FailErrno("lock a group of readers", errno);
}

Status GroupClaim::Unlock(off_t byte) const {
  struct flock lock = OneByte(F_UNLCK, byte);
  if (fcntl(fd_.get(), F_OFD_SETLK, &lock) == 0) return {};
  return FailErrno("unlock a group of readers", errno);
}

Result<bool> GroupClaim::HeldByAnother(off_t byte) const {
  struct flock lock = OneByte(F_WRLCK, byte);
  if (fcntl(fd_.get(), F_OFD_GETLK, &lock) != 0) {
    return FailErrno("look for the readers of a group", errno);
  }
  return lock.l_type != F_UNLCK;
}

Result<size_t> GroupClaim::Share() {
  const size_t partitions = ids_.size();
  if (partitions == 1) return 1;
  for (int seat = 0; seat < kReadersMax && seat_ < 0; ++seat) {
    FLEETMEDIC_ASSIGN_OR_RETURN(const bool seated, Lock(SeatAt(seat)));
    if (seated) seat_ = seat;
  }
  if (seat_ < 0) return 0;
  size_t before = 0;
  size_t readers = 1;
  for (int seat = 0; seat < kReadersMax; ++seat) {
    FLEETMEDIC_ASSIGN_OR_RETURN(const bool another, HeldByAnother(SeatAt(seat)));
    if (!another) continue;
    ++readers;
    if (seat < seat_) ++before;
  }
  // The shares of all readers add up to all partitions.
  return partitions / readers + (before < partitions % readers ? 1 : 0);
}

Status GroupClaim::Settle(absl::FunctionRef<bool(int32_t)> may_give) {
  FLEETMEDIC_ASSIGN_OR_RETURN(const size_t share, Share());
  const auto partitions = static_cast<int32_t>(ids_.size());
  for (int32_t p = partitions - 1; p >= 0 && held_.size() > share; --p) {
    if (!held_.contains(p) || !may_give(p)) continue;
    FLEETMEDIC_RETURN_IF_ERROR(Unlock(ids_[static_cast<size_t>(p)]));
    held_.erase(p);
  }
  for (int32_t p = 0; p < partitions && held_.size() < share; ++p) {
    if (held_.contains(p)) continue;
    FLEETMEDIC_ASSIGN_OR_RETURN(const bool free, Lock(ids_[static_cast<size_t>(p)]));
    if (free) held_.insert(p);
  }
  return {};
}

}  // namespace fleetmedic
