// The log between processes, with processes.
#include <signal.h>
#include <unistd.h>

#include <map>

#include <gtest/gtest.h>

#include "base/child_process.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/text.h"
#include "eventlog/sqlite_event_log.h"

namespace fleetmedic {
namespace {

constexpr Seconds kPatience{60};

class SqliteEventLogProcessTest : public testing::Test {
 protected:
  Child Start(std::vector<std::string> args) {
    ChildOptions options;
    options.argv = {LOG_TEST_PROCESS};
    options.argv.insert(options.argv.end(), args.begin(), args.end());
    options.standard_input.kind = ChildStream::Kind::kPipe;
    options.standard_output.kind = ChildStream::Kind::kPipe;
    options.standard_error.kind = ChildStream::Kind::kInherit;
    return Child::Start(options).value();
  }
  void ExpectSuccess(const Child& child) {
    const auto status = child.Wait(clock_, clock_.Mono() + kPatience);
    ASSERT_TRUE(status) << status.error().message;
    EXPECT_TRUE(status->ok()) << status->Text();
  }
  // All that the child says until it ends.
  static std::vector<std::string> Lines(Child* child) {
    std::string text;
    char buffer[4096];
    while (true) {
      const ssize_t count = read(child->standard_output().get(), buffer, sizeof buffer);
      if (count <= 0) break;
      text.append(buffer, static_cast<size_t>(count));
    }
    std::vector<std::string> lines;
    for (const std::string_view line : Split(text, '\n')) {
      if (!line.empty()) lines.emplace_back(line);
    }
    return lines;
  }
  static std::string FirstLine(Child* child) {
    std::string line;
    char byte = 0;
    while (read(child->standard_output().get(), &byte, 1) == 1 && byte != '\n') line += byte;
    return line;
  }

  const SystemClock clock_;
  TempFolder folder_;
  const std::string path_ = folder_ / "log.db";
};

TEST_F(SqliteEventLogProcessTest, TwoProcessesAppendAndAThirdReadsAllInOrder) {
  Child reader = Start({"read", path_, "400"});
  Child first = Start({"append", path_, "first", "200"});
  Child second = Start({"append", path_, "second", "200"});
  std::map<std::string, int> next;
  for (const std::string& line : Lines(&reader)) {
    const auto parts = Split(line, ' ');
    EXPECT_EQ(parts.at(1), std::to_string(next[std::string(parts[0])]++)) << line;
  }
  EXPECT_EQ(next, (std::map<std::string, int>{{"first", 200}, {"second", 200}}));
  ExpectSuccess(reader);
  EXPECT_EQ(Lines(&first).size(), 200U);
  EXPECT_EQ(Lines(&second).size(), 200U);
  ExpectSuccess(first);
  ExpectSuccess(second);
}

TEST_F(SqliteEventLogProcessTest, WhatAKilledProcessWasToldIsThere) {
  const auto log = SqliteEventLog::Open(path_, clock_).value();
  for (int run = 0; run < 5; ++run) {
    const std::string key = "run-" + std::to_string(run);
    Child child = Start({"append", path_, key, "1000000"});
    int acknowledged = 0;
    for (; acknowledged < 10 + 7 * run; ++acknowledged) {
      ASSERT_EQ(FirstLine(&child), std::to_string(acknowledged));
    }
    child.Kill(SIGKILL);
    acknowledged += static_cast<int>(Lines(&child).size());
    int found = 0;
    const auto reader = log->OpenAt(Topic::kHealth, {}).value();
    for (auto records = reader->Poll(1'000).value(); !records.empty();
         records = reader->Poll(1'000).value()) {
      for (const LogRecord& record : records) {
        if (record.record.key == key) {
          EXPECT_EQ(record.record.value, std::to_string(found++));
        }
      }
    }
    EXPECT_GE(found, acknowledged);
    EXPECT_LE(found, acknowledged + 1);
    const Record record{"here", "still works", {}, kWallNever};
    EXPECT_TRUE(log->Append(Topic::kHealth, std::span<const Record>(&record, 1)));
  }
}

TEST_F(SqliteEventLogProcessTest, AGroupPassesOnWhenItsHolderIsKilled) {
  const auto log = SqliteEventLog::Open(path_, clock_).value();
  const Record record{"web-1", "a", {}, kWallNever};
  ASSERT_TRUE(log->Append(Topic::kHealth, std::span<const Record>(&record, 1)));
  Child holder = Start({"hold", path_, "g"});
  ASSERT_EQ(FirstLine(&holder), "held");
  const auto reader = log->Open(Topic::kHealth, "g").value();
  EXPECT_TRUE(reader->Positions().empty());
  EXPECT_TRUE(reader->Poll(10)->empty()) << "another process has the group";
  EXPECT_EQ(log->Open(Topic::kHealth, "other").value()->Poll(10)->size(), 1U);
  holder.Kill(SIGKILL);
  ASSERT_TRUE(holder.Wait(clock_, clock_.Mono() + kPatience));
  EXPECT_EQ(reader->Poll(10)->size(), 1U);
  EXPECT_TRUE(reader->Commit());
}

}  // namespace
}  // namespace fleetmedic
