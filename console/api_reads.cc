// The routes that only look.
#include <algorithm>
#include <charconv>
#include <utility>

#include <fmt/format.h>

#include "base/text.h"
#include "console/api_json.h"
#include "console/api_routes.h"
#include "console/rules_view.h"
#include "console/selector.h"
#include "console/why.h"

namespace fleetmedic {
namespace {

constexpr size_t kAuditItemsDefault = 100;

std::string HostObject(const std::string& host) { return "host:" + host; }

std::optional<uint64_t> ParseNumber(std::string_view text) {
  uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.begin(), text.end(), number);
  if (error != std::errc() || end != text.end()) return std::nullopt;
  return number;
}

// What ?host=, ?object=, ?who=, ?since= and ?limit= of the audit say.
struct AuditQuery {
  std::string object;
  std::optional<uint64_t> after_seq;
  WallTime from = kWallNever;
  std::string who;
  size_t limit = kAuditItemsDefault;
};

Result<AuditQuery> ParseAuditQuery(const HttpRequest& request) {
  AuditQuery query;
  if (const auto host = request.query("host"); host && !host->empty()) {
    if (!ValidId(*host)) {
      return Fail(Code::kInvalidArgument, "host: " + Quote(*host) + " is no name of a host");
    }
    query.object = HostObject(std::string(*host));
  }
  if (const auto object = request.query("object"); object && !object->empty()) {
    if (!query.object.empty()) return Fail(Code::kInvalidArgument, "host or object, not both");
    query.object = *object;
  }
  query.who = request.query("who").value_or("");
  if (const auto since = request.query("since"); since && !since->empty()) {
    query.after_seq = ParseNumber(*since);
    if (!query.after_seq) {
      const Result<WallTime> time = ParseWall(*since);
      if (!time) {
        return Fail(Code::kInvalidArgument,
                    "since: " + Quote(*since) + " is neither the seq of an entry nor a time");
      }
      query.from = *time;
    }
  }
  if (const auto limit = request.query("limit"); limit && !limit->empty()) {
    const std::optional<uint64_t> number = ParseNumber(*limit);
    if (!number || *number == 0 || *number > kAuditItemsMax) {
      return Fail(Code::kInvalidArgument, fmt::format("limit: 1 to {}", kAuditItemsMax));
    }
    query.limit = *number;
  }
  return query;
}

Json LinesJson(const HostRecord& record, std::span<const AuditEntry> entries) {
  Json lines(Json::Array{});
  for (const WhyLine& line : WhyLines(record, entries)) lines.Append(ToJson(line));
  return lines;
}

}  // namespace

Result<HostRecordPtr> ApiRoutes::FindHost(const FleetSnapshot& snapshot,
                                          const std::string& name) const {
  const auto found = snapshot.hosts.find(HostId(name));
  if (found != snapshot.hosts.end()) return found->second;
  std::vector<std::string> known;
  for (const auto& [host, record] : snapshot.hosts) known.push_back(host.str());
  const auto meant =
      known.size() <= 2000 ? ClosestWord(name.substr(0, kIdCharsMax), known) : std::nullopt;
  return Fail(Code::kNotFound, fmt::format("no host {} is known{}", Quote(name),
                                           meant ? fmt::format("; did you mean {}?", *meant) : ""));
}

Result<std::vector<AuditEntry>> ApiRoutes::EntriesOf(const std::string& host) const {
  FLEETMEDIC_ASSIGN_OR_RETURN(std::vector<AuditEntry> entries,
                              env_.store.NewestAudit(HostObject(host), kWhyEntriesMax));
  std::ranges::reverse(entries);
  return entries;
}

HttpResponse ApiRoutes::GetState(const HttpRequest&, const std::string&) {
  const StreamHub::Look look = LookNow();
  Json json = StateJson(*look.snapshot, look.view, look.recent);
  json.Set("cursor", look.cursor);
  if (env_.notify != nullptr) json.Set("notify", NotifyJson(env_.notify->Channels()));
  return HttpResponse::FromJson(200, json);
}

HttpResponse ApiRoutes::GetStream(const HttpRequest& request, const std::string&) {
  std::string cursor(request.header("last-event-id"));
  if (cursor.empty()) cursor = request.query("since").value_or("");
  HttpResponse response = HttpResponse::Stream(
      "text/event-stream", [this, cursor = std::move(cursor)](HttpStream* stream) {
        RunStream(&hub_, env_.clock, cursor, stream);
      });
  // Proxies that hold events back would make the page call the data stale.
  response.headers["x-accel-buffering"] = "no";
  return response;
}

HttpResponse ApiRoutes::GetHosts(const HttpRequest& request, const std::string&) {
  const std::optional<std::string_view> text = request.query("l");
  const Result<Selector> selector = Selector::Parse(text.value_or(""));
  if (!selector) return HttpResponse::Problem(selector.error());
  const StreamHub::Look look = LookNow();
  Json::Array items;
  for (const auto& [host, record] : look.snapshot->hosts) {
    if (text && !selector->Matches(*record)) continue;
    items.push_back(
        HostSummaryJson(*record, IsSilent(*record, look.snapshot->now, look.view.silent_after)));
  }
  return HttpResponse::FromJson(200, ItemsJson(std::move(items)));
}

HttpResponse ApiRoutes::GetHost(const HttpRequest& request, const std::string&) {
  const std::string& name = request.param("host");
  const StreamHub::Look look = LookNow();
  const Result<HostRecordPtr> record = FindHost(*look.snapshot, name);
  if (!record) return HttpResponse::Problem(record.error());
  Json json =
      HostDetailJson(**record, IsSilent(**record, look.snapshot->now, look.view.silent_after));
  const Result<std::vector<AuditEntry>> entries = EntriesOf(name);
  if (!entries) json.Set("audit_error", entries.error().message);
  const std::vector<AuditEntry> known = entries.value_or(std::vector<AuditEntry>());
  json.Set("why", LinesJson(**record, known));
  json.Set("why_short", (*record)->why);
  Json timeline(Json::Array{});
  for (const TimelineItem& item : Timeline(**record, known)) timeline.Append(ToJson(item));
  json.Set("timeline", std::move(timeline));
  json.Set("evidence", Json(EvidenceOf(name)));
  json.Set("overrides", OverridesOf(*look.snapshot, **record));
  Result<Json> tasks = scheduler_.TasksOf(name);
  if (!tasks && tasks.error().code != Code::kUnsupported) {
    json.Set("tasks_error", tasks.error().message);
  }
  json.Set("tasks", tasks ? *std::move(tasks) : Json(Json::Array{}));
  return HttpResponse::FromJson(200, json);
}

HttpResponse ApiRoutes::GetWhy(const HttpRequest& request, const std::string&) {
  const std::string& name = request.param("host");
  const StreamHub::Look look = LookNow();
  const Result<HostRecordPtr> record = FindHost(*look.snapshot, name);
  if (!record) return HttpResponse::Problem(record.error());
  const Result<std::vector<AuditEntry>> entries = EntriesOf(name);
  if (!entries) return HttpResponse::Problem(entries.error());
  Json json;
  json.Set("host", name);
  json.Set("state", HostStateName((*record)->state));
  json.Set("episode", (*record)->episode);
  json.Set("lines", LinesJson(**record, *entries));
  return HttpResponse::FromJson(200, json);
}

HttpResponse ApiRoutes::GetEvidence(const HttpRequest& request, const std::string&) {
  const std::string& name = request.param("host");
  const Result<HostRecordPtr> record = FindHost(*LookNow().snapshot, name);
  if (!record) return HttpResponse::Problem(record.error());
  return HttpResponse::FromJson(200, ItemsJson(EvidenceOf(name)));
}

HttpResponse ApiRoutes::GetEvidenceBundle(const HttpRequest& request, const std::string&) {
  if (env_.evidence == nullptr) {
    return HttpResponse::Problem({Code::kUnsupported, "no evidence is kept here"});
  }
  const Result<std::string> text =
      env_.evidence->Read(HostId(request.param("host")), request.param("id"));
  if (!text) return HttpResponse::Problem(text.error());
  const Result<Json> json = Json::Parse(*text);
  return json ? HttpResponse::FromJson(200, *json) : HttpResponse::Problem(json.error());
}

Json::Array ApiRoutes::EvidenceOf(const std::string& host) const {
  if (env_.evidence == nullptr) return {};
  return env_.evidence->List(HostId(host));
}

HttpResponse ApiRoutes::GetGrants(const HttpRequest&, const std::string&) {
  const StreamHub::Look look = LookNow();
  Json::Array items;
  for (const Grant& grant : look.snapshot->grants) {
    items.push_back(GrantJson(grant, *look.snapshot));
  }
  return HttpResponse::FromJson(200, ItemsJson(std::move(items)));
}

RuleBook::Look ApiRoutes::RulesNow() const {
  if (env_.rules != nullptr) return env_.rules->Now();
  return {.rules = std::make_shared<const std::vector<Rule>>()};
}

HttpResponse ApiRoutes::GetRules(const HttpRequest&, const std::string&) {
  return HttpResponse::FromJson(200, RulesJson(RulesNow(), *LookNow().snapshot));
}

HttpResponse ApiRoutes::GetRule(const HttpRequest& request, const std::string&) {
  const RuleBook::Look rules = RulesNow();
  const Result<Json> rule = RuleJson(*rules.rules, *LookNow().snapshot, request.param("rule"));
  if (!rule) return HttpResponse::Problem(rule.error());
  return HttpResponse::FromJson(200, *rule);
}

HttpResponse ApiRoutes::GetAudit(const HttpRequest& request, const std::string&) {
  const Result<AuditQuery> query = ParseAuditQuery(request);
  if (!query) return HttpResponse::Problem(query.error());
  const Result<std::vector<AuditEntry>> entries =
      query->after_seq ? env_.store.ReadAudit(*query->after_seq, query->object, query->limit)
                       : env_.store.NewestAudit(query->object, query->limit);
  if (!entries) return HttpResponse::Problem(entries.error());
  const bool whole = request.query("full") == "1";
  Json::Array items;
  for (const AuditEntry& entry : *entries) {
    if (entry.at < query->from || (!query->who.empty() && entry.who != query->who)) continue;
    items.push_back(whole ? ToJson(entry) : AuditJson(entry));
  }
  Json json = ItemsJson(std::move(items));
  json.Set("chain", chain_.Look(env_.store, env_.clock.Mono()));
  return HttpResponse::FromJson(200, json);
}

HttpResponse ApiRoutes::GetOverrides(const HttpRequest&, const std::string&) {
  const StreamHub::Look look = LookNow();
  Json::Array items;
  for (const Override& override : look.snapshot->overrides) items.push_back(ToJson(override));
  return HttpResponse::FromJson(200, ItemsJson(std::move(items)));
}

HttpResponse ApiRoutes::GetReconcile(const HttpRequest&, const std::string&) {
  return HttpResponse::FromJson(200, ReconcileJson(*LookNow().snapshot));
}

HttpResponse ApiRoutes::Forward(const HttpRequest& request, const std::string& who) {
  return scheduler_.Forward(request, who);
}

}  // namespace fleetmedic
