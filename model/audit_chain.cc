#include "model/audit_chain.h"

#include <charconv>

#include <fmt/format.h>

#include "base/sha256.h"
#include "base/text.h"

namespace fleetmedic {
namespace {

constexpr size_t kHashChars = 64;

}  // namespace

std::string AuditTailText(const AuditTail& tail) {
  return fmt::format("{}:{}", tail.seq, tail.hash);
}

Result<AuditTail> ParseAuditTail(std::string_view text) {
  AuditTail tail;
  const auto [end, error] = std::from_chars(text.begin(), text.end(), tail.seq);
  const std::string_view rest(end, static_cast<size_t>(text.end() - end));
  if (error == std::errc() && tail.seq > 0 && rest.starts_with(':')) {
    tail.hash = rest.substr(1);
    if (tail.hash.size() == kHashChars &&
        tail.hash.find_first_not_of("0123456789abcdef") == std::string::npos) {
      return tail;
    }
  }
  return Fail(Code::kInvalidArgument,
              "expected SEQ:HASH as `audit verify` prints it, got " + Quote(text, 100));
}

Status CheckAudit(const AuditEntry& entry, const AuditTail& tail) {
  const auto corrupt = [&entry](std::string_view what) {
    return Fail(Code::kCorrupt, fmt::format("audit entry {}: {}", entry.seq, what));
  };
  if (entry.seq != tail.seq + 1) {
    return corrupt(fmt::format("stands where {} is expected: entries are missing or were added",
                               tail.seq + 1));
  }
  if (entry.previous_hash != tail.hash) {
    return corrupt("does not follow from the entry before: one of them was changed");
  }
  if (entry.hash != Sha256Hex(AuditHashInput(entry))) {
    return corrupt("does not have the hash of its content: it was changed");
  }
  return {};
}

Status FollowAudit(const AuditEntry& entry, AuditTail* tail) {
  FLEETMEDIC_RETURN_IF_ERROR(CheckAudit(entry, *tail));
  *tail = AuditTail{entry.seq, entry.hash};
  return {};
}

}  // namespace fleetmedic
