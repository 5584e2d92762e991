#include "detectors/imds/imds_client.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/text.h"
#include "detectors/proc_text.h"

namespace fleetmedic {
namespace {

constexpr size_t kReplyBytesMax = 64 * 1024;
constexpr size_t kTokenBytesMax = 1024;
constexpr std::string_view kBase = "/latest/meta-data/";

// An answer takes a millisecond or two. The token may have a third of the time, so that what it
// means that there is none can still be found out.
MonoTime Third(MonoTime now, MonoTime deadline) {
  return now + std::max<Micros>(deadline - now, Micros(0)) / 3;
}

ImdsFault FaultOf(Code code) {
  if (code == Code::kUnavailable) return ImdsFault::kRefused;
  if (code == Code::kDeadlineExceeded) return ImdsFault::kHung;
  return code == Code::kIo || code == Code::kFull ? ImdsFault::kBroken : ImdsFault::kUnreachable;
}

void Set(ImdsAnswers* answers, ImdsFault fault, std::string error) {
  answers->fault = fault;
  answers->error = std::move(error);
}

}  // namespace

std::string_view ImdsFaultReason(ImdsFault fault) {
  switch (fault) {
    case ImdsFault::kNone:
      return "Answers";
    case ImdsFault::kRefused:
      return "Refused";
    case ImdsFault::kUnreachable:
      return "Unreachable";
    case ImdsFault::kHung:
      return "Hung";
    case ImdsFault::kHopLimit:
      return "TokenTimedOut";
    case ImdsFault::kUnauthorized:
      return "Unauthorized";
    case ImdsFault::kDisabled:
      return "Disabled";
    case ImdsFault::kNoService:
      return "NotFound";
    case ImdsFault::kBroken:
      return "BrokenAnswer";
  }
  return "";
}

void ImdsClient::TokenTimedOut(MonoTime deadline, const Error& error, ImdsAnswers* answers) {
  // Without a token it answers 401, or 200 where version 1 is allowed: in either case it is there,
  // and only the token's answer, which alone has a hop limit, got lost.
  HttpCall call;
  call.target = kBase;
  call.reply_bytes_max = kReplyBytesMax;
  const Result<HttpReply> reply = send_(call, Third(clock_->Mono(), deadline));
  if (!reply) return Set(answers, ImdsFault::kHung, error.message);
  Set(answers, ImdsFault::kHopLimit,
      fmt::format("the service answers (status {} without a token), but the answer to PUT "
                  "/latest/api/token does not arrive: the hop limit of the instance's metadata "
                  "options is too small for where this agent runs",
                  reply->status));
}

bool ImdsClient::TakeToken(MonoTime deadline, ImdsAnswers* answers) {
  const MonoTime now = clock_->Mono();
  if (!token_.empty() && now < token_until_) return true;
  token_.clear();
  HttpCall call;
  call.method = "PUT";
  call.target = "/latest/api/token";
  call.headers["x-aws-ec2-metadata-token-ttl-seconds"] = std::to_string(kTokenFor.count());
  call.reply_bytes_max = kReplyBytesMax;
  const Result<HttpReply> reply = send_(call, Third(now, deadline));
  if (!reply) {
    if (reply.error().code == Code::kDeadlineExceeded) {
      TokenTimedOut(deadline, reply.error(), answers);
    } else {
      Set(answers, FaultOf(reply.error().code), reply.error().message);
    }
    return false;
  }
  if (!reply->ok()) {
    const ImdsFault fault = reply->status == 403   ? ImdsFault::kDisabled
                            : reply->status == 404 ? ImdsFault::kNoService
                            : reply->status == 401 ? ImdsFault::kUnauthorized
                                                   : ImdsFault::kBroken;
    Set(answers, fault, fmt::format("PUT /latest/api/token: status {}", reply->status));
    return false;
  }
  const std::string_view token = Trim(reply->body);
  if (token.empty() || token.size() > kTokenBytesMax ||
      !IsHeader("x-aws-ec2-metadata-token", token)) {
    Set(answers, ImdsFault::kBroken, "PUT /latest/api/token: the answer is no token");
    return false;
  }
  token_ = std::string(token);
  token_until_ = now + kTokenFor / 2;
  return true;
}

Result<std::optional<std::string>> ImdsClient::Get(std::string_view path, MonoTime deadline,
                                                   ImdsAnswers* answers) {
  const std::string target = std::string(kBase) + std::string(path);
  // A token that is refused may be of before a change of the instance's options: one more try.
  for (int attempt = 0; attempt < 2; ++attempt) {
    if (!TakeToken(deadline, answers)) return Fail(Code::kUnavailable, answers->error);
    HttpCall call;
    call.target = target;
    call.headers["x-aws-ec2-metadata-token"] = token_;
    call.reply_bytes_max = kReplyBytesMax;
    const Result<HttpReply> reply = send_(call, deadline);
    if (!reply) {
      Set(answers, FaultOf(reply.error().code), "GET " + target + ": " + reply.error().message);
      return Fail(Code::kUnavailable, answers->error);
    }
    if (reply->ok()) return std::optional<std::string>(reply->body);
    if (reply->status == 404) return std::optional<std::string>();
    if (reply->status == 401) {
      token_.clear();
      continue;
    }
    Set(answers, reply->status == 403 ? ImdsFault::kDisabled : ImdsFault::kBroken,
        fmt::format("GET {}: status {}", target, reply->status));
    return Fail(Code::kUnavailable, answers->error);
  }
  Set(answers, ImdsFault::kUnauthorized,
      fmt::format("GET {}: status 401, with a fresh token too", target));
  return Fail(Code::kUnavailable, answers->error);
}

bool ImdsClient::AskNotices(MonoTime deadline, ImdsAnswers* answers) {
  const auto ask = [&](std::string_view path, auto take) {
    const Result<std::optional<std::string>> body = Get(path, deadline, answers);
    if (!body) return false;
    if (body->has_value()) {
      if (const Status taken = take(**body); !taken)
        answers->notices_unreadable = taken.error().message;
    }
    return true;
  };
  return ask("spot/instance-action",
             [&](std::string_view body) -> Status {
               FLEETMEDIC_ASSIGN_OR_RETURN(answers->spot, ImdsSpotNoticeFrom(body));
               return {};
             }) &&
         ask("events/recommendations/rebalance",
             [&](std::string_view body) -> Status {
               FLEETMEDIC_ASSIGN_OR_RETURN(answers->rebalance, ImdsRebalanceFrom(body));
               return {};
             }) &&
         ask("events/maintenance/scheduled", [&](std::string_view body) -> Status {
           FLEETMEDIC_ASSIGN_OR_RETURN(answers->events, ImdsEventsFrom(body));
           return {};
         });
}

Result<ExpectedInterface> ImdsClient::AskInterface(const std::string& mac, MonoTime deadline,
                                                   ImdsAnswers* answers) {
  const std::string base = "network/interfaces/macs/" + mac + "/";
  ExpectedInterface interface;
  interface.mac = mac;
  FLEETMEDIC_ASSIGN_OR_RETURN(const auto number, Get(base + "device-number", deadline, answers));
  FLEETMEDIC_ASSIGN_OR_RETURN(const auto id, Get(base + "interface-id", deadline, answers));
  FLEETMEDIC_ASSIGN_OR_RETURN(const auto ipv4s, Get(base + "local-ipv4s", deadline, answers));
  FLEETMEDIC_ASSIGN_OR_RETURN(const auto subnet,
                              Get(base + "subnet-ipv4-cidr-block", deadline, answers));
  // Each may be gone, for the interface was being detached.
  const auto device = ParseCount(Trim(number.value_or("")));
  if (!device || *device > 1024 || !id) {
    return Fail(Code::kCorrupt, "the metadata's interface " + mac + " has no number or no id");
  }
  interface.device_number = static_cast<int>(*device);
  FLEETMEDIC_ASSIGN_OR_RETURN(interface.id, ImdsWordFrom(*id));
  if (ipv4s) {
    FLEETMEDIC_ASSIGN_OR_RETURN(interface.ipv4s, ImdsAddressesFrom(*ipv4s));
  }
  if (subnet) {
    FLEETMEDIC_ASSIGN_OR_RETURN(interface.subnet, ImdsWordFrom(*subnet));
  }
  return interface;
}

void ImdsClient::AskInterfaces(MonoTime deadline, ImdsAnswers* answers) {
  const Result<std::optional<std::string>> list =
      Get("network/interfaces/macs/", deadline, answers);
  if (!list) return;
  const Result<std::vector<std::string>> macs = ImdsMacsFrom(list->value_or(""));
  if (!macs || macs->empty()) {
    answers->interfaces_unreadable =
        macs ? "the metadata names no interface" : macs.error().message;
    return;
  }
  std::vector<ExpectedInterface> interfaces;
  for (const std::string& mac : *macs) {
    Result<ExpectedInterface> interface = AskInterface(mac, deadline, answers);
    if (!interface) {
      if (answers->fault == ImdsFault::kNone)
        answers->interfaces_unreadable = interface.error().message;
      return;
    }
    interfaces.push_back(*std::move(interface));
  }
  std::ranges::sort(interfaces, {}, &ExpectedInterface::device_number);
  answers->interfaces = std::move(interfaces);
}

ImdsAnswers ImdsClient::Ask(MonoTime deadline, bool interfaces) {
  ImdsAnswers answers;
  if (AskNotices(deadline, &answers) && interfaces) AskInterfaces(deadline, &answers);
  return answers;
}

}  // namespace fleetmedic
