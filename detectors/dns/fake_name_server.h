// For tests: a name server that answers as it is told.
#ifndef FLEETMEDIC_DETECTORS_DNS_FAKE_NAME_SERVER_H_
#define FLEETMEDIC_DETECTORS_DNS_FAKE_NAME_SERVER_H_

#include <netinet/in.h>
#include <sys/socket.h>

#include <array>
#include <functional>
#include <string>

#include "base/result.h"
#include "base/thread_pool.h"
#include "base/unique_fd.h"

namespace fleetmedic {

// A name server on a free port of loopback.
class FakeNameServer {
 public:
  // `answer` makes the reply of a query; an empty one is not sent.
  explicit FakeNameServer(std::function<std::string(std::string)> answer) {
    fd_ = UniqueFd(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    address_.sin_family = AF_INET;
    address_.sin_addr.s_addr = ::htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof(address_);
    FLEETMEDIC_CHECK(::bind(fd_.get(), reinterpret_cast<sockaddr*>(&address_), size) == 0);
    FLEETMEDIC_CHECK(::getsockname(fd_.get(), reinterpret_cast<sockaddr*>(&address_), &size) == 0);
    FLEETMEDIC_CHECK(pool_.Submit("serve", [this, answer] { Serve(answer); }).has_value());
  }
  ~FakeNameServer() {
    // An empty datagram ends it; the pool waits for that.
    const UniqueFd fd(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    (void)::sendto(fd.get(), "", 0, 0, reinterpret_cast<sockaddr*>(&address_), sizeof(address_));
  }
  uint16_t port() const { return ::ntohs(address_.sin_port); }

 private:
  void Serve(const std::function<std::string(std::string)>& answer) {
    std::array<char, 512> buffer;
    while (true) {
      sockaddr_in from{};
      socklen_t size = sizeof(from);
      const ssize_t got = ::recvfrom(fd_.get(), buffer.data(), buffer.size(), 0,
                                     reinterpret_cast<sockaddr*>(&from), &size);
      if (got <= 0) return;
      const std::string reply = answer(std::string(buffer.data(), static_cast<size_t>(got)));
      if (reply.empty()) continue;
      (void)::sendto(fd_.get(), reply.data(), reply.size(), 0, reinterpret_cast<sockaddr*>(&from),
                     size);
    }
  }

  UniqueFd fd_;
  sockaddr_in address_{};
  ThreadPool pool_{"fake-dns", 1, 1};  // ends first
};

}  // namespace fleetmedic

#endif  // FLEETMEDIC_DETECTORS_DNS_FAKE_NAME_SERVER_H_
