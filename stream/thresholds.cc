#include "stream/thresholds.h"

#include <algorithm>
#include <utility>

#include "base/text.h"

namespace fleetmedic {

std::optional<Finding> Thresholds::Add(const RuleHit& hit) {
  const Rule& rule = hit.rule;
  Window& window = WindowOf(hit);
  WallTime at = hit.at;
  if (!window.times.empty() && at < window.times.back()) {
    if (window.times.back() - at > rule.threshold_within) {
      std::string key = std::move(window.key);
      window = Window{};
      window.key = std::move(key);
    } else {
      at = window.times.back();
    }
  }
  // After a silence of the window's length what was counted before is of another time.
  if (!window.times.empty() && at - window.times.back() > rule.threshold_within) {
    window.times.clear();
    window.evidence.clear();
    window.lines = 0;
  }
  const size_t count = static_cast<size_t>(rule.threshold_count);
  for (uint64_t i = 0; i < std::min<uint64_t>(hit.times, count); ++i) {
    window.times.push_back(at);
    if (window.times.size() > count) window.times.pop_front();
  }
  if (window.lines == 0) window.first_at = at;
  window.lines += hit.times;
  window.evidence.push_back(VisibleText(hit.line.substr(0, kEvidenceBytesMax)));
  if (window.evidence.size() > kEvidenceLines) window.evidence.pop_front();

  const bool passed = window.times.size() == static_cast<size_t>(rule.threshold_count) &&
                      at - window.times.front() <= rule.threshold_within;
  const Millis repeat_after = rule.clear == Clear::kTime
                                  ? rule.clear_after
                                  : std::min(kRepeatAfterMax, rule.threshold_within);
  const bool due = window.found_at == kWallNever || at - window.found_at >= repeat_after;
  if (!passed || !due) return std::nullopt;

  Finding finding = FindingOf(hit);
  finding.condition.verdict = Verdict::kBad;
  finding.condition.message = hit.message;
  finding.condition.since = window.first_at;
  finding.condition.evidence.assign(window.evidence.begin(), window.evidence.end());
  finding.count = window.lines;
  finding.first_at = window.first_at;
  finding.last_at = at;
  window.found_at = at;
  window.lines = 0;
  window.evidence.clear();
  window.cancelled = false;
  return finding;
}

std::optional<Finding> Thresholds::Cancel(const RuleHit& hit) {
  Window& window = WindowOf(hit);
  const bool told = window.cancelled;
  // A line that the clock says is older than what it cancels came after it all the same.
  const WallTime at = window.times.empty() ? hit.at : std::max(hit.at, window.times.back());
  std::string key = std::move(window.key);
  window = Window{};
  window.key = std::move(key);
  window.cancelled = true;
  if (told) return std::nullopt;
  Finding finding = FindingOf(hit);
  finding.condition.verdict = Verdict::kOk;
  finding.condition.message = "taken back: " + VisibleText(hit.line.substr(0, kEvidenceBytesMax));
  finding.condition.since = at;
  finding.count = 1;
  finding.first_at = at;
  finding.last_at = at;
  return finding;
}

Finding Thresholds::FindingOf(const RuleHit& hit) {
  Finding finding;
  finding.host = hit.host;
  finding.boot_id = hit.boot_id;
  finding.rule = hit.rule.name;
  finding.rule_version = hit.rule.version;
  finding.condition.type = hit.rule.condition;
  finding.condition.unit = hit.unit;
  finding.condition.severity = hit.rule.severity;
  finding.condition.reason = hit.rule.reason;
  finding.clear = hit.rule.clear;
  finding.clear_after = hit.rule.clear_after;
  finding.clear_probe = hit.rule.clear_probe;
  finding.position = hit.position;
  finding.captures = hit.captures;
  return finding;
}

Thresholds::Window& Thresholds::WindowOf(const RuleHit& hit) {
  const auto [known, fresh_host] = by_host_.try_emplace(hit.host, hosts_.end());
  if (fresh_host) {
    hosts_.push_front(Host{hit.host, {}, {}});
    known->second = hosts_.begin();
  } else {
    hosts_.splice(hosts_.begin(), hosts_, known->second);
  }
  Host& host = hosts_.front();
  std::string key =
      std::string(hit.boot_id) + '\n' + hit.rule.name + '\n' + hit.rule.version + '\n' + hit.unit;
  const auto found = host.by_key.find(key);
  if (found != host.by_key.end()) {
    host.windows.splice(host.windows.begin(), host.windows, found->second);
    return host.windows.front();
  }
  if (host.windows.size() >= limits_.windows_per_host_max) {
    DropOldestOf(&host);
  } else if (windows_ >= limits_.windows_max) {
    DropOldestOf(&hosts_.back());
  }
  host.windows.push_front(Window{});
  host.windows.front().key = key;
  host.by_key.emplace(std::move(key), host.windows.begin());
  ++windows_;
  return host.windows.front();
}

void Thresholds::DropOldestOf(Host* host) {
  host->by_key.erase(host->windows.back().key);
  host->windows.pop_back();
  --windows_;
  ++dropped_;
  // The front host is the one that a window is made for.
  if (!host->windows.empty() || host == &hosts_.front()) return;
  by_host_.erase(host->id);
  hosts_.pop_back();
}

}  // namespace fleetmedic
