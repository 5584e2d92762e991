#include "app/cli/watch.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "base/poll.h"
#include "base/text.h"

namespace fleetmedic::cli {
namespace {

constexpr size_t kAuditPage = 1000;  // the most that the server gives at once

// What another try can mend: the server restarts, is full, or the line broke.
bool MayMend(const Failure& failure) {
  return failure.exit_code == kExitUnreachable || failure.exit_code == kExitFailed;
}

}  // namespace

Watch::Watch(Resource resource, std::string name, std::string selector, const Invocation& call,
             const ApiClient* client, const Terminal* terminal)
    : resource_(resource),
      name_(std::move(name)),
      selector_(std::move(selector)),
      call_(call),
      client_(client),
      terminal_(terminal),
      deadline_(call.args.Has("timeout") ? call.env.clock->Mono() + call.args.Duration("timeout")
                                         : kMonoForever) {}

int Watch::Run(std::span<const Json> items) {
  widths_ = ListTable(resource_, items, terminal_->style(), call_.env.clock->Wall()).Widths();
  for (const Json& item : items) {
    if (resource_ == Resource::kHosts) {
      shown_.insert_or_assign(TextOf(item, "host"), item);
      chosen_.insert(TextOf(item, "host"));
    } else {
      audit_seq_ = std::max(audit_seq_, item["seq"].integer().value_or(-1));
    }
  }
  while (true) {
    Answer<void> done = Follow();
    if (client_->Cancelled()) return kExitDetached;
    if (call_.env.clock->Mono() >= deadline_) return kExitTimedOut;
    if (!done && !MayMend(done.error())) {
      terminal_->Error(done.error().message, done.error().hint);
      return done.error().exit_code;
    }
    // A reset: the state is read at once, but not again and again by one that is always behind.
    const bool reset = done && cursor_.empty();
    if (reset && !std::exchange(reset_at_once_, true)) continue;
    const std::string_view ended =
        reset ? "the server told nothing but a reset" : "the stream ended";
    terminal_->Say("fleetmedic: " + VisibleText(done ? ended : done.error().message) +
                   "; trying again in " + ShortDuration(backoff_) + "\n");
    if (!Wait(backoff_)) {
      return client_->Cancelled() ? kExitDetached : kExitTimedOut;
    }
    backoff_ = std::min<Micros>(backoff_ * 2, kBackoffMax);
  }
}

Answer<void> Watch::Catch() {
  const Answer<ApiReply> state = client_->Get("/api/v1/state");
  if (!state) return tl::unexpected(state.error());
  cursor_ = TextOf(state->json, "cursor");
  if (resource_ == Resource::kHosts) {
    for (const Json& host : Items(state->json["hosts"])) Show(host);
    return {};
  }
  if (Answer<void> shown = ShowMissed(); !shown) {
    cursor_.clear();  // the next try begins here
    return shown;
  }
  // Newest first or last: the sequence number orders them.
  std::vector<const Json*> entries;
  for (const Json& entry : Items(state->json["recent"])) entries.push_back(&entry);
  std::ranges::sort(entries, {},
                    [](const Json* entry) { return (*entry)["seq"].integer().value_or(0); });
  for (const Json* entry : entries) Show(*entry);
  return {};
}

// The state has the newest entries alone: there may be others behind the last that was shown.
Answer<void> Watch::ShowMissed() {
  for (int64_t after = audit_seq_; after >= 0;) {
    const Answer<ApiReply> page =
        client_->Get(fmt::format("/api/v1/audit?since={}&limit={}", after, kAuditPage));
    if (!page) return tl::unexpected(page.error());
    const std::span<const Json> entries = Items(page->json["items"]);
    for (const Json& entry : entries) Show(entry);
    if (entries.size() < kAuditPage) break;
    after = std::max(after + 1, entries.back()["seq"].integer().value_or(0));
  }
  return {};
}

Answer<void> Watch::Follow() {
  if (cursor_.empty()) {
    if (Answer<void> caught = Catch(); !caught) return caught;
  }
  SseParser parser;
  Status broken;
  Answer<void> ended = client_->Stream(
      "/api/v1/stream?since=" + EncodePercent(cursor_), deadline_, [&](std::string_view piece) {
        bool more = true;
        broken = parser.Feed(piece, [&](const ServerSentEvent& event) {
          more = Take(event);
          return more;
        });
        return more && broken.has_value();
      });
  if (ended && !broken) {
    return tl::unexpected(Failure{kExitFailed, broken.error().message, ""});
  }
  return ended;
}

bool Watch::Take(const ServerSentEvent& event) {
  if (event.type == "reset") {
    cursor_.clear();
    return false;
  }
  backoff_ = kBackoffMin;
  reset_at_once_ = false;
  if (!event.id.empty()) cursor_ = event.id;
  if (event.type != (resource_ == Resource::kHosts ? "host" : "audit")) return true;
  const Result<Json> item = Json::Parse(event.data);
  // What cannot be read is the server's fault: the next event tells the host's state again.
  if (item) Show(*item);
  return true;
}

bool Watch::Wanted(const std::string& host) {
  if (!name_.empty()) return host == name_;
  if (selector_.empty() || chosen_.contains(host)) return true;
  if (not_chosen_.contains(host)) return false;
  // A host that was not there before: the server knows its labels. Asked once for each.
  if (const Answer<ApiReply> hosts = client_->Get(HostsTarget())) {
    for (const Json& one : Items(hosts->json["items"])) chosen_.insert(TextOf(one, "host"));
    if (!chosen_.contains(host)) not_chosen_.insert(host);
  }
  return chosen_.contains(host);
}

void Watch::Show(const Json& item) {
  if (resource_ == Resource::kHosts) {
    const std::string host = TextOf(item, "host");
    if (!Wanted(host)) return;
    const auto before = shown_.find(host);
    if (before != shown_.end() && before->second == item) return;
    shown_.insert_or_assign(host, item);
  } else {
    const int64_t seq = item["seq"].integer().value_or(-1);
    const std::string object = TextOf(item, "object");
    if (seq <= audit_seq_ || (!name_.empty() && object != name_ && object != "host:" + name_)) {
      return;
    }
    audit_seq_ = seq;
  }
  const std::string format = terminal_->Format();
  if (format == "json" || format == "jsonl") return terminal_->PrintJsonLine(item);
  if (format == "name") {
    const Json& name = item[NameMember(resource_)];
    const std::string text = name.string() != nullptr ? *name.string() : name.Dump();
    return terminal_->Print(VisibleText(text) + "\n");
  }
  const TextTable table =
      ListTable(resource_, std::span(&item, 1), terminal_->style(), call_.env.clock->Wall());
  std::vector<size_t> widths = table.Widths();
  for (size_t i = 0; i < widths.size() && i < widths_.size(); ++i) {
    widths[i] = std::max(widths[i], widths_[i]);
  }
  widths_ = widths;
  terminal_->Print(table.RowsText(terminal_->style(), widths));
}

bool Watch::Wait(Micros duration) const {
  const MonoTime until = std::min(call_.env.clock->Mono() + duration, deadline_);
  if (call_.env.cancel == nullptr) {
    PollUntil({}, *call_.env.clock, until);
    return until < deadline_;
  }
  pollfd cancelled{call_.env.cancel->fd(), POLLIN, 0};
  return PollUntil(std::span(&cancelled, 1), *call_.env.clock, until) == 0 && until < deadline_;
}

std::string Watch::HostsTarget() const { return "/api/v1/hosts?l=" + EncodePercent(selector_); }

}  // namespace fleetmedic::cli
