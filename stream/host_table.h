// Hosts as dense numbers and facts as dense values: what the windows count by and the why compares.
// Pure: single-threaded, no clock; each answer follows from the calls before it.
#ifndef FLEETMEDIC_STREAM_HOST_TABLE_H_
#define FLEETMEDIC_STREAM_HOST_TABLE_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "model/host_facts.h"

namespace fleetmedic {

// 0, 1, 2, ... in the order in which hosts became known.
using HostIndex = uint32_t;
// A value of one key. 0: the host does not tell.
using ValueNumber = uint32_t;
// One of the table's keys; below HostTable::keys_end().
using KeyNumber = uint32_t;

constexpr ValueNumber kValueUnknown = 0;

// About 4 bytes for each host and key, 8 more where a key ever changed.
struct HostTableLimits {
  size_t hosts_max = 200'000;
  // The fixed ones among them. Past it a label that one host alone has makes room for a new one.
  size_t keys_max = 64;
  size_t labels_per_host_max = 40;
  size_t values_per_key_max = 32'768;
  size_t key_bytes_max = 128;
  size_t value_bytes_max = 256;  // cut to that
  size_t work_per_host_max = 256;
  size_t work_values_max = 65'536;
};

// What was left out because of a limit, since the start.
struct HostTableDropped {
  uint64_t hosts = 0;
  uint64_t labels = 0;  // of one host past labels_per_host_max, or with no room for their key
  uint64_t keys = 0;    // that made room, or whose values are nearly all distinct
  uint64_t values = 0;
  uint64_t work = 0;
};

// A host that runs something, and since when: 0 where it ran already when we first heard of it.
struct WorkHost {
  HostIndex host = 0;
  uint32_t since_seconds = 0;  // since 1970
};

// A span, a name or a number of a key or value lives until the next call that is not const.
class HostTable {
 public:
  // Keys that every table has, by number in this order, before the labels.
  static constexpr std::string_view kFixedKeys[] = {
      "cell", "pool", "rack", "zone", "kernel", "image", "instance_type", "agent_version"};

  explicit HostTable(const HostTableLimits& limits = {});

  // The host's number, a new one where it is not known. None when hosts_max are (counted).
  std::optional<HostIndex> Add(const HostId& host);
  std::optional<HostIndex> Find(const HostId& host) const;
  // Requires index < index_end(); empty where the index is nobody's now.
  const HostId& Host(HostIndex index) const { return hosts_[index].id; }

  // What the host is, in place of what it was. `at` is when it told so, and is the time of each
  // change; the first facts of a host change nothing. Labels are keys of their own name. Boot ids
  // are no key (each is another), but when the host booted is kept. Adds the host; false when it
  // cannot.
  bool SetFacts(const HostFacts& facts, WallTime at);
  // What the host runs: "job=web", "task_image=registry/web:7", in place of what it ran.
  bool SetWork(const HostId& host, const std::set<std::string>& work, WallTime at);

  // The host is gone. Its number and its facts stay, since windows hold the number and the why
  // must know what a host was that broke and was replaced within the hour. A host that comes back
  // has its number again.
  void Remove(const HostId& host, WallTime at);
  // Gives up hosts that were removed before this time, and names of values that no host has had
  // since: from now on their numbers may be another's. The caller first has everybody forget them
  // who counts by number; now less the longest window (and a minute) is right for windows that
  // roll. Call it about once a minute. The answer: the numbers given up.
  std::vector<HostIndex> Forget(WallTime before);

  // Above every number that was ever given.
  HostIndex index_end() const { return static_cast<HostIndex>(hosts_.size()); }
  // Hosts with a number, those that were removed and not forgotten too.
  size_t hosts() const { return by_id_.size(); }
  // One bit for each index: the hosts that told facts or work. What the why compares among.
  std::span<const uint64_t> told() const { return told_; }
  size_t told_hosts() const { return told_hosts_; }

  KeyNumber keys_end() const { return static_cast<KeyNumber>(keys_.size()); }
  std::optional<KeyNumber> FindKey(std::string_view name) const;
  // Empty where the number is no key's now.
  const std::string& KeyName(KeyNumber key) const { return keys_[key].name; }
  // Values are nearly all distinct (more than one for two hosts of at least 16): it tells hosts
  // apart and explains nothing.
  bool TooVaried(KeyNumber key) const;
  // The value of each host, index_end() long; "rack" is rack_of_host. Empty for an unknown key.
  std::span<const ValueNumber> Column(KeyNumber key) const { return keys_[key].column; }
  std::span<const ValueNumber> Column(std::string_view key) const;
  // Above every value number of the key.
  ValueNumber values_end(KeyNumber key) const { return keys_[key].values.end(); }
  const std::string& ValueName(KeyNumber key, ValueNumber v) const {
    return keys_[key].values.Name(v);
  }
  std::optional<ValueNumber> FindValue(KeyNumber key, std::string_view name) const;
  // Hosts that have it.
  uint32_t HostsWith(KeyNumber key, ValueNumber v) const { return keys_[key].values.Hosts(v); }

  // When each host's value last changed, in seconds since 1970, 0 for never: index_end() long, or
  // empty where it never did on any.
  std::span<const uint32_t> ChangedSeconds(KeyNumber key) const { return keys_[key].changed; }
  WallTime NewestChange(KeyNumber key) const;
  WallTime ChangedAt(KeyNumber key, HostIndex index) const;
  // Before that change.
  ValueNumber OldValue(KeyNumber key, HostIndex index) const;
  // When each host booted, the same way; index_end() long.
  std::span<const uint32_t> BootedSeconds() const { return booted_; }

  // What the host runs, sorted by number.
  std::span<const ValueNumber> Work(HostIndex index) const { return hosts_[index].work; }
  // Since when it runs each of these, in seconds since 1970: 0 where it ran already when we first
  // heard of it.
  std::span<const uint32_t> WorkSince(HostIndex index) const { return hosts_[index].work_since; }
  ValueNumber work_values_end() const { return work_.end(); }
  const std::string& WorkName(ValueNumber v) const { return work_.Name(v); }
  // Who runs it, sorted by host.
  std::span<const WorkHost> WorkHosts(ValueNumber v) const { return work_hosts_[v]; }
  // Since when the host runs it; none where it does not.
  std::optional<uint32_t> FindWork(HostIndex index, ValueNumber v) const;

  const HostTableDropped& dropped() const { return dropped_; }
  size_t MemoryBytes() const;

 private:
  // Names of values, counted: how many hosts have each, and how many had it before.
  class Values {
   public:
    Values() : infos_(1) {}
    ValueNumber end() const { return static_cast<ValueNumber>(infos_.size()); }
    const std::string& Name(ValueNumber v) const { return infos_[v].name; }
    uint32_t Hosts(ValueNumber v) const { return infos_[v].hosts; }
    // Values that some host has.
    size_t distinct() const { return distinct_; }
    ValueNumber Find(std::string_view name) const;
    // kValueUnknown where there is no room.
    ValueNumber Intern(std::string_view name, size_t values_max);
    void Gain(ValueNumber v);
    void Lose(ValueNumber v, uint32_t at_seconds);
    void GainOld(ValueNumber v) { infos_[v].olds += v != kValueUnknown ? 1 : 0; }
    void LoseOld(ValueNumber v) { infos_[v].olds -= v != kValueUnknown ? 1 : 0; }
    void FreeUnused(uint32_t before_seconds);
    size_t MemoryBytes() const;

   private:
    struct Info {
      std::string name;
      uint32_t hosts = 0;
      uint32_t olds = 0;
      uint32_t lost_seconds = 0;  // when the last host lost it
    };
    std::vector<Info> infos_;
    std::map<std::string, ValueNumber, std::less<>> by_name_;
    std::vector<ValueNumber> free_;
    size_t distinct_ = 0;
  };

  struct Key {
    std::string name;
    bool ignored = false;  // its values were nearly all distinct: it holds none
    uint32_t hosts = 0;    // that have a value
    uint32_t newest_change = 0;
    std::vector<ValueNumber> column;
    std::vector<uint32_t> changed;
    std::vector<ValueNumber> old;
    Values values;
  };

  struct HostRow {
    HostId id;
    bool has_facts = false;
    bool has_work = false;
    bool is_listed = false;  // in removed_
    uint32_t removed_seconds = 0;
    std::vector<ValueNumber> work;     // sorted
    std::vector<uint32_t> work_since;  // the same places
  };

  std::optional<KeyNumber> NewKey(const std::string& name, const std::vector<bool>& keep);
  void Set(KeyNumber key, HostIndex index, std::string_view value, bool is_first, uint32_t at);
  void Assign(Key* key, HostIndex index, ValueNumber value, uint32_t at);
  void IgnoreIfVaried(Key* key, size_t distinct_min);
  void ClearKey(Key* key);
  void StartWork(HostIndex index, ValueNumber value, uint32_t at);
  void StopWork(HostIndex index, ValueNumber value, uint32_t at);
  void Tell(HostIndex index);
  void Clear(HostIndex index, uint32_t at);

  const HostTableLimits limits_;
  std::vector<HostRow> hosts_;
  absl::flat_hash_map<HostId, HostIndex> by_id_;
  std::vector<HostIndex> removed_;
  std::vector<HostIndex> free_;
  std::vector<uint64_t> told_;
  size_t told_hosts_ = 0;
  std::vector<uint32_t> booted_;
  std::vector<Key> keys_;
  std::map<std::string, KeyNumber, std::less<>> key_by_name_;
  Values work_;
  std::vector<std::vector<WorkHost>> work_hosts_;  // by value
  HostTableDropped dropped_;
};

}  // namespace fleetmedic

#endif  // FLEETMEDIC_STREAM_HOST_TABLE_H_
