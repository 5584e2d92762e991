#include "detectors/gpu/gpu_ping.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "base/poll.h"

namespace fleetmedic {

GpuPing::~GpuPing() {
  if (child_) Child::Abandon(*std::move(child_));
}

void GpuPing::Start() {
  ChildOptions options;
  options.argv = argv_;
  options.standard_input.kind = ChildStream::Kind::kPipe;
  options.standard_output.kind = ChildStream::Kind::kPipe;
  options.dies_with_thread = true;
  const MonoTime now = clock_->Mono();
  start_due_ = now + kRestartAfter;
  // What keeps programs from starting is told by the whole look, which starts one too.
  Result<Child> child = Child::Start(options);
  if (!child) return;
  child_.emplace(*std::move(child));
  for (const UniqueFd* stream : {&child_->standard_input(), &child_->standard_output()}) {
    fcntl(stream->get(), F_SETFL, O_NONBLOCK);
  }
  stopped_ = ready_ = ended_ = false;
  open_ = true;
  asked_at_ = now;
}

void GpuPing::Read(MonoTime until) {
  pollfd answer{child_->standard_output().get(), POLLIN, 0};
  if (PollUntil({&answer, 1}, *clock_, until) == 0) return;
  char buffer[64];
  const ssize_t count = read(child_->standard_output().get(), buffer, sizeof buffer);
  if (count < 0 && (errno == EAGAIN || errno == EINTR)) return;
  open_ = false;
  ready_ = count > 0;
  ended_ = count <= 0;
}

std::optional<Micros> GpuPing::Ask(Millis patience, MonoTime deadline) {
  if (child_ && (stopped_ || ended_)) {
    child_->Kill(SIGKILL);
    if (!child_->Wait(*clock_, clock_->Mono())) return std::nullopt;
    child_.reset();
  }
  if (!child_) {
    if (start_due_ != MonoTime{} && clock_->Mono() < start_due_) return std::nullopt;
    Start();
    if (!child_) return std::nullopt;
  }
  if (!open_) {
    // A byte in an empty pipe; where the child has ended its answers end too.
    (void)!write(child_->standard_input().get(), "?", 1);
    open_ = true;
    asked_at_ = clock_->Mono();
  }
  Read(std::min<MonoTime>(deadline, asked_at_ + patience));
  if (!open_ || !ready_) return std::nullopt;
  return std::chrono::duration_cast<Micros>(clock_->Mono() - asked_at_);
}

void GpuPing::Stop() {
  if (!child_) return;
  if (!std::exchange(stopped_, true)) child_->Kill(SIGKILL);
  // Wanted again, it may start at once.
  start_due_ = {};
  if (child_->Wait(*clock_, clock_->Mono())) child_.reset();
}

}  // namespace fleetmedic
