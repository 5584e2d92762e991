#include "stream/pattern_window.h"

#include "base/result.h"

namespace fleetmedic {
namespace {

constexpr size_t kTableMin = 8;

size_t Hash(uint32_t host) {
  // Fibonacci hashing: neighbours in a rack have neighbouring numbers.
  return static_cast<size_t>((host * 0x9e3779b97f4a7c15ULL) >> 32);
}

}  // namespace

void PatternWindow::AdvanceTo(int64_t minute) {
  if (minute <= present_) return;
  const int64_t before = present_;
  present_ = minute;
  if (minutes_ == nullptr) return;
  if (minute - newest_ >= kSeriesMinutes) {
    ForgetAll();
    minutes_.reset();
    return;
  }
  if (minute - newest_ >= kHour) ForgetAll();
  for (int64_t m = before + 1; m <= minute; ++m) {
    for (size_t w = 0; w < kWindows; ++w) {
      const int64_t left = m - kWindowMinutes[w];
      if (counts_[w] != 0) counts_[w] -= minutes_->last[At(left, kLastSize)];
    }
    minutes_->last[At(m - kHour, kLastSize)] = 0;
    minutes_->last[At(m, kLastSize)] = 0;
    minutes_->series[At(m, kSeriesSize)] = 0;
  }
  if (minute - swept_ >= kSweepMinutes) Rebuild();
}

void PatternWindow::ForgetAll() {
  counts_ = {};
  minutes_->last = {};
  // Not `= {}`, which keeps the memory.
  table_ = std::vector<uint32_t>();
  dense_ = std::vector<Stamp>();
  used_ = 0;
  swept_ = present_;
}

PatternWindow::Seen PatternWindow::Add(uint32_t host, int64_t minute, uint32_t hosts_end) {
  FLEETMEDIC_CHECK(host < hosts_end && hosts_end <= kHostsEnd);
  if (minute <= present_ - kHour) return Seen::kLate;
  minute = std::min(minute, present_);
  hosts_end_ = std::max(hosts_end_, hosts_end);
  const int age = static_cast<int>(present_ - minute);
  const int age_before = AgeOf(LastOf(host));
  if (age_before <= age) return Seen::kKnown;
  if (minutes_ == nullptr) {
    minutes_ = std::make_unique<Minutes>();
    swept_ = present_;
    newest_ = minute;
  }
  newest_ = std::max(newest_, minute);
  if (age_before < kHour) --minutes_->last[At(present_ - age_before, kLastSize)];
  ++minutes_->last[At(minute, kLastSize)];
  ++minutes_->series[At(minute, kSeriesSize)];
  for (size_t w = 0; w < kWindows; ++w) {
    if (age < kWindowMinutes[w] && age_before >= kWindowMinutes[w]) ++counts_[w];
  }
  SetLast(host, StampOf(minute));
  return Seen::kNew;
}

void PatternWindow::Forget(uint32_t host) {
  const int age = AgeOf(LastOf(host));
  if (age >= kHour) return;
  --minutes_->last[At(present_ - age, kLastSize)];
  for (size_t w = 0; w < kWindows; ++w) {
    if (age < kWindowMinutes[w]) --counts_[w];
  }
  if (host < dense_.size()) {
    dense_[host] = 0;
    return;
  }
  // As one that was seen long ago: an empty slot would cut those behind it off. Every stamp that is
  // an hour old or older reads so; the sweep takes it out before it could read otherwise.
  table_[Slot(host)] = host << 8 | StampOf(present_ - kHour + kStamps);
}

size_t PatternWindow::Slot(uint32_t host) const {
  size_t slot = Hash(host) & (table_.size() - 1);
  while (table_[slot] != 0 && table_[slot] >> 8 != host) slot = (slot + 1) & (table_.size() - 1);
  return slot;
}

PatternWindow::Stamp PatternWindow::LastOf(uint32_t host) const {
  if (!dense_.empty()) return host < dense_.size() ? dense_[host] : Stamp{0};
  return table_.empty() ? Stamp{0} : static_cast<Stamp>(table_[Slot(host)]);
}

void PatternWindow::SetLast(uint32_t host, Stamp stamp) {
  if (dense_.empty()) {
    if (table_.empty()) table_.resize(kTableMin);
    size_t slot = Slot(host);
    if (table_[slot] == 0 && (used_ + 1) * 4 > table_.size() * 3) {
      Rebuild();
      if (dense_.empty()) slot = Slot(host);
    }
    if (dense_.empty()) {
      if (table_[slot] == 0) ++used_;
      table_[slot] = host << 8 | stamp;
      return;
    }
  }
  if (host >= dense_.size()) dense_.resize(hosts_end_);
  dense_[host] = stamp;
}

void PatternWindow::Rebuild() {
  swept_ = present_;
  // Half full at most when it is laid out, so that it is not laid out again at once.
  size_t size = kTableMin;
  while (size < size_t{counts_[kWindows - 1]} * 2) size *= 2;
  PatternWindow fresh;
  if (size * sizeof(uint32_t) > hosts_end_) {
    fresh.dense_.resize(hosts_end_);
  } else {
    fresh.table_.resize(size);
  }
  ForEach([this, &fresh](uint32_t host, int age) {
    const Stamp stamp = StampOf(present_ - age);
    if (!fresh.dense_.empty()) {
      fresh.dense_[host] = stamp;
    } else {
      fresh.table_[fresh.Slot(host)] = host << 8 | stamp;
      ++fresh.used_;
    }
  });
  table_ = std::move(fresh.table_);
  dense_ = std::move(fresh.dense_);
  used_ = fresh.used_;
}

std::vector<uint32_t> PatternWindow::HostsIn(size_t window) const {
  std::vector<uint32_t> hosts;
  hosts.reserve(counts_[window]);
  ForEach([&](uint32_t host, int age) {
    if (age < kWindowMinutes[window]) hosts.push_back(host);
  });
  std::ranges::sort(hosts);
  return hosts;
}

std::vector<uint32_t> PatternWindow::Series() const {
  std::vector<uint32_t> series(kSeriesMinutes);
  if (minutes_ == nullptr) return series;
  for (int i = 0; i < kSeriesMinutes; ++i) {
    series[static_cast<size_t>(i)] =
        minutes_->series[At(present_ - (kSeriesMinutes - 1 - i), kSeriesSize)];
  }
  return series;
}

size_t PatternWindow::MemoryBytes() const {
  return sizeof *this + table_.capacity() * sizeof(uint32_t) + dense_.capacity() +
         (minutes_ == nullptr ? 0 : sizeof(Minutes));
}

}  // namespace fleetmedic
