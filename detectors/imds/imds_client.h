// Talks to EC2's instance metadata service, version 2 (with a token).
#ifndef FLEETMEDIC_DETECTORS_IMDS_IMDS_CLIENT_H_
#define FLEETMEDIC_DETECTORS_IMDS_IMDS_CLIENT_H_

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/http_client.h"
#include "detectors/imds/imds_parse.h"
#include "detectors/network/network_types.h"

namespace fleetmedic {

// HttpClient::Send in production.
using ImdsSend = std::function<Result<HttpReply>(const HttpCall& call, MonoTime deadline)>;

// How the service failed to answer, each with a cause of its own.
enum class ImdsFault : uint8_t {
  kNone,
  kRefused,       // nobody listens
  kUnreachable,   // no connection in time, no route
  kHung,          // it neither gives a token nor answers without one
  kHopLimit,      // it answers, but the token does not arrive
  kUnauthorized,  // 401 even with a fresh token
  kDisabled,      // 403: switched off for this instance
  kNoService,     // 404 for the token: something else listens
  kBroken,        // any other status, or no HTTP
};
// The condition's reason: "TokenTimedOut" for kHopLimit.
std::string_view ImdsFaultReason(ImdsFault fault);

// What one look brought. A part that was not asked is empty, or as it was.
struct ImdsAnswers {
  ImdsFault fault = ImdsFault::kNone;
  std::string error;  // of the fault
  // Answers that cannot be read: what of them.
  std::string notices_unreadable;
  std::string interfaces_unreadable;
  std::optional<std::vector<ExpectedInterface>> interfaces;
  std::vector<ImdsEvent> events;
  std::optional<ImdsSpotNotice> spot;
  std::optional<std::string> rebalance;
};

// Owned by one thread.
class ImdsClient {
 public:
  // Of the token that is asked for; a new one is asked for after half of it.
  static constexpr Seconds kTokenFor{21600};

  ImdsClient(const Clock* clock, ImdsSend send) : clock_(clock), send_(std::move(send)) {}

  // The notices, and the interfaces where `interfaces` says so.
  ImdsAnswers Ask(MonoTime deadline, bool interfaces);

 private:
  // The body of a path below /latest/meta-data/; nothing where there is none (404).
  Result<std::optional<std::string>> Get(std::string_view path, MonoTime deadline,
                                         ImdsAnswers* answers);
  bool TakeToken(MonoTime deadline, ImdsAnswers* answers);
  void TokenTimedOut(MonoTime deadline, const Error& error, ImdsAnswers* answers);
  bool AskNotices(MonoTime deadline, ImdsAnswers* answers);
  void AskInterfaces(MonoTime deadline, ImdsAnswers* answers);
  Result<ExpectedInterface> AskInterface(const std::string& mac, MonoTime deadline,
                                         ImdsAnswers* answers);

  const Clock* const clock_;
  const ImdsSend send_;
  std::string token_;
  MonoTime token_until_{};
};

}  // namespace fleetmedic

#endif  // FLEETMEDIC_DETECTORS_IMDS_IMDS_CLIENT_H_
