// The demo's story, told by the machine to itself: each step has an upper bound, and a report says
// what was measured.
#ifndef FLEETMEDIC_APP_DEMO_DEMO_PLAY_H_
#define FLEETMEDIC_APP_DEMO_DEMO_PLAY_H_

#include <iosfwd>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/http_client.h"

namespace fleetmedic {

// One checked step of the story.
struct PlayStep {
  std::string name;
  bool ok = false;
  Millis took{0};
  Millis bound{0};
  std::string detail;  // what was seen, or what was missing
};

struct PlayReport {
  std::vector<PlayStep> steps;
  bool ok() const;
};
Json ToJson(const PlayReport& report);
// One page for people.
std::string PlayText(const PlayReport& report);

// One host falls sick, then five; the others must be able to take the tasks.
constexpr int kDemoPlayHostsMin = 9;

struct PlayOptions {
  std::string self;       // this program
  std::string state_dir;  // empty: a temporary folder, removed at the end
  int hosts = 12;
  std::ostream* talk = nullptr;  // progress, one line a step
  const Clock* clock = nullptr;
};

// Starts `fleetmedic up --demo-hosts` as a child of its own, on a free port and in a folder of its
// own, plays, and ends it. An error: the story could not begin.
Result<PlayReport> PlayDemo(const PlayOptions& options);

}  // namespace fleetmedic

#endif  // FLEETMEDIC_APP_DEMO_DEMO_PLAY_H_
