#include "app/cli/input.h"

#include <sys/stat.h>

#include <sstream>

#include <gmock/gmock.h>

#include "app/cli/fake_api.h"
#include "base/child_process.h"
#include "base/http_client.h"

namespace fleetmedic::cli {
namespace {

using ::testing::HasSubstr;

constexpr size_t kBytesMax = size_t{1} << 20;

class Input : public testing::Test {
 protected:
  Input() { cli_.env.in = &in_; }
  Result<std::string> Read(const std::string& path, size_t bytes_max = kBytesMax) {
    return ReadInput(Invocation{command_, arguments_, cli_.env}, path, bytes_max);
  }

  CliUnderTest cli_;
  std::istringstream in_;
  const Command command_{};
  const Arguments arguments_{};
};

TEST_F(Input, ADashIsAllOfStdin) {
  const std::string text = std::string(200'000, 'x') + std::string("\n\0end", 5);
  in_.str(text);
  EXPECT_EQ(Read("-").value_or("(none)"), text);
  in_.clear();
  in_.str("");
  EXPECT_EQ(Read("-").value_or("(none)"), "");
}

TEST_F(Input, MoreThanTheLimitIsRefusedAndExactlyTheLimitIsNot) {
  in_.str(std::string(kBytesMax, 'x'));
  EXPECT_EQ(Read("-").value_or("").size(), kBytesMax);
  in_.clear();
  in_.str(std::string(kBytesMax + 1, 'x'));
  const Result<std::string> text = Read("-");
  ASSERT_FALSE(text);
  EXPECT_EQ(text.error().code, Code::kFull);
  EXPECT_THAT(text.error().message, HasSubstr("stdin: more than 1 MiB"));
}

TEST_F(Input, WhatWasReadUntilAnInterruptIsNotTakenForTheWhole) {
  const HttpCancel cancel;
  cli_.env.cancel = &cancel;
  in_.str("{\"id\":\"web\"}");
  EXPECT_TRUE(Read("-"));
  cancel.Cancel();
  in_.clear();
  in_.str("{\"id\":\"web\"}");
  const Result<std::string> text = Read("-");
  ASSERT_FALSE(text);
  EXPECT_EQ(text.error().code, Code::kUnavailable);
}

TEST_F(Input, AFileIsReadAndOneThatIsNotThereIsNamed) {
  ASSERT_TRUE(WriteFileAtomic(cli_.folder / "lines", "one\n"));
  EXPECT_EQ(Read(cli_.folder / "lines").value_or("(none)"), "one\n");
  const Result<std::string> text = Read(cli_.folder / "no-lines");
  ASSERT_FALSE(text);
  EXPECT_EQ(text.error().code, Code::kNotFound);
}

TEST_F(Input, APipeWithANameIsReadToItsEnd) {
  const std::string pipe = cli_.folder / "pipe";
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  ChildOptions options;
  options.argv = {"sh", "-c", "exec >\"$0\"; echo one; echo two", pipe};
  const Result<Child> writer = Child::Start(options);
  ASSERT_TRUE(writer) << writer.error().message;
  EXPECT_EQ(Read(pipe).value_or("(none)"), "one\ntwo\n");
}

}  // namespace
}  // namespace fleetmedic::cli
