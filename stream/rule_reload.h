// Rules that change while a role runs: their files are looked at now and then, off its thread.
#ifndef FLEETMEDIC_STREAM_RULE_RELOAD_H_
#define FLEETMEDIC_STREAM_RULE_RELOAD_H_

#include <functional>
#include <memory>
#include <optional>
#include <string_view>

#include "base/clock.h"
#include "base/inbox.h"
#include "base/metrics.h"
#include "base/role.h"
#include "base/workers.h"
#include "config/rule_book.h"
#include "stream/rule_watch.h"

namespace fleetmedic {

// The set's rules, which keep it alive.
inline std::shared_ptr<const std::vector<Rule>> RulesOf(const std::shared_ptr<const RuleSet>& set) {
  return {set, &set->rules()};
}

// Owned by one thread.
class RuleReload {
 public:
  // The files are looked at so often.
  static constexpr Millis kLookEvery = Seconds(2);

  // Not owned; stays as long as this.
  struct Parts {
    const Clock* clock = nullptr;
    Metrics* metrics = nullptr;
    std::string_view role;             // whose metrics they are
    std::shared_ptr<RuleWatch> watch;  // null: rules do not change
    Workers* workers = nullptr;        // for what takes longer than a turn may; null: in the turn
    std::shared_ptr<RuleBook> book;    // told of what is in use and what is refused; or null
  };

  explicit RuleReload(Parts parts);

  // Rules that are to be used from now on; null where there are none. Such as are refused change
  // nothing, and are told: in the log, by a metric and in the book.
  std::shared_ptr<const RuleSet> Turn(MonoTime now);

 private:
  using LookedAt = std::optional<Result<std::shared_ptr<const RuleSet>>>;

  const Parts parts_;
  const std::shared_ptr<Inbox<LookedAt>> looks_;
  bool looking_ = false;
  MonoTime look_at_{};
  MetricCounter reloaded_;
  MetricCounter refused_;
  MetricGauge stale_;
};

// The same as a role, for a process that uses rules and matches no line.
class RuleKeeper final : public Role {
 public:
  static constexpr Millis kPollEvery = Seconds(1);

  // `on_rules` is told of new rules on the role's thread.
  RuleKeeper(RuleReload::Parts parts, std::function<void(const RuleSet&)> on_rules)
      : reload_(std::move(parts)), on_rules_(std::move(on_rules)) {}

  std::string_view name() const override { return "rules"; }
  void Turn(MonoTime now) override;
  MonoTime NextWake() const override { return next_wake_; }

 private:
  RuleReload reload_;
  const std::function<void(const RuleSet&)> on_rules_;
  MonoTime next_wake_{};
};

}  // namespace fleetmedic

#endif  // FLEETMEDIC_STREAM_RULE_RELOAD_H_
