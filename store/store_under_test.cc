#include "store/store_under_test.h"

#include "store/fault_store.h"
#include "store/memory_store.h"

namespace fleetmedic {
namespace {

class MemoryStoreUnderTest final : public StoreUnderTest {
 public:
  explicit MemoryStoreUnderTest(const Clock& clock) : store_(clock) {}
  Store& store() override { return store_; }
  bool Reopen() override { return false; }

 private:
  MemoryStore store_;
};

// The twin that could fail and does not.
class FaultStoreUnderTest final : public StoreUnderTest {
 public:
  explicit FaultStoreUnderTest(const Clock& clock) : wrapped_(clock) {}
  Store& store() override { return store_; }
  bool Reopen() override { return false; }

 private:
  MemoryStore wrapped_;
  FaultStore store_{&wrapped_};
};

std::unique_ptr<StoreUnderTest> MakeMemory(const Clock& clock) {
  return std::make_unique<MemoryStoreUnderTest>(clock);
}

std::unique_ptr<StoreUnderTest> MakeFault(const Clock& clock) {
  return std::make_unique<FaultStoreUnderTest>(clock);
}

}  // namespace

std::vector<StoreFactory> StoreFactories() {
  return {{"Memory", MakeMemory}, {"FaultWithoutFaults", MakeFault}};
}

}  // namespace fleetmedic
