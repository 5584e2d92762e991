#include "scheduler-hooks/bundled_hook.h"

#include <fmt/format.h>

namespace fleetmedic {
namespace {

// A host id may hold a slash, and the route takes one part of the path.
std::string EncodePart(std::string_view text) {
  std::string encoded;
  for (const char c : text) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       c == '-' || c == '_' || c == '.';
    encoded += plain ? std::string(1, c) : fmt::format("%{:02X}", static_cast<unsigned char>(c));
  }
  return encoded;
}

// What an error of the way there says about the directive.
Error WayError(const Error& error) {
  switch (error.code) {
    case Code::kNotFound:
      return {Code::kUnavailable, "the scheduler has no socket: " + error.message};
    case Code::kIo:
      return {Code::kDeadlineExceeded, "the connection to the scheduler broke: " + error.message};
    case Code::kFull:
      return {Code::kCorrupt, "the scheduler's answer is too long: " + error.message};
    case Code::kInvalidArgument:
    case Code::kAlreadyExists:
    case Code::kConflict:
    case Code::kFenced:
    case Code::kRefused:
    case Code::kBusy:
    case Code::kUnavailable:
    case Code::kDeadlineExceeded:
    case Code::kPermissionDenied:
    case Code::kCorrupt:
    case Code::kUnsupported:
      break;
  }
  return error;
}

}  // namespace

Result<Json> BundledHook::Send(HttpCall call, MonoTime deadline) const {
  const Result<HttpReply> reply = client_.Send(call, deadline);
  if (!reply) return tl::unexpected<Error>(WayError(reply.error()));
  if (!reply->ok()) return tl::unexpected<Error>(reply->ToError());
  Result<Json> json = Json::Parse(reply->body);
  if (!json) return Fail(Code::kCorrupt, "the scheduler's answer: " + json.error().message);
  return json;
}

Result<HostView> BundledHook::Apply(const Directive& directive, MonoTime deadline) {
  FLEETMEDIC_ASSIGN_OR_RETURN(const Json json,
                              Send({.method = "PUT",
                                    .target = "/v1/directives/" + EncodePart(directive.host.str()),
                                    .headers = {{"content-type", "application/json"}},
                                    .body = ToJson(directive).Dump()},
                                   deadline));
  Result<HostView> view = HostViewFromJson(json);
  if (!view) return Fail(Code::kCorrupt, "the scheduler's answer: " + view.error().message);
  if (view->host != directive.host || view->revision != directive.revision) {
    return Fail(
        Code::kCorrupt,
        fmt::format("the scheduler answered for host {} revision {}, asked was {} {}",
                    view->host.str(), view->revision, directive.host.str(), directive.revision));
  }
  return view;
}

Result<std::vector<HostView>> BundledHook::List(MonoTime deadline) {
  FLEETMEDIC_ASSIGN_OR_RETURN(
      const Json json,
      Send({.method = "GET", .target = "/v1/hosts", .headers = {}, .body = ""}, deadline));
  const Json::Array* const elements = json["items"].array();
  if (elements == nullptr) return Fail(Code::kCorrupt, "the scheduler's answer is no list");
  std::vector<HostView> views;
  for (const Json& element : *elements) {
    Result<HostView> view = HostViewFromJson(element);
    // A part of a list is no list: a host that is left out would look gone.
    if (!view) return Fail(Code::kCorrupt, "the scheduler's answer: " + view.error().message);
    views.push_back(*std::move(view));
  }
  return views;
}

}  // namespace fleetmedic
