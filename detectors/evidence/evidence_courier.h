// Answers the commands that ask this host for a bundle of evidence.
#ifndef FLEETMEDIC_DETECTORS_EVIDENCE_EVIDENCE_COURIER_H_
#define FLEETMEDIC_DETECTORS_EVIDENCE_EVIDENCE_COURIER_H_

#include <functional>
#include <memory>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "base/clock.h"
#include "detectors/evidence/evidence_collector.h"
#include "eventlog/event_log.h"

namespace fleetmedic {

// Cycle is called by one thread at a time, on a worker, and blocks for as long as a bundle takes.
// Commands that were written before the agent started are not answered: what they wanted to see is
// over, and who asked waits a bounded time.
class EvidenceCourier {
 public:
  // An older request is passed over; by the host's clock.
  static constexpr Millis kRequestAgeMax = Minutes(5);

  // `send` takes the record of a bundle; called within Cycle.
  EvidenceCourier(const Clock* clock, EventLog* log, HostId host,
                  std::unique_ptr<EvidenceCollector> collector,
                  std::function<void(Record record)> send);

  // Reads what came, and answers at most one request. True when there may be more.
  bool Cycle();

  // Thread-safe: lets a Cycle that collects end early.
  void Interrupt() { collector_->Interrupt(); }
  // Thread-safe: for bundles from now on.
  void SetBoot(std::string boot_id);

 private:
  bool ReadCommands();
  void TakeCommand(const LogRecord& record);

  const Clock* const clock_;
  EventLog* const log_;
  const HostId host_;
  const std::unique_ptr<EvidenceCollector> collector_;
  const std::function<void(Record)> send_;
  std::unique_ptr<Reader> reader_;
  bool skip_to_head_ = true;
  bool told_ = false;  // that the log cannot be read
  std::vector<EvidenceRequest> waiting_;

  absl::Mutex mutex_;
  std::string boot_id_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace fleetmedic

#endif  // FLEETMEDIC_DETECTORS_EVIDENCE_EVIDENCE_COURIER_H_
