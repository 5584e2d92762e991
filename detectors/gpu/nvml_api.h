// What of NVIDIA's management library is used, by the NVML API Reference (docs.nvidia.com,
// "NVML API Reference Guide"): names, layouts and codes are the library's. There is no NVML header
// here and none is needed: the library is loaded at run time.
#ifndef FLEETMEDIC_DETECTORS_GPU_NVML_API_H_
#define FLEETMEDIC_DETECTORS_GPU_NVML_API_H_

#include <cstdint>

namespace fleetmedic::nvml {

// nvmlReturn_t
inline constexpr int kSuccess = 0;
inline constexpr int kNotSupported = 3;
inline constexpr int kNoPermission = 4;
inline constexpr int kInsufficientPower = 8;
inline constexpr int kDriverNotLoaded = 9;
inline constexpr int kFunctionNotFound = 13;
inline constexpr int kGpuIsLost = 15;
inline constexpr int kResetRequired = 16;
inline constexpr int kLibRmVersionMismatch = 18;

// nvmlDevice_t
using Device = struct DeviceOfNvml*;

// nvmlPciInfo_t, filled in by nvmlDeviceGetPciInfo_v3.
struct PciInfo {
  char bus_id_legacy[16];
  unsigned int domain;
  unsigned int bus;
  unsigned int device;
  unsigned int pci_device_id;
  unsigned int pci_subsystem_id;
  char bus_id[32];
};
static_assert(sizeof(PciInfo) == 68);

// nvmlGpuFabricInfo_t, filled in by nvmlDeviceGetGpuFabricInfo.
struct FabricInfo {
  unsigned char cluster_uuid[16];
  int status;
  unsigned int clique_id;
  unsigned char state;
};
static_assert(sizeof(FabricInfo) == 28);
inline constexpr int kFabricNotSupported = 0;
inline constexpr int kFabricNotStarted = 1;
inline constexpr int kFabricInProgress = 2;
inline constexpr int kFabricCompleted = 3;

// nvmlFieldValue_t, of nvmlDeviceGetFieldValues.
struct FieldValue {
  unsigned int field_id;
  unsigned int scope_id;
  long long timestamp;
  long long latency_usec;
  int value_type;
  int nvml_return;
  union {
    double as_double;
    unsigned int as_unsigned;
    unsigned long long as_unsigned_long_long;
  } value;
};
static_assert(sizeof(FieldValue) == 40);
inline constexpr unsigned int kFieldRecoveryAction = 230;  // NVML_FI_DEV_GET_GPU_RECOVERY_ACTION
inline constexpr int kValueUnsignedInt = 1;                // NVML_VALUE_TYPE_UNSIGNED_INT

// NVML_GPU_RECOVERY_ACTION_...
inline constexpr uint64_t kRecoveryNone = 0;
inline constexpr uint64_t kRecoveryGpuReset = 1;
inline constexpr uint64_t kRecoveryNodeReboot = 2;
inline constexpr uint64_t kRecoveryDrainP2p = 3;
inline constexpr uint64_t kRecoveryDrainAndReset = 4;

// nvmlMemoryErrorType_t, nvmlEccCounterType_t
inline constexpr int kEccUncorrected = 1;
inline constexpr int kEccVolatile = 0;

// nvmlNvLinkErrorCounter_t
inline constexpr int kNvlinkReplay = 0;
inline constexpr int kNvlinkRecovery = 1;
inline constexpr int kNvlinkCrcFlit = 2;
inline constexpr int kNvlinkCrcData = 3;
inline constexpr unsigned int kNvlinksMax = 18;  // NVML_NVLINK_MAX_LINKS

// nvmlClocksEventReasons..., a mask
inline constexpr uint64_t kReasonIdle = 0x1;
inline constexpr uint64_t kReasonSwPowerCap = 0x4;
inline constexpr uint64_t kReasonHwSlowdown = 0x8;
inline constexpr uint64_t kReasonSwThermal = 0x20;
inline constexpr uint64_t kReasonHwThermal = 0x40;
inline constexpr uint64_t kReasonHwPowerBrake = 0x80;

// nvmlClockType_t, nvmlTemperatureSensors_t
inline constexpr int kClockSm = 1;
inline constexpr int kSensorGpu = 0;

}  // namespace fleetmedic::nvml

#endif  // FLEETMEDIC_DETECTORS_GPU_NVML_API_H_
