#include "stream/host_table.h"

#include <algorithm>
#include <array>
#include <bit>
#include <utility>

#include "base/cap_text.h"

namespace fleetmedic {
namespace {

constexpr size_t kVariedHostsMin = 16;
constexpr size_t kMapNodeBytes = 80;
// From here on a key whose values are nearly all distinct is no longer kept at all.
constexpr size_t kIgnoreDistinctMin = 4096;

// 0 means never, so nothing happens before the second 1.
uint32_t SecondsOf(WallTime time) {
  const int64_t seconds = MillisOf(time) / 1000;
  return static_cast<uint32_t>(std::clamp<int64_t>(seconds, 1, UINT32_MAX));
}

WallTime WallOf(uint32_t seconds) {
  return seconds == 0 ? kWallNever : WallFromMillis(int64_t{seconds} * 1000);
}

std::string Capped(std::string_view text, size_t bytes_max) {
  std::string capped(text.substr(0, bytes_max + 4));
  CapText(&capped, bytes_max);
  return capped;
}

std::array<const std::string*, std::size(HostTable::kFixedKeys)> FixedValues(
    const HostFacts& facts) {
  return {&facts.cell,   &facts.pool,  &facts.rack,          &facts.zone,
          &facts.kernel, &facts.image, &facts.instance_type, &facts.agent_version};
}

template <typename T>
size_t BytesOf(const std::vector<T>& items) {
  return items.capacity() * sizeof(T);
}

size_t HeapBytes(const std::string& text) {
  return text.capacity() < sizeof(std::string) ? 0 : text.capacity() + 1;
}

}  // namespace

ValueNumber HostTable::Values::Find(std::string_view name) const {
  const auto found = by_name_.find(name);
  return found == by_name_.end() ? kValueUnknown : found->second;
}

ValueNumber HostTable::Values::Intern(std::string_view name, size_t values_max) {
  if (const ValueNumber known = Find(name); known != kValueUnknown) return known;
  if (by_name_.size() >= values_max) FreeUnused(UINT32_MAX);
  if (by_name_.size() >= values_max) return kValueUnknown;
  ValueNumber number = end();
  if (free_.empty()) {
    infos_.emplace_back();
  } else {
    number = free_.back();
    free_.pop_back();
  }
  infos_[number] = Info{std::string(name)};
  by_name_.emplace(name, number);
  return number;
}

void HostTable::Values::Gain(ValueNumber v) {
  if (v == kValueUnknown) return;
  if (infos_[v].hosts++ == 0) ++distinct_;
}

void HostTable::Values::Lose(ValueNumber v, uint32_t at_seconds) {
  if (v == kValueUnknown) return;
  if (--infos_[v].hosts > 0) return;
  --distinct_;
  infos_[v].lost_seconds = at_seconds;
}

void HostTable::Values::FreeUnused(uint32_t before_seconds) {
  if (by_name_.size() == distinct_) return;
  for (ValueNumber v = 1; v < end(); ++v) {
    Info& info = infos_[v];
    if (info.name.empty() || info.hosts > 0 || info.olds > 0) continue;
    if (info.lost_seconds >= before_seconds) continue;
    by_name_.erase(info.name);
    info = Info{};
    free_.push_back(v);
  }
}

size_t HostTable::Values::MemoryBytes() const {
  size_t bytes = BytesOf(infos_) + BytesOf(free_);
  bytes += by_name_.size() * kMapNodeBytes;
  for (const Info& info : infos_) bytes += 2 * HeapBytes(info.name);
  return bytes;
}

HostTable::HostTable(const HostTableLimits& limits) : limits_(limits), work_hosts_(1) {
  for (const std::string_view name : kFixedKeys) {
    key_by_name_.emplace(name, keys_end());
    keys_.emplace_back().name = name;
  }
}

std::optional<HostIndex> HostTable::Add(const HostId& host) {
  if (const auto known = by_id_.find(host); known != by_id_.end()) {
    hosts_[known->second].removed_seconds = 0;
    return known->second;
  }
  if (by_id_.size() >= limits_.hosts_max) {
    ++dropped_.hosts;
    return std::nullopt;
  }
  HostIndex index = index_end();
  if (free_.empty()) {
    hosts_.emplace_back();
    booted_.push_back(0);
    told_.resize((hosts_.size() + 63) / 64);
    for (KeyNumber k = 0; k < keys_end(); ++k) {
      Key& key = keys_[k];
      if (key.name.empty()) continue;
      key.column.push_back(kValueUnknown);
      if (key.changed.empty()) continue;
      key.changed.push_back(0);
      key.old.push_back(kValueUnknown);
    }
  } else {
    index = free_.back();
    free_.pop_back();
  }
  hosts_[index].id = host;
  by_id_.emplace(host, index);
  return index;
}

std::optional<HostIndex> HostTable::Find(const HostId& host) const {
  const auto known = by_id_.find(host);
  if (known == by_id_.end()) return std::nullopt;
  return known->second;
}

bool HostTable::SetFacts(const HostFacts& facts, WallTime at) {
  const std::optional<HostIndex> added = Add(facts.host);
  if (!added) return false;
  const HostIndex index = *added;
  const bool is_first = !hosts_[index].has_facts;
  const uint32_t at_seconds = SecondsOf(at);
  const auto fixed = FixedValues(facts);
  for (KeyNumber k = 0; k < fixed.size(); ++k) Set(k, index, *fixed[k], is_first, at_seconds);

  // Labels that the table knows first: one that is new may take the slot of what is not seen here.
  std::vector<bool> seen(limits_.keys_max + fixed.size(), false);
  for (const bool is_new : {false, true}) {
    size_t labels = 0;
    for (const auto& [name, value] : facts.labels) {
      if (value.empty() || ++labels > limits_.labels_per_host_max) continue;
      const std::string key_name = Capped(name, limits_.key_bytes_max);
      std::optional<KeyNumber> key = FindKey(key_name);
      if (is_new == key.has_value()) continue;
      if (is_new) key = NewKey(key_name, seen);
      // A label cannot say what the host's own fact says.
      if (!key || *key < fixed.size()) continue;
      seen[*key] = true;
      Set(*key, index, value, is_first, at_seconds);
    }
    if (is_new) dropped_.labels += labels - std::min(labels, limits_.labels_per_host_max);
  }
  for (KeyNumber k = fixed.size(); k < keys_end(); ++k) {
    if (!seen[k] && !keys_[k].name.empty()) Set(k, index, "", is_first, at_seconds);
  }
  booted_[index] = facts.booted_at == kWallNever ? 0 : SecondsOf(facts.booted_at);
  hosts_[index].has_facts = true;
  Tell(index);
  return true;
}

std::optional<KeyNumber> HostTable::NewKey(const std::string& name, const std::vector<bool>& keep) {
  if (name.empty()) return std::nullopt;
  std::optional<KeyNumber> slot;
  for (KeyNumber k = std::size(kFixedKeys); k < keys_end() && !slot; ++k) {
    if (keys_[k].name.empty()) slot = k;
  }
  if (!slot && keys_.size() < std::max(limits_.keys_max, std::size(kFixedKeys))) {
    slot = keys_end();
    keys_.emplace_back();
  }
  // What one host alone says must not keep out what a fleet says.
  for (KeyNumber k = std::size(kFixedKeys); k < keys_end() && !slot; ++k) {
    if (keep[k] || keys_[k].ignored || keys_[k].hosts > 1) continue;
    ++dropped_.keys;
    ClearKey(&keys_[k]);
    slot = k;
  }
  if (!slot) {
    ++dropped_.labels;
    return std::nullopt;
  }
  Key& key = keys_[*slot];
  key.name = name;
  key.column.assign(hosts_.size(), kValueUnknown);
  key_by_name_.emplace(name, *slot);
  return slot;
}

void HostTable::ClearKey(Key* key) {
  key_by_name_.erase(key->name);
  *key = Key{};
}

void HostTable::Set(KeyNumber k, HostIndex index, std::string_view value, bool is_first,
                    uint32_t at) {
  Key& key = keys_[k];
  if (key.ignored) return;
  ValueNumber number = kValueUnknown;
  if (const std::string capped = Capped(value, limits_.value_bytes_max); !capped.empty()) {
    number = key.values.Intern(capped, limits_.values_per_key_max);
    if (number == kValueUnknown) {
      ++dropped_.values;
      IgnoreIfVaried(&key, 0);
      if (key.ignored) return;
    }
  }
  if (key.column[index] == number) return;
  Assign(&key, index, number, is_first ? 0 : at);
}

// `at` 0: not a change.
void HostTable::Assign(Key* key, HostIndex index, ValueNumber value, uint32_t at) {
  const ValueNumber before = key->column[index];
  if (at != 0 && key->changed.empty()) {
    key->changed.assign(hosts_.size(), 0);
    key->old.assign(hosts_.size(), kValueUnknown);
  }
  if (!key->changed.empty()) {
    key->values.LoseOld(key->old[index]);
    key->old[index] = at != 0 ? before : kValueUnknown;
    key->values.GainOld(key->old[index]);
    key->changed[index] = at;
    key->newest_change = std::max(key->newest_change, at);
  }
  key->column[index] = value;
  key->values.Gain(value);
  key->values.Lose(before, at);
  key->hosts += value != kValueUnknown ? 1 : 0;
  key->hosts -= before != kValueUnknown ? 1 : 0;
}

bool HostTable::TooVaried(KeyNumber k) const {
  const Key& key = keys_[k];
  return key.ignored || (key.hosts >= kVariedHostsMin && key.values.distinct() * 2 > key.hosts);
}

void HostTable::IgnoreIfVaried(Key* key, size_t distinct_min) {
  const size_t distinct = key->values.distinct();
  if (key < keys_.data() + std::size(kFixedKeys) || key->ignored) return;
  if (distinct < std::max<size_t>(distinct_min, kVariedHostsMin)) return;
  if (distinct * 10 <= size_t{key->hosts} * 9) return;
  std::string name = std::move(key->name);
  *key = Key{};
  key->name = std::move(name);
  key->column.assign(hosts_.size(), kValueUnknown);
  key->ignored = true;
  ++dropped_.keys;
}

bool HostTable::SetWork(const HostId& host, const std::set<std::string>& work, WallTime at) {
  const std::optional<HostIndex> index = Add(host);
  if (!index) return false;
  const uint32_t at_seconds = SecondsOf(at);
  const bool is_first = !hosts_[*index].has_work;
  const std::vector<ValueNumber> before = std::move(hosts_[*index].work);
  std::vector<ValueNumber> now;
  now.reserve(std::min(work.size(), limits_.work_per_host_max));
  for (const std::string& full_name : work) {
    const std::string name = Capped(full_name, limits_.value_bytes_max);
    if (name.empty()) continue;
    if (now.size() >= limits_.work_per_host_max) {
      ++dropped_.work;
      continue;
    }
    const ValueNumber value = work_.Intern(name, limits_.work_values_max);
    if (value == kValueUnknown) {
      ++dropped_.values;
      continue;
    }
    if (std::ranges::find(now, value) != now.end()) continue;  // two names, cut to the same
    // At once, so that a later name of this call cannot take its number.
    if (!std::ranges::binary_search(before, value)) {
      StartWork(*index, value, is_first ? 0 : at_seconds);
    }
    now.push_back(value);
  }
  std::ranges::sort(now);
  for (const ValueNumber value : before) {
    if (!std::ranges::binary_search(now, value)) StopWork(*index, value, at_seconds);
  }
  std::vector<uint32_t> since(now.size(), is_first ? 0 : at_seconds);
  for (size_t i = 0; i < before.size(); ++i) {
    const auto same = std::ranges::lower_bound(now, before[i]);
    if (same == now.end() || *same != before[i]) continue;
    since[static_cast<size_t>(same - now.begin())] = hosts_[*index].work_since[i];
  }
  hosts_[*index].work = std::move(now);
  hosts_[*index].work_since = std::move(since);
  hosts_[*index].has_work = true;
  Tell(*index);
  return true;
}

void HostTable::StartWork(HostIndex index, ValueNumber value, uint32_t at) {
  work_.Gain(value);
  if (work_hosts_.size() < work_.end()) work_hosts_.resize(work_.end());
  std::vector<WorkHost>& hosts = work_hosts_[value];
  const auto place = std::ranges::lower_bound(hosts, index, {}, &WorkHost::host);
  hosts.insert(place, WorkHost{index, at});
}

void HostTable::StopWork(HostIndex index, ValueNumber value, uint32_t at) {
  work_.Lose(value, at);
  std::vector<WorkHost>& hosts = work_hosts_[value];
  hosts.erase(std::ranges::lower_bound(hosts, index, {}, &WorkHost::host));
}

std::optional<uint32_t> HostTable::FindWork(HostIndex index, ValueNumber v) const {
  const HostRow& row = hosts_[index];
  const auto found = std::ranges::lower_bound(row.work, v);
  if (found == row.work.end() || *found != v) return std::nullopt;
  return row.work_since[static_cast<size_t>(found - row.work.begin())];
}

void HostTable::Tell(HostIndex index) {
  uint64_t& word = told_[index / 64];
  const uint64_t bit = uint64_t{1} << (index % 64);
  told_hosts_ += (word & bit) == 0 ? 1 : 0;
  word |= bit;
}

void HostTable::Remove(const HostId& host, WallTime at) {
  const auto known = by_id_.find(host);
  if (known == by_id_.end()) return;
  HostRow& row = hosts_[known->second];
  row.removed_seconds = SecondsOf(at);
  if (!row.is_listed) removed_.push_back(known->second);
  row.is_listed = true;
}

void HostTable::Clear(HostIndex index, uint32_t at) {
  HostRow& row = hosts_[index];
  by_id_.erase(row.id);
  for (Key& key : keys_) {
    if (key.name.empty() || key.ignored) continue;
    Assign(&key, index, kValueUnknown, 0);
  }
  for (const ValueNumber value : row.work) StopWork(index, value, at);
  row = HostRow{};
  booted_[index] = 0;
  uint64_t& word = told_[index / 64];
  const uint64_t bit = uint64_t{1} << (index % 64);
  told_hosts_ -= (word & bit) != 0 ? 1 : 0;
  word &= ~bit;
}

std::vector<HostIndex> HostTable::Forget(WallTime before) {
  const uint32_t before_seconds = SecondsOf(before);
  std::vector<HostIndex> given_up;
  std::vector<HostIndex> still;
  for (const HostIndex index : removed_) {
    const uint32_t removed = hosts_[index].removed_seconds;
    if (removed == 0) {  // came back
      hosts_[index].is_listed = false;
      continue;
    }
    (removed < before_seconds ? given_up : still).push_back(index);
  }
  removed_ = std::move(still);
  for (const HostIndex index : given_up) Clear(index, before_seconds);
  free_.insert(free_.end(), given_up.begin(), given_up.end());
  for (KeyNumber k = 0; k < keys_end(); ++k) {
    Key& key = keys_[k];
    key.values.FreeUnused(before_seconds);
    IgnoreIfVaried(&key, kIgnoreDistinctMin);
    const bool is_label = k >= std::size(kFixedKeys);
    if (is_label && !key.name.empty() && !key.ignored && key.hosts == 0) ClearKey(&key);
  }
  work_.FreeUnused(before_seconds);
  return given_up;
}

std::optional<KeyNumber> HostTable::FindKey(std::string_view name) const {
  const auto known = key_by_name_.find(name);
  if (known == key_by_name_.end()) return std::nullopt;
  return known->second;
}

std::span<const ValueNumber> HostTable::Column(std::string_view key) const {
  const std::optional<KeyNumber> known = FindKey(key);
  return known ? Column(*known) : std::span<const ValueNumber>();
}

std::optional<ValueNumber> HostTable::FindValue(KeyNumber key, std::string_view name) const {
  const ValueNumber value = keys_[key].values.Find(name);
  return value == kValueUnknown ? std::nullopt : std::optional(value);
}

WallTime HostTable::NewestChange(KeyNumber key) const { return WallOf(keys_[key].newest_change); }

WallTime HostTable::ChangedAt(KeyNumber key, HostIndex index) const {
  const Key& k = keys_[key];
  return k.changed.empty() ? kWallNever : WallOf(k.changed[index]);
}

ValueNumber HostTable::OldValue(KeyNumber key, HostIndex index) const {
  const Key& k = keys_[key];
  return k.old.empty() ? kValueUnknown : k.old[index];
}

size_t HostTable::MemoryBytes() const {
  size_t bytes = BytesOf(hosts_) + BytesOf(removed_) + BytesOf(free_) + BytesOf(told_) +
                 BytesOf(booted_) + BytesOf(keys_) + work_.MemoryBytes() + BytesOf(work_hosts_);
  for (const std::vector<WorkHost>& hosts : work_hosts_) bytes += BytesOf(hosts);
  bytes += by_id_.capacity() * (sizeof(std::pair<HostId, HostIndex>) + 1);
  for (const HostRow& row : hosts_)
    bytes += BytesOf(row.work) + BytesOf(row.work_since) + 2 * HeapBytes(row.id.str());
  for (const Key& key : keys_) {
    bytes += BytesOf(key.column) + BytesOf(key.changed) + BytesOf(key.old);
    bytes += key.values.MemoryBytes();
  }
  return bytes;
}

}  // namespace fleetmedic
