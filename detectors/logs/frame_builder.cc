#include "detectors/logs/frame_builder.h"

#include <algorithm>
#include <utility>

namespace fleetmedic {
namespace {

// Frames are handed on early once this much waits.
constexpr size_t kFullFramesMax = 4;
const std::string kOtherSource = "other";

}  // namespace

bool FrameBuilder::Add(const std::string& source, const std::string& line, MonoTime now,
                       WallTime wall) {
  if (!known_.contains(source) && known_.size() >= kSourcesMax) {
    // Sources that were quiet for a second make room: they have their whole share again.
    std::erase_if(known_, [&](const auto& entry) {
      return entry.second.held == 0 && now - entry.second.second_start >= Seconds(1);
    });
  }
  const bool room = known_.contains(source) || known_.size() < kSourcesMax;
  const std::string& name = room ? source : kOtherSource;
  Source& of = known_[name];
  if (CountRepeat(name, line, wall, &of)) return true;
  Release(name, &of);
  if (now - of.second_start >= Seconds(1) || of.lines == 0) {
    of.second_start = now;
    of.lines = 0;
  }
  if (of.lines >= options_.lines_per_second_max) {
    of.last.clear();
    CountLost(name, 1, now);
    return false;
  }
  ++of.lines;
  Append(name, line, 1, wall);
  if (line.size() <= kRepeatBytesMax) {
    of.last = line;
    of.last_at = now;
  } else {
    of.last.clear();
  }
  flush_due_ = std::min(flush_due_, now + options_.flush_after);
  if (full_.size() >= kFullFramesMax) flush_due_ = now;
  return true;
}

bool FrameBuilder::CountRepeat(const std::string& name, const std::string& line, WallTime wall,
                               Source* source) {
  if (line.empty() || source->last != line) return false;
  const auto open = open_.find(name);
  if (source->held == 0 && open != open_.end() && open->second.lines > 0) {
    // It waits as the last line of its frame.
    std::vector<LogFrame::Repeats>& runs = open->second.repeats;
    const uint32_t last = open->second.lines - 1;
    if (!runs.empty() && runs.back().line == last) {
      ++runs.back().times;
      return true;
    }
    if (runs.size() == LogFrame::kRepeatsMax) return false;
    runs.push_back({last, 2});
    return true;
  }
  ++source->held;
  source->held_at = wall;
  flush_due_ = std::min(flush_due_, source->last_at + kRepeatsAfter);
  return true;
}

void FrameBuilder::Release(const std::string& name, Source* source) {
  if (source->held == 0) return;
  Append(name, source->last, std::exchange(source->held, 0), source->held_at);
}

void FrameBuilder::Append(const std::string& name, std::string_view line, uint64_t times,
                          WallTime wall) {
  LogFrame& frame = FrameOf(name, line.size(), wall);
  frame.text.append(line.substr(0, LogFrame::kLineBytesMax));
  frame.text.push_back('\n');
  if (times > 1) frame.repeats.push_back({frame.lines, times});
  ++frame.lines;
}

LogFrame& FrameBuilder::FrameOf(const std::string& source, size_t line_bytes, WallTime wall) {
  LogFrame& frame = open_[source];
  const bool full = frame.text.size() + line_bytes + 1 > LogFrame::kTextBytesMax ||
                    frame.repeats.size() == LogFrame::kRepeatsMax;
  if (frame.lines > 0 && full) {
    full_.push_back(std::exchange(frame, LogFrame{}));
  }
  if (frame.lines == 0) {
    frame.host = options_.host;
    frame.boot_id = boot_id_;
    frame.source = source;
    frame.first_at = wall;
  }
  return frame;
}

void FrameBuilder::CountLost(const std::string& source, uint64_t lines, MonoTime now) {
  if (lines == 0) return;
  const bool room = lost_.contains(source) || lost_.size() < kSourcesMax;
  LostLines& lost = lost_[room ? source : std::string(kOtherSource)];
  lost.lines += lines;
  lost.last = now;
}

std::vector<LogFrame> FrameBuilder::Take() {
  for (auto& [name, source] : known_) {
    if (source.held == 0) continue;
    source.last_at = std::max(source.last_at, flush_due_);
    Release(name, &source);
  }
  std::vector<LogFrame> frames = std::exchange(full_, {});
  for (auto& [source, frame] : open_) {
    if (frame.lines > 0) frames.push_back(std::move(frame));
  }
  open_.clear();
  flush_due_ = kMonoForever;
  return frames;
}

}  // namespace fleetmedic
