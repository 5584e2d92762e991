#include "stream/value_counts.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>

#include "stream/line_words.h"

namespace fleetmedic {
namespace {

constexpr uint64_t kSeed = 0x2545f4914f6cdd1d;
constexpr int kRegisterBits = 5;  // 2^5 registers
constexpr uint8_t kRankMax = 60;

}  // namespace

size_t ValueCounts::Grow() {
  const size_t room = room_ == 0 ? 1 : size_t{2} * room_;
  auto slots = std::make_unique_for_overwrite<Slot[]>(room);
  if (used_ > 0) std::memcpy(slots.get(), slots_.get(), used_ * sizeof(Slot));
  slots_ = std::move(slots);
  const size_t grown = (room - room_) * sizeof(Slot);
  room_ = static_cast<uint8_t>(room);
  return grown;
}

void ValueCounts::Put(size_t slot, uint32_t tag, std::string_view value) {
  tags_[slot] = tag;
  bytes_[slot] = static_cast<uint8_t>(value.size());
  std::memcpy(slots_[slot].text, value.data(), value.size());
}

size_t ValueCounts::Add(std::string_view value, uint64_t times) {
  value = value.substr(0, kValueBytesMax);
  const uint64_t hash = HashBytes(value, kSeed);
  total_ += times;
  // One more mixing: the registers need every bit to be a coin of its own.
  uint64_t coins = hash ^ hash >> 32;
  coins *= 0xd6e8feb86659fd93;
  coins ^= coins >> 32;
  const auto rank = static_cast<uint8_t>(std::countl_zero((coins << kRegisterBits) | 1) + 1);
  uint8_t& top = registers_[coins >> (64 - kRegisterBits)];
  top = std::max(top, std::min(rank, kRankMax));
  const auto tag = static_cast<uint32_t>(hash);
  for (size_t i = 0; i < used_; ++i) {
    if (tags_[i] != tag || TextOf(i) != value) continue;
    counts_[i] += times;
    return 0;
  }
  if (used_ < kValuesMax) {
    const size_t grown = used_ == room_ ? Grow() : 0;
    Put(used_, tag, value);
    counts_[used_] = times;
    over_[used_] = 0;
    ++used_;
    return grown;
  }
  more_ = true;
  if (times == 0) return 0;
  size_t least = 0;
  for (size_t i = 1; i < kValuesMax; ++i) {
    if (counts_[i] < counts_[least]) least = i;
  }
  over_[least] = counts_[least];
  counts_[least] += times;
  Put(least, tag, value);
  return 0;
}

size_t ValueCounts::Add(const ValueCounts& other) {
  // As the sum of two such sketches is made: a value that one of them does not have may have had
  // the least count there.
  std::vector<ValueCount> sum = Values();
  const auto least = [](const ValueCounts& counts) {
    return counts.more_ ? *std::ranges::min_element(counts.counts_) : uint64_t{0};
  };
  const uint64_t least_here = least(*this);
  const uint64_t least_there = least(other);
  std::vector<ValueCount> there = other.Values();
  for (ValueCount& one : sum) {
    const auto same = std::ranges::find(there, one.value, &ValueCount::value);
    one.count += same == there.end() ? least_there : same->count;
    one.over += same == there.end() ? least_there : same->over;
    if (same != there.end()) there.erase(same);
  }
  for (ValueCount& one : there) {
    one.count += least_here;
    one.over += least_here;
    sum.push_back(std::move(one));
  }
  std::ranges::sort(sum, [](const ValueCount& a, const ValueCount& b) {
    return a.count != b.count ? a.count > b.count : a.value < b.value;
  });
  more_ = more_ || other.more_ || sum.size() > kValuesMax;
  if (sum.size() > kValuesMax) sum.resize(kValuesMax);
  total_ += other.total_;
  for (size_t i = 0; i < kRegisters; ++i) {
    registers_[i] = std::max(registers_[i], other.registers_[i]);
  }
  size_t grown = 0;
  used_ = 0;
  for (const ValueCount& one : sum) {
    if (used_ == room_) grown += Grow();
    Put(used_, static_cast<uint32_t>(HashBytes(one.value, kSeed)), one.value);
    counts_[used_] = one.count;
    over_[used_] = one.over;
    ++used_;
  }
  return grown;
}

uint64_t ValueCounts::Distinct() const {
  if (!more_) return used_;
  // HyperLogLog with linear counting where few registers are set.
  constexpr double kCount = kRegisters;
  constexpr double kAlpha = 0.697;
  double sum = 0;
  int empty = 0;
  for (const uint8_t rank : registers_) {
    sum += std::ldexp(1.0, -rank);
    empty += rank == 0 ? 1 : 0;
  }
  double estimate = kAlpha * kCount * kCount / sum;
  if (estimate <= 2.5 * kCount && empty > 0) estimate = kCount * std::log(kCount / empty);
  return std::max<uint64_t>(kValuesMax + 1, static_cast<uint64_t>(std::llround(estimate)));
}

std::vector<ValueCount> ValueCounts::Values() const {
  std::vector<ValueCount> values;
  for (size_t i = 0; i < used_; ++i) {
    values.push_back({std::string(TextOf(i)), counts_[i], over_[i]});
  }
  std::ranges::sort(values, [](const ValueCount& a, const ValueCount& b) {
    return a.count != b.count ? a.count > b.count : a.value < b.value;
  });
  return values;
}

std::string ValueCounts::Registers() const {
  constexpr char kHex[] = "0123456789abcdef";
  std::string text;
  for (const uint8_t rank : registers_) {
    text += kHex[rank >> 4];
    text += kHex[rank & 15];
  }
  return text;
}

bool ValueCounts::Restore(uint64_t total, const std::vector<ValueCount>& values,
                          std::string_view registers, ValueCounts* counts) {
  *counts = ValueCounts();
  if (values.size() > kValuesMax || registers.size() != 2 * kRegisters) return false;
  for (size_t i = 0; i < registers.size(); ++i) {
    const size_t digit = std::string_view("0123456789abcdef").find(registers[i]);
    if (digit == std::string_view::npos) return false;
    uint8_t& rank = counts->registers_[i / 2];
    rank = static_cast<uint8_t>(rank * 16 + digit);
    if (rank > kRankMax) return false;
  }
  uint64_t counted = 0;
  for (const ValueCount& one : values) {
    if (one.value.size() > kValueBytesMax || one.over > one.count) return false;
    counted += one.count;
    if (counts->used_ == counts->room_) counts->Grow();
    counts->Put(counts->used_, static_cast<uint32_t>(HashBytes(one.value, kSeed)), one.value);
    counts->counts_[counts->used_] = one.count;
    counts->over_[counts->used_] = one.over;
    counts->more_ = counts->more_ || one.over > 0;
    ++counts->used_;
  }
  counts->total_ = total;
  // Of a sum of two sketches the rare values are left out.
  counts->more_ = counts->more_ || counted != total;
  return true;
}

bool ValueCounts::operator==(const ValueCounts& other) const {
  return total_ == other.total_ && registers_ == other.registers_ && Values() == other.Values();
}

}  // namespace fleetmedic
