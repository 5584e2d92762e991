#include "notify/payload.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/cap_text.h"
#include "base/sha256.h"
#include "base/text.h"

namespace fleetmedic {
namespace {

using Act = NotifyMessage::Act;

constexpr size_t kDedupKeyMax = 255;
constexpr size_t kPagerDutySummaryMax = 1024;
constexpr size_t kSlackHeaderMax = 150;
constexpr size_t kSlackTextMax = 3000;
constexpr size_t kLineMax = 300;

std::string Capped(std::string text, size_t bytes_max) {
  if (text.size() <= bytes_max) return text;
  CapText(&text, bytes_max - 3);
  return text + "...";
}

// One line of what strangers wrote.
std::string Plain(std::string_view text, size_t bytes_max) {
  return Capped(VisibleText(text), bytes_max);
}

// For Slack's mrkdwn: its three signs escaped, so that "<!channel>" and links are only text, and a
// word joiner behind "@" and in the marks of bold and the like.
std::string Escaped(std::string_view text) {
  std::string escaped;
  for (const char c : text) {
    switch (c) {
      case '&':
        escaped += "&amp;";
        break;
      case '<':
        escaped += "&lt;";
        break;
      case '>':
        escaped += "&gt;";
        break;
      case '@':
      case '*':
      case '_':
      case '~':
      case '`':
        escaped += c;
        escaped += "\u2060";
        break;
      default:
        escaped += c;
    }
  }
  return escaped;
}

std::string Names(std::string_view one, std::string_view many, const std::set<std::string>& names) {
  std::vector<std::string> visible;
  for (const std::string& name : names) visible.push_back(VisibleText(name));
  return fmt::format("{} {}", names.size() == 1 ? one : many, fmt::join(visible, ", "));
}

std::string Counted(int64_t count, std::string_view what) {
  return fmt::format("{} {}{}", count, what, count == 1 ? "" : "s");
}

std::string Link(const NotifyMessage& message, std::string_view console_url) {
  return std::string(console_url) + message.path;
}

Json LinesJson(const NotifyMessage& message) {
  Json lines(Json::Array{});
  for (const std::string& line : message.lines) lines.Append(Plain(line, kLineMax));
  return lines;
}

// The same as the audit has it, but one line of valid UTF-8.
Json BodyOf(const NotifyMessage& message, std::string_view console_url, WallTime now) {
  Json json = ToJson(message);
  json.Set("title", Plain(message.title, NotifyEvent::kTextBytesMax));
  json.Set("why", Plain(message.why, NotifyEvent::kTextBytesMax));
  json.Set("lines", LinesJson(message));
  json.Set("link", Link(message, console_url));
  json.Set("sent_at", now);
  json.object()->erase("path");
  return json;
}

std::string_view Mark(NotifyMessage::Severity severity) {
  switch (severity) {
    case NotifyMessage::Severity::kCritical:
      return "CRITICAL";
    case NotifyMessage::Severity::kError:
      return "ERROR";
    case NotifyMessage::Severity::kWarning:
      return "WARNING";
    case NotifyMessage::Severity::kInfo:
      return "INFO";
  }
  return "";
}

std::string_view Prefix(Act act) {
  switch (act) {
    case Act::kResolve:
      return "Over: ";
    case Act::kAcknowledge:
      return "In hand: ";
    case Act::kUpdate:
      return "Still: ";
    case Act::kTest:
      return "Test: ";
    case Act::kTrigger:
    case Act::kDigest:
      return "";
  }
  return "";
}

std::string Headline(const NotifyMessage& message, size_t bytes_max) {
  return Capped(std::string(Prefix(message.act)) + VisibleText(message.title), bytes_max);
}

Json PlainText(std::string text) {
  Json json;
  json.Set("type", "plain_text");
  json.Set("text", std::move(text));
  json.Set("emoji", false);
  return json;
}

Json Markdown(std::string text) {
  Json json;
  json.Set("type", "mrkdwn");
  json.Set("text", std::move(text));
  // Names of channels and people in the text stay text.
  json.Set("verbatim", true);
  return json;
}

Json Block(std::string_view type, std::string_view member, Json value) {
  Json json;
  json.Set("type", type);
  json.Set(member, std::move(value));
  return json;
}

std::string Listed(const NotifyMessage& message) {
  std::string text;
  for (size_t i = 0; i < message.lines.size(); ++i) {
    const std::string line = "• " + Escaped(Plain(message.lines[i], kLineMax)) + "\n";
    const size_t left = message.lines.size() - i + message.more;
    // Never cut within a line: half of an escape would be another.
    if (text.size() + line.size() + 40 > kSlackTextMax) {
      return text + fmt::format("and {} more", left);
    }
    text += line;
  }
  return message.more == 0 ? text : text + fmt::format("and {} more", message.more);
}

std::string_view PagerDutyAction(Act act) {
  if (act == Act::kResolve) return "resolve";
  return act == Act::kAcknowledge ? "acknowledge" : "trigger";
}

}  // namespace

std::string BlastText(const BlastRadius& blast) {
  std::vector<std::string> parts;
  if (blast.hosts >= 0) parts.push_back(Counted(blast.hosts, "host"));
  if (blast.tasks >= 0) parts.push_back(Counted(blast.tasks, "task"));
  if (!blast.pools.empty()) parts.push_back(Names("pool", "pools", blast.pools));
  if (!blast.cells.empty()) parts.push_back(Names("cell", "cells", blast.cells));
  return fmt::format("{}", fmt::join(parts, ", "));
}

std::string DedupKey(std::string_view key) {
  std::string visible = VisibleText(key);
  if (visible.size() <= kDedupKeyMax) return visible;
  CapText(&visible, kDedupKeyMax - 65);
  return visible + "#" + Sha256Hex(key);
}

Payload WebhookPayload(const NotifyMessage& message, std::string_view console_url,
                       std::string_view secret, WallTime now) {
  Payload payload;
  payload.body = BodyOf(message, console_url, now).Dump();
  const std::string timestamp = fmt::format("{}", MillisOf(now) / 1000);
  payload.headers = {
      {"content-type", "application/json"},
      {"ce-specversion", "1.0"},
      {"ce-id", message.id},
      {"ce-source", std::string(console_url)},
      {"ce-type", fmt::format("fleetmedic.notification.{}", ActName(message.act))},
      {"ce-time", FormatWall(now)},
      {"fleetmedic-timestamp", timestamp},
      {"fleetmedic-signature", "v1=" + HmacSha256Hex(secret, timestamp + "." + payload.body)},
  };
  return payload;
}

Payload SlackPayload(const NotifyMessage& message, std::string_view console_url) {
  Json blocks(Json::Array{});
  blocks.Append(Block("header", "text", PlainText(Headline(message, kSlackHeaderMax))));
  if (!message.why.empty()) {
    blocks.Append(
        Block("section", "text", PlainText(Plain(message.why, NotifyEvent::kTextBytesMax))));
  }
  if (!message.lines.empty()) {
    blocks.Append(Block("section", "text", Markdown(Listed(message))));
  }
  std::string foot = std::string(Mark(message.severity));
  if (const std::string blast = BlastText(message.blast); !blast.empty()) {
    foot += " · " + Escaped(Capped(blast, kLineMax));
  }
  if (message.events > 1) foot += fmt::format(" · {} events", message.events);
  foot += " · <" + Link(message, console_url) + "|open the console>";
  blocks.Append(Block("context", "elements", Json::Array{Markdown(std::move(foot))}));
  Json json;
  json.Set("text", Escaped(Headline(message, kLineMax)));
  json.Set("blocks", std::move(blocks));
  json.Set("link_names", false);
  json.Set("unfurl_links", false);
  return {{{"content-type", "application/json; charset=utf-8"}}, json.Dump()};
}

Payload PagerDutyPayload(const NotifyMessage& message, std::string_view console_url,
                         std::string_view routing_key) {
  Json details;
  details.Set("why", Plain(message.why, NotifyEvent::kTextBytesMax));
  details.Set("blast_radius", BlastText(message.blast));
  details.Set("events", message.events);
  details.Set("lines", LinesJson(message));
  details.Set("more", message.more);
  details.Set("first_at", message.first_at);
  Json event;
  event.Set("summary", Headline(message, kPagerDutySummaryMax));
  event.Set("source", std::string(console_url));
  event.Set("severity", SeverityName(message.severity));
  event.Set("timestamp", message.last_at);
  event.Set("component", "fleetmedic");
  event.Set("class", message.key.substr(0, message.key.find(':')));
  event.Set("custom_details", std::move(details));
  Json link;
  link.Set("href", Link(message, console_url));
  link.Set("text", "Open the console");
  Json json;
  json.Set("routing_key", routing_key);
  json.Set("event_action", PagerDutyAction(message.act));
  json.Set("dedup_key", DedupKey(message.key));
  json.Set("payload", std::move(event));
  json.Set("links", Json::Array{std::move(link)});
  json.Set("client", "Fleetmedic");
  json.Set("client_url", std::string(console_url));
  return {{{"content-type", "application/json"}}, json.Dump()};
}

}  // namespace fleetmedic
