#include "detectors/checks/check_detector.h"

#include <unistd.h>

#include <utility>

#include <fmt/format.h>

#include "absl/time/time.h"
#include "base/text.h"
#include "detectors/checks/check_user.h"

namespace fleetmedic {
namespace {

constexpr size_t kUserFileBytesMax = size_t{1} << 20;

}  // namespace

bool CheckSlots::Take(Micros patience) {
  absl::MutexLock lock(&mutex_);
  const auto some = [this]() ABSL_NO_THREAD_SAFETY_ANALYSIS { return free_ > 0; };
  if (!mutex_.AwaitWithTimeout(absl::Condition(&some), absl::Microseconds(patience.count()))) {
    return false;
  }
  --free_;
  return true;
}

void CheckSlots::Return() {
  absl::MutexLock lock(&mutex_);
  ++free_;
}

CheckDetector::CheckDetector(const Clock* clock, CheckConfig config,
                             std::shared_ptr<CheckSlots> slots, FsRoot users)
    : clock_(clock),
      config_(std::move(config)),
      name_("check-" + config_.name),
      slots_(std::move(slots)),
      users_(std::move(users)) {}

Result<std::optional<ChildUser>> CheckDetector::User() const {
  if (config_.user.empty()) return std::nullopt;
  // "UID:GID" needs no file, and a host without a group file has no groups.
  const std::string passwd = users_.ReadFile("/etc/passwd", kUserFileBytesMax).value_or("");
  const std::string group = users_.ReadFile("/etc/group", kUserFileBytesMax).value_or("");
  FLEETMEDIC_ASSIGN_OR_RETURN(ChildUser user, FindUser(config_.user, passwd, group));
  // An agent that is that user already needs no right to become it.
  if (user.uid == geteuid() && user.gid == getegid() && user.uid != 0) return std::nullopt;
  return user;
}

CheckRun CheckDetector::Run() const {
  CheckRun run;
  Command command;
  command.argv = config_.command;
  command.output_bytes_max = kOutputBytesMax;
  command.dies_with_thread = true;
  Result<std::optional<ChildUser>> user = User();
  if (!user) {
    run.outcome = CheckRun::Outcome::kCannotStart;
    run.error = user.error().message;
    return run;
  }
  command.user = *std::move(user);
  Result<CommandResult> result = RunCommand(command, *clock_, clock_->Mono() + config_.deadline);
  if (result) {
    run.status = result->status;
    run.output = std::move(result->standard_output);
    return run;
  }
  run.outcome = result.error().code == Code::kDeadlineExceeded ? CheckRun::Outcome::kTimedOut
                                                               : CheckRun::Outcome::kCannotStart;
  run.error = result.error().message;
  return run;
}

Result<std::vector<Condition>> CheckDetector::Probe(MonoTime) {
  CheckRun run;
  if (slots_->Take(config_.deadline)) {
    run = Run();
    slots_->Return();
  } else {
    run.outcome = CheckRun::Outcome::kNoTurn;
    run.error =
        fmt::format("other checks ran all the {} that it waited; see detectors.checks.running_max",
                    FormatDuration(config_.deadline));
  }
  return std::vector{EvaluateCheck(config_, run)};
}

}  // namespace fleetmedic
