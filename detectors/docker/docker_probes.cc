#include "detectors/docker/docker_probes.h"

#include <algorithm>

#include <fmt/format.h>

namespace fleetmedic {
namespace {

using Kind = DockerAnswer::Kind;

constexpr size_t kSuspectsMax = 2;
constexpr size_t kLogBytesMax = size_t{256} << 10;
constexpr size_t kExecBytesMax = size_t{16} << 10;
constexpr size_t kExecsMax = 64;
constexpr size_t kTarBlock = 512;
constexpr std::string_view kImageFile = "fleetmedic-probe";
constexpr std::string_view kImageText =
    "An empty image by which Fleetmedic sees that Docker can "
    "make a container.\n";

void Put(std::string* block, size_t at, std::string_view text) {
  block->replace(at, text.size(), text);
}

bool TimedOut(const DockerContainerAnswer& top) { return top.answer.kind == Kind::kTimedOut; }

}  // namespace

std::string NextRunning(const std::vector<DockerContainer>& containers, std::string_view after,
                        const std::set<std::string>& skip) {
  std::string_view first;
  std::string_view next;
  for (const DockerContainer& container : containers) {
    const std::string_view id = container.id;
    if (container.state != "running" || skip.contains(container.id)) continue;
    if (first.empty() || id < first) first = id;
    if (id > after && (next.empty() || id < next)) next = id;
  }
  return std::string(next.empty() ? first : next);
}

std::string ProbeImageTar() {
  std::string header(kTarBlock, '\0');
  Put(&header, 0, kImageFile);
  Put(&header, 100, "0000444");
  Put(&header, 108, "0000000");
  Put(&header, 116, "0000000");
  Put(&header, 124, fmt::format("{:011o}", kImageText.size()));
  Put(&header, 136, "00000000000");
  Put(&header, 148, "        ");  // the sum is taken with blanks in its own place
  Put(&header, 156, "0");
  Put(&header, 257, std::string_view("ustar\00000", 8));
  unsigned sum = 0;
  for (const char c : header) sum += static_cast<unsigned char>(c);
  Put(&header, 148, fmt::format("{:06o}", sum) + std::string(1, '\0') + " ");
  std::string tar = header + std::string(kImageText);
  tar.resize(2 * kTarBlock, '\0');
  return tar + std::string(2 * kTarBlock, '\0');
}

void DockerProbes::AskOneTop(const std::string& id, MonoTime deadline, int calls_after,
                             DockerSample* sample, DockerHistory* history) {
  sample->top.push_back({id, api_->Get("/containers/" + id + "/top", deadline, calls_after)});
  history->AddTop(sample->top.back());
}

void DockerProbes::AskTop(MonoTime deadline, int calls_after, DockerSample* sample,
                          DockerHistory* history) {
  const std::set<std::string> known_hung = history->hung;
  const std::string next = NextRunning(sample->containers, top_after_, known_hung);
  if (!next.empty()) {
    top_after_ = next;
    AskOneTop(next, deadline, calls_after + 2, sample, history);
  }
  std::set<std::string> asked = known_hung;
  asked.insert(next);
  if (sample->top.size() == 1 && TimedOut(sample->top[0])) {
    const std::string other = NextRunning(sample->containers, next, asked);
    if (!other.empty()) AskOneTop(other, deadline, calls_after + 1, sample, history);
  }
  size_t suspects = 0;
  for (const std::string& id : known_hung) {
    if (suspects++ >= kSuspectsMax) break;
    AskOneTop(id, deadline, calls_after + 1, sample, history);
  }
}

void DockerProbes::AskOneLog(const std::string& id, MonoTime deadline, int calls_after,
                             DockerHistory* history) {
  const DockerAnswer answer =
      api_->Ask({.target = "/containers/" + id + "/logs?stdout=1&stderr=1&tail=1",
                 .reply_bytes_max = kLogBytesMax},
                deadline, calls_after);
  history->logs_asked = true;
  // A driver that cannot be read from says so, which is an answer; so is a line that is too long.
  if (answer.kind == Kind::kTimedOut) {
    history->logs_stuck.insert(id);
  } else {
    history->logs_stuck.erase(id);
  }
}

void DockerProbes::AskLogs(MonoTime deadline, const DockerSample& sample, DockerHistory* history) {
  if (!history->logs_stuck.empty()) {
    const std::string again = *history->logs_stuck.begin();
    AskOneLog(again, deadline, 1, history);
  }
  const std::string next = NextRunning(sample.containers, logs_after_, history->logs_stuck);
  if (next.empty()) return;
  logs_after_ = next;
  AskOneLog(next, deadline, 0, history);
}

void DockerProbes::AskStuckExecs(MonoTime deadline, DockerHistory* history) {
  size_t asked = 0;
  for (auto exec = execs_.begin(); exec != execs_.end() && asked < kSuspectsMax; ++asked) {
    Json state;
    const DockerAnswer answer = api_->Get("/exec/" + exec->second + "/json", deadline, 3, &state);
    const bool gone = answer.kind == Kind::kReplied && answer.status == 404;
    if (gone || (answer.ok() && state["Running"].boolean() == false)) {
      history->exec_stuck.erase(exec->first);
      exec = execs_.erase(exec);
    } else {
      ++exec;
    }
  }
}

void DockerProbes::AskExec(const std::vector<std::string>& command, MonoTime deadline,
                           const DockerSample& sample, DockerHistory* history) {
  AskStuckExecs(deadline, history);
  const std::string id = NextRunning(sample.containers, exec_after_, history->exec_stuck);
  if (id.empty() || execs_.size() >= kExecsMax) return;
  exec_after_ = id;
  Json body;
  Json& words = body.Set("Cmd", Json::Array{});
  for (const std::string& word : command) words.Append(word);
  body.Set("AttachStdout", true);
  Json made;
  const DockerAnswer created =
      api_->Ask({.method = "POST", .target = "/containers/" + id + "/exec", .body = body.Dump()},
                deadline, 1, &made);
  const std::string* const exec = made["Id"].string();
  if (!created.ok() || exec == nullptr || !IsDockerId(*exec)) return;
  const DockerAnswer ended = api_->Ask({.method = "POST",
                                        .target = "/exec/" + *exec + "/start",
                                        .body = R"({"Detach":false,"Tty":false})",
                                        .reply_bytes_max = kExecBytesMax},
                                       deadline, 0);
  history->exec_asked = true;
  if (ended.kind != Kind::kTimedOut) return;
  history->exec_stuck.insert(id);
  execs_[id] = *exec;
}

DockerAnswer DockerProbes::AskCreate(MonoTime deadline) const {
  const std::string image(kProbeImage);
  const std::string name(kProbeContainer);
  Json progress;
  DockerAnswer answer = api_->Ask({.method = "POST",
                                   .target = "/images/create?fromSrc=-&repo=" + image + "&tag=1",
                                   .body = ProbeImageTar(),
                                   .content_type = "application/x-tar"},
                                  deadline, 1, &progress);
  // It answers 200 before it begins; how it went is in the text.
  if (answer.ok() && !progress["errorDetail"].is_null()) {
    answer.status = 500;
    answer.error = progress["errorDetail"].Dump().substr(0, 256);
  }
  // Where the text is not one JSON value but several, the import said more than its result.
  if (answer.ok() || answer.kind == Kind::kBroken) {
    Json body;
    body.Set("Image", image + ":1");
    body.Set("Cmd", Json::Array{Json("/" + std::string(kImageFile))});
    body.Set("NetworkDisabled", true);
    answer = api_->Ask(
        {.method = "POST", .target = "/containers/create?name=" + name, .body = body.Dump()},
        deadline, 1);
  }
  // Also what a look before this one left behind: then this one's answer was 409.
  (void)api_->Ask({.method = "DELETE", .target = "/containers/" + name + "?force=1"}, deadline, 1);
  (void)api_->Ask({.method = "DELETE", .target = "/images/" + image + ":1?force=1"}, deadline, 0);
  return answer;
}

}  // namespace fleetmedic
