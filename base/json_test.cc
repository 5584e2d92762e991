#include "base/json.h"

#include <gtest/gtest.h>

namespace fleetmedic {
namespace {

TEST(Json, WritesKeysInOrderAndReadsBackTheSame) {
  Json json;
  json.Set("b", 2);
  json.Set("a", Json::Array{true, nullptr, 1.5, "x\n"});
  json.Set("c", int64_t{-9'000'000'000});
  EXPECT_EQ(json.Dump(), R"({"a":[true,null,1.5,"x\n"],"b":2,"c":-9000000000})");
  EXPECT_EQ(Json::Parse(json.Dump()), json);
  EXPECT_EQ(Json::Parse(json.DumpPretty()), json);
}

TEST(Json, AMemberThatIsNotThereIsNull) {
  const Json json = Json::Parse(R"({"a":{"b":1}})").value();
  EXPECT_EQ(json["a"]["b"].integer(), 1);
  EXPECT_TRUE(json["x"]["y"].is_null());
  EXPECT_EQ(json["a"].integer(), std::nullopt);
}

TEST(Json, RefusesBadTextAndSaysWhere) {
  EXPECT_EQ(Json::Parse("{\"a\":}").error().code, Code::kInvalidArgument);
  EXPECT_NE(Json::Parse("{\"a\":}").error().message.find("at byte 6"), std::string::npos);
  EXPECT_FALSE(Json::Parse("").has_value());
  EXPECT_FALSE(Json::Parse("1 2").has_value());
  EXPECT_FALSE(Json::Parse("\"\xff\"").has_value());
  EXPECT_FALSE(Json::Parse("18446744073709551615").has_value());
}

TEST(Json, RefusesNestingPastItsLimit) {
  const std::string at_limit(Json::kDepthMax, '[');
  const std::string closing(Json::kDepthMax, ']');
  EXPECT_TRUE(Json::Parse(at_limit + closing).has_value());
  EXPECT_FALSE(Json::Parse("[" + at_limit + closing + "]").has_value());
}

TEST(Json, TextThatIsNotUtf8IsStillWrittenAsJson) {
  const Json json(
      std::string("a\xff"
                  "b"));
  EXPECT_EQ(json.Dump(),
            "\"a\xef\xbf\xbd"
            "b\"");
}

TEST(JsonReader, NamesTheFirstProblemAndItsPath) {
  const Json json = Json::Parse(R"({"name":"x","count":"three"})").value();
  std::string name;
  uint64_t count = 7;
  std::string absent = "kept";
  JsonReader in(json, "thing");
  in.Required("name", &name);
  in.Optional("absent", &absent);
  in.Required("count", &count);
  in.Required("missing", &name);
  EXPECT_EQ(name, "x");
  EXPECT_EQ(absent, "kept");
  EXPECT_EQ(in.Done().error().message, "thing.count: expected an integer of at least 0");
}

TEST(JsonReader, RefusesWhatIsNoObject) {
  const Json json(3);
  JsonReader in(json, "thing");
  EXPECT_EQ(in.Done().error().message, "thing: expected an object");
}

}  // namespace
}  // namespace fleetmedic
