#include "base/sqlite.h"

#include <gtest/gtest.h>

#include "base/file.h"

namespace fleetmedic {
namespace {

constexpr char kSchema[] = "CREATE TABLE thing (id INTEGER PRIMARY KEY, name TEXT UNIQUE)";

Code CodeOf(const Status& status) { return status.error().code; }

int64_t Count(Database* database) {
  Statement statement = database->Prepare("SELECT count(*) FROM thing").value();
  FLEETMEDIC_CHECK(statement.Step().value());
  return statement.Int(0);
}

class DatabaseTest : public testing::Test {
 protected:
  void SetUp() override { ASSERT_TRUE(database_.RunScript(kSchema)); }

  TempFolder folder_;
  std::string path_ = folder_ / "store.db";
  Database database_ = Database::Open(path_).value();
};

TEST_F(DatabaseTest, BindsAndReadsEveryType) {
  ASSERT_TRUE(database_.RunScript("CREATE TABLE t (a, b, c, d, e, f)"));
  const std::string_view bytes("\0\xff\1", 3);
  ASSERT_TRUE(database_.Run("INSERT INTO t VALUES (?, ?, ?, ?, ?, ?)", int64_t{-5}, 1.5,
                            "gr\u00fcn", SqlBlob{bytes}, std::optional<int>(), std::string()));
  Statement statement = database_.Prepare("SELECT * FROM t").value();
  ASSERT_TRUE(statement.Step().value());
  EXPECT_EQ(statement.Int(0), -5);
  EXPECT_EQ(statement.Double(1), 1.5);
  EXPECT_EQ(statement.Text(2), "gr\u00fcn");
  EXPECT_EQ(statement.Blob(3), bytes);
  EXPECT_TRUE(statement.IsNull(4));
  EXPECT_EQ(statement.Int(4), 0);
  EXPECT_FALSE(statement.IsNull(5));
  EXPECT_EQ(statement.Text(5), "");
  EXPECT_FALSE(statement.Step().value());
}

TEST_F(DatabaseTest, TheSameStatementTwiceAtOnceIsTwoStatements) {
  ASSERT_TRUE(database_.Run("INSERT INTO thing VALUES (1, 'a'), (2, 'b')"));
  Statement outer = database_.Prepare("SELECT id FROM thing ORDER BY id").value();
  ASSERT_TRUE(outer.Step().value());
  {
    Statement inner = database_.Prepare("SELECT id FROM thing ORDER BY id").value();
    ASSERT_TRUE(inner.Step().value());
    EXPECT_EQ(inner.Int(0), 1);
  }
  ASSERT_TRUE(outer.Step().value());
  EXPECT_EQ(outer.Int(0), 2);
}

TEST_F(DatabaseTest, AStatementFromTheCacheRemembersNothing) {
  constexpr char kInsert[] = "INSERT INTO thing VALUES (?, ?)";
  ASSERT_TRUE(database_.Run(kInsert, 1, "a"));
  ASSERT_TRUE(database_.Run(kInsert, 2));
  Statement statement = database_.Prepare("SELECT name FROM thing WHERE id = 2").value();
  ASSERT_TRUE(statement.Step().value());
  EXPECT_TRUE(statement.IsNull(0));
}

TEST_F(DatabaseTest, ErrorsNameTheFileAndTheStatement) {
  ASSERT_TRUE(database_.Run("INSERT INTO thing VALUES (1, 'a')"));
  const Status twice = database_.Run("INSERT INTO thing VALUES (2, 'a')");
  EXPECT_EQ(CodeOf(twice), Code::kAlreadyExists);
  EXPECT_NE(twice.error().message.find("store.db"), std::string::npos);
  EXPECT_NE(twice.error().message.find("INSERT INTO thing"), std::string::npos);
  EXPECT_EQ(CodeOf(database_.Run("INSERT INTO nothing VALUES (1)")), Code::kInvalidArgument);
}

TEST_F(DatabaseTest, ForeignKeysAreOn) {
  ASSERT_TRUE(database_.RunScript("CREATE TABLE part (thing INTEGER REFERENCES thing (id))"));
  EXPECT_EQ(CodeOf(database_.Run("INSERT INTO part VALUES (7)")), Code::kInvalidArgument);
}

TEST_F(DatabaseTest, ATransactionThatIsNotCommittedNeverHappened) {
  {
    const Transaction transaction = Transaction::Begin(&database_).value();
    ASSERT_TRUE(database_.Run("INSERT INTO thing VALUES (1, 'a')"));
    EXPECT_EQ(Count(&database_), 1);
  }
  EXPECT_EQ(Count(&database_), 0);
  Transaction transaction = Transaction::Begin(&database_).value();
  ASSERT_TRUE(database_.Run("INSERT INTO thing VALUES (1, 'a')"));
  EXPECT_FALSE(Transaction::Begin(&database_));
  ASSERT_TRUE(transaction.Commit());
  EXPECT_EQ(Count(&database_), 1);
}

TEST_F(DatabaseTest, ASecondWriterIsBusyAndAReaderSeesTheStateBefore) {
  DatabaseOptions options;
  options.busy_timeout = Millis(1);
  Database other = Database::Open(path_, options).value();
  Transaction first = Transaction::Begin(&database_).value();
  ASSERT_TRUE(database_.Run("INSERT INTO thing VALUES (1, 'a')"));
  EXPECT_EQ(Transaction::Begin(&other).error().code, Code::kBusy);
  EXPECT_EQ(Count(&other), 0);
  {
    const Transaction view = Transaction::BeginRead(&other).value();
    EXPECT_EQ(Count(&other), 0);
    ASSERT_TRUE(first.Commit());
    EXPECT_EQ(Count(&other), 0);
  }
  EXPECT_EQ(Count(&other), 1);
  EXPECT_TRUE(Transaction::Begin(&other));
}

TEST_F(DatabaseTest, CountsWhatChanged) {
  ASSERT_TRUE(database_.Run("INSERT INTO thing VALUES (41, 'a'), (42, 'b')"));
  EXPECT_EQ(database_.LastInsertId(), 42);
  ASSERT_TRUE(database_.Run("UPDATE thing SET name = name || id"));
  EXPECT_EQ(database_.ChangedRows(), 2);
  EXPECT_TRUE(database_.Checkpoint());
}

TEST_F(DatabaseTest, AReadOnlyConnectionChangesNothing) {
  DatabaseOptions options;
  options.read_only = true;
  Database reader = Database::Open(path_, options).value();
  EXPECT_EQ(Count(&reader), 0);
  EXPECT_EQ(CodeOf(reader.Run("INSERT INTO thing VALUES (1, 'a')")), Code::kPermissionDenied);
}

TEST_F(DatabaseTest, AFileOfANewerSchemaIsNotOpened) {
  ASSERT_TRUE(database_.SetUserVersion(7));
  EXPECT_EQ(database_.UserVersion(), 7);
  DatabaseOptions options;
  options.user_version_max = 7;
  EXPECT_TRUE(Database::Open(path_, options));
  options.user_version_max = 6;
  const auto older = Database::Open(path_, options);
  ASSERT_FALSE(older);
  EXPECT_EQ(older.error().code, Code::kUnsupported);
  EXPECT_NE(older.error().message.find("schema version 7"), std::string::npos);
}

TEST(Database, SaysWhyItCannotOpen) {
  const TempFolder folder;
  ASSERT_TRUE(WriteFileAtomic(folder / "text", std::string(5000, 'x')));
  EXPECT_EQ(Database::Open(folder / "text").error().code, Code::kCorrupt);
  EXPECT_EQ(Database::Open(folder / "absent/store.db").error().code, Code::kNotFound);
  DatabaseOptions options;
  options.read_only = true;
  EXPECT_EQ(Database::Open(folder / "absent.db", options).error().code, Code::kNotFound);
}

TEST(Database, WorksInMemory) {
  Database database = Database::Open(":memory:").value();
  ASSERT_TRUE(database.RunScript(kSchema));
  EXPECT_EQ(Count(&database), 0);
}

}  // namespace
}  // namespace fleetmedic
