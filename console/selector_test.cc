#include "console/selector.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "console/fake_remediator.h"

namespace fleetmedic {
namespace {

TEST(Selector, SelectsByFactsLabelsAndState) {
  HostRecord record = TestHost("web-1");
  record.facts.labels["team"] = "edge";
  record.state = HostState::kSuspect;
  struct Case {
    const char* sentence;
    const char* text;
    bool selected;
  };
  const Case cases[] = {
      {"a fact that is so", "pool=web", true},
      {"with two equal signs", "pool==web", true},
      {"a fact that is not so", "pool=db", false},
      {"the host's name", "host=web-1", true},
      {"a label", "team=edge", true},
      {"the state", "state=suspect", true},
      {"another state", "state!=suspect", false},
      {"every term must hold", "pool=web,rack=r2", false},
      {"white space does not count", " pool = web , rack != r2 ", true},
      {"a value with an equal sign", "team=edge=1", false},
      {"an unknown key selects nothing", "pol=web", false},
      {"an unknown key selects nothing when negated either", "pol!=web", false},
      {"the empty text selects nothing", "", false},
      {"white space alone selects nothing", "  ", false},
  };
  for (const Case& c : cases) {
    const Result<Selector> selector = Selector::Parse(c.text);
    ASSERT_TRUE(selector) << c.sentence << ": " << selector.error().message;
    EXPECT_EQ(selector->Matches(record), c.selected) << c.sentence;
  }
  EXPECT_FALSE(Selector().Matches(record)) << "the default selector selects nothing";
}

TEST(Selector, RefusesWhatItCannotRead) {
  struct Case {
    const char* sentence;
    std::string text;
    const char* message;
  };
  const Case cases[] = {
      {"no sign", "pool", "key=value"},
      {"no key", "=web", "key=value"},
      {"no key before !=", "!=web", "lacks a key"},
      {"no value", "pool=", "lacks a key or a value"},
      {"an empty term", "pool=web,", "key=value"},
      {"a state that does not exist", "state=sick", "no state \"sick\""},
      {"hostile text is quoted", "\x1b[31m", "\\x1b[31m"},
      {"too long", std::string(5000, 'a'), "at most 4096 bytes"},
  };
  for (const Case& c : cases) {
    const Result<Selector> selector = Selector::Parse(c.text);
    ASSERT_FALSE(selector) << c.sentence;
    EXPECT_EQ(selector.error().code, Code::kInvalidArgument) << c.sentence;
    EXPECT_THAT(selector.error().message, testing::HasSubstr(c.message)) << c.sentence;
  }
  std::string many = "a=b";
  for (size_t i = 0; i < Selector::kTermsMax; ++i) many += ",a=b";
  EXPECT_FALSE(Selector::Parse(many));
}

}  // namespace
}  // namespace fleetmedic
