#include "bench/agent_run.h"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <ctime>
#include <iterator>
#include <utility>

#include <fmt/format.h>

#include "detectors/agent/own_usage.h"
#include "model/log_frame.h"

namespace fleetmedic {

Result<Micros> CpuOf(pid_t pid) {
  clockid_t clock{};
  timespec time{};
  if (::clock_getcpuclockid(pid, &clock) != 0 || ::clock_gettime(clock, &time) != 0) {
    return Fail(Code::kNotFound, "the process has ended");
  }
  return Micros(Seconds(time.tv_sec)) + Micros(time.tv_nsec / 1000);
}

Result<double> ResidentMiB(pid_t pid) {
  FLEETMEDIC_ASSIGN_OR_RETURN(const std::string statm,
                              ReadFile(fmt::format("/proc/{}/statm", pid), 4096));
  FLEETMEDIC_ASSIGN_OR_RETURN(const int64_t bytes, ResidentBytes(statm, ::sysconf(_SC_PAGESIZE)));
  return static_cast<double>(bytes) / (1 << 20);
}

Result<UniqueFd> OpenForAppend(const std::string& path) {
  UniqueFd fd(::open(path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0644));
  if (!fd.ok()) return FailErrno("open " + path, errno);
  return fd;
}

Status WriteAll(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t bytes = ::write(fd, text.data(), text.size());
    if (bytes < 0) return FailErrno("write a line", errno);
    text.remove_prefix(static_cast<size_t>(bytes));
  }
  return {};
}

std::string AllDetectors() {
  return "[detectors.dns]\ninterval = '0s'\n[detectors.imds]\ninterval = '0s'\n";
}

Status AgentRun::Start(const std::string& toml) {
  const std::string state = folder_ / "state";
  FLEETMEDIC_RETURN_IF_ERROR(MakeFolders(state, 0700));
  FLEETMEDIC_ASSIGN_OR_RETURN(log_, SqliteEventLog::Open(state + "/log.db", *clock_));
  FLEETMEDIC_ASSIGN_OR_RETURN(lines_, log_->OpenAt(Topic::kLogs, {}));
  FLEETMEDIC_ASSIGN_OR_RETURN(health_, log_->OpenAt(Topic::kHealth, {}));
  const std::string config = folder_ / "bench.toml";
  FLEETMEDIC_RETURN_IF_ERROR(WriteFileAtomic(
      config, fmt::format("state_dir = '{}'\nrun_dir = '{}'\n{}", state, folder_ / "run", toml)));
  ChildOptions options;
  options.argv = {FLEETMEDIC_PROGRAM, "agent", "--config", config, "--log-level", "error"};
  options.standard_error = {ChildStream::Kind::kInherit};
  FLEETMEDIC_ASSIGN_OR_RETURN(Child child, Child::Start(options));
  child_.emplace(std::move(child));
  return {};
}

Status AgentRun::WaitReport() {
  const MonoTime end = clock_->Mono() + kReadyMax;
  while (NewHealth().empty()) {
    if (clock_->Mono() >= end) {
      return Fail(Code::kDeadlineExceeded, "the agent reports nothing");
    }
    (void)::poll(nullptr, 0, 1);
  }
  return {};
}

uint64_t AgentRun::Shipped() {
  for (const LogRecord& record : NewFrames()) {
    const Result<LogFrame> frame =
        LogFrameFrom(record.record.key, record.record.headers, record.record.value);
    FLEETMEDIC_CHECK(frame.has_value());
    shipped_ += frame->lines;
  }
  return shipped_;
}

std::vector<LogRecord> AgentRun::Drain(Reader* reader) {
  constexpr size_t kAtOnce = 1000;
  std::vector<LogRecord> all;
  while (true) {
    Result<std::vector<LogRecord>> records = reader->Poll(kAtOnce);
    if (!records || records->empty()) return all;
    all.insert(all.end(), std::make_move_iterator(records->begin()),
               std::make_move_iterator(records->end()));
  }
}

}  // namespace fleetmedic
