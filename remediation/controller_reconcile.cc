// Records that may be older than the scheduler: from a backup, or a store that was put back.
// Nothing is acted on until a person has seen what differs.
#include <algorithm>
#include <string_view>
#include <unordered_set>

#include <fmt/format.h>
#include "base/logging.h"
#include "remediation/controller.h"

namespace fleetmedic {
namespace {

// More grants and overrides than are made between two backups.
constexpr uint64_t kNumbersSkipped = 1'000'000;
// A scheduler that is restarted is away for less.
constexpr Millis kListOldAfter = Minutes(1);
constexpr Millis kListPagedAfter = Minutes(5);
constexpr int kListsMissed = 3;
constexpr std::string_view kScheduler = "scheduler";

}  // namespace

// Why no host may be acted on at all; empty where nothing says so.
std::string Controller::Frozen() const {
  if (const auto& mark = ledger_.reconcile()) return "reconcile: " + mark->reason;
  return listed_ ? "" : "the scheduler's list: the records are compared with it first";
}

void Controller::BeginReconcile(std::string reason) {
  if (ledger_.reconcile()) return;
  gate_.Hold();
  ledger_.SetReconcile(ReconcileMark{now_, reason, false});
  AuditAct("fleetmedic", "reconcile", "store", std::move(reason), "shadow");
  UpdateBrakeAndMode();
}

bool Controller::BehindScheduler(const HostView& view) {
  const HostRecordPtr record = ledger_.Host(view.host);
  if (record == nullptr) return false;
  // A host that was forgotten begins anew; the scheduler may remember it.
  const bool behind = RecordIsBehind(*record, view) && view.revision > ledger_.forgotten_revision();
  if (behind) {
    BeginReconcile(
        fmt::format("the scheduler holds revision {} of {} and the records know of {}: "
                    "the store is older than the scheduler",
                    view.revision, view.host.str(), record->revision));
  }
  return ledger_.reconcile() && DifferenceOf(*record, view).has_value();
}

std::string Controller::ListIsOld() const {
  const Micros age = env_.clock.Mono() - list_counts_from_;
  if (age <= std::max(kListOldAfter, kListsMissed * config_.list_every)) return "";
  return fmt::format("the scheduler has not listed its hosts for {}{}{}",
                     FormatDuration(std::chrono::floor<std::chrono::seconds>(age)),
                     list_error_.empty() ? "" : ": ", list_error_);
}

void Controller::AgeList() {
  const std::string old = ListIsOld();
  const bool page = !old.empty() && env_.clock.Mono() - list_counts_from_ > kListPagedAfter;
  if (!page || std::exchange(list_paged_, true)) return;
  pages_.Add();
  AuditAct("fleetmedic", "page", std::string(kScheduler),
           old + "; nothing new is begun, and no drain can be seen to end", "");
}

void Controller::TakeList(const std::vector<HostView>& views) {
  listed_ = true;
  list_error_.clear();
  list_counts_from_ = env_.clock.Mono();
  if (std::exchange(list_paged_, false)) {
    Json detail;
    detail.Set("ends", true);
    AuditAct("fleetmedic", "notify", std::string(kScheduler), "the scheduler lists its hosts again",
             "", std::move(detail));
  }
  // First all: what one host shows holds for the others too.
  for (const HostView& view : views) (void)BehindScheduler(view);
  if (ledger_.reconcile()) Report(views);
  std::unordered_set<std::string_view> listed;
  for (const HostView& view : views) listed.insert(view.host.str());
  std::vector<HostId> missing;
  for (const auto& [host, record] : ledger_.hosts()) {
    if (!listed.contains(host.str())) missing.push_back(host);
  }
  for (const HostView& view : views) {
    // Named twice, the first counts. A difference waits for a person.
    const bool first = listed.erase(view.host.str()) > 0;
    if (first && !BehindScheduler(view)) StepHost(view.host, input::View{view, true});
  }
  for (const HostId& host : missing) StepHost(host, input::NotListed{});
}

void Controller::Report(const std::vector<HostView>& views) {
  report_ = std::make_shared<ReconcileReport>(Compare(ledger_.hosts(), views, now_));
  report_views_.clear();
  for (const HostView& view : views) report_views_[view.host] = view;
  ReconcileMark mark = *ledger_.reconcile();
  if (std::exchange(mark.paged, true)) return;
  pages_.Add();
  AuditAct("fleetmedic", "page", "store",
           fmt::format("{}: {} of {} hosts differ from the scheduler's list; nothing is acted on "
                       "until somebody looks: fleetmedic reconcile",
                       mark.reason, report_->differences_total, report_->hosts_listed),
           "");
  ledger_.SetReconcile(std::move(mark));
}

void Controller::AdoptHost(const HostRecord& record, const HostView& view) {
  HostRecord next = record;
  GrantId grant = record.grant;
  if (view.want == Want::kSchedulable) {
    ledger_.ReleaseGrant(grant, now_);
    grant = GrantId();
  } else if (grant.empty()) {
    // Out it is, and so it counts; and as given now, since nobody knows when it was.
    Grant adopted = NewGrant(record, std::string(kAdoptedReason));
    grant = adopted.id;
    ledger_.PutGrant(std::move(adopted));
  }
  // What was decided on the old record is over.
  for (const OutboxRow::Kind kind : {OutboxRow::Kind::kDirective, OutboxRow::Kind::kRepair}) {
    OutboxRow row;
    row.kind = kind;
    row.host = record.facts.host;
    outbox_.Succeeded(row.Key());
    ledger_.EraseOutbox(row.Key());
  }
  next = Adopt(config_.PolicyOf(record.facts), std::move(next), view, grant, now_);
  AuditAct("fleetmedic", "adopt", "host:" + record.facts.host.str(), next.why,
           grant.empty() ? "" : "grant " + grant.str());
  ledger_.PutHost(std::move(next));
}

Result<RequestAnswer> Controller::Handle(const request::AcceptReconcile& request) {
  if (request.reason.empty()) return Fail(Code::kInvalidArgument, "a reason is required");
  if (!ledger_.reconcile()) return Fail(Code::kConflict, "there is nothing to reconcile");
  if (report_ == nullptr) {
    return Fail(Code::kConflict, "the scheduler's list has not come yet: look at the report first");
  }
  AuditAct(request.who, "reconcile", "store", request.reason,
           fmt::format("accepted, {} differences", report_->differences_total));
  ledger_.SkipNumbers(kNumbersSkipped);
  std::vector<HostId> hosts;
  for (const auto& [host, record] : ledger_.hosts()) hosts.push_back(host);
  for (const HostId& host : hosts) {
    ledger_.PutHost(GoOn(config_.PolicyOf(ledger_.Host(host)->facts), *ledger_.Host(host), now_));
    const auto view = report_views_.find(host);
    if (view == report_views_.end()) continue;
    const HostRecordPtr record = ledger_.Host(host);
    if (GoesOnAsListed(*record, view->second)) AdoptHost(*record, view->second);
  }
  ledger_.SetReconcile(std::nullopt);
  report_.reset();
  report_views_.clear();
  UpdateBrakeAndMode();
  return RequestAnswer{};
}

}  // namespace fleetmedic
