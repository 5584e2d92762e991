// Files of rules that may change while the stream runs.
#ifndef FLEETMEDIC_STREAM_RULE_WATCH_H_
#define FLEETMEDIC_STREAM_RULE_WATCH_H_

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "stream/candidate_cache.h"
#include "stream/rule_set.h"

namespace fleetmedic {

// Not thread-safe; Look is called by one thread at a time, whichever.
class RuleWatch {
 public:
  // Of these files and folders of *.toml, as they are now: what is in use was read from them.
  RuleWatch(std::vector<std::string> paths, std::optional<CandidateCache> cache);

  // Null where no name, size or time of change is another than at the last look. Else the rules
  // that the files have now, or, in the words of `fleetmedic rules check`, why they are not to be
  // used: what is in use then goes on. Blocks on the disk and, for rules that are new, for the
  // compiler; a thousand take about a second and a half.
  std::optional<Result<std::shared_ptr<const RuleSet>>> Look();

 private:
  // What a change of the files changes.
  std::string Appearance() const;

  const std::vector<std::string> paths_;
  const std::optional<CandidateCache> cache_;
  std::string appearance_;
};

}  // namespace fleetmedic

#endif  // FLEETMEDIC_STREAM_RULE_WATCH_H_
