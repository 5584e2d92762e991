#include "app/progress.h"

#include <poll.h>

#include <ostream>

#include <fmt/format.h>

namespace fleetmedic {
namespace {

constexpr Millis kProgressEvery{200};

}  // namespace

bool Interrupted(const cli::Invocation& call) {
  if (call.env.cancel == nullptr) return false;
  pollfd cancelled{call.env.cancel->fd(), POLLIN, 0};
  return ::poll(&cancelled, 1, 0) > 0;
}

ProgressLine::ProgressLine(const cli::Invocation& call)
    : call_(call), shown_(call.env.err_is_terminal && !call.args.Has("quiet")) {}

bool ProgressLine::Due() const {
  return shown_ && call_.env.clock->Mono() - last_at_ >= kProgressEvery;
}

void ProgressLine::Show(const std::string& text) {
  if (!Due()) return;
  last_at_ = call_.env.clock->Mono();
  Write(text);
}

void ProgressLine::Write(const std::string& text) {
  if (!shown_ || (text.empty() && columns_ == 0)) return;
  *call_.env.err << fmt::format("\r{:<{}}\r{}", "", columns_, text) << std::flush;
  columns_ = text.size();
}

}  // namespace fleetmedic
