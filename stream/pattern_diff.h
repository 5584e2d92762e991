// What differs between hosts that had a pattern and the others, in words and numbers. Pure.
#ifndef FLEETMEDIC_STREAM_PATTERN_DIFF_H_
#define FLEETMEDIC_STREAM_PATTERN_DIFF_H_

#include <cstdint>
#include <span>

#include "model/pattern_book.h"
#include "stream/attribution.h"
#include "stream/host_table.h"

namespace fleetmedic {

// `hit` in any order; `among` has a bit for each host that is compared, hit or not, or is empty for
// all. Fills all of the answer but its pattern and its time.
PatternDiff DifferencesOf(const HostTable& table, std::span<const HostIndex> hit,
                          std::span<const uint64_t> among, WallTime now);

}  // namespace fleetmedic

#endif  // FLEETMEDIC_STREAM_PATTERN_DIFF_H_
