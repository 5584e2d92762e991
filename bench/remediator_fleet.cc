#include <fmt/format.h>

#include "bench/remediator_parts.h"
#include "model/command.h"
#include "model/host_facts.h"

namespace fleetmedic {
namespace {

constexpr const char* kDetectorNames[ToldFleet::kDetectors] = {
    "docker", "agent", "clock",  "containerd", "disk",    "filesystem",
    "kernel", "logs",  "memory", "network",    "process", "systemd"};

Record RecordOf(int host, const Json& json, WallTime now) {
  return {.key = ToldFleet::NameOf(host), .value = json.Dump(), .headers = {}, .timestamp = now};
}

}  // namespace

std::string ToldFleet::NameOf(int host) { return fmt::format("host-{:06}", host); }

HealthEvent ToldFleet::EventOf(int host, int detector, WallTime now) const {
  HealthEvent event;
  event.host = HostId(NameOf(host));
  event.boot_id = fmt::format("{:08x}-aaaa-4bbb-8ccc-0123456789ab", host);
  event.booted_at = booted_at_;
  event.detector = kDetectorNames[detector];
  event.sequence = 1;
  event.observed_at = now;
  return event;
}

Condition ToldFleet::ConditionOf(std::string type, Verdict verdict) const {
  Condition condition;
  condition.type = std::move(type);
  condition.verdict = verdict;
  condition.severity = Severity::kHard;
  condition.reason = verdict == Verdict::kOk ? "Fine" : "NoAnswer";
  condition.message = verdict == Verdict::kOk ? "answers in 3 ms" : "no answer within 5 s";
  condition.since = booted_at_;
  return condition;
}

Record ToldFleet::Facts(int host, WallTime now) const {
  HostFacts facts;
  facts.host = HostId(NameOf(host));
  facts.cell = fmt::format("cell-{}", host % 2);
  facts.pool = fmt::format("pool-{}", host % 4);
  facts.rack = fmt::format("rack-{}", host / 40);
  facts.zone = fmt::format("zone-{}", host % 3);
  facts.kernel = "6.1.0-18-amd64";
  facts.image = "image-2026-11-01";
  facts.instance_type = "m5.metal";
  facts.agent_version = "1.0.0";
  const HealthEvent event = EventOf(host, 0, now);
  facts.boot_id = event.boot_id;
  facts.booted_at = event.booted_at;
  return RecordOf(host, ToJson(facts), now);
}

Record ToldFleet::Executor(int host, WallTime now) const {
  ExecutorReport report;
  report.host = HostId(NameOf(host));
  report.boot_id = EventOf(host, 0, now).boot_id;
  report.sequence = 1;
  report.observed_at = now;
  report.complete = true;
  report.capacity = {.cpu_milli = 64'000, .memory_bytes = int64_t{256} << 30};
  return RecordOf(host, ToJson(report), now);
}

Record ToldFleet::Well(int host, int detector, WallTime now) const {
  HealthEvent event = EventOf(host, detector, now);
  event.conditions.push_back(ConditionOf(fmt::format("{}Ok", event.detector), Verdict::kOk));
  return RecordOf(host, ToJson(event), now);
}

Record ToldFleet::Changed(int host, WallTime now) {
  HealthEvent event = EventOf(host, 0, now);
  event.sequence = ++sequences_[static_cast<size_t>(host)];
  event.conditions.push_back(ConditionOf(fmt::format("{}Ok", event.detector), Verdict::kOk));
  return RecordOf(host, ToJson(event), now);
}

Record ToldFleet::Sick(int host, WallTime now) {
  HealthEvent event = EventOf(host, 0, now);
  event.sequence = ++sequences_[static_cast<size_t>(host)];
  event.conditions.push_back(ConditionOf("DockerUnresponsive", Verdict::kBad));
  return RecordOf(host, ToJson(event), now);
}

Record ToldFleet::Beat(int host, WallTime now) const {
  HealthEvent event = EventOf(host, 1, now);
  event.kind = HealthEventKind::kBeat;
  event.sequence = 0;
  for (int detector = 0; detector < kDetectors; ++detector) {
    const uint64_t sequence = detector == 0 ? sequences_[static_cast<size_t>(host)] : 1;
    event.beats[kDetectorNames[detector]] = {sequence, now};
    event.running[kDetectorNames[detector]] = Seconds(10);
  }
  return RecordOf(host, ToJson(event), now);
}

RemediatorConfig NothingInTheWay() {
  RemediatorConfig config;
  config.mode = Mode::kAuto;
  Policy& policy = config.policy;
  policy.confirm_hard = policy.confirm_soft = Millis(0);
  // The hosts of a bench tell of themselves once.
  policy.evidence_age_max = policy.silent_after = Hours(1);
  for (Limit& limit : config.limits) {
    limit.share = 0;
    limit.at_least = limit.kind == LimitKind::kFloor ? 0 : 1'000'000;
  }
  BrakeLimits& brake = config.brake;
  brake.disrupted_at_least = brake.rule_at_least = brake.silent_at_least = 1'000'000;
  brake.log_lag_max = Hours(1);
  return config;
}

}  // namespace fleetmedic
