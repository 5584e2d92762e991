#include "stream/pattern_counter.h"

#include <algorithm>

#include "base/cap_text.h"
#include "base/text.h"

namespace fleetmedic {
namespace {

// What was told of a minute is remembered this long after it ended.
constexpr Micros kMinutesKept = Minutes(3);
// A host whose clock is years behind does not make a pattern old.
constexpr Micros kFirstSeenBackMax = Hours(1);
constexpr size_t kWordBits = 64;
constexpr size_t kValueBytes = PatternVariable::kValueBytesMax;

WallTime MinuteStart(WallTime time) { return std::chrono::floor<std::chrono::minutes>(time); }

std::string Capped(std::string_view text, size_t bytes_max) {
  std::string capped = VisibleText(text.substr(0, bytes_max));
  CapText(&capped, bytes_max);
  return capped;
}

}  // namespace

std::optional<PatternNumber> PatternCounter::NumberOf(Pattern pattern) {
  const auto known = by_name_.find(pattern.pattern);
  if (known != by_name_.end()) {
    // Rules are loaded anew while we run.
    Pattern& of = patterns_[known->second].of;
    of.version = std::move(pattern.version);
    of.text = Capped(pattern.text, PatternCount::kTextBytesMax);
    return known->second;
  }
  if (patterns_.size() >= limits_.patterns_max) {
    ++dropped_;
    return std::nullopt;
  }
  const auto number = static_cast<PatternNumber>(patterns_.size());
  pattern.text = Capped(pattern.text, PatternCount::kTextBytesMax);
  by_name_.emplace(pattern.pattern, number);
  patterns_.push_back({std::move(pattern), false, {}});
  return number;
}

void PatternCounter::Begin(int32_t partition, int64_t offset, const HostId& host,
                           std::string_view source, WallTime at, WallTime now) {
  const auto [range, fresh] = offsets_.try_emplace(partition, Offsets{offset, offset});
  range->second.first = std::min(range->second.first, offset);
  range->second.last = std::max(range->second.last, offset);
  partition_ = partition;
  source_ = source;
  at_ = std::min(at, now);
  first_seen_ = std::max(at_, now - kFirstSeenBackMax);
  minute_ = MinuteStart(at_);
  newest_minute_ = std::max(newest_minute_, MinuteStart(now));
  const auto known = by_host_.find(host);
  if (known != by_host_.end()) {
    host_ = known->second;
  } else if (hosts_.size() < limits_.hosts_max) {
    host_ = static_cast<uint32_t>(hosts_.size());
    by_host_.emplace(host, *host_);
    hosts_.push_back(host);
  } else {
    host_.reset();
  }
}

PatternCounter::Minute& PatternCounter::MinuteOf(State* state) const {
  for (Minute& minute : state->minutes) {
    if (minute.minute == minute_ && minute.partition == partition_) return minute;
  }
  Minute& minute = state->minutes.emplace_back();
  minute.minute = minute_;
  minute.partition = partition_;
  return minute;
}

void PatternCounter::Add(PatternNumber pattern, std::string_view line, uint64_t times,
                         Values values) {
  if (!host_) {
    dropped_ += times;
    return;
  }
  State& state = patterns_[pattern];
  if (!state.touched) {
    state.touched = true;
    touched_.push_back(pattern);
  }
  WallTime& first_seen = state.of.first_seen;
  if (first_seen == kWallNever || first_seen_ < first_seen) first_seen = first_seen_;
  Minute& minute = MinuteOf(&state);
  minute.lines += times;
  AddValues(&minute, times, values);
  const size_t word = *host_ / kWordBits;
  const uint64_t bit = uint64_t{1} << (*host_ % kWordBits);
  if (minute.told.size() <= word) minute.told.resize(word + 1);
  if ((minute.told[word] & bit) != 0) return;
  minute.told[word] |= bit;
  minute.hosts.push_back(*host_);
  // One of each host, of the first ones: that different hosts say it is what matters.
  if (minute.examples_told >= PatternCount::kExamplesMax) return;
  ++minute.examples_told;
  minute.examples.push_back(
      {hosts_[*host_], source_, Capped(line, PatternExample::kLineBytesMax), at_});
}

void PatternCounter::AddValues(Minute* minute, uint64_t times, Values values) const {
  for (const auto& [name, value] : values) {
    const auto known = std::ranges::find(minute->variables, name, &Variable::name);
    const bool fresh = known == minute->variables.end();
    if (fresh && minute->variables.size() >= PatternCount::kVariablesMax) continue;
    Variable& variable =
        fresh ? minute->variables.emplace_back(Variable{std::string(name), {}, 0}) : *known;
    const absl::string_view key(value.data(), std::min(value.size(), kValueBytes));
    const auto at = variable.values.find(key);
    if (at != variable.values.end()) {
      at->second += times;
    } else if (variable.values.size() < limits_.values_max) {
      variable.values.emplace(key, times);
    } else {
      variable.other_lines += times;
    }
  }
}

std::vector<PatternCount> PatternCounter::Take() {
  std::vector<PatternCount> counts;
  for (const PatternNumber pattern : touched_) TakePattern(&patterns_[pattern], &counts);
  touched_.clear();
  offsets_.clear();
  return counts;
}

void PatternCounter::TakePattern(State* state, std::vector<PatternCount>* counts) {
  state->touched = false;
  for (Minute& minute : state->minutes) {
    if (minute.lines == 0) continue;
    PatternCount count;
    count.pattern = state->of.pattern;
    count.kind = state->of.kind;
    count.version = state->of.version;
    count.text = state->of.text;
    count.first_seen = state->of.first_seen;
    count.minute = minute.minute;
    count.partition = minute.partition;
    const Offsets& offsets = offsets_.at(minute.partition);
    count.first_offset = offsets.first;
    count.last_offset = offsets.last;
    count.lines = std::exchange(minute.lines, 0);
    count.examples = std::exchange(minute.examples, {});
    for (const Variable& variable : minute.variables) {
      count.variables.push_back(MostFrequent(variable));
    }
    minute.variables.clear();
    std::vector<HostId> hosts;
    for (const uint32_t host : std::exchange(minute.hosts, {})) hosts.push_back(hosts_[host]);
    std::ranges::sort(hosts);
    // More hosts than one record holds are further records, that count no line again.
    for (size_t from = 0; from == 0 || from < hosts.size(); from += PatternCount::kHostsMax) {
      const size_t to = std::min(hosts.size(), from + PatternCount::kHostsMax);
      count.hosts.assign(hosts.begin() + static_cast<std::ptrdiff_t>(from),
                         hosts.begin() + static_cast<std::ptrdiff_t>(to));
      counts->push_back(count);
      count.lines = 0;
      count.examples.clear();
      count.variables.clear();
    }
  }
  std::erase_if(state->minutes, [this](const Minute& minute) {
    return minute.minute + kMinutesKept < newest_minute_;
  });
}

PatternVariable PatternCounter::MostFrequent(const Variable& variable) {
  std::vector<std::pair<uint64_t, std::string_view>> values;
  for (const auto& [value, lines] : variable.values) values.emplace_back(lines, value);
  // By lines, and then by value: the same lines are always told the same way.
  std::ranges::sort(values, [](const auto& a, const auto& b) {
    return a.first != b.first ? a.first > b.first : a.second < b.second;
  });
  PatternVariable told;
  told.name = variable.name;
  told.other_lines = variable.other_lines;
  for (const auto& [lines, value] : values) {
    if (told.values.size() < PatternVariable::kValuesMax) {
      told.values[Capped(value, PatternVariable::kValueBytesMax)] += lines;
    } else {
      told.other_lines += lines;
    }
  }
  return told;
}

}  // namespace fleetmedic
