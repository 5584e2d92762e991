// Network namespaces of a test's own, and threads that live in one.
#ifndef FLEETMEDIC_TESTS_E2E_NETWORK_NAMESPACE_H_
#define FLEETMEDIC_TESTS_E2E_NETWORK_NAMESPACE_H_

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "base/unique_fd.h"
#include "base/workers.h"

namespace fleetmedic {

// Made by `ip netns add` under a name that no other has, removed with all in it at the end.
class NetworkNamespace {
 public:
  // kPermissionDenied where this machine does not let us.
  static Result<std::unique_ptr<NetworkNamespace>> Make();
  ~NetworkNamespace();

  const std::string& name() const { return name_; }

  // `ip -n NAME arguments`.
  Status Ip(std::vector<std::string> arguments) const;

  // One thread that is in the namespace before it does anything else; null where it could not
  // enter it, so that nothing is ever asked from the machine's own namespace instead.
  std::unique_ptr<Workers> MakeWorkers(std::string_view name) const;

  // The same for a piece of work that the caller waits for. False: it was not run.
  bool Run(const std::function<void()>& work) const;

 private:
  explicit NetworkNamespace(std::string name) : name_(std::move(name)) {}

  SystemClock clock_;
  const std::string name_;
  UniqueFd fd_;
};

// `ip arguments`, in the machine's own namespace.
Status RunIp(const Clock& clock, std::vector<std::string> arguments);

}  // namespace fleetmedic

#endif  // FLEETMEDIC_TESTS_E2E_NETWORK_NAMESPACE_H_
