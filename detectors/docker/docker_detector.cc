#include "detectors/docker/docker_detector.h"

#include <sys/statvfs.h>

#include <algorithm>
#include <utility>

#include "detectors/condition_types.h"
#include "detectors/filesystem/filesystem_evaluate.h"

namespace fleetmedic {
namespace {

constexpr size_t kReplyBytesMax = size_t{16} << 20;
constexpr const char* kUnitFiles[] = {"/etc/systemd/system/docker.service",
                                      "/usr/lib/systemd/system/docker.service",
                                      "/lib/systemd/system/docker.service"};

}  // namespace

DockerDetector::DockerDetector(const Clock* clock, const HostConfig& host,
                               const DockerConfig& config)
    : clock_(clock),
      root_(host.root),
      config_(config),
      client_(HttpAddress::Unix(root_.Path(config.socket)), clock) {}

std::vector<std::string> DockerDetector::types() const { return ConditionTypesOf("docker"); }

bool DockerDetector::Supported() const {
  if (seen_ || root_.Exists(config_.socket)) return true;
  return std::ranges::any_of(kUnitFiles, [&](const char* path) { return root_.Exists(path); });
}

DockerAnswer DockerDetector::Ask(std::string_view method, std::string target, std::string body,
                                 MonoTime deadline, int calls_after, Json* json) const {
  const MonoTime now = clock_->Mono();
  HttpCall call;
  call.method = method;
  call.target = std::move(target);
  call.body = std::move(body);
  if (!call.body.empty()) call.headers["content-type"] = "application/json";
  call.reply_bytes_max = kReplyBytesMax;
  const Micros left = std::max<Micros>(deadline - now, Micros(0));
  const Result<HttpReply> reply = client_.Send(call, now + left / (calls_after + 1));
  DockerAnswer answer;
  if (!reply) {
    answer.error = reply.error().message;
    const Code code = reply.error().code;
    answer.kind = code == Code::kDeadlineExceeded ? DockerAnswer::Kind::kTimedOut
                  : code == Code::kUnavailable || code == Code::kNotFound
                      ? DockerAnswer::Kind::kNobody
                      : DockerAnswer::Kind::kBroken;
    return answer;
  }
  answer.kind = DockerAnswer::Kind::kReplied;
  answer.status = reply->status;
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

void DockerDetector::AskTop(MonoTime deadline, DockerSample* sample) const {
  for (const DockerContainer& container : sample->containers) {
    if (container.state != "running") continue;
    sample->top = Ask("GET", "/containers/" + container.id + "/top", "", deadline,
                      config_.create_probe ? 1 : 0, nullptr);
    return;
  }
}

void DockerDetector::AskCreate(MonoTime deadline, DockerSample* sample) const {
  Json images;
  const DockerAnswer listed = Ask("GET", "/images/json", "", deadline, 2, &images);
  if (!listed.ok() || images.array() == nullptr || images.array()->empty()) return;
  const std::string* const image = images.array()->front()["Id"].string();
  if (image == nullptr) return;
  Json body;
  body.Set("Image", *image);
  body.Set("Cmd", Json::Array{Json("true")});
  body.Set("NetworkDisabled", true);
  const std::string name(kProbeContainer);
  sample->create =
      Ask("POST", "/containers/create?name=" + name, body.Dump(), deadline, 1, nullptr);
  // Also what a look before this one left behind: then this one's answer was 409.
  (void)Ask("DELETE", "/containers/" + name + "?force=1", "", deadline, 0, nullptr);
}

void DockerDetector::StatDataRoot(DockerSample* sample) const {
  sample->data_root = data_root_;
  if (data_root_.empty()) return;
  struct statvfs result {};
  // Docker's own disk: when it hangs, so does Docker, and the runner tells of this detector.
  if (::statvfs(root_.Path(data_root_).c_str(), &result) != 0) return;
  sample->bytes_used_share = UsedShare(result.f_blocks, result.f_bfree, result.f_bavail);
  sample->bytes_available = result.f_bavail * uint64_t{result.f_frsize};
  if (result.f_files > 0) {
    sample->inodes_used_share = UsedShare(result.f_files, result.f_ffree, result.f_favail);
  }
}

DockerSample DockerDetector::Sample(MonoTime deadline) {
  DockerSample sample;
  sample.at = clock_->Mono();
  const int after_ping = config_.create_probe ? 4 : 3;
  sample.ping = Ask("GET", "/_ping", "", deadline, after_ping, nullptr);
  if (sample.ping.ok()) {
    Json containers;
    sample.list = Ask("GET", "/containers/json?all=1", "", deadline, after_ping - 1, &containers);
    if (sample.list.ok()) {
      Result<std::vector<DockerContainer>> read = DockerContainersFromJson(containers);
      if (read) {
        sample.containers = *std::move(read);
        seen_ = true;
        history_.Add(sample);
      } else {
        sample.list.kind = DockerAnswer::Kind::kBroken;
        sample.list.error = read.error().message;
      }
    }
  }
  if (sample.list.ok()) {
    Json info;
    sample.info = Ask("GET", "/info", "", deadline, after_ping - 2, &info);
    if (sample.info.ok()) {
      if (std::string root = DockerRootDirFromJson(info); !root.empty()) data_root_ = root;
      AskTop(deadline, &sample);
      if (config_.create_probe) AskCreate(deadline, &sample);
    }
  }
  StatDataRoot(&sample);
  sample.seen = seen_;
  return sample;
}

Result<std::vector<Condition>> DockerDetector::Probe(MonoTime deadline) {
  return EvaluateDocker(Sample(deadline), history_, {config_.removing_max, config_.full_share});
}

}  // namespace fleetmedic
