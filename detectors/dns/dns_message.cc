#include "detectors/dns/dns_message.h"

#include <algorithm>

#include "base/text.h"

namespace fleetmedic {
namespace {

constexpr size_t kHeaderBytes = 12;
constexpr size_t kLabelBytesMax = 63;
constexpr size_t kNameBytesMax = 253;
constexpr uint16_t kClassIn = 1;

void Put16(uint16_t value, std::string* out) {
  out->push_back(static_cast<char>(value >> 8));
  out->push_back(static_cast<char>(value & 0xff));
}

uint16_t Get16(std::string_view bytes, size_t at) {
  return static_cast<uint16_t>((static_cast<unsigned char>(bytes[at]) << 8) |
                               static_cast<unsigned char>(bytes[at + 1]));
}

// Of ASCII letters alone: labels are bytes, and servers may change the case of a question
// (draft-vixie-dnsext-dns0x20). A length byte is at most 63 and no letter.
bool SameButForCase(std::string_view a, std::string_view b) {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
  return std::ranges::equal(a, b, [&](char x, char y) { return lower(x) == lower(y); });
}

}  // namespace

Result<std::string> DnsQuery(uint16_t id, std::string_view name, uint16_t type) {
  std::string query;
  Put16(id, &query);
  Put16(0x0100, &query);  // RD
  Put16(1, &query);       // one question
  for (int i = 0; i < 3; ++i) Put16(0, &query);
  std::string_view labels = name;
  if (labels.ends_with('.')) labels.remove_suffix(1);
  if (name.empty() || labels.size() > kNameBytesMax) {
    return Fail(Code::kInvalidArgument, Quote(name) + " is no name to look up");
  }
  for (const std::string_view label : Split(labels, '.')) {
    if (labels.empty()) break;  // the root
    if (label.empty() || label.size() > kLabelBytesMax) {
      return Fail(Code::kInvalidArgument, Quote(name) + " is no name to look up");
    }
    query.push_back(static_cast<char>(label.size()));
    query += label;
  }
  query.push_back('\0');
  Put16(type, &query);
  Put16(kClassIn, &query);
  return query;
}

Result<DnsReply> DnsReplyFrom(std::string_view datagram, std::string_view query) {
  if (datagram.size() < kHeaderBytes || query.size() < kHeaderBytes) {
    return Fail(Code::kCorrupt, "the answer is shorter than a DNS header");
  }
  const uint16_t flags = Get16(datagram, 2);
  const bool is_answer = (flags & 0x8000) != 0 && (flags & 0x7800) == 0;
  if (!is_answer || Get16(datagram, 0) != Get16(query, 0)) {
    return Fail(Code::kCorrupt, "the datagram is no answer to this question");
  }
  DnsReply reply;
  reply.response_code = flags & 0x000f;
  reply.truncated = (flags & 0x0200) != 0;
  reply.answers = Get16(datagram, 6);
  const std::string_view question = query.substr(kHeaderBytes);
  const uint16_t questions = Get16(datagram, 4);
  // Some servers leave the question out when they refuse it.
  if (questions == 0 && reply.response_code != 0) return reply;
  if (questions != 1 || datagram.size() - kHeaderBytes < question.size() ||
      !SameButForCase(datagram.substr(kHeaderBytes, question.size()), question)) {
    return Fail(Code::kCorrupt, "the answer is to another question");
  }
  return reply;
}

std::string DnsCodeName(int response_code) {
  constexpr std::string_view kNames[] = {"NOERROR",  "FORMERR", "SERVFAIL",
                                         "NXDOMAIN", "NOTIMP",  "REFUSED"};
  if (response_code >= 0 && response_code < static_cast<int>(std::size(kNames))) {
    return std::string(kNames[response_code]);
  }
  return "RCODE " + std::to_string(response_code);
}

}  // namespace fleetmedic
