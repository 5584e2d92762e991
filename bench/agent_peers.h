// Debian's rsyslog and syslog-ng, unpacked and not installed, shipping a file's lines to a socket
// on loopback.
#ifndef FLEETMEDIC_BENCH_AGENT_PEERS_H_
#define FLEETMEDIC_BENCH_AGENT_PEERS_H_

#include <string>
#include <vector>

#include "base/child_process.h"
#include "base/clock.h"

namespace fleetmedic {

struct Peer {
  std::string name;  // "rsyslog"
  // Writes its config for `file` to 127.0.0.1:port below `folder`, and starts it there.
  Result<Child> (*start)(const std::string& root, const std::string& folder,
                         const std::string& file, int port);
};
std::vector<Peer> Peers();

// Downloads the packages with apt-get and unpacks them below `folder` with dpkg, once. The answer
// is the folder that stands for their root; an error says why they cannot be had.
Result<std::string> UnpackPeers(const std::string& folder, const Clock& clock);

// Counts the lines that a peer sends. One connection or more; one thread.
class LineSink {
 public:
  static Result<LineSink> Listen();
  int port() const { return port_; }
  // Takes what has come by now.
  void Drain();
  uint64_t lines() const { return lines_; }

 private:
  UniqueFd listener_;
  int port_ = 0;
  std::vector<UniqueFd> connections_;
  uint64_t lines_ = 0;
};

}  // namespace fleetmedic

#endif  // FLEETMEDIC_BENCH_AGENT_PEERS_H_
