#include "detectors/disk/disk_evaluate.h"

#include <algorithm>
#include <array>
#include <utility>

#include <fmt/format.h>

#include "base/text.h"
#include "detectors/condition_list.h"
#include "detectors/proc_text.h"

namespace fleetmedic {
namespace {

constexpr size_t kMountPointsShown = 3;

std::string Key(std::string_view disk, std::string_view counter) {
  return fmt::format("{} {}", disk, counter);
}

// "sda (8:0; /, /var, /srv and 2 more)"
std::string Describe(const DiskSample& disk) {
  std::string text = fmt::format("{} ({}", VisibleText(disk.name), disk.number);
  for (size_t i = 0; i < std::min(disk.mount_points.size(), kMountPointsShown); ++i) {
    text += (i == 0 ? "; " : ", ") + VisibleText(disk.mount_points[i]);
  }
  if (disk.mount_points.size() > kMountPointsShown) {
    text += fmt::format(" and {} more", disk.mount_points.size() - kMountPointsShown);
  }
  return text + (disk.mount_points.empty() ? "; not mounted)" : ")");
}

// What breaks the host when it is mounted is milder when nobody uses it.
Severity IfMounted(const DiskSample& disk) {
  return disk.mount_points.empty() ? Severity::kSoft : Severity::kHard;
}

bool EvaluateHung(const DiskSample& disk, const DiskHistory& history,
                  const DiskThresholds& thresholds, ConditionList* out) {
  const Micros stalled = history.StalledFor(disk.name);
  if (stalled < thresholds.hung_after) return false;
  const bool sure = history.InFlightRose(disk.name);
  out->Bad("DiskHung", disk.name, sure ? IfMounted(disk) : Severity::kSoft, "NothingCompletes",
           fmt::format("{}: {} I/Os in flight and none completed for {} s (at most {} s){}",
                       Describe(disk), disk.counters->in_flight, stalled.count() / 1'000'000,
                       thresholds.hung_after.count() / 1000,
                       sure ? "" : "; it was so when the agent started"));
  return true;
}

void EvaluateLatency(const DiskSample& disk, const DiskHistory& history,
                     const DiskThresholds& thresholds, ConditionList* out) {
  const auto grown = [&](std::string_view name) {
    return history.counters().Growth(Key(disk.name, name));
  };
  const uint64_t reads = grown("reads");
  const uint64_t writes = grown("writes");
  const uint64_t ios = reads + writes;
  if (ios < std::max<uint64_t>(thresholds.slow_ios_min, 1)) return;
  const uint64_t read_ms = grown("read_ms");
  const uint64_t write_ms = grown("write_ms");
  const auto average = [](uint64_t ms, uint64_t count) {
    return count == 0 ? 0.0 : static_cast<double>(ms) / static_cast<double>(count);
  };
  const double await = average(read_ms + write_ms, ios);
  const double await_max =
      disk.rotational ? thresholds.slow_await_rotational_ms : thresholds.slow_await_ms;
  if (await < await_max) return;
  const Micros span = history.counters().Span(Key(disk.name, "reads"));
  const double busy =
      std::min(100.0, 100.0 * average(grown("busy_ms"), std::max<int64_t>(span.count(), 1) / 1000));
  out->Bad("DiskSlow", disk.name, Severity::kSoft, "HighLatency",
           fmt::format("{}: {:.0f} ms for an I/O (at most {:.0f}) over {} in {} s: reads {:.0f} "
                       "ms, writes {:.0f} ms, busy {:.0f} % of the time, {} in flight",
                       Describe(disk), await, await_max, ios, span.count() / 1'000'000,
                       average(read_ms, reads), average(write_ms, writes), busy,
                       disk.counters->in_flight));
}

void EvaluateScsi(const DiskSample& disk, const DiskHistory& history,
                  const DiskThresholds& thresholds, ConditionList* out) {
  // The states of drivers/scsi/scsi_sysfs.c. Others pass by themselves or are somebody's wish.
  const std::string_view state = disk.scsi_state;
  if (state == "offline" || state == "transport-offline") {
    out->Bad("DiskOffline", disk.name, IfMounted(disk),
             state == "offline" ? "Offline" : "TransportOffline",
             fmt::format("{}: SCSI state is {}: every I/O fails", Describe(disk), state));
  } else if (state == "blocked" || state == "quiesce") {
    out->Bad("DiskOffline", disk.name, Severity::kSoft, "Blocked",
             fmt::format("{}: SCSI state is {}: I/O waits", Describe(disk), state));
  }
  const uint64_t errors = history.errors().Growth(Key(disk.name, "errors"));
  const uint64_t timeouts = history.errors().Growth(Key(disk.name, "timeouts"));
  const bool too_many = errors >= thresholds.errors_max;
  if (too_many || timeouts >= thresholds.timeouts_max) {
    out->Bad("DiskErrors", disk.name, Severity::kSoft,
             too_many ? "CommandsFail" : "CommandsTimeOut",
             fmt::format("{}: {} commands failed (from {}), {} timed out (from {}) within {}",
                         Describe(disk), errors, thresholds.errors_max, timeouts,
                         thresholds.timeouts_max, FormatDuration(history.errors().window())));
  }
}

void EvaluateArray(const DiskSample& disk, ConditionList* out) {
  const ArraySample& array = *disk.array;
  if (array.state == "broken") {
    out->Bad("RaidDegraded", disk.name, IfMounted(disk), "Broken",
             fmt::format("{}: too many members are gone: the array is broken", Describe(disk)));
    return;
  }
  if (array.degraded == 0) return;
  const bool rebuilding = array.sync_action == "recover" || array.sync_action == "resync";
  out->Bad(
      "RaidDegraded", disk.name, rebuilding ? Severity::kInfo : Severity::kSoft,
      rebuilding ? "Rebuilding" : "MembersMissing",
      fmt::format("{}: {} of {} members missing; sync action {}, done {}", Describe(disk),
                  array.degraded, array.disks, Quote(array.sync_action), Quote(array.sync_done)));
}

}  // namespace

std::vector<DiskLine> DisksFromDiskstats(std::string_view text) {
  std::vector<DiskLine> disks;
  for (const std::string_view line : Lines(text)) {
    const std::vector<std::string_view> fields = Fields(line);
    // 14 since 2.6, 18 with discards since 4.18, 20 with flushes since 5.5.
    if (fields.size() < 14) continue;
    std::array<uint64_t, 17> values{};
    bool whole = ParseCount(fields[0]).has_value() && ParseCount(fields[1]).has_value();
    for (size_t i = 3; i < std::min<size_t>(fields.size(), 20); ++i) {
      const std::optional<uint64_t> value = ParseCount(fields[i]);
      whole = whole && value.has_value();
      values[i - 3] = value.value_or(0);
    }
    if (!whole) continue;
    DiskLine disk;
    disk.name = fields[2];
    disk.number = fmt::format("{}:{}", fields[0], fields[1]);
    disk.counters = {.reads = values[0],
                     .read_ms = values[3],
                     .writes = values[4],
                     .write_ms = values[7],
                     .others = values[11] + values[15],
                     .in_flight = values[8],
                     .busy_ms = values[9]};
    disks.push_back(std::move(disk));
  }
  return disks;
}

void DiskHistory::Add(const std::vector<DiskSample>& disks, MonoTime now) {
  for (const DiskSample& disk : disks) {
    if (disk.scsi_errors) errors_.Add(Key(disk.name, "errors"), *disk.scsi_errors, now);
    if (disk.scsi_timeouts) errors_.Add(Key(disk.name, "timeouts"), *disk.scsi_timeouts, now);
    if (!disk.counters) continue;
    const DiskCounters& counters = *disk.counters;
    counters_.Add(Key(disk.name, "reads"), counters.reads, now);
    counters_.Add(Key(disk.name, "read_ms"), counters.read_ms, now);
    counters_.Add(Key(disk.name, "writes"), counters.writes, now);
    counters_.Add(Key(disk.name, "write_ms"), counters.write_ms, now);
    counters_.Add(Key(disk.name, "busy_ms"), counters.busy_ms, now);

    const auto [found, fresh] = progress_.try_emplace(disk.name);
    Progress& progress = found->second;
    const uint64_t completed = counters.reads + counters.writes + counters.others;
    const bool working = !fresh && completed != progress.completed;
    if (working || counters.in_flight == 0) {
      progress.in_flight_working =
          std::min(progress.in_flight_working.value_or(counters.in_flight), counters.in_flight);
    }
    if (fresh || working || counters.in_flight == 0) {
      progress.stalled_since = now;
      progress.stalled_looks = 0;
    }
    if (counters.in_flight > 0) ++progress.stalled_looks;
    progress.completed = completed;
    progress.in_flight = counters.in_flight;
    progress.last = now;
  }
  // What is gone starts afresh when it comes back.
  std::erase_if(progress_, [now](const auto& entry) { return entry.second.last < now; });
  counters_.ForgetOlderThan(now);
  errors_.ForgetOlderThan(now);
}

Micros DiskHistory::StalledFor(std::string_view disk) const {
  const auto found = progress_.find(disk);
  if (found == progress_.end() || found->second.stalled_looks < kStallLooksMin) return Micros(0);
  return found->second.last - found->second.stalled_since;
}

bool DiskHistory::InFlightRose(std::string_view disk) const {
  const auto found = progress_.find(disk);
  return found != progress_.end() && found->second.in_flight_working.has_value() &&
         found->second.in_flight > *found->second.in_flight_working;
}

std::vector<Condition> EvaluateDisk(const std::vector<DiskSample>& disks,
                                    const DiskHistory& history, const DiskThresholds& thresholds) {
  ConditionList out;
  out.Fine("DiskHung", "Completing", "every disk completes what it is given");
  out.Fine("DiskSlow", "LatencyFine", "no disk is slower than the threshold");
  out.Fine("DiskOffline", "Online", "no disk is offline");
  out.Fine("DiskErrors", "FewErrors", "no disk has more errors than the threshold");
  out.Fine("DiskReadOnly", "Writable", "no disk is read-only below a writable file system");
  out.Fine("RaidDegraded", "Whole", "no array is degraded");
  for (const DiskSample& disk : disks) {
    // A disk that completes nothing has no latency.
    if (disk.counters && !EvaluateHung(disk, history, thresholds, &out)) {
      EvaluateLatency(disk, history, thresholds, &out);
    }
    EvaluateScsi(disk, history, thresholds, &out);
    if (disk.array) EvaluateArray(disk, &out);
    if (disk.read_only && disk.mounted_writable) {
      out.Bad("DiskReadOnly", disk.name, Severity::kSoft, "ReadOnly",
              fmt::format("{}: the device is read-only and a file system on it is mounted "
                          "writable: writes fail",
                          Describe(disk)));
    }
  }
  return std::move(out).Take();
}

}  // namespace fleetmedic
