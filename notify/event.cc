#include "notify/event.h"

#include <algorithm>

#include "base/cap_text.h"
#include "model/words.h"

namespace fleetmedic {
namespace {

using Kind = NotifyEvent::Kind;
using Act = NotifyEvent::Act;

constexpr Words<Kind, 5> kKinds = {{{Kind::kBrake, "brake"},
                                    {Kind::kIssue, "issue"},
                                    {Kind::kHold, "hold"},
                                    {Kind::kHost, "host"},
                                    {Kind::kOther, "other"}}};
constexpr std::string_view kOurselves = "fleetmedic";
constexpr std::string_view kOverridePrefix = "O-";

std::string TextOf(const Json& json) {
  return json.string() == nullptr ? std::string() : *json.string();
}

std::set<std::string> NamesOf(const Json& json) {
  std::set<std::string> names;
  if (json.array() == nullptr) return names;
  for (const Json& each : *json.array()) {
    if (each.string() != nullptr) AddNames({*each.string()}, &names);
  }
  return names;
}

Json NamesJson(const std::set<std::string>& names) {
  return Json::Array(names.begin(), names.end());
}

// "web-3" of "host:web-3"; empty for an object of another kind.
std::string_view NameIn(std::string_view object, std::string_view prefix) {
  return object.starts_with(prefix) ? object.substr(prefix.size()) : std::string_view();
}

std::string HostKey(const AuditEntry& entry) {
  const std::optional<int64_t> episode = entry.detail["episode"].integer();
  return entry.object + "#" + (episode ? std::to_string(*episode) : "");
}

// What a page or a note is about.
void Name(const AuditEntry& entry, NotifyEvent* event) {
  const std::string title = TextOf(entry.detail["title"]);
  if (entry.result.starts_with(kOverridePrefix)) {
    event->kind = Kind::kHold;
    event->key = "hold:" + entry.result;
    event->title = "A hold of " + entry.object + " is due for review";
  } else if (const std::string_view id = NameIn(entry.object, "issue:"); !id.empty()) {
    event->kind = Kind::kIssue;
    event->key = entry.object;
    event->title = "Fleet issue " + (title.empty() ? std::string(id) : title);
  } else if (const std::string_view host = NameIn(entry.object, "host:"); !host.empty()) {
    event->kind = Kind::kHost;
    event->key = HostKey(entry);
    event->title = "Host " + std::string(host) + (entry.action == "page" ? " needs a person" : "");
    event->blast.hosts = std::max<int64_t>(event->blast.hosts, 1);
  } else {
    event->key = "other:" + entry.object;
    event->title = title.empty() ? "About " + entry.object : title;
  }
}

bool OfBrake(const AuditEntry& entry) { return entry.object == "brake"; }

// A person acts on what was told; our own acts say nothing about that.
bool TakesInHand(const AuditEntry& entry, NotifyEvent* event) {
  if (entry.who == kOurselves) return false;
  const bool host = entry.object.starts_with("host:");
  const bool acts = entry.action == "hold" || entry.action == "protect" ||
                    entry.action == "drain" || entry.action == "taint";
  if (host && acts) {
    event->key = entry.object + "#";
  } else if (entry.action == "hold" && entry.object == "fleet") {
    event->key = "brake:";
  } else {
    return false;
  }
  event->act = Act::kAcknowledge;
  event->title = entry.who + " has it in hand";
  return true;
}

// False where nobody needs to be told.
bool Read(const AuditEntry& entry, NotifyEvent* event) {
  if (entry.action == "page" || entry.action == "notify") {
    Name(entry, event);
    event->act = entry.action == "page" ? Act::kPage : Act::kNote;
    if (entry.detail["ends"].boolean().value_or(false)) {
      event->act = Act::kEnd;
      event->noted = true;
    }
    return true;
  }
  if (entry.action == "trip" && OfBrake(entry)) {
    const std::string cause = TextOf(entry.detail["cause"]);
    event->kind = Kind::kBrake;
    event->act = Act::kPage;
    event->key = "brake:" + cause;
    event->title = "The brake tripped" + (cause.empty() ? "" : ": " + cause);
    return true;
  }
  if (entry.action == "release" && OfBrake(entry)) {
    event->kind = Kind::kBrake;
    event->act = Act::kEnd;
    event->noted = true;
    event->key = "brake:" + entry.result;
    event->title = "The brake was released by " + entry.who + ": " + entry.result;
    return true;
  }
  if (entry.action == "reconcile" && entry.object == "store") {
    event->act = Act::kEnd;
    event->noted = true;
    event->key = "other:" + entry.object;
    event->title = "About " + entry.object + ": " + entry.who + " accepted what differs";
    return entry.who != kOurselves;
  }
  if (entry.action == "mode") {
    event->key = "mode";
    event->title = "The mode is " + entry.result;
    return true;
  }
  if (entry.action == "in_service" || entry.action == "forget") {
    event->kind = Kind::kHost;
    event->act = Act::kEnd;
    event->key = HostKey(entry);
    event->title = "Host " + entry.object.substr(std::min<size_t>(5, entry.object.size())) +
                   (entry.action == "forget" ? " has left" : " is back in service");
    return entry.object.starts_with("host:");
  }
  if (entry.result.starts_with(kOverridePrefix) &&
      (entry.action == "end" || entry.action == "release")) {
    event->kind = Kind::kHold;
    event->act = Act::kEnd;
    event->key = "hold:" + entry.result;
    event->title = "The hold of " + entry.object + " has ended";
    return true;
  }
  return TakesInHand(entry, event);
}

}  // namespace

void AddNames(const std::set<std::string>& names, std::set<std::string>* to) {
  for (const std::string& name : names) {
    if (to->size() >= BlastRadius::kNamesMax) return;
    if (!name.empty()) to->insert(name);
  }
}

Json ToJson(const BlastRadius& blast) {
  Json json(Json::Object{});
  if (blast.hosts >= 0) json.Set("hosts", blast.hosts);
  if (blast.tasks >= 0) json.Set("tasks", blast.tasks);
  json.Set("pools", NamesJson(blast.pools));
  json.Set("cells", NamesJson(blast.cells));
  if (blast.unnamed_part) json.Set("unnamed_part", true);
  return json;
}

BlastRadius BlastRadiusFromJson(const Json& json) {
  BlastRadius blast;
  blast.hosts = std::max<int64_t>(json["hosts"].integer().value_or(-1), -1);
  blast.tasks = std::max<int64_t>(json["tasks"].integer().value_or(-1), -1);
  blast.pools = NamesOf(json["pools"]);
  blast.cells = NamesOf(json["cells"]);
  blast.unnamed_part = json["unnamed_part"].boolean().value_or(false);
  return blast;
}

std::optional<NotifyEvent> EventOf(const AuditEntry& entry) {
  NotifyEvent event;
  event.seq = entry.seq;
  event.at = entry.at;
  event.object = entry.object;
  event.why = entry.why;
  event.blast = BlastRadiusFromJson(entry.detail["blast"]);
  if (!Read(entry, &event)) return std::nullopt;
  CapText(&event.title, NotifyEvent::kTextBytesMax);
  CapText(&event.why, NotifyEvent::kTextBytesMax);
  return event;
}

std::string_view EventKindName(NotifyEvent::Kind kind) { return WordOf(kKinds, kind); }
std::optional<NotifyEvent::Kind> ParseEventKind(std::string_view word) {
  return ValueOf(kKinds, word);
}

}  // namespace fleetmedic
