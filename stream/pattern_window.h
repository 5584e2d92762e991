// Which hosts a pattern was seen on, exactly, in the last 1, 10 and 60 minutes. Pure: the present
// is what the caller says.
#ifndef FLEETMEDIC_STREAM_PATTERN_WINDOW_H_
#define FLEETMEDIC_STREAM_PATTERN_WINDOW_H_

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

namespace fleetmedic {

constexpr size_t kWindows = 3;
constexpr std::array<int, kWindows> kWindowMinutes = {1, 10, 60};

// Of each host the last minute it was seen in is kept, and of each minute how many hosts have it as
// their last: a window's count is the sum of its minutes, a hit moves one host from its minute to
// another, and both are O(1). Counts are of distinct hosts, so a hit that comes twice changes
// nothing, and one that comes late (within the hour) counts as if it had come in time.
//
// A window of w minutes is the present minute, as far as it is over, and the w - 1 before it.
//
// Memory: 4 bytes for each host seen (a hash table, at most 3/4 full) and, where that would be
// more, 1 byte for each host of the fleet; 0.8 kB in the two hours after a hit; 100 bytes without.
class PatternWindow {
 public:
  enum class Seen : uint8_t {
    kNew,    // a count changed
    kKnown,  // that host was seen in that minute or later
    kLate,   // an hour old or more: dropped
  };
  // Minutes of the series.
  static constexpr int kSeriesMinutes = 120;
  // Numbers of hosts are below it.
  static constexpr uint32_t kHostsEnd = 1U << 24;

  // Minutes since the epoch, at least 60. What lies behind the present is ignored.
  void AdvanceTo(int64_t minute);
  int64_t present() const { return present_; }

  // The pattern was seen on the host in this minute; a minute after the present is the present.
  // `hosts_end` is above every host's number (at most kHostsEnd). Requires host < hosts_end.
  Seen Add(uint32_t host, int64_t minute, uint32_t hosts_end);
  // The host's number is nobody's from now. The series keeps what it was.
  void Forget(uint32_t host);

  // Distinct hosts in the window, an index of kWindowMinutes.
  uint32_t hosts(size_t window) const { return counts_[window]; }
  // The same hosts, sorted.
  std::vector<uint32_t> HostsIn(size_t window) const;
  // Calls visit(host, minutes since it was last seen) for all that were within the hour, in no
  // order.
  template <typename Visit>
  void ForEach(Visit visit) const;

  // Distinct hosts of each minute, the present last, for the console. Exact as long as hits come in
  // order: a host that is seen late in a minute before its last is not counted there again.
  std::vector<uint32_t> Series() const;
  // Nothing was seen within the series' minutes; a window that is blank need not be advanced.
  bool blank() const { return minutes_ == nullptr; }

  size_t MemoryBytes() const;

 private:
  // A minute as a byte: 1 to 255, 0 is never. Unambiguous for 255 minutes; Sweep comes before.
  using Stamp = uint8_t;
  static constexpr int kStamps = 255;
  static constexpr int kSweepMinutes = 128;
  static constexpr int kHour = 60;
  static constexpr size_t kLastSize = 64;     // a power of two, above kHour
  static constexpr size_t kSeriesSize = 128;  // a power of two, at least kSeriesMinutes

  struct Minutes {
    std::array<uint32_t, kLastSize> last{};      // hosts whose last minute it is
    std::array<uint32_t, kSeriesSize> series{};  // hosts seen in it
  };

  static Stamp StampOf(int64_t minute) { return static_cast<Stamp>(minute % kStamps + 1); }
  static size_t At(int64_t minute, size_t size) { return static_cast<size_t>(minute) & (size - 1); }
  // Minutes since then; kHour where it is longer ago or never.
  int AgeOf(Stamp stamp) const {
    if (stamp == 0) return kHour;
    const int age = StampOf(present_) - stamp;
    return std::min(age < 0 ? age + kStamps : age, kHour);
  }
  // The slot of a host in table_, or the empty one where it would stand.
  size_t Slot(uint32_t host) const;
  Stamp LastOf(uint32_t host) const;
  void SetLast(uint32_t host, Stamp stamp);
  // Lays the last minutes out anew, without those that are past.
  void Rebuild();
  void ForgetAll();

  int64_t present_ = 0;
  int64_t newest_ = 0;  // of the hits
  int64_t swept_ = 0;
  std::array<uint32_t, kWindows> counts_{};
  uint32_t hosts_end_ = 0;
  uint32_t used_ = 0;            // slots of table_
  std::vector<uint32_t> table_;  // host << 8 | stamp, 0 is empty; its size is a power of two
  std::vector<Stamp> dense_;     // by host, in place of table_
  std::unique_ptr<Minutes> minutes_;
};

template <typename Visit>
void PatternWindow::ForEach(Visit visit) const {
  if (counts_[kWindows - 1] == 0) return;
  for (size_t host = 0; host < dense_.size(); ++host) {
    if (dense_[host] == 0) continue;
    const int age = AgeOf(dense_[host]);
    if (age < kHour) visit(static_cast<uint32_t>(host), age);
  }
  for (const uint32_t slot : table_) {
    if (slot == 0) continue;
    const int age = AgeOf(static_cast<Stamp>(slot));
    if (age < kHour) visit(slot >> 8, age);
  }
}

}  // namespace fleetmedic

#endif  // FLEETMEDIC_STREAM_PATTERN_WINDOW_H_
