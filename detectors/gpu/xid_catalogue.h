// Every Xid that NVIDIA's driver can report in the kernel log, by NVIDIA's published catalogue
// ("Analyzing Xid Errors with the Xid Catalog", docs.nvidia.com/deploy/xid-errors), and what we
// make of it. docs/xids.md is printed from it, and a test holds rules/gpu.toml against it.
#ifndef FLEETMEDIC_DETECTORS_GPU_XID_CATALOGUE_H_
#define FLEETMEDIC_DETECTORS_GPU_XID_CATALOGUE_H_

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "model/condition.h"

namespace fleetmedic {

struct XidEntry {
  int xid = 0;
  std::string_view mnemonic;     // the driver's name for it
  std::string_view meaning;      // empty: the catalogue says that it is not used
  std::string_view action;       // the catalogue's bucket for at once
  std::string_view investigate;  // and for later; empty: none
  // What we make of it; none: no rule of ours looks for it.
  std::optional<Severity> severity;
  // Xid 154 tells the recovery action for it, and is its end when that goes back to None.
  bool in_154 = false;
  std::string_view relation;  // to other Xids
};

// By number.
std::span<const XidEntry> XidCatalogue();

// Null where the catalogue has none of that number.
const XidEntry* FindXid(int xid);

// docs/xids.md.
std::string XidPage();

}  // namespace fleetmedic

#endif  // FLEETMEDIC_DETECTORS_GPU_XID_CATALOGUE_H_
