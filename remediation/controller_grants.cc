// The grants of the one budget: given to our own machine, and lent to automation of the site that
// is not ours (reboot daemons, deploys, scripts).
#include <algorithm>

#include <fmt/format.h>

#include "base/text.h"
#include "remediation/controller.h"

namespace fleetmedic {
namespace {

constexpr Millis kLeaseMin = Seconds(10);
constexpr Millis kLeaseMax = Hours(24);
constexpr size_t kActBytesMax = 40;

Status CheckLease(Millis lease) {
  if (lease >= kLeaseMin && lease <= kLeaseMax) return {};
  return Fail(Code::kInvalidArgument,
              fmt::format("a lease lasts {} to {}, not {}", FormatDuration(kLeaseMin),
                          FormatDuration(kLeaseMax), FormatDuration(lease)));
}

bool IsActWord(std::string_view word) {
  const auto plain = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
  };
  return !word.empty() && word.size() <= kActBytesMax && std::ranges::all_of(word, plain);
}

Status CheckLend(const request::LendGrant& request) {
  FLEETMEDIC_RETURN_IF_ERROR(CheckLease(request.lease));
  if (!IsActWord(request.act)) {
    return Fail(Code::kInvalidArgument,
                "act: one word for what will be done, of a-z, 0-9, - and _, such as reboot");
  }
  if (request.reason.empty()) return Fail(Code::kInvalidArgument, "a reason is required");
  if (request.reason.size() > Override::kReasonBytesMax) {
    return Fail(Code::kInvalidArgument,
                fmt::format("the reason is longer than {} bytes", Override::kReasonBytesMax));
  }
  return {};
}

}  // namespace

Grant Controller::NewGrant(const HostRecord& record, std::string reason) {
  Grant grant;
  grant.id = ledger_.NextGrantId();
  grant.host = record.facts.host;
  grant.cell = record.facts.cell;
  grant.pool = record.facts.pool;
  grant.rack = record.facts.rack;
  grant.episode = record.episode;
  grant.reason = std::move(reason);
  grant.granted_at = now_;
  return grant;
}

std::vector<Limit> Controller::Budget() const {
  std::vector<Limit> limits = config_.limits;
  for (Limit& limit : limits) {
    const Override* newest = nullptr;
    for (const auto& [id, override] : ledger_.overrides()) {
      const bool of_it =
          override.kind == OverrideKind::kBudget && override.scope.name == limit.name;
      if (of_it && (newest == nullptr || override.created_at >= newest->created_at)) {
        newest = &override;
      }
    }
    if (newest == nullptr) continue;
    limit.share = 0;
    limit.at_least = static_cast<int>(newest->value);
  }
  return limits;
}

std::vector<Limit> Controller::LimitsInForce() const {
  std::vector<Limit> limits = Budget();
  if (std::optional<Limit> ramp = LimitOf(ledger_.ramp())) limits.push_back(*std::move(ramp));
  return limits;
}

void Controller::ChangeRamp(Ramp next) {
  const Ramp& before = ledger_.ramp();
  // Without a census nobody knows what the full budget is.
  if (next == before || look_.census.fleet.hosts == 0) return;
  const bool slower = next.on() && (!before.on() || next.allowed < before.allowed);
  if (slower) {
    AuditAct("fleetmedic", "ramp", "fleet", next.why, fmt::format("{} at once", next.allowed));
  } else if (!next.on()) {
    AuditAct("fleetmedic", "ramp", "fleet", "the limits alone count again: " + before.why, "");
  }
  ledger_.SetRamp(std::move(next));
}

void Controller::RampUp(Mode before) {
  if (before != Mode::kTripped && before != Mode::kHold) return;
  if (mode_ == Mode::kTripped || mode_ == Mode::kHold) return;
  ChangeRamp(AfterRelease(ledger_.ramp(), FullBudget(Budget(), look_.census),
                          fmt::format("let go from mode {}", ModeName(before)), now_));
}

void Controller::NoteOutcome(const HostRecord& before, const HostRecord& after) {
  if (before.state != HostState::kProbation || after.state == HostState::kProbation) return;
  const int full = FullBudget(Budget(), look_.census);
  if (after.state == HostState::kHealthy) {
    ChangeRamp(AfterRecovery(ledger_.ramp(), full, now_));
  } else {
    ChangeRamp(AfterSetback(ledger_.ramp(), full,
                            after.facts.host.str() + " did not come through its probation", now_));
  }
}

void Controller::AnswerAsks() {
  if (asks_.empty()) return;
  const std::vector<Ask> asks = std::exchange(asks_, {});
  LookAround();
  const std::vector<Limit> limits = LimitsInForce();
  std::vector<Grant> grants = ledger_.GrantList();
  for (const Ask& ask : asks) {
    const HostRecordPtr record = ledger_.Host(ask.host);
    if (record == nullptr || record->state != HostState::kSuspect || !record->grant.empty()) {
      continue;
    }
    // A grant that would be given back at once must not use up the window.
    const Decision trial = Step(config_.PolicyOf(record->facts), *record,
                                input::Granted{GrantId("trial")}, SurroundingsOf(*record), now_);
    if (trial.next.grant.empty()) {
      StepHost(ask.host, input::Tick{});
      continue;
    }
    // A host that was lent, is not back past its lease, and is bad becomes ours: in place of that
    // grant, which counts until then.
    const auto lent = std::ranges::find_if(grants, [&ask](const Grant& grant) {
      return grant.open() && grant.overdue && grant.host == ask.host;
    });
    if (lent != grants.end()) lent->released_at = now_;
    const Answer answer = Decide(limits, grants, look_.census, record->facts, false, now_);
    if (!answer.granted) {
      if (lent != grants.end()) lent->released_at = kWallNever;
      grants_refused_.Add();
      StepHost(ask.host, input::Refused{answer.limit, answer.retry_at});
      continue;
    }
    if (lent != grants.end())
      EndLent(*lent, "fleetmedic", "it is bad, and becomes the remediator's");
    Grant grant = NewGrant(*record, ask.reason);
    const GrantId id = grant.id;
    grants.push_back(grant);
    // Before the step: what the step releases must be there.
    ledger_.PutGrant(std::move(grant));
    grants_given_.Add();
    AuditGrant("fleetmedic", ask.reason, *record, id, grants);
    StepHost(ask.host, input::Granted{id});
  }
  asks_.clear();
}

// Why the host may not be disrupted by anybody now, whatever the limits; empty where it may.
std::string Controller::MayNotLend(const HostRecord& record) const {
  if (std::string frozen = Frozen(); !frozen.empty()) return frozen;
  if (mode_ >= Mode::kDegraded) return fmt::format("mode {}: {}", ModeName(mode_), mode_reason_);
  if (record.protected_) return "protected: " + record.over_reason;
  if (record.held) return "held: " + record.over_reason;
  if (!record.facts_known) return "its agent has not told what it is, so no limit can be counted";
  if (record.state != HostState::kHealthy && record.state != HostState::kSuspect) {
    return fmt::format("it is {}: it is out of service already", HostStateName(record.state));
  }
  return "";
}

Result<RequestAnswer> Controller::Handle(const request::LendGrant& request) {
  FLEETMEDIC_RETURN_IF_ERROR(CheckLend(request));
  const HostRecordPtr record = ledger_.Host(request.host);
  if (record == nullptr) {
    return Fail(Code::kNotFound, "no host " + Quote(request.host.str(), 80) + " is known");
  }
  const std::vector<Grant> grants = ledger_.GrantList();
  const auto held = std::ranges::find_if(grants, [&](const Grant& grant) {
    return grant.open() && grant.holder == request.who && grant.host == request.host;
  });
  if (held != grants.end())
    return Handle(request::RenewGrant{held->id, request.who, request.lease});

  if (!looked_) UpdateBrakeAndMode();
  const std::string refused = MayNotLend(*record);
  const Answer answer =
      refused.empty() ? Decide(LimitsInForce(), grants, look_.census, record->facts,
                               Available(config_.PolicyOf(record->facts), *record, now_), now_)
                      : Answer{.granted = false, .limit = refused};
  if (!answer.granted) {
    grants_refused_.Add();
    const std::string again =
        answer.retry_at == kWallNever ? "" : "; room comes at " + FormatWall(answer.retry_at);
    return Fail(Code::kRefused, request.host.str() + ": " + answer.limit + again);
  }
  Grant grant = NewGrant(*record, request.reason);
  grant.holder = request.who;
  grant.act = request.act;
  grant.ends_at = now_ + request.lease;
  ledger_.PutGrant(grant);
  grants_given_.Add();
  AuditGrant(request.who, fmt::format("lent for {}: {}", request.act, request.reason), *record,
             grant.id, ledger_.GrantList());
  looked_ = false;  // the host counts as not available from here
  RequestAnswer done;
  done.grant = std::move(grant);
  return done;
}

Result<Grant> Controller::LentGrant(const GrantId& id) const {
  const auto it = ledger_.grants().find(id);
  if (it == ledger_.grants().end() || !it->second.open()) {
    return Fail(Code::kNotFound, "no grant " + Quote(id.str(), 80) + " is open");
  }
  if (!it->second.lent()) {
    return Fail(Code::kConflict, "grant " + id.str() + " is the remediator's own for " +
                                     it->second.host.str() + ": it ends with the host's episode");
  }
  return it->second;
}

// Renewed in any mode: who disrupts a host already must not be made to look as if it had ended.
Result<RequestAnswer> Controller::Handle(const request::RenewGrant& request) {
  FLEETMEDIC_RETURN_IF_ERROR(CheckLease(request.lease));
  FLEETMEDIC_ASSIGN_OR_RETURN(Grant grant, LentGrant(request.id));
  if (grant.holder != request.who) {
    return Fail(Code::kConflict, "grant " + grant.id.str() + " is held by " + grant.holder);
  }
  grant.ends_at = now_ + request.lease;
  grant.overdue = false;
  ledger_.PutGrant(grant);
  RequestAnswer done;
  done.grant = std::move(grant);
  return done;
}

Result<RequestAnswer> Controller::Handle(const request::ReleaseGrant& request) {
  FLEETMEDIC_ASSIGN_OR_RETURN(const Grant grant, LentGrant(request.id));
  EndLent(grant, request.who, request.reason.empty() ? grant.act + " is done" : request.reason);
  return RequestAnswer{};
}

void Controller::EndLent(const Grant& grant, const std::string& who, const std::string& why) {
  const std::string object = "host:" + grant.host.str();
  ledger_.ReleaseGrant(grant.id, now_);
  AuditAct(who, "release_grant", object, why, "grant " + grant.id.str());
  if (!grant.overdue) return;
  Json detail;
  detail.Set("ends", true);
  AuditAct("fleetmedic", "notify", object,
           fmt::format("what {} took out for {} has ended: {}", grant.holder, grant.act, why),
           "grant " + grant.id.str(), std::move(detail));
}

void Controller::EndLeases() {
  std::vector<Grant> over;
  for (const auto& [id, grant] : ledger_.grants()) {
    if (grant.open() && grant.lent() && grant.ends_at <= now_) over.push_back(grant);
  }
  for (Grant& grant : over) {
    const HostRecordPtr record = ledger_.Host(grant.host);
    if (record == nullptr || Available(config_.PolicyOf(record->facts), *record, now_)) {
      EndLent(grant, "fleetmedic",
              fmt::format("the lease of {} is over, and {}", grant.holder,
                          record == nullptr ? "the host is gone" : "the host is in service"));
      continue;
    }
    if (std::exchange(grant.overdue, true)) continue;
    pages_.Add();
    AuditAct("fleetmedic", "page", "host:" + grant.host.str(),
             fmt::format("{} took it out for {} ({}) and its lease is over, but it is not back: it "
                         "counts against the limits until it is, or until "
                         "`fleetmedic grant release {}`",
                         grant.holder, grant.act, grant.reason, grant.id.str()),
             "grant " + grant.id.str());
    ledger_.PutGrant(std::move(grant));
  }
}

}  // namespace fleetmedic
