#include "eventlog/sqlite_log_reader.h"

#include <fcntl.h>

#include <cerrno>
#include <utility>

namespace fleetmedic {
namespace {

Result<std::vector<LogRecord>> ReadOn(SqliteLogFile* file, Topic topic, size_t records_max,
                                      int64_t* next) {
  if (records_max == 0) return std::vector<LogRecord>();
  FLEETMEDIC_ASSIGN_OR_RETURN(std::vector<LogRecord> records,
                              file->Read(topic, *next, records_max, kPollBytesMax));
  if (!records.empty()) *next = records.back().offset + 1;
  return records;
}

}  // namespace

Result<GroupClaim> GroupClaim::Open(const std::string& path, int64_t group_id) {
  UniqueFd fd(open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644));
  if (!fd.ok()) return FailErrno("open " + path, errno);
  return GroupClaim(std::move(fd), group_id);
}

Result<bool> GroupClaim::Try() {
  if (held_) return true;
  // Of the open file, not of the process: two readers in one process exclude each other too.
  struct flock lock {};
  lock.l_type = F_WRLCK;
  lock.l_whence = SEEK_SET;
  lock.l_start = group_id_;
  lock.l_len = 1;
  if (fcntl(fd_.get(), F_OFD_SETLK, &lock) == 0) return held_ = true;
  if (errno == EAGAIN || errno == EACCES) return false;
  return FailErrno("lock a group of readers", errno);
}

Result<std::vector<LogRecord>> SqliteOwnReader::Poll(size_t records_max) {
  return ReadOn(&file_, topic_, records_max, &next_);
}

Status SqliteOwnReader::Commit() {
  return Fail(Code::kInvalidArgument,
              "commit by a reader whose owner keeps the offsets: open it by a group");
}

Result<bool> SqliteGroupReader::Claim() {
  if (next_) return true;
  FLEETMEDIC_ASSIGN_OR_RETURN(const bool claimed, claim_.Try());
  if (!claimed) return false;
  // Read after the claim: until then its holder may have committed.
  FLEETMEDIC_ASSIGN_OR_RETURN(const auto offset, file_.GroupOffset(group_id_));
  committed_ = offset.value_or(0);
  next_ = committed_;
  return true;
}

Result<std::vector<LogRecord>> SqliteGroupReader::Poll(size_t records_max) {
  FLEETMEDIC_ASSIGN_OR_RETURN(const bool claimed, Claim());
  if (!claimed) return std::vector<LogRecord>();
  return ReadOn(&file_, topic_, records_max, &*next_);
}

Status SqliteGroupReader::Commit() {
  if (!next_ || *next_ == committed_) return {};
  FLEETMEDIC_RETURN_IF_ERROR(commit_(group_id_, *next_));
  committed_ = *next_;
  return {};
}

std::vector<Position> SqliteGroupReader::Positions() const {
  if (!next_) return {};
  return {{0, *next_}};
}

Result<Reader::Lag> SqliteGroupReader::Behind() const {
  if (!next_) return Lag{};
  return file_.Behind(topic_, *next_);
}

}  // namespace fleetmedic
