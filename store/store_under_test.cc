#include "store/store_under_test.h"

#include "base/file.h"
#include "store/fault_store.h"
#include "store/memory_store.h"
#include "store/sqlite_store.h"

namespace fleetmedic {
namespace {

class MemoryStoreUnderTest final : public StoreUnderTest {
 public:
  explicit MemoryStoreUnderTest(const Clock& clock) : store_(clock) {}
  Store& store() override { return store_; }

 private:
  MemoryStore store_;
};

// The twin that could fail and does not.
class FaultStoreUnderTest final : public StoreUnderTest {
 public:
  explicit FaultStoreUnderTest(const Clock& clock) : wrapped_(clock) {}
  Store& store() override { return store_; }

 private:
  MemoryStore wrapped_;
  FaultStore store_{&wrapped_};
};

class SqliteStoreUnderTest final : public StoreUnderTest {
 public:
  explicit SqliteStoreUnderTest(const Clock& clock) : clock_(clock) { Open(); }
  Store& store() override { return *store_; }
  void Reopen() override {
    store_.reset();
    Open();
  }

 private:
  void Open() { store_ = SqliteStore::Open(folder_ / "store.db", clock_).value(); }

  const Clock& clock_;
  TempFolder folder_;
  std::unique_ptr<SqliteStore> store_;
};

std::unique_ptr<StoreUnderTest> MakeMemory(const Clock& clock) {
  return std::make_unique<MemoryStoreUnderTest>(clock);
}

std::unique_ptr<StoreUnderTest> MakeSqlite(const Clock& clock) {
  return std::make_unique<SqliteStoreUnderTest>(clock);
}

std::unique_ptr<StoreUnderTest> MakeFault(const Clock& clock) {
  return std::make_unique<FaultStoreUnderTest>(clock);
}

}  // namespace

std::vector<StoreFactory> StoreFactories() {
  return {{"Memory", MakeMemory}, {"FaultWithoutFaults", MakeFault}, {"Sqlite", MakeSqlite}};
}

std::vector<StoreFactory> DurableStoreFactories() { return {{"Sqlite", MakeSqlite}}; }

}  // namespace fleetmedic
