#include "stream/template_book.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/logging.h"
#include "store/fault_store.h"
#include "store/memory_store.h"
#include "stream/mined_template.h"

namespace fleetmedic {
namespace {

using ::testing::IsEmpty;
using ::testing::SizeIs;

class TemplateBookTest : public testing::Test {
 protected:
  TemplateBookTest() { SetLogLevel(LogLevel::kError); }

  std::unique_ptr<TemplateBook> Make(const std::string& owner) {
    TemplateBook::Parts parts;
    parts.metrics = &metrics_;
    auto store = std::make_unique<FaultStore>(&store_);
    opened_ = store.get();
    parts.store = std::move(store);
    parts.owner = owner;
    return std::make_unique<TemplateBook>(std::move(parts));
  }
  void Add(TemplateBook* book, std::string_view line) {
    LogFrame frame;
    frame.host = HostId("web-1");
    frame.source = "file:/var/log/app";
    book->Begin(frame, clock_.Wall());
    book->Add(line, 1);
  }
  void Turn(TemplateBook* book, Millis span) {
    for (Millis passed(0); passed < span; passed += Seconds(1)) {
      clock_.Advance(Seconds(1));
      book->Turn(clock_.Mono());
    }
  }
  // Lines by the text of the kept templates.
  std::map<std::string, uint64_t> Kept() {
    std::map<std::string, uint64_t> kept;
    const std::vector<Row> rows = ScanAll(store_, Table::kTemplates).value();
    for (const Row& row : rows) {
      const auto mined = MinedTemplateFromJson(Json::Parse(row.value).value()).value();
      kept[TextOf(mined)] += mined.lines;
    }
    return kept;
  }

  SimulatedClock clock_;
  MemoryStore store_{clock_};
  Metrics metrics_;
  FaultStore* opened_ = nullptr;  // by the latest book
};

TEST_F(TemplateBookTest, OneThatIsFencedAtACommitWritesNothingAndCountsNothingTwice) {
  const auto book = Make("one");
  FaultStore* const faults = opened_;
  Turn(book.get(), Seconds(2));
  for (int disk = 0; disk < 3; ++disk) {
    Add(book.get(), "error: disk " + std::to_string(disk) + " is slow");
  }
  std::map<std::string, uint64_t> of_another;
  faults->BeforeNextCommit([&] {
    // It stands still; another leads, keeps a template of its own, and ends.
    clock_.Advance(Seconds(11));
    const auto another = Make("another");
    Turn(another.get(), Seconds(2));
    Add(another.get(), "error: fan 3 has stopped");
    Turn(another.get(), TemplateBook::kKeptEvery + Seconds(2));
    of_another = Kept();
  });
  for (int i = 0; i < 400 && of_another.empty(); ++i) Turn(book.get(), Seconds(1));
  ASSERT_THAT(of_another, SizeIs(1));
  EXPECT_EQ(Kept(), of_another) << "nothing is written after the fence";
  EXPECT_EQ(book->miner().templates(), 1U);
  // It leads again, learns what the other kept, and keeps all of its own, once.
  Turn(book.get(), TemplateBook::kKeptEvery + Seconds(12));
  EXPECT_EQ(book->miner().templates(), 2U);
  const std::map<std::string, uint64_t> kept = Kept();
  ASSERT_THAT(kept, SizeIs(2));
  for (const auto& [text, lines] : kept) {
    if (of_another.contains(text)) continue;
    EXPECT_EQ(lines, 3U) << text;
  }
}

TEST_F(TemplateBookTest, WhileAnotherLeadsNothingIsKeptAndAllIsMined) {
  const auto one = Make("one");
  Turn(one.get(), Seconds(2));
  const auto two = Make("two");
  Add(two.get(), "error: disk 1 is slow");
  for (int i = 0; i < 400; ++i) {
    clock_.Advance(Seconds(1));
    one->Turn(clock_.Mono());
    two->Turn(clock_.Mono());
  }
  EXPECT_EQ(two->miner().templates(), 1U);
  EXPECT_THAT(Kept(), IsEmpty());
}

constexpr std::string_view kSource = "file:/var/log/app";

TemplateRef MineIn(TemplateMiner* miner, std::string_view user, WallTime at) {
  LineOrigin origin;
  origin.source_class = miner->Source(kSource);
  origin.source = kSource;
  origin.host = "web-1";
  origin.at = at;
  return miner->Add("error: session of user " + std::string(user) + " was closed by root", origin);
}

TEST(TemplateBook, TellsTheAliasesOfATemplateOnce) {
  SimulatedClock clock;
  clock.Advance(Hours(1000));
  // Two that turned out to be one, as a predecessor kept them.
  TemplateMiner miner;
  TemplateMiner other;
  const uint64_t alias = MineIn(&miner, "bob", clock.Wall()).id;
  MineIn(&other, "alice", clock.Wall() - Hours(1));
  ASSERT_TRUE(miner.Import(other.Export().at(0), TemplateMiner::Counts::kLearn));
  const MinedTemplate kept = miner.Export().at(0);
  ASSERT_EQ(kept.aliases, std::vector<uint64_t>{alias});
  MemoryStore store(clock);
  const Lease lease = store.Acquire("before", Seconds(10)).value();
  ASSERT_TRUE(store.Commit(lease.epoch, [&](StoreTransaction& transaction) {
    return transaction.Put(Table::kTemplates, TemplateIdText(kept.id), ToJson(kept).Dump());
  }));
  ASSERT_TRUE(store.Release(lease));

  Metrics metrics;
  TemplateBook::Parts parts;
  parts.metrics = &metrics;
  parts.store = std::make_unique<FaultStore>(&store);
  parts.owner = "after";
  TemplateBook book(std::move(parts));
  book.Turn(clock.Mono());
  LogFrame frame;
  frame.host = HostId("web-1");
  frame.source = kSource;
  const auto count = [&](const std::string& user) {
    book.Begin(frame, clock.Wall());
    PatternCount said;
    said.kind = PatternKind::kTemplate;
    said.pattern =
        TemplateIdText(book.Add("error: session of user " + user + " was closed by root", 1).id);
    book.Describe(&said);
    return said;
  };
  const PatternCount first = count("carol");
  EXPECT_EQ(first.pattern, TemplateIdText(kept.id));
  EXPECT_EQ(first.aliases, std::vector<std::string>{TemplateIdText(alias)});
  EXPECT_TRUE(count("dave").aliases.empty());
}

}  // namespace
}  // namespace fleetmedic
