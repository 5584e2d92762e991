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

struct Record {
  // Records of one key keep their order. A host id for most topics.
  std::string key;
  std::string value;
  // Short texts beside the value, in order; at most kHeadersMax.
  std::vector<std::pair<std::string, std::string>> headers;
  // When it was made, by the writer's clock.
  WallTime timestamp = kWallNever;

  static constexpr size_t kValueBytesMax = size_t{1} << 20;
  static constexpr size_t kKeyBytesMax = 256;
  static constexpr size_t kHeadersMax = 16;

  bool operator==(const Record&) const = default;
};

// The first value of a header; empty where there is none.
std::string_view HeaderOf(const Record& record, std::string_view name);

// A place between records: everything before `offset` of `partition` was read.
struct Position {
  int32_t partition = 0;
  int64_t offset = 0;

  auto operator<=>(const Position&) const = default;
};

struct LogRecord {
  Record record;
  int32_t partition = 0;
  int64_t offset = 0;       // grows within a partition; may leave gaps
};

// Owned by one thread.
class Reader {
 public:
  virtual ~Reader() = default;

  // The next records in order, at most `records_max`, without waiting: empty at the head. Moves
  // the reader past them. kUnavailable and the like leave the reader where it was.
  virtual Result<std::vector<LogRecord>> Poll(size_t records_max) = 0;

  // For readers of a group: what was polled so far is done; a reader of the same group that opens
  // later starts after it. kInvalidArgument for a reader from OpenAt, whose owner keeps offsets.
  virtual Status Commit() = 0;

  // Where Poll reads next, one for each partition that this reader has.
  virtual std::vector<Position> Positions() const = 0;

  // Records between here and the head, and the age of the oldest of them by its timestamp (zero
  // at the head).
  struct Lag {
    int64_t records = 0;
    WallTime oldest = kWallNever;   // kWallNever at the head
  };
  virtual Result<Lag> Behind() const = 0;
};

// Thread-safe.
class EventLog {
 public:
  virtual ~EventLog() = default;

  // All of the records, in order, durable when it returns; on an error none or, with
  // kDeadlineExceeded and kIo, perhaps all: repeat with the same content, readers bear duplicates.
  // kInvalidArgument where a record passes a limit; kFull where the disk or the quota is;
  // kUnavailable and kBusy where the log cannot be reached now.
  virtual Status Append(Topic topic, std::span<const Record> records) = 0;

  // A reader that shares the topic's partitions with the others of its group. Starts at the
  // group's last commit; where there is none, at the oldest record.
  virtual Result<std::unique_ptr<Reader>> Open(Topic topic, std::string_view group) = 0;

  // A reader whose owner keeps the offsets, in its own store and transaction. It starts at the
  // positions given; a partition that is not named starts at its oldest record. A position older
  // than what is kept starts at the oldest that is.
  virtual Result<std::unique_ptr<Reader>> OpenAt(Topic topic,
                                                 std::span<const Position> positions) = 0;

  // `wake` is called after records came into any of the topics, by this process or by another,
  // from any thread, as soon as the engine knows; spurious and merged calls are possible. It must
  // not block. Calls end when the returned handle is destroyed.
  virtual std::unique_ptr<class Subscription> Subscribe(std::span<const Topic> topics,
                                                        std::function<void()> wake) = 0;
};

class Subscription {
 public:
  virtual ~Subscription() = default;
};

}  // namespace fleetmedic

#endif  // FLEETMEDIC_EVENTLOG_EVENT_LOG_H_
