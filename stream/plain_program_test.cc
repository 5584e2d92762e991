#include "stream/plain_program.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "stream/line_pattern.h"
#include "stream/plain_reader.h"

namespace fleetmedic {
namespace {

using Answer = PlainPrograms::Answer;
using namespace std::string_view_literals;

struct Case {
  std::string_view pattern;
  std::vector<std::string_view> lines;
  bool ignore_case = false;
};

const Case kPlain[] = {
    {"disk full", {"disk full", "a disk full", "disk ful", "", "disk disk full"}},
    {R"(^mlx5_core (?P<device>[0-9a-f:.]+): lease was lost, status (?P<status>-?\d+))",
     {"mlx5_core 0000:3b:00.1: lease was lost, status -17 now",
      "mlx5_core 0000:3b:00.1: lease was lost, status none", " mlx5_core 0: lease was lost"}},
    {"(?P<all>a(?P<in>b)?)c?$", {"ab", "a", "abc", "ac", "acb", "aab"}},
    {"(?:(?P<a>x)y|x(?P<b>z)|)w", {"xyw", "xzw", "w", "xw", "xxyw", "xz"}},
    {"(?P<c>a|ab)(?P<d>c|bcd)(?P<e>d*)", {"abcd", "acd", "abc", "aabcdd", "ab"}},
    {"(?P<least>a+?)(?P<most>a*)b", {"aaab", "ab", "b", "caaab", "aaac"}},
    {"(?P<least>.?"
     "?)(?P<c>x{2,3}?)(?P<d>x*)",
     {"xxxxx", "axx", "xx", "x"}},
    {"a.*b.+c.?d", {"abcd", "a b  cd", "ab.c.d", "abxcd bxcxxd", "a\nb c d", "a b\nc d"}},
    {"(?s)a.b(?-s:.)c", {"a\nbxc", "axb\nc", "axbxc"}},
    {R"(\berror\b)",
     {"error", "an error.", "errors", "terror", "_error",
      "\xc3\xa4"
      "error\xff"}},
    {R"(x\B.\B\w+$)",
     {"xabc", "x bc", "xa", "xab ",
      "x\xff"
      "ab"}},
    {R"(\A[^a-c\s]+\z)", {"xyz", "xaz", "x z", "\xff\x80", "x\0y"sv, ""}},
    {R"([\]\\x]{2}|[]a-]+;|[[:digit:][:upper:]]!)", {"]\\", "x]", "-a];", "7!", "Q!", "q!"}},
    {"(?i)Kernel(?-i:Oops)s[k-l]?",
     {"kernelOopss", "KERNELOopsSL", "kernelOOPSs",
      "\xe2\x84\xaa"
      "ernelOopss"}},
    {"i/o ERROR [^K]", {"I/O error x", "i/o error k", "i/o error K", "i/o error \xff"}, true},
    {R"(\x41\x00\t\.{2}\{)", {"A\0\t..{"sv, "A\0\t.{"sv, "a\0\t..{"sv}},
    {"a{2}b{1,}c{0}d{0,1}e{,2}{", {"aabbde{,2}{", "aabe{,2}{", "aabcde{,2}{", "aabe{"}},
    {"a|^b|c$", {"b", "xb", "cx", "xc", "xax"}},
    {"(unnamed )?(?P<x>)y", {"y", "unnamed y", "unnamed x"}},
    {"$^a|\\Ba", {"a", "ba", " a"}},
};

PlainPrograms ProgramOf(std::string_view pattern, bool ignore_case) {
  PlainPrograms programs;
  programs.Add(PlainReader().Read(pattern, ignore_case));
  return programs;
}

TEST(PlainProgram, SaysWhatRe2SaysWithItsCaptures) {
  for (const Case& one : kPlain) {
    const PlainPrograms programs = ProgramOf(one.pattern, one.ignore_case);
    EXPECT_TRUE(programs.Has(0)) << one.pattern;
    const auto re2 = LinePattern::Compile(std::string(one.pattern), one.ignore_case);
    ASSERT_TRUE(re2.has_value()) << one.pattern << ": " << re2.error().message;
    size_t matched = 0;
    for (const std::string_view line : one.lines) {
      std::vector<std::string_view> expected;
      std::vector<std::string_view> values;
      const bool matches = re2->Match(line, &expected);
      matched += matches ? 1 : 0;
      EXPECT_EQ(programs.Run(0, line, &values), matches ? Answer::kYes : Answer::kNo)
          << one.pattern << "\non " << line;
      EXPECT_EQ(values, expected) << one.pattern << "\non " << line;
      for (size_t i = 0; i < expected.size() && i < values.size(); ++i) {
        EXPECT_EQ(values[i].data(), expected[i].data()) << one.pattern << "\non " << line;
      }
    }
    EXPECT_GT(matched, 0u) << one.pattern;
    EXPECT_LT(matched, one.lines.size()) << one.pattern;
  }
}

TEST(PlainProgram, LeavesToRe2WhatIsNotPlain) {
  for (const std::string_view pattern :
       {"(?:ab)*c", "(?P<c>a)+", "(?:a|b){2}", "(?m)^a$", "(?U)a+", "^*a", "a*", "(?:a|)"}) {
    const PlainPrograms programs = ProgramOf(pattern, false);
    std::vector<std::string_view> values;
    EXPECT_FALSE(programs.Has(0)) << pattern;
    EXPECT_EQ(programs.Run(0, "abc", &values), Answer::kUnknown) << pattern;
  }
}

TEST(PlainProgram, GivesUpWhereALineTakesTooManySteps) {
  const PlainPrograms programs = ProgramOf("a.*a.*a.*a.*a.*b", false);
  std::vector<std::string_view> values;
  EXPECT_EQ(programs.Run(0, std::string(4000, 'a'), &values), Answer::kUnknown);
  EXPECT_EQ(programs.Run(0, std::string(4000, 'a') + "b", &values), Answer::kYes);
  EXPECT_EQ(programs.Run(0, std::string(4000, 'x'), &values), Answer::kNo);
}

TEST(PlainProgram, HasALimitToItsChoices) {
  std::string many;
  for (size_t i = 0; i < PlainPrograms::kChoicesMax; ++i) many += "a?";
  EXPECT_TRUE(ProgramOf(many + "b", false).Has(0));
  EXPECT_FALSE(ProgramOf(many + "a?b", false).Has(0));
}

}  // namespace
}  // namespace fleetmedic
