// What reads bytes of strangers, as functions to be fuzzed. Each takes any bytes and returns; what
// must hold of its answer it checks itself and aborts where it does not.
#ifndef FLEETMEDIC_TESTS_FUZZ_TARGETS_H_
#define FLEETMEDIC_TESTS_FUZZ_TARGETS_H_

#include <span>
#include <string_view>

namespace fleetmedic {

struct FuzzTarget {
  // Its kept inputs are below tests/fuzz/corpus/NAME.
  std::string_view name;
  void (*run)(std::string_view bytes);
};

std::span<const FuzzTarget> FuzzTargets();

// The tables, by what they read.
std::span<const FuzzTarget> ConfigFuzzTargets();
std::span<const FuzzTarget> ModelFuzzTargets();
std::span<const FuzzTarget> HostFuzzTargets();
std::span<const FuzzTarget> DetectorFuzzTargets();
std::span<const FuzzTarget> StreamFuzzTargets();

}  // namespace fleetmedic

#endif  // FLEETMEDIC_TESTS_FUZZ_TARGETS_H_
