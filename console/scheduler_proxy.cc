#include "console/scheduler_proxy.h"

#include <utility>

#include <fmt/format.h>

#include "base/http_client.h"

namespace fleetmedic {
namespace {

class Place {
 public:
  explicit Place(std::atomic<int>* calls) : calls_(calls), index_((*calls)++) {}
  Place(const Place&) = delete;
  Place& operator=(const Place&) = delete;
  ~Place() { --*calls_; }
  bool ok() const { return index_ < SchedulerProxy::kCallsMax; }

 private:
  std::atomic<int>* const calls_;
  const int index_;
};

Error NoScheduler() {
  return {Code::kUnsupported,
          "no bundled scheduler runs here; ask the scheduler that the hosts belong to"};
}
Error TooMany() { return {Code::kBusy, "the scheduler is slow and requests wait; try again"}; }

}  // namespace

std::string EncodePercent(std::string_view text) {
  std::string encoded;
  for (const char c : text) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       c == '-' || c == '.' || c == '_' || c == '~';
    if (plain) {
      encoded += c;
    } else {
      encoded += fmt::format("%{:02X}", static_cast<unsigned char>(c));
    }
  }
  return encoded;
}

SchedulerProxy::SchedulerProxy(std::optional<HttpAddress> address, const Clock& clock)
    : address_(std::move(address)), clock_(clock) {}

HttpResponse SchedulerProxy::Forward(const HttpRequest& request, std::string_view who) {
  if (!address_) return HttpResponse::Problem(NoScheduler());
  const Place place(&calls_);
  if (!place.ok()) return HttpResponse::Problem(TooMany());
  HttpCall call;
  call.method = request.method;
  // Its API stands under /v1 as ours under /api/v1, part for part.
  call.target = request.path.substr(std::string_view("/api").size());
  char separator = '?';
  for (const auto& [name, value] : request.queries) {
    call.target += fmt::format("{}{}={}", separator, EncodePercent(name), EncodePercent(value));
    separator = '&';
  }
  call.body = request.body;
  if (!request.body.empty()) call.headers["content-type"] = "application/json";
  call.headers["x-fleetmedic-who"] = std::string(who);
  const Result<HttpReply> reply =
      HttpClient(*address_, &clock_).Send(call, clock_.Mono() + kForwardWithin);
  if (!reply) {
    // Its socket is not there: that is no 404 of what was asked for.
    const Code code =
        reply.error().code == Code::kNotFound ? Code::kUnavailable : reply.error().code;
    return HttpResponse::Problem({code, "the scheduler: " + reply.error().message});
  }
  HttpResponse response = HttpResponse::Empty(reply->status);
  const auto type = reply->headers.find("content-type");
  if (type != reply->headers.end()) response.content_type = type->second;
  response.body = reply->body;
  return response;
}

Result<Json> SchedulerProxy::TasksOf(std::string_view host) {
  if (!address_) return tl::unexpected<Error>(NoScheduler());
  const Place place(&calls_);
  if (!place.ok()) return tl::unexpected<Error>(TooMany());
  HttpCall call;
  call.target = "/v1/tasks?host=" + EncodePercent(host);
  FLEETMEDIC_ASSIGN_OR_RETURN(
      const HttpReply reply,
      HttpClient(*address_, &clock_).Send(call, clock_.Mono() + kTasksWithin));
  if (!reply.ok()) return tl::unexpected<Error>(reply.ToError());
  FLEETMEDIC_ASSIGN_OR_RETURN(const Json json, Json::Parse(reply.body));
  if (json["items"].array() == nullptr) {
    return Fail(Code::kCorrupt, "the scheduler's answer has no items");
  }
  // A scheduler that does not know the filter tells all; the others are not this host's.
  Json::Array tasks;
  for (const Json& task : *json["items"].array()) {
    const std::string* named = task["host"].string();
    if (named == nullptr || *named == host) tasks.push_back(task);
  }
  return Json(std::move(tasks));
}

}  // namespace fleetmedic
