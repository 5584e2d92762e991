// Where an entry of the journal stands among all others. Pure.
#ifndef FLEETMEDIC_DETECTORS_LOGS_JOURNAL_PLACE_H_
#define FLEETMEDIC_DETECTORS_LOGS_JOURNAL_PLACE_H_

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace fleetmedic {

using JournalId = std::array<uint8_t, 16>;

struct JournalPlace {
  JournalId seqnum_id{};  // who counted `seqnum`; with journald one for all its files or nearly so
  uint64_t seqnum = 0;
  JournalId boot_id{};
  uint64_t monotonic = 0;  // µs since that boot
  uint64_t realtime = 0;   // µs since 1970
  uint64_t xor_hash = 0;   // of its fields

  // The text of sd_journal_get_cursor(3) and back, so that libsystemd can go on from here. None
  // where one of the parts is missing or has another form.
  std::string Cursor() const;
  static std::optional<JournalPlace> FromCursor(std::string_view cursor);
};

// As libsystemd orders entries: by number where the same one counted, else by the time since the
// same boot, else by the clock. Equivalent: the same entry, which may be in several files.
std::weak_ordering Order(const JournalPlace& a, const JournalPlace& b);

}  // namespace fleetmedic

#endif  // FLEETMEDIC_DETECTORS_LOGS_JOURNAL_PLACE_H_
