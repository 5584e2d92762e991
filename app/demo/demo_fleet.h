// A demonstration fleet in one process: this machine with its real detectors, and N demo hosts,
// each a real agent and a real executor with a folder of its own, and jobs that run on them.
#ifndef FLEETMEDIC_APP_DEMO_DEMO_FLEET_H_
#define FLEETMEDIC_APP_DEMO_DEMO_FLEET_H_

#include <memory>
#include <string>
#include <vector>

#include "app/assembly.h"
#include "app/demo/demo_docker.h"
#include "app/demo/demo_host.h"

namespace fleetmedic {

class DemoFleet {
 public:
  static constexpr int kHostsMax = 64;

  // `options` as for `up` on this machine; the demo hosts are added to it.
  static Result<std::unique_ptr<DemoFleet>> Make(AssemblyOptions options, int hosts);
  ~DemoFleet();

  Status Start();
  // Ends the demo's tasks, too: nothing of it is left running.
  void Stop();

  // What a person who started it is told.
  std::string Welcome() const;

 private:
  DemoFleet() = default;
  Status PutJobs();

  Config config_;
  std::string self_;
  std::vector<DemoHost> hosts_;
  std::vector<std::unique_ptr<DemoDocker>> engines_;
  std::unique_ptr<Assembly> assembly_;
};

}  // namespace fleetmedic

#endif  // FLEETMEDIC_APP_DEMO_DEMO_FLEET_H_
