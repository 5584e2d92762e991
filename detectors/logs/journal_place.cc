#include "detectors/logs/journal_place.h"

#include <charconv>

#include <fmt/format.h>

#include "base/text.h"

namespace fleetmedic {
namespace {

std::string HexOf(const JournalId& id) {
  std::string hex;
  for (const uint8_t byte : id) hex += fmt::format("{:02x}", byte);
  return hex;
}

template <typename T>
bool ReadHex(std::string_view text, T* out) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), *out, 16);
  return error == std::errc() && end == text.data() + text.size();
}

bool ReadId(std::string_view text, JournalId* id) {
  if (text.size() != 2 * id->size()) return false;
  for (size_t i = 0; i < id->size(); ++i) {
    if (!ReadHex(text.substr(2 * i, 2), &(*id)[i])) return false;
  }
  return true;
}

}  // namespace

std::string JournalPlace::Cursor() const {
  return fmt::format("s={};i={:x};b={};m={:x};t={:x};x={:x}", HexOf(seqnum_id), seqnum,
                     HexOf(boot_id), monotonic, realtime, xor_hash);
}

std::optional<JournalPlace> JournalPlace::FromCursor(std::string_view cursor) {
  JournalPlace place;
  std::string seen;
  for (const std::string_view part : Split(cursor, ';')) {
    if (part.size() < 2 || part[1] != '=') return std::nullopt;
    const std::string_view value = part.substr(2);
    bool read = true;
    switch (part[0]) {
      case 's':
        read = ReadId(value, &place.seqnum_id);
        break;
      case 'i':
        read = ReadHex(value, &place.seqnum);
        break;
      case 'b':
        read = ReadId(value, &place.boot_id);
        break;
      case 'm':
        read = ReadHex(value, &place.monotonic);
        break;
      case 't':
        read = ReadHex(value, &place.realtime);
        break;
      case 'x':
        read = ReadHex(value, &place.xor_hash);
        break;
    }
    if (!read) return std::nullopt;
    seen += part[0];
  }
  for (const char name : std::string_view("sibmtx")) {
    if (seen.find(name) == std::string::npos) return std::nullopt;
  }
  return place;
}

std::weak_ordering Order(const JournalPlace& a, const JournalPlace& b) {
  const bool same_counter = a.seqnum_id == b.seqnum_id;
  if (same_counter && a.seqnum != b.seqnum) return a.seqnum <=> b.seqnum;
  if (a.boot_id == b.boot_id && a.monotonic != b.monotonic) return a.monotonic <=> b.monotonic;
  if (a.realtime != b.realtime) return a.realtime <=> b.realtime;
  return a.xor_hash <=> b.xor_hash;
}

}  // namespace fleetmedic
