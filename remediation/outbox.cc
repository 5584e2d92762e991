#include "remediation/outbox.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/logging.h"
#include "model/command.h"
#include "remediation/evidence.h"

namespace fleetmedic {
namespace {

constexpr Millis kEvidenceLookEvery{100};

// Whether the record has moved on from what the row wants.
bool Overtaken(const OutboxRow& row, const HostRecord& record) {
  if (row.kind == OutboxRow::Kind::kRepair) {
    return record.state != HostState::kRepairing || record.repair_id != row.repair.id;
  }
  return record.revision != row.directive.revision ||
         (record.acknowledged >= row.directive.revision && !row.recovery);
}

}  // namespace

Outbox::Outbox(const RemediatorConfig& config, Environment environment)
    : config_(config),
      env_(std::move(environment)),
      outcomes_(kOutcomesMax, env_.wake),
      sent_(env_.metrics.Counter("fleetmedic_outbox_sent_total",
                                 "Directives and repair orders that were sent.")),
      failed_(env_.metrics.Counter("fleetmedic_outbox_failed_total",
                                   "Sends that failed and are repeated.")),
      stopped_(env_.metrics.Counter("fleetmedic_outbox_stopped_total",
                                    "Sends that the last check before the act stopped.")) {}

std::string Outbox::Stopped(const OutboxRow& row, const HostRecord& record, Mode mode,
                            WallTime now) const {
  if (record.held || record.protected_) return "held or protected: " + record.over_reason;
  if (mode == Mode::kHold) return "mode hold";
  if (row.kind == OutboxRow::Kind::kDirective && row.recovery) return "";
  if (mode == Mode::kTripped) return "mode tripped";
  if (mode != Mode::kAuto && !record.drain_wanted) {
    return fmt::format("mode {}", ModeName(mode));
  }
  if (row.kind == OutboxRow::Kind::kDirective && record.state != HostState::kTainted &&
      record.state != HostState::kDraining) {
    return fmt::format("the host is {} now", HostStateName(record.state));
  }
  if (record.drain_wanted) return "";
  if (record.facts.boot_id != record.evidence_boot_id) return "the host has booted since";
  const Assessment seen = Assess(config_.PolicyOf(record.facts), record, now);
  if (seen.worst == nullptr || !seen.fresh || seen.silent) return "the evidence no longer stands";
  const std::string issue = env_.issue ? env_.issue(record) : "";
  return issue.empty() ? "" : "fleet issue " + issue;
}

void Outbox::Act(Mode mode, WallTime now, MonoTime mono, Ledger* ledger) {
  std::vector<std::string> over;
  for (const auto& [key, row] : ledger->outbox()) {
    const HostRecordPtr record = ledger->Host(row.host);
    if (record == nullptr || Overtaken(row, *record)) {
      over.push_back(key);
      continue;
    }
    Attempt& attempt = attempts_[key];
    if (attempt.in_flight || attempt.due > mono || in_flight_ >= kInFlightMax) continue;
    const std::string stopped = Stopped(row, *record, mode, now);
    if (!stopped.empty()) {
      stopped_.Add();
      attempt.due = mono + kRetryMin;
      continue;
    }
    if (env_.evidence_ready && !env_.evidence_ready(row, mono)) {
      attempt.due = mono + kEvidenceLookEvery;
      continue;
    }
    Send(key, row, mono);
  }
  for (const std::string& key : over) {
    const auto attempt = attempts_.find(key);
    // What is under way comes back first; its outcome finds the row gone and is only told.
    if (attempt != attempts_.end() && attempt->second.in_flight) continue;
    attempts_.erase(key);
    ledger->EraseOutbox(key);
  }
  // Of a row that was erased while its attempt was under way, which then failed.
  std::erase_if(attempts_, [ledger](const auto& entry) {
    return !entry.second.in_flight && !ledger->outbox().contains(entry.first);
  });
}

void Outbox::Revoke(Mode mode, WallTime now, const Ledger& ledger) {
  for (auto& [key, attempt] : attempts_) {
    if (!attempt.in_flight || !attempt.permit->load()) continue;
    const auto row = ledger.outbox().find(key);
    const HostRecordPtr record =
        row == ledger.outbox().end() ? nullptr : ledger.Host(row->second.host);
    const bool stands = record != nullptr && !Overtaken(row->second, *record) &&
                        Stopped(row->second, *record, mode, now).empty();
    if (!stands) attempt.permit->store(false);
  }
}

void Outbox::Reset() {
  ++life_;
  for (auto& [key, attempt] : attempts_) {
    if (attempt.permit != nullptr) attempt.permit->store(false);
  }
  // Those under way still come back, and are counted down then.
  std::erase_if(attempts_, [](const auto& entry) { return !entry.second.in_flight; });
}

void Outbox::Send(const std::string& key, const OutboxRow& row, MonoTime mono) {
  std::function<void()> work;
  auto permit = std::make_shared<std::atomic<bool>>(true);
  const auto closed_now = [this, permit] {
    return permit->load() ? env_.gate.Closed() : std::string("overtaken or stopped meanwhile");
  };
  if (row.kind == OutboxRow::Kind::kDirective) {
    work = [this, key, closed_now, directive = row.directive,
            deadline = mono + config_.apply_deadline] {
      const std::string closed = closed_now();
      Result<HostView> view =
          closed.empty() ? env_.hook.Apply(directive, deadline) : Fail(Code::kRefused, closed);
      outcomes_.Post(outcome::Applied{key, directive, std::move(view)});
    };
  } else {
    ExecutorCommand command;
    command.kind = CommandKind::kRepair;
    command.host = row.host;
    command.repair = row.repair;
    Record record{row.host.str(), ToJson(command).Dump(), {}, env_.clock.Wall()};
    work = [this, key, closed_now, id = row.repair.id, record = std::move(record)] {
      const std::string closed = closed_now();
      Status status = closed.empty() ? env_.log.Append(Topic::kCommands, {&record, 1})
                                     : Status(Fail(Code::kRefused, closed));
      outcomes_.Post(outcome::Ordered{key, id, std::move(status)});
    };
  }
  Attempt& attempt = attempts_[key];
  if (const Status submitted = env_.workers.Submit("outbox", std::move(work)); !submitted) {
    attempt.due = mono + kRetryMin;
    return;
  }
  attempt.in_flight = true;
  attempt.permit = std::move(permit);
  ++in_flight_;
  sent_.Add();
}

void Outbox::AskList(MonoTime mono) {
  if (list_in_flight_) return;
  const MonoTime deadline = mono + config_.apply_deadline;
  const Status submitted = env_.workers.Submit("list", [this, deadline, life = life_] {
    outcomes_.Post(outcome::Listed{life, env_.hook.List(deadline)});
  });
  list_in_flight_ = submitted.has_value();
}

std::vector<Outcome> Outbox::TakeOutcomes() {
  std::vector<Outcome> outcomes = outcomes_.TakeAll();
  const auto of_old_life = [this](const Outcome& outcome) {
    const auto* listed = std::get_if<outcome::Listed>(&outcome);
    return listed != nullptr && listed->life != life_;
  };
  for (const Outcome& outcome : outcomes) {
    if (std::holds_alternative<outcome::Listed>(outcome)) {
      list_in_flight_ = false;
      continue;
    }
    const auto* applied = std::get_if<outcome::Applied>(&outcome);
    const std::string& key =
        applied != nullptr ? applied->key : std::get<outcome::Ordered>(outcome).key;
    attempts_[key].in_flight = false;
    --in_flight_;
  }
  std::erase_if(outcomes, of_old_life);
  return outcomes;
}

void Outbox::Failed(const std::string& key, MonoTime mono) {
  Attempt& attempt = attempts_[key];
  const int doublings = std::min(attempt.failures, 10);
  attempt.failures += 1;
  attempt.due = mono + std::min(kRetryMax, kRetryMin * (1 << doublings));
  failed_.Add();
}

MonoTime Outbox::NextDue() const {
  MonoTime next = kMonoForever;
  if (in_flight_ >= kInFlightMax) return next;  // an outcome comes first, and wakes
  for (const auto& [key, attempt] : attempts_) {
    if (!attempt.in_flight) next = std::min(next, attempt.due);
  }
  return next;
}

}  // namespace fleetmedic
