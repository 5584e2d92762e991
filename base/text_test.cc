#include "base/text.h"

#include <gtest/gtest.h>

namespace fleetmedic {
namespace {

TEST(Quote, ShowsWhatWouldNotBeSeen) {
  struct Case {
    const char* sentence;
    std::string_view text;
    std::string_view quoted;
  };
  static const Case kCases[] = {
      {"plain text stays", "disk sda1", "\"disk sda1\""},
      {"letters beyond ASCII stay", "gr\u00fcn \u65e5", "\"gr\u00fcn \u65e5\""},
      {"quote and backslash are escaped", "a\"b\\c", R"("a\"b\\c")"},
      {"line ends are escaped", "a\r\n\tb", R"("a\r\n\tb")"},
      {"an ANSI escape is escaped", "\x1b[31mred", R"("\x1b[31mred")"},
      {"a C1 control is escaped", "\u009b31m", R"("\u009b31m")"},
      {"a bidirectional override is escaped", "a\u202eb", R"("a\u202eb")"},
      {"a zero-width space is escaped", "a\u200bb", R"("a\u200bb")"},
      {"a tag character is escaped", "\U000e0041", R"("\U000e0041")"},
      {"a lone byte is escaped",
       "a\xff"
       "b",
       R"("a\xffb")"},
      {"an overlong form is escaped byte by byte", "\xc0\xaf", R"("\xc0\xaf")"},
      {"a surrogate is escaped byte by byte", "\xed\xa0\x80", R"("\xed\xa0\x80")"},
      {"a character cut short is escaped", "\xe6\x97", R"("\xe6\x97")"},
  };
  for (const Case& c : kCases) EXPECT_EQ(Quote(c.text, 100), c.quoted) << c.sentence;
  EXPECT_EQ(Quote(std::string_view("\0", 1), 100), R"("\x00")");
}

TEST(Quote, CutsAtCharactersAndSaysSo) {
  EXPECT_EQ(Quote("\u65e5\u672c\u8a9e", 2), "\"\u65e5\u672c\"...");
  EXPECT_EQ(Quote("abc", 3), "\"abc\"");
  EXPECT_EQ(Quote("abc", 0), "\"\"...");
}

TEST(VisibleText, IsOneLineThatATerminalCannotMisread) {
  EXPECT_EQ(VisibleText("a\x1b[0m\n"), "a\u241b[0m\u240a");
  EXPECT_EQ(VisibleText("\x7f"), "\u2421");
  EXPECT_EQ(VisibleText("x\u202ey\u0085"), "x<U+202E>y<U+0085>");
  EXPECT_EQ(VisibleText("\xff\u00fc"), "\ufffd\u00fc");
}

TEST(Split, KeepsEmptyParts) {
  EXPECT_EQ(Split("a,,b", ','), (std::vector<std::string_view>{"a", "", "b"}));
  EXPECT_EQ(Split("", ','), (std::vector<std::string_view>{""}));
  EXPECT_EQ(Split(",", ','), (std::vector<std::string_view>{"", ""}));
}

TEST(Trim, TakesWhiteSpaceFromBothEnds) {
  EXPECT_EQ(Trim(" \t a b\r\n"), "a b");
  EXPECT_EQ(Trim(" \n"), "");
  EXPECT_EQ(Trim(""), "");
}

TEST(EditDistance, CountsTheFourKindsOfMistake) {
  EXPECT_EQ(EditDistance("", "abc"), 3u);
  EXPECT_EQ(EditDistance("abc", ""), 3u);
  EXPECT_EQ(EditDistance("kitten", "sitting"), 3u);
  EXPECT_EQ(EditDistance("interval", "intreval"), 1u);
  EXPECT_EQ(EditDistance("same", "same"), 0u);
}

TEST(ClosestWord, OffersWhatWasMeantAndNothingFarFetched) {
  static constexpr std::string_view kWords[] = {"interval", "internal", "listen"};
  EXPECT_EQ(ClosestWord("intervall", kWords), "interval");
  EXPECT_EQ(ClosestWord("Listen", kWords), "listen");
  EXPECT_EQ(ClosestWord("interal", kWords), "interval");
  EXPECT_EQ(ClosestWord("budget", kWords), std::nullopt);
  EXPECT_EQ(ClosestWord("", kWords), std::nullopt);
  EXPECT_EQ(ClosestWord(std::string(1000, 'x'), kWords), std::nullopt);
  const std::vector<std::string> owned = {"a", "bc"};
  EXPECT_EQ(ClosestWord("bd", owned), "bc");
}

}  // namespace
}  // namespace fleetmedic
