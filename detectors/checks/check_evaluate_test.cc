#include "detectors/checks/check_evaluate.h"

#include <signal.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "detectors/checks/check_user.h"

namespace fleetmedic {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

CheckConfig Ntp() {
  CheckConfig check;
  check.name = "ntp";
  check.type = "NtpProblem";
  check.severity = Severity::kHard;
  check.deadline = Seconds(5);
  return check;
}

struct EvaluateCase {
  const char* sentence;
  CheckRun run;
  Verdict verdict;
  const char* reason;
  const char* message;
};

TEST(EvaluateCheckTest, SaysWhatEachEndMeans) {
  using Outcome = CheckRun::Outcome;
  const EvaluateCase cases[] = {
      {"0 is ok", {Outcome::kEnded, {0, 0}, "in step\n"}, Verdict::kOk, "CheckPassed", "in step"},
      {"1 is bad",
       {Outcome::kEnded, {1, 0}, "off by 4s\n"},
       Verdict::kBad,
       "CheckFailed",
       "off by 4s"},
      {"2 is unknown",
       {Outcome::kEnded, {2, 0}, "no peer\n"},
       Verdict::kUnknown,
       "CheckUnknown",
       "no peer"},
      {"3 is unknown, and the code is told",
       {Outcome::kEnded, {3, 0}, ""},
       Verdict::kUnknown,
       "UnexpectedExit",
       "exit code 3: it printed nothing"},
      {"127 is unknown: a shell did not find its program",
       {Outcome::kEnded, {127, 0}, ""},
       Verdict::kUnknown,
       "UnexpectedExit",
       "exit code 127: it printed nothing"},
      {"a crash is unknown",
       {Outcome::kEnded, {0, SIGSEGV}, "half"},
       Verdict::kUnknown,
       "EndedBySignal",
       "signal 11 (Segmentation fault): half"},
      {"past its deadline is unknown",
       {Outcome::kTimedOut, {}, "", "killed it"},
       Verdict::kUnknown,
       "TimedOut",
       "killed after 5s: killed it"},
      {"what cannot start is unknown",
       {Outcome::kCannotStart, {}, "", "no such file"},
       Verdict::kUnknown,
       "CannotStart",
       "no such file"},
      {"what had no turn is unknown",
       {Outcome::kNoTurn, {}, "", "others ran"},
       Verdict::kUnknown,
       "NoTurn",
       "others ran"},
  };
  for (const EvaluateCase& c : cases) {
    const Condition condition = EvaluateCheck(Ntp(), c.run);
    EXPECT_EQ(condition.type, "NtpProblem") << c.sentence;
    EXPECT_EQ(condition.unit, "ntp") << c.sentence;
    EXPECT_EQ(condition.severity, Severity::kHard) << c.sentence;
    EXPECT_EQ(condition.verdict, c.verdict) << c.sentence;
    EXPECT_EQ(condition.reason, c.reason) << c.sentence;
    EXPECT_EQ(condition.message, c.message) << c.sentence;
  }
}

TEST(EvaluateCheckTest, FurtherLinesOfABadRunAreItsEvidence) {
  CheckRun run;
  run.status.exit_code = 1;
  run.output = "two disks are gone\n\nsda: gone\r\nsdb: gone";
  EXPECT_THAT(EvaluateCheck(Ntp(), run).evidence, ElementsAre("sda: gone", "sdb: gone"));
  run.status.exit_code = 0;
  EXPECT_THAT(EvaluateCheck(Ntp(), run).evidence, IsEmpty());
  run.status.exit_code = 1;
  run.output = "first\n";
  for (int i = 0; i < 1000; ++i) run.output += "line " + std::to_string(i) + "\n";
  EXPECT_EQ(EvaluateCheck(Ntp(), run).evidence.size(), Condition::kEvidenceLinesMax);
}

TEST(CheckMessageTest, IsOneVisibleLineOfBoundedLength) {
  EXPECT_EQ(CheckMessage(""), "");
  EXPECT_EQ(CheckMessage("\n \n\r\n"), "");
  EXPECT_EQ(CheckMessage("  one  \ntwo"), "one");
  EXPECT_EQ(CheckMessage("\x1b[31mred\n"), "\xe2\x90\x9b[31mred");
  EXPECT_EQ(CheckMessage("\xff\xfe"), "\xef\xbf\xbd\xef\xbf\xbd");
  const std::string accents = CheckMessage("x" + std::string(100'000, '\xc3') + "\n");
  EXPECT_LE(accents.size(), kCheckMessageBytesMax);
  std::string long_line;
  for (int i = 0; i < 1000; ++i) long_line += "\xc3\xa9";
  const std::string cut = CheckMessage(long_line);
  EXPECT_LE(cut.size(), kCheckMessageBytesMax);
  EXPECT_TRUE(cut.ends_with("\xc3\xa9...")) << "not within a character";
}

TEST(FindUserTest, ReadsUsersAndTheirGroups) {
  constexpr std::string_view kPasswd =
      "root:x:0:0:root:/root:/bin/bash\n"
      "torn line\n"
      "checks:x:812:813:,,,:/nonexistent:/usr/sbin/nologin\n"
      "huge:x:4294967295:1::/:/bin/sh\n";
  constexpr std::string_view kGroup = "disk:x:6:root,checks\nchecks:x:813:\nadm:x:4:checksum\n";
  EXPECT_EQ(FindUser("checks", kPasswd, kGroup).value(), (ChildUser{812, 813, {6}}));
  EXPECT_EQ(FindUser("65534:65533", "", "").value(), (ChildUser{65534, 65533, {}}));
  EXPECT_EQ(FindUser("nobody", kPasswd, kGroup).error().code, Code::kNotFound);
  EXPECT_FALSE(FindUser("huge", kPasswd, kGroup)) << "-1 would change nothing";
  EXPECT_FALSE(FindUser("4294967295:0", "", ""));
  EXPECT_FALSE(FindUser("a:b", "", ""));
  EXPECT_THAT(FindUser("", kPasswd, kGroup).error().message, HasSubstr("no user"));
}

}  // namespace
}  // namespace fleetmedic
