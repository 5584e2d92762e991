#include "detectors/docker/docker_api.h"

#include <algorithm>
#include <utility>

namespace fleetmedic {
namespace {

constexpr size_t kErrorBytesMax = 256;

DockerAnswer::Kind KindOf(Code code) {
  using Kind = DockerAnswer::Kind;
  if (code == Code::kDeadlineExceeded) return Kind::kTimedOut;
  if (code == Code::kUnavailable || code == Code::kNotFound) return Kind::kNobody;
  return code == Code::kPermissionDenied ? Kind::kNoRight : Kind::kBroken;
}

}  // namespace

DockerAnswer DockerApi::Ask(const Request& request, MonoTime deadline, int calls_after,
                            Json* json) const {
  const MonoTime now = clock_->Mono();
  HttpCall call;
  call.method = request.method;
  call.target = request.target;
  call.body = request.body;
  if (!call.body.empty()) call.headers["content-type"] = request.content_type;
  call.reply_bytes_max = request.reply_bytes_max;
  const Micros left = std::max<Micros>(deadline - now, Micros(0));
  const Result<HttpReply> reply = client_.Send(call, now + left / (calls_after + 1));
  DockerAnswer answer;
  if (!reply) {
    answer.kind = KindOf(reply.error().code);
    answer.error = reply.error().message;
    return answer;
  }
  answer.kind = DockerAnswer::Kind::kReplied;
  answer.status = reply->status;
  if (!reply->ok()) answer.error = reply->body.substr(0, kErrorBytesMax);
  if (json == nullptr || !reply->ok()) return answer;
  Result<Json> parsed = Json::Parse(reply->body);
  if (parsed) {
    *json = *std::move(parsed);
  } else {
    answer.kind = DockerAnswer::Kind::kBroken;
    answer.error = parsed.error().message;
  }
  return answer;
}

}  // namespace fleetmedic
