// The implementations that the contract suite runs over. For tests.
#ifndef FLEETMEDIC_STORE_STORE_UNDER_TEST_H_
#define FLEETMEDIC_STORE_STORE_UNDER_TEST_H_

#include <functional>
#include <memory>
#include <ostream>
#include <string>
#include <vector>

#include "base/clock.h"
#include "store/store.h"

namespace fleetmedic {

// One store, empty at first, with all that it needs; gone with this.
class StoreUnderTest {
 public:
  virtual ~StoreUnderTest() = default;
  virtual Store& store() = 0;
  // Ends the store and opens it again as a new process would. For durable ones alone.
  virtual void Reopen() { FLEETMEDIC_CHECK(false); }
};

struct StoreFactory {
  std::string name;  // letters and digits
  std::function<std::unique_ptr<StoreUnderTest>(const Clock&)> make;
};
inline void PrintTo(const StoreFactory& factory, std::ostream* out) { *out << factory.name; }

std::vector<StoreFactory> StoreFactories();
// Those of them that survive their process.
std::vector<StoreFactory> DurableStoreFactories();

}  // namespace fleetmedic

#endif  // FLEETMEDIC_STORE_STORE_UNDER_TEST_H_
