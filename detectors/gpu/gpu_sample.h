// What one look through NVIDIA's management library saw, as its child process prints it. Pure.
#ifndef FLEETMEDIC_DETECTORS_GPU_GPU_SAMPLE_H_
#define FLEETMEDIC_DETECTORS_GPU_GPU_SAMPLE_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"

namespace fleetmedic {

inline constexpr size_t kGpusMax = 64;

struct NvlinkReading {
  int64_t link = 0;
  bool active = false;
  // None: this GPU does not count them.
  std::optional<uint64_t> replays;
  std::optional<uint64_t> recoveries;
  std::optional<uint64_t> crc_errors;  // of flits and of data

  bool operator==(const NvlinkReading&) const = default;
};

struct RowRemapReading {
  bool pending = false;
  bool failed = false;
  int64_t corrected_rows = 0;
  int64_t uncorrected_rows = 0;

  bool operator==(const RowRemapReading&) const = default;
};

// One GPU; what it cannot say is not there.
struct GpuReading {
  int64_t index = 0;
  // The first code of NVML that says that the GPU cannot be talked to (lost, reset required); 0.
  int64_t status = 0;
  std::string pci;  // "0000:3b:00.0", as sysfs writes it; empty where even that was refused
  std::string name;
  std::string uuid;
  std::optional<uint64_t> ecc_uncorrected;  // since the driver was loaded or the GPU was reset
  std::optional<RowRemapReading> row_remap;
  std::optional<bool> retirement_pending;
  std::vector<NvlinkReading> nvlinks;
  std::optional<uint64_t> clock_reasons;
  std::optional<uint64_t> sm_clock_mhz;
  std::optional<uint64_t> sm_clock_max_mhz;
  std::optional<uint64_t> temperature_c;
  std::optional<bool> persistence;
  std::optional<uint64_t> fabric_state;
  std::optional<uint64_t> fabric_status;
  std::optional<uint64_t> recovery_action;

  bool operator==(const GpuReading&) const = default;
};

struct NvmlSample {
  // Not empty: the library could not be loaded, and nothing else is said.
  std::string library_error;
  int64_t init_status = 0;  // of nvmlInit_v2
  std::string init_text;    // what the library calls that
  std::string driver_version;
  std::string library_version;  // "12.550.54.15": CUDA's major number, then the driver's version
  int64_t count_status = 0;     // of nvmlDeviceGetCount_v2
  std::vector<GpuReading> gpus;

  bool operator==(const NvmlSample&) const = default;
};

Json ToJson(const NvmlSample& sample);
// Errors: kInvalidArgument. Of more than kGpusMax GPUs the rest is left out, and of more links
// than NVML can have.
Result<NvmlSample> GpuSampleFromJson(std::string_view text);

// "0000:3b:00.0" of NVML's "00000000:3B:00.0", or what does not look like it as it is.
std::string PciAddress(std::string_view bus_id);

}  // namespace fleetmedic

#endif  // FLEETMEDIC_DETECTORS_GPU_GPU_SAMPLE_H_
