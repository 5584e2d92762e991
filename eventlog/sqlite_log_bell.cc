#include "eventlog/sqlite_log_bell.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <utility>

#include "base/logging.h"

namespace fleetmedic {
namespace {

UniqueFd Watch(const std::string& path) {
  UniqueFd inotify(inotify_init1(IN_NONBLOCK | IN_CLOEXEC));
  if (!inotify.ok() || inotify_add_watch(inotify.get(), path.c_str(), IN_MODIFY) < 0) {
    LogWarning("cannot watch the event log with inotify, polling it instead",
               {{"path", path}, {"error", FailErrno("inotify", errno).value().message}});
    return UniqueFd();
  }
  return inotify;
}

}  // namespace

Result<LogBell> LogBell::Open(const std::string& path) {
  UniqueFd fd(open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644));
  if (!fd.ok()) return FailErrno("open " + path, errno);
  return LogBell(std::move(fd));
}

void LogBell::Ring() const {
  const char byte = '!';
  (void)!pwrite(fd_.get(), &byte, 1, 0);
}

LogBellWatch::LogBellWatch(const std::string& path, std::function<void()> look)
    : look_(std::move(look)),
      inotify_(Watch(path)),
      stop_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)),
      thread_("log-watch", 1, 1) {
  FLEETMEDIC_CHECK(stop_.ok());
  FLEETMEDIC_CHECK(thread_.Submit("watch", [this] { Loop(); }).has_value());
}

LogBellWatch::~LogBellWatch() { FLEETMEDIC_CHECK(eventfd_write(stop_.get(), 1) == 0); }

void LogBellWatch::Loop() {
  do {
    look_();
  } while (Wait());
}

bool LogBellWatch::Wait() {
  std::array<pollfd, 2> fds = {{{stop_.get(), POLLIN, 0}, {inotify_.get(), POLLIN, 0}}};
  const Millis period = watches() ? kLookPeriod : kLookPeriodWithoutWatch;
  // A negative descriptor (no inotify) is passed over by poll.
  (void)poll(fds.data(), fds.size(), static_cast<int>(period.count()));
  if ((fds[0].revents & POLLIN) != 0) return false;
  // Emptied before the look that answers it, so that a ring during the look is seen after it.
  std::array<char, 4096> events;
  while (inotify_.ok() && read(inotify_.get(), events.data(), events.size()) > 0) {
  }
  return true;
}

}  // namespace fleetmedic
