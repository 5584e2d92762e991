#include "stream/stream_role.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <optional>
#include <tuple>
#include <utility>

#include "base/file.h"
#include "base/lz4.h"
#include "eventlog/fault_event_log.h"
#include "eventlog/memory_event_log.h"
#include "store/fault_store.h"
#include "store/memory_store.h"

namespace fleetmedic {
namespace {

// A log of another engine, with one record that ours refuses to take before those that it took.
class BigRecordLog final : public EventLog {
 public:
  BigRecordLog(EventLog* log, LogRecord big) : log_(log), big_(std::move(big)) {}

  Status Append(Topic topic, std::span<const Record> records) override {
    return log_->Append(topic, records);
  }
  Result<std::unique_ptr<Reader>> Open(Topic topic, std::string_view group) override {
    return std::make_unique<BigReader>(log_->Open(topic, group).value(), big_);
  }
  Result<std::unique_ptr<Reader>> OpenAt(Topic topic, std::span<const Position> at) override {
    return log_->OpenAt(topic, at);
  }
  Result<std::unique_ptr<Reader>> OpenPartition(Topic topic, Position from) override {
    return log_->OpenPartition(topic, from);
  }
  std::unique_ptr<Subscription> Subscribe(std::span<const Topic> topics,
                                          std::function<void()> wake) override {
    return log_->Subscribe(topics, std::move(wake));
  }

 private:
  class BigReader final : public Reader {
   public:
    BigReader(std::unique_ptr<Reader> reader, LogRecord big)
        : reader_(std::move(reader)), big_(std::move(big)) {}
    Result<std::vector<LogRecord>> Poll(size_t records_max) override {
      Result<std::vector<LogRecord>> records = reader_->Poll(records_max);
      if (big_ && records) records->insert(records->begin(), *std::exchange(big_, std::nullopt));
      return records;
    }
    Status Commit() override { return reader_->Commit(); }
    std::vector<Position> Positions() const override { return reader_->Positions(); }
    Result<Lag> Behind() const override { return reader_->Behind(); }

   private:
    std::unique_ptr<Reader> reader_;
    std::optional<LogRecord> big_;
  };

  EventLog* const log_;
  const LogRecord big_;
};

std::shared_ptr<const RuleSet> OneRule(int threshold = 1) {
  Rule rule;
  rule.name = "k.io";
  rule.version = "0123456789ab";
  rule.pattern = R"(I/O error on (?P<device>\w+))";
  rule.sources = {"kernel"};
  rule.condition = "DiskError";
  rule.reason = "IoError";
  rule.unit = "{device}";
  rule.message = "{device} fails";
  rule.threshold_count = threshold;
  Diagnostics diagnostics;
  return RuleSet::Compile({rule}, &diagnostics);
}

class StreamRoleTest : public testing::Test {
 protected:
  void MakeRole(std::shared_ptr<const RuleSet> rules, std::shared_ptr<RuleWatch> watch = nullptr) {
    metrics_ = std::make_unique<Metrics>();
    role_ = std::make_unique<StreamRole>(
        std::move(rules),
        StreamRole::Parts{
            .clock = &clock_,
            .log = &faults_,
            .metrics = metrics_.get(),
            .wake = [this] { ++wakes_; },
            .limits = {},
            .templates = std::move(templates_),
            .rule_watch = std::move(watch),
            .on_rules = [this](const RuleSet& set) { told_rules_ = set.rules().size(); }});
  }

  void Write(std::string_view host, std::string_view source, std::string text) {
    LogFrame frame;
    frame.host = HostId(std::string(host));
    frame.boot_id = "boot-1";
    frame.source = source;
    frame.first_at = clock_.Wall();
    frame.lines = static_cast<uint32_t>(std::ranges::count(text, '\n'));
    Append({frame.host.str(), std::move(text), LogFrameHeaders(frame), clock_.Wall()});
  }
  void Append(const Record& record) {
    ASSERT_TRUE(memory_.Append(Topic::kLogs, std::span(&record, 1)).has_value());
  }

  void Turn(int turns = 1) {
    for (int i = 0; i < turns; ++i) {
      clock_.Advance(Seconds(1));
      role_->Turn(clock_.Mono());
    }
  }

  std::vector<Record> All(Topic topic) {
    std::vector<Record> records;
    const auto reader = memory_.OpenAt(topic, {}).value();
    while (true) {
      const std::vector<LogRecord> some = reader->Poll(1000).value();
      if (some.empty()) return records;
      for (const LogRecord& record : some) records.push_back(record.record);
    }
  }
  std::vector<Finding> Findings() {
    std::vector<Finding> findings;
    for (const Record& record : All(Topic::kFindings)) {
      findings.push_back(FindingFromJson(Json::Parse(record.value).value()).value());
      EXPECT_EQ(record.key, findings.back().host.str());
    }
    return findings;
  }
  std::vector<PatternCount> Counts() {
    std::vector<PatternCount> counts;
    for (const Record& record : All(Topic::kCounts)) {
      counts.push_back(PatternCountFromJson(Json::Parse(record.value).value()).value());
      EXPECT_EQ(record.key, counts.back().pattern);
    }
    return counts;
  }
  double Metric(std::string_view name) {
    const std::string text = metrics_->Text();
    const size_t at = text.find("\n" + std::string(name) + " ");
    return at == std::string::npos ? -1 : std::stod(text.substr(at + name.size() + 2));
  }

  SimulatedClock clock_;
  MemoryEventLog memory_{clock_};
  FaultEventLog faults_{&memory_};
  int wakes_ = 0;
  size_t told_rules_ = 0;
  std::unique_ptr<Metrics> metrics_;
  std::unique_ptr<TemplateBook> templates_;  // of the next role
  std::unique_ptr<StreamRole> role_;
};

std::shared_ptr<const RuleSet> LinkRule() {
  Rule rule;
  rule.name = "k.link";
  rule.version = "0123456789ab";
  rule.pattern = R"((?P<device>\w+): link down)";
  rule.cancel = R"((?P<device>\w+): link up)";
  rule.sources = {"kernel"};
  rule.condition = "LinkDown";
  rule.reason = "LinkDown";
  rule.unit = "{device}";
  rule.message = "{device} lost its link";
  rule.clear = Clear::kBoot;
  Diagnostics diagnostics;
  return RuleSet::Compile({rule}, &diagnostics);
}

struct LinkStory {
  std::string_view name;
  std::string_view frame;
  std::string_view told;  // "eth0:bad eth0:ok"
};

class LinkStories : public StreamRoleTest, public testing::WithParamInterface<LinkStory> {};

TEST_P(LinkStories, AreToldInTheOrderOfTheLines) {
  MakeRole(LinkRule());
  Write("web-1", "kernel", std::string(GetParam().frame));
  Write("web-1", "kmsg-user", "eth0: link up\neth1: link up\n");  // not trusted
  Turn(2);
  std::string told;
  for (const Finding& finding : Findings()) {
    if (!told.empty()) told += ' ';
    told += finding.condition.unit + ':' + std::string(VerdictName(finding.condition.verdict));
  }
  EXPECT_EQ(told, GetParam().told);
}

INSTANTIATE_TEST_SUITE_P(
    Stream, LinkStories,
    testing::Values(LinkStory{"a_line", "eth0: link down\n", "eth0:bad"},
                    LinkStory{"the_cancel_after_the_line", "eth0: link down\neth0: link up\n",
                              "eth0:bad eth0:ok"},
                    LinkStory{"the_line_after_the_cancel", "eth0: link up\neth0: link down\n",
                              "eth0:ok eth0:bad"},
                    LinkStory{"the_cancel_of_another_unit", "eth0: link down\neth1: link up\n",
                              "eth0:bad eth1:ok"},
                    LinkStory{"flaps_in_one_frame_are_the_first_and_the_last_word",
                              "eth0: link down\neth0: link up\neth0: link down\neth0: link up\n"
                              "eth0: link down\n",
                              "eth0:bad eth0:bad"}),
    [](const auto& story) { return std::string(story.param.name); });

TEST_F(StreamRoleTest, ALineBecomesAFindingOfItsHost) {
  MakeRole(OneRule());
  Write("web-1", "kernel", "all well\nI/O error on sda\n");
  EXPECT_EQ(wakes_, 1);
  Turn();
  const std::vector<Finding> findings = Findings();
  ASSERT_EQ(findings.size(), 1u);
  EXPECT_EQ(findings[0].host, HostId("web-1"));
  EXPECT_EQ(findings[0].boot_id, "boot-1");
  EXPECT_EQ(findings[0].condition.unit, "sda");
  EXPECT_EQ(findings[0].condition.message, "sda fails");
  EXPECT_EQ(findings[0].condition.evidence, std::vector<std::string>{"I/O error on sda"});
  EXPECT_EQ(findings[0].position, "logs/0@0");
  EXPECT_EQ(Metric("fleetmedic_stream_lines_total"), 2);
  EXPECT_EQ(Metric("fleetmedic_stream_findings_total"), 1);
  EXPECT_EQ(Metric("fleetmedic_stream_rule_matches_total{rule=\"k.io\"}"), 1);
  EXPECT_EQ(Metric("fleetmedic_stream_lag_records"), 0);
}

TEST_F(StreamRoleTest, TheSameWordsOfAnotherSourceAreNone) {
  MakeRole(OneRule());
  Write("web-1", "kmsg-user", "I/O error on sda\n");
  Write("web-1", "file:/var/log/app", "I/O error on sda\n");
  Turn();
  EXPECT_TRUE(Findings().empty());
  EXPECT_EQ(Metric("fleetmedic_stream_records_total"), 2);
}

TEST_F(StreamRoleTest, ThresholdsCountOverFrames) {
  MakeRole(OneRule(3));
  Write("web-1", "kernel", "I/O error on sda\n");
  Turn();
  Write("web-1", "kernel", "I/O error on sda\nI/O error on sdb\n");
  Turn();
  EXPECT_TRUE(Findings().empty());
  Write("web-1", "kernel", "I/O error on sda\n");
  Turn();
  ASSERT_EQ(Findings().size(), 1u);
  EXPECT_EQ(Findings()[0].count, 3u);
}

TEST_F(StreamRoleTest, AnUnreadableFrameGoesToTheDeadLettersWithTheReason) {
  MakeRole(OneRule());
  Append({"web-1", "I/O error on sda\n", {{"source", "kernel"}, {"boot_id", "b"}}, clock_.Wall()});
  Append({"not a host!", "x\n", {}, clock_.Wall()});
  Write("web-1", "kernel", "I/O error on sdb\n");
  Turn();
  const std::vector<Record> letters = All(Topic::kDeadLetter);
  ASSERT_EQ(letters.size(), 2u);
  EXPECT_EQ(letters[0].key, "logs/0@0");
  EXPECT_EQ(letters[0].value, "I/O error on sda\n");
  EXPECT_EQ(HeaderOf(letters[0], "reason"), "header first_at is missing");
  EXPECT_EQ(HeaderOf(letters[0], "origin"), "logs/0@0");
  EXPECT_EQ(HeaderOf(letters[0], "origin_source"), "kernel");
  EXPECT_EQ(Metric("fleetmedic_stream_dead_letters_total"), 2);
  EXPECT_EQ(Findings().size(), 1u);
}

TEST_F(StreamRoleTest, ACompressedFrameIsReadAndABadOneIsADeadLetterWithWhichAndWhy) {
  MakeRole(OneRule());
  const std::string text = "I/O error on sda\n";
  LogFrame frame;
  frame.host = HostId("web-1");
  frame.boot_id = "boot-1";
  frame.source = "kernel";
  frame.first_at = clock_.Wall();
  frame.lines = 1;
  const auto write = [&](std::string_view encoding, std::string value) {
    LogFrameHeaderList headers = LogFrameHeaders(frame);
    headers.emplace_back("content-encoding", encoding);
    Append({"web-1", std::move(value), headers, clock_.Wall()});
  };
  const std::string packed = Lz4Compress(text);
  const std::string bomb = Lz4Compress(std::string(size_t{100} << 20, '\n'));
  write("lz4", packed);
  const std::vector<std::tuple<std::string, std::string, std::string>> bad = {
      {"lz4", packed.substr(0, packed.size() - 3),
       "the LZ4 frame is truncated: it goes on behind its " + std::to_string(packed.size() - 3) +
           " bytes"},
      {"snappy", packed, "header content-encoding: expected lz4 or no such header, got \"snappy\""},
      {"lz4", text, "not a sound LZ4 frame: ERROR_frameType_unknown"},
      {"lz4", Lz4Compress(std::string("\0\1\2\xff", 4)), "the text does not end with a line end"},
      {"lz4", bomb, "the LZ4 frame holds 104857600 bytes, more than the limit of 262144 bytes"},
  };
  for (const auto& [encoding, value, why] : bad) write(encoding, value);
  write("lz4", packed);
  Turn();
  EXPECT_EQ(Findings().size(), 1u);
  EXPECT_EQ(Metric("fleetmedic_stream_lines_total"), 2);
  const std::vector<Record> letters = All(Topic::kDeadLetter);
  ASSERT_EQ(letters.size(), bad.size());
  for (size_t i = 0; i < bad.size(); ++i) {
    EXPECT_EQ(HeaderOf(letters[i], "origin"), "logs/0@" + std::to_string(i + 1));
    EXPECT_EQ(HeaderOf(letters[i], "origin_host"), "web-1");
    EXPECT_EQ(HeaderOf(letters[i], "origin_content-encoding"), std::get<0>(bad[i]));
    EXPECT_EQ(letters[i].value, std::get<1>(bad[i]));
    EXPECT_EQ(HeaderOf(letters[i], "reason"), std::get<2>(bad[i]));
  }
}

TEST_F(StreamRoleTest, AFrameOfAHundredMegabytesIsADeadLetterOfItsBeginning) {
  LogFrame frame;
  frame.host = HostId("web-1");
  frame.source = "kernel";
  frame.first_at = clock_.Wall();
  frame.lines = uint32_t{100} << 20;
  LogRecord big;
  big.partition = 3;
  big.offset = 77;
  big.record = {std::string("web-1"), std::string(size_t{100} << 20, '\n'), LogFrameHeaders(frame),
                clock_.Wall()};
  BigRecordLog log(&memory_, big);
  metrics_ = std::make_unique<Metrics>();
  StreamRole role(OneRule(), {.clock = &clock_, .log = &log, .metrics = metrics_.get()});
  Write("web-2", "kernel", "I/O error on sda\n");
  role.Turn(clock_.Mono());
  const std::vector<Record> letters = All(Topic::kDeadLetter);
  ASSERT_EQ(letters.size(), 1u);
  EXPECT_EQ(HeaderOf(letters[0], "reason"),
            "the text has 104857600 bytes, more than the limit of 262144");
  EXPECT_EQ(HeaderOf(letters[0], "origin"), "logs/3@77");
  EXPECT_EQ(HeaderOf(letters[0], "origin_key"), "web-1");
  EXPECT_EQ(HeaderOf(letters[0], "origin_bytes"), "104857600");
  EXPECT_EQ(letters[0].value, std::string(Record::kValueBytesMax, '\n'));
  EXPECT_EQ(Metric("fleetmedic_stream_refused_records_total"), 0);
  EXPECT_EQ(Findings().size(), 1u);
}

TEST_F(StreamRoleTest, ATurnIsBoundedAndSaysThatThereIsMore) {
  MakeRole(OneRule());
  for (size_t i = 0; i < StreamRole::kRecordsPerTurn + 1; ++i) {
    Write("web-" + std::to_string(i), "kernel", "I/O error on sda\n");
  }
  Turn();
  EXPECT_EQ(Findings().size(), StreamRole::kRecordsPerTurn);
  EXPECT_EQ(role_->NextWake(), clock_.Mono());
  Turn();
  EXPECT_EQ(Findings().size(), StreamRole::kRecordsPerTurn + 1);
  EXPECT_EQ(role_->NextWake(), clock_.Mono() + StreamRole::kPollEvery);
}

TEST_F(StreamRoleTest, HostileUnitsCannotMakeFindingsWithoutEnd) {
  MakeRole(OneRule());
  std::string text;
  for (int i = 0; i < 5000; ++i) text += "I/O error on x" + std::to_string(i) + "\n";
  Write("web-1", "kernel", text);
  Turn();
  EXPECT_EQ(Findings().size(), FrameFindings::kUnitsMax);
  EXPECT_EQ(Metric("fleetmedic_stream_findings_over_limit_total"),
            5000.0 - FrameFindings::kUnitsMax);
  EXPECT_EQ(Metric("fleetmedic_stream_windows"), 1000);
  EXPECT_EQ(Metric("fleetmedic_stream_windows_dropped_total"), 4000);
}

TEST_F(StreamRoleTest, ANewRuleSetCountsFromTheNextRecord) {
  MakeRole(OneRule());
  Diagnostics diagnostics;
  role_->SetRules(RuleSet::Compile({}, &diagnostics));
  Write("web-1", "kernel", "I/O error on sda\n");
  Turn();
  EXPECT_TRUE(Findings().empty());
  role_->SetRules(OneRule());
  Write("web-1", "kernel", "I/O error on sda\n");
  Turn();
  EXPECT_EQ(Findings().size(), 1u);
}

TEST_F(StreamRoleTest, RulesThatChangeOnTheDiskAreTakenAndBadOnesLeaveThoseFromBefore) {
  const TempFolder folder;
  const auto write = [&](const std::string& pattern) {
    const std::string text =
        "[[rule]]\nname = \"disk.bad\"\npattern = '" + pattern +
        "'\nsources = [\"kernel\"]\ncondition = \"DiskError\"\nseverity = \"soft\"\n"
        "reason = \"Bad\"\nmessage = \"bad\"\nclear = \"quiet\"\nclear_after = \"10m\"\n"
        "help = \"Look at it.\"\nexamples = ['disk bad']\ncounter_examples = ['disk good']\n";
    ASSERT_TRUE(WriteFileAtomic(folder / "r.toml", text).has_value());
  };
  write("disk broken|disk bad");
  const auto watch = std::make_shared<RuleWatch>(std::vector{folder.path()}, std::nullopt);
  MakeRole(OneRule(), watch);
  Turn(3);
  write("disk bad");
  Turn(3);
  EXPECT_EQ(Metric("fleetmedic_stream_rules_reloads_total"), 1);
  EXPECT_EQ(told_rules_, 1u);
  Write("web-1", "kernel", "disk bad\nI/O error on sda\n");
  Turn();
  ASSERT_EQ(Findings().size(), 1u);
  EXPECT_EQ(Findings()[0].rule, "disk.bad");
  const std::string version = Findings()[0].rule_version;
  write("disk (bad");
  Turn(5);
  EXPECT_EQ(Metric("fleetmedic_stream_rules_refused_total"), 1);
  EXPECT_EQ(Metric("fleetmedic_stream_rules_stale"), 1);
  Write("web-2", "kernel", "disk bad\n");
  Turn();
  ASSERT_EQ(Findings().size(), 2u);
  EXPECT_EQ(Findings()[1].rule_version, version);
  write("disk bad$");
  Turn(3);
  EXPECT_EQ(Metric("fleetmedic_stream_rules_stale"), 0);
  Write("web-3", "kernel", "disk bad\n");
  Turn();
  ASSERT_EQ(Findings().size(), 3u);
  EXPECT_NE(Findings()[2].rule_version, version);
}

TEST_F(StreamRoleTest, ALiteralThatTurnsHotIsLeftForAnotherAndCounted) {
  Rule rule = OneRule()->rules()[0];
  rule.pattern = "quota exceeded .* zq7";
  rule.unit = "";
  rule.message = "full";
  Diagnostics diagnostics;
  MakeRole(RuleSet::Compile({rule}, &diagnostics));
  std::string frame;
  for (int i = 0; i < 500; ++i) frame += "eth0: quota exceeded by a packet of 1500 bytes\n";
  for (int i = 0; i < 128; ++i) Write("web-1", "kernel", frame);
  Turn(3);
  EXPECT_EQ(Metric("fleetmedic_stream_hot_literals_total"), 1);
  EXPECT_EQ(Metric("fleetmedic_stream_match_plans_total"), 1);
  const double before = Metric("fleetmedic_stream_candidate_lines_total");
  EXPECT_GT(before, 10'000);
  for (int i = 0; i < 64; ++i) Write("web-1", "kernel", frame);
  Write("web-1", "kernel", "eth0: quota exceeded by zq7\n");
  Turn(3);
  EXPECT_EQ(Metric("fleetmedic_stream_candidate_lines_total"), before + 1);
  EXPECT_EQ(Findings().size(), 1u);
}

TEST_F(StreamRoleTest, HostsAndLinesOfAPatternAreToldWithinASecond) {
  MakeRole(OneRule());
  Write("web-1", "kernel", "I/O error on sda\nall is well\nI/O error on sdb\n");
  Write("web-2", "kernel", "I/O error on sda\n");
  Write("web-3", "kernel", "all is well\n");
  Turn();
  EXPECT_TRUE(Counts().empty());
  EXPECT_LE(role_->NextWake(), clock_.Mono() + StreamRole::kCountsEvery);
  Turn();
  ASSERT_EQ(Counts().size(), 1u);
  const PatternCount count = Counts()[0];
  EXPECT_EQ(count.pattern, "k.io");
  EXPECT_EQ(count.version, "0123456789ab");
  EXPECT_EQ(count.text, "«device» fails");
  EXPECT_EQ(count.lines, 3u);
  EXPECT_EQ(count.hosts, (std::vector<HostId>{HostId("web-1"), HostId("web-2")}));
  EXPECT_EQ(count.first_offset, 0);
  EXPECT_EQ(count.last_offset, 2);
  ASSERT_EQ(count.variables.size(), 1u);
  EXPECT_EQ(count.variables[0].values.at("sda"), 2u);
}

TEST_F(StreamRoleTest, WarningsThatNoRuleMatchesAreCountedByTheirTemplate) {
  Metrics metrics;
  templates_ = std::make_unique<TemplateBook>(TemplateBook::Parts{.metrics = &metrics});
  MakeRole(OneRule());
  Write("web-1", "file:/var/log/app",
        "error: disk 17 is slow\nall is well\nerror: disk 4 is slow\n");
  Write("web-2", "file:/var/log/app", "error: disk 9 is slow\n");
  Write("web-3", "kernel", "I/O error on sda\n");
  Turn(2);
  ASSERT_EQ(Counts().size(), 2u) << "the rule's and the template's";
  std::optional<PatternCount> mined;
  for (const PatternCount& count : Counts()) {
    if (count.kind == PatternKind::kTemplate) mined = count;
  }
  ASSERT_TRUE(mined);
  EXPECT_TRUE(mined->pattern.starts_with("t-"));
  EXPECT_EQ(mined->lines, 3u);
  EXPECT_EQ(mined->hosts, (std::vector<HostId>{HostId("web-1"), HostId("web-2")}));
  EXPECT_NE(mined->text.find("error: disk «"), std::string::npos) << mined->text;
  ASSERT_EQ(mined->variables.size(), 1u);
  EXPECT_EQ(mined->variables[0].values.at("17"), 1u);
  EXPECT_TRUE(Findings().size() == 1);
  // Of the values only what came since is told.
  Write("web-1", "file:/var/log/app", "error: disk 17 is slow\n");
  Turn(2);
  EXPECT_EQ(Counts().back().variables.at(0).values, (std::map<std::string, uint64_t>{{"17", 1}}));
}

TEST_F(StreamRoleTest, TemplatesGoOnAfterARestart) {
  MemoryStore store(clock_);
  Metrics metrics;
  std::string id;
  for (int life = 0; life < 2; ++life) {
    role_.reset();
    TemplateBook::Parts parts;
    parts.metrics = &metrics;
    parts.store = std::make_unique<FaultStore>(&store);
    parts.owner = "life-" + std::to_string(life);
    templates_ = std::make_unique<TemplateBook>(std::move(parts));
    MakeRole(OneRule());
    Write("web-1", "file:/var/log/app", "error: disk 17 is slow\n");
    Turn(2);
    EXPECT_EQ(Counts().back().first_seen, Counts().front().first_seen);
    EXPECT_EQ(Counts().back().variables.at(0).values.at("17"), 1u);
    Turn(400);
  }
  EXPECT_EQ(Counts().front().pattern, Counts().back().pattern);
  role_.reset();  // before the store that it was lent
}

TEST_F(StreamRoleTest, WhatWasNotToldYetIsCountedAgainAfterACrash) {
  MakeRole(OneRule());
  Write("web-1", "kernel", "I/O error on sda\n");
  Turn();
  MakeRole(OneRule());
  Turn(2);
  ASSERT_EQ(Counts().size(), 1u);
  EXPECT_EQ(Counts()[0].hosts, std::vector<HostId>{HostId("web-1")});
  EXPECT_EQ(Counts()[0].lines, 1u);
}

TEST_F(StreamRoleTest, ARestartGoesOnWhereTheLastCommitWas) {
  MakeRole(OneRule());
  Write("web-1", "kernel", "I/O error on sda\n");
  Turn(2);
  MakeRole(OneRule());
  Turn();
  EXPECT_EQ(Findings().size(), 1u);
  EXPECT_EQ(Metric("fleetmedic_stream_records_total"), 0);
}

class Faults : public StreamRoleTest,
               public testing::WithParamInterface<std::tuple<LogCall, CallFault, int>> {};

std::vector<std::tuple<LogCall, CallFault, int>> EveryFault() {
  std::vector<std::tuple<LogCall, CallFault, int>> all;
  for (const LogCall call : {LogCall::kAppend, LogCall::kCommit, LogCall::kPoll, LogCall::kOpen}) {
    for (size_t i = 0; i < kCallFaultCount; ++i) {
      const auto fault = static_cast<CallFault>(i);
      const bool reads = call == LogCall::kPoll || call == LogCall::kOpen;
      if (reads && !HitsReads(fault)) continue;
      // The role opens the log once.
      for (int nth = 1; nth <= (call == LogCall::kOpen ? 1 : 3); ++nth) {
        all.emplace_back(call, fault, nth);
      }
    }
  }
  return all;
}

// Three frames to match and three that are unreadable, and one call that fails in one way.
TEST_P(Faults, LoseNeitherFindingsNorCountsNorDeadLetters) {
  const auto [call, fault, nth] = GetParam();
  MakeRole(OneRule());
  faults_.FailAt(call, nth, fault);
  for (int i = 0; i < 3; ++i) {
    Write("web-1", "kernel", "I/O error on d" + std::to_string(i) + "\n");
    Append({"web-1", "no frame", {}, clock_.Wall()});
    Turn();
    if (faults_.crashed()) {
      faults_.Reset();
      MakeRole(OneRule());
    }
  }
  Turn(3);
  std::map<std::string, int> positions;
  for (const Finding& finding : Findings()) ++positions[finding.position];
  EXPECT_EQ(positions.size(), 3u);
  uint64_t lines = 0;
  for (const PatternCount& count : Counts()) lines += count.lines;
  EXPECT_GE(lines, 3u);
  std::map<std::string, int> origins;
  for (const Record& letter : All(Topic::kDeadLetter)) ++origins[letter.key];
  EXPECT_EQ(origins.size(), 3u);
  EXPECT_EQ(faults_.faults(), 1);
}

INSTANTIATE_TEST_SUITE_P(EveryCall, Faults, testing::ValuesIn(EveryFault()));

}  // namespace
}  // namespace fleetmedic
