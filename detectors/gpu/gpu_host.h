// The GPUs of a host as its own files show them, without asking any driver.
#ifndef FLEETMEDIC_DETECTORS_GPU_GPU_HOST_H_
#define FLEETMEDIC_DETECTORS_GPU_GPU_HOST_H_

#include <string>
#include <string_view>
#include <vector>

#include "base/file.h"

namespace fleetmedic {

// A display device of NVIDIA on the PCI bus (sysfs-bus-pci of the kernel's Documentation/ABI).
struct PciGpu {
  std::string address;       // "0000:3b:00.0"
  std::string driver;        // "nvidia", "nouveau", "vfio-pci"; empty: none
  bool compute = false;      // a 3D controller: no screen can be attached to it
  bool asleep = false;       // suspended by runtime power management, and not to be woken
  bool off_the_bus = false;  // its configuration space reads as ones: nothing answers there

  bool operator==(const PciGpu&) const = default;
};

struct GpuHost {
  std::vector<PciGpu> gpus;  // all of them, whoever drives them
  bool module_loaded = false;
  std::string module_version;  // "550.54.15"; empty where it could not be told
  bool library_installed = false;
  std::string instance_type;  // the DMI product name; empty where it cannot be read

  bool operator==(const GpuHost&) const = default;
};

// Reads some hundred small files: not for every look.
GpuHost FindGpus(const FsRoot& root);
// Looks again at those that are known. One that is gone from the bus altogether is off_the_bus.
void LookAtGpus(const FsRoot& root, GpuHost* host);

// Of /proc/driver/nvidia/version; empty where there is none in it. Pure.
std::string ModuleVersion(std::string_view text);

}  // namespace fleetmedic

#endif  // FLEETMEDIC_DETECTORS_GPU_GPU_HOST_H_
