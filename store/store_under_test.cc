#include "store/store_under_test.h"

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

std::unique_ptr<StoreUnderTest> MakeMemory(const Clock& clock) {
  return std::make_unique<MemoryStoreUnderTest>(clock);
}

}  // namespace

std::vector<StoreFactory> StoreFactories() { return {{"Memory", MakeMemory}}; }

}  // namespace fleetmedic
