#include "tests/e2e/network_namespace.h"

#include <fcntl.h>
#include <sched.h>

#include <atomic>

#include "absl/synchronization/notification.h"
#include "base/child_process.h"
#include "base/random.h"
#include "base/text.h"
#include "base/thread_pool.h"

namespace fleetmedic {
namespace {

constexpr Millis kIpMax = Seconds(30);

}  // namespace

Status RunIp(const Clock& clock, std::vector<std::string> arguments) {
  Command command;
  command.argv = std::move(arguments);
  command.argv.insert(command.argv.begin(), "ip");
  FLEETMEDIC_ASSIGN_OR_RETURN(const CommandResult result,
                              RunCommand(command, clock, clock.Mono() + kIpMax));
  if (result.status.ok()) return {};
  const bool refused = result.standard_error.find("not permitted") != std::string::npos;
  std::string text = "ip";
  for (size_t i = 1; i < command.argv.size(); ++i) text += " " + command.argv[i];
  return Fail(refused ? Code::kPermissionDenied : Code::kIo,
              text + ": " + Quote(result.standard_error));
}

Result<std::unique_ptr<NetworkNamespace>> NetworkNamespace::Make() {
  std::unique_ptr<NetworkNamespace> made(new NetworkNamespace("fm-test-" + EntropyHex(6)));
  FLEETMEDIC_RETURN_IF_ERROR(RunIp(made->clock_, {"netns", "add", made->name_}));
  const std::string path = "/run/netns/" + made->name_;
  made->fd_ = UniqueFd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!made->fd_.ok()) return FailErrno(path, errno);
  FLEETMEDIC_RETURN_IF_ERROR(made->Ip({"link", "set", "lo", "up"}));
  return made;
}

NetworkNamespace::~NetworkNamespace() { (void)RunIp(clock_, {"netns", "del", name_}); }

Status NetworkNamespace::Ip(std::vector<std::string> arguments) const {
  arguments.insert(arguments.begin(), {"-n", name_});
  return RunIp(clock_, std::move(arguments));
}

std::unique_ptr<Workers> NetworkNamespace::MakeWorkers(std::string_view name) const {
  auto pool = std::make_unique<ThreadPool>(name, 1, 4);
  std::atomic<bool> entered = false;
  absl::Notification done;
  const int fd = fd_.get();
  const Status submitted = pool->Submit("enter", [&entered, &done, fd] {
    entered = ::setns(fd, CLONE_NEWNET) == 0;
    done.Notify();
  });
  if (!submitted) return nullptr;
  done.WaitForNotification();
  if (!entered) return nullptr;
  return pool;
}

bool NetworkNamespace::Run(const std::function<void()>& work) const {
  const std::unique_ptr<Workers> workers = MakeWorkers("netns");
  if (workers == nullptr) return false;
  absl::Notification done;
  if (!workers->Submit("work", [&work, &done] {
        work();
        done.Notify();
      })) {
    return false;
  }
  done.WaitForNotification();
  return true;
}

}  // namespace fleetmedic
