#include "base/json_element.h"

#include <gtest/gtest.h>

namespace fleetmedic {
namespace {

// The Json that an element is, by all that it says.
Json Copy(const JsonElement& element) {
  if (const auto text = element.string()) return *text;
  if (const auto integer = element.integer()) return *integer;
  if (const auto number = element.number()) return *number;
  if (const auto boolean = element.boolean()) return *boolean;
  if (element.is_array()) {
    Json json(Json::Array{});
    element.EachElement([&](const JsonElement& item) {
      json.Append(Copy(item));
      return true;
    });
    return json;
  }
  if (!element.is_object()) return {};
  const JsonMembers members(element);
  Json json(Json::Object{});
  element.EachMember([&](std::string_view key, const JsonElement&) {
    json.Set(key, Copy(members[key]));
    return true;
  });
  EXPECT_TRUE(members["not there"].is_null());
  return json;
}

TEST(JsonElement, SaysWhatTheJsonOfTheTextSays) {
  std::string many = "{";
  for (int i = 0; i < 40; ++i) many += "\"k" + std::to_string(i) + "\":" + std::to_string(i) + ",";
  many += "\"k7\":\"again\"}";
  const std::string texts[] = {
      "null",
      "true",
      "-1",
      "9223372036854775807",
      "0.5",
      R"("\u00e9\n")",
      R"([1,"two",[],{},null,3.0])",
      R"({"a":1,"b":{"c":[true]},"d":null})",
      R"({"b":1,"a":2,"b":3})",  // the last counts
      R"({"a":1,"a":{"b":1},"a":[2]})",
      many,
  };
  for (const std::string& text : texts) {
    bool read = false;
    EXPECT_TRUE(ReadJsonElement(text, [&](const JsonElement& root) {
      read = true;
      EXPECT_EQ(Copy(root), Json::Parse(text).value()) << text;
    })) << text;
    EXPECT_TRUE(read);
  }
}

TEST(JsonElement, IsNotLentOfWhatJsonRefuses) {
  const std::string texts[] = {
      "",
      "{",
      "[1,]",
      "1 2",
      "18446744073709551615",
      R"({"deep":{"ignored":9223372036854775808}})",
      std::string(40, '[') + std::string(40, ']'),
      "\"\xff\"",
  };
  for (const std::string& text : texts) {
    ASSERT_FALSE(Json::Parse(text)) << text;
    EXPECT_FALSE(ReadJsonElement(text, [](const JsonElement&) { FAIL(); })) << text;
  }
}

TEST(JsonElement, IsReadByTheSameReader) {
  const std::string_view text =
      R"({"name":"x","count":"three","list":["a","b"],"at":"2026-01-01T00:00:00Z"})";
  std::string name;
  std::vector<std::string> list;
  WallTime at = kWallNever;
  std::string message;
  ASSERT_TRUE(ReadJsonElement(text, [&](const JsonElement& root) {
    JsonReaderOf<JsonElement> in(root, "thing");
    in.Required("name", &name);
    in.Required("list", &list);
    in.Required("at", &at);
    int64_t count = 0;
    in.Required("count", &count);
    message = in.Done().error().message;
  }));
  EXPECT_EQ(name, "x");
  EXPECT_EQ(list, (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(FormatWall(at), "2026-01-01T00:00:00.000000Z");
  EXPECT_EQ(message, "thing.count: expected an integer");
}

}  // namespace
}  // namespace fleetmedic
