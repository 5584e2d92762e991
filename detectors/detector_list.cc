#include "detectors/detector_list.h"

#include "detectors/checks/check_detector.h"
#include "detectors/clock/clock_detector.h"
#include "detectors/containerd/containerd_detector.h"
#include "detectors/disk/disk_detector.h"
#include "detectors/dns/dns_detector.h"
#include "detectors/docker/docker_detector.h"
#include "detectors/filesystem/filesystem_detector.h"
#include "detectors/gpu/gpu_detector.h"
#include "detectors/hardware/hardware_detector.h"
#include "detectors/imds/imds_detector.h"
#include "detectors/kernel/kernel_detector.h"
#include "detectors/memory/memory_detector.h"
#include "detectors/mesos/mesos_detector.h"
#include "detectors/network/network_detector.h"
#include "detectors/nvme/nvme_detector.h"
#include "detectors/process/process_detector.h"
#include "detectors/systemd/systemd_detector.h"

namespace fleetmedic {

std::vector<std::unique_ptr<Detector>> MakeDetectors(const Clock* clock, const HostConfig& host,
                                                     const DetectorsConfig& config,
                                                     const std::string& self,
                                                     std::shared_ptr<PidCgroups> cgroups) {
  std::vector<std::unique_ptr<Detector>> detectors;
  if (config.filesystem.interval > Millis(0)) {
    detectors.push_back(std::make_unique<FilesystemDetector>(clock, host, config.filesystem));
  }
  if (config.systemd.interval > Millis(0)) {
    detectors.push_back(std::make_unique<SystemdDetector>(
        MakeSystemdSource(clock, host, config.systemd), config.systemd));
  }
  if (config.docker.interval > Millis(0)) {
    detectors.push_back(std::make_unique<DockerDetector>(clock, host, config.docker));
  }
  if (config.containerd.interval > Millis(0)) {
    detectors.push_back(std::make_unique<ContainerdDetector>(clock, host, config.containerd));
  }
  if (config.mesos.interval > Millis(0)) {
    detectors.push_back(std::make_unique<MesosDetector>(clock, host, config.mesos));
  }
  if (config.disk.interval > Millis(0)) {
    detectors.push_back(std::make_unique<DiskDetector>(clock, host, config.disk));
  }
  if (config.hardware.interval > Millis(0)) {
    detectors.push_back(std::make_unique<HardwareDetector>(clock, host, config.hardware));
  }
  if (config.clock.interval > Millis(0)) {
    detectors.push_back(std::make_unique<ClockDetector>(clock, host, config.clock));
  }
  if (config.nvme.interval > Millis(0)) {
    detectors.push_back(std::make_unique<NvmeDetector>(clock, host, config.nvme));
  }
  // What the metadata says should be there, for who sees what is.
  const auto expected = std::make_shared<ExpectedInterfaces>();
  if (config.network.interval > Millis(0)) {
    detectors.push_back(std::make_unique<NetworkDetector>(clock, host, config.network, expected,
                                                          MakeKernelNetworkSource(clock)));
  }
  if (config.imds.interval > Millis(0)) {
    detectors.push_back(std::make_unique<ImdsDetector>(clock, host, config.imds, expected));
  }
  if (config.dns.interval > Millis(0)) {
    detectors.push_back(std::make_unique<DnsDetector>(clock, host, config.dns));
  }
  if (config.memory.interval > Millis(0)) {
    detectors.push_back(std::make_unique<MemoryDetector>(clock, host, config.memory));
  }
  if (config.process.interval > Millis(0)) {
    detectors.push_back(
        std::make_unique<ProcessDetector>(clock, host, config.process, std::move(cgroups)));
  }
  if (config.kernel.interval > Millis(0)) {
    detectors.push_back(std::make_unique<KernelDetector>(clock, host, config.kernel));
  }
  if (config.gpu.interval > Millis(0) && !self.empty()) {
    detectors.push_back(std::make_unique<GpuDetector>(clock, host, config.gpu,
                                                      std::vector<std::string>{self, "gpu-probe"}));
  }
  // Programs run on this machine: they say nothing of a host that is another folder.
  if (host.root == "/") {
    const auto slots = std::make_shared<CheckSlots>(config.checks.running_max);
    for (const CheckConfig& check : config.checks.list) {
      detectors.push_back(std::make_unique<CheckDetector>(clock, check, slots));
    }
  }
  return detectors;
}

}  // namespace fleetmedic
