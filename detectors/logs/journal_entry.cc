#include "detectors/logs/journal_entry.h"

#include <algorithm>
#include <iterator>

#include "model/log_frame.h"

namespace fleetmedic {
namespace {

using Wanted = JournalEntry::Wanted;

constexpr size_t kSourceNameBytesMax = 200;
constexpr std::string_view kNames[] = {"MESSAGE=",       "_TRANSPORT=",        "PRIORITY=",
                                       "_SYSTEMD_UNIT=", "SYSLOG_IDENTIFIER=", "CONTAINER_ID="};
static_assert(std::size(kNames) == Wanted::kCount);
static_assert(std::ranges::max(kNames, {}, &std::string_view::size).size() <=
              JournalEntry::kNameBytesMax);

bool IsSourceName(std::string_view name) {
  if (name.empty() || name.size() > kSourceNameBytesMax) return false;
  for (const char c : name) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    if (!plain && std::string_view("._-@:\\").find(c) == std::string_view::npos) return false;
  }
  return true;
}

}  // namespace

std::string JournalSourceOf(const JournalFields& fields) {
  if (!fields.container_id.empty()) return "journal-container";
  if (IsSourceName(fields.systemd_unit)) return "journal:" + fields.systemd_unit;
  const std::string& identifier = fields.syslog_identifier;
  if (fields.systemd_unit.empty() && IsSourceName(identifier) &&
      identifier.find('.') == std::string::npos) {
    return "journal:" + identifier;
  }
  return "journal-user";
}

LineLevel JournalLevelOf(std::string_view priority, std::string_view transport) {
  if (priority.size() != 1 || priority[0] < '0' || priority[0] > '7') return LineLevel::kUnknown;
  if (priority[0] <= '4') return LineLevel::kWarning;
  return transport == "stdout" && priority[0] == '6' ? LineLevel::kUnknown
                                                     : LineLevel::kBelowWarning;
}

std::string_view JournalEntry::NameOf(Wanted wanted) { return kNames[wanted]; }

// By what tells the wanted from nearly all others, which are most: an entry of journald has two
// dozen fields.
Wanted JournalEntry::WantedOf(std::string_view field) {
  if (field.size() < 2) return kCount;
  Wanted wanted = kCount;
  switch (field[0] == '_' ? field[1] : field[0]) {
    case 'M':
      wanted = kMessage;
      break;
    case 'T':
      wanted = kTransport;
      break;
    case 'P':
      wanted = kPriority;
      break;
    case 'S':
      wanted = field[0] == '_' ? kUnit : kIdentifier;
      break;
    case 'C':
      wanted = kContainer;
      break;
  }
  const bool is = wanted != kCount && field.starts_with(kNames[wanted]);
  return is ? wanted : kCount;
}

void JournalEntry::Set(Wanted wanted, std::string_view value) {
  if (values_[wanted] == value) return;
  values_[wanted] = value;
  other_writer_ = other_writer_ || wanted != kMessage;
}

void JournalEntry::Take(std::string_view field) {
  const Wanted wanted = WantedOf(field);
  if (wanted == kCount) return;
  Take(wanted, field.substr(0, kFieldBytesMax).substr(kNames[wanted].size()));
}

void JournalEntry::Take(Wanted wanted, std::string_view value) {
  if (found_[wanted]) return;
  found_[wanted] = !value.empty();
  Set(wanted, value);
}

void JournalEntry::End() {
  for (size_t wanted = 0; wanted < kCount; ++wanted) {
    if (!found_[wanted]) Set(static_cast<Wanted>(wanted), "");
  }
  if (!other_writer_) return;
  other_writer_ = false;
  source_ = JournalSourceOf({values_[kContainer], values_[kUnit], values_[kIdentifier]});
  level_ = JournalLevelOf(values_[kPriority], values_[kTransport]);
}

size_t JournalEntry::AddLines(LogSource::AddLine add) const {
  if (values_[kTransport] == "kernel") return 0;
  size_t lines = 0;
  for (std::string_view rest = values_[kMessage]; !rest.empty();) {
    const size_t end = std::min(rest.find('\n'), rest.size());
    if (end > 0) {
      add(source_, rest.substr(0, std::min(end, LogFrame::kLineBytesMax)), level_);
      ++lines;
    }
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  return lines;
}

}  // namespace fleetmedic
