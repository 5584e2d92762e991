#include "detectors/report/reporter.h"

#include <algorithm>

#include <fmt/format.h>

namespace fleetmedic {
namespace {

constexpr std::string_view kBeatDetector = "agent";

// Units and messages of other people's making in one state file: the reporter caps conditions.
constexpr size_t kSinceEntriesMax = 4 * HealthEvent::kConditionsMax;

int Rank(Verdict verdict) {
  switch (verdict) {
    case Verdict::kBad:
      return 0;
    case Verdict::kUnknown:
      return 1;
    case Verdict::kOk:
      return 2;
  }
  return 3;
}

size_t BytesOf(const Condition& condition) {
  // What JSON adds around the texts, with room for escapes.
  size_t bytes = 256 + condition.type.size() + 2 * condition.unit.size() + condition.reason.size() +
                 2 * condition.message.size();
  for (const std::string& line : condition.evidence) bytes += 2 * line.size() + 8;
  return bytes;
}

size_t BytesOf(const std::vector<Condition>& conditions) {
  size_t bytes = 1024;
  for (const Condition& condition : conditions) bytes += BytesOf(condition);
  return bytes;
}

bool SameVerdicts(const std::vector<Condition>& a, const std::vector<Condition>& b) {
  return std::ranges::equal(a, b, [](const Condition& x, const Condition& y) {
    return x.type == y.type && x.unit == y.unit && x.verdict == y.verdict &&
           x.severity == y.severity && x.reason == y.reason;
  });
}

}  // namespace

void CapConditions(std::vector<Condition>* conditions) {
  std::ranges::stable_sort(*conditions, {}, [](const Condition& c) {
    return std::make_tuple(Rank(c.verdict), std::string_view(c.type), std::string_view(c.unit));
  });
  if (conditions->size() > HealthEvent::kConditionsMax) {
    conditions->resize(HealthEvent::kConditionsMax);
  }
  for (Condition& condition : *conditions) {
    if (condition.evidence.size() > Condition::kEvidenceLinesMax) {
      condition.evidence.resize(Condition::kEvidenceLinesMax);
    }
    for (std::string& line : condition.evidence) {
      if (line.size() > Condition::kEvidenceLineBytesMax) {
        line.resize(Condition::kEvidenceLineBytesMax);
      }
    }
  }
  for (auto it = conditions->rbegin();
       it != conditions->rend() && BytesOf(*conditions) > HealthEvent::kBytesMax; ++it) {
    it->evidence.clear();
  }
  while (!conditions->empty() && BytesOf(*conditions) > HealthEvent::kBytesMax) {
    conditions->pop_back();
  }
}

Status Reporter::Restore(std::string_view state) {
  FLEETMEDIC_CHECK(!booted_);
  restore_failed_ = true;
  FLEETMEDIC_ASSIGN_OR_RETURN(const Json json, Json::Parse(state));
  struct Entry {
    std::string detector;
    Condition condition;
  };
  std::string boot_id;
  uint64_t reserved = 0;
  std::vector<Entry> entries;
  JsonReader in(json, "reporter state");
  in.Required("boot_id", &boot_id);
  in.Required("reserved", &reserved);
  in.ListAs("since", &entries, [](const Json& member) -> Result<Entry> {
    Entry entry;
    JsonReader read(member, "since");
    read.Required("detector", &entry.detector);
    read.Required("type", &entry.condition.type);
    read.Required("unit", &entry.condition.unit);
    read.Word("verdict", &entry.condition.verdict, ParseVerdict);
    read.Required("since", &entry.condition.since);
    FLEETMEDIC_RETURN_IF_ERROR(read.Done());
    return entry;
  });
  FLEETMEDIC_RETURN_IF_ERROR(in.Done());
  restore_failed_ = false;
  restored_boot_id_ = boot_id;
  reserved_ = reserved;
  for (Entry& entry : entries) {
    since_[entry.detector][{entry.condition.type, entry.condition.unit}] = {entry.condition.verdict,
                                                                            entry.condition.since};
  }
  return {};
}

void Reporter::SetBoot(const std::string& boot_id, WallTime booted_at, WallTime wall) {
  booted_at_ = booted_at;
  if (booted_ && boot_id == boot_id_) return;
  const bool restarted = !booted_ && !restored_boot_id_.empty() && boot_id == restored_boot_id_;
  if (restarted) {
    first_sequence_ = reserved_;
  } else {
    since_.clear();
    first_sequence_ = 0;
    if (!booted_ && restore_failed_ && booted_at != kWallNever && wall > booted_at) {
      first_sequence_ =
          static_cast<uint64_t>(std::chrono::duration_cast<Millis>(wall - booted_at).count());
    }
  }
  boot_id_ = boot_id;
  booted_ = true;
  reserved_ = first_sequence_;
  for (auto& [detector, slot] : slots_) {
    slot.sequence = first_sequence_;
    slot.changed = true;
    // What was seen in the boot before says nothing of this one, but it is all there is.
    for (Condition& condition : slot.conditions) condition.since = kWallNever;
    KeepSince(detector, slot.observed_at, &slot.conditions);
  }
  beat_due_ = MonoTime{};
  state_changed_ = true;
}

void Reporter::KeepSince(const std::string& detector, WallTime observed_at,
                         std::vector<Condition>* conditions) {
  Since& before = since_[detector];
  Since after;
  for (Condition& condition : *conditions) {
    const auto key = std::make_pair(condition.type, condition.unit);
    const auto found = before.find(key);
    const bool same = found != before.end() && found->second.first == condition.verdict;
    condition.since = same ? found->second.second : observed_at;
    after[key] = {condition.verdict, condition.since};
  }
  if (after == before) return;
  before = std::move(after);
  state_changed_ = true;
}

void Reporter::SetRunning(std::map<std::string, Millis> running) {
  FLEETMEDIC_CHECK(!running.empty());
  if (running == running_) return;
  running_ = std::move(running);
  const auto stopped = [this](const auto& entry) { return !running_.contains(entry.first); };
  if (std::erase_if(since_, stopped) > 0) state_changed_ = true;
}

bool Reporter::Take(DetectorReport report) {
  const auto [found, fresh] = slots_.try_emplace(report.detector);
  Slot& slot = found->second;
  if (fresh) slot.sequence = first_sequence_;
  if (!fresh && report.observed_at < slot.observed_at &&
      slot.observed_at - report.observed_at < HealthEvent::kFutureMax) {
    return false;  // older; a clock that was set back further than that is believed
  }
  CapConditions(&report.conditions);
  if (!fresh && SameVerdicts(slot.conditions, report.conditions)) {
    // Nearly always.
    for (size_t i = 0; i < slot.conditions.size(); ++i) {
      report.conditions[i].since = slot.conditions[i].since;
    }
  } else {
    KeepSince(report.detector, report.observed_at, &report.conditions);
    slot.changed = true;
  }
  slot.conditions = std::move(report.conditions);
  slot.observed_at = report.observed_at;
  return true;
}

uint64_t Reporter::NextSequence(Slot* slot) {
  ++slot->sequence;
  if (slot->sequence > reserved_) {
    reserved_ = slot->sequence - 1 + options_.reserve_block;
    state_changed_ = true;
  }
  return slot->sequence;
}

HealthEvent Reporter::EventOf(const std::string& detector) const {
  HealthEvent event;
  event.host = options_.host;
  event.boot_id = boot_id_;
  event.booted_at = booted_at_;
  event.detector = detector;
  return event;
}

void Reporter::ForgetStopped() {
  if (running_.empty()) return;
  for (auto& [detector, slot] : slots_) {
    if (running_.contains(detector)) continue;
    // Its sequence stays: it may come back.
    slot.conditions.clear();
    slot.observed_at = kWallNever;
    slot.changed = true;
  }
}

std::vector<HealthEvent> Reporter::Due(MonoTime now) {
  FLEETMEDIC_CHECK(booted_);
  std::vector<HealthEvent> events;
  // What is to be repeated before the next beat goes with this one: one append for both.
  const MonoTime until = now >= beat_due_ ? now + options_.beat_every : now;
  for (auto& [detector, slot] : slots_) {
    if (slot.observed_at == kWallNever) continue;  // only beats so far
    const MonoTime repeat_due = slot.sent_at + options_.repeat_every;
    const bool repeat = repeat_due <= now || repeat_due < until;
    if (!slot.changed && !repeat) continue;
    HealthEvent event = EventOf(detector);
    event.sequence = NextSequence(&slot);
    event.observed_at = slot.observed_at;
    event.conditions = slot.conditions;
    slot.told = event.sequence;
    slot.sent_at = now;
    slot.changed = false;
    events.push_back(std::move(event));
  }
  ForgetStopped();
  const bool any_told = std::ranges::any_of(
      slots_, [](const auto& entry) { return entry.second.observed_at != kWallNever; });
  if (any_told && now >= beat_due_) {
    HealthEvent beat = EventOf(std::string(kBeatDetector));
    beat.kind = HealthEventKind::kBeat;
    beat.running = running_;
    for (const auto& [detector, slot] : slots_) {
      if (slot.observed_at == kWallNever) continue;
      beat.beats[detector] = {slot.told, slot.observed_at};
      beat.observed_at = std::max(beat.observed_at, slot.observed_at);
    }
    const auto [found, fresh] = slots_.try_emplace(std::string(kBeatDetector));
    if (fresh) found->second.sequence = first_sequence_;
    beat.sequence = NextSequence(&found->second);
    beat_due_ = now + options_.beat_every;
    events.push_back(std::move(beat));
  }
  return events;
}

MonoTime Reporter::NextDue() const {
  MonoTime next = kMonoForever;
  for (const auto& [detector, slot] : slots_) {
    if (slot.observed_at == kWallNever) continue;
    next = std::min({next, beat_due_, slot.sent_at + options_.repeat_every});
    if (slot.changed) return MonoTime{};
  }
  return next;
}

std::optional<std::string> Reporter::TakeState() {
  if (!state_changed_) return std::nullopt;
  state_changed_ = false;
  Json json;
  json.Set("boot_id", boot_id_);
  json.Set("reserved", reserved_);
  Json::Array entries;
  for (const auto& [detector, since] : since_) {
    for (const auto& [part, verdict] : since) {
      if (entries.size() >= kSinceEntriesMax) break;
      Json entry;
      entry.Set("detector", detector);
      entry.Set("type", part.first);
      entry.Set("unit", part.second);
      entry.Set("verdict", VerdictName(verdict.first));
      entry.Set("since", verdict.second);
      entries.push_back(std::move(entry));
    }
  }
  json.Set("since", std::move(entries));
  return json.DumpPretty();
}

std::vector<Condition> Reporter::Conditions() const {
  std::vector<Condition> conditions;
  for (const auto& [detector, slot] : slots_) {
    conditions.insert(conditions.end(), slot.conditions.begin(), slot.conditions.end());
  }
  return conditions;
}

}  // namespace fleetmedic
