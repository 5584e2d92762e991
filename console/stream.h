// What changed, as server-sent events: one hub for all streams, and what one stream does.
#ifndef FLEETMEDIC_CONSOLE_STREAM_H_
#define FLEETMEDIC_CONSOLE_STREAM_H_

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "base/clock.h"
#include "base/http.h"
#include "base/metrics.h"
#include "console/api_json.h"
#include "model/pattern_book.h"
#include "remediation/query.h"
#include "store/store.h"

namespace fleetmedic {

// How far back a stream may resume.
struct StreamLimits {
  size_t events_max = 16 * 1024;
  size_t bytes_max = size_t{64} << 20;
};
constexpr Millis kHostEventEvery{250};
constexpr Millis kFreshnessEvery{1000};
// That log patterns or fleet issues changed is told this often at most.
constexpr Millis kPatternsEvery{2000};
constexpr Millis kIssuesEvery{250};
// A host of which only seen_at moved is told again this often.
constexpr Seconds kSeenEvery{30};
constexpr Seconds kBeatEvery{10};
// How often an open stream looks for something new.
constexpr Millis kLookEvery{100};
constexpr size_t kRecentAuditMax = 50;

// Compares each snapshot with what was told before and keeps the differences as events. It has no
// thread: who wants news calls Advance. Thread-safe.
class StreamHub {
 public:
  // `epoch` names this hub in cursors: never the same for two processes. Nothing is owned.
  StreamHub(const RemediatorService& service, const Store& store, ApiView view, std::string epoch,
            Metrics* metrics, StreamLimits limits = {}, const PatternBook* patterns = nullptr);

  // Takes in what is new. Waits for the store only where nobody else does already.
  void Advance(MonoTime now);

  // The newest picture that was taken in, and the cursor from which a stream goes on after it.
  struct Look {
    std::shared_ptr<const FleetSnapshot> snapshot;
    ApiView view;
    std::vector<AuditEntry> recent;  // newest first, without their detail
    std::string cursor;
  };
  // Requires Advance.
  Look Newest() const;

  struct Batch {
    std::string text;    // whole events, each with its id; may be empty
    uint64_t seq = 0;    // what they lead to
    bool reset = false;  // `after` is not kept any more, or was never given out
    bool more = false;
  };
  // At most events_max events after `after`, superseded ones left out.
  Batch After(uint64_t after, size_t events_max) const;

  // The sequence of a cursor of this hub; nothing for any other text.
  std::optional<uint64_t> ParseCursor(std::string_view cursor) const;
  std::string Cursor(uint64_t seq) const;
  uint64_t head() const;

 private:
  struct Event {
    uint64_t seq = 0;
    std::string key;   // of two events with one key the later says all; empty: each counts
    std::string text;  // "event: ...\ndata: ...\n\n"; empty where a later one says all
  };
  // What was told of a host last.
  struct Told {
    HostRecordPtr record;
    bool silent = false;
    size_t digest = 0;  // of what was told, but for seen_at
    MonoTime at{};
  };

  void ReadAudit(MonoTime now);
  void TakeSnapshot(MonoTime now) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void CompareHosts(MonoTime now, bool tell) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void TakePatterns(MonoTime now, bool tell) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void TellIfNew(std::string_view event, const Json& body, bool tell)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Push(std::string_view event, std::string key, std::string_view data)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const RemediatorService& service_;
  const Store& store_;
  const std::string epoch_;
  const StreamLimits limits_;
  const PatternBook* const patterns_;  // or null
  MetricCounter audit_errors_;

  // Held over a read of the store; nobody waits for it.
  absl::Mutex audit_mutex_ ABSL_ACQUIRED_BEFORE(mutex_);
  bool audit_begun_ ABSL_GUARDED_BY(audit_mutex_) = false;
  uint64_t audit_seq_ ABSL_GUARDED_BY(audit_mutex_) = 0;
  MonoTime next_audit_ ABSL_GUARDED_BY(audit_mutex_){};

  mutable absl::Mutex mutex_;
  ApiView view_ ABSL_GUARDED_BY(mutex_);
  std::string trouble_ ABSL_GUARDED_BY(mutex_);
  std::shared_ptr<const FleetSnapshot> snapshot_ ABSL_GUARDED_BY(mutex_);
  bool hosts_waiting_ ABSL_GUARDED_BY(mutex_) = false;  // for kHostEventEvery to pass
  // The snapshot whose freshness was told last: it is told once in kFreshnessEvery.
  std::shared_ptr<const FleetSnapshot> freshness_of_ ABSL_GUARDED_BY(mutex_);
  MonoTime next_freshness_ ABSL_GUARDED_BY(mutex_){};
  MonoTime next_patterns_ ABSL_GUARDED_BY(mutex_){};
  MonoTime next_issues_ ABSL_GUARDED_BY(mutex_){};
  std::map<HostId, Told> told_ ABSL_GUARDED_BY(mutex_);
  std::map<std::string, std::string, std::less<>> bodies_ ABSL_GUARDED_BY(mutex_);
  std::deque<AuditEntry> recent_ ABSL_GUARDED_BY(mutex_);
  uint64_t head_ ABSL_GUARDED_BY(mutex_) = 0;
  std::deque<Event> events_ ABSL_GUARDED_BY(mutex_);
  size_t bytes_ ABSL_GUARDED_BY(mutex_) = 0;  // of their texts
  std::map<std::string, uint64_t, std::less<>> newest_ ABSL_GUARDED_BY(mutex_);
};

// One stream, until the client or the server ends it. `cursor`: where it goes on; empty: from now.
// Begins with a beat, or with a reset where the cursor cannot be resumed.
void RunStream(StreamHub* hub, const Clock& clock, std::string_view cursor, HttpStream* stream);

}  // namespace fleetmedic

#endif  // FLEETMEDIC_CONSOLE_STREAM_H_
