// What people tell the remediator: holds, protections, drains, returns, releases.
#include <algorithm>

#include <fmt/format.h>

#include "base/text.h"
#include "remediation/controller.h"

namespace fleetmedic {
namespace {

constexpr Millis kHoldReview = Hours(4);
constexpr Millis kProtectMax = Hours(24 * 7);
// What permits more than the config does ends by itself.
constexpr Millis kPermitLasts = Hours(1);
constexpr Millis kPermitMax = Hours(24);
constexpr int64_t kBudgetMax = 1'000'000;

bool Permits(OverrideKind kind) {
  return kind == OverrideKind::kAllow || kind == OverrideKind::kBudget;
}

bool IsFleetHold(const Request& request) {
  const auto* add = std::get_if<request::AddOverride>(&request);
  return add != nullptr && add->kind == OverrideKind::kHold && add->scope.kind == ScopeKind::kFleet;
}

}  // namespace

Status Controller::Post(Request request, std::function<void(Result<RequestAnswer>)> done) {
  // In force before the reply, and before the records know of it.
  if (IsFleetHold(request)) gate_.Hold();
  if (!requests_.Post({std::move(request), std::move(done)})) {
    return Fail(Code::kFull, "too many requests wait already; try again");
  }
  return {};
}

void Controller::TakeRequests() {
  for (PostedRequest& posted : requests_.TakeAll()) {
    Result<RequestAnswer> answer =
        std::visit([this](const auto& request) { return Handle(request); }, posted.request);
    // Answered when what it changed is durable.
    answers_.emplace_back(std::move(posted.done), std::move(answer));
  }
}

Result<RequestAnswer> Controller::Handle(const request::AddOverride& request) {
  if (request.reason.size() > Override::kReasonBytesMax) {
    return Fail(Code::kInvalidArgument,
                fmt::format("the reason is longer than {} bytes", Override::kReasonBytesMax));
  }
  if (request.kind != OverrideKind::kHold && request.reason.empty()) {
    return Fail(Code::kInvalidArgument, "a reason is required");
  }
  if (request.lasts < Millis(0) || request.lasts > kProtectMax) {
    return Fail(Code::kInvalidArgument, "an override lasts at most 7d");
  }
  FLEETMEDIC_RETURN_IF_ERROR(CheckPermit(request));
  const bool one_host = request.scope.kind == ScopeKind::kHost;
  if (request.kind == OverrideKind::kReturn) return ReturnHosts(request);
  const bool takes_out =
      request.kind == OverrideKind::kDrain || request.kind == OverrideKind::kTaint;
  if (takes_out && !one_host) {
    return Fail(Code::kInvalidArgument,
                fmt::format("a {} names one host: host:NAME", OverrideKindName(request.kind)));
  }
  if (one_host && ledger_.Host(HostId(request.scope.name)) == nullptr) {
    return Fail(Code::kNotFound, "no host " + Quote(request.scope.name, 80) + " is known");
  }
  Override override;
  override.id = ledger_.NextOverrideId();
  override.kind = request.kind;
  override.scope = request.scope;
  override.who = request.who;
  override.reason = request.reason;
  override.created_at = now_;
  override.value = request.value;
  if (request.lasts > Millis(0)) override.until = now_ + request.lasts;
  if (Permits(request.kind) && request.lasts == Millis(0)) override.until = now_ + kPermitLasts;
  if (request.kind == OverrideKind::kHold) {
    // A hold never lapses by itself; the time given is when its holder is asked again.
    override.review_at = now_ + (request.lasts > Millis(0) ? request.lasts : kHoldReview);
    override.until = kWallNever;
  }
  ledger_.PutOverride(override);
  hold_taken_ = hold_taken_ || IsFleetHold(request);
  AuditAct(override.who, std::string(OverrideKindName(override.kind)), ScopeText(override.scope),
           override.reason, override.id.str());
  LayAllOverrides();
  UpdateBrakeAndMode();
  return RequestAnswer{override, {}, {}};
}

// The scope "limit:" and the value are a budget's, and a budget's alone.
Status Controller::CheckPermit(const request::AddOverride& request) const {
  if (Permits(request.kind) && request.lasts > kPermitMax) {
    return Fail(Code::kInvalidArgument,
                fmt::format("{} lasts at most 24h", OverrideKindName(request.kind)));
  }
  const bool of_limit = request.scope.kind == ScopeKind::kLimit;
  if (request.kind != OverrideKind::kBudget) {
    if (!of_limit && request.value == 0) return {};
    return Fail(Code::kInvalidArgument,
                fmt::format("{}: a limit and a value are for a budget alone",
                            OverrideKindName(request.kind)));
  }
  if (!of_limit) {
    return Fail(Code::kInvalidArgument, "a budget names one limit: limit:NAME");
  }
  if (request.value < 0 || request.value > kBudgetMax) {
    return Fail(Code::kInvalidArgument,
                fmt::format("a budget's value is a number of hosts, 0 to {}", kBudgetMax));
  }
  if (std::ranges::find(config_.limits, request.scope.name, &Limit::name) != config_.limits.end()) {
    return {};
  }
  std::string names;
  for (const Limit& limit : config_.limits) names += (names.empty() ? "" : ", ") + limit.name;
  return Fail(Code::kNotFound,
              "no limit " + Quote(request.scope.name, 80) + "; there are " + names);
}

Result<RequestAnswer> Controller::ReturnHosts(const request::AddOverride& request) {
  if (request.scope.kind != ScopeKind::kHost) {
    return Fail(Code::kInvalidArgument, "a return names one host: host:NAME");
  }
  const HostId host(request.scope.name);
  const HostRecordPtr record = ledger_.Host(host);
  if (record == nullptr) {
    return Fail(Code::kNotFound, "no host " + Quote(request.scope.name, 80) + " is known");
  }
  RequestAnswer answer;
  for (const auto& [id, override] : ledger_.overrides()) {
    const bool took_out =
        override.kind == OverrideKind::kDrain || override.kind == OverrideKind::kTaint;
    if (took_out && override.scope == request.scope) {
      answer.ended.push_back(override);
    }
  }
  if (record->state == HostState::kHealthy && answer.ended.empty()) {
    return Fail(Code::kConflict, "host " + host.str() + " is in service already");
  }
  for (const Override& override : answer.ended) ledger_.EraseOverride(override.id);
  AuditAct(request.who, "return", "host:" + host.str(), request.reason, "");
  LayOverrides(host);
  StepHost(host, input::Return{request.who});
  Override done;
  done.id = ledger_.NextOverrideId();
  done.kind = OverrideKind::kReturn;
  done.scope = request.scope;
  done.who = request.who;
  done.reason = request.reason;
  done.created_at = now_;
  answer.added = std::move(done);
  return answer;
}

Result<RequestAnswer> Controller::Handle(const request::EndOverride& request) {
  const auto it = ledger_.overrides().find(request.id);
  if (it == ledger_.overrides().end()) {
    return Fail(Code::kNotFound, "no override " + Quote(request.id.str(), 80) + " is in force");
  }
  RequestAnswer answer;
  answer.ended.push_back(it->second);
  AuditAct(request.who, "end", ScopeText(it->second.scope), request.reason, it->first.str());
  ledger_.EraseOverride(request.id);
  LayAllOverrides();
  UpdateBrakeAndMode();
  return answer;
}

Result<RequestAnswer> Controller::Handle(const request::Release& request) {
  if (request.reason.empty()) return Fail(Code::kInvalidArgument, "a release needs a reason");
  hold_unstored_ = false;
  RequestAnswer answer;
  for (const auto& [id, override] : ledger_.overrides()) {
    if (override.kind == OverrideKind::kHold) answer.ended.push_back(override);
  }
  for (const Override& override : answer.ended) {
    ledger_.EraseOverride(override.id);
    AuditAct(request.who, "release", ScopeText(override.scope), request.reason, override.id.str());
  }
  if (gate_.HoldFilePresent()) {
    answer.still.push_back(
        fmt::format("the file {} is there: remove it on the host", gate_.hold_file()));
  }
  LayAllOverrides();
  UpdateBrakeAndMode();
  return answer;
}

Result<RequestAnswer> Controller::Handle(const request::ReleaseBrake& request) {
  if (request.reason.empty()) return Fail(Code::kInvalidArgument, "a release needs a reason");
  if (!ledger_.brake().tripped()) return Fail(Code::kConflict, "the brake is not tripped");
  for (const BrakeCause& cause : ledger_.brake().causes) {
    AuditAct(request.who, "release", "brake", request.reason, cause.cause);
  }
  ledger_.SetBrake(ReleaseBrake(ledger_.brake()));
  UpdateBrakeAndMode();
  return RequestAnswer{};
}

void Controller::ExpireOverrides() {
  std::vector<OverrideId> over;
  for (const auto& [id, override] : ledger_.overrides()) {
    if (override.until != kWallNever && override.until <= now_) over.push_back(id);
    if (override.review_at == kWallNever || override.review_at > now_) continue;
    Override again = override;
    again.review_at = now_ + kHoldReview;
    pages_.Add();
    AuditAct("fleetmedic", "page", ScopeText(override.scope),
             fmt::format("the hold of {} is due for review", override.who), id.str());
    ledger_.PutOverride(std::move(again));
    break;  // the map was changed; the others are found at the next tick
  }
  for (const OverrideId& id : over) {
    const Override override = ledger_.overrides().at(id);
    AuditAct("fleetmedic", "end", ScopeText(override.scope), "its time is over", id.str());
    ledger_.EraseOverride(id);
  }
  if (!over.empty()) LayAllOverrides();
}

void Controller::LayOverrides(const HostId& host) {
  const HostRecordPtr record = ledger_.Host(host);
  if (record == nullptr) return;
  input::Overlay overlay;
  for (const auto& [id, override] : ledger_.overrides()) {
    if (!ScopeCovers(override.scope, record->facts)) continue;
    // A fleet hold is the mode; it does not need to be told to each host.
    if (override.scope.kind == ScopeKind::kFleet && override.kind == OverrideKind::kHold) continue;
    const std::string reason =
        fmt::format("{} \"{}\" ({})", override.who, override.reason, id.str());
    switch (override.kind) {
      case OverrideKind::kHold:
        overlay.held = true;
        overlay.reason = reason;
        break;
      case OverrideKind::kProtect:
        overlay.protected_ = true;
        overlay.reason = reason;
        break;
      case OverrideKind::kDrain:
      case OverrideKind::kTaint:
        // A drain says more than a taint: where both lie, it is drained.
        overlay.taint_only =
            override.kind == OverrideKind::kTaint && (overlay.taint_only || !overlay.drain_wanted);
        overlay.drain_wanted = true;
        if (overlay.reason.empty()) overlay.reason = reason;
        break;
      case OverrideKind::kReturn:
      case OverrideKind::kAllow:
      case OverrideKind::kBudget:
        break;
    }
  }
  if (std::ranges::find(config_.watch_only, host.str()) != config_.watch_only.end()) {
    overlay.protected_ = true;
    overlay.reason = "the config only watches this host (remediator.watch_only)";
  }
  const bool same = record->held == overlay.held && record->protected_ == overlay.protected_ &&
                    record->drain_wanted == overlay.drain_wanted &&
                    record->taint_only == overlay.taint_only &&
                    record->over_reason == overlay.reason;
  if (!same) StepHost(host, overlay);
}

void Controller::LayAllOverrides() {
  std::vector<HostId> hosts;
  for (const auto& [host, record] : ledger_.hosts()) hosts.push_back(host);
  for (const HostId& host : hosts) LayOverrides(host);
}

}  // namespace fleetmedic
