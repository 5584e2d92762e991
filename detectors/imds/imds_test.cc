#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "detectors/imds/imds_detector.h"

namespace fleetmedic {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

constexpr const char* kMac = "0e:49:61:0f:c3:11";
constexpr const char* kOtherMac = "0e:49:61:0f:c3:22";

// The forms are those of the Amazon EC2 User Guide (imds_parse.h).
constexpr std::string_view kEvents =
    R"([{"NotBefore":"21 Jan 2019 09:00:43 GMT","Code":"system-reboot",)"
    R"("Description":"scheduled reboot","EventId":"instance-event-0d59937288b749b32",)"
    R"("NotAfter":"21 Jan 2019 09:17:23 GMT","State":"active"},)"
    R"({"NotBefore":"10 Jan 2019 09:00:43 GMT","Code":"system-reboot",)"
    R"("Description":"[Completed] scheduled reboot","EventId":"instance-event-1",)"
    R"("State":"completed"}])";

TEST(ImdsParseTest, TakesTheDocumentedAnswersApart) {
  EXPECT_THAT(*ImdsMacsFrom("0e:49:61:0f:c3:11/\n0e:49:61:0f:c3:22/\n"),
              ElementsAre(kMac, kOtherMac));
  EXPECT_THAT(*ImdsAddressesFrom("10.0.0.5\n10.0.0.6"), ElementsAre("10.0.0.5", "10.0.0.6"));
  const auto events = ImdsEventsFrom(kEvents);
  ASSERT_TRUE(events);
  ASSERT_THAT(*events, SizeIs(1)) << "the completed one is over";
  EXPECT_EQ((*events)[0].code, "system-reboot");
  EXPECT_THAT(*ImdsEventsFrom("[]"), IsEmpty());
  const auto spot = ImdsSpotNoticeFrom(R"({"action":"terminate","time":"2017-09-18T08:22:00Z"})");
  ASSERT_TRUE(spot);
  EXPECT_EQ(spot->action, "terminate");
  EXPECT_EQ(spot->time, "2017-09-18T08:22:00Z");
  EXPECT_EQ(*ImdsRebalanceFrom(R"({"noticeTime":"2020-10-27T08:22:00Z"})"), "2020-10-27T08:22:00Z");
}

TEST(ImdsParseTest, RefusesWhatIsNoSuchAnswer) {
  // A name becomes a path: nothing but a MAC may be one.
  for (const char* text : {"../../iam/", "0e:49:61:0f:c3:1g/", "0e:49:61:0f:c3:11:22/", "<html>"}) {
    EXPECT_FALSE(ImdsMacsFrom(text)) << text;
  }
  EXPECT_FALSE(ImdsAddressesFrom("10.0.0.256"));
  EXPECT_FALSE(ImdsAddressesFrom(std::string(100000, '1')));
  EXPECT_FALSE(ImdsWordFrom("two words"));
  EXPECT_FALSE(ImdsWordFrom(""));
  for (const char* text : {"", "{", "{}", "[1]", "[{\"Code\":1}]", "null"}) {
    EXPECT_FALSE(ImdsEventsFrom(text)) << text;
    EXPECT_FALSE(ImdsSpotNoticeFrom(text)) << text;
    EXPECT_FALSE(ImdsRebalanceFrom(text)) << text;
  }
  std::string many;
  for (int i = 0; i < 100; ++i) many += "0e:49:61:0f:c3:11/\n";
  EXPECT_FALSE(ImdsMacsFrom(many));
  EXPECT_EQ(ImdsSpotNoticeFrom("{\"action\":\"\\u001b[31mstop\"}")->action.find('\x1b'),
            std::string::npos);
}

TEST(IsEc2Test, TakesTheVendorAndNotTheUuidsFirstLetters) {
  EXPECT_TRUE(IsEc2({.sys_vendor = "Amazon EC2"}));
  EXPECT_TRUE(IsEc2({.sys_vendor = "Xen", .bios_version = "4.11.amazon"}));
  EXPECT_FALSE(IsEc2({}));
  EXPECT_FALSE(IsEc2({.sys_vendor = "Xen", .bios_version = "4.17.0"}));
  EXPECT_FALSE(IsEc2({.sys_vendor = "QEMU", .board_asset_tag = "i-0af01c0123456789a"}));
}

// A metadata service in this process.
struct FakeImds {
  enum class Token : uint8_t { kGiven, kTimesOut, kRefused, kDisabled, kNotFound, kBroken };

  Result<HttpReply> Send(const HttpCall& call) {
    targets.push_back(call.method + " " + call.target);
    HttpReply reply;
    reply.status = 200;
    if (token == Token::kRefused) return Fail(Code::kUnavailable, "nobody listens there");
    if (call.method == "PUT") {
      EXPECT_EQ(call.target, "/latest/api/token");
      EXPECT_THAT(call.headers,
                  testing::Contains(testing::Key("x-aws-ec2-metadata-token-ttl-seconds")));
      if (token == Token::kTimesOut) return Fail(Code::kDeadlineExceeded, "no answer in time");
      if (token == Token::kDisabled) reply.status = 403;
      if (token == Token::kNotFound) reply.status = 404;
      reply.body = token == Token::kBroken ? "a\r\nb" : "token-" + std::to_string(++tokens);
      return reply;
    }
    const auto has = call.headers.find("x-aws-ec2-metadata-token");
    if (has == call.headers.end()) {
      if (hung) return Fail(Code::kDeadlineExceeded, "no answer in time");
      reply.status = 401;
      return reply;
    }
    if (hung) return Fail(Code::kDeadlineExceeded, "no answer in time");
    if (refuse_tokens > 0) {
      --refuse_tokens;
      reply.status = 401;
      return reply;
    }
    const auto found = paths.find(call.target);
    if (found == paths.end()) {
      reply.status = 404;
    } else {
      reply.body = found->second;
    }
    return reply;
  }
  void PutInterface(const std::string& mac, const std::string& id, int device,
                    const std::string& addresses) {
    const std::string macs = "/latest/meta-data/network/interfaces/macs/";
    paths[macs] += mac + "/\n";
    paths[macs + mac + "/device-number"] = std::to_string(device);
    paths[macs + mac + "/interface-id"] = id;
    paths[macs + mac + "/local-ipv4s"] = addresses;
    paths[macs + mac + "/subnet-ipv4-cidr-block"] = "10.0.0.0/24";
  }

  Token token = Token::kGiven;
  bool hung = false;
  int tokens = 0;
  int refuse_tokens = 0;
  std::map<std::string, std::string> paths;
  std::vector<std::string> targets;
};

class ImdsDetectorTest : public testing::Test {
 protected:
  ImdsDetectorTest() {
    host_.root = folder_.path();
    imds_.PutInterface(kMac, "eni-1", 0, "10.0.0.5\n10.0.0.6");
    imds_.PutInterface(kOtherMac, "eni-2", 1, "10.0.1.5");
    AddLink(2, "eth0", kMac);
    AddLink(3, "eth1", kOtherMac);
    kernel_.addresses = {{2, false, true, "10.0.0.5", 24}, {3, false, true, "10.0.1.5", 24}};
  }
  void BeEc2() {
    ASSERT_TRUE(MakeFolders(folder_ / "sys/class/dmi/id"));
    ASSERT_TRUE(WriteFileAtomic(folder_ / "sys/class/dmi/id/sys_vendor", "Amazon EC2\n"));
  }
  void AddLink(int index, const std::string& name, const std::string& mac) {
    NetworkLink link;
    link.index = index;
    link.name = name;
    link.mac = mac;
    link.ethernet = link.admin_up = link.carrier = true;
    kernel_.links.push_back(link);
  }
  void Make() {
    detector_ = std::make_unique<ImdsDetector>(
        &clock_, host_, config_, expected_,
        [this](const HttpAddress& address) -> ImdsSend {
          connects_.push_back(address.Text());
          return [this](const HttpCall& call, MonoTime) { return imds_.Send(call); };
        },
        [this](MonoTime) -> Result<NetworkTables> { return kernel_; });
  }
  std::vector<Condition> Probe() {
    if (detector_ == nullptr) Make();
    clock_.Advance(config_.interval);
    const auto conditions = detector_->Probe(clock_.Mono() + Seconds(5));
    EXPECT_TRUE(conditions) << conditions.error().message;
    return conditions.value_or(std::vector<Condition>());
  }
  Condition ProbeFor(const std::string& type) {
    for (const Condition& condition : Probe()) {
      if (condition.type == type) return condition;
    }
    return {};
  }

  SimulatedClock clock_;
  TempFolder folder_;
  HostConfig host_;
  ImdsConfig config_;
  FakeImds imds_;
  NetworkTables kernel_;
  std::shared_ptr<ExpectedInterfaces> expected_ = std::make_shared<ExpectedInterfaces>();
  std::vector<std::string> connects_;
  std::unique_ptr<ImdsDetector> detector_;
};

TEST_F(ImdsDetectorTest, AsksNobodyOnAHostThatIsNotOfEc2) {
  Make();
  EXPECT_FALSE(detector_->Supported());
  EXPECT_FALSE(detector_->Probe(clock_.Mono() + Seconds(5)));
  EXPECT_THAT(connects_, IsEmpty()) << "not one packet";
  EXPECT_THAT(imds_.targets, IsEmpty());
  // Nor on one of another cloud.
  ASSERT_TRUE(MakeFolders(folder_ / "sys/class/dmi/id"));
  ASSERT_TRUE(WriteFileAtomic(folder_ / "sys/class/dmi/id/sys_vendor", "Google\n"));
  EXPECT_FALSE(detector_->Supported());
  EXPECT_FALSE(detector_->Probe(clock_.Mono() + Seconds(5)));
  EXPECT_THAT(connects_, IsEmpty());
}

TEST_F(ImdsDetectorTest, AsksTheLinkLocalAddressWhereDmiSaysEc2) {
  BeEc2();
  (void)Probe();
  EXPECT_TRUE(detector_->Supported());
  EXPECT_THAT(connects_, ElementsAre("http://169.254.169.254:80"));
}

TEST_F(ImdsDetectorTest, AsksTheAddressThatTheConfigNamesWhateverDmiSays) {
  config_.address = "127.0.0.1:4242";
  (void)Probe();
  EXPECT_THAT(connects_, ElementsAre("http://127.0.0.1:4242"));
}

TEST_F(ImdsDetectorTest, FindsNothingBadOnAHealthyInstanceAndHandsOverWhatShouldBeThere) {
  BeEc2();
  const std::vector<Condition> conditions = Probe();
  EXPECT_THAT(conditions, SizeIs(7));
  for (const Condition& condition : conditions) {
    EXPECT_EQ(condition.verdict, Verdict::kOk) << condition.type << ": " << condition.message;
  }
  const auto handed = expected_->Get(clock_.Mono());
  ASSERT_TRUE(handed);
  ASSERT_THAT(*handed, SizeIs(2));
  EXPECT_EQ((*handed)[0].mac, kMac);
  EXPECT_THAT((*handed)[0].ipv4s, ElementsAre("10.0.0.5", "10.0.0.6"));
  EXPECT_FALSE(expected_->Get(clock_.Mono() + Hours(1))) << "old news";
}

TEST_F(ImdsDetectorTest, AsksForOneTokenAndForTheInterfacesOnceAMinute) {
  BeEc2();
  for (int i = 0; i < 3; ++i) (void)Probe();
  EXPECT_EQ(imds_.tokens, 1);
  const auto lists =
      std::ranges::count(imds_.targets, "GET /latest/meta-data/network/interfaces/macs/");
  EXPECT_EQ(lists, 1);
  clock_.Advance(config_.interfaces_every);
  (void)Probe();
  EXPECT_EQ(std::ranges::count(imds_.targets, "GET /latest/meta-data/network/interfaces/macs/"), 2);
  clock_.Advance(ImdsClient::kTokenFor);
  (void)Probe();
  EXPECT_EQ(imds_.tokens, 2);
}

struct FaultCase {
  const char* sentence;
  std::function<void(FakeImds*)> breaks;
  const char* reason;
  Verdict verdict;
};

TEST_F(ImdsDetectorTest, TellsTheWaysApartInWhichTheServiceFails) {
  BeEc2();
  const FaultCase cases[] = {
      {"nobody listens", [](FakeImds* i) { i->token = FakeImds::Token::kRefused; }, "Refused",
       Verdict::kBad},
      {"only the token's answer is lost",
       [](FakeImds* i) { i->token = FakeImds::Token::kTimesOut; }, "TokenTimedOut",
       Verdict::kUnknown},
      {"nothing is answered",
       [](FakeImds* i) {
         i->token = FakeImds::Token::kTimesOut;
         i->hung = true;
       },
       "Hung", Verdict::kBad},
      {"it hangs after the token", [](FakeImds* i) { i->hung = true; }, "Hung", Verdict::kBad},
      {"switched off", [](FakeImds* i) { i->token = FakeImds::Token::kDisabled; }, "Disabled",
       Verdict::kUnknown},
      {"no such service", [](FakeImds* i) { i->token = FakeImds::Token::kNotFound; }, "NotFound",
       Verdict::kUnknown},
      {"no token at all", [](FakeImds* i) { i->token = FakeImds::Token::kBroken; }, "BrokenAnswer",
       Verdict::kBad},
      {"fresh tokens are refused too", [](FakeImds* i) { i->refuse_tokens = 2; }, "Unauthorized",
       Verdict::kBad},
  };
  for (const FaultCase& c : cases) {
    const FakeImds whole = imds_;
    Make();
    c.breaks(&imds_);
    for (const Condition& condition : Probe()) {
      EXPECT_EQ(condition.reason, c.reason) << c.sentence << ": " << condition.type;
      EXPECT_EQ(condition.verdict,
                condition.type == "MetadataUnavailable" ? c.verdict : Verdict::kUnknown)
          << c.sentence << ": " << condition.type;
      EXPECT_FALSE(condition.message.empty()) << c.sentence;
    }
    imds_ = whole;
    EXPECT_EQ(ProbeFor("MetadataUnavailable").verdict, Verdict::kOk) << c.sentence << ", and back";
  }
}

TEST_F(ImdsDetectorTest, ATokenThatIsRefusedOnceIsReplaced) {
  BeEc2();
  (void)Probe();
  imds_.refuse_tokens = 1;
  EXPECT_EQ(ProbeFor("MetadataUnavailable").verdict, Verdict::kOk);
  EXPECT_EQ(imds_.tokens, 2);
}

TEST_F(ImdsDetectorTest, TellsOfAnInterfaceThatTheKernelDoesNotHaveAfterTheGrace) {
  BeEc2();
  (void)Probe();
  std::erase_if(kernel_.links, [](const NetworkLink& link) { return link.name == "eth1"; });
  EXPECT_EQ(ProbeFor("EniMissing").verdict, Verdict::kOk) << "it may be coming up";
  clock_.Advance(config_.missing_grace);
  const Condition missing = ProbeFor("EniMissing");
  EXPECT_EQ(missing.verdict, Verdict::kBad);
  EXPECT_EQ(missing.severity, Severity::kHard);
  EXPECT_EQ(missing.unit, "eni-2");
  EXPECT_THAT(missing.message, HasSubstr(kOtherMac));
  // Detached since: the metadata is asked anew while something is missing.
  imds_.paths["/latest/meta-data/network/interfaces/macs/"] = std::string(kMac) + "/\n";
  EXPECT_EQ(ProbeFor("EniMissing").verdict, Verdict::kOk);
}

TEST_F(ImdsDetectorTest, InterfacesThatLeaveForContainersAreInfo) {
  BeEc2();
  config_.interfaces_leave = true;
  std::erase_if(kernel_.links, [](const NetworkLink& link) { return link.name == "eth1"; });
  (void)Probe();
  clock_.Advance(config_.missing_grace);
  const Condition missing = ProbeFor("EniMissing");
  EXPECT_EQ(missing.verdict, Verdict::kBad);
  EXPECT_EQ(missing.severity, Severity::kInfo);
  EXPECT_THAT(*expected_->Get(clock_.Mono()), SizeIs(1));
}

TEST_F(ImdsDetectorTest, TellsOfDevicesAndAddressesThatEc2DoesNotKnow) {
  BeEc2();
  AddLink(7, "eth7", "0e:00:00:00:00:77");
  kernel_.addresses.push_back({2, false, true, "10.9.9.9", 24});
  kernel_.addresses.push_back({2, false, true, "169.254.20.1", 16});
  const Condition unexpected = ProbeFor("EniUnexpected");
  EXPECT_EQ(unexpected.verdict, Verdict::kBad);
  EXPECT_EQ(unexpected.unit, "eth7");
  const Condition foreign = ProbeFor("EniAddressMismatch");
  EXPECT_EQ(foreign.reason, "NotAssigned");
  EXPECT_THAT(foreign.message, HasSubstr("10.9.9.9"));
  EXPECT_THAT(foreign.message, testing::Not(HasSubstr("169.254.20.1")));
}

TEST_F(ImdsDetectorTest, UnusedAddressesAreToldWhereTheConfigAsks) {
  BeEc2();
  EXPECT_EQ(ProbeFor("EniAddressMismatch").verdict, Verdict::kOk);
  config_.unused_addresses = true;
  Make();
  const Condition unused = ProbeFor("EniAddressMismatch");
  EXPECT_EQ(unused.verdict, Verdict::kBad);
  EXPECT_EQ(unused.reason, "Unused");
  EXPECT_EQ(unused.unit, "eni-1");
  EXPECT_THAT(unused.message, HasSubstr("1 of the 2"));
  EXPECT_THAT(unused.message, HasSubstr("10.0.0.6"));
}

TEST_F(ImdsDetectorTest, WarnsOfWhatEc2HasInMindWithTheTime) {
  BeEc2();
  imds_.paths["/latest/meta-data/events/maintenance/scheduled"] = kEvents;
  imds_.paths["/latest/meta-data/spot/instance-action"] =
      R"({"action":"terminate","time":"2017-09-18T08:22:00Z"})";
  imds_.paths["/latest/meta-data/events/recommendations/rebalance"] =
      R"({"noticeTime":"2020-10-27T08:22:00Z"})";
  int told = 0;
  for (const Condition& condition : Probe()) {
    if (condition.verdict != Verdict::kBad) continue;
    ++told;
    EXPECT_EQ(condition.severity, Severity::kInfo) << condition.type;
    EXPECT_THAT(condition.message,
                HasSubstr(condition.type == "MaintenanceScheduled" ? "21 Jan 2019 09:00:43 GMT"
                          : condition.type == "SpotInterruption"   ? "2017-09-18T08:22:00Z"
                                                                   : "2020-10-27T08:22:00Z"));
  }
  EXPECT_EQ(told, 3);
}

TEST_F(ImdsDetectorTest, NoticesThatCannotBeReadAreUnknown) {
  BeEc2();
  imds_.paths["/latest/meta-data/spot/instance-action"] = "<html>";
  EXPECT_EQ(ProbeFor("SpotInterruption").verdict, Verdict::kUnknown);
  EXPECT_EQ(ProbeFor("EniMissing").verdict, Verdict::kOk);
}

}  // namespace
}  // namespace fleetmedic
