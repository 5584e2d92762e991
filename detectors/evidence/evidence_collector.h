// Collects a bundle of bounded size in bounded time: each source has its own deadline, and one that
// hangs is skipped and named.
#ifndef FLEETMEDIC_DETECTORS_EVIDENCE_EVIDENCE_COLLECTOR_H_
#define FLEETMEDIC_DETECTORS_EVIDENCE_EVIDENCE_COLLECTOR_H_

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/workers.h"
#include "detectors/runner.h"
#include "model/evidence_bundle.h"

namespace fleetmedic {

// `read` may be left hanging, and must then touch nothing that others own: it holds by value, or
// shared, what it needs. kNotFound and kUnsupported: this host has no such thing.
struct EvidenceSource {
  std::string name;
  std::function<Result<std::string>(MonoTime deadline)> read;
};

// Owned by one thread, which Collect blocks.
class EvidenceCollector {
 public:
  struct Options {
    HostId host;
    Millis source_deadline = Seconds(2);
    Millis bundle_deadline = Seconds(8);  // less than RemediatorConfig::evidence_wait
  };

  EvidenceCollector(const Clock* clock, MakeWorkers make_workers, Options options,
                    std::vector<EvidenceSource> sources);
  EvidenceCollector(const EvidenceCollector&) = delete;
  EvidenceCollector& operator=(const EvidenceCollector&) = delete;
  // Does not wait for a source that hangs: its thread is left to itself.
  ~EvidenceCollector();

  EvidenceBundle Collect(const EvidenceRequest& request, std::string boot_id);
  // Thread-safe: sources that are not begun yet are skipped from now on.
  void Interrupt() { interrupted_ = true; }

 private:
  struct Look;

  EvidencePart CollectPart(const EvidenceSource& source, MonoTime deadline);

  const Clock* const clock_;
  const MakeWorkers make_workers_;
  const Options options_;
  const std::vector<EvidenceSource> sources_;
  std::map<std::string, std::unique_ptr<Look>> hanging_;
  std::atomic<bool> interrupted_{false};
};

// The text as it goes into a part: what no terminal should get is '?', and of one that is too long
// the end stays, for that is the newest.
void FitText(std::string text, size_t bytes_max, EvidencePart* part);

}  // namespace fleetmedic

#endif  // FLEETMEDIC_DETECTORS_EVIDENCE_EVIDENCE_COLLECTOR_H_
