#include "detectors/logs/frame_builder.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace fleetmedic {
namespace {

// Frames are handed on early once this much waits.
constexpr size_t kFullFramesMax = 4;
constexpr std::string_view kOtherSource = "other";
// A frame's text that outgrows this gets all the room it may need: its source is busy, and to grow
// by and by would copy it, and touch fresh memory, twice over.
constexpr size_t kBusyTextBytes = size_t{64} << 10;

void NoteLevel(LineLevel level, LogFrame* frame) {
  frame->levels_known = frame->levels_known && level != LineLevel::kUnknown;
  if (level != LineLevel::kWarning) return;
  std::vector<LogFrame::LineRun>& runs = frame->warnings;
  if (!runs.empty() && runs.back().last + 1 == frame->lines) {
    runs.back().last = frame->lines;
  } else {
    runs.push_back({frame->lines, frame->lines});
  }
}

}  // namespace

FrameBuilder::Sources::value_type& FrameBuilder::Find(std::string_view source, MonoTime now) {
  if (recent_ != nullptr && recent_->first == source) return *recent_;
  auto found = known_.find(source);
  if (found == known_.end() && known_.size() >= kSourcesMax) {
    recent_ = nullptr;
    // Sources that were quiet for a second make room: they have their whole share again.
    for (auto at = known_.begin(); at != known_.end();) {
      Source& old = at->second;
      const bool quiet = old.held == 0 && now - old.second_start >= Seconds(1);
      if (quiet && old.frame.lines > 0) full_.push_back(std::move(old.frame));
      at = quiet ? known_.erase(at) : std::next(at);
    }
    if (known_.size() >= kSourcesMax) source = kOtherSource;
    found = known_.find(source);
  }
  if (found == known_.end()) found = known_.try_emplace(std::string(source)).first;
  recent_ = &*found;
  return *found;
}

bool FrameBuilder::Add(std::string_view source, std::string_view line, MonoTime now, WallTime wall,
                       LineLevel level) {
  auto& [name, of] = Find(source, now);
  if (CountRepeat(line, wall, &of)) return true;
  Release(name, &of);
  if (now - of.second_start >= Seconds(1) || of.lines == 0) {
    of.second_start = now;
    of.lines = 0;
  }
  if (of.lines >= options_.lines_per_second_max) {
    of.last.clear();
    if (of.lost == nullptr) of.lost = &LostOf(name);
    ++of.lost->lines;
    of.lost->last = now;
    return false;
  }
  ++of.lines;
  Append(name, line, 1, wall, level, &of);
  if (line.size() <= kRepeatBytesMax) {
    of.last = line;
    of.last_level = level;
    of.last_at = now;
  } else {
    of.last.clear();
  }
  flush_due_ = std::min(flush_due_, now + options_.flush_after);
  if (full_.size() >= kFullFramesMax) flush_due_ = now;
  return true;
}

bool FrameBuilder::CountRepeat(std::string_view line, WallTime wall, Source* source) {
  if (line.empty() || source->last != line) return false;
  if (source->held == 0 && source->frame.lines > 0) {
    // It waits as the last line of its frame.
    std::vector<LogFrame::Repeats>& runs = source->frame.repeats;
    const uint32_t last = source->frame.lines - 1;
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
  const uint64_t held = std::exchange(source->held, 0);
  Append(name, source->last, held, source->held_at, source->last_level, source);
}

void FrameBuilder::Append(const std::string& name, std::string_view line, uint64_t times,
                          WallTime wall, LineLevel level, Source* source) {
  MakeRoom(name, line.size(), wall, source);
  LogFrame& frame = source->frame;
  if (frame.text.size() > kBusyTextBytes) frame.text.reserve(LogFrame::kTextBytesMax);
  frame.text.append(line.substr(0, LogFrame::kLineBytesMax));
  frame.text.push_back('\n');
  if (times > 1) frame.repeats.push_back({frame.lines, times});
  NoteLevel(level, &frame);
  ++frame.lines;
}

void FrameBuilder::MakeRoom(const std::string& name, size_t line_bytes, WallTime wall,
                            Source* source) {
  LogFrame& frame = source->frame;
  const bool full = frame.text.size() + line_bytes + 1 > LogFrame::kTextBytesMax ||
                    frame.repeats.size() == LogFrame::kRepeatsMax ||
                    frame.warnings.size() == LogFrame::kWarningRunsMax;
  if (frame.lines > 0 && full) full_.push_back(std::exchange(frame, LogFrame{}));
  if (frame.lines > 0) return;
  frame.host = options_.host;
  frame.boot_id = boot_id_;
  frame.source = name;
  frame.first_at = wall;
  frame.levels_known = true;  // until a line says otherwise
}

void FrameBuilder::AddCgroup(std::string_view source, int pid, const std::string& path) {
  const auto known = known_.find(source);
  if (path.empty() || path.size() > LogFrame::kCgroupBytesMax || known == known_.end()) return;
  LogFrame& frame = known->second.frame;
  if (frame.lines > 0 && frame.cgroups.size() < LogFrame::kCgroupsMax) {
    frame.cgroups.insert_or_assign(std::to_string(pid), path);
  }
}

LostLines& FrameBuilder::LostOf(std::string_view source) {
  auto found = lost_.find(source);
  if (found == lost_.end() && lost_.size() >= kSourcesMax) source = kOtherSource;
  if (found == lost_.end()) found = lost_.try_emplace(std::string(source)).first;
  return found->second;
}

void FrameBuilder::CountLost(std::string_view source, uint64_t lines, MonoTime now) {
  if (lines == 0) return;
  LostLines& lost = LostOf(source);
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
  for (auto& [name, source] : known_) {
    if (source.frame.lines > 0) frames.push_back(std::exchange(source.frame, LogFrame{}));
  }
  flush_due_ = kMonoForever;
  return frames;
}

}  // namespace fleetmedic
