// A small map in one piece of memory, in the order of its keys.
#ifndef FLEETMEDIC_BASE_FLAT_MAP_H_
#define FLEETMEDIC_BASE_FLAT_MAP_H_

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace fleetmedic {

// For some dozens of keys: a look-up is as a map's, an insertion moves what is behind it. Iterators
// and references hold until the next insertion. Nobody changes a key by an iterator.
template <typename Value>
class FlatMap {
 public:
  using value_type = std::pair<std::string, Value>;
  using iterator = typename std::vector<value_type>::iterator;
  using const_iterator = typename std::vector<value_type>::const_iterator;

  iterator begin() { return entries_.begin(); }
  iterator end() { return entries_.end(); }
  const_iterator begin() const { return entries_.begin(); }
  const_iterator end() const { return entries_.end(); }
  size_t size() const { return entries_.size(); }
  bool empty() const { return entries_.empty(); }
  void clear() { entries_.clear(); }

  iterator find(std::string_view key) { return Found(entries_, key); }
  const_iterator find(std::string_view key) const { return Found(entries_, key); }
  // Requires that it is there.
  const Value& at(std::string_view key) const { return find(key)->second; }
  Value& operator[](std::string_view key) {
    if (entries_.empty() || entries_.back().first < key) {
      return entries_.emplace_back(key, Value()).second;
    }
    const iterator at = std::ranges::lower_bound(entries_, key, {}, &value_type::first);
    if (at->first == key) return at->second;
    return entries_.emplace(at, key, Value())->second;
  }

  template <typename Drop>
  void EraseIf(Drop drop) {
    std::erase_if(entries_, drop);
  }

  bool operator==(const FlatMap&) const = default;

 private:
  template <typename Entries>
  static auto Found(Entries& entries, std::string_view key) -> decltype(entries.begin()) {
    const auto at = std::ranges::lower_bound(entries, key, {}, &value_type::first);
    return at == entries.end() || at->first != key ? entries.end() : at;
  }

  std::vector<value_type> entries_;
};

}  // namespace fleetmedic

#endif  // FLEETMEDIC_BASE_FLAT_MAP_H_
