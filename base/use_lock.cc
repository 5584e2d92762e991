#include "base/use_lock.h"

#include <fcntl.h>
#include <sys/file.h>

#include <cerrno>

#include "base/text.h"

namespace fleetmedic {

Result<UseLock> UseLock::Take(const std::string& path, int operation) {
  UniqueFd fd(open(path.c_str(), O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0644));
  if (!fd.ok()) return FailErrno("cannot open lock " + Quote(path, 256), errno);
  if (flock(fd.get(), operation | LOCK_NB) == 0) return UseLock(std::move(fd));
  if (errno != EWOULDBLOCK) return FailErrno("cannot lock " + Quote(path, 256), errno);
  return Fail(Code::kBusy, Quote(path, 256) + " is locked by another process");
}

Result<UseLock> UseLock::Share(const std::string& path) { return Take(path, LOCK_SH); }
Result<UseLock> UseLock::Alone(const std::string& path) { return Take(path, LOCK_EX); }

}  // namespace fleetmedic
