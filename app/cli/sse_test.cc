#include "app/cli/sse.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

namespace fleetmedic::cli {
namespace {

using testing::ElementsAre;

// "type/id/data" of each event, the stream fed in pieces of this size.
std::vector<std::string> Events(std::string_view stream, size_t piece_bytes) {
  SseParser parser;
  std::vector<std::string> events;
  for (size_t i = 0; i < stream.size(); i += piece_bytes) {
    EXPECT_TRUE(parser.Feed(stream.substr(i, piece_bytes), [&](const ServerSentEvent& event) {
      events.push_back(event.type + "/" + event.id + "/" + event.data);
      return true;
    }));
  }
  return events;
}

TEST(SseParser, ReadsTheSameEventsHoweverTheStreamIsCut) {
  const std::string stream =
      ": a comment\r\n"
      "id: 1:7\nevent: host\ndata: {\"a\":1}\n\n"
      "event: beat\n\n"  // no data: no event, and its type is forgotten
      "data: one\rdata:two\r\r"
      "id: 1:8\r\nevent: audit\r\ndata:  x\r\n\r\n"
      "data: not finished";
  for (size_t piece = 1; piece <= stream.size(); ++piece) {
    EXPECT_THAT(Events(stream, piece),
                ElementsAre("host/1:7/{\"a\":1}", "message/1:7/one\ntwo", "audit/1:8/ x"))
        << "in pieces of " << piece;
  }
}

TEST(SseParser, RefusesAnEventWithoutAnEnd) {
  SseParser parser;
  const auto never = [](const ServerSentEvent&) { return true; };
  const std::string line = "data: " + std::string(SseParser::kEventBytesMax - 6, 'x');
  ASSERT_TRUE(parser.Feed(line, never));
  const Status fed = parser.Feed("y", never);
  ASSERT_FALSE(fed);
  EXPECT_EQ(fed.error().code, Code::kFull);
}

TEST(SseParser, CountsTheBytesOfEachEventAlone) {
  SseParser parser;
  const std::string event = "data: " + std::string(SseParser::kEventBytesMax / 2, 'x') + "\n\n";
  int events = 0;
  for (int i = 0; i < 4; ++i) {
    ASSERT_TRUE(parser.Feed(event, [&](const ServerSentEvent&) { return ++events > 0; }));
  }
  EXPECT_EQ(events, 4);
}

TEST(SseParser, StopsWhereTheReaderHasEnough) {
  SseParser parser;
  int events = 0;
  ASSERT_TRUE(parser.Feed("data: 1\n\ndata: 2\n\n", [&](const ServerSentEvent&) {
    ++events;
    return false;
  }));
  EXPECT_EQ(events, 1);
}

}  // namespace
}  // namespace fleetmedic::cli
