// Bundles of evidence: asked for when a host becomes suspect, before a repair and a retirement, and
// by people. Asking is no act: it needs no grant, and what cannot be had in time is done without.
#include <algorithm>

#include <fmt/format.h>

#include "base/logging.h"
#include "base/text.h"
#include "remediation/controller.h"

namespace fleetmedic {
namespace {

// Of what is asked for by itself: a bad image must not make the whole fleet send at once. Hosts
// that become suspect leave room for the repairs and retirements, whose evidence cannot be had
// later.
constexpr size_t kSuspectAsksPerMinuteMax = 30;
constexpr size_t kAsksPerMinuteMax = 120;
constexpr size_t kWaitsMax = 4096;
constexpr size_t kReasonBytesMax = 512;

// As much of it as a request may carry, and no half of a character at its end.
std::string ShortReason(std::string reason) {
  if (reason.size() <= kReasonBytesMax) return reason;
  size_t end = kReasonBytesMax;
  while (end > 0 && (static_cast<unsigned char>(reason[end]) & 0xc0) == 0x80) --end;
  reason.resize(end);
  return reason;
}

}  // namespace

bool Controller::AskEvidence(const HostId& host, std::string id, std::string reason,
                             size_t asks_per_minute_max) {
  if (env_.evidence == nullptr) return false;
  std::erase_if(evidence_asked_, [this](WallTime at) { return at + Minutes(1) <= now_; });
  if (evidence_asked_.size() >= asks_per_minute_max) {
    evidence_unasked_.Add();
    return false;
  }
  evidence_asked_.push_back(now_);
  AuditAct("fleetmedic", "collect_evidence", "host:" + host.str(),
           fmt::format("{}; evidence {}", reason, id), "evidence " + id);
  evidence_asks_.push_back({host, {std::move(id), ShortReason(std::move(reason)), now_}});
  return true;
}

void Controller::AskEvidenceOf(const HostRecord& before, const Decision& decision) {
  const HostRecord& after = decision.next;
  if (before.state == after.state) return;
  const bool suspect = after.state == HostState::kSuspect && before.state == HostState::kHealthy;
  if (!suspect && after.state != HostState::kRetired) return;
  const std::string_view what = suspect ? "suspect" : "retired";
  (void)AskEvidence(after.facts.host, fmt::format("e{}-{}", after.episode, what),
                    fmt::format("{}: {}", what, decision.why),
                    suspect ? kSuspectAsksPerMinuteMax : kAsksPerMinuteMax);
}

bool Controller::EvidenceReady(const OutboxRow& row, MonoTime mono) {
  if (env_.evidence == nullptr || row.kind != OutboxRow::Kind::kRepair) return true;
  const HostRecordPtr record = ledger_.Host(row.host);
  const std::string id = fmt::format("e{}-repair-{}", record->episode, record->attempt);
  const auto known = evidence_waits_.find(row.repair.id);
  if (known != evidence_waits_.end()) {
    return mono >= known->second || env_.evidence->Has(row.host, id);
  }
  if (env_.evidence->Has(row.host, id)) return true;  // asked for by the process before this one
  if (evidence_waits_.size() >= kWaitsMax) {
    std::erase_if(evidence_waits_, [mono](const auto& wait) { return wait.second <= mono; });
  }
  if (evidence_waits_.size() >= kWaitsMax) return true;
  const bool asked = AskEvidence(
      row.host, id,
      fmt::format("before the repair {} ({})", row.repair.id, RungName(row.repair.rung)),
      kAsksPerMinuteMax);
  // What nobody was asked for is not waited for.
  evidence_waits_[row.repair.id] = asked ? mono + config_.evidence_wait : mono;
  return !asked || config_.evidence_wait == Millis(0);
}

void Controller::SendEvidenceAsks() {
  for (EvidenceAsk& ask : std::exchange(evidence_asks_, {})) {
    ExecutorCommand command;
    command.kind = CommandKind::kCollectEvidence;
    command.host = ask.host;
    command.evidence = std::move(ask.request);
    Record record{command.host.str(), ToJson(command).Dump(), {}, env_.clock.Wall()};
    const Status submitted =
        env_.workers.Submit("evidence", [log = &env_.log, record = std::move(record)] {
          // Not repeated: who waits for it waits a bounded time.
          if (const Status sent = log->Append(Topic::kCommands, {&record, 1}); !sent) {
            LogWarning("cannot ask for evidence", {{"error", sent.error().message}});
          }
        });
    if (!submitted) {
      LogWarning("cannot ask for evidence", {{"error", submitted.error().message}});
    }
  }
}

Result<RequestAnswer> Controller::Handle(const request::CollectEvidence& request) {
  if (env_.evidence == nullptr) return Fail(Code::kUnsupported, "no evidence is kept here");
  if (ledger_.Host(request.host) == nullptr) {
    return Fail(Code::kNotFound, "no host " + Quote(request.host.str(), 80) + " is known");
  }
  RequestAnswer answer;
  answer.evidence_id = fmt::format("p{}", MillisOf(now_));
  AuditAct(request.who, "collect_evidence", "host:" + request.host.str(), request.reason,
           "evidence " + answer.evidence_id);
  evidence_asks_.push_back(
      {request.host,
       {answer.evidence_id, ShortReason(fmt::format("{}: {}", request.who, request.reason)),
        now_}});
  return answer;
}

}  // namespace fleetmedic
