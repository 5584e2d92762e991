// What was observed within the last hour, held back from what is learnt. Pure.
#ifndef FLEETMEDIC_STREAM_LAG_H_
#define FLEETMEDIC_STREAM_LAG_H_

#include <algorithm>

namespace fleetmedic {

// A fault's beginning must not become its own excuse: the first four hosts of an outbreak, within
// the window that the fifth is judged in, would be by far the most unusual thing that a rare
// pattern's baseline knows. So windows are learnt when they no longer overlap with the present one,
// in blocks of an hour: 60 to 120 minutes later. What turns out to be a fault is dropped.
template <typename Sums>
class Lag {
 public:
  static constexpr int kBlockMinutes = 60;

  // Minutes until the present block is whole.
  int left() const { return kBlockMinutes - present_minutes_; }
  // `learn(sums, minutes)` takes the block that is old enough. At most left() minutes at once.
  template <typename Learn>
  void Add(const Sums& sums, int minutes, Learn learn) {
    present_ += sums;
    present_minutes_ += minutes;
    if (present_minutes_ < kBlockMinutes) return;
    if (before_minutes_ > 0) learn(before_, before_minutes_);
    before_ = present_;
    before_minutes_ = present_minutes_;
    present_ = {};
    present_minutes_ = 0;
  }

  // What another one holds back is held back here, too: `add(into, sums, minutes)` for each of its
  // blocks. Blocks of both are taken as begun together, so a block may be an hour early or late.
  template <typename Join>
  void Take(const Lag& other, Join add) {
    present_minutes_ = std::max(present_minutes_, other.present_minutes_);
    before_minutes_ = std::max(before_minutes_, other.before_minutes_);
    if (present_minutes_ > 0) add(&present_, other.present_, present_minutes_);
    if (before_minutes_ > 0) add(&before_, other.before_, before_minutes_);
  }

 private:
  Sums present_;
  Sums before_;
  int present_minutes_ = 0;
  int before_minutes_ = 0;
};

}  // namespace fleetmedic

#endif  // FLEETMEDIC_STREAM_LAG_H_
