#include "base/http_exchange.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/http_wire.h"
#include "base/text.h"

namespace fleetmedic {
namespace {

constexpr size_t kReplyHeaderBytesMax = size_t{1} << 20;

bool IsTarget(std::string_view target) {
  return target.starts_with('/') &&
         std::all_of(target.begin(), target.end(), [](char c) { return c > ' ' && c < 0x7f; });
}

tl::unexpected<Error> FailExchange(const HttpSocket& socket, const std::string& what) {
  switch (socket.trouble()) {
    case HttpSocket::Trouble::kDeadline:
      return Fail(Code::kDeadlineExceeded,
                  what + ": no whole answer in time; whether it was done is not known");
    case HttpSocket::Trouble::kCancelled:
      return Fail(Code::kUnavailable, what + ": stopped");
    case HttpSocket::Trouble::kTooMuch:
      return Fail(Code::kFull, what + ": the answer is larger than the limit");
    case HttpSocket::Trouble::kNone:
    case HttpSocket::Trouble::kBroken:
      return Fail(Code::kIo, what +
                                 ": the connection broke or the answer is no HTTP; whether it "
                                 "was done is not known");
  }
  return Fail(Code::kIo, what);
}

}  // namespace

Status CheckHttpCall(const HttpCall& call, bool may_be_shown) {
  const bool method =
      !call.method.empty() && std::all_of(call.method.begin(), call.method.end(),
                                          [](char c) { return c >= 'A' && c <= 'Z'; });
  if (!method || !IsTarget(call.target)) {
    return Fail(Code::kInvalidArgument,
                fmt::format("{} {} is no HTTP request", Quote(call.method),
                            may_be_shown ? Quote(call.target, 256) : "with this address"));
  }
  for (const auto& [name, value] : call.headers) {
    if (!IsHeader(name, value)) {
      return Fail(Code::kInvalidArgument, Quote(name) + " is no HTTP header, or its value is none");
    }
  }
  return {};
}

Result<HttpReply> ExchangeHttp(HttpSocket* socket, const std::string& host, const HttpCall& call,
                               const std::string& what, LongReply long_reply,
                               absl::FunctionRef<bool(std::string_view)> piece) {
  socket->read_bytes_left = kReplyHeaderBytesMax;
  HttpReply reply;
  HttpWireReply head;
  bool too_large = false;
  const auto take = [&](std::string_view bytes) {
    const bool ok = head.status >= 200 && head.status < 300;
    if (ok) return piece(bytes);
    const size_t room = call.reply_bytes_max - reply.body.size();
    reply.body += bytes.substr(0, room);
    if (long_reply == LongReply::kIsCut) return bytes.size() < room;
    too_large = bytes.size() > room;
    return !too_large;
  };
  const HttpWireCall sent{host, call.method, call.target, call.headers, call.body};
  if (!HttpWireExchange(socket, sent, &head, take)) return FailExchange(*socket, what);
  if (too_large) return Fail(Code::kFull, what + ": the answer is larger than the limit");
  reply.status = head.status;
  reply.headers = std::move(head.headers);
  return reply;
}

}  // namespace fleetmedic
