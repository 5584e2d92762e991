#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "detectors/dns/dns_detector.h"
#include "detectors/dns/dns_message.h"
#include "detectors/dns/fake_name_server.h"

namespace fleetmedic {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

std::string Answer(std::string query, int code) {
  query[2] = static_cast<char>(0x81);  // an answer, recursion desired
  query[3] = static_cast<char>(0x80 | code);
  return query;
}

TEST(DnsMessageTest, AsksAsTheDocumentLaysItOut) {
  const auto query = DnsQuery(0x1234, "host.example.", kDnsTypeA);
  ASSERT_TRUE(query);
  EXPECT_EQ(*query, std::string("\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00"
                                "\x04host\x07"
                                "example\x00\x00\x01\x00\x01",
                                30));
  EXPECT_EQ(
      *DnsQuery(1, ".", kDnsTypeNs),
      std::string("\x00\x01\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00\x00\x02\x00\x01", 17));
  EXPECT_FALSE(DnsQuery(1, "", kDnsTypeA));
  EXPECT_FALSE(DnsQuery(1, "a..b", kDnsTypeA));
  EXPECT_FALSE(DnsQuery(1, std::string(64, 'a'), kDnsTypeA));
  EXPECT_FALSE(DnsQuery(1, std::string(300, 'a'), kDnsTypeA));
}

TEST(DnsMessageTest, TakesTheAnswerToTheQuestionAndNoOther) {
  const std::string query = *DnsQuery(0x1234, "host.example", kDnsTypeA);
  const auto good = DnsReplyFrom(Answer(query, 0), query);
  ASSERT_TRUE(good);
  EXPECT_EQ(good->response_code, 0);
  EXPECT_EQ(DnsReplyFrom(Answer(query, 3), query)->response_code, 3);
  std::string other_case = Answer(query, 0);
  other_case[13] = 'H';
  EXPECT_TRUE(DnsReplyFrom(other_case, query));
  EXPECT_FALSE(DnsReplyFrom(query, query)) << "a question is no answer";
  std::string other_id = Answer(query, 0);
  other_id[0] = 0x55;
  EXPECT_FALSE(DnsReplyFrom(other_id, query));
  std::string other_name = Answer(query, 0);
  other_name[14] = 'x';
  EXPECT_FALSE(DnsReplyFrom(other_name, query));
  std::string bare = Answer(query, 5).substr(0, 12);
  bare[5] = 0;  // no question
  EXPECT_EQ(DnsReplyFrom(bare, query)->response_code, 5);
}

TEST(DnsMessageTest, WhatIsCutOrChangedIsNeverReadPastItsEnd) {
  const std::string query = *DnsQuery(7, "host.example", kDnsTypeA);
  const std::string whole = Answer(query, 0);
  for (size_t size = 0; size < whole.size(); ++size) {
    EXPECT_FALSE(DnsReplyFrom(std::string(whole, 0, size), query)) << size;
  }
  for (size_t at = 0; at < whole.size(); ++at) {
    std::string changed = whole;
    changed[at] = static_cast<char>(changed[at] ^ 0xff);
    (void)DnsReplyFrom(changed, query);
  }
}

TEST(DnsServersTest, TakesTheFirstThreeOfResolvConf) {
  EXPECT_THAT(DnsServersFrom("# nameserver 1.1.1.1\nsearch example\nnameserver 127.0.0.53\n"
                             "nameserver\nnameserver fe80::1%eth0\n nameserver 10.0.0.2 # x\n"
                             "nameserver 10.0.0.3\noptions edns0\n"),
              ElementsAre("127.0.0.53", "fe80::1%eth0", "10.0.0.2"));
  EXPECT_THAT(DnsServersFrom(""), IsEmpty());
}

TEST(EvaluateDnsTest, OneThatResolvesIsEnough) {
  using A = DnsServerSample::Answer;
  struct Case {
    const char* sentence;
    std::vector<A> answers;
    Verdict all;
    const char* reason;
    int servers_bad;
  };
  const Case cases[] = {
      {"all resolve", {A::kResolves, A::kResolves}, Verdict::kOk, "Answers", 0},
      {"the second does", {A::kTimedOut, A::kResolves}, Verdict::kOk, "Answers", 1},
      {"none answers", {A::kTimedOut, A::kTimedOut}, Verdict::kBad, "TimedOut", 2},
      {"one is closed, one fails", {A::kNobody, A::kFails}, Verdict::kBad, "PortClosed", 2},
      {"one that refuses may resolve others",
       {A::kTimedOut, A::kRefuses},
       Verdict::kUnknown,
       "QuestionRefused",
       1},
      {"one that could not be asked is not known",
       {A::kNotAsked},
       Verdict::kUnknown,
       "CannotAsk",
       0},
      {"no server at all", {}, Verdict::kUnknown, "NoServers", 0},
  };
  for (const Case& c : cases) {
    DnsSample sample;
    for (const A answer : c.answers) {
      sample.servers.push_back({"10.0.0." + std::to_string(sample.servers.size()), answer, "", {}});
    }
    int servers_bad = 0;
    for (const Condition& condition : EvaluateDns(sample)) {
      if (condition.type == "DnsUnavailable") {
        EXPECT_EQ(condition.verdict, c.all) << c.sentence;
        EXPECT_EQ(condition.reason, c.reason) << c.sentence;
      } else if (condition.verdict == Verdict::kBad) {
        ++servers_bad;
        EXPECT_EQ(condition.severity, Severity::kInfo) << c.sentence;
      }
    }
    EXPECT_EQ(servers_bad, c.servers_bad) << c.sentence;
  }
}

class DnsDetectorTest : public testing::Test {
 protected:
  DnsDetectorTest() {
    host_.root = folder_.path();
    config_.timeout = Seconds(20);
  }
  void PutResolvConf(std::string_view text) {
    ASSERT_TRUE(MakeFolders(folder_ / "etc"));
    ASSERT_TRUE(WriteFileAtomic(folder_ / "etc/resolv.conf", text));
  }
  Condition Probe(uint16_t port) {
    PutResolvConf("nameserver 127.0.0.1\n");
    DnsDetector detector(&clock_, host_, config_, port);
    EXPECT_TRUE(detector.Supported());
    const auto conditions = detector.Probe(clock_.Mono() + Seconds(40));
    EXPECT_TRUE(conditions);
    for (const Condition& condition : conditions.value_or(std::vector<Condition>())) {
      if (condition.type == "DnsUnavailable") return condition;
    }
    return {};
  }

  SystemClock clock_;
  TempFolder folder_;
  HostConfig host_;
  DnsConfig config_;
};

TEST_F(DnsDetectorTest, IsNotSupportedWithoutAResolvConf) {
  DnsDetector detector(&clock_, host_, config_);
  EXPECT_FALSE(detector.Supported());
  EXPECT_FALSE(detector.Probe(clock_.Mono()));
}

TEST_F(DnsDetectorTest, AnAnswerIsFineEvenThatThereIsNoSuchName) {
  FakeNameServer server([](std::string query) { return Answer(std::move(query), 3); });
  const Condition condition = Probe(server.port());
  EXPECT_EQ(condition.verdict, Verdict::kOk) << condition.message;
  EXPECT_THAT(condition.message, HasSubstr("NXDOMAIN"));
}

TEST_F(DnsDetectorTest, ALostDatagramIsAskedAgain) {
  int asked = 0;
  config_.timeout = Seconds(2);
  FakeNameServer server([&asked](std::string query) {
    return ++asked == 1 ? std::string() : Answer(std::move(query), 0);
  });
  EXPECT_EQ(Probe(server.port()).verdict, Verdict::kOk);
}

TEST_F(DnsDetectorTest, TellsSilenceFailureRefusalAndAClosedPortApart) {
  uint16_t closed = 0;
  {
    FakeNameServer fails([](std::string query) { return Answer(std::move(query), 2); });
    EXPECT_EQ(Probe(fails.port()).reason, "ServerFails");
    FakeNameServer refuses([](std::string query) { return Answer(std::move(query), 5); });
    const Condition refused = Probe(refuses.port());
    EXPECT_EQ(refused.reason, "QuestionRefused");
    EXPECT_EQ(refused.verdict, Verdict::kUnknown);
    closed = refuses.port();
  }
  const Condition nobody = Probe(closed);
  EXPECT_EQ(nobody.reason, "PortClosed");
  EXPECT_EQ(nobody.verdict, Verdict::kBad);
  config_.timeout = Millis(100);
  FakeNameServer silent([](std::string) { return std::string(); });
  const Condition timed_out = Probe(silent.port());
  EXPECT_EQ(timed_out.reason, "TimedOut");
  EXPECT_EQ(timed_out.verdict, Verdict::kBad);
  FakeNameServer wrong([](std::string query) {
    query[0] = static_cast<char>(query[0] ^ 1);  // another question's id
    return Answer(std::move(query), 0);
  });
  EXPECT_EQ(Probe(wrong.port()).reason, "TimedOut");
}

}  // namespace
}  // namespace fleetmedic
