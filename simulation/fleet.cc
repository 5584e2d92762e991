// How the hosts are made, and what befalls them; fleet_talk.cc is what they say and obey.
#include "simulation/fleet.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

namespace fleetmedic::sim {
namespace {

// Of so many hosts, how many a shape means.
size_t CountOf(int hosts, double share, size_t all) {
  const auto count = hosts > 0
                         ? static_cast<size_t>(hosts)
                         : static_cast<size_t>(std::llround(share * static_cast<double>(all)));
  return std::min(count, all);
}

void SetFact(HostFacts* facts, const std::string& name, const std::string& value) {
  if (value.empty()) return;
  if (name == "kernel") {
    facts->kernel = value;
  } else if (name == "image") {
    facts->image = value;
  } else if (name == "instance_type") {
    facts->instance_type = value;
  } else if (name == "agent_version") {
    facts->agent_version = value;
  } else if (name == "zone") {
    facts->zone = value;
  } else {
    facts->labels[name] = value;
  }
}

}  // namespace

Fleet::Fleet(EventLoop* loop, EventLog* log, const FleetOptions& options)
    : loop_(loop), log_(log), options_(options), delivery_(loop->random().Fork()) {
  NameHosts();
  AssignPools();
  AssignFacts();
  for (size_t i = 0; i < hosts_.size(); ++i) {
    index_.emplace(hosts_[i].facts.host, i);
    slots_[loop_->random().Below(kSlots)].push_back(i);
  }
}

void Fleet::NameHosts() {
  const auto count = static_cast<size_t>(options_.hosts);
  const auto cells = static_cast<size_t>(options_.cells);
  // As wide as the last of them, so that their order is the order of their names.
  const size_t width = std::max(size_t{3}, fmt::format("{}", count - 1).size());
  hosts_.resize(count);
  for (size_t i = 0; i < count; ++i) {
    HostFacts& facts = hosts_[i].facts;
    const size_t cell = i * cells / count;
    facts.host = HostId(fmt::format("h{:0{}}", i, width));
    facts.cell = fmt::format("cell-{}", static_cast<char>('a' + cell % 26)) +
                 (cell < 26 ? "" : fmt::format("{}", cell / 26));
    if (options_.racks > 0) {
      facts.rack = fmt::format("{}-r{}", facts.cell, i % static_cast<size_t>(options_.racks));
    }
    facts.kernel = "6.1.99";
    facts.agent_version = "sim";
    if (options_.boot_ids) facts.boot_id = fmt::format("{}-boot-0", facts.host.str());
    facts.booted_at = loop_->wall() - Hours(1);
  }
}

void Fleet::AssignPools() {
  std::vector<const std::string*> names;
  for (const PoolShape& pool : options_.pools) {
    const size_t left = hosts_.size() - names.size();
    names.resize(names.size() + std::min(left, CountOf(pool.hosts, pool.share, hosts_.size())),
                 &pool.name);
  }
  // Shares that do not add up leave the rest to the last pool.
  if (!options_.pools.empty()) names.resize(hosts_.size(), &options_.pools.back().name);
  loop_->Shuffle(&names);
  for (size_t i = 0; i < names.size(); ++i) hosts_[i].facts.pool = *names[i];
}

void Fleet::AssignFacts() {
  for (const FactShape& fact : options_.facts) {
    std::vector<bool> has(hosts_.size(), false);
    std::fill_n(has.begin(), CountOf(fact.hosts, fact.share, hosts_.size()), true);
    loop_->Shuffle(&has);
    for (size_t i = 0; i < hosts_.size(); ++i) {
      SetFact(&hosts_[i].facts, fact.name, has[i] ? fact.value : fact.others);
    }
  }
}

void Fleet::NoteHealth(size_t host) {
  SimHost& it = hosts_[host];
  bool said = false;
  bool truly = false;
  for (const auto& [detector, ailments] : it.ailing) {
    said = said || !ailments.empty();
    truly = truly || std::ranges::any_of(ailments, &Ailment::real);
  }
  if (!said) {
    it.said_bad_since = kMonoForever;
  } else if (it.said_bad_since == kMonoForever) {
    it.said_bad_since = loop_->mono();
  }
  if (truly) {
    it.truly_bad_at = kMonoForever;
  } else if (it.truly_bad_at == kMonoForever) {
    it.truly_bad_at = loop_->mono();
  }
}

bool Fleet::TrulyBadWithin(size_t host, Micros span) const {
  const std::optional<MonoTime>& at = hosts_[host].truly_bad_at;
  return at && (*at == kMonoForever || *at + span >= loop_->mono());
}

void Fleet::Break(size_t host, const std::string& detector, Ailment ailment) {
  SimHost& it = hosts_[host];
  loop_->Trace(fmt::format("break {} {}", it.facts.host.str(), ailment.condition.type));
  ailment.condition.verdict = Verdict::kBad;
  ailment.condition.reason = "Simulated";
  ailment.condition.message = ailment.condition.type + " is bad";
  ailment.condition.since = WallOf(it);
  const bool finding = !ailment.rule.empty();
  it.ailing[finding ? "rule:" + ailment.rule : detector].push_back(std::move(ailment));
  NoteHealth(host);
  if (finding) {
    AddFindings(it);
  } else {
    SendConditions(host, detector);
  }
}

void Fleet::EndCause(size_t host, uint64_t cause) {
  SimHost& it = hosts_[host];
  bool ended = false;
  for (auto& [detector, ailments] : it.ailing) {
    ended |= std::erase_if(ailments, [&](const Ailment& a) { return a.cause == cause; }) > 0;
  }
  if (!ended) return;
  loop_->Trace("ended " + it.facts.host.str());
  NoteHealth(host);
  SendAll(host);
}

void Fleet::Heal(size_t host) {
  SimHost& it = hosts_[host];
  loop_->Trace("heal " + it.facts.host.str());
  it.ailing.clear();
  NoteHealth(host);
  loop_->After(loop_->Between(Seconds(1), Seconds(10)), [this, host] { SendAll(host); });
}

void Fleet::Cure(size_t host) {
  SimHost& it = hosts_[host];
  loop_->Trace("cure " + it.facts.host.str());
  for (auto& [detector, ailments] : it.ailing) std::erase_if(ailments, &Ailment::curable);
  NoteHealth(host);
  loop_->After(loop_->Between(Seconds(1), Seconds(10)), [this, host] { SendAll(host); });
}

void Fleet::Silence(size_t host, Micros lasts) {
  loop_->Trace("silence " + hosts_[host].facts.host.str());
  hosts_[host].agent_up = false;
  loop_->After(lasts, [this, host] {
    hosts_[host].agent_up = true;
    SendAll(host);
  });
}

void Fleet::Cut(size_t host) { hosts_[host].reachable = false; }

void Fleet::Rejoin(size_t host) {
  SimHost& it = hosts_[host];
  it.reachable = true;
  for (const ExecutorCommand& command : std::exchange(it.waiting, {})) Obey(host, command);
  SendAll(host);
  SendReport(host, {});
}

void Fleet::DropTasks(size_t host) {
  for (const auto& [task, status] : std::exchange(hosts_[host].tasks, {})) {
    if (!TaskEnded(status.state) && watcher_ != nullptr) watcher_->OnTaskEnded(host, task);
  }
}

void Fleet::Reboot(size_t host) {
  SimHost& it = hosts_[host];
  if (it.booting) return;
  loop_->Trace("reboot " + it.facts.host.str());
  it.booting = true;
  DropTasks(host);
  loop_->After(loop_->Between(Seconds(20), Seconds(45)), [this, host] {
    SimHost& up = hosts_[host];
    up.booting = false;
    up.boots += 1;
    if (options_.boot_ids) {
      up.facts.boot_id = fmt::format("{}-boot-{}", up.facts.host.str(), up.boots);
    }
    up.facts.booted_at = WallOf(up);
    up.sequences.clear();
    std::vector<Record> batch;
    AddFacts(up, &batch);
    if (up.reachable) (void)log_->Append(Topic::kHosts, batch);
    SendAll(host);
    SendReport(host, {});
  });
}

void Fleet::Deliver(double duplicate_chance, double late_chance, Millis late_max) {
  options_.duplicate_chance = duplicate_chance;
  options_.late_chance = late_chance;
  options_.late_max = late_max;
}

void Fleet::ReplayHistory() {
  loop_->Trace("the log tells again");
  const std::vector<Record> again(history_.begin(), history_.end());
  for (size_t at = 0; at < again.size(); at += kAppendRecordsMax) {
    const std::span<const Record> all(again);
    (void)log_->Append(Topic::kHealth,
                       all.subspan(at, std::min(kAppendRecordsMax, all.size() - at)));
  }
}

}  // namespace fleetmedic::sim
