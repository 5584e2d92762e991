#include "store/backup.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/clock.h"
#include "store/memory_store.h"
#include "store/store_limits.h"

namespace fleetmedic {
namespace {

using testing::HasSubstr;

Result<BackupManifest> Read(std::string_view text, BackupVisitor* visitor = nullptr,
                            size_t piece_max = 7) {
  size_t at = 0;
  const auto source = [&](std::span<char> into) -> Result<size_t> {
    const size_t count = std::min({into.size(), piece_max, text.size() - at});
    std::copy_n(text.data() + at, count, into.data());
    at += count;
    return count;
  };
  return ReadBackup(source, visitor);
}

// What is read back, as one text for each thing.
class Seen final : public BackupVisitor {
 public:
  Status Begin(const BackupStore& store) override {
    things.push_back("store " + store.name);
    return {};
  }
  Status Row(Table table, std::string_view key, std::string_view value) override {
    things.push_back(std::string(TableName(table)) + " " + std::string(key) + "=" +
                     std::string(value));
    return {};
  }
  Status Audit(const AuditEntry& entry) override {
    things.push_back("audit " + entry.why);
    return {};
  }
  std::vector<std::string> things;
};

class Backup : public testing::Test {
 protected:
  Backup() : lease_(store_.Acquire("test", Hours(1)).value()) {
    EXPECT_TRUE(store_.Commit(lease_.epoch, [](StoreTransaction& tx) -> Status {
      FLEETMEDIC_RETURN_IF_ERROR(tx.Put(Table::kHosts, "web-1", R"({"state": "healthy"})"));
      FLEETMEDIC_RETURN_IF_ERROR(
          tx.Put(Table::kHosts, "web-2", std::string("\n\0\xff row 1 1", 11)));
      FLEETMEDIC_RETURN_IF_ERROR(tx.Put(Table::kMeta, "brake", ""));
      FLEETMEDIC_RETURN_IF_ERROR(tx.AppendAudit({.who = "op1", .object = "fleet", .why = "one"}));
      return tx.AppendAudit({.who = "op1", .object = "fleet", .why = "two"});
    }));
  }

  std::string Made(int stores = 1) {
    std::string text;
    BackupWriter writer(
        [&text](std::string_view bytes) -> Status {
          text += bytes;
          return {};
        },
        "0.1.0", clock_.Wall());
    for (int i = 0; i < stores; ++i) {
      EXPECT_TRUE(writer.Add(i == 0 ? "remediator" : "fleet-" + std::to_string(i), store_, 17));
    }
    EXPECT_TRUE(writer.Finish());
    manifest_ = writer.manifest();
    return text;
  }

  SimulatedClock clock_;
  MemoryStore store_{clock_};
  const Lease lease_;
  BackupManifest manifest_;
};

TEST_F(Backup, ReadsBackWhatWasWritten) {
  const std::string text = Made(2);
  for (const size_t piece : {size_t{1}, size_t{7}, size_t{1} << 20}) {
    Seen seen;
    const auto manifest = Read(text, &seen, piece);
    ASSERT_TRUE(manifest) << manifest.error().message;
    EXPECT_EQ(*manifest, manifest_);
    EXPECT_EQ(manifest->program, "0.1.0");
    EXPECT_EQ(manifest->stores[1].epoch, 17u);
    EXPECT_EQ(manifest->stores[0].audit, (AuditTail{2, store_.NewestAudit("", 1)->at(0).hash}));
    const std::vector<std::string> one = {R"(hosts web-1={"state": "healthy"})",
                                          std::string("hosts web-2=\n\0\xff row 1 1", 23),
                                          "meta brake=", "audit one", "audit two"};
    std::vector<std::string> all = {"store remediator"};
    all.insert(all.end(), one.begin(), one.end());
    all.emplace_back("store fleet-1");
    all.insert(all.end(), one.begin(), one.end());
    EXPECT_EQ(seen.things, all);
  }
}

TEST_F(Backup, EveryByteThatIsChangedIsNoticed) {
  const std::string whole = Made();
  ASSERT_TRUE(Read(whole, nullptr, 1 << 20));
  for (size_t at = 0; at < whole.size(); ++at) {
    for (int bit = 0; bit < 8; ++bit) {
      std::string changed = whole;
      changed[at] = static_cast<char>(changed[at] ^ (1 << bit));
      const auto read = Read(changed, nullptr, 1 << 20);
      ASSERT_FALSE(read) << "byte " << at << ", bit " << bit;
      ASSERT_TRUE(read.error().code == Code::kCorrupt || read.error().code == Code::kUnsupported);
    }
  }
}

TEST_F(Backup, OneThatWasCutOrHasSomethingBehindItIsNoticed) {
  const std::string whole = Made();
  for (size_t bytes = 0; bytes < whole.size(); ++bytes) {
    ASSERT_EQ(Read(whole.substr(0, bytes), nullptr, 1 << 20).error().code, Code::kCorrupt) << bytes;
  }
  EXPECT_THAT(Read(whole + "\n").error().message, HasSubstr("something follows its end"));
  EXPECT_FALSE(Read(whole + whole));
  for (size_t at = 0; at < whole.size(); at += 5) {
    std::string without = whole;
    without.erase(at, 1);
    EXPECT_FALSE(Read(without)) << at;
  }
}

TEST_F(Backup, ASourceThatFailsIsNotTakenForItsEnd) {
  const std::string whole = Made();
  int calls = 0;
  const auto source = [&](std::span<char> into) -> Result<size_t> {
    if (++calls > 1) return Fail(Code::kIo, "the disk");
    std::copy_n(whole.data(), 100, into.data());
    return 100;
  };
  EXPECT_EQ(ReadBackup(source, nullptr).error().code, Code::kIo);
}

TEST_F(Backup, LengthsAreNotBelievedBeyondTheirLimits) {
  for (const char* text :
       {"fleetmedic-backup 1\nstore a 2 1\ntable hosts\nrow 4 99999999999\n",
        "fleetmedic-backup 1\nstore a 2 1\ntable hosts\nrow 99999 4\n",
        "fleetmedic-backup 1\nstore a 2 1\ntable hosts\nrow 0 4\n",
        "fleetmedic-backup 1\nstore a 2 1\nrow 1 1\nab\n",
        "fleetmedic-backup 1\nstore ../etc 2 1\n", "fleetmedic-backup 1\ntable hosts\n",
        "fleetmedic-backup 1\nstore a 2 1\ntable passwords\n",
        "fleetmedic-backup 1\nmanifest 99999999999\n", "SQLite format 3"}) {
    EXPECT_EQ(Read(text).error().code, Code::kCorrupt) << text;
  }
  EXPECT_EQ(Read(std::string(100'000, 'x')).error().code, Code::kCorrupt);
  EXPECT_EQ(Read("fleetmedic-backup 2\n").error().code, Code::kUnsupported);
  EXPECT_EQ(Read("fleetmedic-backup 1\nstore a 99 1\n").error().code, Code::kUnsupported);
}

}  // namespace
}  // namespace fleetmedic
