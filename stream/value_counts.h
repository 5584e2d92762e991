// Which values a variable part has, and how often: the most frequent ones and how many there are in
// all, in bounded memory whatever comes. Pure.
#ifndef FLEETMEDIC_STREAM_VALUE_COUNTS_H_
#define FLEETMEDIC_STREAM_VALUE_COUNTS_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace fleetmedic {

struct ValueCount {
  std::string value;  // its first ValueCounts::kValueBytesMax bytes
  // At most `over` too many: what a value that was here before had (the space-saving sketch).
  uint64_t count = 0;
  uint64_t over = 0;

  bool operator==(const ValueCount&) const = default;
};

class ValueCounts {
 public:
  static constexpr size_t kValuesMax = 8;
  static constexpr size_t kValueBytesMax = 48;
  static constexpr size_t kRegisters = 32;

  // Returns by how many bytes of memory it grew; allocates at most four times in its life. 0 times:
  // the value is there, and its lines will be counted later.
  size_t Add(std::string_view value, uint64_t times);
  size_t Add(const ValueCounts& other);

  uint64_t total() const { return total_; }
  // How many different values, within about a fifth; exact while they are kValuesMax or fewer.
  uint64_t Distinct() const;
  // The most frequent first, then by value.
  std::vector<ValueCount> Values() const;

  // As it is kept: the distinct estimate's registers as 64 hexadecimal digits.
  std::string Registers() const;
  // False for a text that is none, more values than kValuesMax or counts that cannot be.
  static bool Restore(uint64_t total, const std::vector<ValueCount>& values,
                      std::string_view registers, ValueCounts* counts);

  bool operator==(const ValueCounts& other) const;

 private:
  struct Slot {
    char text[kValueBytesMax];
  };

  std::string_view TextOf(size_t slot) const { return {slots_[slot].text, bytes_[slot]}; }
  void Put(size_t slot, uint32_t tag, std::string_view value);
  size_t Grow();

  uint64_t total_ = 0;
  std::array<uint32_t, kValuesMax> tags_{};
  std::array<uint64_t, kValuesMax> counts_{};
  std::array<uint64_t, kValuesMax> over_{};
  std::array<uint8_t, kValuesMax> bytes_{};
  std::array<uint8_t, kRegisters> registers_{};
  uint8_t used_ = 0;
  uint8_t room_ = 0;
  bool more_ = false;  // a value was put out
  std::unique_ptr<Slot[]> slots_;
};

}  // namespace fleetmedic

#endif  // FLEETMEDIC_STREAM_VALUE_COUNTS_H_
