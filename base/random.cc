#include "base/random.h"

#include <sys/random.h>

#include <fmt/format.h>

#include "base/result.h"

namespace fleetmedic {

uint64_t Random::Next() {
  state_ += 0x9e3779b97f4a7c15ULL;
  uint64_t z = state_;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
  return z ^ (z >> 31);
}

uint64_t Random::Below(uint64_t bound) {
  FLEETMEDIC_CHECK(bound > 0);
  // Rejection: the low part of the range that would make some remainders likelier is drawn again.
  const uint64_t unfair = (0 - bound) % bound;
  uint64_t value = Next();
  while (value < unfair) value = Next();
  return value % bound;
}

double Random::Unit() { return static_cast<double>(Next() >> 11) * 0x1.0p-53; }

uint64_t EntropySeed() {
  uint64_t seed = 0;
  FLEETMEDIC_CHECK(getrandom(&seed, sizeof seed, 0) == static_cast<ssize_t>(sizeof seed));
  return seed;
}

std::string EntropyHex(size_t bytes) {
  std::string text;
  for (size_t i = 0; i < bytes; i += 8) text += fmt::format("{:016x}", EntropySeed());
  text.resize(bytes * 2);
  return text;
}

}  // namespace fleetmedic
