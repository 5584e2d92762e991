// `get hosts -w` and `get audit -w`: the list, then each change as the server tells it. A lost
// connection is made again and resumes where it was; Ctrl-C ends the watch.
#ifndef FLEETMEDIC_APP_CLI_WATCH_H_
#define FLEETMEDIC_APP_CLI_WATCH_H_

#include <map>
#include <set>
#include <string>
#include <vector>

#include "app/cli/api_client.h"
#include "app/cli/render.h"
#include "app/cli/sse.h"
#include "app/cli/terminal.h"

namespace fleetmedic::cli {

// One thread; for one run.
class Watch {
 public:
  static constexpr Seconds kBackoffMin{1};
  static constexpr Seconds kBackoffMax{15};

  // `resource` is kHosts or kAudit. `name` is the one host to show, or empty; `selector` is as it
  // was typed, or empty. Nothing is owned.
  Watch(Resource resource, std::string name, std::string selector, const Invocation& call,
        const ApiClient* client, const Terminal* terminal);

  // Until cancelled (130), --timeout (8), or a failure that another try cannot mend. `items` were
  // printed already.
  int Run(std::span<const Json> items);

 private:
  // Reads /state for the cursor and shows what changed since. Needed first, and after a reset.
  Answer<void> Catch();
  Answer<void> ShowMissed();
  Answer<void> Follow();
  bool Take(const ServerSentEvent& event);
  void Show(const Json& item);
  bool Wanted(const std::string& host);
  bool Wait(Micros duration) const;
  std::string HostsTarget() const;

  const Resource resource_;
  const std::string name_;
  const std::string selector_;
  const Invocation& call_;
  const ApiClient* const client_;
  const Terminal* const terminal_;
  const MonoTime deadline_;
  std::vector<size_t> widths_;
  std::string cursor_;                 // empty: /state must be read
  std::map<std::string, Json> shown_;  // hosts, as they were printed last
  std::set<std::string> chosen_;       // hosts that the selector covers
  std::set<std::string> not_chosen_;   // and those it was asked for and does not
  int64_t audit_seq_ = -1;             // the newest printed entry
  Micros backoff_ = kBackoffMin;
  bool reset_at_once_ = false;  // the state was read again, and the stream has told nothing since
};

}  // namespace fleetmedic::cli

#endif  // FLEETMEDIC_APP_CLI_WATCH_H_
