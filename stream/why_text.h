// The why in words that read well at three in the morning. What hosts told of themselves stands in
// it cut and made visible (base/text.h): it can neither hide nor colour what stands around it.
// Pure.
#ifndef FLEETMEDIC_STREAM_WHY_TEXT_H_
#define FLEETMEDIC_STREAM_WHY_TEXT_H_

#include <string>
#include <vector>

#include "model/fleet_issue.h"
#include "stream/attribution.h"

namespace fleetmedic {

// "kernel 6.1.99", "job web started in the last hour", "kernel 6.1.99 and pool web".
std::string FactsText(const WhyFacts& facts);

// "41 of 41 hit run kernel 6.1.99 (≡ image ami-x); 0 of 3,959 others do. Kernel changed from 6.1.98
// around 02:13 UTC, 17 min before the hits."
std::string CauseText(const WhyCause& cause);

// All of it, for an issue's `why`: the first two causes, how many hosts further ones explain and
// how many none does. Where there is no cause, that; and why not, where there was nothing to
// compare. Never empty.
std::string WhyText(const Why& why);

// The causes for an issue, each with its sentence; within the limits of model/fleet_issue.h.
std::vector<IssueCause> IssueCauses(const Why& why);

}  // namespace fleetmedic

#endif  // FLEETMEDIC_STREAM_WHY_TEXT_H_
