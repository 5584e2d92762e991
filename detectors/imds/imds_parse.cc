#include "detectors/imds/imds_parse.h"

#include <arpa/inet.h>

#include <algorithm>

#include "base/json.h"
#include "base/text.h"
#include "detectors/proc_text.h"

namespace fleetmedic {
namespace {

constexpr size_t kTextCharsMax = 128;
constexpr size_t kWordBytesMax = 64;

bool IsMac(std::string_view text) {
  if (text.size() != 17) return false;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    const bool digit = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
    if (i % 3 == 2 ? c != ':' : !digit) return false;
  }
  return true;
}

// For messages: what the service says is shown, so it cannot pass for more than it is.
std::string Shown(std::string_view text) {
  return VisibleText(text.substr(0, std::min(text.size(), kTextCharsMax)));
}

tl::unexpected<Error> NoSuch(std::string_view what, std::string_view text) {
  return Fail(Code::kCorrupt, "the metadata's " + std::string(what) +
                                  " cannot be read: " + Quote(text, kTextCharsMax));
}

}  // namespace

Result<std::vector<std::string>> ImdsMacsFrom(std::string_view text) {
  std::vector<std::string> macs;
  for (std::string_view line : Lines(text)) {
    line = Trim(line);
    if (line.ends_with('/')) line.remove_suffix(1);
    if (!IsMac(line)) return NoSuch("list of interfaces", line);
    if (macs.size() >= kImdsInterfacesMax) {
      return Fail(Code::kFull, "the metadata names too many interfaces");
    }
    macs.emplace_back(line);
  }
  return macs;
}

Result<std::vector<std::string>> ImdsAddressesFrom(std::string_view text) {
  std::vector<std::string> addresses;
  for (const std::string_view line : Lines(text)) {
    const std::string address(Trim(line));
    in_addr unused{};
    if (address.size() > kWordBytesMax || ::inet_pton(AF_INET, address.c_str(), &unused) != 1) {
      return NoSuch("list of addresses", line);
    }
    if (addresses.size() >= kImdsAddressesMax) {
      return Fail(Code::kFull, "the metadata names too many addresses of one interface");
    }
    addresses.push_back(address);
  }
  return addresses;
}

Result<std::string> ImdsWordFrom(std::string_view text) {
  const std::string_view word = Trim(text);
  const bool plain = std::ranges::all_of(word, [](char c) { return c > ' ' && c <= '~'; });
  if (word.empty() || word.size() > kWordBytesMax || !plain) return NoSuch("value", text);
  return std::string(word);
}

Result<std::vector<ImdsEvent>> ImdsEventsFrom(std::string_view json) {
  const Result<Json> parsed = Json::Parse(json);
  if (!parsed || parsed->array() == nullptr) return NoSuch("list of events", json);
  std::vector<ImdsEvent> events;
  for (const Json& item : *parsed->array()) {
    std::string state;
    ImdsEvent event;
    JsonReader in(item, "event");
    in.Required("Code", &event.code);
    in.Optional("EventId", &event.id);
    in.Optional("NotBefore", &event.not_before);
    in.Optional("NotAfter", &event.not_after);
    in.Optional("Description", &event.description);
    in.Optional("State", &state);
    if (!in.Done()) return NoSuch("list of events", json);
    // Those that are over stay in the list for a week.
    if (!state.empty() && state != "active") continue;
    if (events.size() >= kImdsEventsMax) break;
    for (std::string* const text :
         {&event.id, &event.code, &event.not_before, &event.not_after, &event.description}) {
      *text = Shown(*text);
    }
    events.push_back(std::move(event));
  }
  return events;
}

Result<ImdsSpotNotice> ImdsSpotNoticeFrom(std::string_view json) {
  const Result<Json> parsed = Json::Parse(json);
  if (!parsed) return NoSuch("spot notice", json);
  ImdsSpotNotice notice;
  JsonReader in(*parsed, "notice");
  in.Required("action", &notice.action);
  in.Optional("time", &notice.time);
  if (!in.Done()) return NoSuch("spot notice", json);
  return ImdsSpotNotice{Shown(notice.action), Shown(notice.time)};
}

Result<std::string> ImdsRebalanceFrom(std::string_view json) {
  const Result<Json> parsed = Json::Parse(json);
  if (!parsed) return NoSuch("rebalance notice", json);
  std::string time;
  JsonReader in(*parsed, "notice");
  in.Required("noticeTime", &time);
  if (!in.Done()) return NoSuch("rebalance notice", json);
  return Shown(time);
}

}  // namespace fleetmedic
