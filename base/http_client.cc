#include "base/http_client.h"

#include <sys/eventfd.h>

#include <algorithm>

#include <fmt/format.h>

#include "base/http_exchange.h"
#include "base/http_socket.h"
#include "base/text.h"

namespace fleetmedic {
namespace {

constexpr Code kCodes[] = {
    Code::kInvalidArgument,
    Code::kNotFound,
    Code::kAlreadyExists,
    Code::kConflict,
    Code::kFenced,
    Code::kRefused,
    Code::kBusy,
    Code::kUnavailable,
    Code::kDeadlineExceeded,
    Code::kPermissionDenied,
    Code::kFull,
    Code::kCorrupt,
    Code::kUnsupported,
    Code::kIo,
};

Code CodeOfStatus(int status) {
  switch (status) {
    case 401:
    case 403:
      return Code::kPermissionDenied;
    case 404:
      return Code::kNotFound;
    case 409:
      return Code::kConflict;
    case 408:
    case 504:
      return Code::kDeadlineExceeded;
    case 413:
    case 507:
      return Code::kFull;
    case 429:
    case 502:
    case 503:
      return Code::kUnavailable;
    case 501:
      return Code::kUnsupported;
    default:
      return status >= 400 && status < 500 ? Code::kInvalidArgument : Code::kIo;
  }
}

}  // namespace

Error HttpReply::ToError() const {
  const auto json = Json::Parse(body);
  if (json && (*json)["code"].string() != nullptr && (*json)["detail"].string() != nullptr) {
    const auto* const code = std::find_if(std::begin(kCodes), std::end(kCodes), [&](Code each) {
      return CodeName(each) == *(*json)["code"].string();
    });
    if (code != std::end(kCodes)) return {*code, *(*json)["detail"].string()};
  }
  return {CodeOfStatus(status), fmt::format("HTTP status {}: {}", status, Quote(Trim(body)))};
}

HttpCancel::HttpCancel() : fd_(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {
  FLEETMEDIC_CHECK(fd_.ok());
}

void HttpCancel::Cancel() const { (void)eventfd_write(fd_.get(), 1); }

HttpClient::HttpClient(HttpAddress address, const Clock* clock, const HttpCancel* cancel)
    : address_(std::move(address)), clock_(clock), cancel_(cancel) {}

Result<HttpReply> HttpClient::Send(const HttpCall& call, MonoTime deadline) const {
  std::string body;
  bool too_large = false;
  auto reply = Stream(call, deadline, Micros::max(), [&](std::string_view piece) {
    too_large = piece.size() > call.reply_bytes_max - body.size();
    if (!too_large) body += piece;
    return !too_large;
  });
  if (too_large) {
    return Fail(Code::kFull,
                fmt::format("{} {}{}: the answer is larger than the limit of {} bytes", call.method,
                            address_.Text(), call.target, call.reply_bytes_max));
  }
  if (reply && reply->ok()) reply->body = std::move(body);
  return reply;
}

Result<HttpReply> HttpClient::Stream(const HttpCall& call, MonoTime deadline, Micros silence_max,
                                     absl::FunctionRef<bool(std::string_view)> piece) const {
  FLEETMEDIC_RETURN_IF_ERROR(CheckHttpCall(call, true));
  const int cancel_fd = cancel_ == nullptr ? -1 : cancel_->fd();
  FLEETMEDIC_ASSIGN_OR_RETURN(UniqueFd fd, ConnectSocket(address_, *clock_, deadline, cancel_fd));
  HttpSocket socket(std::move(fd), clock_, cancel_fd);
  socket.read_deadline = deadline;
  socket.write_deadline = deadline;
  socket.patience = silence_max;
  const std::string host =
      address_.unix_path.empty() ? fmt::format("{}:{}", address_.host, address_.port) : "localhost";
  const std::string what = fmt::format("{} {}{}", call.method, address_.Text(), call.target);
  return ExchangeHttp(&socket, host, call, what, LongReply::kFails, piece);
}

}  // namespace fleetmedic
