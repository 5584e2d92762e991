#include "eventlog/memory_event_log.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "eventlog/append_limits.h"
#include "eventlog/partition_of.h"
#include "eventlog/wake_list.h"

namespace fleetmedic {
namespace {

struct Stored {
  Record record;
  int64_t sequence = 0;  // of the append within the topic, over all partitions
};

struct Partition {
  std::map<int64_t, Stored> records;                   // by offset
  std::map<std::string, int64_t, std::less<>> newest;  // of compacted topics: offset by key
  int64_t head = 0;

  int64_t oldest() const { return records.empty() ? head : records.begin()->first; }
};

// The readers of one group that are open now share the partitions in the order they came.
struct Group {
  std::map<int32_t, int64_t> committed;
  std::vector<int64_t> readers;

  bool Owns(int64_t reader, int32_t partition) const {
    const auto place = std::find(readers.begin(), readers.end(), reader) - readers.begin();
    return partition % static_cast<int32_t>(readers.size()) == place;
  }
};

struct TopicState {
  std::vector<Partition> partitions;
  std::map<std::string, Group, std::less<>> groups;
  size_t records = 0;
  int64_t next_sequence = 0;
};

using Offsets = std::map<int32_t, int64_t>;

std::vector<Position> PositionsOf(const Offsets& offsets) {
  std::vector<Position> positions;
  for (const auto& [partition, offset] : offsets) positions.push_back({partition, offset});
  return positions;
}

}  // namespace

class MemoryEventLog::State {
 public:
  State(const Clock& clock, const Options& options) : clock_(clock), options_(options) {
    FLEETMEDIC_CHECK(options.partitions >= 1 && options.records_per_topic_max >= 1);
  }

  void Append(Topic topic, std::span<const Record> records);
  std::vector<LogRecord> Poll(Topic topic, size_t records_max, Offsets* next);
  Reader::Lag Behind(Topic topic, const Offsets& offsets);
  // Where a reader that keeps its own offsets starts.
  Result<Offsets> StartAt(Topic topic, std::span<const Position> positions);

  int64_t Join(Topic topic, std::string_view group);
  void Leave(Topic topic, std::string_view group, int64_t reader);
  // Brings `next` to what `reader` owns now; partitions that it gained start at the last commit.
  void Assign(Topic topic, std::string_view group, int64_t reader, Offsets* next);
  void Commit(Topic topic, std::string_view group, int64_t reader, const Offsets& next);

  int64_t dropped() const {
    absl::MutexLock lock(&mutex_);
    return dropped_;
  }
  const Options& options() const { return options_; }
  WakeList wakes;

 private:
  TopicState& Of(Topic topic) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    TopicState& state = topics_[topic];
    if (state.partitions.empty()) state.partitions.resize(PartitionCount());
    return state;
  }
  size_t PartitionCount() const { return static_cast<size_t>(options_.partitions); }
  static Partition& At(TopicState& topic, int32_t partition) {
    return topic.partitions[static_cast<size_t>(partition)];
  }
  void AppendOne(Topic topic, const Record& record, WallTime now, TopicState* state)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void DropOldest(TopicState* state) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const Clock& clock_;
  const Options options_;
  mutable absl::Mutex mutex_;
  std::map<Topic, TopicState> topics_ ABSL_GUARDED_BY(mutex_);
  int64_t next_reader_ ABSL_GUARDED_BY(mutex_) = 1;
  int64_t dropped_ ABSL_GUARDED_BY(mutex_) = 0;
};

void MemoryEventLog::State::Append(Topic topic, std::span<const Record> records) {
  absl::MutexLock lock(&mutex_);
  TopicState& state = Of(topic);
  const WallTime now = clock_.Wall();
  for (const Record& record : records) AppendOne(topic, record, now, &state);
}

void MemoryEventLog::State::AppendOne(Topic topic, const Record& record, WallTime now,
                                      TopicState* state) {
  Partition& partition = At(*state, PartitionOf(record.key, options_.partitions));
  Stored stored{record, state->next_sequence++};
  if (record.timestamp == kWallNever) stored.record.timestamp = now;
  const int64_t offset = partition.head++;
  partition.records.emplace_hint(partition.records.end(), offset, std::move(stored));
  ++state->records;
  if (IsCompacted(topic)) {
    const auto [newest, first] = partition.newest.try_emplace(record.key, offset);
    if (first) return;
    partition.records.erase(std::exchange(newest->second, offset));
    --state->records;
  } else if (state->records > options_.records_per_topic_max) {
    DropOldest(state);
  }
}

void MemoryEventLog::State::DropOldest(TopicState* state) {
  Partition* oldest = nullptr;
  for (Partition& partition : state->partitions) {
    if (partition.records.empty()) continue;
    if (oldest == nullptr ||
        partition.records.begin()->second.sequence < oldest->records.begin()->second.sequence) {
      oldest = &partition;
    }
  }
  oldest->records.erase(oldest->records.begin());
  --state->records;
  ++dropped_;
}

std::vector<LogRecord> MemoryEventLog::State::Poll(Topic topic, size_t records_max, Offsets* next) {
  absl::MutexLock lock(&mutex_);
  TopicState& state = Of(topic);
  std::vector<LogRecord> polled;
  for (auto& [partition, offset] : *next) {
    const Partition& from = At(state, partition);
    for (auto it = from.records.lower_bound(offset);
         it != from.records.end() && polled.size() < records_max; ++it) {
      polled.push_back({it->second.record, partition, it->first});
      offset = it->first + 1;
    }
  }
  return polled;
}

Reader::Lag MemoryEventLog::State::Behind(Topic topic, const Offsets& offsets) {
  absl::MutexLock lock(&mutex_);
  TopicState& state = Of(topic);
  Reader::Lag lag;
  for (const auto& [partition, offset] : offsets) {
    const Partition& of = At(state, partition);
    const auto first = of.records.lower_bound(offset);
    if (first == of.records.end()) continue;
    lag.records += of.head - first->first;
    const WallTime oldest = first->second.record.timestamp;
    lag.oldest = lag.oldest == kWallNever ? oldest : std::min(lag.oldest, oldest);
  }
  return lag;
}

Result<Offsets> MemoryEventLog::State::StartAt(Topic topic, std::span<const Position> positions) {
  absl::MutexLock lock(&mutex_);
  TopicState& state = Of(topic);
  Offsets offsets;
  for (int32_t p = 0; p < options_.partitions; ++p) offsets[p] = At(state, p).oldest();
  for (const Position& position : positions) {
    const auto place = offsets.find(position.partition);
    if (place == offsets.end()) {
      return Fail(Code::kInvalidArgument,
                  fmt::format("{} has {} partitions, none is number {}", TopicName(topic),
                              offsets.size(), position.partition));
    }
    if (position.offset > At(state, position.partition).head) continue;
    place->second = std::max(place->second, position.offset);
  }
  return offsets;
}

int64_t MemoryEventLog::State::Join(Topic topic, std::string_view group) {
  absl::MutexLock lock(&mutex_);
  Of(topic).groups[std::string(group)].readers.push_back(next_reader_);
  return next_reader_++;
}

void MemoryEventLog::State::Leave(Topic topic, std::string_view group, int64_t reader) {
  absl::MutexLock lock(&mutex_);
  std::erase(Of(topic).groups.find(group)->second.readers, reader);
}

void MemoryEventLog::State::Assign(Topic topic, std::string_view group, int64_t reader,
                                   Offsets* next) {
  absl::MutexLock lock(&mutex_);
  TopicState& state = Of(topic);
  const Group& of = state.groups.find(group)->second;
  for (int32_t p = 0; p < options_.partitions; ++p) {
    if (!of.Owns(reader, p)) {
      next->erase(p);
    } else if (!next->contains(p)) {
      const auto committed = of.committed.find(p);
      (*next)[p] = committed == of.committed.end() ? At(state, p).oldest() : committed->second;
    }
  }
}

void MemoryEventLog::State::Commit(Topic topic, std::string_view group, int64_t reader,
                                   const Offsets& next) {
  absl::MutexLock lock(&mutex_);
  Group& of = Of(topic).groups.find(group)->second;
  for (const auto& [partition, offset] : next) {
    if (!of.Owns(reader, partition)) continue;
    // Never back: another reader may have had the partition in between.
    int64_t& committed = of.committed[partition];
    committed = std::max(committed, offset);
  }
}

class MemoryEventLog::GroupReader final : public Reader {
 public:
  GroupReader(State* state, Topic topic, std::string_view group)
      : state_(*state), topic_(topic), group_(group), id_(state->Join(topic, group)) {
    state_.Assign(topic_, group_, id_, &next_);
  }
  ~GroupReader() override { state_.Leave(topic_, group_, id_); }

  Result<std::vector<LogRecord>> Poll(size_t records_max) override {
    state_.Assign(topic_, group_, id_, &next_);
    return state_.Poll(topic_, records_max, &next_);
  }
  Status Commit() override {
    state_.Commit(topic_, group_, id_, next_);
    return {};
  }
  std::vector<Position> Positions() const override { return PositionsOf(next_); }
  Result<Lag> Behind() const override { return state_.Behind(topic_, next_); }

 private:
  State& state_;
  const Topic topic_;
  const std::string group_;
  const int64_t id_;
  Offsets next_;
};

class MemoryEventLog::OwnReader final : public Reader {
 public:
  OwnReader(State* state, Topic topic, Offsets next)
      : state_(*state), topic_(topic), next_(std::move(next)) {}

  Result<std::vector<LogRecord>> Poll(size_t records_max) override {
    return state_.Poll(topic_, records_max, &next_);
  }
  Status Commit() override {
    return Fail(Code::kInvalidArgument,
                "commit by a reader whose owner keeps the offsets: open it by a group");
  }
  std::vector<Position> Positions() const override { return PositionsOf(next_); }
  Result<Lag> Behind() const override { return state_.Behind(topic_, next_); }

 private:
  State& state_;
  const Topic topic_;
  Offsets next_;
};

MemoryEventLog::MemoryEventLog(const Clock& clock, const Options& options)
    : state_(std::make_unique<State>(clock, options)) {}
MemoryEventLog::~MemoryEventLog() = default;

Status MemoryEventLog::Append(Topic topic, std::span<const Record> records) {
  FLEETMEDIC_RETURN_IF_ERROR(CheckAppend(topic, records));
  if (records.empty()) return {};
  state_->Append(topic, records);
  state_->wakes.Wake(topic);
  return {};
}

Result<std::unique_ptr<Reader>> MemoryEventLog::Open(Topic topic, std::string_view group) {
  FLEETMEDIC_RETURN_IF_ERROR(CheckGroup(group));
  return std::make_unique<GroupReader>(state_.get(), topic, group);
}

Result<std::unique_ptr<Reader>> MemoryEventLog::OpenAt(Topic topic,
                                                       std::span<const Position> positions) {
  FLEETMEDIC_ASSIGN_OR_RETURN(Offsets next, state_->StartAt(topic, positions));
  return std::make_unique<OwnReader>(state_.get(), topic, std::move(next));
}

Result<std::unique_ptr<Reader>> MemoryEventLog::OpenPartition(Topic topic, Position from) {
  FLEETMEDIC_ASSIGN_OR_RETURN(Offsets next, state_->StartAt(topic, {&from, 1}));
  std::erase_if(next, [&](const auto& entry) { return entry.first != from.partition; });
  return std::make_unique<OwnReader>(state_.get(), topic, std::move(next));
}

std::unique_ptr<Subscription> MemoryEventLog::Subscribe(std::span<const Topic> topics,
                                                        std::function<void()> wake) {
  return state_->wakes.Add(topics, std::move(wake));
}

int64_t MemoryEventLog::records_dropped() const { return state_->dropped(); }

}  // namespace fleetmedic
