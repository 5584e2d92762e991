// Code on the host that looks at one subsystem.
#ifndef FLEETMEDIC_DETECTORS_DETECTOR_H_
#define FLEETMEDIC_DETECTORS_DETECTOR_H_

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "model/condition.h"

namespace fleetmedic {

// name, types and interval are constant and may be called from any thread. Supported and Probe are
// called by one thread at a time, the detector's own worker: a detector needs no lock.
class Detector {
 public:
  virtual ~Detector() = default;

  // Lower case, stable: the `detector` of its health events.
  virtual std::string_view name() const = 0;

  // The condition types that it can tell of, all from ConditionTypes() but those of custom checks,
  // which the config names. When it cannot be asked,
  // these are what is unknown.
  virtual std::vector<std::string> types() const = 0;

  // False where the host has no such subsystem: nothing is reported, and it is asked again at the
  // next interval.
  virtual bool Supported() const = 0;

  // From the start of one probe to the start of the next.
  virtual Millis interval() const = 0;

  // How long a look may take; 0: agent.probe_deadline.
  virtual Millis probe_deadline() const { return Millis(0); }

  // One bounded look: all that holds now, replacing what it said before; it leaves `since` to the
  // reporter. It should be back by `deadline`; one that is not is told of as unknown by the runner.
  // An error means "could not tell" and is reported as unknown, never as bad.
  virtual Result<std::vector<Condition>> Probe(MonoTime deadline) = 0;
};

}  // namespace fleetmedic

#endif  // FLEETMEDIC_DETECTORS_DETECTOR_H_
