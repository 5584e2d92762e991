#include "detectors/gpu/xid_catalogue.h"

#include <algorithm>
#include <cstdlib>
#include <map>

#include <gtest/gtest.h>

#include "base/file.h"
#include "config/rules_load.h"

namespace fleetmedic {
namespace {

TEST(XidCatalogueTest, StandsByNumber) {
  int expected = 1;
  for (const XidEntry& entry : XidCatalogue()) {
    EXPECT_EQ(entry.xid, expected++);
    EXPECT_EQ(FindXid(entry.xid), &entry);
    EXPECT_FALSE(entry.mnemonic.empty()) << entry.xid;
    EXPECT_TRUE(entry.severity || entry.action != "RESET_GPU") << entry.xid;
  }
  EXPECT_EQ(FindXid(0), nullptr);
  EXPECT_EQ(FindXid(expected), nullptr);
}

// build/release/detectors/gpu/print_xids docs/xids.md writes it anew.
TEST(XidCatalogueTest, HasAPageThatSaysWhatItSays) {
  EXPECT_TRUE(ReadFile("docs/xids.md", 1 << 20).value_or("") == XidPage());
}

// Of a line of the kernel; 0: it is none of an Xid.
int XidOf(const std::string& line) {
  constexpr std::string_view kPrefix = "NVRM: Xid (PCI:";
  const size_t number = line.find("): ");
  if (!line.starts_with(kPrefix) || number == std::string::npos) return 0;
  return std::atoi(line.c_str() + number + 3);
}

// The numbers that the examples of rules/gpu.toml are of, each with its worst severity. That an
// example matches its rule is tested with all rules.
std::map<int, Severity> XidsOfTheRules() {
  Diagnostics diagnostics;
  const std::vector<std::string> files = {"rules/gpu.toml"};
  std::map<int, Severity> severities;
  for (const Rule& rule : LoadRules(files, &diagnostics)) {
    for (const std::string& example : rule.examples) {
      const int xid = XidOf(example);
      if (xid == 0) continue;
      const auto [known, fresh] = severities.emplace(xid, rule.severity);
      if (!fresh) known->second = std::max(known->second, rule.severity);
    }
  }
  EXPECT_TRUE(diagnostics.ok()) << diagnostics.Text();
  return severities;
}

TEST(XidCatalogueTest, TheRulesLookForWhatItSays) {
  const std::map<int, Severity> rules = XidsOfTheRules();
  for (const XidEntry& entry : XidCatalogue()) {
    const auto rule = rules.find(entry.xid);
    ASSERT_EQ(rule != rules.end(), entry.severity.has_value()) << "Xid " << entry.xid;
    if (entry.severity) {
      EXPECT_EQ(SeverityName(rule->second), SeverityName(*entry.severity)) << "Xid " << entry.xid;
    }
  }
  for (const auto& [xid, severity] : rules) EXPECT_NE(FindXid(xid), nullptr) << xid;
}

// Where the driver tells by 154 that nothing is to be done any more, what was found ends with it.
TEST(XidCatalogueTest, What154SumsUpEndsWithIt) {
  // No reset gives a spare row back.
  constexpr int kRemapFailed = 64;
  Diagnostics diagnostics;
  const std::vector<std::string> files = {"rules/gpu.toml"};
  for (const Rule& rule : LoadRules(files, &diagnostics)) {
    bool any = false;
    bool all = true;
    for (const std::string& example : rule.examples) {
      const int xid = XidOf(example);
      if (xid == 0) continue;
      any = true;
      all = all && xid != kRemapFailed && (xid == 154 || FindXid(xid)->in_154);
    }
    EXPECT_EQ(!rule.cancel.empty(), any && all) << rule.name;
    for (const std::string& example : rule.cancel_examples) EXPECT_EQ(XidOf(example), 154);
  }
}

}  // namespace
}  // namespace fleetmedic
