#include "tests/e2e/fleet_program.h"

#include <fcntl.h>
#include <signal.h>

#include <algorithm>

#include "base/file.h"
#include "base/http_client.h"
#include "tests/e2e/wait.h"

namespace fleetmedic {
namespace {

constexpr Millis kCallMax = Seconds(5);
constexpr Millis kEndMax = Seconds(30);
constexpr size_t kLogBytesMax = size_t{64} << 20;
constexpr size_t kLogEndBytes = 4000;

// No test asks the name server of the machine.
std::vector<std::string> ProgramEnv() {
  std::vector<std::string> env = ChildOptions().env;
  env.emplace_back("FLEETMEDIC_DETECTORS__DNS__INTERVAL=0s");
  return env;
}

}  // namespace

Result<CommandResult> RunProgram(std::vector<std::string> arguments, Millis limit,
                                 std::vector<std::string> more_env) {
  const SystemClock clock;
  Command command;
  command.argv = {FLEETMEDIC_PROGRAM};
  command.argv.insert(command.argv.end(), arguments.begin(), arguments.end());
  command.env = ProgramEnv();
  command.env.insert(command.env.end(), more_env.begin(), more_env.end());
  return RunCommand(command, clock, clock.Mono() + limit);
}

Status FleetProgram::Start(std::vector<std::string> command, Millis limit) {
  const UniqueFd log(
      ::open((folder_ + "/log").c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600));
  ChildOptions options;
  options.argv = {FLEETMEDIC_PROGRAM};
  options.argv.insert(options.argv.end(), command.begin(), command.end());
  for (const std::string& argument :
       {std::string("--state-dir"), folder_, std::string("--run-dir"), folder_ + "/run",
        std::string("--listen"), std::string("127.0.0.1:0"), std::string("--log-level"),
        std::string("warning")}) {
    options.argv.push_back(argument);
  }
  options.env = ProgramEnv();
  options.dies_with_thread = true;  // where the test itself is killed, too
  options.standard_output = {ChildStream::Kind::kFd, log.get()};
  options.standard_error = {ChildStream::Kind::kFd, log.get()};
  FLEETMEDIC_ASSIGN_OR_RETURN(Child child, Child::Start(options));
  child_.emplace(std::move(child));
  const bool answers = WaitUntil(clock_, limit, [this] {
    return Get("/api/v1/state").has_value() ||
           child_->Wait(clock_, clock_.Mono()).has_value();  // it has ended
  });
  if (answers && Get("/api/v1/state")) return {};
  return Fail(Code::kDeadlineExceeded, "the API does not answer\n" + LogEnd());
}

Status FleetProgram::Kill() {
  if (::kill(child_->pid(), SIGKILL) != 0) return FailErrno("cannot kill the program", errno);
  const Result<ExitStatus> ended = child_->Wait(clock_, clock_.Mono() + kEndMax);
  child_.reset();
  if (!ended) return tl::unexpected<Error>(ended.error());
  return {};
}

Status FleetProgram::Stop(Millis limit) {
  if (::kill(child_->pid(), SIGTERM) != 0) return FailErrno("cannot end the program", errno);
  const Result<ExitStatus> ended = child_->Wait(clock_, clock_.Mono() + limit);
  child_.reset();
  if (!ended) return tl::unexpected<Error>(ended.error());
  if (!ended->ok()) return Fail(Code::kUnavailable, ended->Text() + "\n" + LogEnd());
  return {};
}

Result<Json> FleetProgram::Call(const std::string& method, const std::string& target,
                                const std::string& body, const std::string& socket) const {
  HttpCall call;
  call.method = method;
  call.target = target;
  call.body = body;
  if (!body.empty()) call.headers["content-type"] = "application/json";
  const HttpClient client(HttpAddress::Unix(folder_ + "/run/" + socket), &clock_);
  FLEETMEDIC_ASSIGN_OR_RETURN(const HttpReply reply, client.Send(call, clock_.Mono() + kCallMax));
  if (!reply.ok()) return tl::unexpected<Error>(reply.ToError());
  return Json::Parse(reply.body.empty() ? "null" : reply.body);
}

Result<std::string> FleetProgram::Metrics() const {
  HttpCall call;
  call.target = "/metrics";
  const HttpClient client(HttpAddress::Unix(folder_ + "/run/control.sock"), &clock_);
  FLEETMEDIC_ASSIGN_OR_RETURN(const HttpReply reply, client.Send(call, clock_.Mono() + kCallMax));
  if (!reply.ok()) return tl::unexpected<Error>(reply.ToError());
  return reply.body;
}

std::string FleetProgram::LogEnd() const {
  const std::string text = ReadFile(folder_ + "/log", kLogBytesMax).value_or("");
  return text.substr(text.size() - std::min(text.size(), kLogEndBytes));
}

}  // namespace fleetmedic
