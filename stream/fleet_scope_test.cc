#include "stream/fleet_scope.h"

#include <vector>

#include <gtest/gtest.h>

namespace fleetmedic {
namespace {

constexpr uint32_t kHosts = 1200;

// 2 cells of 3 zones each of 5 racks each of 40 hosts; a kernel on every 13th host, another on the
// rest; an image on the same hosts as the kernel.
class Fleet {
 public:
  Fleet() : columns_(5, std::vector<uint32_t>(kHosts)) {
    for (uint32_t host = 0; host < kHosts; ++host) {
      columns_[0][host] = 1 + host / 600;
      columns_[1][host] = 1 + host / 200;
      columns_[2][host] = 1 + host / 40;
      columns_[3][host] = host % 13 == 0 ? 2 : 1;
      columns_[4][host] = host % 13 == 0 ? 9 : 4;
    }
    const char* names[] = {"cell", "zone", "rack", "kernel", "image"};
    for (size_t f = 0; f < columns_.size(); ++f) facts_.push_back({names[f], columns_[f], 100});
  }

  FleetScope Scope(const std::vector<uint32_t>& affected, double usual = 0) const {
    return SmallestScope(facts_, affected, kHosts, usual);
  }
  std::string Text(const std::vector<uint32_t>& affected, double usual = 0) const {
    const FleetScope scope = Scope(affected, usual);
    return scope.fact ? std::string(facts_[*scope.fact].name) + " " + std::to_string(scope.value)
                      : "fleet";
  }

 private:
  std::vector<std::vector<uint32_t>> columns_;
  std::vector<FactColumn> facts_;
};

std::vector<uint32_t> Every(uint32_t step, uint32_t from, uint32_t to) {
  std::vector<uint32_t> hosts;
  for (uint32_t host = from; host < to; host += step) hosts.push_back(host);
  return hosts;
}

TEST(FleetScope, IsTheSmallestPartThatHoldsNearlyAll) {
  const Fleet fleet;
  EXPECT_EQ(fleet.Text(Every(7, 0, kHosts)), "fleet");
  EXPECT_EQ(fleet.Text(Every(7, 0, 600)), "cell 1");
  EXPECT_EQ(fleet.Text(Every(7, 200, 400)), "zone 2");
  EXPECT_EQ(fleet.Text(Every(5, 40, 80)), "rack 2");
  EXPECT_EQ(fleet.Text(Every(13, 0, kHosts)), "kernel 2") << "of two same sets the first fact";
}

TEST(FleetScope, CountsWhatItHolds) {
  const FleetScope scope = Fleet().Scope(Every(5, 40, 80));
  EXPECT_EQ(scope.hosts, 40u);
  EXPECT_EQ(scope.affected, 8u);
  const FleetScope all = Fleet().Scope(Every(7, 0, kHosts));
  EXPECT_EQ(all.hosts, kHosts);
  EXPECT_FALSE(all.fact.has_value());
}

TEST(FleetScope, BearsATenthOfHostsThatHaveNothingToDoWithIt) {
  std::vector<uint32_t> hosts = Every(4, 200, 400);
  for (const uint32_t host : {3u, 701u, 900u, 1100u}) hosts.push_back(host);
  EXPECT_EQ(Fleet().Text(hosts), "zone 2");
  for (const uint32_t host : {30u, 711u, 910u, 1110u}) hosts.push_back(host);
  EXPECT_EQ(Fleet().Text(hosts), "fleet");
}

TEST(FleetScope, LeavesOutTheHostsThatAreHitAnyway) {
  std::vector<uint32_t> hosts = Every(4, 200, 400);  // 50
  for (uint32_t i = 0; i < 25; ++i) hosts.push_back((i * 47 + 601) % kHosts);
  EXPECT_EQ(Fleet().Text(hosts), "fleet");
  EXPECT_EQ(Fleet().Text(hosts, 25), "zone 2");
}

TEST(FleetScope, AValueOfNearlyAllHostsOrAnAccidentOfFewExplainsNothing) {
  const Fleet fleet;
  // All run kernel 1, as 12 hosts of 13 do.
  EXPECT_EQ(fleet.Text({1, 250, 501, 702, 903, 1150}), "fleet");
  // Four hosts in one cell of two.
  EXPECT_EQ(fleet.Text({1, 250, 501, 560}), "fleet");
  EXPECT_EQ(fleet.Text({}), "fleet");
}

}  // namespace
}  // namespace fleetmedic
