#include "console/why.h"

#include <algorithm>
#include <optional>
#include <set>
#include <tuple>
#include <utility>

#include <fmt/format.h>

#include "model/words.h"

namespace fleetmedic {
namespace {

constexpr Words<WhyKind, 11> kKinds = {{{WhyKind::kLine, "line"},
                                        {WhyKind::kProbe, "probe"},
                                        {WhyKind::kFinding, "finding"},
                                        {WhyKind::kCondition, "condition"},
                                        {WhyKind::kDecision, "decision"},
                                        {WhyKind::kGrant, "grant"},
                                        {WhyKind::kDirective, "directive"},
                                        {WhyKind::kRepair, "repair"},
                                        {WhyKind::kAck, "ack"},
                                        {WhyKind::kRefusal, "refusal"},
                                        {WhyKind::kOverride, "override"}}};

constexpr std::string_view kMachine = "fleetmedic";

std::string Text(const Json& json, std::string_view key) {
  const std::string* text = json[key].string();
  return text == nullptr ? "" : *text;
}

// One piece of evidence: a condition with where it came from.
struct Evidence {
  Condition condition;
  std::string detector;
  std::string origin;

  bool from_log() const { return detector.starts_with("rule:"); }
  bool operator<(const Evidence& other) const {
    const auto key = [](const Evidence& e) {
      return std::tie(e.condition.type, e.condition.unit, e.condition.since, e.origin);
    };
    return key(*this) < key(other);
  }
};

std::vector<Evidence> EvidenceOf(const AuditEntry& entry) {
  std::vector<Evidence> list;
  const Json::Array* items = entry.detail["evidence"].array();
  if (items == nullptr) return list;
  for (const Json& item : *items) {
    Result<Condition> condition = ConditionFromJson(item);
    if (!condition) continue;
    list.push_back({*std::move(condition), Text(item, "detector"), Text(item, "origin")});
  }
  return list;
}

// "fleet_concurrent (fleet) 2 of 5, pool_floor (pool:web) 8 available of at least 6".
std::string LimitsText(const Json& detail) {
  std::string text;
  const Json::Array* limits = detail["limits"].array();
  if (limits == nullptr) return text;
  for (const Json& limit : *limits) {
    if (!text.empty()) text += ", ";
    const bool floor = Text(limit, "kind") == LimitKindName(LimitKind::kFloor);
    text += fmt::format("{} ({}) {} {} {}", Text(limit, "name"), Text(limit, "scope"),
                        limit["used"].integer().value_or(0), floor ? "available of at least" : "of",
                        limit["max"].integer().value_or(0));
  }
  return text;
}

bool IsOf(const AuditEntry& entry, uint64_t episode) {
  const std::optional<int64_t> own = entry.detail["episode"].integer();
  return own && static_cast<uint64_t>(*own) == episode;
}

class WhyChain {
 public:
  explicit WhyChain(const HostRecord& record) : record_(record) {}

  void Take(const AuditEntry& entry);
  void TakePresent();
  std::vector<WhyLine> Lines() &&;

 private:
  void Add(WallTime at, WhyKind kind, std::string text) {
    lines_.push_back({at, kind, std::move(text)});
  }
  void AddEvidence(const Evidence& evidence);
  void AddDecision(const AuditEntry& entry);
  void AddDirective(const AuditEntry& entry);

  const HostRecord& record_;
  std::vector<WhyLine> lines_;
  std::set<Evidence> shown_;
  uint64_t revision_ = 0;
  WallTime last_at_ = kWallNever;
};

void WhyChain::AddEvidence(const Evidence& evidence) {
  if (!shown_.insert(evidence).second) return;
  const Condition& condition = evidence.condition;
  for (const std::string& line : condition.evidence) {
    Add(condition.since, evidence.from_log() ? WhyKind::kLine : WhyKind::kProbe, line);
  }
  if (evidence.from_log()) {
    Add(condition.since, WhyKind::kFinding,
        evidence.origin.empty()
            ? evidence.detector
            : fmt::format("{} (rule@version, place in the log)", evidence.origin));
  } else if (condition.evidence.empty()) {
    Add(condition.since, WhyKind::kProbe,
        fmt::format("detector {}: {}", evidence.detector, condition.message));
  }
  Add(condition.since, WhyKind::kCondition,
      fmt::format("{} is {} ({}, {}): {}", ConditionTitle(condition),
                  VerdictName(condition.verdict), SeverityName(condition.severity),
                  condition.reason.empty() ? "no reason given" : condition.reason,
                  condition.message));
}

void WhyChain::AddDirective(const AuditEntry& entry) {
  const auto revision =
      static_cast<uint64_t>(std::max<int64_t>(entry.detail["revision"].integer().value_or(0), 0));
  const bool first = revision_ == 0;
  const bool grew = revision > revision_;
  revision_ = std::max(revision_, revision);
  // The first entry of an episode repeats the revision of the one before.
  if (!grew || (first && entry.action == "suspect")) return;
  Add(entry.at, WhyKind::kDirective,
      fmt::format("revision {}: {}", revision, Text(entry.detail, "want")));
}

void WhyChain::AddDecision(const AuditEntry& entry) {
  const std::string& action = entry.action;
  const std::string input = Text(entry.detail, "input");
  const auto say = [&](WhyKind kind) {
    Add(entry.at, kind, entry.why.empty() ? action : action + ": " + entry.why);
  };
  if (entry.who != kMachine) {
    return Add(entry.at, WhyKind::kOverride,
               fmt::format("{} by {}: {}", action, entry.who, entry.why));
  }
  if (action == "grant") {
    const std::string limits = LimitsText(entry.detail);
    return Add(entry.at, WhyKind::kGrant,
               fmt::format("{} for {}{}{}", entry.result, entry.why,
                           limits.empty() ? "" : "; with it: ", limits));
  }
  if (action == "refuse" || action == "release_grant") return say(WhyKind::kRefusal);
  if (action == "overlay") return say(WhyKind::kOverride);
  if (action == "drained" && input == "view") return say(WhyKind::kAck);
  if (action == "in_service" && input == "view") return say(WhyKind::kAck);
  if (action == "difference") return say(WhyKind::kAck);
  if (action == "drain" && input != "return") {
    Add(entry.at, WhyKind::kAck, fmt::format("the scheduler acknowledged revision {}", revision_));
  }
  if (action == "repair" || input == "repaired") return say(WhyKind::kRepair);
  say(WhyKind::kDecision);
}

void WhyChain::Take(const AuditEntry& entry) {
  for (const Evidence& evidence : EvidenceOf(entry)) AddEvidence(evidence);
  AddDecision(entry);
  AddDirective(entry);
  last_at_ = std::max(last_at_, entry.at);
}

// What the record says and no entry does: where things stand now.
void WhyChain::TakePresent() {
  const WallTime at = std::max(last_at_, record_.since);
  if (record_.state != HostState::kHealthy) {
    for (const TrackedCondition& tracked : record_.conditions) {
      if (tracked.condition.verdict != Verdict::kBad) continue;
      Evidence evidence{tracked.condition, tracked.detector, tracked.origin};
      if (evidence.condition.since == kWallNever) evidence.condition.since = tracked.verdict_since;
      AddEvidence(evidence);
    }
  }
  if (record_.revision > 0 && record_.acknowledged < record_.revision) {
    Add(at, WhyKind::kAck,
        fmt::format("the scheduler has not acknowledged revision {} yet; its last is {}",
                    record_.revision, record_.acknowledged));
  } else if (record_.state == HostState::kDraining && record_.tasks_left >= 0) {
    Add(at, WhyKind::kAck,
        fmt::format("the scheduler acknowledged revision {}; {} of {} tasks left", record_.revision,
                    record_.tasks_left, std::max(record_.tasks_total, record_.tasks_left)));
  }
  if (record_.waits_for.empty()) return;
  const std::string_view waits = record_.waits_for;
  const bool refused = waits.starts_with("limit ") || waits.starts_with("held") ||
                       waits.starts_with("protected") || waits.starts_with("mode ") ||
                       waits.starts_with("evidence") || waits == record_.blocked_by;
  Add(at, refused ? WhyKind::kRefusal : WhyKind::kDecision, "waits for " + record_.waits_for);
}

std::vector<WhyLine> WhyChain::Lines() && {
  if (lines_.size() <= kWhyLinesMax) return std::move(lines_);
  const size_t cut = lines_.size() - kWhyLinesMax + 1;
  const WallTime at = lines_[cut].at;
  lines_.erase(lines_.begin(), lines_.begin() + static_cast<std::ptrdiff_t>(cut));
  lines_.insert(lines_.begin(),
                {at, WhyKind::kDecision, fmt::format("{} earlier lines are in the audit", cut)});
  return std::move(lines_);
}

constexpr Words<Lane, 5> kLanes = {{{Lane::kCondition, "condition"},
                                    {Lane::kLog, "log"},
                                    {Lane::kAction, "action"},
                                    {Lane::kPeople, "people"},
                                    {Lane::kTask, "task"}}};
constexpr Words<Tone, 4> kTones = {
    {{Tone::kOk, "ok"}, {Tone::kBad, "bad"}, {Tone::kUnknown, "unknown"}, {Tone::kInfo, "info"}}};

Tone ToneOf(Verdict verdict) {
  switch (verdict) {
    case Verdict::kOk:
      return Tone::kOk;
    case Verdict::kBad:
      return Tone::kBad;
    case Verdict::kUnknown:
      return Tone::kUnknown;
  }
  return Tone::kUnknown;
}

Tone ToneOf(const AuditEntry& entry) {
  if (entry.action == "in_service") return Tone::kOk;
  if (entry.action == "retire" || entry.action == "suspect") return Tone::kBad;
  if (entry.action == "refuse" || entry.action == "difference") return Tone::kUnknown;
  return Tone::kInfo;
}

class TimelineOf {
 public:
  explicit TimelineOf(const HostRecord& record) : record_(record) {}

  std::vector<TimelineItem> Make(std::span<const AuditEntry> entries) {
    for (const TrackedCondition& tracked : record_.conditions) {
      if (tracked.condition.verdict == Verdict::kOk) continue;
      Evidence evidence{tracked.condition, tracked.detector, tracked.origin};
      if (evidence.condition.since == kWallNever) evidence.condition.since = tracked.verdict_since;
      AddCondition(evidence, kWallNever);
    }
    // Newest first, so that a condition that is over gets the end of its last mention.
    for (size_t i = entries.size(); i > 0; --i) {
      const AuditEntry& entry = entries[i - 1];
      const WallTime next = i < entries.size() ? entries[i].at : record_.since;
      for (const Evidence& evidence : EvidenceOf(entry)) {
        AddCondition(evidence, std::max(next, entry.at));
      }
    }
    WallTime next_move = kWallNever;
    const size_t first = items_.size();
    for (size_t i = entries.size(); i > 0; --i) AddEntry(entries[i - 1], &next_move);
    std::reverse(items_.begin() + static_cast<std::ptrdiff_t>(first), items_.end());
    if (record_.tasks_left >= 0) {
      items_.push_back({record_.since, kWallNever, Lane::kTask,
                        fmt::format("{} tasks left", record_.tasks_left), record_.blocked_by,
                        record_.blocked_by.empty() ? Tone::kInfo : Tone::kUnknown});
    }
    std::ranges::stable_sort(items_, {}, &TimelineItem::at);
    if (items_.size() > kTimelineItemsMax) {
      items_.erase(items_.begin(), items_.end() - static_cast<std::ptrdiff_t>(kTimelineItemsMax));
    }
    return std::move(items_);
  }

 private:
  void AddCondition(const Evidence& evidence, WallTime until) {
    if (!shown_.insert(evidence).second) return;
    const Condition& condition = evidence.condition;
    items_.push_back({condition.since, until, Lane::kCondition, ConditionTitle(condition),
                      condition.message, ToneOf(condition.verdict)});
    if (!evidence.from_log()) return;
    for (const std::string& line : condition.evidence) {
      items_.push_back(
          {condition.since, kWallNever, Lane::kLog, evidence.detector.substr(5), line, Tone::kBad});
    }
  }
  void AddEntry(const AuditEntry& entry, WallTime* next_move) {
    const bool person = entry.who != kMachine;
    const bool calls = entry.action == "page" || entry.action == "notify";
    TimelineItem item{entry.at, kWallNever, Lane::kAction, entry.action, entry.why, ToneOf(entry)};
    if (person || calls) {
      item.lane = Lane::kPeople;
      if (person) item.title = entry.who + ": " + entry.action;
    } else if (Text(entry.detail, "from") != Text(entry.detail, "to")) {
      item.until = *next_move;
      *next_move = entry.at;
    }
    items_.push_back(std::move(item));
  }

  const HostRecord& record_;
  std::vector<TimelineItem> items_;
  std::set<Evidence> shown_;
};

}  // namespace

std::string_view WhyKindName(WhyKind kind) { return WordOf(kKinds, kind); }
std::string_view LaneName(Lane lane) { return WordOf(kLanes, lane); }
std::string_view ToneName(Tone tone) { return WordOf(kTones, tone); }

std::vector<WhyLine> WhyLines(const HostRecord& record, std::span<const AuditEntry> entries) {
  // What has no episode of its own (people's acts, pages) belongs to this one from its start on.
  const auto begin = std::ranges::find_if(
      entries, [&](const AuditEntry& entry) { return IsOf(entry, record.episode); });
  WhyChain chain(record);
  for (auto it = begin; it != entries.end(); ++it) {
    if (IsOf(*it, record.episode) || it->detail["episode"].is_null()) chain.Take(*it);
  }
  chain.TakePresent();
  return std::move(chain).Lines();
}

std::vector<TimelineItem> Timeline(const HostRecord& record, std::span<const AuditEntry> entries) {
  return TimelineOf(record).Make(entries);
}

Json ToJson(const WhyLine& line) {
  Json json;
  if (line.at != kWallNever) json.Set("at", line.at);
  json.Set("kind", WhyKindName(line.kind));
  json.Set("text", line.text);
  return json;
}

Json ToJson(const TimelineItem& item) {
  Json json;
  json.Set("at", item.at);
  if (item.until != kWallNever) json.Set("until", item.until);
  json.Set("lane", LaneName(item.lane));
  json.Set("title", item.title);
  json.Set("detail", item.detail);
  json.Set("tone", ToneName(item.tone));
  return json;
}

}  // namespace fleetmedic
