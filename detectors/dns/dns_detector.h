// Asks the name servers of the host's resolv.conf for a name, by questions of its own: the library
// would hang, cache, and not say which server it was.
//
// Tests, benches and demonstrations switch it off, or give it a root with a resolv.conf of their
// own: a machine's name server is none of theirs to ask.
#ifndef FLEETMEDIC_DETECTORS_DNS_DNS_DETECTOR_H_
#define FLEETMEDIC_DETECTORS_DNS_DNS_DETECTOR_H_

#include <cstdint>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/file.h"
#include "config/dns_config.h"
#include "config/host_config.h"
#include "detectors/detector.h"
#include "detectors/dns/dns_evaluate.h"

namespace fleetmedic {

class DnsDetector final : public Detector {
 public:
  static constexpr std::string_view kResolvConf = "/etc/resolv.conf";
  static constexpr uint16_t kPort = 53;

  // `clock` is not owned. `port` is that of the servers.
  DnsDetector(const Clock* clock, const HostConfig& host, const DnsConfig& config,
              uint16_t port = kPort);

  std::string_view name() const override { return "dns"; }
  std::vector<std::string> types() const override;
  // There is a resolv.conf, or was one.
  bool Supported() const override { return seen_ || root_.Exists(kResolvConf); }
  Millis interval() const override { return config_.interval; }
  Result<std::vector<Condition>> Probe(MonoTime deadline) override;

 private:
  const Clock* const clock_;
  const FsRoot root_;
  const DnsConfig config_;
  const uint16_t port_;
  bool seen_ = false;
};

}  // namespace fleetmedic

#endif  // FLEETMEDIC_DETECTORS_DNS_DNS_DETECTOR_H_
