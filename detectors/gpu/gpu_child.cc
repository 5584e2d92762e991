#include "detectors/gpu/gpu_child.h"

#include <dlfcn.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string_view>
#include <vector>

#include "detectors/gpu/gpu_sample.h"
#include "detectors/gpu/nvml_api.h"

namespace fleetmedic {
namespace {

void WriteAll(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t count = write(fd, text.data(), text.size());
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return;
    text.remove_prefix(static_cast<size_t>(count));
  }
}

template <size_t kSize>
std::string TextOf(const char (&buffer)[kSize]) {
  return std::string(buffer, strnlen(buffer, kSize));
}

class Library {
 public:
  // `tells`: the name of each call, before it, on the standard error.
  Library(void* handle, bool tells) : handle_(handle), tells_(tells) {}

  // Calls a function of the library by its name; kFunctionNotFound where this version has none.
  template <typename... Params, typename... Args>
  int Call(const char* name, int (*)(Params...), Args... args) const {
    auto* const function = reinterpret_cast<int (*)(Params...)>(dlsym(handle_, name));
    if (function == nullptr) return nvml::kFunctionNotFound;
    if (tells_) WriteAll(STDERR_FILENO, std::string(name) + "\n");
    return function(args...);
  }

  std::string TextOfCode(int code) const {
    auto* const function =
        reinterpret_cast<const char* (*)(int)>(dlsym(handle_, "nvmlErrorString"));
    const char* const text = function == nullptr ? nullptr : function(code);
    return text == nullptr ? "code " + std::to_string(code) : text;
  }

 private:
  void* const handle_;
  const bool tells_;
};

// The types of what is called.
using Device = nvml::Device;
constexpr int (*kNothing)() = nullptr;
constexpr int (*kText)(char*, unsigned) = nullptr;
constexpr int (*kCount)(unsigned*) = nullptr;
constexpr int (*kHandle)(unsigned, Device*) = nullptr;
constexpr int (*kPci)(Device, nvml::PciInfo*) = nullptr;
constexpr int (*kDeviceText)(Device, char*, unsigned) = nullptr;
constexpr int (*kEcc)(Device, int, int, unsigned long long*) = nullptr;
constexpr int (*kRemap)(Device, unsigned*, unsigned*, unsigned*, unsigned*) = nullptr;
constexpr int (*kState)(Device, int*) = nullptr;
constexpr int (*kLinkState)(Device, unsigned, int*) = nullptr;
constexpr int (*kLinkCounter)(Device, unsigned, int, unsigned long long*) = nullptr;
constexpr int (*kMask)(Device, unsigned long long*) = nullptr;
constexpr int (*kFigure)(Device, int, unsigned*) = nullptr;
constexpr int (*kFabric)(Device, nvml::FabricInfo*) = nullptr;
constexpr int (*kFields)(Device, int, nvml::FieldValue*) = nullptr;

// Asks one GPU. Once it says that it cannot be talked to, nothing more is asked of it.
class GpuReader {
 public:
  GpuReader(const Library& library, unsigned index) : library_(library) {
    reading_.index = index;
    if (!Ok("nvmlDeviceGetHandleByIndex_v2", kHandle, index, &device_)) {
      // Without its handle there is nothing more to ask; which code it was is all there is to say.
      reading_.status = last_;
    }
  }

  GpuReading Read() {
    if (reading_.status == nvml::kSuccess) ReadIdentity();
    if (reading_.status == nvml::kSuccess) ReadMemory();
    if (reading_.status == nvml::kSuccess) ReadLinks();
    if (reading_.status == nvml::kSuccess) ReadClocks();
    if (reading_.status == nvml::kSuccess) ReadStates();
    return std::move(reading_);
  }

 private:
  template <typename... Params, typename... Args>
  bool Ok(const char* name, int (*type)(Params...), Args... args) {
    if (reading_.status != nvml::kSuccess) return false;
    last_ = library_.Call(name, type, args...);
    if (last_ == nvml::kGpuIsLost || last_ == nvml::kResetRequired) reading_.status = last_;
    return last_ == nvml::kSuccess;
  }

  void ReadIdentity() {
    nvml::PciInfo pci{};
    if (Ok("nvmlDeviceGetPciInfo_v3", kPci, device_, &pci)) {
      reading_.pci = PciAddress(TextOf(pci.bus_id));
    }
    char text[96] = {};
    if (Ok("nvmlDeviceGetName", kDeviceText, device_, text, unsigned{sizeof text})) {
      reading_.name = TextOf(text);
    }
    if (Ok("nvmlDeviceGetUUID", kDeviceText, device_, text, unsigned{sizeof text})) {
      reading_.uuid = TextOf(text);
    }
  }

  void ReadMemory() {
    unsigned long long count = 0;
    if (Ok("nvmlDeviceGetTotalEccErrors", kEcc, device_, nvml::kEccUncorrected, nvml::kEccVolatile,
           &count)) {
      reading_.ecc_uncorrected = count;
    }
    unsigned corrected = 0;
    unsigned uncorrected = 0;
    unsigned pending = 0;
    unsigned failed = 0;
    if (Ok("nvmlDeviceGetRemappedRows", kRemap, device_, &corrected, &uncorrected, &pending,
           &failed)) {
      reading_.row_remap = RowRemapReading{pending != 0, failed != 0, corrected, uncorrected};
    }
    int state = 0;
    if (Ok("nvmlDeviceGetRetiredPagesPendingStatus", kState, device_, &state)) {
      reading_.retirement_pending = state != 0;
    }
  }

  std::optional<uint64_t> LinkCounter(unsigned link, int counter) {
    unsigned long long count = 0;
    if (!Ok("nvmlDeviceGetNvLinkErrorCounter", kLinkCounter, device_, link, counter, &count)) {
      return std::nullopt;
    }
    return count;
  }

  void ReadLinks() {
    for (unsigned number = 0; number < nvml::kNvlinksMax; ++number) {
      int active = 0;
      if (!Ok("nvmlDeviceGetNvLinkState", kLinkState, device_, number, &active)) {
        // Not a link of this GPU, or a GPU without any.
        if (number == 0) return;
        continue;
      }
      NvlinkReading link;
      link.link = number;
      link.active = active != 0;
      if (link.active) {
        link.replays = LinkCounter(number, nvml::kNvlinkReplay);
        link.recoveries = LinkCounter(number, nvml::kNvlinkRecovery);
        link.crc_errors = LinkCounter(number, nvml::kNvlinkCrcFlit);
        const std::optional<uint64_t> data = LinkCounter(number, nvml::kNvlinkCrcData);
        if (data) link.crc_errors = link.crc_errors.value_or(0) + *data;
      }
      reading_.nvlinks.push_back(link);
    }
  }

  std::optional<uint64_t> Figure(const char* name, int which) {
    unsigned figure = 0;
    if (!Ok(name, kFigure, device_, which, &figure)) return std::nullopt;
    return figure;
  }

  void ReadClocks() {
    unsigned long long mask = 0;
    // The second name is the first's before driver 535.
    if (Ok("nvmlDeviceGetCurrentClocksEventReasons", kMask, device_, &mask) ||
        Ok("nvmlDeviceGetCurrentClocksThrottleReasons", kMask, device_, &mask)) {
      reading_.clock_reasons = mask;
    }
    reading_.sm_clock_mhz = Figure("nvmlDeviceGetClockInfo", nvml::kClockSm);
    reading_.sm_clock_max_mhz = Figure("nvmlDeviceGetMaxClockInfo", nvml::kClockSm);
    reading_.temperature_c = Figure("nvmlDeviceGetTemperature", nvml::kSensorGpu);
  }

  void ReadStates() {
    int state = 0;
    if (Ok("nvmlDeviceGetPersistenceMode", kState, device_, &state)) {
      reading_.persistence = state != 0;
    }
    nvml::FabricInfo fabric{};
    if (Ok("nvmlDeviceGetGpuFabricInfo", kFabric, device_, &fabric)) {
      reading_.fabric_state = uint64_t{fabric.state};
      reading_.fabric_status = static_cast<uint64_t>(static_cast<unsigned>(fabric.status));
    }
    nvml::FieldValue field{};
    field.field_id = nvml::kFieldRecoveryAction;
    if (Ok("nvmlDeviceGetFieldValues", kFields, device_, 1, &field) &&
        field.nvml_return == nvml::kSuccess && field.value_type == nvml::kValueUnsignedInt) {
      reading_.recovery_action = uint64_t{field.value.as_unsigned};
    }
  }

  const Library& library_;
  Device device_ = nullptr;
  int last_ = nvml::kSuccess;
  GpuReading reading_;
};

NvmlSample SampleOf(const std::string& name) {
  NvmlSample sample;
  void* const handle = dlopen(name.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (handle == nullptr) {
    const char* const why = dlerror();
    sample.library_error = why == nullptr ? "cannot load " + name : why;
    return sample;
  }
  const Library library(handle, /*tells=*/true);
  char text[96] = {};
  // The library's own version needs no driver: where that is another's, both are told.
  if (library.Call("nvmlSystemGetNVMLVersion", kText, text, unsigned{sizeof text}) ==
      nvml::kSuccess) {
    sample.library_version = TextOf(text);
  }
  sample.init_status = library.Call("nvmlInit_v2", kNothing);
  if (sample.init_status != nvml::kSuccess) {
    sample.init_text = library.TextOfCode(static_cast<int>(sample.init_status));
    return sample;
  }
  if (library.Call("nvmlSystemGetDriverVersion", kText, text, unsigned{sizeof text}) ==
      nvml::kSuccess) {
    sample.driver_version = TextOf(text);
  }
  unsigned count = 0;
  sample.count_status = library.Call("nvmlDeviceGetCount_v2", kCount, &count);
  if (sample.count_status != nvml::kSuccess) return sample;
  for (unsigned index = 0; index < count && index < kGpusMax; ++index) {
    sample.gpus.push_back(GpuReader(library, index).Read());
  }
  return sample;
}

}  // namespace

void GpuChildMain(const std::string& library) {
  WriteAll(STDOUT_FILENO, ToJson(SampleOf(library)).Dump());
  // No nvmlShutdown, which can hang as anything of the driver: the end of the process lets go of
  // all that it had open.
  _exit(0);
}

void GpuPingMain(const std::string& name) {
  void* const handle = dlopen(name.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (handle == nullptr) _exit(1);
  const Library library(handle, /*tells=*/false);
  unsigned count = 0;
  if (library.Call("nvmlInit_v2", kNothing) != nvml::kSuccess ||
      library.Call("nvmlDeviceGetCount_v2", kCount, &count) != nvml::kSuccess) {
    _exit(1);
  }
  std::vector<Device> devices;
  for (unsigned index = 0; index < count && index < kGpusMax; ++index) {
    Device device = nullptr;
    if (library.Call("nvmlDeviceGetHandleByIndex_v2", kHandle, index, &device) == nvml::kSuccess) {
      devices.push_back(device);
    }
  }
  while (true) {
    WriteAll(STDOUT_FILENO, ".");
    char question = 0;
    ssize_t got = 0;
    do {
      got = read(STDIN_FILENO, &question, 1);
    } while (got < 0 && errno == EINTR);
    if (got <= 0) _exit(0);
    for (const Device device : devices) {
      unsigned celsius = 0;
      (void)library.Call("nvmlDeviceGetTemperature", kFigure, device, int{nvml::kSensorGpu},
                         &celsius);
    }
  }
}

}  // namespace fleetmedic
