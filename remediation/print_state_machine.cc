// Prints docs/STATE_MACHINE.md.
#include <cstdio>

#include "remediation/host_machine.h"

int main() {
  std::fputs(fleetmedic::StateMachineMarkdown().c_str(), stdout);
  return 0;
}
