#include "base/poll.h"

#include <algorithm>
#include <cerrno>
#include <ctime>

namespace fleetmedic {

int PollUntil(std::span<pollfd> fds, const Clock& clock, MonoTime deadline) {
  bool past = false;
  while (true) {
    timespec wait{};
    if (deadline != kMonoForever) {
      const Micros left = std::max(deadline - clock.Mono(), Micros(0));
      past = left == Micros(0);
      wait.tv_sec = std::chrono::duration_cast<Seconds>(left).count();
      wait.tv_nsec = (left % Seconds(1)).count() * 1000;
    }
    const int ready =
        ppoll(fds.data(), fds.size(), deadline == kMonoForever ? nullptr : &wait, nullptr);
    if (ready > 0) return ready;
    FLEETMEDIC_CHECK(ready == 0 || errno == EINTR);
    if (past) return 0;
  }
}

}  // namespace fleetmedic
