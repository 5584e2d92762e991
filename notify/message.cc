#include "notify/message.h"

#include <algorithm>

#include "model/words.h"

namespace fleetmedic {
namespace {

using Act = NotifyMessage::Act;
using Severity = NotifyMessage::Severity;

constexpr Words<Act, 6> kActs = {{{Act::kTrigger, "trigger"},
                                  {Act::kUpdate, "update"},
                                  {Act::kAcknowledge, "acknowledge"},
                                  {Act::kResolve, "resolve"},
                                  {Act::kDigest, "digest"},
                                  {Act::kTest, "test"}}};
// As PagerDuty's Events API v2 has them.
constexpr Words<Severity, 4> kSeverities = {{{Severity::kInfo, "info"},
                                             {Severity::kWarning, "warning"},
                                             {Severity::kError, "error"},
                                             {Severity::kCritical, "critical"}}};

// What is not known might be wanted, and so might what there was no room to name.
bool Meets(const std::vector<std::string>& wanted, const std::set<std::string>& names) {
  return wanted.empty() || names.empty() || names.size() >= BlastRadius::kNamesMax ||
         std::ranges::any_of(wanted, [&](const std::string& each) { return names.contains(each); });
}

bool IsPlain(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
         std::string_view("-._~/:@").find(c) != std::string_view::npos;
}

std::string Encoded(std::string_view name) {
  static constexpr char kDigits[] = "0123456789ABCDEF";
  std::string encoded;
  for (const char c : name) {
    const auto byte = static_cast<unsigned char>(c);
    if (IsPlain(c)) {
      encoded += c;
    } else {
      encoded += {'%', kDigits[byte >> 4], kDigits[byte & 15]};
    }
  }
  return encoded;
}

}  // namespace

std::string_view ActName(Act act) { return WordOf(kActs, act); }
std::string_view SeverityName(Severity severity) { return WordOf(kSeverities, severity); }

Json ToJson(const NotifyMessage& message) {
  Json json;
  json.Set("id", message.id);
  json.Set("act", ActName(message.act));
  json.Set("severity", SeverityName(message.severity));
  json.Set("key", message.key);
  json.Set("title", message.title);
  json.Set("why", message.why);
  json.Set("blast_radius", ToJson(message.blast));
  json.Set("events", message.events);
  json.Set("lines", Json::Array(message.lines.begin(), message.lines.end()));
  json.Set("more", message.more);
  json.Set("path", message.path);
  json.Set("first_at", message.first_at);
  json.Set("last_at", message.last_at);
  return json;
}

Result<NotifyMessage> NotifyMessageFromJson(const Json& json) {
  NotifyMessage message;
  JsonReader in(json, "notification");
  in.Required("id", &message.id);
  in.Word("act", &message.act, [](std::string_view word) { return ValueOf(kActs, word); });
  in.Word("severity", &message.severity,
          [](std::string_view word) { return ValueOf(kSeverities, word); });
  in.Required("key", &message.key);
  in.Required("title", &message.title);
  in.Required("why", &message.why);
  message.blast = BlastRadiusFromJson(json["blast_radius"]);
  in.Required("events", &message.events);
  in.Required("lines", &message.lines);
  in.Required("more", &message.more);
  in.Required("path", &message.path);
  in.Required("first_at", &message.first_at);
  in.Required("last_at", &message.last_at);
  FLEETMEDIC_RETURN_IF_ERROR(in.Done());
  return message;
}

std::string ConsolePath(std::string_view object) {
  const size_t colon = std::min(object.find(':'), object.size());
  const std::string name = Encoded(object.substr(std::min(colon + 1, object.size())));
  if (object.substr(0, colon) == "issue") return "/#/issues/" + name;
  if (object.substr(0, colon) == "host") return "/#/hosts/" + name;
  return "/#/";
}

bool Takes(const NotifyChannel& channel, const NotifyMessage& message) {
  const bool digest = message.act == Act::kDigest;
  if (channel.urgency != "all" && (channel.urgency == "digest") != digest) return false;
  const BlastRadius& blast = message.blast;
  const bool takes_unnamed = channel.fleet || (channel.pools.empty() && channel.cells.empty());
  if (takes_unnamed && (blast.unnamed_part || !blast.named())) return true;
  return blast.named() && Meets(channel.pools, blast.pools) && Meets(channel.cells, blast.cells);
}

}  // namespace fleetmedic
