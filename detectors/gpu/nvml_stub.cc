// Plays libnvidia-ml.so.1 for the tests: what it answers is written in a file beside it, its own
// path with ".scenario" after it. One word and its value on a line:
//
//   version 550.54.15        of the driver; the library's is "12." before it
//   fail FUNCTION CODE       that function answers with this code
//   hang FUNCTION            that function never comes back
//   crash FUNCTION           that function ends the process by a signal
//   (a file with ".hangs" after it instead: as long as it is there, every function hangs)
//   gpu BUSID                one more GPU; the lines that follow are its own:
//   ecc N | remap_pending 1 | remap_failed 1 | retirement_pending 1 | reasons MASK | clock MHZ
//   persistence 0 | fabric STATE STATUS | recovery ACTION | lost 1 | link NUMBER ACTIVE RECOVERIES
#include <dlfcn.h>
#include <poll.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <map>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "detectors/gpu/nvml_api.h"

namespace {

using namespace fleetmedic::nvml;  // NOLINT(build/namespaces): this is NVML

struct Link {
  int active = 0;
  unsigned long long recoveries = 0;
};

struct Gpu {
  std::string bus_id;
  std::map<std::string, unsigned long long> values;
  std::map<unsigned, Link> links;
  int fabric_status = 0;
};

struct Scenario {
  std::string version = "550.54.15";
  std::map<std::string, int> fails;
  std::set<std::string> hangs;
  std::set<std::string> crashes;
  std::vector<Gpu> gpus;
};

std::string LibraryPath() {
  Dl_info info{};
  if (dladdr(reinterpret_cast<void*>(&LibraryPath), &info) == 0) return "";
  return info.dli_fname;
}

void ReadGpuLine(const std::string& word, std::istringstream& line, Gpu* gpu) {
  if (word == "link") {
    unsigned number = 0;
    line >> number;
    line >> gpu->links[number].active >> gpu->links[number].recoveries;
  } else if (word == "fabric") {
    line >> gpu->values["fabric"] >> gpu->fabric_status;
  } else {
    line >> gpu->values[word];
  }
}

const Scenario& TheScenario() {
  static const Scenario* const scenario = [] {
    auto* const read = new Scenario;
    std::ifstream file(LibraryPath() + ".scenario");
    std::string text;
    while (std::getline(file, text)) {
      std::istringstream line(text);
      std::string word;
      std::string name;
      line >> word;
      if (word == "version") {
        line >> read->version;
      } else if (word == "fail") {
        line >> name;
        line >> read->fails[name];
      } else if (word == "hang" || word == "crash") {
        line >> name;
        (word == "hang" ? read->hangs : read->crashes).insert(name);
      } else if (word == "gpu") {
        line >> read->gpus.emplace_back().bus_id;
      } else if (!word.empty() && !read->gpus.empty()) {
        ReadGpuLine(word, line, &read->gpus.back());
      }
    }
    return read;
  }();
  return *scenario;
}

// What every function begins with: its code, or kSuccess.
int Enter(const char* function) {
  const Scenario& scenario = TheScenario();
  while (scenario.hangs.contains(function)) pause();
  const std::string hangs = LibraryPath() + ".hangs";
  while (access(hangs.c_str(), F_OK) == 0) poll(nullptr, 0, 5);
  if (scenario.crashes.contains(function)) abort();
  const auto fail = scenario.fails.find(function);
  return fail == scenario.fails.end() ? kSuccess : fail->second;
}

Gpu* Of(Device device) { return reinterpret_cast<Gpu*>(device); }

int EnterGpu(const char* function, Device device) {
  const int code = Enter(function);
  if (code != kSuccess) return code;
  return Of(device)->values.contains("lost") ? kGpuIsLost : kSuccess;
}

// A value of the scenario, or "not supported".
template <typename T>
int Value(const char* function, Device device, const char* word, T* out) {
  const int code = EnterGpu(function, device);
  if (code != kSuccess) return code;
  const auto found = Of(device)->values.find(word);
  if (found == Of(device)->values.end()) return kNotSupported;
  *out = static_cast<T>(found->second);
  return kSuccess;
}

}  // namespace

extern "C" {

int nvmlInit_v2() { return Enter("nvmlInit_v2"); }

const char* nvmlErrorString(int code) {
  return code == kLibRmVersionMismatch ? "Driver/library version mismatch" : "some other error";
}

int nvmlSystemGetDriverVersion(char* text, unsigned length) {
  const int code = Enter("nvmlSystemGetDriverVersion");
  if (code == kSuccess) snprintf(text, length, "%s", TheScenario().version.c_str());
  return code;
}

int nvmlSystemGetNVMLVersion(char* text, unsigned length) {
  const int code = Enter("nvmlSystemGetNVMLVersion");
  if (code == kSuccess) snprintf(text, length, "12.%s", TheScenario().version.c_str());
  return code;
}

int nvmlDeviceGetCount_v2(unsigned* count) {
  const int code = Enter("nvmlDeviceGetCount_v2");
  *count = static_cast<unsigned>(TheScenario().gpus.size());
  return code;
}

int nvmlDeviceGetHandleByIndex_v2(unsigned index, Device* device) {
  const int code = Enter("nvmlDeviceGetHandleByIndex_v2");
  *device = reinterpret_cast<Device>(const_cast<Gpu*>(&TheScenario().gpus.at(index)));
  return code;
}

int nvmlDeviceGetPciInfo_v3(Device device, PciInfo* info) {
  // Told from what the driver remembers, of a lost GPU too.
  const int code = Enter("nvmlDeviceGetPciInfo_v3");
  snprintf(info->bus_id, sizeof info->bus_id, "%s", Of(device)->bus_id.c_str());
  return code;
}

int nvmlDeviceGetName(Device device, char* text, unsigned length) {
  const int code = EnterGpu("nvmlDeviceGetName", device);
  snprintf(text, length, "Stub GPU");
  return code;
}

int nvmlDeviceGetUUID(Device device, char* text, unsigned length) {
  const int code = EnterGpu("nvmlDeviceGetUUID", device);
  snprintf(text, length, "GPU-%s", Of(device)->bus_id.c_str());
  return code;
}

int nvmlDeviceGetTotalEccErrors(Device device, int, int, unsigned long long* count) {
  return Value("nvmlDeviceGetTotalEccErrors", device, "ecc", count);
}

int nvmlDeviceGetRemappedRows(Device device, unsigned* corrected, unsigned* uncorrected,
                              unsigned* pending, unsigned* failed) {
  *corrected = *uncorrected = *pending = *failed = 0;
  const int code = EnterGpu("nvmlDeviceGetRemappedRows", device);
  if (code != kSuccess) return code;
  (void)Value("nvmlDeviceGetRemappedRows", device, "remap_pending", pending);
  (void)Value("nvmlDeviceGetRemappedRows", device, "remap_failed", failed);
  return kSuccess;
}

int nvmlDeviceGetRetiredPagesPendingStatus(Device device, int* pending) {
  return Value("nvmlDeviceGetRetiredPagesPendingStatus", device, "retirement_pending", pending);
}

int nvmlDeviceGetNvLinkState(Device device, unsigned number, int* active) {
  const int code = EnterGpu("nvmlDeviceGetNvLinkState", device);
  if (code != kSuccess) return code;
  const auto link = Of(device)->links.find(number);
  if (link == Of(device)->links.end()) return kNotSupported;
  *active = link->second.active;
  return kSuccess;
}

int nvmlDeviceGetNvLinkErrorCounter(Device device, unsigned number, int counter,
                                    unsigned long long* count) {
  const int code = EnterGpu("nvmlDeviceGetNvLinkErrorCounter", device);
  if (code != kSuccess) return code;
  *count = counter == kNvlinkRecovery ? Of(device)->links[number].recoveries : 0;
  return kSuccess;
}

// The name before driver 535: this library is an old one.
int nvmlDeviceGetCurrentClocksThrottleReasons(Device device, unsigned long long* mask) {
  return Value("nvmlDeviceGetCurrentClocksThrottleReasons", device, "reasons", mask);
}

int nvmlDeviceGetClockInfo(Device device, int, unsigned* clock) {
  return Value("nvmlDeviceGetClockInfo", device, "clock", clock);
}

int nvmlDeviceGetMaxClockInfo(Device device, int, unsigned* clock) {
  *clock = 1980;
  return EnterGpu("nvmlDeviceGetMaxClockInfo", device);
}

int nvmlDeviceGetTemperature(Device device, int, unsigned* temperature) {
  *temperature = 41;
  return EnterGpu("nvmlDeviceGetTemperature", device);
}

int nvmlDeviceGetPersistenceMode(Device device, int* mode) {
  const int code = Value("nvmlDeviceGetPersistenceMode", device, "persistence", mode);
  if (code == kNotSupported) *mode = 1;
  return code == kNotSupported ? kSuccess : code;
}

int nvmlDeviceGetGpuFabricInfo(Device device, FabricInfo* info) {
  const int code = Value("nvmlDeviceGetGpuFabricInfo", device, "fabric", &info->state);
  info->status = Of(device)->fabric_status;
  return code;
}

int nvmlDeviceGetFieldValues(Device device, int count, FieldValue* values) {
  if (count != 1 || values->field_id != kFieldRecoveryAction) return kNotSupported;
  unsigned action = 0;
  values->nvml_return = Value("nvmlDeviceGetFieldValues", device, "recovery", &action);
  values->value_type = kValueUnsignedInt;
  values->value.as_unsigned = action;
  return values->nvml_return == kGpuIsLost ? kGpuIsLost : kSuccess;
}

}  // extern "C"
