#include "config/toml.h"

#include <gtest/gtest.h>

namespace fleetmedic {
namespace {

TEST(Toml, EveryKeyAndValueKnowsItsPlace) {
  Diagnostics diagnostics;
  const TomlNode root = ParseToml(
      "top = 1\n"
      "[zeta]\n"
      "  b = 'x'\n"
      "  a = [1, 2.5, true]\n"
      "\n"
      "[[alpha]]\n"
      "name = \"n\"\n"
      "[[alpha]]\n",
      "f.toml", &diagnostics);
  ASSERT_TRUE(diagnostics.ok()) << diagnostics.Text();
  ASSERT_EQ(root.members.size(), 3u);
  EXPECT_EQ(root.members[0].key, "top");
  EXPECT_EQ(root.members[1].key, "zeta");
  EXPECT_EQ(root.members[2].key, "alpha");
  const TomlNode& zeta = root.members[1].value;
  EXPECT_EQ(zeta.members[0].key, "b");
  EXPECT_EQ(zeta.members[0].place, (SourcePlace{"f.toml", 3, 3}));
  EXPECT_EQ(zeta.Find("b")->place, (SourcePlace{"f.toml", 3, 7}));
  EXPECT_EQ(zeta.Find("b")->width, 3);
  EXPECT_EQ(zeta.Find("b")->text_place, (SourcePlace{"f.toml", 3, 8}));
  EXPECT_EQ(zeta.Find("a")->array[1].number, 2.5);
  EXPECT_EQ(zeta.Find("a")->array[1].place, (SourcePlace{"f.toml", 4, 11}));
  EXPECT_EQ(root.Find("alpha")->array.size(), 2u);
  EXPECT_EQ(root.Find("alpha")->array[1].place.line, 8);
  EXPECT_EQ(root.Find("beta"), nullptr);
}

TEST(Toml, ColumnsCountCharactersNotBytes) {
  Diagnostics diagnostics;
  const TomlNode root = ParseToml("\"\xc3\xa4\xc3\xb6\" = '''x'''\n", "f", &diagnostics);
  ASSERT_TRUE(diagnostics.ok()) << diagnostics.Text();
  EXPECT_EQ(root.members[0].value.place.column, 8);
  EXPECT_EQ(root.members[0].value.text_place.column, 11);
}

TEST(Toml, ASyntaxErrorIsReportedWithItsLine) {
  Diagnostics diagnostics;
  const TomlNode root = ParseToml("a = 1\nb = = 2\n", "f.toml", &diagnostics);
  EXPECT_TRUE(root.members.empty());
  ASSERT_EQ(diagnostics.errors(), 1u);
  EXPECT_EQ(diagnostics.Sorted()[0].place.line, 2);
  EXPECT_NE(diagnostics.Text().find("\n 2 | b = = 2\n   |     ^"), std::string::npos)
      << diagnostics.Text();
}

TEST(Toml, HostileTextIsAnErrorAndNeverACrash) {
  const std::string deep(5000, '[');
  for (const std::string& text :
       {std::string("a = \x00 1", 7), std::string("\xff\xfe = 1"), "a = " + deep,
        std::string("a = \"\x1b[31m\""), std::string("[a]\n[a]\n"), std::string("a=1\na=2"),
        std::string(kTomlBytesMax + 1, '#')}) {
    Diagnostics diagnostics;
    ParseToml(text, "f", &diagnostics);
    EXPECT_EQ(diagnostics.errors(), 1u);
    EXPECT_EQ(diagnostics.Text().find('\x1b'), std::string::npos);
  }
}

TEST(Diagnostics, ShowSnippetMarkHintAndCount) {
  Diagnostics diagnostics;
  diagnostics.AddFile("a.toml", "[api]\nport = \"5\"\n");
  diagnostics.AddFile("b.toml", "");
  diagnostics.Warning({"b.toml", 0, 0}, 1, "is empty");
  diagnostics.Error({"a.toml", 2, 8}, 3, "api.port: expected an integer", "remove the quotes");
  EXPECT_EQ(diagnostics.Text(),
            "a.toml:2:8: error: api.port: expected an integer\n"
            " 2 | port = \"5\"\n"
            "   |        ^^^  remove the quotes\n"
            "b.toml: warning: is empty\n"
            "2 files, 1 error, 1 warning\n");
  EXPECT_EQ(diagnostics.AsStatus().error().code, Code::kInvalidArgument);
  EXPECT_EQ(diagnostics.ToJson()["diagnostics"].array()->size(), 2u);
}

TEST(Diagnostics, KeepTheMarkUnderALongOrHostileLine) {
  Diagnostics diagnostics;
  diagnostics.AddFile("a", std::string(300, 'x') + "!" + std::string(300, 'y') + "\n\t\x1b?\n");
  diagnostics.Error({"a", 1, 301}, 1, "long");
  diagnostics.Error({"a", 2, 3}, 1, "escape");
  const std::string text = diagnostics.Text();
  EXPECT_NE(text.find(" 1 | ..." + std::string(60, 'x') + "!" + std::string(59, 'y') + "...\n" +
                      "   | " + std::string(63, ' ') + "^\n"),
            std::string::npos)
      << text;
  EXPECT_NE(text.find("\n   |   ^\n"), std::string::npos) << text;
}

TEST(Diagnostics, PastTheirLimitAreCounted) {
  Diagnostics diagnostics;
  for (size_t i = 0; i < Diagnostics::kDiagnosticsMax + 7; ++i) {
    diagnostics.Error({"a", 1, 1}, 1, "x");
  }
  EXPECT_EQ(diagnostics.errors(), Diagnostics::kDiagnosticsMax + 7);
  EXPECT_NE(diagnostics.Text().find("and 7 more\n"), std::string::npos);
}

}  // namespace
}  // namespace fleetmedic
