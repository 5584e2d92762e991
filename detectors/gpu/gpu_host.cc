#include "detectors/gpu/gpu_host.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>

#include "base/text.h"
#include "detectors/proc_text.h"

namespace fleetmedic {
namespace {

constexpr size_t kPciDevicesMax = 8192;
constexpr size_t kGpusMax = 64;
constexpr size_t kFileBytesMax = 4096;
constexpr std::string_view kDevices = "/sys/bus/pci/devices/";
constexpr std::string_view kNvidia = "0x10de";
// Class, subclass: VGA compatible and 3D controllers (the PCI code and ID assignment).
constexpr std::string_view kVga = "0x0300";
constexpr std::string_view kThreeD = "0x0302";
constexpr std::string_view kLibraryFolders[] = {"/usr/lib/x86_64-linux-gnu",
                                                "/usr/lib/aarch64-linux-gnu", "/usr/lib64",
                                                "/usr/lib", "/usr/lib64/nvidia"};

std::string Text(const FsRoot& root, const std::string& path) {
  return std::string(Trim(root.ReadFile(path, kFileBytesMax).value_or("")));
}

std::string DriverOf(std::string_view uevent) {
  constexpr std::string_view kKey = "DRIVER=";
  for (const std::string_view line : Lines(uevent)) {
    if (line.starts_with(kKey)) return std::string(line.substr(kKey.size()));
  }
  return "";
}

// Only the vendor's number: what lies behind it costs a transaction on the bus for each word.
bool ReadsAsOnes(const FsRoot& root, const std::string& folder) {
  const Result<UniqueFd> file = root.Open(folder + "/config", O_RDONLY | O_NONBLOCK);
  if (!file) return false;
  unsigned char vendor[2] = {};
  return pread(file->get(), vendor, sizeof vendor, 0) == sizeof vendor && vendor[0] == 0xFF &&
         vendor[1] == 0xFF;
}

}  // namespace

std::string ModuleVersion(std::string_view text) {
  for (const std::string_view word : Fields(text.substr(0, text.find('\n')))) {
    const auto digit_or_dot = [](char c) { return (c >= '0' && c <= '9') || c == '.'; };
    if (word.find('.') != std::string_view::npos && word.front() != '.' &&
        std::ranges::all_of(word, digit_or_dot)) {
      return std::string(word);
    }
  }
  return "";
}

void LookAtGpus(const FsRoot& root, GpuHost* host) {
  for (PciGpu& gpu : host->gpus) {
    const std::string folder = std::string(kDevices) + gpu.address;
    gpu.driver = DriverOf(Text(root, folder + "/uevent"));
    gpu.asleep = Text(root, folder + "/power/runtime_status").starts_with("suspend");
    // Reading the configuration space would wake it.
    gpu.off_the_bus = !root.Exists(folder) || (!gpu.asleep && ReadsAsOnes(root, folder));
  }
  const std::string version = Text(root, "/proc/driver/nvidia/version");
  host->module_loaded = !version.empty();
  host->module_version = ModuleVersion(version);
}

GpuHost FindGpus(const FsRoot& root) {
  GpuHost host;
  const std::vector<std::string> addresses =
      root.List(kDevices, kPciDevicesMax).value_or(std::vector<std::string>());
  for (const std::string& address : addresses) {
    const std::string folder = std::string(kDevices) + address;
    const std::string device_class = Text(root, folder + "/class");
    const bool compute = device_class.starts_with(kThreeD);
    if (!compute && !device_class.starts_with(kVga)) continue;
    if (Text(root, folder + "/vendor") != kNvidia || host.gpus.size() >= kGpusMax) continue;
    PciGpu gpu;
    gpu.address = address;
    gpu.compute = compute;
    host.gpus.push_back(std::move(gpu));
  }
  for (const std::string_view folder : kLibraryFolders) {
    host.library_installed =
        host.library_installed || root.Exists(std::string(folder) + "/libnvidia-ml.so.1");
  }
  host.instance_type = Text(root, "/sys/devices/virtual/dmi/id/product_name");
  LookAtGpus(root, &host);
  return host;
}

}  // namespace fleetmedic
