// What could not be given to the event log yet, on the host's disk: log frames in order, bounded,
// and the newest state per key.
#ifndef FLEETMEDIC_DETECTORS_REPORT_SPOOL_H_
#define FLEETMEDIC_DETECTORS_REPORT_SPOOL_H_

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/file.h"
#include "base/result.h"
#include "eventlog/event_log.h"

namespace fleetmedic {

// A record of fleetmedic.logs with the count of its lines.
struct SpooledFrame {
  Record record;
  uint32_t lines = 0;

  bool operator==(const SpooledFrame&) const = default;
};

// A record of another topic that stands for the newest state of `key`: a later one replaces it.
struct SpooledState {
  Topic topic = Topic::kHealth;
  std::string key;
  Record record;

  bool operator==(const SpooledState&) const = default;
};

// Owned by one thread. Blocks on the disk.
//
// In its folder: frames-NNNNNNNNNN.seg, each a row of records (u32 length, u32 CRC-32C, payload;
// little endian), written at the end of the newest only and fsync'd before PushFrames returns; the
// file `head` with the place of the oldest frame that is not yet acknowledged; `states`, the newest
// state per key, replaced whole. A torn or damaged tail is cut at the next start.
class Spool {
 public:
  struct Options {
    std::string folder;
    // Of frames on the disk. At the limit the oldest segment goes, a sixteenth of it.
    int64_t bytes_max = int64_t{64} << 20;
  };

  // Makes the folder, takes its lock (kBusy when another agent has it) and reads what is there.
  static Result<std::unique_ptr<Spool>> Open(Options options);
  ~Spool();

  // All of them, durable when it returns; on an error none. kFull: no space on the disk.
  Status PushFrames(std::span<const SpooledFrame> frames);

  // The oldest frames that are not acknowledged, at most `bytes_max` of values but at least one.
  // Damaged ones are skipped and counted. Does not move anything.
  Result<std::vector<SpooledFrame>> PeekFrames(size_t bytes_max);

  // The `count` oldest frames are in the event log: they never come again (after a crash within
  // this call they may). Requires a PeekFrames that returned as many.
  Status AcknowledgeFrames(size_t count);

  bool has_frames() const { return frames_ > 0; }

  // Replaces the states that are kept.
  Status KeepStates(std::span<const SpooledState> states);
  // What was kept by the agent before this one.
  const std::vector<SpooledState>& restored_states() const { return restored_states_; }

  struct Counts {
    int64_t bytes = 0;            // of frames, on the disk
    int64_t frames = 0;           // not yet acknowledged
    uint64_t dropped_frames = 0;  // by the limit, since Open
    uint64_t dropped_lines = 0;
    uint64_t damaged_records = 0;  // cut or skipped, since Open
  };
  Counts counts() const;

 private:
  struct Segment {
    uint64_t number = 0;
    int64_t bytes = 0;
    int64_t frames = 0;  // not acknowledged
    int64_t lines = 0;   // of those
  };
  // Where the next frame to peek stands.
  struct Place {
    uint64_t segment = 0;
    int64_t offset = 0;
    bool operator==(const Place&) const = default;
  };
  // One record as PeekFrames found it: where it ends, and what it was.
  struct Peeked {
    Place end;
    uint32_t lines = 0;
  };

  explicit Spool(Options options, FileLock lock);

  std::string SegmentPath(uint64_t number) const;
  Status Load();
  Status LoadHead();
  Status LoadSegment(uint64_t number);
  void LoadStates();
  Status StartSegment();
  void DropToLimit(int64_t coming_bytes);
  void RemoveSegmentsBefore(uint64_t number);
  Status WriteHead(const Place& place);

  const Options options_;
  const FileLock lock_;
  std::deque<Segment> segments_;  // oldest first; the last is written to
  UniqueFd head_fd_;
  UniqueFd tail_;              // of the last segment, O_APPEND
  bool tail_damaged_ = false;  // a write failed midway: the next goes to a new segment
  uint64_t next_number_ = 1;
  Place head_;  // everything before it is acknowledged
  std::vector<Peeked> peeked_;
  int64_t frames_ = 0;
  Counts counts_;
  std::vector<SpooledState> restored_states_;
};

}  // namespace fleetmedic

#endif  // FLEETMEDIC_DETECTORS_REPORT_SPOOL_H_
