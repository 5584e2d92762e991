#include "stream/pattern_trace.h"

#include <algorithm>
#include <limits>

namespace fleetmedic {
namespace {

constexpr unsigned kMinuteBits = 32;
constexpr unsigned kTenBits = 64;

uint64_t ShiftedLeft(uint64_t bits, Minute by) { return by >= kTenBits ? 0 : bits << by; }

Minute TenOf(Minute minute) { return minute / kTenMinutes; }

uint32_t Capped(uint64_t number) {
  return static_cast<uint32_t>(std::min<uint64_t>(number, std::numeric_limits<uint32_t>::max()));
}

void AddTo(std::vector<TracePoint>* points, Minute at, size_t hosts, uint64_t lines) {
  auto point = points->end();
  // Nearly always the last one or after it.
  while (point != points->begin() && std::prev(point)->at >= at) --point;
  if (point == points->end() || point->at != at) point = points->insert(point, TracePoint{at});
  point->hosts = Capped(uint64_t{point->hosts} + hosts);
  point->lines = Capped(uint64_t{point->lines} + lines);
}

void ForgetBefore(std::vector<TracePoint>* points, Minute from) {
  const auto first =
      std::ranges::find_if(*points, [from](const TracePoint& point) { return point.at >= from; });
  points->erase(points->begin(), first);
}

}  // namespace

HostMarks::First HostMarks::Mark(Minute minute) {
  uint64_t tens = (uint64_t{tens_[1]} << 32) | tens_[0];
  First first;
  if (minute > last_) {
    const Minute steps = minute - last_;
    const Minute ten_steps = TenOf(minute) - TenOf(last_);
    minutes_ = steps >= kMinuteBits ? 0 : minutes_ << steps;
    tens = ShiftedLeft(tens, ten_steps);
    last_ = minute;
  }
  const Minute age = last_ - minute;
  const Minute ten_age = TenOf(last_) - TenOf(minute);
  if (ten_age < kTenBits) {
    const uint64_t bit = uint64_t{1} << ten_age;
    first.in_ten = (tens & bit) == 0;
    tens |= bit;
  }
  if (age < kMinuteBits) {
    const uint32_t bit = uint32_t{1} << age;
    first.in_minute = (minutes_ & bit) == 0;
    minutes_ |= bit;
  } else {
    // Nobody knows the minute any more; where the host had nothing in those ten it is the first.
    first.in_minute = first.in_ten;
  }
  tens_[0] = static_cast<uint32_t>(tens);
  tens_[1] = static_cast<uint32_t>(tens >> 32);
  return first;
}

bool HostMarks::Within(Minute from, Minute to) const {
  if (last_ < from || from > to) return false;
  if (last_ <= to) return true;
  // Minutes that the bits tell: last_ - 31 to last_.
  const Minute known_from = last_ >= kMinuteBits - 1 ? last_ - (kMinuteBits - 1) : 0;
  for (Minute minute = std::max(from, known_from); minute <= to; ++minute) {
    if ((minutes_ >> (last_ - minute) & 1) != 0) return true;
  }
  if (from >= known_from) return false;
  const uint64_t tens = (uint64_t{tens_[1]} << 32) | tens_[0];
  const Minute ten_to = TenOf(std::min(to, known_from - 1));
  for (Minute ten = TenOf(from); ten <= ten_to; ++ten) {
    const Minute age = TenOf(last_) - ten;
    if (age < kTenBits && (tens >> age & 1) != 0) return true;
  }
  return false;
}

uint64_t PatternTrace::NewLines(Minute minute, int32_t partition, int64_t first, int64_t last,
                                uint64_t lines) {
  const auto known = std::ranges::find_if(told_, [&](const Told& told) {
    return told.partition == partition && told.minute == minute;
  });
  if (known != told_.end()) {
    const int64_t to = known->to;
    known->to = std::max(to, last);
    if (first > to) return lines;
    if (last <= to) return 0;
    const double share = static_cast<double>(last - to) / static_cast<double>(last - first + 1);
    return static_cast<uint64_t>(static_cast<double>(lines) * share);
  }
  std::erase_if(told_, [&](const Told& told) { return told.minute + kToldMinutes < last_; });
  if (told_.size() >= kToldMax) {
    told_.erase(std::ranges::min_element(told_, {}, &Told::minute));
  }
  told_.push_back({partition, minute, last});
  return lines;
}

PatternTrace::Taken PatternTrace::Take(Minute minute, int32_t partition, int64_t first_offset,
                                       int64_t last_offset, uint64_t lines,
                                       std::span<const HostIndex> hosts, size_t marks_free) {
  last_ = std::max(last_, minute);
  Taken taken;
  taken.lines = NewLines(minute, partition, first_offset, last_offset, lines);
  size_t minute_hosts = 0;
  size_t ten_hosts = 0;
  for (const HostIndex host : hosts) {
    auto marks = hosts_.find(host);
    if (marks == hosts_.end()) {
      if (taken.marks == marks_free) {
        // Seen, if only here: it counts in the series.
        cut_at_ = std::max(cut_at_, minute);
        ++taken.unmarked;
        ++minute_hosts;
        ++ten_hosts;
        continue;
      }
      ++taken.marks;
      marks = hosts_.try_emplace(host).first;
    }
    const HostMarks::First first = marks->second.Mark(minute);
    minute_hosts += first.in_minute ? 1 : 0;
    ten_hosts += first.in_ten ? 1 : 0;
  }
  if (minute_hosts == 0 && taken.lines == 0) return taken;
  if (minute + kMinutesKept > last_) AddTo(&minutes_, minute, minute_hosts, taken.lines);
  AddTo(&tens_, minute - minute % kTenMinutes, ten_hosts, taken.lines);
  return taken;
}

size_t PatternTrace::Prune(Minute now, Minute hosts_from) {
  ForgetBefore(&minutes_, now > kMinutesKept ? now - kMinutesKept : 0);
  ForgetBefore(&tens_, now > kTensKept ? now - kTensKept : 0);
  const size_t before = hosts_.size();
  absl::erase_if(hosts_, [=](const auto& host) { return host.second.last() < hosts_from; });
  const size_t gone = before - hosts_.size();
  // A table keeps the room of its largest time.
  if (gone > before / 2) hosts_.rehash(0);
  return gone;
}

uint64_t PatternTrace::LinesSince(Minute from) const {
  uint64_t lines = 0;
  const bool by_minute = from + kMinutesKept > last_ + kTenMinutes;
  for (const TracePoint& point : by_minute ? minutes_ : tens_) {
    if (point.at >= (by_minute ? from : from - from % kTenMinutes)) lines += point.lines;
  }
  return lines;
}

size_t PatternTrace::MemoryBytes() const {
  constexpr size_t kSlotBytes = sizeof(std::pair<HostIndex, HostMarks>) + 1;
  return sizeof(*this) + (minutes_.capacity() + tens_.capacity()) * sizeof(TracePoint) +
         told_.capacity() * sizeof(Told) + hosts_.capacity() * kSlotBytes;
}

}  // namespace fleetmedic
