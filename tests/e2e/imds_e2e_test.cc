// The imds detector against a metadata service that listens on the true address, in a namespace of
// the test's own. Probes run on threads that are in it; from the machine's own namespace nothing is
// sent to that address: a thread that cannot enter the namespace is never made.
#include <poll.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>

#include <gtest/gtest.h>

#include <fmt/format.h>

#include "absl/synchronization/notification.h"
#include "base/file.h"
#include "base/http_server.h"
#include "detectors/imds/imds_detector.h"
#include "detectors/network/rtnetlink_socket.h"
#include "detectors/runner.h"
#include "tests/e2e/network_namespace.h"

namespace fleetmedic {
namespace {

constexpr Millis kWaitMax = Seconds(60);
constexpr const char* kToken = "AQAEAFHf-token";

class ImdsE2e : public testing::Test {
 protected:
  enum class Break : uint8_t { kNothing, kTokenLost, kAll, kUnauthorized, kDisabled, kNoService };

  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "not root: cannot make network namespaces";
    auto host = NetworkNamespace::Make();
    if (!host && host.error().code == Code::kPermissionDenied) {
      GTEST_SKIP() << host.error().message;
    }
    ASSERT_TRUE(host) << host.error().message;
    host_ = *std::move(host);
    Ip({"addr", "add", "169.254.169.254/32", "dev", "lo"});
    Ip({"link", "add", "eth1", "type", "veth", "peer", "name", "p1"});
    Ip({"addr", "add", "10.77.0.2/24", "dev", "eth1"});
    ASSERT_TRUE(host_->Run([this] {
      for (const NetworkLink& link : Tables().links) {
        if (link.name == "eth1") mac_ = link.mac;
      }
    }));
    ASSERT_EQ(mac_.size(), 17u);
    config_.interval = Millis(500);
    config_.missing_grace = Seconds(1);
    options_.probe_deadline = Seconds(3);
  }
  void TearDown() override {
    runner_.reset();
    if (!released_.HasBeenNotified()) released_.Notify();
    server_.reset();
    host_.reset();
  }

  void Ip(std::vector<std::string> arguments) {
    const Status done = host_->Ip(std::move(arguments));
    ASSERT_TRUE(done) << done.error().message;
  }
  NetworkTables Tables() {
    const auto tables = ReadNetworkTables(clock_, clock_.Mono() + Seconds(30), {});
    EXPECT_TRUE(tables);
    return tables.value_or(NetworkTables());
  }

  HttpResponse PutToken(const HttpRequest&) {
    switch (break_.load()) {
      case Break::kTokenLost:
      case Break::kAll:
        released_.WaitForNotification();
        return HttpResponse::Empty();
      case Break::kDisabled:
        return HttpResponse::Text(403, "");
      case Break::kNoService:
        return HttpResponse::Text(404, "");
      case Break::kNothing:
      case Break::kUnauthorized:
        break;
    }
    return HttpResponse::Text(200, kToken);
  }
  HttpResponse GetData(const HttpRequest& request) {
    if (break_ == Break::kAll) released_.WaitForNotification();
    if (break_ == Break::kUnauthorized || request.header("x-aws-ec2-metadata-token") != kToken) {
      return HttpResponse::Text(401, "");
    }
    const std::string& path = request.param("path");
    const std::string base = "network/interfaces/macs/";
    if (path == base) return HttpResponse::Text(200, mac_ + "/\n");
    if (path == base + mac_ + "/device-number") return HttpResponse::Text(200, "0");
    if (path == base + mac_ + "/interface-id") return HttpResponse::Text(200, "eni-0123");
    if (path == base + mac_ + "/local-ipv4s") return HttpResponse::Text(200, "10.77.0.2");
    return HttpResponse::Text(404, "");
  }
  void Serve() {
    const auto put = [this](const HttpRequest& request) { return PutToken(request); };
    const auto get = [this](const HttpRequest& request) { return GetData(request); };
    server_ = std::make_unique<HttpServer>(
        std::vector<HttpRoute>{{"PUT", "/latest/api/token", put},
                               {"GET", "/latest/meta-data/{path...}", get}},
        &clock_);
    Status started;
    // The socket is of the namespace of the thread that makes it.
    ASSERT_TRUE(host_->Run([&] { started = server_->Start({"169.254.169.254", 80, ""}); }));
    ASSERT_TRUE(started) << started.error().message;
  }
  void BeEc2() {
    ASSERT_TRUE(MakeFolders(root_ / "sys/class/dmi/id"));
    ASSERT_TRUE(WriteFileAtomic(root_ / "sys/class/dmi/id/sys_vendor", "Amazon EC2\n"));
  }
  void StartRunner() {
    HostConfig host;
    host.root = root_.path();
    runner_ = std::make_unique<Runner>(
        &clock_, nullptr,
        [this](std::string_view name) {
          std::unique_ptr<Workers> workers = host_->MakeWorkers(name);
          FLEETMEDIC_CHECK(workers != nullptr);
          return workers;
        },
        [] {}, options_);
    runner_->Add(std::make_unique<ImdsDetector>(&clock_, host, config_, nullptr));
  }
  bool Until(const std::string& type, Verdict verdict, const std::string& reason) {
    const MonoTime end = clock_.Mono() + kWaitMax;
    while (clock_.Mono() < end) {
      for (const DetectorReport& report : runner_->Turn(clock_.Mono(), clock_.Wall())) {
        last_ = report.conditions;
      }
      for (const Condition& condition : last_) {
        if (condition.type == type && condition.verdict == verdict && condition.reason == reason) {
          return true;
        }
      }
      (void)::poll(nullptr, 0, 5);
    }
    for (const Condition& c : last_) {
      std::printf("  %s %s: %s\n", c.type.c_str(), c.reason.c_str(), c.message.c_str());
    }
    return false;
  }

  SystemClock clock_;
  TempFolder root_;
  ImdsConfig config_;
  Runner::Options options_;
  std::string mac_;
  std::atomic<Break> break_ = Break::kNothing;
  absl::Notification released_;
  std::unique_ptr<NetworkNamespace> host_;
  std::unique_ptr<HttpServer> server_;
  std::unique_ptr<Runner> runner_;
  std::vector<Condition> last_;
};

TEST_F(ImdsE2e, AnInterfaceThatIsAttachedAndGoneIsTold) {
  BeEc2();
  Serve();
  StartRunner();
  ASSERT_TRUE(Until("EniMissing", Verdict::kOk, "AllThere"));
  for (const Condition& condition : last_) {
    EXPECT_EQ(condition.verdict, Verdict::kOk) << condition.type << ": " << condition.message;
  }
  const MonoTime before = clock_.Mono();
  Ip({"link", "del", "eth1"});
  ASSERT_TRUE(Until("EniMissing", Verdict::kBad, "NotInKernel"));
  const auto took = std::chrono::duration_cast<Millis>(clock_.Mono() - before);
  std::printf(
      "measured: imds: attached interface deleted -> EniMissing in %.2f s, of which %.0f s "
      "are the grace\n",
      static_cast<double>(took.count()) / 1000,
      static_cast<double>(config_.missing_grace.count()) / 1000);
}

TEST_F(ImdsE2e, TheWaysInWhichTheServiceFailsAreToldApart) {
  BeEc2();
  Serve();
  const auto run = [&](Break how, Verdict verdict, const char* reason) {
    break_ = how;
    StartRunner();  // without a token
    const MonoTime before = clock_.Mono();
    EXPECT_TRUE(Until("MetadataUnavailable", verdict, reason)) << reason;
    std::printf("measured: imds: %s in %.2f s from the first probe\n", reason,
                std::chrono::duration<double>(clock_.Mono() - before).count());
    runner_.reset();
    last_.clear();
  };
  run(Break::kNothing, Verdict::kOk, "Answers");
  run(Break::kTokenLost, Verdict::kUnknown, "TokenTimedOut");
  run(Break::kAll, Verdict::kBad, "Hung");
  run(Break::kUnauthorized, Verdict::kBad, "Unauthorized");
  run(Break::kDisabled, Verdict::kUnknown, "Disabled");
  run(Break::kNoService, Verdict::kUnknown, "NotFound");
  released_.Notify();
  server_.reset();
  run(Break::kNothing, Verdict::kBad, "Refused");
}

TEST_F(ImdsE2e, NotOnePacketIsSentWhereNobodySaysEc2) {
  Serve();
  const auto packets = [this] {
    uint64_t count = 0;
    EXPECT_TRUE(host_->Run([&] {
      for (const NetworkLink& link : Tables().links) {
        if (link.counters) count += link.counters->rx_packets + link.counters->tx_packets;
      }
    }));
    return count;
  };
  HostConfig host;
  host.root = root_.path();
  ImdsDetector detector(&clock_, host, config_, nullptr);
  const uint64_t before = packets();
  ASSERT_TRUE(host_->Run([&] {
    EXPECT_FALSE(detector.Supported());
    EXPECT_FALSE(detector.Probe(clock_.Mono() + Seconds(5)));
  }));
  EXPECT_EQ(packets(), before) << "eth1 is down, and lo carries nothing of anybody else";
  EXPECT_EQ(server_->counts().requests, 0);
  // The same probe does send where DMI says so: the counters would have shown it.
  BeEc2();
  ASSERT_TRUE(host_->Run([&] { (void)detector.Probe(clock_.Mono() + Seconds(5)); }));
  EXPECT_GT(packets(), before);
  EXPECT_GT(server_->counts().requests, 0);
}

}  // namespace
}  // namespace fleetmedic
