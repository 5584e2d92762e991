#include "stream/line_level.h"

#include <string>

#include <gtest/gtest.h>

namespace fleetmedic {
namespace {

TEST(TextWarnsTest, ALineWhoseFormSaysItsLevelIsOfThatLevel) {
  const struct {
    std::string_view line;
    bool warns;
  } cases[] = {
      {"<3>something of the program", true},
      {"<4>something", true},
      {"<6>cannot say more of the error", false},
      {"<11>auth: something", true},
      {"<14>auth: an error", false},
      {"E0312 02:03:04.567890   1234 pod_workers.go:1294] syncing pod", true},
      {"W0312 02:03:04.567890   1234 x.go:1] \"Probe failed\"", true},
      {"I0312 02:03:04.567890   1234 x.go:1] \"Probe failed\"", false},
      {"F0312 02:03:04.567890   1234 x.go:1] gone", true},
      {"time=\"2026-03-01T02:03:04Z\" level=error msg=\"it is so\"", true},
      {"time=\"2026-03-01T02:03:04Z\" level=warning msg=\"it is so\"", true},
      {"time=\"2026-03-01T02:03:04Z\" level=info msg=\"restarting failed container\"", false},
      {"{\"level\":\"warn\",\"ts\":1.5,\"msg\":\"slow fdatasync\"}", true},
      {"{\"level\":\"info\",\"ts\":1.5,\"msg\":\"no more errors, but failed before\"}", false},
      {"{\"msg\": \"failed\", \"severity\": \"DEBUG\"}", false},
      {"2026-03-01 02:03:04,567 WARN  [main] c.e.App - slow", true},
      {"2026-03-01 02:03:04,567 INFO  [main] c.e.App - the failed task is done again", false},
      {"2026-03-01 02:03:04,567 - util.py[WARNING]: nothing there", true},
      {"2026-03-01 02:03:04,567 - util.py[DEBUG]: failed before", false},
      {"2026/03/01 02:03:04 [crit] 12#12: *3 it is so", true},
      {"2026/03/01 02:03:04 [notice] 12#12: worker exited after an error", false},
      {"2026-03-01 02:03:04.567 UTC [1234] ERROR:  deadlock detected", true},
      {"2026-03-01 02:03:04.567 UTC [1234] LOG:  connection lost", false},
  };
  for (const auto& [line, warns] : cases) EXPECT_EQ(TextWarns(line), warns) << line;
}

TEST(TextWarnsTest, WithoutALevelAWordThatSaysSomethingBadDecides) {
  for (const std::string_view line :
       {"error: kex_exchange_identification: Connection closed by remote host",
        "Failed to start nginx.service - the web server.",
        "web.service: Failed with result 'exit-code'.",
        "Failed password for root from 10.0.0.1 port 22 ssh2",
        "kernel panic - not syncing",
        "Fatal: no such file",
        "CRITICAL disk is full",
        "I/O timeout, aborting",
        "connection timed out",
        "java.lang.NullPointerException",
        "java.lang.OutOfMemoryError: Java heap space",
        "Traceback (most recent call last):",
        "permission denied",
        "Connection refused",
        "cannot allocate memory",
        "Unable to open it",
        "a-long-dash-then-failure",
        "segfault at 0 ip 00007f",
        "(error)",
        "error",
        "it ends with an error.",
        "fail"}) {
    EXPECT_TRUE(TextWarns(line)) << line;
  }
}

TEST(TextWarnsTest, WhatOnlyLooksLikeItDoesNot) {
  for (const std::string_view line : {"",
                                      "e",
                                      "er",
                                      "Started Session 1234 of user root.",
                                      "reading /var/log/nginx/error.log",
                                      "opened error.log",
                                      "errors.go compiled",
                                      "fail2ban is up",
                                      "error_count is kept",
                                      "terror of the deep",
                                      "failover done",
                                      "no errors found",
                                      "0 errors, 12 warnings=0",
                                      "scrub done: errors=0",
                                      "checked, error: none",
                                      "err=<nil> took=5ms",
                                      "\"error\":\"\"",
                                      "without error",
                                      "unfailing",
                                      "warned",
                                      "panicky",
                                      "criticality",
                                      "loster",
                                      "eth0: link becomes ready",
                                      "pam_unix(sshd:session): session opened for user deploy"}) {
    EXPECT_FALSE(TextWarns(line)) << line;
  }
}

TEST(TextWarnsTest, FindsTheWordWhereverItStands) {
  for (size_t before = 0; before < 200; ++before) {
    for (const size_t after : {0, 1, 2, 15, 16, 17, 40}) {
      std::string line(before, '.');
      if (before > 0) line.back() = ' ';
      line += "failed";
      if (after > 0) line += ' ' + std::string(after - 1, '.');
      EXPECT_TRUE(TextWarns(line)) << before << " " << after;
      line[before + 2] = 'x';
      EXPECT_FALSE(TextWarns(line)) << before << " " << after;
    }
  }
}

TEST(TextWarnsTest, TakesAnyBytes) {
  std::string all;
  for (int i = 0; i < 256; ++i) all += static_cast<char>(i);
  for (size_t size = 0; size <= all.size(); ++size) {
    (void)TextWarns(all.substr(0, size));
    (void)TextWarns(all.substr(size));
  }
  EXPECT_FALSE(TextWarns(std::string(100'000, 'e')));
  EXPECT_FALSE(TextWarns(std::string(kLevelBytesMax, ' ') + "error")) << "that far nobody looks";
  EXPECT_TRUE(TextWarns(std::string(kLevelBytesMax - 5, ' ') + "error"));
}

TEST(FrameLevelsTest, TheWritersWordCountsBeforeTheText) {
  LogFrame frame;
  frame.lines = 6;
  frame.levels_known = true;
  frame.warnings = {{1, 2}, {5, 5}};
  FrameLevels known(frame);
  const bool expected[] = {false, true, true, false, false, true};
  for (uint32_t i = 0; i < frame.lines; ++i) {
    EXPECT_EQ(known.Warns(i, i % 2 == 0 ? "an error" : "all is well"), expected[i]) << i;
  }
  frame.levels_known = false;
  FrameLevels unknown(frame);
  EXPECT_TRUE(unknown.Warns(0, "an error"));
  EXPECT_TRUE(unknown.Warns(1, "all is well"));
  EXPECT_FALSE(unknown.Warns(3, "all is well"));
  EXPECT_TRUE(unknown.Warns(5, "all is well"));
}

}  // namespace
}  // namespace fleetmedic
