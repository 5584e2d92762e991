#include "detectors/gpu/gpu_probe.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include <fmt/format.h>

#include "base/poll.h"
#include "base/text.h"

namespace fleetmedic {
namespace {

// Of the names of calls only the last matters.
constexpr size_t kCallsBytesMax = 512;

// Reads what is there; false at the end of the stream. What goes past `bytes_max` pushes out what
// came first (`keep_last`) or is dropped.
bool ReadSome(int fd, size_t bytes_max, bool keep_last, std::string* text) {
  char buffer[4096];
  const ssize_t count = read(fd, buffer, sizeof buffer);
  if (count < 0) return errno == EAGAIN || errno == EINTR;
  if (count == 0) return false;
  text->append(buffer, static_cast<size_t>(count));
  if (text->size() > bytes_max) {
    if (keep_last) {
      text->erase(0, text->size() - bytes_max);
    } else {
      text->resize(bytes_max);
    }
  }
  return true;
}

}  // namespace

GpuProbe::~GpuProbe() {
  if (child_) Child::Abandon(*std::move(child_));
}

std::optional<GpuAnswer> GpuProbe::Start() {
  ChildOptions options;
  options.argv = argv_;
  options.standard_output.kind = ChildStream::Kind::kPipe;
  options.standard_error.kind = ChildStream::Kind::kPipe;
  options.dies_with_thread = true;
  Result<Child> child = Child::Start(options);
  if (!child) {
    GpuAnswer answer;
    answer.kind = GpuAnswer::Kind::kFailed;
    answer.message = child.error().message;
    answer.at = clock_->Mono();
    return answer;
  }
  child_.emplace(*std::move(child));
  for (const UniqueFd* stream : {&child_->standard_output(), &child_->standard_error()}) {
    fcntl(stream->get(), F_SETFL, O_NONBLOCK);
  }
  killed_ = false;
  started_at_ = clock_->Mono();
  output_.clear();
  calls_.clear();
  return std::nullopt;
}

bool GpuProbe::WaitForEnd(MonoTime until) {
  UniqueFd& out = child_->standard_output();
  UniqueFd& calls = child_->standard_error();
  while (true) {
    // A closed stream is -1, which poll passes over.
    pollfd fds[] = {{child_->pidfd(), POLLIN, 0}, {out.get(), POLLIN, 0}, {calls.get(), POLLIN, 0}};
    const int ready = PollUntil(fds, *clock_, until);
    if (out.ok() && fds[1].revents != 0 && !ReadSome(out.get(), kOutputBytesMax, false, &output_)) {
      out.reset();
    }
    if (calls.ok() && fds[2].revents != 0 &&
        !ReadSome(calls.get(), kCallsBytesMax, true, &calls_)) {
      calls.reset();
    }
    // It has ended and nothing is left to read: nobody else holds its streams.
    if (fds[0].revents != 0 && (!out.ok() || fds[1].revents == 0)) return true;
    if (ready == 0 || clock_->Mono() >= until) return false;
  }
}

std::string GpuProbe::LastCall() const {
  const std::string_view text = Trim(calls_);
  const std::string_view last = text.substr(text.rfind('\n') + 1);
  return last.empty() ? "loading the library" : VisibleText(last.substr(0, 100));
}

GpuAnswer GpuProbe::Hung() const {
  GpuAnswer answer;
  answer.kind = GpuAnswer::Kind::kHung;
  answer.at = clock_->Mono();
  answer.message =
      fmt::format("{} has not come back for {} (process {})", LastCall(),
                  FormatDuration(std::chrono::duration_cast<Seconds>(clock_->Mono() - started_at_)),
                  child_->pid());
  return answer;
}

GpuAnswer GpuProbe::AnswerOf(const ExitStatus& status) const {
  GpuAnswer answer;
  answer.kind = GpuAnswer::Kind::kFailed;
  answer.at = clock_->Mono();
  if (!status.ok()) {
    answer.message = fmt::format("the probe ended with {} in {}", status.Text(), LastCall());
    return answer;
  }
  Result<NvmlSample> sample = GpuSampleFromJson(output_);
  if (!sample) {
    answer.message = "the probe printed what cannot be read: " + sample.error().message;
    return answer;
  }
  answer.kind = GpuAnswer::Kind::kAnswered;
  answer.sample = *std::move(sample);
  return answer;
}

std::optional<GpuAnswer> GpuProbe::Ask(MonoTime until, Millis hung_after) {
  if (child_ && killed_) {
    // Hung before. Another one beside it would hang too.
    if (!child_->Wait(*clock_, clock_->Mono())) return Hung();
    child_.reset();
  }
  if (!child_) {
    if (std::optional<GpuAnswer> failed = Start()) return failed;
  }
  const MonoTime hung_at = started_at_ + hung_after;
  if (!WaitForEnd(std::min(until, hung_at))) {
    if (clock_->Mono() < hung_at) return std::nullopt;
    GpuAnswer answer = Hung();
    child_->Kill(SIGKILL);
    killed_ = true;
    return answer;
  }
  const Result<ExitStatus> status = child_->Wait(*clock_, clock_->Mono());
  GpuAnswer answer = AnswerOf(status.value_or(ExitStatus{-1, 0}));
  child_.reset();
  return answer;
}

}  // namespace fleetmedic
