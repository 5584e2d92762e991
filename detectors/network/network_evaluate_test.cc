#include "detectors/network/network_evaluate.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "detectors/condition_types.h"
#include "detectors/network/network_detector.h"

namespace fleetmedic {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

NetworkLink Device(int index, const std::string& name) {
  NetworkLink link;
  link.index = index;
  link.name = name;
  link.mac = "02:00:00:00:00:0" + std::to_string(index);
  link.mtu = 9001;
  link.ethernet = link.admin_up = link.carrier = true;
  link.carrier_changes = 2;
  link.counters = LinkCounters();
  return link;
}

// eth0 with the default route, eth1 without, and a container's veth.
NetworkSample Healthy() {
  NetworkSample sample;
  sample.at = MonoTime(Hours(1));
  NetworkLink veth = Device(9, "veth9");
  veth.kind = "veth";
  sample.tables.links = {Device(2, "eth0"), Device(3, "eth1"), veth};
  sample.tables.addresses = {{2, false, true, "10.0.0.5", 24}, {3, false, true, "10.0.1.5", 24}};
  sample.tables.default_routes = {{false, NetworkTables::kMainTable, {2}}};
  return sample;
}

NetworkLink* Find(NetworkSample* sample, const std::string& name) {
  return &*std::ranges::find(sample->tables.links, name, &NetworkLink::name);
}
void Expect(NetworkSample* sample, ExpectedInterface interface) {
  sample->expected.emplace(1, std::move(interface));
}
void Remove(NetworkSample* sample, const std::string& name) {
  std::erase_if(sample->tables.links, [&](const NetworkLink& link) { return link.name == name; });
}

struct NetworkCase {
  const char* sentence;
  std::function<void(NetworkThresholds*)> configure;
  std::function<void(NetworkSample*)> change;  // of the second look, ten seconds later
  const char* type;
  const char* unit;
  Verdict verdict;
  Severity severity;
};

void Check(std::span<const NetworkCase> cases) {
  for (const NetworkCase& c : cases) {
    NetworkThresholds thresholds;
    if (c.configure) c.configure(&thresholds);
    NetworkHistory history(Minutes(5));
    history.Add(Healthy(), thresholds, true);
    NetworkSample sample = Healthy();
    sample.at += Seconds(10);
    if (c.change) c.change(&sample);
    history.Add(sample, thresholds, true);
    int found = 0;
    for (const Condition& condition : EvaluateNetwork(sample, history, thresholds)) {
      if (condition.type != c.type) continue;
      ++found;
      EXPECT_EQ(condition.unit, c.unit) << c.sentence << ": " << condition.message;
      EXPECT_EQ(condition.verdict, c.verdict) << c.sentence << ": " << condition.message;
      EXPECT_EQ(condition.severity, c.severity) << c.sentence << ": " << condition.message;
    }
    EXPECT_EQ(found, 1) << c.sentence;
  }
}

TEST(EvaluateNetworkTest, TellsOfInterfacesThatAreLostOrDown) {
  const NetworkCase cases[] = {
      {"all there is fine", {}, {}, "InterfaceLost", "", Verdict::kOk, Severity::kHard},
      {"losing the way out is hard",
       {},
       [](NetworkSample* s) { Remove(s, "eth0"); },
       "InterfaceLost",
       "eth0",
       Verdict::kBad,
       Severity::kHard},
      {"losing one of two ways out is told and no more",
       {},
       [](NetworkSample* s) {
         Remove(s, "eth0");
         s->tables.default_routes = {{false, NetworkTables::kMainTable, {3}}};
       },
       "InterfaceLost",
       "eth0",
       Verdict::kBad,
       Severity::kInfo},
      {"losing another device is told and no more",
       {},
       [](NetworkSample* s) { Remove(s, "eth1"); },
       "InterfaceLost",
       "eth1",
       Verdict::kBad,
       Severity::kInfo},
      {"losing one that the config names is hard",
       [](NetworkThresholds* t) { t->interfaces = {"eth*"}; },
       [](NetworkSample* s) { Remove(s, "eth1"); }, "InterfaceLost", "eth1", Verdict::kBad,
       Severity::kHard},
      {"losing one that the metadata says is attached is hard",
       {},
       [](NetworkSample* s) {
         Remove(s, "eth1");
         Expect(s, {.mac = "02:00:00:00:00:03"});
       },
       "InterfaceLost",
       "eth1",
       Verdict::kBad,
       Severity::kHard},
      {"one that the metadata says is detached is not missed",
       {},
       [](NetworkSample* s) {
         Remove(s, "eth1");
         Expect(s, {.mac = "02:00:00:00:00:02", .ipv4s = {"10.0.0.5"}});
       },
       "InterfaceLost",
       "",
       Verdict::kOk,
       Severity::kHard},
      {"a container's end is not missed",
       {},
       [](NetworkSample* s) { Remove(s, "veth9"); },
       "InterfaceLost",
       "",
       Verdict::kOk,
       Severity::kHard},
      {"a new name is no loss",
       {},
       [](NetworkSample* s) { Find(s, "eth0")->name = "ens5"; },
       "InterfaceLost",
       "",
       Verdict::kOk,
       Severity::kHard},
      {"one that comes back under a new name is no loss",
       {},
       [](NetworkSample* s) {
         Find(s, "eth1")->index = 17;
         Find(s, "eth1")->name = "eth2";
       },
       "InterfaceLost",
       "",
       Verdict::kOk,
       Severity::kHard},
      {"a name of the config that was never there is hard",
       [](NetworkThresholds* t) { t->interfaces = {"eth7"}; },
       {},
       "InterfaceLost",
       "eth7",
       Verdict::kBad,
       Severity::kHard},
      {"a glob of the config asks for none",
       [](NetworkThresholds* t) { t->interfaces = {"ens*"}; },
       {},
       "InterfaceLost",
       "",
       Verdict::kOk,
       Severity::kHard},
      {"what is ignored is not missed", [](NetworkThresholds* t) { t->ignore = {"eth0"}; },
       [](NetworkSample* s) { Remove(s, "eth0"); }, "InterfaceLost", "", Verdict::kOk,
       Severity::kHard},
      {"no carrier on the way out is hard",
       {},
       [](NetworkSample* s) { Find(s, "eth0")->carrier = false; },
       "InterfaceDown",
       "eth0",
       Verdict::kBad,
       Severity::kHard},
      {"switched off after it was up is told",
       {},
       [](NetworkSample* s) { Find(s, "eth1")->admin_up = false; },
       "InterfaceDown",
       "eth1",
       Verdict::kBad,
       Severity::kInfo},
      {"a container's end may be down",
       {},
       [](NetworkSample* s) { Find(s, "veth9")->carrier = false; },
       "InterfaceDown",
       "",
       Verdict::kOk,
       Severity::kHard},
      {"a container's end that the config names may not",
       [](NetworkThresholds* t) { t->interfaces = {"veth9"}; },
       [](NetworkSample* s) { Find(s, "veth9")->carrier = false; }, "InterfaceDown", "veth9",
       Verdict::kBad, Severity::kHard},
      {"a device that never was up may stay so",
       {},
       [](NetworkSample* s) {
         s->tables.links.push_back(Device(4, "eth2"));
         s->tables.links.back().carrier = false;
       },
       "InterfaceDown",
       "",
       Verdict::kOk,
       Severity::kHard},
  };
  Check(cases);
}

TEST(EvaluateNetworkTest, TellsOfFormRoutesAndRules) {
  const auto strict = [](NetworkSample* s) {
    s->rp_filter = {{"all", 0}, {"eth0", 1}, {"eth1", 1}};
  };
  const auto rule = [](NetworkSample* s) {
    s->tables.rules = {{false, "10.0.1.5", 32, 1001}};
    s->tables.default_routes.push_back({false, 1001, {3}});
  };
  const NetworkCase cases[] = {
      {"another MTU is bad",
       [](NetworkThresholds* t) {
         t->mtu = {{"eth0", "1500"}};
       },
       {},
       "InterfaceMisconfigured",
       "eth0",
       Verdict::kBad,
       Severity::kSoft},
      {"the same MTU is fine",
       [](NetworkThresholds* t) {
         t->mtu = {{"eth0", "9001"}};
       },
       {},
       "InterfaceMisconfigured",
       "",
       Verdict::kOk,
       Severity::kSoft},
      {"another MAC is bad",
       [](NetworkThresholds* t) {
         t->mac = {{"eth1", "02:00:00:00:00:09"}};
       },
       {},
       "InterfaceMisconfigured",
       "eth1",
       Verdict::kBad,
       Severity::kSoft},
      {"a missing address is bad",
       [](NetworkThresholds* t) {
         t->addresses = {{"eth1", "10.0.1.5 10.0.1.6"}};
       },
       {},
       "InterfaceMisconfigured",
       "eth1",
       Verdict::kBad,
       Severity::kSoft},
      {"the first interface without its primary address is bad",
       {},
       [](NetworkSample* s) { Expect(s, {.mac = "02:00:00:00:00:02", .ipv4s = {"10.0.0.77"}}); },
       "InterfaceMisconfigured",
       "eth0",
       Verdict::kBad,
       Severity::kSoft},
      {"another interface's addresses may be a container's",
       {},
       [](NetworkSample* s) {
         Expect(s, {.mac = "02:00:00:00:00:03", .device_number = 1, .ipv4s = {"10.0.1.77"}});
       },
       "InterfaceMisconfigured",
       "",
       Verdict::kOk,
       Severity::kSoft},
      {"a default route that is gone is hard",
       {},
       [](NetworkSample* s) { s->tables.default_routes.clear(); },
       "DefaultRouteMissing",
       "ipv4",
       Verdict::kBad,
       Severity::kHard},
      {"one of another table is no way out for the host",
       {},
       [](NetworkSample* s) { s->tables.default_routes[0].table = 1001; },
       "DefaultRouteMissing",
       "ipv4",
       Verdict::kBad,
       Severity::kHard},
      {"rules nobody asked for are not missed",
       [](NetworkThresholds* t) { t->mtu.clear(); },
       {},
       "DefaultRouteMissing",
       "",
       Verdict::kOk,
       Severity::kHard},
      {"no rule for a second interface is bad where the config wants one",
       [](NetworkThresholds* t) { t->policy_rules = {"eth1"}; },
       {},
       "PolicyRuleMissing",
       "eth1",
       Verdict::kBad,
       Severity::kSoft},
      {"a rule without a route does not help",
       [](NetworkThresholds* t) { t->policy_rules = {"eth1"}; },
       [](NetworkSample* s) {
         s->tables.rules = {{false, "10.0.1.5", 32, 1001}};
       },
       "PolicyRuleMissing", "eth1", Verdict::kBad, Severity::kSoft},
      {"rule and route are fine", [](NetworkThresholds* t) { t->policy_rules = {"eth1"}; }, rule,
       "PolicyRuleMissing", "", Verdict::kOk, Severity::kSoft},
      {"a strict filter beside the way out is told",
       {},
       strict,
       "ReversePathFilterStrict",
       "eth1",
       Verdict::kBad,
       Severity::kInfo},
      {"with rules of its own it is fine",
       {},
       [&](NetworkSample* s) {
         strict(s);
         rule(s);
       },
       "ReversePathFilterStrict",
       "",
       Verdict::kOk,
       Severity::kInfo},
      {"loose for all is loose",
       {},
       [&](NetworkSample* s) {
         strict(s);
         s->rp_filter["all"] = 2;
       },
       "ReversePathFilterStrict",
       "",
       Verdict::kOk,
       Severity::kInfo},
  };
  Check(cases);
}

TEST(EvaluateNetworkTest, JudgesCountersByTheirGrowth) {
  const NetworkCase cases[] = {
      {"what was counted before is nobody's news",
       {},
       {},
       "InterfaceFlapping",
       "",
       Verdict::kOk,
       Severity::kSoft},
      {"six changes of the carrier are flapping",
       {},
       [](NetworkSample* s) { Find(s, "eth1")->carrier_changes = 8; },
       "InterfaceFlapping",
       "eth1",
       Verdict::kBad,
       Severity::kSoft},
      {"five are not",
       {},
       [](NetworkSample* s) { Find(s, "eth1")->carrier_changes = 7; },
       "InterfaceFlapping",
       "",
       Verdict::kOk,
       Severity::kSoft},
      {"one packet in a hundred broken is bad",
       {},
       [](NetworkSample* s) { *Find(s, "eth0")->counters = {.rx_packets = 990, .rx_errors = 10}; },
       "InterfaceErrors",
       "eth0",
       Verdict::kBad,
       Severity::kSoft},
      {"few packets are no base",
       {},
       [](NetworkSample* s) { *Find(s, "eth0")->counters = {.rx_packets = 90, .rx_errors = 10}; },
       "InterfaceErrors",
       "",
       Verdict::kOk,
       Severity::kSoft},
      {"one in twenty not sent is told",
       {},
       [](NetworkSample* s) { *Find(s, "eth0")->counters = {.tx_packets = 950, .tx_dropped = 50}; },
       "InterfaceDrops",
       "eth0",
       Verdict::kBad,
       Severity::kInfo},
  };
  Check(cases);
}

TEST(EvaluateNetworkTest, TellsWhichAllowanceOfTheInstanceWasExceeded) {
  const auto conditions = [](const std::string& counter, uint64_t growth) {
    NetworkHistory history(Minutes(5));
    NetworkSample sample = Healthy();
    sample.allowances["eth0"] = {{counter, 5000}};
    history.Add(sample, {}, true);
    sample.at += Seconds(10);
    sample.allowances["eth0"] = {{counter, 5000 + growth}};
    history.Add(sample, {}, true);
    std::vector<Condition> found = EvaluateNetwork(sample, history, {});
    std::erase_if(found, [](const Condition& c) { return c.type != "EnaAllowanceExceeded"; });
    return found;
  };
  EXPECT_EQ(conditions("pps_allowance_exceeded", 99).at(0).verdict, Verdict::kOk);
  const Condition shaped = conditions("pps_allowance_exceeded", 100).at(0);
  EXPECT_EQ(shaped.verdict, Verdict::kBad);
  EXPECT_EQ(shaped.severity, Severity::kInfo) << "it slows, it does not break";
  const Condition dropped = conditions("conntrack_allowance_exceeded", 100).at(0);
  EXPECT_EQ(dropped.unit, "eth0/conntrack_allowance_exceeded");
  EXPECT_EQ(dropped.severity, Severity::kSoft);
  EXPECT_THAT(dropped.message, HasSubstr("100 packets"));
}

TEST(EvaluateNetworkTest, AnInterfaceThatNobodyNamedIsNotMissedForEver) {
  const NetworkThresholds thresholds;
  NetworkHistory history(Minutes(5));
  NetworkSample sample = Healthy();
  history.Add(sample, thresholds, true);
  Remove(&sample, "eth1");
  sample.at += Seconds(1);
  history.Add(sample, thresholds, true);
  EXPECT_TRUE(history.interfaces().contains("eth1"));
  sample.at += Hours(1) + Seconds(1);
  history.Add(sample, thresholds, true);
  EXPECT_FALSE(history.interfaces().contains("eth1"));
}

// A bond over two devices carries the host; a tunnel may take the way out and give it back.
TEST(EvaluateNetworkTest, WhatCarriesTheDefaultRouteIsWatchedWhateverItsKind) {
  const NetworkThresholds thresholds;
  const auto find = [](const std::vector<Condition>& conditions, const std::string& type) {
    return *std::ranges::find(conditions, type, &Condition::type);
  };
  NetworkSample bonded = Healthy();
  bonded.tables.links.push_back(Device(5, "bond0"));
  bonded.tables.links.back().kind = "bond";
  bonded.tables.default_routes = {{false, NetworkTables::kMainTable, {5}}};
  NetworkHistory history(Minutes(5));
  history.Add(bonded, thresholds, true);
  Find(&bonded, "bond0")->carrier = false;  // the kernel leaves its routes
  history.Add(bonded, thresholds, true);
  const Condition down = find(EvaluateNetwork(bonded, history, thresholds), "InterfaceDown");
  EXPECT_EQ(down.unit, "bond0");
  EXPECT_EQ(down.severity, Severity::kHard);

  NetworkSample tunnelled = bonded;
  Find(&tunnelled, "bond0")->carrier = true;
  tunnelled.tables.links.push_back(Device(6, "tun0"));
  tunnelled.tables.links.back().kind = "tun";
  tunnelled.tables.default_routes[0].links = {6};
  history.Add(tunnelled, thresholds, true);
  EXPECT_TRUE(history.interfaces().contains("tun0"));
  Remove(&tunnelled, "tun0");
  tunnelled.tables.default_routes[0].links = {5};
  history.Add(tunnelled, thresholds, true);
  EXPECT_EQ(find(EvaluateNetwork(tunnelled, history, thresholds), "InterfaceLost").verdict,
            Verdict::kOk);
}

// What the kernel would say, by the test.
struct Script {
  NetworkTables tables = Healthy().tables;
  bool changed = false;
  std::optional<Error> error;
  int reads = 0;
};

class ScriptedSource final : public NetworkSource {
 public:
  explicit ScriptedSource(Script* script) : script_(script) {}
  Result<bool> Changed(const WatchedLinks&, bool) override {
    return std::exchange(script_->changed, false);
  }
  Result<NetworkTables> Tables(MonoTime, NetworkParts) override {
    ++script_->reads;
    if (script_->error) return tl::unexpected<Error>(*script_->error);
    return script_->tables;
  }
  Result<std::map<std::string, uint64_t>> AllowanceCounters(const std::string&, int) override {
    return std::map<std::string, uint64_t>();
  }
  void KeepOnly(const std::vector<int>&) override {}

 private:
  Script* const script_;
};

class NetworkDetectorTest : public testing::Test {
 protected:
  NetworkDetectorTest() {
    host_.root = folder_.path();
    detector_ = std::make_unique<NetworkDetector>(&clock_, host_, NetworkConfig(), nullptr,
                                                  std::make_unique<ScriptedSource>(&script_));
  }
  Condition Probe(const std::string& type) {
    clock_.Advance(Seconds(1));
    const auto conditions = detector_->Probe(clock_.Mono() + Seconds(5));
    EXPECT_TRUE(conditions);
    for (const Condition& condition : conditions.value_or(std::vector<Condition>())) {
      if (condition.type == type) return condition;
    }
    return {};
  }

  SimulatedClock clock_;
  TempFolder folder_;
  HostConfig host_;
  Script script_;
  std::unique_ptr<NetworkDetector> detector_;
};

TEST_F(NetworkDetectorTest, ReadsAgainWhenTheKernelTellsOfAChangeAndNotBefore) {
  EXPECT_EQ(Probe("InterfaceLost").verdict, Verdict::kOk);
  EXPECT_EQ(script_.reads, 1);
  EXPECT_EQ(Probe("InterfaceLost").verdict, Verdict::kOk);
  EXPECT_EQ(script_.reads, 1);
  std::erase_if(script_.tables.links, [](const NetworkLink& link) { return link.name == "eth0"; });
  script_.changed = true;
  const Condition lost = Probe("InterfaceLost");
  EXPECT_EQ(lost.verdict, Verdict::kBad);
  EXPECT_EQ(lost.unit, "eth0");
  EXPECT_EQ(script_.reads, 2);
}

TEST_F(NetworkDetectorTest, ReadsAllEveryTenSecondsWhateverTheKernelTells) {
  for (int i = 0; i < 21; ++i) (void)Probe("");
  EXPECT_EQ(script_.reads, 3);
}

TEST_F(NetworkDetectorTest, ListsThatChangeAllTheTimeAreTakenFromTheLookBeforeForAWhile) {
  EXPECT_EQ(Probe("InterfaceDown").verdict, Verdict::kOk);
  script_.error = Error{Code::kBusy, "changed"};
  script_.changed = true;
  EXPECT_EQ(Probe("InterfaceDown").verdict, Verdict::kOk);
  clock_.Advance(NetworkDetector::kBusyMax);
  EXPECT_EQ(Probe("InterfaceDown").verdict, Verdict::kUnknown);
  script_.error.reset();
  EXPECT_EQ(Probe("InterfaceDown").verdict, Verdict::kOk) << "asked again at once";
}

TEST_F(NetworkDetectorTest, WhatTheKernelDoesNotSayIsUnknownAndTheLimitsAreStillSeen) {
  ASSERT_TRUE(MakeFolders(folder_ / "proc/sys/net/netfilter"));
  ASSERT_TRUE(WriteFileAtomic(folder_ / "proc/sys/net/netfilter/nf_conntrack_count", "1\n"));
  ASSERT_TRUE(WriteFileAtomic(folder_ / "proc/sys/net/netfilter/nf_conntrack_max", "9\n"));
  script_.error = Error{Code::kPermissionDenied, "socket(AF_NETLINK): not permitted"};
  const Condition lost = Probe("InterfaceLost");
  EXPECT_EQ(lost.verdict, Verdict::kUnknown);
  EXPECT_THAT(lost.message, HasSubstr("AF_NETLINK"));
  EXPECT_EQ(Probe("ConntrackTableFull").verdict, Verdict::kOk);
}

TEST_F(NetworkDetectorTest, IsNotSupportedBelowABareFolder) {
  EXPECT_FALSE(detector_->Supported());
}

TEST(NetworkDetectorOnThisMachineTest, NothingIsMissedAtTheFirstLook) {
  SystemClock clock;
  NetworkDetector detector(&clock, HostConfig(), NetworkConfig(), nullptr,
                           MakeKernelNetworkSource(&clock));
  ASSERT_TRUE(detector.Supported());
  const auto conditions = detector.Probe(clock.Mono() + Seconds(30));
  ASSERT_TRUE(conditions) << conditions.error().message;
  EXPECT_THAT(*conditions, testing::Not(IsEmpty()));
  for (const Condition& condition : *conditions) {
    // How full its tables are is the machine's own affair.
    if (!condition.type.starts_with("Interface") && condition.type != "DefaultRouteMissing") {
      continue;
    }
    EXPECT_EQ(condition.verdict, Verdict::kOk) << condition.type << ": " << condition.message;
  }
}

}  // namespace
}  // namespace fleetmedic
