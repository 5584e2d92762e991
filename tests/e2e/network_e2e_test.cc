// The network detector on the kernel's own interfaces, in namespaces that the test makes. Probes
// run on threads that are in such a namespace; nothing is asked in the machine's own.
#include <time.h>
#include <unistd.h>

#include <cstdio>
#include <optional>

#include <gtest/gtest.h>

#include <fmt/format.h>

#include "detectors/network/network_detector.h"
#include "detectors/runner.h"
#include "tests/e2e/network_namespace.h"
#include "tests/e2e/wait.h"

namespace fleetmedic {
namespace {

// Ten times what is wanted: the machine may be slow and loaded.
constexpr Millis kHardMax = Seconds(20);

class NetworkE2e : public testing::Test {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "not root: cannot make network namespaces";
    auto host = NetworkNamespace::Make();
    if (!host && host.error().code == Code::kPermissionDenied) {
      GTEST_SKIP() << host.error().message;
    }
    ASSERT_TRUE(host) << host.error().message;
    host_ = *std::move(host);
    auto outside = NetworkNamespace::Make();
    ASSERT_TRUE(outside) << outside.error().message;
    outside_ = *std::move(outside);
    config_.interfaces = {"eth1"};
    ASSERT_TRUE(RunIp(clock_, {"link", "add", "eth1", "netns", host_->name(), "type", "veth",
                               "peer", "name", "p1", "netns", outside_->name()}));
    Outside({"link", "set", "p1", "up"});
    Host({"link", "set", "eth1", "up"});
    Host({"addr", "add", "10.77.0.2/24", "dev", "eth1"});
    Host({"route", "add", "default", "via", "10.77.0.1"});
  }
  void TearDown() override {
    runner_.reset();  // its threads leave the namespace before it is removed
    host_.reset();
    outside_.reset();
  }

  void Host(std::vector<std::string> arguments) {
    const Status done = host_->Ip(std::move(arguments));
    ASSERT_TRUE(done) << done.error().message;
  }
  void Outside(std::vector<std::string> arguments) {
    const Status done = outside_->Ip(std::move(arguments));
    ASSERT_TRUE(done) << done.error().message;
  }

  // The detector with its interval, as the agent runs it.
  void StartRunner() {
    runner_ = std::make_unique<Runner>(
        &clock_, nullptr,
        [this](std::string_view name) {
          std::unique_ptr<Workers> workers = host_->MakeWorkers(name);
          FLEETMEDIC_CHECK(workers != nullptr);
          return workers;
        },
        [] {}, Runner::Options());
    runner_->Add(std::make_unique<NetworkDetector>(&clock_, HostConfig(), config_, nullptr,
                                                   MakeKernelNetworkSource(&clock_)));
  }
  // Turns the runner until the newest report says so.
  bool Until(const std::string& type, const std::string& unit, Verdict verdict) {
    const MonoTime end = clock_.Mono() + kHardMax;
    while (clock_.Mono() < end) {
      for (const DetectorReport& report : runner_->Turn(clock_.Mono(), clock_.Wall())) {
        last_ = report.conditions;
      }
      for (const Condition& condition : last_) {
        if (condition.type != type || condition.unit != unit || condition.verdict != verdict) {
          continue;
        }
        found_ = condition;
        return true;
      }
      (void)::poll(nullptr, 0, 5);
    }
    return false;
  }
  // From before the fault to the report that tells of it.
  void Measure(const std::string& fault, std::vector<std::string> arguments,
               const NetworkNamespace& where, const std::string& type, const std::string& unit) {
    const MonoTime before = clock_.Mono();
    const Status done = where.Ip(std::move(arguments));
    ASSERT_TRUE(done) << done.error().message;
    ASSERT_TRUE(Until(type, unit, Verdict::kBad)) << fault;
    const auto took = std::chrono::duration_cast<Millis>(clock_.Mono() - before);
    std::printf("measured: network: %s -> %s in %.2f s\n", fault.c_str(), type.c_str(),
                static_cast<double>(took.count()) / 1000);
    EXPECT_LT(took, kHardMax);
    RecordProperty("millis", static_cast<int>(took.count()));
  }

  SystemClock clock_;
  NetworkConfig config_;
  std::unique_ptr<NetworkNamespace> host_;
  std::unique_ptr<NetworkNamespace> outside_;
  std::unique_ptr<Runner> runner_;
  std::vector<Condition> last_;
  Condition found_;
};

TEST_F(NetworkE2e, AnInterfaceThatIsDeletedIsLost) {
  StartRunner();
  ASSERT_TRUE(Until("InterfaceLost", "", Verdict::kOk));
  Measure("interface deleted", {"link", "del", "eth1"}, *host_, "InterfaceLost", "eth1");
  EXPECT_EQ(found_.severity, Severity::kHard);
  EXPECT_EQ(found_.reason, "Gone");
}

TEST_F(NetworkE2e, AnInterfaceThatIsMovedAwayIsLostAndFoundWhenItIsBack) {
  StartRunner();
  ASSERT_TRUE(Until("InterfaceLost", "", Verdict::kOk));
  Measure("interface moved to another namespace",
          {"link", "set", "eth1", "netns", outside_->name()}, *host_, "InterfaceLost", "eth1");
  Outside({"link", "set", "eth1", "netns", host_->name()});
  Host({"link", "set", "eth1", "up"});
  EXPECT_TRUE(Until("InterfaceLost", "", Verdict::kOk));
}

TEST_F(NetworkE2e, ALinkWhoseOtherEndGoesDownHasNoCarrierUntilItIsBack) {
  StartRunner();
  ASSERT_TRUE(Until("InterfaceDown", "", Verdict::kOk));
  Measure("peer set down", {"link", "set", "p1", "down"}, *outside_, "InterfaceDown", "eth1");
  EXPECT_EQ(found_.severity, Severity::kHard);
  EXPECT_EQ(found_.reason, "NoCarrier");
  Outside({"link", "set", "p1", "up"});
  EXPECT_TRUE(Until("InterfaceDown", "", Verdict::kOk));
}

TEST_F(NetworkE2e, ALostDefaultRouteIsToldUntilItIsBack) {
  StartRunner();
  ASSERT_TRUE(Until("DefaultRouteMissing", "", Verdict::kOk));
  Measure("default route deleted", {"route", "del", "default"}, *host_, "DefaultRouteMissing",
          "ipv4");
  EXPECT_EQ(found_.severity, Severity::kHard);
  Host({"route", "add", "default", "via", "10.77.0.1"});
  EXPECT_TRUE(Until("DefaultRouteMissing", "", Verdict::kOk));
}

TEST_F(NetworkE2e, ACarrierThatComesAndGoesIsFlapping) {
  config_.look_every = Seconds(1);
  StartRunner();
  ASSERT_TRUE(Until("InterfaceFlapping", "", Verdict::kOk));
  for (int i = 0; i < 4; ++i) {
    Outside({"link", "set", "p1", "down"});
    // The kernel joins changes that follow at once: each is waited for.
    ASSERT_TRUE(Until("InterfaceDown", "eth1", Verdict::kBad));
    Outside({"link", "set", "p1", "up"});
    ASSERT_TRUE(Until("InterfaceDown", "", Verdict::kOk));
  }
  EXPECT_TRUE(Until("InterfaceFlapping", "eth1", Verdict::kBad));
}

TEST_F(NetworkE2e, FormAndRulesAreComparedWithTheConfig) {
  config_.mtu = {{"eth1", "1500"}};
  config_.addresses = {{"eth1", "10.77.0.2"}};
  config_.policy_rules = {"eth1"};
  StartRunner();
  ASSERT_TRUE(Until("InterfaceMisconfigured", "", Verdict::kOk));
  ASSERT_TRUE(Until("PolicyRuleMissing", "eth1", Verdict::kBad));
  Host({"rule", "add", "from", "10.77.0.2", "table", "1001"});
  Host({"route", "add", "default", "via", "10.77.0.1", "dev", "eth1", "table", "1001"});
  ASSERT_TRUE(Until("PolicyRuleMissing", "", Verdict::kOk));
  Host({"link", "set", "eth1", "mtu", "1400"});
  ASSERT_TRUE(Until("InterfaceMisconfigured", "eth1", Verdict::kBad));
  EXPECT_EQ(found_.reason, "WrongMtu");
  Host({"link", "set", "eth1", "mtu", "1500"});
  ASSERT_TRUE(Until("InterfaceMisconfigured", "", Verdict::kOk));
  Host({"addr", "del", "10.77.0.2/24", "dev", "eth1"});
  ASSERT_TRUE(Until("InterfaceMisconfigured", "eth1", Verdict::kBad));
  EXPECT_EQ(found_.reason, "AddressMissing");
}

TEST_F(NetworkE2e, AProbeCostsLittleWhileNothingChanges) {
  config_.look_every = Hours(1);
  NetworkDetector detector(&clock_, HostConfig(), config_, nullptr,
                           MakeKernelNetworkSource(&clock_));
  constexpr int kProbes = 1000;
  const auto cpu_micros = [] {
    timespec used{};
    (void)::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used);
    return static_cast<double>(used.tv_sec) * 1e6 + static_cast<double>(used.tv_nsec) / 1e3;
  };
  double whole = 0;
  double quiet = 0;
  ASSERT_TRUE(host_->Run([&] {
    const double start = cpu_micros();
    EXPECT_TRUE(detector.Probe(clock_.Mono() + Seconds(30)));
    const double first = cpu_micros();
    for (int i = 0; i < kProbes; ++i) (void)detector.Probe(clock_.Mono() + Seconds(30));
    whole = first - start;
    quiet = (cpu_micros() - first) / kProbes;
  }));
  std::printf("measured: network: first probe %.0f us of CPU, a quiet one %.1f us\n", whole, quiet);
  // A probe a second of this much is a hundredth of a per cent of a core.
  EXPECT_LT(quiet, 1000);
}

}  // namespace
}  // namespace fleetmedic
