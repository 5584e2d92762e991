#include "simulation/figures.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace fleetmedic::sim {
namespace {

// A host that was truly bad so shortly before is not acted on wrongly: evidence may be so old.
constexpr Micros kTrulyBadSlack = Seconds(60);

}  // namespace

int64_t FigureCounts::acts() const {
  return taints + drains + std::accumulate(repairs.begin(), repairs.end(), int64_t{0});
}

std::optional<Micros> Percentile(std::vector<Micros> values, double share) {
  if (values.empty()) return std::nullopt;
  const auto rank = static_cast<size_t>(std::ceil(share * static_cast<double>(values.size())));
  const auto at = values.begin() + static_cast<ptrdiff_t>(std::max(rank, size_t{1}) - 1);
  std::ranges::nth_element(values, at);
  return *at;
}

void Figures::OnFault() {
  if (!fault_at_) fault_at_ = loop_.mono();
}

void Figures::OnBlocked(const std::string& text) {
  if (!text.empty() && blocked_by_.size() < kBlockedMax) blocked_by_.insert(text);
}

void Figures::NoteAct(size_t host) {
  acted_on_.insert(host);
  if (!fleet_.TrulyBadWithin(host, kTrulyBadSlack)) ++counts_.wrong_acts;
}

void Figures::OnDirective(const Directive& before, const Directive& now, bool braked) {
  const size_t index = fleet_.IndexOf(now.host);
  Host& host = hosts_[index];
  const bool was_out = before.want != Want::kSchedulable;
  const bool is_out = now.want != Want::kSchedulable;
  if (is_out && !was_out) {
    ++counts_.taints;
    out_max_ = std::max(out_max_, ++out_now_);
    NoteAct(index);
    host.tainted_at = loop_.mono();
    const MonoTime since = fleet_.hosts()[index].said_bad_since;
    if (since != kMonoForever) to_taint_.push_back(loop_.mono() - since);
    host.taints.push_back(loop_.mono());
    while (host.taints.front() + Hours(1) < loop_.mono()) host.taints.pop_front();
    host_taints_per_hour_max_ =
        std::max(host_taints_per_hour_max_, static_cast<int>(host.taints.size()));
  }
  if (now.want == Want::kDrained && before.want != Want::kDrained) {
    ++counts_.drains;
    if (braked) ++counts_.drains_while_braked;
    NoteAct(index);
    host_drains_max_ = std::max(host_drains_max_, ++host.drains);
  }
  if (was_out && !is_out) {
    ++counts_.give_backs;
    --out_now_;
    to_give_back_.push_back(loop_.mono() - host.tainted_at);
  }
}

void Figures::OnRepairRun(size_t host, const Repair& repair) {
  ++counts_.repairs[static_cast<size_t>(repair.rung)];
  NoteAct(host);
  if (repair.rung == Rung::kReboot) {
    const auto& tasks = fleet_.hosts()[host].tasks;
    counts_.tasks_killed += std::ranges::count_if(
        tasks, [](const auto& task) { return task.second.state == TaskState::kRunning; });
  }
}

void Figures::OnAudit(const AuditEntry& entry) {
  if (entry.action == "trip") {
    ++counts_.brake_trips;
    ++counts_.pages;
    if (!brake_after_ && fault_at_) brake_after_ = loop_.mono() - *fault_at_;
    return;
  }
  constexpr std::string_view kHost = "host:";
  if (!entry.object.starts_with(kHost)) {
    if (entry.action == "page") ++counts_.pages;
    return;
  }
  const HostId name(entry.object.substr(kHost.size()));
  Host& host = hosts_[fleet_.IndexOf(name)];
  if (entry.action == "page") {
    ++counts_.pages;
    host.person = true;
  } else if (entry.action == "grant") {
    ++counts_.grants;
    host.grant = entry.result;
    host.person = false;
  } else if (entry.action == "refuse") {
    ++counts_.refusals;
    OnBlocked(entry.why);
  } else if (entry.action == "retire") {
    ++counts_.retired;
    host.person = true;
  }
  // The record that holds no grant any more has ended what the grant was for.
  if (!host.grant.empty() && entry.detail["from"].string() != nullptr && entry.result.empty() &&
      entry.action != "refuse" && entry.action != "overlay") {
    host.grant.clear();
    ++counts_.episodes;
    counts_.healed += host.person ? 0 : 1;
  }
}

}  // namespace fleetmedic::sim
