// The typed configuration of the detectors, with the defaults that ship: a table for each,
// [detectors.NAME], in a header of its own. An interval of 0 switches a detector off.
#ifndef FLEETMEDIC_CONFIG_DETECTORS_CONFIG_H_
#define FLEETMEDIC_CONFIG_DETECTORS_CONFIG_H_

#include "config/checks_config.h"
#include "config/clock_config.h"
#include "config/containerd_config.h"
#include "config/disk_config.h"
#include "config/dns_config.h"
#include "config/docker_config.h"
#include "config/filesystem_config.h"
#include "config/gpu_config.h"
#include "config/hardware_config.h"
#include "config/imds_config.h"
#include "config/kernel_config.h"
#include "config/memory_config.h"
#include "config/mesos_config.h"
#include "config/network_config.h"
#include "config/nvme_config.h"
#include "config/process_config.h"
#include "config/systemd_config.h"

namespace fleetmedic {

struct DetectorsConfig {
  SystemdConfig systemd;
  DockerConfig docker;
  ContainerdConfig containerd;
  MesosConfig mesos;
  FilesystemConfig filesystem;
  DiskConfig disk;
  HardwareConfig hardware;
  ClockConfig clock;
  NvmeConfig nvme;
  NetworkConfig network;
  ImdsConfig imds;
  DnsConfig dns;
  MemoryConfig memory;
  ProcessConfig process;
  KernelConfig kernel;
  GpuConfig gpu;
  ChecksConfig checks;
};

}  // namespace fleetmedic

#endif  // FLEETMEDIC_CONFIG_DETECTORS_CONFIG_H_
