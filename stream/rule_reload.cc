#include "stream/rule_reload.h"

#include <utility>

#include <fmt/format.h>

#include "base/logging.h"

namespace fleetmedic {

RuleReload::RuleReload(Parts parts)
    : parts_(std::move(parts)), looks_(std::make_shared<Inbox<LookedAt>>(1)) {
  const auto name = [this](std::string_view what) {
    return fmt::format("fleetmedic_{}_rules_{}", parts_.role, what);
  };
  Metrics& metrics = *parts_.metrics;
  reloaded_ =
      metrics.Counter(name("reloads_total"), "Times that changed rules were taken into use.");
  refused_ =
      metrics.Counter(name("refused_total"), "Times that changed rules had errors and were not.");
  stale_ = metrics.Gauge(name("stale"),
                         "1 while the files of rules have errors and older rules are in use.");
}

std::shared_ptr<const RuleSet> RuleReload::Turn(MonoTime now) {
  if (parts_.watch == nullptr) return nullptr;
  std::shared_ptr<const RuleSet> rules;
  for (LookedAt& looked : looks_->TakeAll()) {
    looking_ = false;
    if (!looked) continue;
    stale_.Set(*looked ? 0 : 1);
    if (!*looked) {
      refused_.Add();
      LogError("the rules changed and have errors; those from before stay in use",
               {{"error", looked->error().message}});
      if (parts_.book) parts_.book->Refuse(looked->error().message, parts_.clock->Wall());
      continue;
    }
    rules = **std::move(looked);
    reloaded_.Add();
    LogInfo("changed rules are in use", {{"rules", rules->rules().size()}});
    if (parts_.book) parts_.book->Use(RulesOf(rules));
  }
  if (looking_ || now < look_at_) return rules;
  look_at_ = now + kLookEvery;
  const auto look = [looks = looks_, watch = parts_.watch] { looks->Post(watch->Look()); };
  looking_ = true;
  if (parts_.workers == nullptr) {
    look();
  } else if (!parts_.workers->Submit("look at rules", look)) {
    looking_ = false;  // a queue that is full is asked again
  }
  return rules;
}

void RuleKeeper::Turn(MonoTime now) {
  next_wake_ = now + kPollEvery;
  if (const std::shared_ptr<const RuleSet> rules = reload_.Turn(now)) on_rules_(*rules);
}

}  // namespace fleetmedic
