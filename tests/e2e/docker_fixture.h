// A real Docker daemon of a test's own: its containerd, its data root, its socket, no registry and
// no network.
#ifndef FLEETMEDIC_TESTS_E2E_DOCKER_FIXTURE_H_
#define FLEETMEDIC_TESTS_E2E_DOCKER_FIXTURE_H_

#include <sys/types.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
#include "base/child_process.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/http_client.h"
#include "base/result.h"

namespace fleetmedic {

class DockerFixture {
 public:
  struct Options {
    // Above 0: the data root is a tmpfs of this size.
    int64_t data_bytes_max = 0;
  };

  // Starts dockerd and imports an image "base:1" with busybox. Needs root.
  static Result<std::unique_ptr<DockerFixture>> Start(Options options);
  // Stops all that it started: the daemon, containerd, shims, containers; unmounts, removes.
  ~DockerFixture();

  // Kills the daemon with its containerd and starts it again on the same folders; the shims live
  // through it. `between` runs while there is none.
  Status RestartDaemon(absl::FunctionRef<void()> between);

  const std::string& socket() const { return socket_; }
  std::string pid_file() const { return folder_ / "pid"; }
  std::string data_root() const { return folder_ / "data"; }
  pid_t dockerd() const { return daemon_->pid(); }
  // Of the containerd that runs now; kNotFound while there is none.
  Result<pid_t> Containerd() const;

  // The shim of a running container.
  Result<pid_t> Shim(const std::string& id) const;
  std::string containerd_socket() const {
    return (folder_ / "exec") + "/containerd/containerd.sock";
  }

  // A container of base:1 that sleeps. Returns its id.
  Result<std::string> Run(const std::string& name);
  // Any request; the body of the reply, which is an error unless the status is 2xx.
  Result<std::string> Call(const std::string& method, const std::string& target,
                           const std::string& body = "", Millis limit = Seconds(30));
  // What the daemon wrote, for messages.
  std::string LogText() const;

 private:
  DockerFixture();
  Status StartDaemon();
  Status ImportImage();
  std::vector<pid_t> ProcessesOfOurs() const;

  SystemClock clock_;
  TempFolder folder_;
  std::string socket_;
  std::string cgroup_;
  std::optional<Child> daemon_;
};

}  // namespace fleetmedic

#endif  // FLEETMEDIC_TESTS_E2E_DOCKER_FIXTURE_H_
