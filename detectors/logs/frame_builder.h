// Lines of many sources, joined into frames, with a cap on the rate of each source; the same line
// again and again is one line with a count. Pure.
#ifndef FLEETMEDIC_DETECTORS_LOGS_FRAME_BUILDER_H_
#define FLEETMEDIC_DETECTORS_LOGS_FRAME_BUILDER_H_

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"
#include "model/log_frame.h"

namespace fleetmedic {

// What was lost of one source.
struct LostLines {
  uint64_t lines = 0;  // since the start of the agent
  MonoTime last{};

  bool operator==(const LostLines&) const = default;
};

using LostBySource = std::map<std::string, LostLines, std::less<>>;

// Owned by one thread.
class FrameBuilder {
 public:
  // Past this many sources at once, lines are of the source "other", which no rule trusts.
  static constexpr size_t kSourcesMax = 256;
  // A line that repeats the one before it is only counted: in the frame where that still waits,
  // else once more when another line comes or after this time. Longer lines are not compared.
  static constexpr Millis kRepeatsAfter = Seconds(1);
  static constexpr size_t kRepeatBytesMax = 1024;

  struct Options {
    HostId host;
    int64_t lines_per_second_max = 2000;
    Millis flush_after = Millis(100);
  };

  explicit FrameBuilder(Options options) : options_(std::move(options)) {}

  // For the frames that are made from now on.
  void SetBoot(std::string boot_id) { boot_id_ = std::move(boot_id); }

  // False when the source's share of this second is used up: the line is counted as lost. A repeat
  // takes no share.
  bool Add(std::string_view source, std::string_view line, MonoTime now, WallTime wall,
           LineLevel level = LineLevel::kUnknown);

  // The cgroup of a process that the line which was added last names; nothing for an empty path.
  void AddCgroup(std::string_view source, int pid, const std::string& path);

  void CountLost(std::string_view source, uint64_t lines, MonoTime now);

  // When Take is due: flush_after from the first line that waits, or at once when much waits; for
  // counted repeats when their time has come; kMonoForever when nothing waits.
  MonoTime FlushDue() const { return flush_due_; }

  // All that waits, counted repeats too, as frames; lines of one source keep their order.
  std::vector<LogFrame> Take();

  const LostBySource& lost() const { return lost_; }

 private:
  struct Source {
    MonoTime second_start{};
    int64_t lines = 0;  // in this second
    // The line before, when it was shipped or put where it waits, and how often it came since.
    std::string last;
    LineLevel last_level = LineLevel::kUnknown;
    MonoTime last_at{};
    WallTime held_at = kWallNever;
    uint64_t held = 0;
    LogFrame frame;             // that waits, where it has lines
    LostLines* lost = nullptr;  // in lost_, once there are any
  };
  using Sources = std::map<std::string, Source, std::less<>>;

  Sources::value_type& Find(std::string_view source, MonoTime now);
  // Whether the line was counted and needs nothing more.
  bool CountRepeat(std::string_view line, WallTime wall, Source* source);
  void Release(const std::string& name, Source* source);
  void Append(const std::string& name, std::string_view line, uint64_t times, WallTime wall,
              LineLevel level, Source* source);
  void MakeRoom(const std::string& name, size_t line_bytes, WallTime wall, Source* source);
  LostLines& LostOf(std::string_view source);

  const Options options_;
  std::string boot_id_;
  MonoTime flush_due_ = kMonoForever;
  std::vector<LogFrame> full_;
  Sources known_;
  Sources::value_type* recent_ = nullptr;  // in known_: most lines are of the source before them
  LostBySource lost_;
};

}  // namespace fleetmedic

#endif  // FLEETMEDIC_DETECTORS_LOGS_FRAME_BUILDER_H_
