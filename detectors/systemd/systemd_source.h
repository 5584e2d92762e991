// Where samples of systemd come from.
#ifndef FLEETMEDIC_DETECTORS_SYSTEMD_SYSTEMD_SOURCE_H_
#define FLEETMEDIC_DETECTORS_SYSTEMD_SYSTEMD_SOURCE_H_

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/file.h"
#include "config/host_config.h"
#include "config/systemd_config.h"
#include "detectors/systemd/systemd_evaluate.h"

namespace fleetmedic {

// Called by the detector's thread alone.
class SystemdSource {
 public:
  virtual ~SystemdSource() = default;
  // Whether there is a systemd to be asked on this host.
  virtual bool Present() const = 0;
  // kDeadlineExceeded: no answer in time. kUnavailable: nobody at the bus. Others: could not
  // tell.
  virtual Result<SystemdSample> Sample(MonoTime deadline) = 0;
};

// Asks over D-Bus at `address` ("unix:path=..."), with a connection of its own each time and a
// deadline of its own: a systemd that is stopped hangs calls past the bus's own time-out. At most
// kServicesMax services are asked for their restarts, and at most kRequiredMax units told that
// match `required` (names or globs). Present says whether the path `booted_marker` exists
// (sd_booted(3)); where that is empty, always.
constexpr size_t kServicesMax = 512;
constexpr size_t kRequiredMax = 128;
constexpr size_t kJobsMax = 512;
// Of these, what may run long is asked.
constexpr size_t kJobsAskedMax = 32;
// For PID 1 a look at the unit files is a walk through its folders.
constexpr Millis kUnitFilesEvery = Minutes(1);
std::unique_ptr<SystemdSource> MakeBusSystemdSource(const Clock* clock, std::string address,
                                                    std::string booted_marker,
                                                    std::vector<std::string> required);

// For demonstration hosts, whose root is a folder: RUN/fleetmedic-demo/systemd.json stands for
// their systemd. An object with state, uptime_ms, answers (false: hangs), and units: an array of
// objects with name, active_state, sub_state, result, restarts. Where there, also required (objects
// with name, active_state, load_state, sub_state, file_state) and jobs (id, unit, type, state,
// oneshot, no_timeout); nothing is told of what is absent.
constexpr std::string_view kDemoSystemdPath = "/run/fleetmedic-demo/systemd.json";
std::unique_ptr<SystemdSource> MakeDemoSystemdSource(const Clock* clock, std::string root);

// The demonstration's where the root is not "/" and has its file, else the bus of the config, else
// the system bus below the root.
std::unique_ptr<SystemdSource> MakeSystemdSource(const Clock* clock, const HostConfig& host,
                                                 const SystemdConfig& config);

}  // namespace fleetmedic

#endif  // FLEETMEDIC_DETECTORS_SYSTEMD_SYSTEMD_SOURCE_H_
