// Keeps the bundles of evidence that agents send, as files, with a retention.
#ifndef FLEETMEDIC_REMEDIATION_EVIDENCE_KEEPER_H_
#define FLEETMEDIC_REMEDIATION_EVIDENCE_KEEPER_H_

#include <deque>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "base/clock.h"
#include "base/metrics.h"
#include "base/role.h"
#include "eventlog/event_log.h"
#include "remediation/query.h"

namespace fleetmedic {

// A role that reads fleetmedic.evidence into FOLDER/HOST/TIME-ID.json; the oldest go first. The
// log's place is kept by the log (a group), after the files it led to. Each process that serves the
// API has a keeper with a folder of its own.
//
// Turn writes to the disk. List, Read and Has are thread-safe.
class EvidenceKeeper final : public Role, public EvidenceBook {
 public:
  struct Options {
    std::string folder;
    size_t bundles_per_host_max = 8;
    int64_t bytes_max = int64_t{256} << 20;  // of all hosts together
    std::string group = "evidence-keeper";
  };

  // Nothing is owned.
  EvidenceKeeper(const Clock* clock, EventLog* log, Metrics* metrics, Options options);
  ~EvidenceKeeper() override;

  std::string_view name() const override { return "evidence"; }
  void Turn(MonoTime now) override;
  MonoTime NextWake() const override { return next_wake_; }

  std::vector<Json> List(const HostId& host) const override;
  Result<std::string> Read(const HostId& host, std::string_view id) const override;
  bool Has(const HostId& host, std::string_view id) const override;

 private:
  struct Kept {
    std::string name;  // of the file: the time it came, in milliseconds, and its id
    std::string id;
    int64_t bytes = 0;
  };

  Status Load();
  Status TakeAll();
  Status Keep(const LogRecord& record);
  void Prune();
  void Drop(const HostId& host);
  std::string PathOf(const HostId& host, const std::string& name) const;

  const Clock* const clock_;
  EventLog* const log_;
  const Options options_;
  MetricCounter kept_count_;
  MetricCounter refused_;
  MetricGauge bytes_gauge_;
  std::unique_ptr<Reader> reader_;
  bool loaded_ = false;
  MonoTime next_wake_{};

  mutable absl::Mutex mutex_;
  std::map<HostId, std::deque<Kept>> kept_ ABSL_GUARDED_BY(mutex_);  // oldest first
  int64_t bytes_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace fleetmedic

#endif  // FLEETMEDIC_REMEDIATION_EVIDENCE_KEEPER_H_
