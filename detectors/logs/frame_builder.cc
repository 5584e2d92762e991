#include "detectors/logs/frame_builder.h"

#include <algorithm>
#include <utility>

namespace fleetmedic {
namespace {

// Frames are handed on early once this much waits.
constexpr size_t kFullFramesMax = 4;
constexpr std::string_view kOtherSource = "other";

}  // namespace

bool FrameBuilder::Add(const std::string& source, const std::string& line, MonoTime now,
                       WallTime wall) {
  const bool known = rates_.contains(source) || rates_.size() < kSourcesMax;
  if (!known) {
    // Sources that were quiet for a second make room: they have their whole share again.
    std::erase_if(rates_,
                  [&](const auto& entry) { return now - entry.second.second_start >= Seconds(1); });
  }
  const bool room = rates_.contains(source) || rates_.size() < kSourcesMax;
  const std::string name = room ? source : std::string(kOtherSource);
  Rate& rate = rates_[name];
  if (now - rate.second_start >= Seconds(1) || rate.lines == 0) rate = {now, 0};
  if (rate.lines >= options_.lines_per_second_max) {
    CountLost(name, 1, now);
    return false;
  }
  ++rate.lines;
  LogFrame& frame = FrameOf(name, line.size(), wall);
  frame.text.append(line, 0, std::min(line.size(), LogFrame::kLineBytesMax));
  frame.text.push_back('\n');
  ++frame.lines;
  flush_due_ = std::min(flush_due_, now + options_.flush_after);
  if (full_.size() >= kFullFramesMax) flush_due_ = now;
  return true;
}

LogFrame& FrameBuilder::FrameOf(const std::string& source, size_t line_bytes, WallTime wall) {
  LogFrame& frame = open_[source];
  if (frame.lines > 0 && frame.text.size() + line_bytes + 1 > LogFrame::kTextBytesMax) {
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
  std::vector<LogFrame> frames = std::exchange(full_, {});
  for (auto& [source, frame] : open_) {
    if (frame.lines > 0) frames.push_back(std::move(frame));
  }
  open_.clear();
  flush_due_ = kMonoForever;
  return frames;
}

}  // namespace fleetmedic
