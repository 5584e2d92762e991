// The templates of one reader of the logs: mined as lines come, told with their counts, and kept
// for the next process.
#ifndef FLEETMEDIC_STREAM_TEMPLATE_BOOK_H_
#define FLEETMEDIC_STREAM_TEMPLATE_BOOK_H_

#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "base/metrics.h"
#include "model/log_frame.h"
#include "model/pattern_count.h"
#include "store/store.h"
#include "stream/template_miner.h"

namespace fleetmedic {

// Owned by one thread. Without a store, and while another process holds its lease, templates are
// mined all the same: their identities come from their words, so only what was counted is lost.
class TemplateBook {
 public:
  struct Parts {
    Metrics* metrics = nullptr;
    std::unique_ptr<Store> store;  // or null
    std::string owner;             // of the lease; no two processes have the same
    Millis lease_ttl = Seconds(10);
    TemplateLimits limits;
  };
  // Templates are written so often, and so many at once.
  static constexpr Millis kKeptEvery = Minutes(5);
  static constexpr size_t kKeptPerTurn = 2000;

  explicit TemplateBook(Parts parts);
  ~TemplateBook();  // gives the lease back

  // Keeps what changed when it is due; what a predecessor kept is read first.
  void Turn(MonoTime now);

  // The lines that follow are of this frame, read at `at`. It stays until the next call.
  void Begin(const LogFrame& frame, WallTime at);
  // The template of a line that no rule matched.
  TemplateRef Add(std::string_view line, uint64_t times);

  // What is told of a template with its counts: its text, the values that its variables had since
  // it was told before, and its aliases where they are others than then.
  void Describe(PatternCount* count);
  std::string Text(uint64_t id) const;
  // Templates that go by another identifier now.
  std::vector<std::pair<uint64_t, uint64_t>> TakeMerges() { return miner_.TakeMerges(); }

  const TemplateMiner& miner() const { return miner_; }

 private:
  bool Lead(MonoTime now);
  void StepDown();
  Status Load();
  Status Keep();
  void TellAliases(const MinedTemplate& mined, PatternCount* count);
  void Show();

  const std::unique_ptr<Store> store_;
  const std::string owner_;
  const Millis lease_ttl_;
  TemplateMiner miner_;
  LineOrigin origin_;
  // Values that were told, by template, variable and value: what came since is what is told next.
  absl::flat_hash_map<uint64_t, std::vector<PatternVariable>> told_;
  absl::flat_hash_map<uint64_t, std::vector<uint64_t>> told_aliases_;  // of those that have any

  std::optional<Lease> lease_;
  MonoTime lease_due_{};
  bool loaded_ = false;
  bool has_led_ = false;
  MonoTime kept_due_{};
  uint64_t kept_change_ = 0;
  std::deque<MinedTemplate> to_keep_;
  absl::flat_hash_set<uint64_t> kept_;

  MetricGauge templates_;
  MetricGauge bytes_;
  MetricCounter lines_;
  MetricCounter born_;
  MetricCounter evicted_;
  TemplateMiner::Stats shown_;
};

}  // namespace fleetmedic

#endif  // FLEETMEDIC_STREAM_TEMPLATE_BOOK_H_
