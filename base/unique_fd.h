// A file descriptor with one owner.
#ifndef FLEETMEDIC_BASE_UNIQUE_FD_H_
#define FLEETMEDIC_BASE_UNIQUE_FD_H_

#include <unistd.h>

#include <utility>

namespace fleetmedic {

// Closes its descriptor at its end. -1 is "none".
class UniqueFd {
 public:
  UniqueFd() = default;
  explicit UniqueFd(int fd) : fd_(fd) {}
  UniqueFd(UniqueFd&& other) noexcept : fd_(other.release()) {}
  UniqueFd& operator=(UniqueFd&& other) noexcept {
    if (this != &other) reset(other.release());
    return *this;
  }
  ~UniqueFd() { reset(); }

  int get() const { return fd_; }
  bool ok() const { return fd_ >= 0; }
  // Gives up ownership.
  [[nodiscard]] int release() { return std::exchange(fd_, -1); }
  void reset(int fd = -1) {
    // The descriptor is gone after close whatever it answers: EINTR is not repeated on Linux.
    if (fd_ >= 0) ::close(fd_);
    fd_ = fd;
  }

 private:
  int fd_ = -1;
};

}  // namespace fleetmedic

#endif  // FLEETMEDIC_BASE_UNIQUE_FD_H_
