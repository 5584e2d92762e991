#include "executor/bounded_log.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstdio>

namespace fleetmedic {
namespace {

// Of one call, so that a task that prints without end cannot keep the shim from its other work.
constexpr int kReadsMax = 64;

}  // namespace

bool BoundedLog::Open() {
  if (fd_.ok()) return true;
  fd_.reset(::open(path_.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600));
  struct stat info {};
  if (!fd_.ok() || ::fstat(fd_.get(), &info) != 0) return false;
  size_ = info.st_size;
  return true;
}

void BoundedLog::Write(std::string_view bytes) {
  if (Open() && size_ + static_cast<int64_t>(bytes.size()) > kFileBytesMax) {
    // Without a rename the file would grow past its limit: it is cut instead.
    if (std::rename(path_.c_str(), (path_ + ".1").c_str()) == 0) {
      fd_.reset();
      Open();
    } else if (::ftruncate(fd_.get(), 0) == 0) {
      size_ = 0;
    }
  }
  const ssize_t written = fd_.ok() ? ::write(fd_.get(), bytes.data(), bytes.size()) : 0;
  if (written > 0) size_ += written;
  dropped_bytes_ += static_cast<int64_t>(bytes.size()) - (written > 0 ? written : 0);
}

bool BoundedLog::Drain(int fd) {
  char buffer[16 << 10];
  for (int i = 0; i < kReadsMax; ++i) {
    const ssize_t got = ::read(fd, buffer, sizeof(buffer));
    if (got > 0) {
      Write(std::string_view(buffer, static_cast<size_t>(got)));
    } else if (got == 0) {
      return false;
    } else if (errno != EINTR) {
      return errno == EAGAIN;
    }
  }
  return true;
}

}  // namespace fleetmedic
