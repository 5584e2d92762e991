// The log through which the roles meet: at least once, ordered per key.
#ifndef FLEETMEDIC_EVENTLOG_EVENT_LOG_H_
#define FLEETMEDIC_EVENTLOG_EVENT_LOG_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "model/topic.h"

namespace fleetmedic {

class Json;

struct Record {
  // Records of one key keep their order. A host id for most topics.
  std::string key;
  std::string value;
  // Short texts beside the value, in order; at most kHeadersMax.
  std::vector<std::pair<std::string, std::string>> headers;
  // When it was made, by the writer's clock; the log puts its own time where there is none.
  WallTime timestamp = kWallNever;

  static constexpr size_t kValueBytesMax = size_t{1} << 20;
  static constexpr size_t kKeyBytesMax = 256;
  static constexpr size_t kHeadersMax = 16;
  // Names and values of one record's headers together.
  static constexpr size_t kHeaderBytesMax = size_t{16} << 10;

  bool operator==(const Record&) const = default;
};

// The first value of a header; empty where there is none. A view into the record.
std::string_view HeaderOf(const Record& record, std::string_view name);

// Limits of one Append.
constexpr size_t kAppendRecordsMax = 65'536;
constexpr size_t kAppendBytesMax = size_t{64} << 20;

// Topics of which the log keeps, for each key, the newest record for ever and the others only for
// a while: hosts and issues. The others lose their oldest records by age and size.
bool IsCompacted(Topic topic);

// A place between records: everything before `offset` of `partition` was read.
struct Position {
  int32_t partition = 0;
  int64_t offset = 0;

  auto operator<=>(const Position&) const = default;
};

// {"partition": 0, "offset": 17}: how owners of offsets keep them.
Json ToJson(const Position& position);
Result<Position> PositionFromJson(const Json& json);

struct LogRecord {
  Record record;
  int32_t partition = 0;
  int64_t offset = 0;  // grows within a partition; may leave gaps
};

// Owned by one thread. Ends before its log does.
class Reader {
 public:
  virtual ~Reader() = default;

  // The next records in order, at most `records_max`, without waiting: empty at the head. Moves
  // the reader past them. kUnavailable and the like leave the reader where it was.
  virtual Result<std::vector<LogRecord>> Poll(size_t records_max) = 0;

  // For readers of a group: what was polled so far is done; a reader of the same group that opens
  // later, or takes over a partition, starts after it. Partitions that went to another reader in
  // the meantime are left to that one. kInvalidArgument for a reader from OpenAt, whose owner
  // keeps the offsets.
  virtual Status Commit() = 0;

  // Where Poll reads next, one for each partition that this reader has.
  virtual std::vector<Position> Positions() const = 0;

  // What lies between here and the head: a count and the timestamp of the first of it. Cheap: the
  // count is the distance of the offsets, so gaps of a compacted topic count too.
  struct Lag {
    int64_t records = 0;
    WallTime oldest = kWallNever;  // kWallNever at the head
  };
  virtual Result<Lag> Behind() const = 0;
};

// Thread-safe.
class EventLog {
 public:
  static constexpr size_t kGroupBytesMax = 128;

  virtual ~EventLog() = default;

  // All of the records, in order, durable when it returns; on an error none or, with
  // kDeadlineExceeded and kIo, perhaps all: repeat with the same content, readers bear duplicates.
  // kInvalidArgument where a record passes a limit; kFull where the disk or the quota is;
  // kUnavailable and kBusy where the log cannot be reached now.
  virtual Status Append(Topic topic, std::span<const Record> records) = 0;

  // A reader that shares the topic's partitions with the others of its group, of this process and
  // of others; it has none while others have them all, and takes over when they end. Starts at
  // the group's last commit; where there is none, at the oldest record. `group` is 1 to
  // kGroupBytesMax bytes.
  virtual Result<std::unique_ptr<Reader>> Open(Topic topic, std::string_view group) = 0;

  // A reader whose owner keeps the offsets, in its own store and transaction. It starts at the
  // positions given; a partition that is not named starts at its oldest record. A position older
  // than what is kept starts at the oldest that is; so does one past the head, for it was taken
  // from another log and duplicates are borne where a hole is not. kInvalidArgument for a
  // partition that does not exist.
  virtual Result<std::unique_ptr<Reader>> OpenAt(Topic topic,
                                                 std::span<const Position> positions) = 0;

  // The same for one partition alone: the reader has no other.
  virtual Result<std::unique_ptr<Reader>> OpenPartition(Topic topic, Position from) = 0;

  // `wake` is called after records came into any of the topics, by this process or by another,
  // from any thread, as soon as the engine knows; spurious and merged calls are possible. It must
  // not block, nor call the log, nor end the subscription. Calls have ended when the destructor of
  // the returned handle returns.
  virtual std::unique_ptr<class Subscription> Subscribe(std::span<const Topic> topics,
                                                        std::function<void()> wake) = 0;
};

class Subscription {
 public:
  virtual ~Subscription() = default;
};

}  // namespace fleetmedic

#endif  // FLEETMEDIC_EVENTLOG_EVENT_LOG_H_
