#include "detectors/containerd/grpc_health.h"

#include <gtest/gtest.h>

namespace fleetmedic {
namespace {

using State = GrpcHealthReply::State;

std::string FromHex(std::string_view hex) {
  const auto digit = [](char c) { return c <= '9' ? c - '0' : c - 'a' + 10; };
  std::string bytes;
  for (size_t i = 0; i + 1 < hex.size(); i += 2) {
    bytes.push_back(static_cast<char>(digit(hex[i]) * 16 + digit(hex[i + 1])));
  }
  return bytes;
}

// Recorded from containerd 1.6.20: settings, their acknowledgement, a window update, a ping, the
// headers, the message, the trailers.
const std::string kSettings = FromHex("000006040000000000000500004000");
const std::string kHead = kSettings + FromHex("000000040100000000") +
                          FromHex("00000408000000000000000005") +
                          FromHex("00000806000000000002041010090e0707") +
                          FromHex("00000e010400000001885f8b1d75d0620d263d4c4d6564");
const std::string kServing = FromHex("00000700000000000100000000020801");
const std::string kTrailers =
    FromHex("00001801050000000140889acac8b21234da8f013040899acac8b5254207317f00");

State After(std::string_view bytes) {
  GrpcHealthReply reply;
  reply.Feed(bytes);
  return reply.state();
}

TEST(GrpcHealthReplyTest, ReadsWhatContainerdSays) {
  EXPECT_EQ(After(kHead), State::kMore);
  EXPECT_EQ(After(kHead + kServing), State::kServing);
  EXPECT_EQ(After(kHead + kServing + kTrailers), State::kServing);
}

TEST(GrpcHealthReplyTest, ReadsItByteByByte) {
  GrpcHealthReply reply;
  const std::string all = kHead + kServing;
  for (size_t i = 0; i + 1 < all.size(); ++i) {
    ASSERT_EQ(reply.Feed(std::string_view(all).substr(i, 1)), State::kMore) << i;
  }
  EXPECT_EQ(reply.Feed(std::string_view(all).substr(all.size() - 1)), State::kServing);
}

struct Case {
  const char* sentence;
  std::string bytes;
  State state;
};

TEST(GrpcHealthReplyTest, TellsEveryOtherAnswerApart) {
  const Case cases[] = {
      {"not serving", kHead + FromHex("00000700000000000100000000020802"), State::kNotServing},
      {"unknown, which is not sent", kHead + FromHex("0000050000000000010000000000"),
       State::kNotServing},
      {"a field that we do not know stands before",
       kHead + FromHex("00000a00000000000100000000051201780801"), State::kServing},
      {"the message in two frames",
       kHead + FromHex("00000500000000000100000000020000020000000000010801"), State::kServing},
      {"a padded frame", kHead + FromHex("00000a000800000001020000000002080100ff"),
       State::kServing},
      {"trailers alone", kSettings + kTrailers, State::kNoHealth},
      {"another stream's data is not ours", kHead + FromHex("00000700000000000300000000020801"),
       State::kMore},
      {"another protocol", "HTTP/1.1 400 Bad Request\r\n\r\n", State::kBroken},
      {"no settings first", kServing, State::kBroken},
      {"the server goes", kSettings + FromHex("0000080700000000000000000000000002"),
       State::kBroken},
      {"the server resets the stream", kSettings + FromHex("00000403000000000100000007"),
       State::kBroken},
      {"a cut message", kHead + FromHex("000006000100000001000000000208"), State::kBroken},
      {"a compressed message", kHead + FromHex("00000700000000000101000000020801"), State::kBroken},
      {"a message of four gigabytes",
       kHead + FromHex("000005000000000001"
                       "00ffffffff"),
       State::kBroken},
      {"padding longer than its frame",
       kHead + FromHex("000001000800000001"
                       "05"),
       State::kBroken},
      {"a message that is no message", kHead + FromHex("0000060000000000010000000001ff"),
       State::kBroken},
  };
  for (const Case& c : cases) EXPECT_EQ(After(c.bytes), c.state) << c.sentence;
}

TEST(GrpcHealthReplyTest, HasALimitOnWhatIsNoAnswer) {
  GrpcHealthReply reply;
  std::string ping = FromHex(
      "000008060000000000"
      "0000000000000000");
  reply.Feed(kSettings);
  for (size_t bytes = 0; bytes < GrpcHealthReply::kBytesMax; bytes += ping.size()) reply.Feed(ping);
  EXPECT_EQ(reply.Feed(ping), State::kBroken);
}

TEST(GrpcHealthReplyTest, AnEndBeforeTheAnswerIsNone) {
  GrpcHealthReply reply;
  reply.Feed(kHead);
  EXPECT_EQ(reply.End(), State::kBroken);
  GrpcHealthReply whole;
  whole.Feed(kHead + kServing);
  EXPECT_EQ(whole.End(), State::kServing);
}

TEST(GrpcHealthRequestTest, IsPrefaceSettingsHeadersAndAnEmptyMessage) {
  const std::string request = GrpcHealthRequest();
  EXPECT_TRUE(
      request.starts_with("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + FromHex("000000040000000000")));
  EXPECT_TRUE(
      request.ends_with(FromHex("000005000100000001"
                                "0000000000")));
  EXPECT_NE(request.find("/grpc.health.v1.Health/Check"), std::string::npos);
}

}  // namespace
}  // namespace fleetmedic
