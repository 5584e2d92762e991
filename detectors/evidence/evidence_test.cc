#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/synchronization/notification.h"
#include "base/thread_pool.h"
#include "detectors/evidence/evidence_collector.h"
#include "detectors/evidence/evidence_sources.h"

namespace fleetmedic {
namespace {

using testing::HasSubstr;
using testing::SizeIs;

EvidenceSource Text(std::string name, std::string text) {
  return {std::move(name), [text = std::move(text)](MonoTime) { return text; }};
}

class EvidenceCollectorTest : public testing::Test {
 protected:
  EvidenceBundle Collect(std::vector<EvidenceSource> sources) {
    EvidenceCollector collector(
        &clock_, [](std::string_view) { return std::make_unique<InlineWorkers>(); },
        {.host = HostId("h")}, std::move(sources));
    return collector.Collect({"e1", "suspect", clock_.Wall()}, "boot");
  }
  SimulatedClock clock_;
};

TEST_F(EvidenceCollectorTest, SaysOfEachSourceWhatBecameOfIt) {
  const EvidenceBundle bundle = Collect({
      Text("good", "one\ntwo\n"),
      {"absent", [](MonoTime) -> Result<std::string> { return Fail(Code::kNotFound, "no GPU"); }},
      {"broken",
       [](MonoTime) -> Result<std::string> {
         return Fail(Code::kPermissionDenied, "no permission");
       }},
      {"late",
       [](MonoTime) -> Result<std::string> { return Fail(Code::kDeadlineExceeded, "hung"); }},
  });
  EXPECT_EQ(bundle.id, "e1");
  EXPECT_EQ(bundle.boot_id, "boot");
  ASSERT_THAT(bundle.parts, SizeIs(4));
  EXPECT_EQ(bundle.parts[0].text, "one\ntwo\n");
  EXPECT_EQ(bundle.parts[1].state, EvidencePartState::kAbsent);
  EXPECT_EQ(bundle.parts[2].state, EvidencePartState::kFailed);
  EXPECT_EQ(bundle.parts[2].message, "no permission");
  EXPECT_EQ(bundle.parts[3].state, EvidencePartState::kTimeout);
}

TEST_F(EvidenceCollectorTest, IsBoundedAndKeepsTheNewestOfEachText) {
  std::vector<EvidenceSource> sources;
  for (int i = 0; i < 10; ++i) {
    // What takes most room in JSON.
    sources.push_back(Text("s", std::string(200'000, '"') + "the end"));
  }
  const EvidenceBundle bundle = Collect(sources);
  EXPECT_THAT(bundle.parts[0].text, testing::EndsWith("the end"));
  EXPECT_GT(bundle.parts[0].bytes_cut, 0u);
  const std::string json = ToJson(bundle).Dump();
  EXPECT_LT(json.size(), size_t{1} << 20) << "a record of the log";
  const auto again = EvidenceBundleFromJson(Json::Parse(json).value());
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_EQ(*again, bundle);
}

TEST_F(EvidenceCollectorTest, WhatATerminalShouldNotGetIsTakenOut) {
  EXPECT_EQ(Collect({Text("s", "a\x1b[31m\xff\n")}).parts[0].text, "a?[31m?\n");
}

TEST(EvidenceCollectorThreadsTest, AHungSourceIsSkippedAndNamedAndHoldsUpNobody) {
  const SystemClock clock;
  const auto let_go = std::make_shared<absl::Notification>();
  std::vector<EvidenceSource> sources = {{"hung",
                                          [let_go](MonoTime) {
                                            let_go->WaitForNotification();
                                            return Result<std::string>("too late");
                                          }},
                                         Text("good", "text")};
  EvidenceCollector collector(
      &clock, [](std::string_view name) { return std::make_unique<ThreadPool>(name, 1, 1); },
      {.host = HostId("h"), .source_deadline = Millis(50)}, sources);
  EvidenceBundle bundle = collector.Collect({"e1", "", clock.Wall()}, "boot");
  EXPECT_EQ(bundle.parts[0].state, EvidencePartState::kTimeout);
  EXPECT_THAT(bundle.parts[0].message, HasSubstr("50ms"));
  EXPECT_EQ(bundle.parts[1].text, "text");
  bundle = collector.Collect({"e2", "", clock.Wall()}, "boot");
  EXPECT_THAT(bundle.parts[0].message, HasSubstr("still hangs"));
  let_go->Notify();
}

TEST_F(EvidenceCollectorTest, AnInterruptSkipsWhatIsNotBegun) {
  EvidenceCollector* collecting = nullptr;
  EvidenceCollector collector(&clock_,
                              [](std::string_view) { return std::make_unique<InlineWorkers>(); },
                              {.host = HostId("h")},
                              {{"first",
                                [&collecting](MonoTime) {
                                  collecting->Interrupt();
                                  return Result<std::string>("text");
                                }},
                               Text("second", "text")});
  collecting = &collector;
  const EvidenceBundle bundle = collector.Collect({"e1", "", clock_.Wall()}, "boot");
  EXPECT_EQ(bundle.parts[0].text, "text");
  EXPECT_EQ(bundle.parts[1].state, EvidencePartState::kTimeout);
}

TEST(EvidenceSourcesTest, OfThisMachineAreCollectedWithinTheirTime) {
  const SystemClock clock;
  HostConfig host;
  EvidenceCollector collector(
      &clock, [](std::string_view name) { return std::make_unique<ThreadPool>(name, 1, 1); },
      {.host = HostId("h"), .source_deadline = Seconds(20), .bundle_deadline = Minutes(3)},
      EvidenceSources(&clock, host, AgentConfig{}, SystemdConfig{}, DockerConfig{}));
  const EvidenceBundle bundle = collector.Collect({"e1", "a test", clock.Wall()}, "boot");
  std::map<std::string, EvidencePart> parts;
  for (const EvidencePart& part : bundle.parts) parts[part.name] = part;
  EXPECT_THAT(parts["processes"].text, HasSubstr("processes\n"));
  EXPECT_THAT(parts["mounts"].text, HasSubstr("proc"));
  EXPECT_THAT(parts["pressure"].text, HasSubstr("MemTotal"));
  EXPECT_LE(ToJson(bundle).Dump().size(), size_t{1} << 20);
}

TEST(EvidenceSourcesTest, AnEmptyRootHasNothingAndNoneOfItIsAFailure) {
  const TempFolder folder;
  const SystemClock clock;
  HostConfig host;
  host.root = folder.path();
  for (const EvidenceSource& source :
       EvidenceSources(&clock, host, AgentConfig{}, SystemdConfig{}, DockerConfig{})) {
    const Result<std::string> text = source.read(clock.Mono() + Seconds(20));
    ASSERT_FALSE(text) << source.name;
    EXPECT_TRUE(text.error().code == Code::kNotFound || text.error().code == Code::kUnsupported)
        << source.name << ": " << text.error().message;
  }
}

TEST(ProcessTableTest, ShowsWhatHangsFirstAndThenTheLargest) {
  const auto hung = ParseProcessStat(
      "42 (a) b) D 1 42 42 0 -1 4194304 1 0 0 0 5 6 0 0 20 0 1 0 100 4096 3 18446744073709551615");
  ASSERT_TRUE(hung);
  std::vector<ProcessStat> processes = {*hung};
  for (int i = 100; i < 200; ++i) {
    ProcessStat process;
    process.key.pid = i;
    process.state = 'S';
    process.name = "p";
    process.resident_pages = i;
    processes.push_back(process);
  }
  const std::string table = ProcessTable(processes, 10, 4096, 100);
  EXPECT_THAT(table, HasSubstr("101 processes"));
  EXPECT_LT(table.find(" 42 "), table.find(" 199 "));
  EXPECT_EQ(std::ranges::count(table, '\n'), 12);
}

TEST(TcpStatesTest, CountsByState) {
  EXPECT_EQ(TcpStates("  sl  local_address rem_address   st tx_queue\n"
                      "   0: 0100007F:1F90 00000000:0000 0A 00000000\n"
                      "   1: 0100007F:1F90 0100007F:1F91 01 00000000\n"
                      "   2: 0100007F:1F90 0100007F:1F92 01 00000000\n"),
            "ESTABLISHED 2\nLISTEN 1\n");
}

}  // namespace
}  // namespace fleetmedic
