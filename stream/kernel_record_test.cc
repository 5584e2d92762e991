#include "stream/kernel_record.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "eventlog/memory_event_log.h"
#include "stream/rule_check.h"
#include "stream/stream_role.h"

namespace fleetmedic {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

// Written after the messages of arch/x86/mm/fault.c, arch/x86/kernel/dumpstack.c and
// kernel/panic.c of Linux 6.1.
constexpr std::string_view kOops =
    "BUG: kernel NULL pointer dereference, address: 0000000000000010\n"
    "#PF: supervisor read access in kernel mode\n"
    "#PF: error_code(0x0000) - not-present page\n"
    "PGD 0 P4D 0 \n"
    "Oops: 0000 [#1] PREEMPT SMP NOPTI\n"
    "CPU: 3 PID: 2131 Comm: java Not tainted 6.1.0-18-amd64 #1  Debian 6.1.76-1\n"
    "Hardware name: Amazon EC2 m5.2xlarge/, BIOS 1.0 10/16/2017\n"
    "RIP: 0010:tcp_sendmsg+0x1c/0x2a0\n"
    "Code: 00 00 0f 1f 44 00 00\n"
    "RSP: 0018:ffffb1f0c0a3bd30 EFLAGS: 00010246\n"
    "RAX: 0000000000000000 RBX: ffff9a1c4a3b2c00 RCX: 0000000000000000\n"
    "Call Trace:\n"
    " <TASK>\n"
    " ? __die_body.cold+0x1a/0x1f\n"
    " inet_sendmsg+0x42/0x80\n"
    " sock_sendmsg+0x60/0x70 [mod]\n"
    " </TASK>\n"
    "Modules linked in: overlay veth\n"
    "CR2: 0000000000000010\n"
    "---[ end trace 0000000000000000 ]---\n";

// After mm/oom_kill.c and mm/memcontrol.c.
constexpr std::string_view kOom =
    "java invoked oom-killer: gfp_mask=0xcc0(GFP_KERNEL), order=0, oom_score_adj=0\n"
    "CPU: 1 PID: 2131 Comm: java Not tainted 6.1.0-18-amd64 #1  Debian 6.1.76-1\n"
    "Call Trace:\n"
    " <TASK>\n"
    " dump_stack_lvl+0x44/0x5c\n"
    " oom_kill_process.cold+0xb/0x10\n"
    " </TASK>\n"
    "memory: usage 524288kB, limit 524288kB, failcnt 812\n"
    "Memory cgroup stats for /docker/0f3c:\n"
    "anon 520093696\n"
    "file 0\n"
    "Tasks state (memory values in pages):\n"
    "[  pid  ]   uid  tgid total_vm      rss pgtables_bytes swapents oom_score_adj name\n"
    "[   2131]     0  2131   300000   127000  1500000        0             0 java\n"
    "oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=(null),cpuset=0f3c,mems_allowed=0,2,"
    "oom_memcg=/docker/"
    "0f3c9a7b1d2e4f5a8b6c7d8e9f0a1b2c0f3c9a7b1d2e4f5a8b6c7d8e9f0a1b2c,task_memcg=/docker/"
    "0f3c9a7b1d2e4f5a8b6c7d8e9f0a1b2c0f3c9a7b1d2e4f5a8b6c7d8e9f0a1b2c,task=java,pid=2131,uid=0\n"
    "Memory cgroup out of memory: Killed process 2131 (java) total-vm:1200000kB, "
    "anon-rss:510000kB, file-rss:0kB, shmem-rss:0kB, UID:0 pgtables:1500kB oom_score_adj:0\n";

class KernelRecordTest : public ::testing::Test {
 protected:
  KernelRecordTest()
      : role_(Shipped(), StreamRole::Parts{.clock = &clock_, .log = &log_, .metrics = &metrics_}) {}

  static std::shared_ptr<const RuleSet> Shipped() {
    static const std::shared_ptr<const RuleSet> rules = [] {
      Diagnostics diagnostics;
      return CheckRules(ShippedRules(), &diagnostics);
    }();
    return rules;
  }
  void Write(std::string_view text, std::string_view source = "kernel") {
    clock_.Advance(Millis(200));
    LogFrame frame;
    frame.host = HostId("web-1");
    frame.boot_id = "boot-1";
    frame.source = source;
    frame.first_at = clock_.Wall();
    frame.lines = static_cast<uint32_t>(std::ranges::count(text, '\n'));
    const Record record{"web-1", std::string(text), LogFrameHeaders(frame), clock_.Wall()};
    ASSERT_TRUE(log_.Append(Topic::kLogs, std::span(&record, 1)).has_value());
    role_.Turn(clock_.Mono());
  }
  std::vector<Finding> Findings() {
    std::vector<Finding> findings;
    const auto reader = log_.OpenAt(Topic::kFindings, {}).value();
    const std::vector<LogRecord> records = reader->Poll(1000).value();
    for (const LogRecord& record : records) {
      findings.push_back(FindingFromJson(Json::Parse(record.record.value).value()).value());
    }
    return findings;
  }

  SimulatedClock clock_;
  MemoryEventLog log_{clock_};
  Metrics metrics_;
  StreamRole role_;
};

TEST_F(KernelRecordTest, AFaultIsFoundOnceAndKeepsItsCallTrace) {
  Write(kOops);
  const std::vector<Finding> findings = Findings();
  ASSERT_THAT(findings, SizeIs(1));
  EXPECT_EQ(findings[0].rule, "kernel.oops");
  EXPECT_THAT(findings[0].condition.evidence,
              ElementsAre("BUG: kernel NULL pointer dereference, address: 0000000000000010",
                          "Oops: 0000 [#1] PREEMPT SMP NOPTI", "RIP: 0010:tcp_sendmsg+0x1c/0x2a0",
                          "Call Trace: inet_sendmsg < sock_sendmsg"));
}

TEST_F(KernelRecordTest, ATraceInTwoFramesIsToldAtOnceAndAgainWhenMoreIsKnown) {
  const size_t cut = kOops.find("Call Trace:");
  Write(kOops.substr(0, cut));
  ASSERT_THAT(Findings(), SizeIs(1)) << "nothing waits for the rest";
  Write(kOops.substr(cut));
  const std::vector<Finding> findings = Findings();
  ASSERT_THAT(findings, SizeIs(2));
  EXPECT_THAT(findings[1].condition.evidence.back(), HasSubstr("inet_sendmsg < sock_sendmsg"));
  EXPECT_GT(findings[1].last_at, findings[0].last_at);
  Write("EXT4-fs (sda1): mounted filesystem\n");
  EXPECT_THAT(Findings(), SizeIs(2));
}

TEST_F(KernelRecordTest, AKillNamesTheVictimItsCgroupAndWhoseItWas) {
  Write(kOom);
  const std::vector<Finding> findings = Findings();
  ASSERT_THAT(findings, SizeIs(1));
  EXPECT_EQ(findings[0].rule, "kernel.oom_kill_cgroup");
  EXPECT_EQ(findings[0].captures.at("task"), "java");
  EXPECT_EQ(findings[0].captures.at("pid"), "2131");
  EXPECT_THAT(findings[0].captures.at("cgroup"), testing::StartsWith("/docker/0f3c9a7b"));
  EXPECT_THAT(findings[0].captures.at("owner_container"), SizeIs(64));
  EXPECT_THAT(findings[0].condition.message,
              HasSubstr("lost java (2131), of Docker container 0f3c9a7b1d2e, "
                        "cgroup /docker/0f3c"));
}

TEST_F(KernelRecordTest, LinesOfOthersBetweenDoNotTearARecordApart) {
  std::string text(kOom);
  text.insert(text.find("oom-kill:"), "nvme nvme0: Device not ready; aborting reset, CSTS=0x1\n");
  Write(text);
  std::vector<std::string> rules;
  for (const Finding& finding : Findings()) {
    rules.push_back(finding.rule);
    EXPECT_EQ(finding.captures.contains("cgroup"), finding.rule == "kernel.oom_kill_cgroup");
  }
  EXPECT_THAT(rules,
              testing::UnorderedElementsAre("kernel.nvme_not_ready", "kernel.oom_kill_cgroup"));
}

TEST_F(KernelRecordTest, HeadsWithoutATraceCountEach) {
  Write(
      "INFO: task a:1 blocked for more than 120 seconds.\n"
      "INFO: task b:2 blocked for more than 120 seconds.\n"
      "INFO: task c:3 blocked for more than 120 seconds.\n");
  ASSERT_THAT(Findings(), SizeIs(1));
  EXPECT_EQ(Findings()[0].rule, "kernel.hung_task");
}

TEST_F(KernelRecordTest, AnotherHeadAfterATraceIsAnotherRecord) {
  std::string text(kOops);
  text.resize(text.find("Modules linked"));
  Write(text + "Out of memory and no killable processes...\n" + std::string(kOops));
  std::vector<std::string> rules;
  for (const Finding& finding : Findings()) rules.push_back(finding.rule);
  EXPECT_THAT(rules, testing::Contains("kernel.oops"));
  EXPECT_THAT(rules, testing::Contains("kernel.cgroup_oom_unkillable"));
}

TEST_F(KernelRecordTest, WhatAUserWritesIsNoRecordOfTheKernel) {
  Write(kOops, "kmsg-user");
  EXPECT_THAT(Findings(), IsEmpty());
}

TEST(KernelRecord, IsBounded) {
  KernelRecord record;
  const WallTime at = WallFromMillis(1'767'225'600'000);
  record.Take("BUG: kernel NULL pointer dereference, address: 0", at);
  Finding finding;
  record.Add(finding);
  for (int i = 0; i < 100'000; ++i) {
    record.Take(" function_with_a_long_name_" + std::to_string(i) + "+0x1/0x2", at);
  }
  for (const Finding& told : record.Told(at, "logs/0@1")) {
    EXPECT_LE(told.condition.evidence.size(), Condition::kEvidenceLinesMax);
    for (const std::string& line : told.condition.evidence) {
      EXPECT_LE(line.size(), Condition::kEvidenceLineBytesMax);
    }
  }
}

TEST(KernelRecord, EndsAfterASilence) {
  KernelRecord record;
  const WallTime at = WallFromMillis(1'767'225'600'000);
  record.Take("BUG: kernel NULL pointer dereference, address: 0", at);
  EXPECT_FALSE(record.Take(" inet_sendmsg+0x42/0x80", at + KernelRecord::kGapMax));
  EXPECT_TRUE(record.Take(" inet_sendmsg+0x42/0x80", at + KernelRecord::kGapMax * 2 + Millis(1)));
  EXPECT_FALSE(record.joined());
}

TEST(ParseOomLine, ReadsBothForms) {
  EXPECT_EQ(ParseOomLine("oom-kill:constraint=CONSTRAINT_NONE,nodemask=(null),cpuset=/,"
                         "mems_allowed=0,global_oom,task_memcg=/system.slice/web.service,"
                         "task=a,b c,pid=12,uid=0"),
            (OomReport{"/system.slice/web.service", "a,b c", "12"}));
  EXPECT_EQ(ParseOomLine("Task in /docker/0f3c killed as a result of limit of /docker/0f3c"),
            (OomReport{"/docker/0f3c", "", ""}));
  EXPECT_EQ(ParseOomLine("Task in /docker/0f3c is well"), std::nullopt);
  EXPECT_EQ(ParseOomLine("oom-kill:constraint=CONSTRAINT_NONE"), std::nullopt);
  EXPECT_EQ(ParseOomLine(""), std::nullopt);
}

}  // namespace
}  // namespace fleetmedic
