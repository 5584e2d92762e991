#include "base/json.h"

#include <gtest/gtest.h>

#include "base/long_json.h"

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
  EXPECT_FALSE(Json::Parse("18446744073709551616").has_value());
  EXPECT_FALSE(Json::Parse("-9223372036854775809").has_value());
}

TEST(Json, AnAnswerMayBeLongerThanAnyOtherText) {
  const std::string text = "[\"" + std::string(Json::kTextBytesMax, 'x') + "\"]";
  EXPECT_FALSE(Json::Parse(text));
  EXPECT_FALSE(ParseLongJson(text, text.size() - 1));
  EXPECT_EQ(ParseLongJson(text, text.size())->array()->front().string()->size(),
            Json::kTextBytesMax);
}

TEST(Json, RefusesNestingPastItsLimit) {
  const std::string at_limit(Json::kDepthMax, '[');
  const std::string closing(Json::kDepthMax, ']');
  EXPECT_TRUE(Json::Parse(at_limit + closing).has_value());
  EXPECT_FALSE(Json::Parse("[" + at_limit + closing + "]").has_value());
}

// Short texts have a parser of their own. A text that is long by what may stand around it is read
// by the other one.
TEST(Json, ReadsAShortTextAsALongOne) {
  const std::string around(size_t{65} << 10, ' ');
  const std::string_view texts[] = {
      R"({"b":1,"a":{"c":[1,-2,3.5,1e3,true,false,null,"x"]},"b":"the last counts"})",
      R"(["\u0041\n\t\"\\\/\b\f\r","\ud83d\ude00","\u0000"])",
      R"(["\ud800"])",
      R"(["\udc00\ud800"])",
      "[\"\x01\"]",
      "[\"\xc0\x80\"]",
      "[\"\xed\xa0\x80\"]",
      "[\"\xf4\x90\x80\x80\"]",
      "\xef\xbb\xbf[]",
      "[-0,0,-0.0,1E400,-1e-400,1.7976931348623157e308]",
      "[9223372036854775807,-9223372036854775808]",
      "[9223372036854775808]",
      "[-9223372036854775809]",
      "[123456789012345678901234567890]",
      "[01]",
      "[1.]",
      "[.5]",
      "[+1]",
      "[1,]",
      "{\"a\":1,}",
      "{a:1}",
      "[NaN]",
      "nul",
      "\"open",
      "[",
      "[] []",
      "{\"\":{\"\":\"\"}}",
      "[1e5]",
      "[0.1,100000000000000000000.0,5e-324]",
  };
  for (const std::string_view text : texts) {
    const Result<Json> read = Json::Parse(text);
    const Result<Json> read_long = Json::Parse(std::string(text) + around);
    ASSERT_EQ(read.has_value(), read_long.has_value()) << text;
    if (read.has_value()) {
      EXPECT_EQ(*read, *read_long) << text;
    }
  }
}

// Whole and compact text are written by different code.
TEST(Json, WritesEveryCharacterSoThatItIsReadBack) {
  std::string all;
  for (int c = 0; c < 128; ++c) all.push_back(static_cast<char>(c));
  Json json;
  json.Set(all + "\u00e9\U0001f600", Json::Array{all, "", Json::Array{}, Json::Object{}, 0.1, 1.0});
  EXPECT_EQ(Json::Parse(json.Dump()), json);
  EXPECT_EQ(Json::Parse(json.DumpPretty()), json);
  EXPECT_NE(json.Dump().find(R"(\u0000\u0001)"), std::string::npos);
  EXPECT_NE(json.Dump().find(R"(\u0007\b\t\n\u000b\f\r\u000e)"), std::string::npos);
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
