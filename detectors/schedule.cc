#include "detectors/schedule.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "detectors/condition_types.h"

namespace fleetmedic {

size_t ProbeSchedule::Add(Millis interval, MonoTime first, Millis overdue_after) {
  FLEETMEDIC_CHECK(interval > Millis(0));
  Slot slot;
  slot.interval = interval;
  slot.overdue_after = overdue_after > Millis(0) ? overdue_after : overdue_after_;
  slot.due = first;
  slots_.push_back(slot);
  return slots_.size() - 1;
}

std::vector<ProbeAction> ProbeSchedule::Due(MonoTime now) {
  std::vector<ProbeAction> actions;
  const bool starts = std::ranges::any_of(
      slots_, [now](const Slot& slot) { return !slot.outstanding && now >= slot.due; });
  for (size_t i = 0; i < slots_.size(); ++i) {
    Slot& slot = slots_[i];
    const bool along = starts && !slot.outstanding && now + kTogether >= slot.due;
    if (now < slot.due && !along) continue;
    if (slot.outstanding) {
      slot.overdue = true;
      slot.due = now + slot.interval;
      actions.push_back({ProbeAction::Kind::kOverdue, i,
                         std::chrono::duration_cast<Millis>(now - slot.started_at),
                         slot.started_at});
    } else {
      slot.outstanding = true;
      slot.overdue = false;
      slot.started_at = now;
      slot.due = now + slot.overdue_after;
      actions.push_back({ProbeAction::Kind::kStart, i, Millis(0), now});
    }
  }
  return actions;
}

bool ProbeSchedule::Finished(size_t detector, MonoTime now, Millis rest) {
  Slot& slot = slots_[detector];
  FLEETMEDIC_CHECK(slot.outstanding);
  const bool in_time = !slot.overdue;
  slot.outstanding = false;
  slot.overdue = false;
  const Millis pause = std::max(slot.interval, rest);
  slot.due = in_time ? std::max<MonoTime>(slot.started_at + pause, now) : now;
  return in_time;
}

MonoTime ProbeSchedule::NextWake() const {
  MonoTime next = kMonoForever;
  for (const Slot& slot : slots_) next = std::min(next, slot.due);
  return next;
}

std::vector<Condition> UnknownConditions(std::span<const std::string> types,
                                         std::span<const Condition> last, std::string_view reason,
                                         std::string_view message) {
  std::map<std::pair<std::string, std::string>, Severity> parts;
  std::set<std::string, std::less<>> told;
  for (const Condition& condition : last) {
    parts.emplace(std::pair(condition.type, condition.unit), condition.severity);
    told.insert(condition.type);
  }
  for (const std::string& type : types) {
    if (!told.contains(type)) parts.emplace(std::pair(type, ""), Severity::kSoft);
  }
  std::vector<Condition> unknown;
  for (const auto& [part, severity] : parts) {
    const ConditionType* const entry = FindConditionType(part.first);
    unknown.push_back(MakeConditionOf(part.first, entry == nullptr ? severity : entry->severity,
                                      part.second, Verdict::kUnknown, reason,
                                      std::string(message)));
  }
  return unknown;
}

}  // namespace fleetmedic
