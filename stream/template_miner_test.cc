#include "stream/template_miner.h"

#include <algorithm>
#include <map>
#include <set>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/json.h"
#include "stream/labelled_lines.h"

namespace fleetmedic {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

WallTime Minute(int minute) { return WallTime(Minutes(minute)); }

class TemplateMinerTest : public testing::Test {
 protected:
  TemplateRef Add(const std::string& line, int minute = 1, std::string_view host = "h",
                  std::string_view source = "kernel") {
    return AddTo(&miner_, line, minute, host, source);
  }
  static TemplateRef AddTo(TemplateMiner* miner, const std::string& line, int minute = 1,
                           std::string_view host = "h", std::string_view source = "kernel") {
    return miner->Add(line, {miner->Source(source), source, host, Minute(minute), 1});
  }
  std::string Text(uint64_t id) { return TextOf(miner_.Find(id).value()); }

  TemplateMiner miner_;
};

TEST_F(TemplateMinerTest, LinesThatDifferInTheirNumbersAreOneTemplate) {
  const TemplateRef first = Add("nvme nvme0: I/O 12 QID 3 timeout, aborting");
  EXPECT_TRUE(first.is_new);
  EXPECT_EQ(Text(first.id), "nvme «nvme0»: I/O «12» QID «3» timeout, aborting");
  EXPECT_EQ(Add("nvme nvme0: I/O 13 QID 4 timeout, aborting"), (TemplateRef{first.id, false}));
  EXPECT_EQ(Text(first.id), "nvme «nvme0»: I/O «…» QID «…» timeout, aborting");
  EXPECT_EQ(miner_.stats().looked_up, 1u);
  EXPECT_NE(Add("nvme nvme0: Abort status: 0x0").id, first.id);
  EXPECT_EQ(miner_.templates(), 2u);
}

TEST_F(TemplateMinerTest, WordsThatDifferBecomeVariablesAndTheIdentityStays) {
  const uint64_t id = Add("session of user bob was closed by the administrator").id;
  EXPECT_EQ(Add("session of user alice was closed by the administrator"), (TemplateRef{id, false}));
  EXPECT_EQ(Add("session of user carol was closed by the  administrator").id, id);
  EXPECT_EQ(Text(id), "session of user «…» was closed by the administrator");
  EXPECT_EQ(miner_.templates(), 1u);
  for (int i = 0; i < 5; ++i) Add("session of user bob was closed by the administrator");
  const std::vector<MinedTemplate> all = miner_.Export();
  ASSERT_THAT(all, SizeIs(1));
  ASSERT_THAT(all[0].values, SizeIs(1));
  EXPECT_EQ(all[0].values[0].lines, 8u);
  EXPECT_EQ(all[0].values[0].distinct, 3u);
  EXPECT_THAT(
      all[0].values[0].values,
      ElementsAre(ValueCount{"bob", 6, 0}, ValueCount{"alice", 1, 0}, ValueCount{"carol", 1, 0}));
}

TEST_F(TemplateMinerTest, WhatSaysTheOppositeIsNotTheSame) {
  const char* const pairs[][2] = {
      {"the link of the first port is up", "the link of the first port is down"},
      {"mount of the volume succeeded after a while", "mount of the volume failed after a while"},
      {"the power supply is offline for now", "the power supply is online for now"},
      {"disk full", "disk gone"},
  };
  for (const auto& [one, other] : pairs) EXPECT_NE(Add(one).id, Add(other).id) << one;
}

TEST_F(TemplateMinerTest, TheSourceIsAPartOfWhatATemplateIs) {
  const std::string line = "it timed out";
  const uint64_t id = Add(line, 1, "h", "journal:docker-3f2a11.scope").id;
  EXPECT_EQ(Add(line, 1, "h", "journal:docker-77aa99.scope").id, id);
  EXPECT_NE(Add(line, 1, "h", "journal:docker.service").id, id);
  EXPECT_EQ(miner_.Find(id)->source_class, "journal:docker-*.scope");
}

TEST_F(TemplateMinerTest, KnowsWhenWhereAndHowOftenATemplateWasSeen) {
  const uint64_t id = Add("disk 1 is bad", 7, "a").id;
  Add("disk 2 is bad", 5, "a");
  Add("disk 3 is bad", 9, "b");
  miner_.Add("disk 4 is bad",
             {miner_.Source("kernel"), "kernel", "c", Minute(6) + Seconds(59), 40});
  Add("disk 5 is bad", 6, "d");
  const MinedTemplate mined = miner_.Find(id).value();
  EXPECT_EQ(mined.first_seen, Minute(5));
  EXPECT_EQ(mined.last_seen, Minute(9));
  EXPECT_EQ(mined.lines, 44u);
  ASSERT_THAT(mined.examples, SizeIs(3)) << "of different hosts";
  EXPECT_EQ(mined.examples[0].line, "disk 1 is bad");
  EXPECT_EQ(mined.examples[1].host, HostId("b"));
  EXPECT_EQ(mined.examples[2].source, "kernel");
  const std::vector<PatternVariable> variables = VariablesOf(mined);
  ASSERT_THAT(variables, SizeIs(1));
  EXPECT_EQ(variables[0].name, "1");
  EXPECT_EQ(variables[0].values.at("4"), 40u);
  EXPECT_EQ(variables[0].other_lines, 0u);
}

// The share of lines whose template has all the lines of their message and no others.
double Accuracy(uint64_t seed, size_t lines, TemplateMiner* miner) {
  LabelledLines generator(seed);
  std::map<uint64_t, std::map<size_t, size_t>> messages_of;
  std::map<size_t, std::set<uint64_t>> templates_of;
  for (size_t i = 0; i < lines; ++i) {
    const LabelledLine made = generator.Next();
    const uint64_t id = miner
                            ->Add(made.line, {miner->Source(made.source), made.source,
                                              "host-" + std::to_string(i % 100), Minute(1), 1})
                            .id;
    ++messages_of[id][made.message];
    templates_of[made.message].insert(id);
  }
  size_t right = 0;
  for (const auto& [id, messages] : messages_of) {
    if (messages.size() == 1 && templates_of.at(messages.begin()->first).size() == 1) {
      right += messages.begin()->second;
    }
  }
  return static_cast<double>(right) / static_cast<double>(lines);
}

TEST(TemplateQuality, NineOfTenLinesAreGroupedAsTheirAuthorsWouldGroupThem) {
  for (const uint64_t seed : {1u, 2u, 3u}) {
    TemplateMiner miner;
    EXPECT_GE(Accuracy(seed, 20'000, &miner), 0.9) << seed;
    EXPECT_LE(miner.templates(), LabelledMessages().size() * 3 / 2);
    EXPECT_GE(miner.stats().looked_up, miner.stats().lines * 8 / 10);
  }
}

TEST(TemplateQuality, TheSameLinesGiveTheSameTemplates) {
  TemplateMiner one;
  TemplateMiner other;
  Accuracy(5, 5000, &one);
  Accuracy(5, 5000, &other);
  EXPECT_EQ(one.Export(), other.Export());
}

TEST(TemplateQuality, IdentitiesDoNotDependOnTheOrderWhereOnlyNumbersDiffer) {
  std::vector<LabelledLine> lines;
  LabelledLines generator(9);
  for (int i = 0; i < 5000; ++i) {
    LabelledLine made = generator.Next();
    const std::string_view form = LabelledMessages()[made.message].form;
    // Users, services and paths are words.
    const bool words = form.find("%u") != std::string_view::npos ||
                       form.find("%s") != std::string_view::npos ||
                       form.find("%p") != std::string_view::npos;
    if (!words) lines.push_back(std::move(made));
  }
  TemplateMiner forth;
  TemplateMiner back;
  std::map<std::string, uint64_t> ids;
  for (const LabelledLine& one : lines) {
    ids[one.line] =
        forth.Add(one.line, {forth.Source(one.source), one.source, "h", Minute(1), 1}).id;
  }
  std::ranges::reverse(lines);
  for (const LabelledLine& one : lines) {
    EXPECT_EQ(back.Add(one.line, {back.Source(one.source), one.source, "h", Minute(1), 1}).id,
              ids.at(one.line))
        << one.line;
  }
}

TEST_F(TemplateMinerTest, AnIdentityIsForEver) {
  // Stores and other replicas know templates by these: they must not change.
  EXPECT_EQ(TemplateIdText(Add("nvme nvme0: I/O 12 QID 3 timeout, aborting").id),
            "t-3a0517cfd9c4da1a");
  EXPECT_EQ(ParseTemplateId("t-00000000000000ff"), 255u);
  for (const std::string_view wrong :
       {"", "t-", "t-00000000000000f", "t-00000000000000FF", "x-00000000000000ff",
        "t-00000000000000ff0", "t-00000000000000f "}) {
    EXPECT_FALSE(ParseTemplateId(wrong).has_value()) << wrong;
  }
}

TEST_F(TemplateMinerTest, TwoReplicasComeToTheSameName) {
  TemplateMiner other;
  const auto say = [](std::string_view user) {
    return fmt::format("session of user {} was closed by the administrator", user);
  };
  const uint64_t here = Add(say("bob"), 5).id;
  const uint64_t there = AddTo(&other, say("alice"), 3).id;
  ASSERT_NE(here, there);
  const std::vector<MinedTemplate> ours = miner_.Export();
  const std::vector<MinedTemplate> theirs = other.Export();
  ASSERT_TRUE(miner_.Import(theirs[0], TemplateMiner::Counts::kLearn));
  ASSERT_TRUE(other.Import(ours[0], TemplateMiner::Counts::kLearn));
  EXPECT_THAT(miner_.TakeMerges(), ElementsAre(std::pair(here, there)));
  EXPECT_THAT(other.TakeMerges(), ElementsAre(std::pair(here, there)));
  for (TemplateMiner* const miner : {&miner_, &other}) {
    EXPECT_EQ(miner->Resolve(here), there) << "the one that was seen first";
    EXPECT_EQ(AddTo(miner, say("bob")).id, there);
    EXPECT_EQ(AddTo(miner, say("carol")).id, there);
    EXPECT_EQ(miner->Find(here)->id, there);
    EXPECT_EQ(miner->Find(there)->first_seen, Minute(1));
    EXPECT_EQ(miner->templates(), 1u);
  }
  EXPECT_EQ(miner_.Find(there)->lines, 3u) << "learning takes no counts";
  // What says nothing new is not told on.
  const uint64_t change = miner_.Change();
  for (const MinedTemplate& mined : other.Export()) {
    ASSERT_TRUE(miner_.Import(mined, TemplateMiner::Counts::kLearn));
  }
  EXPECT_THAT(miner_.Export(change), IsEmpty());
}

TEST_F(TemplateMinerTest, TemplatesThatTurnOutToBeOneAreJoined) {
  // The second stands elsewhere in the tree, and is too unlike the first until both generalise.
  const auto say = [](std::string_view a, std::string_view b, std::string_view c) {
    return fmt::format("{} of {} was {} by the operator", a, b, c);
  };
  const uint64_t first = Add(say("volume", "alpha", "seen"), 1).id;
  const uint64_t second = Add(say("bucket", "beta", "heard"), 2).id;
  ASSERT_NE(first, second);
  Add(say("volume", "gamma", "seen"), 3);
  Add(say("volume", "gamma", "touched"), 3);
  Add(say("bucket", "delta", "heard"), 3);
  Add(say("bucket", "delta", "moved"), 3);
  const uint64_t lines = miner_.Export().empty() ? 0 : miner_.stats().lines;
  uint64_t counted = 0;
  for (const MinedTemplate& mined : miner_.Export()) counted += mined.lines;
  EXPECT_EQ(counted, lines) << "no line is lost or doubled";
  for (const auto& [from, into] : miner_.TakeMerges()) EXPECT_EQ(miner_.Resolve(from), into);
}

TEST(TemplateState, IsKeptAndComesBack) {
  TemplateMiner miner;
  Accuracy(11, 5000, &miner);
  const std::vector<MinedTemplate> all = miner.Export();
  TemplateMiner again;
  for (const MinedTemplate& mined : all) {
    const Result<Json> json = Json::Parse(ToJson(mined).Dump());
    ASSERT_TRUE(json) << json.error().message;
    const Result<MinedTemplate> read = MinedTemplateFromJson(*json);
    ASSERT_TRUE(read) << read.error().message;
    EXPECT_EQ(*read, mined);
    EXPECT_TRUE(again.Import(*read, TemplateMiner::Counts::kTake));
  }
  EXPECT_EQ(again.Export(), all);
  // And goes on with the same names.
  LabelledLines more(12);
  for (int i = 0; i < 3000; ++i) {
    const LabelledLine made = more.Next();
    EXPECT_EQ(again.Add(made.line, {again.Source(made.source), made.source, "h", Minute(2), 1}).id,
              miner.Add(made.line, {miner.Source(made.source), made.source, "h", Minute(2), 1}).id)
        << made.line;
  }
}

TEST(TemplateState, OnlyWhatChangedIsExportedAgain) {
  TemplateMiner miner;
  Accuracy(11, 2000, &miner);
  const uint64_t change = miner.Change();
  EXPECT_THAT(miner.Export(change), IsEmpty());
  miner.Add("one more that is new", {miner.Source("kernel"), "kernel", "h", Minute(1), 1});
  EXPECT_THAT(miner.Export(change), SizeIs(1));
}

TEST(TemplateState, WhatCannotBeIsRefused) {
  TemplateMiner miner;
  miner.Add("user bob said 12", {miner.Source("kernel"), "kernel", "h", Minute(1), 1});
  const MinedTemplate good = miner.Export()[0];
  const auto refused = [](MinedTemplate mined) {
    TemplateMiner other;
    return !other.Import(mined, TemplateMiner::Counts::kTake) && other.templates() == 0;
  };
  EXPECT_FALSE(refused(good));
  MinedTemplate bad = good;
  bad.id = 0;
  EXPECT_TRUE(refused(bad));
  bad = good;
  bad.words[0].text = "two words";
  EXPECT_TRUE(refused(bad));
  bad = good;
  bad.words[1].gap = "";
  EXPECT_TRUE(refused(bad));
  bad = good;
  bad.words[1].gap = " x ";
  EXPECT_TRUE(refused(bad));
  bad = good;
  bad.words[2].text = "";
  EXPECT_TRUE(refused(bad));
  bad = good;
  bad.words.resize(65, {" ", "x", false});
  EXPECT_TRUE(refused(bad));
  for (const std::string_view wrong :
       {R"({})", R"([])", R"({"id":"t-1"})",
        R"({"id":"t-0000000000000001","source_class":"k","end":"%","cut":false,"lines":1,
            "first_seen":"1970-01-01T00:00:00Z","last_seen":"1970-01-01T00:00:00Z"})"}) {
    const Result<Json> json = Json::Parse(wrong);
    ASSERT_TRUE(json) << wrong;
    EXPECT_FALSE(MinedTemplateFromJson(*json).has_value()) << wrong;
  }
}

TEST(TemplateLimitsTest, AStormOfUnlikeLinesPutsOutItsOwn) {
  TemplateLimits limits;
  limits.templates_max = 200;
  limits.shapes_max = 256;
  TemplateMiner miner(limits);
  const auto add = [&miner](const std::string& line) {
    return miner.Add(line, {miner.Source("kernel"), "kernel", "h", Minute(1), 1});
  };
  std::set<uint64_t> proven;
  for (int i = 0; i < 50; ++i) {
    const std::string line(static_cast<size_t>(i) + 1, 'a');
    for (int again = 0; again < 3; ++again) proven.insert(add(line + " it is").id);
  }
  LabelledLines random(4);
  for (int i = 0; i < 20'000; ++i) {
    std::string line;
    for (uint64_t bits = random.Bits(); bits > 0; bits /= 20) {
      line += static_cast<char>('g' + bits % 20);
      if (bits % 7 == 0) line += ' ';
    }
    add(line);
    ASSERT_LE(miner.templates(), limits.templates_max);
  }
  EXPECT_GT(miner.stats().evicted, 10'000u);
  for (const uint64_t id : proven) EXPECT_TRUE(miner.Find(id).has_value());
}

TEST(TemplateLimitsTest, TheLeastRecentlySeenGoFirstAndComeBackByTheirName) {
  TemplateLimits limits;
  limits.templates_max = 16;
  TemplateMiner miner(limits);
  const auto add = [&miner](int which) {
    const std::string line = std::string(static_cast<size_t>(which) + 1, 'x') + " happened";
    return miner.Add(line, {miner.Source("kernel"), "kernel", "h", Minute(1), 3}).id;
  };
  std::vector<uint64_t> ids;
  for (int i = 0; i < 16; ++i) ids.push_back(add(i));
  add(0);
  add(16);
  EXPECT_TRUE(miner.Find(ids[0]).has_value());
  EXPECT_FALSE(miner.Find(ids[1]).has_value());
  EXPECT_EQ(add(1), ids[1]);
}

TEST(TemplateLimitsTest, BytesAreBoundedToo) {
  TemplateLimits limits;
  limits.bytes_max = 200'000;
  TemplateMiner miner(limits);
  LabelledLines random(4);
  for (int i = 0; i < 5000; ++i) {
    std::string line;
    for (int word = 0; word < 40; ++word)
      line += std::to_string(random.Bits()) + (random.Below(2) == 0 ? " " : ";");
    miner.Add(line, {miner.Source("kernel"), "kernel", "h", Minute(1), 1});
    ASSERT_LE(miner.bytes(), limits.bytes_max + 40'000);
  }
  EXPECT_GT(miner.stats().evicted, 0u);
  size_t bytes = 0;
  EXPECT_GT(miner.templates(), 0u);
  for (const MinedTemplate& mined : miner.Export()) bytes += mined.lines;
  EXPECT_GT(bytes, 0u);
}

TEST(TemplateLimitsTest, WhatIsPastANodesChildrenSharesOnePlace) {
  TemplateLimits limits;
  limits.children_max = 4;
  limits.siblings_max = 4;
  TemplateMiner miner(limits);
  for (int i = 0; i < 60; ++i) {
    const auto c = static_cast<char>('a' + i % 26);
    const auto d = static_cast<char>('a' + i / 26);
    miner.Add(fmt::format("{0}{1} {1}{0}{0} {0}{0}{1}", c, d),
              {miner.Source("kernel"), "kernel", "h", Minute(1), 1});
  }
  EXPECT_EQ(miner.templates(), 60u);
  EXPECT_GT(miner.stats().shared_places, 40u);
  EXPECT_GT(miner.stats().siblings_left, 40u);
  for (int i = 0; i < 5000; ++i) {
    (void)miner.Source("journal:u" + std::string(static_cast<size_t>(i), 'x').substr(0, 500));
  }
  for (int i = 0; i < 5000; ++i) {
    (void)miner.Source("journal:" + std::string(1, static_cast<char>('a' + i % 26)) +
                       std::string(static_cast<size_t>(i / 26), 'y'));
  }
  EXPECT_GT(miner.stats().sources_over, 0u);
}

TEST(TemplateLimitsTest, AnyLineIsTakenAndItsTemplateMatchesIt) {
  LabelledLines random(6);
  std::vector<std::string> lines = {"",
                                    " ",
                                    std::string(8192, 'x'),
                                    std::string(8192, ' '),
                                    std::string(8192, '1'),
                                    std::string(1000, '\0'),
                                    "\xff\xfe 1 \x80",
                                    ":::::",
                                    "1:",
                                    ":1",
                                    "::1",
                                    "1::",
                                    "\r",
                                    "%00 % 1"};
  std::string many;
  for (int i = 0; i < 3000; ++i)
    many += static_cast<char>('a' + i % 26) + std::string(i % 2 == 0 ? " " : "");
  lines.push_back(many);
  for (int i = 0; i < 3000; ++i) {
    std::string line(random.Below(200), ' ');
    for (char& c : line)
      c = static_cast<char>(random.Below(i % 3 == 0 ? 256 : 64) + (i % 3 == 0 ? 0 : 32));
    std::erase(line, '\n');
    lines.push_back(std::move(line));
  }
  TemplateMiner miner;
  for (const std::string& line : lines) {
    const TemplateRef ref = miner.Add(line, {miner.Source("k"), "k", "h", Minute(1), 1});
    const std::optional<MinedTemplate> mined = miner.Find(ref.id);
    ASSERT_TRUE(mined.has_value());
    EXPECT_TRUE(TemplateMatches(*mined, line)) << testing::PrintToString(line);
    EXPECT_EQ(MinedTemplateFromJson(Json::Parse(ToJson(*mined).Dump()).value()), *mined);
    EXPECT_LE(TextOf(*mined).size(), PatternCount::kTextBytesMax);
  }
}

}  // namespace
}  // namespace fleetmedic
