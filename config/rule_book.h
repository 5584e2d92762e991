// The rules in use: between who reads their files and who shows them.
#ifndef FLEETMEDIC_CONFIG_RULE_BOOK_H_
#define FLEETMEDIC_CONFIG_RULE_BOOK_H_

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "base/time.h"
#include "config/rule.h"

namespace fleetmedic {

// Thread-safe.
class RuleBook {
 public:
  struct Look {
    std::shared_ptr<const std::vector<Rule>> rules;  // never null
    // Why the files are not what is in use, with each place, and since when; empty where they are.
    std::string refused;
    WallTime refused_at = kWallNever;
  };

  explicit RuleBook(std::shared_ptr<const std::vector<Rule>> rules) {
    look_.rules = std::move(rules);
  }

  void Use(std::shared_ptr<const std::vector<Rule>> rules) {
    absl::MutexLock lock(&mutex_);
    look_ = {.rules = std::move(rules)};
  }
  // The files changed and have errors: what is in use stays.
  void Refuse(std::string why, WallTime at) {
    absl::MutexLock lock(&mutex_);
    look_.refused = std::move(why);
    look_.refused_at = at;
  }
  Look Now() const {
    absl::MutexLock lock(&mutex_);
    return look_;
  }

 private:
  mutable absl::Mutex mutex_;
  Look look_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace fleetmedic

#endif  // FLEETMEDIC_CONFIG_RULE_BOOK_H_
