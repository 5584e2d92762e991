#include "base/process_stat.h"

#include <unistd.h>

#include <gtest/gtest.h>

#include "base/file.h"

namespace fleetmedic {
namespace {

const std::string kRest =
    " D 1 7 7 0 -1 4194560 1 2 3 4 50 6 7 8 20 0 1 0 109 16384 33 18446744073709551615\n";

TEST(ParseProcessStat, ReadsWhatTheManualSays) {
  ProcessStat stat;
  stat.key = {7, 109};
  stat.parent = 1;
  stat.group = 7;
  stat.state = 'D';
  stat.name = "bash";
  stat.cpu_ticks = 56;
  stat.resident_pages = 33;
  EXPECT_EQ(ParseProcessStat("7 (bash)" + kRest), stat);
  EXPECT_TRUE(
      ParseProcessStat("2 (kthreadd) S 0 0 0 0 -1 2129984 0 0 0 0 0 0 0 0 20 0 1 0 0 0 0 0\n")
          ->kernel_thread);
}

TEST(ParseProcessStat, TheNameMayBeAnything) {
  EXPECT_EQ(ParseProcessStat("7 (a) Z 2 (b)" + kRest)->name, "a) Z 2 (b");
  EXPECT_EQ(ParseProcessStat("7 ()" + kRest)->name, "");
  EXPECT_EQ(ParseProcessStat("7 (a\n(b)" + kRest)->name, "a\n(b");
}

TEST(ParseProcessStat, AnythingElseIsNone) {
  for (const std::string& text :
       {std::string(), std::string("7 (bash) D 1"), std::string("7 bash D"), std::string(")("),
        "x (bash)" + kRest, "0 (bash)" + kRest, "99999999999 (bash)" + kRest,
        "7 (bash)" + kRest.substr(0, 40), "7 (bash) DD" + kRest.substr(2),
        "7 (bash) D x" + kRest.substr(4)}) {
    EXPECT_EQ(ParseProcessStat(text), std::nullopt) << text;
  }
}

TEST(ParseProcessStat, ReadsOurselves) {
  const Result<std::string> text = ReadFile("/proc/self/stat", 4096);
  ASSERT_TRUE(text);
  const std::optional<ProcessStat> stat = ParseProcessStat(*text);
  ASSERT_TRUE(stat) << *text;
  EXPECT_EQ(stat->key.pid, ::getpid());
  EXPECT_EQ(stat->parent, ::getppid());
  EXPECT_EQ(stat->group, ::getpgrp());
  EXPECT_GT(stat->resident_pages, 0);
}

}  // namespace
}  // namespace fleetmedic
