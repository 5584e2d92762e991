// For the tests of detectors: a host as a folder of files, and what a detector says of it.
#ifndef FLEETMEDIC_DETECTORS_FIXTURE_HOST_H_
#define FLEETMEDIC_DETECTORS_FIXTURE_HOST_H_

#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "base/clock.h"
#include "base/file.h"
#include "config/host_config.h"
#include "model/condition.h"

namespace fleetmedic {

std::vector<Condition> NotOk(const std::vector<Condition>& conditions);

class FixtureHostTest : public testing::Test {
 protected:
  // An empty host, or a copy of the files below `recorded`, a path from the top of the tree.
  explicit FixtureHostTest(const std::string& recorded = "");

  // `path` is below the host's root; its folders are made.
  void Put(const std::string& path, std::string_view text);
  std::string Get(const std::string& path);

  TempFolder folder_;
  SimulatedClock clock_;
  HostConfig host_;  // its root is the folder
};

}  // namespace fleetmedic

#endif  // FLEETMEDIC_DETECTORS_FIXTURE_HOST_H_
