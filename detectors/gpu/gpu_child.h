// The child process that talks to NVIDIA's management library, so that a driver that hangs, or a
// library that crashes, takes nothing of the agent with it.
#ifndef FLEETMEDIC_DETECTORS_GPU_GPU_CHILD_H_
#define FLEETMEDIC_DETECTORS_GPU_GPU_CHILD_H_

#include <string>

namespace fleetmedic {

// What follows the library where GpuPingMain is meant.
inline constexpr char kGpuPingWord[] = "ping";

// The whole life of that process: loads `library` (a name for dlopen(3), or a path), asks for
// everything once, prints one NvmlSample as JSON on the standard output and ends the process with
// 0. Before each call its name goes to the standard error as one line: the last one names what
// hung. Touches no GPU but by reading.
[[noreturn]] void GpuChildMain(const std::string& library);

// Keeps NVML open, writes one byte to the standard output when it is, and one more for each byte of
// the standard input once every GPU was asked for its temperature, whatever it said. Ends with the
// standard input, or where NVML does not open.
[[noreturn]] void GpuPingMain(const std::string& library);

}  // namespace fleetmedic

#endif  // FLEETMEDIC_DETECTORS_GPU_GPU_CHILD_H_
