// libFuzzer's entry: fuzz CORPUS... --target=NAME. `./dev fuzz` builds it by clang and runs each
// target; without --target it prints their names.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

#include "tests/fuzz/targets.h"

namespace {

const fleetmedic::FuzzTarget* chosen = nullptr;

}  // namespace

extern "C" int LLVMFuzzerInitialize(int* argc, char*** argv) {
  constexpr std::string_view kOption = "--target=";
  for (int i = 1; i < *argc; ++i) {
    const std::string_view word = (*argv)[i];
    if (!word.starts_with(kOption)) continue;
    for (const fleetmedic::FuzzTarget& target : fleetmedic::FuzzTargets()) {
      if (target.name == word.substr(kOption.size())) chosen = &target;
    }
  }
  if (chosen != nullptr) return 0;
  for (const fleetmedic::FuzzTarget& target : fleetmedic::FuzzTargets()) {
    std::printf("%s\n", std::string(target.name).c_str());
  }
  std::fflush(stdout);
  std::_Exit(0);
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  chosen->run(std::string_view(reinterpret_cast<const char*>(data), size));
  return 0;
}
