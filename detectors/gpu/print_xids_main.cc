// Prints docs/xids.md.
#include <cstdio>

#include "base/file.h"
#include "detectors/gpu/xid_catalogue.h"

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: print_xids FILE\n");
    return 2;
  }
  const fleetmedic::Status written = fleetmedic::WriteFileAtomic(argv[1], fleetmedic::XidPage());
  if (written) return 0;
  std::fprintf(stderr, "print_xids: %s\n", written.error().message.c_str());
  return 1;
}
