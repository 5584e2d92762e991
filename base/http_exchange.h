// One call over a connected socket, with the errors that every client words alike. Internal to the
// HTTP files of base/.
#ifndef FLEETMEDIC_BASE_HTTP_EXCHANGE_H_
#define FLEETMEDIC_BASE_HTTP_EXCHANGE_H_

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/functional/function_ref.h"
#include "base/http_client.h"
#include "base/http_socket.h"

namespace fleetmedic {

// kInvalidArgument where the method, the target or a header of the call is none. The target is
// quoted only where it `may_be_shown`: it can be a secret.
Status CheckHttpCall(const HttpCall& call, bool may_be_shown);

// What becomes of a body that is longer than the call's reply_bytes_max.
enum class LongReply : uint8_t { kFails, kIsCut };

// Sends the call and reads the reply. `host` is the Host header, `what` names the call in errors.
// Pieces of the body of a reply that is ok go to `piece`, the body of another is in the result.
// The socket's deadlines are the caller's. Errors: as HttpClient.
Result<HttpReply> ExchangeHttp(HttpSocket* socket, const std::string& host, const HttpCall& call,
                               const std::string& what, LongReply long_reply,
                               absl::FunctionRef<bool(std::string_view)> piece);

}  // namespace fleetmedic

#endif  // FLEETMEDIC_BASE_HTTP_EXCHANGE_H_
