#include "stream/literals.h"

#include <limits>

#include <gtest/gtest.h>

namespace fleetmedic {
namespace {

struct Case {
  const char* pattern;
  const char* required;
};

TEST(RequiredLiterals, AreReadFromThePatternsStructure) {
  const Case kCases[] = {
      // Plain text is one literal, whatever stands around it.
      {"I/O error", "'I/O error'"},
      {R"(^mce: \[Hardware Error\]: CPU)", "'mce: [Hardware Error]: CPU'"},
      {R"(\bkernel\b$)", "'kernel'"},
      {R"(\Aabc\z)", "'abc'"},
      {R"(a\.b\x41\tc)", "'a.bA\tc'"},
      // What is not plain text ends a literal.
      {R"(dev (?P<device>\w+), sector \d+ of)", "('dev ' & ', sector ' & ' of')"},
      {"foo.bar", "('foo' & 'bar')"},
      {"foo[^b]*bar", "('foo' & 'bar')"},
      {R"(foo[\d-]bar)", "('foo' & 'bar')"},
      {"foo[a-z]bar", "('foo' & 'bar')"},
      {"foo[[:alpha:]]bar", "('foo' & 'bar')"},
      {R"(foo\sbar\Sbaz)", "('foo' & 'bar' & 'baz')"},
      {R"(foo\nbar\rbaz)", "('foo' & 'bar' & 'baz')"},
      // Too short to tell anything.
      {"ab.cd", "-"},
      {".*", "-"},
      {"a.bcd", "'bcd'"},
      // A repeated character touches what is around it once.
      {"fooo*bar", "('foo' & 'bar')"},
      {"fooo+bar", "('fooo' & 'obar')"},
      {"foo+?bar", "('foo' & 'obar')"},
      {"fo{3}bar", "'fooobar'"},
      {"fo{2,}bar", "'obar'"},
      {"(?:abc){2}d", "('abc' & 'abcabcd')"},
      {"(?:abc)+d", "('abc' & 'abcd')"},
      {"(?:abc){0}def", "'def'"},
      {"(?:abc){0,3}def", "'def'"},
      // A brace that repeats nothing is text.
      {"a{,5}b", "'a{,5}b'"},
      {"abc{x}", "'abc{x}'"},
      // What may be missing gives two ways to go on.
      {"https?://", "('http' & '://' & ('http://' | 'https://'))"},
      {"abc(?:d.)?efg", "('abc' & 'efg')"},
      // Few characters are a choice, many are any text.
      {"[Cc]ontainer", "('ontainer' & ('Container' | 'container'))"},
      {"[^C]ontainer", "'ontainer'"},
      {"[]x]abc", "('abc' & (']abc' | 'xabc'))"},
      {"[a-e]xyz", "'xyz'"},
      {"[a\\]b]xyz", "('xyz' & (']xyz' | 'axyz' | 'bxyz'))"},
      // A choice needs a literal of each branch.
      {"alpha|beta", "('alpha' | 'beta')"},
      {"alpha|b", "-"},
      {"alpha|.*", "-"},
      {"alpha|beta|", "-"},
      {"(?:alpha|beta) failed",
       "(('alpha' | 'beta') & ' failed' & ('alpha failed' | 'beta failed'))"},
      {"(?:one.two|three) end", "((('one' & 'two') | 'three') & ' end')"},
      {"(?:one.+two|three)", "(('one' & 'two') | 'three')"},
      {"abc(|d)efg", "('abc' & 'efg' & ('abcdefg' | 'abcefg'))"},
      // Letters in either case, as far as the flag reaches.
      {"(?i)Foo-1", "'foo-1'i"},
      {"abc(?i:DEF)G", "('def'i & 'abcdefg'i)"},
      {"(?:(?i)abc.)DEF", "('abc'i & 'DEF')"},
      {"(?i)123:", "'123:'"},
      {"(?i)abc(?-i).DEF", "('abc'i & 'DEF')"},
      {"(?s)abc.def", "('abc' & 'def')"},
      {"(?i)[Kk]xyz", "'kxyz'i"},
      {"(?i)[a-b]xyz", "('xyz'i & ('axyz'i | 'bxyz'i))"},
  };
  for (const Case& c : kCases) {
    EXPECT_EQ(ToText(RequiredLiterals(c.pattern, false)), c.required) << c.pattern;
  }
  EXPECT_EQ(ToText(RequiredLiterals("Foo.BAR", true)), "('foo'i & 'bar'i)");
}

TEST(RequiredLiterals, OfWhatIsNotUnderstoodIsNothing) {
  for (const char* pattern : {"(abc", "abc)", "abc[", "abc[[:alpha", "abc\\", "a**", "\\xzz",
                              "(?P<nam", "(?i", "abc[a-", "(?Pxabc)"}) {
    EXPECT_EQ(ToText(RequiredLiterals(pattern, false)), "-") << pattern;
  }
  std::string deep = "abc";
  for (int i = 0; i < 1000; ++i) deep = "(" + deep + ")";
  EXPECT_EQ(ToText(RequiredLiterals(deep, false)), "-");
}

TEST(RequiredLiterals, StayFewWhereThePatternsStringsAreMany) {
  const Requirement many =
      RequiredLiterals("(?:aa|bb|cc|dd)(?:ee|ff|gg|hh)(?:ii|jj|kk|ll)x", false);
  std::string most = ToText(many);
  EXPECT_LT(most.size(), 1000u) << most;
  std::string wide = "(?:";
  for (int i = 0; i < 200; ++i)
    wide += (i > 0 ? "|" : "") + std::string("word") + std::to_string(i);
  const Requirement of_each = RequiredLiterals(wide + ")", false);
  EXPECT_EQ(of_each.kind, Requirement::Kind::kOneOf);
  EXPECT_FALSE(Cheapest(of_each, [](const Literal&) { return 1.0; }).has_value())
      << "too many literals to look for one pattern";
}

TEST(LineBegins, AreKnownWhereEachBranchStartsWithTheLine) {
  const auto begins = [](const char* pattern, bool ignore_case = false) {
    const auto bytes = LineBegins(pattern, ignore_case);
    if (!bytes) return std::string("any");
    std::string text;
    for (size_t i = 0; i < bytes->size(); ++i) {
      if (bytes->test(i)) text.push_back(static_cast<char>(i));
    }
    return text;
  };
  EXPECT_EQ(begins(R"(^(?:F\d{4} |E\d{4} EXIT))"), "EF");
  EXPECT_EQ(begins("^a|^b"), "ab");
  EXPECT_EQ(begins(R"(\A\b[xy]+z)"), "xy");
  EXPECT_EQ(begins("^(?P<a>k)l"), "k");
  EXPECT_EQ(begins("^k", true), "Kk");
  EXPECT_EQ(begins("(?i)^k"), "Kk");
  EXPECT_EQ(begins("(?:^a)b"), "a");
  for (const char* pattern : {"a", "^a|b", "^a?b", "^(?:a|)b", "^a*b", "^.a", "^[^a]b", R"(^\d)",
                              "(?:^)?a", "(?:^|x)a", "a^b", "^(?:a|.)b", "^a{0,2}b", "^[\\n]a"}) {
    EXPECT_EQ(begins(pattern), "any") << pattern;
  }
}

TEST(Cheapest, TakesOnePartOfEachAndAllPartsOfOneOf) {
  const auto by_length = [](const Literal& literal) {
    return literal.text == "never" ? std::numeric_limits<double>::infinity()
                                   : 100.0 - static_cast<double>(literal.text.size());
  };
  const auto pick = [&](const char* pattern) {
    std::string text;
    const auto best = Cheapest(RequiredLiterals(pattern, false), by_length);
    if (!best) return std::string("-");
    for (const Literal& literal : best->literals) text += literal.text + ";";
    return text;
  };
  EXPECT_EQ(pick("abc.longer.de"), "longer;");
  EXPECT_EQ(pick("(?:one.three|four)"), "four;three;");
  EXPECT_EQ(pick("(?:one.three|four).*longest of all"), "longest of all;");
  EXPECT_EQ(pick("never"), "-");
  EXPECT_EQ(pick("never.abc"), "abc;");
  EXPECT_EQ(pick("never|abc"), "-");
  EXPECT_EQ(pick("abc.|abc,"), "abc;abc,;");
}

}  // namespace
}  // namespace fleetmedic
