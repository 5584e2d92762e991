#include <algorithm>
#include <map>

#include "detectors/memory/memory_evaluate.h"

namespace fleetmedic {
namespace {

// Looks closer together than this part of the window are not kept, so that the bounds on looks
// hold whatever the interval is.
constexpr int kLooksInWindowMax = 100;

}  // namespace

void LevelWindow::Add(double level, MonoTime now, Millis window) {
  looks_.emplace_back(now, level);
  // As with counters, one look from before the window stays.
  while (looks_.size() > 1 && looks_[1].first <= now - window) looks_.pop_front();
  whole_ = now - looks_.front().first >= window;
}

double LevelWindow::Highest() const {
  double highest = looks_.empty() ? 0 : looks_.front().second;
  for (const auto& [at, level] : looks_) highest = std::max(highest, level);
  return highest;
}

double LevelWindow::Lowest() const {
  double lowest = looks_.empty() ? 0 : looks_.front().second;
  for (const auto& [at, level] : looks_) lowest = std::min(lowest, level);
  return lowest;
}

void MemoryHistory::Add(const HostMemorySample& sample) {
  AddKills(sample);
  if (thinned_at_ != MonoTime{} && sample.at - thinned_at_ < window_ / kLooksInWindowMax) return;
  thinned_at_ = sample.at;
  const auto add = [&](const PressureSample& pressure, std::string_view name, bool full) {
    if (!pressure.totals) return;
    counters_.Add(name, full ? pressure.totals->full_us : pressure.totals->some_us, sample.at);
  };
  add(sample.cpu, "cpu.some", false);
  add(sample.memory, "memory.full", true);
  add(sample.io, "io.full", true);
  counters_.Add("swap_in", sample.pages_swapped_in, sample.at);
  counters_.Add("compact_fail", sample.compactions_failed, sample.at);
  // What could not be read for a whole window starts afresh.
  counters_.ForgetOlderThan(sample.at - window_);
  const auto share = [](uint64_t part, uint64_t whole) {
    return whole == 0 ? 0 : static_cast<double>(part) / static_cast<double>(whole);
  };
  available_.Add(share(sample.available_bytes, sample.total_bytes), sample.at, window_);
  const uint64_t swap_used =
      sample.swap_total_bytes - std::min(sample.swap_free_bytes, sample.swap_total_bytes);
  swap_.Add(share(swap_used, sample.swap_total_bytes), sample.at, window_);
}

void MemoryHistory::AddKills(const HostMemorySample& sample) {
  while (!kills_.empty() && kills_.front().at <= sample.at - oom_window_) kills_.pop_front();
  if (!sample.oom_kills) return;
  const uint64_t before = oom_kills_.value_or(*sample.oom_kills);
  const uint64_t grown = *sample.oom_kills - std::min(before, *sample.oom_kills);
  oom_kills_ = sample.oom_kills;
  const auto add = [&](const std::string& cgroup, uint64_t kills) {
    if (kills_.size() >= kKillsMax) kills_.pop_front();
    kills_.push_back({sample.at, cgroup, kills});
  };
  uint64_t named = told_ahead_;
  for (const CgroupKills& told : sample.cgroup_kills) {
    add(told.cgroup, told.kills);
    named += told.kills;
  }
  if (grown > named) add("", grown - named);
  told_ahead_ = named - std::min(named, grown);
}

std::vector<CgroupKills> MemoryHistory::Kills() const {
  std::map<std::string, uint64_t> by_cgroup;
  for (const Kill& kill : kills_) by_cgroup[kill.cgroup] += kill.kills;
  std::vector<CgroupKills> all;
  for (const auto& [cgroup, kills] : by_cgroup) all.push_back({cgroup, kills});
  std::ranges::stable_sort(all, std::greater(), &CgroupKills::kills);
  return all;
}

}  // namespace fleetmedic
