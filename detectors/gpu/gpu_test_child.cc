// GpuChildMain, and with a further word GpuPingMain, as a program of its own, for the tests.
#include "detectors/gpu/gpu_child.h"

int main(int argc, char** argv) {
  if (argc == 3) fleetmedic::GpuPingMain(argv[1]);
  if (argc != 2) return 2;
  fleetmedic::GpuChildMain(argv[1]);
}
