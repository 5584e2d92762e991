#include "stream/generated_fleet.h"

#include <array>
#include <cmath>
#include <set>
#include <string>
#include <vector>

namespace fleetmedic {
namespace {

// The lower numbers far more often: of 10 values the first has about a third.
uint64_t Skewed(uint64_t values, Random* random) {
  const double end = std::log(static_cast<double>(values) + 1);
  return static_cast<uint64_t>(std::exp(random->Unit() * end) - 1) % values;
}

std::string Named(const char* prefix, uint64_t number) { return prefix + std::to_string(number); }

// Labels that hang on nothing: key and number of values.
struct FreeLabel {
  const char* key;
  uint64_t values;
};
constexpr std::array<FreeLabel, 12> kFreeLabels = {{{"team", 25},
                                                    {"tenant", 40},
                                                    {"bios", 15},
                                                    {"disk_firmware", 20},
                                                    {"docker", 9},
                                                    {"containerd", 8},
                                                    {"puppet_env", 4},
                                                    {"canary", 2},
                                                    {"role", 12},
                                                    {"warranty", 8},
                                                    {"monitoring", 5},
                                                    {"patch_group", 24}}};

HostFacts FactsOf(int i, const GeneratedFleetOptions& options, WallTime now, Random* random) {
  HostFacts facts;
  facts.host = HostId(Named("host-", static_cast<uint64_t>(i)));
  const uint64_t rack = random->Below(static_cast<uint64_t>(options.racks));
  const uint64_t row = rack / 8;
  facts.rack = Named("r", rack);
  facts.zone = Named("zone-", row % 6);
  facts.cell = Named("cell-", row % 3);
  const uint64_t pool = Skewed(12, random);
  facts.pool = Named("pool-", pool);
  const uint64_t type = random->Chance(0.7) ? pool % 18 : Skewed(18, random);
  facts.instance_type = Named("type-", type);
  const uint64_t image = random->Chance(0.5) ? pool % 5 : Skewed(20, random);
  facts.image = Named("ami-", image);
  facts.kernel = Named("6.1.", random->Chance(0.02) ? Skewed(12, random) : image % 12);
  facts.agent_version = Named("1.", Skewed(6, random));
  facts.booted_at = now - Hours(24 + random->Below(2000));
  auto& labels = facts.labels;
  labels["row"] = Named("row-", row);
  labels["power"] = Named("feed-", rack / 4);
  labels["tor"] = Named("tor-", rack / 2);
  labels["rack_sku"] = Named("sku-", row % 7);
  labels["cpu"] = Named("cpu-", type % 10);
  labels["nic"] = Named("nic-", random->Chance(0.95) ? type % 8 : random->Below(8));
  labels["disk"] = Named("disk-", random->Chance(0.8) ? type % 14 : random->Below(14));
  labels["os"] = Named("debian-", image % 4);
  if (pool == 3 || pool == 7) labels["gpu_driver"] = Named("535.", Skewed(6, random));
  for (const FreeLabel& label : kFreeLabels) {
    if (random->Chance(0.95)) labels[label.key] = Named("v", Skewed(label.values, random));
  }
  return facts;
}

std::set<std::string> WorkOf(uint64_t pool, Random* random) {
  std::set<std::string> work;
  for (uint64_t n = random->Below(8); n > 0; --n) {
    const uint64_t job = random->Chance(0.6) ? pool * 4 + Skewed(4, random) : Skewed(60, random);
    work.insert(Named("job=job-", job));
    work.insert(Named("task_image=registry/job-", job) + ":" +
                std::to_string(random->Chance(0.9) ? 7 : 8));
  }
  return work;
}

}  // namespace

HostTable GenerateFleet(const GeneratedFleetOptions& options, WallTime now, Random* random) {
  HostTable table;
  for (int i = 0; i < options.hosts; ++i) {
    HostFacts facts = FactsOf(i, options, now, random);
    const uint64_t pool = std::stoul(facts.pool.substr(5));
    table.SetFacts(facts, now - Hours(2));
    if (options.has_work) table.SetWork(facts.host, WorkOf(pool, random), now - Hours(2));
    const WallTime at = now - Minutes(1 + random->Below(58));
    if (random->Chance(options.changed_share)) {
      facts.kernel = Named("6.6.", std::stoul(facts.image.substr(4)) % 3);
      facts.booted_at = at;
      table.SetFacts(facts, at);
    }
    if (options.has_work && random->Chance(options.changed_share)) {
      table.SetWork(facts.host, WorkOf(pool, random), at);
    }
  }
  return table;
}

}  // namespace fleetmedic
