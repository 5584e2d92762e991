// Randomness that a seed repeats. Roles get one from their environment; nothing else in the tree
// draws a random number.
#ifndef FLEETMEDIC_BASE_RANDOM_H_
#define FLEETMEDIC_BASE_RANDOM_H_

#include <cstdint>
#include <string>

namespace fleetmedic {

// SplitMix64 (Steele, Lea, Flood 2014): the same sequence on every platform for one seed. Not
// synchronised, not for secrets.
class Random {
 public:
  explicit Random(uint64_t seed) : state_(seed) {}

  uint64_t Next();
  // Uniform in [0, bound). Requires bound > 0.
  uint64_t Below(uint64_t bound);
  // Uniform in [0, 1).
  double Unit();
  // True with this probability.
  bool Chance(double probability) { return Unit() < probability; }
  // An independent generator: what one part draws does not shift what another part draws.
  Random Fork() { return Random(Next()); }

 private:
  uint64_t state_;
};

// 64 bits from the kernel (getrandom).
uint64_t EntropySeed();
// `bytes` from the kernel as lower-case hexadecimal: for tokens and identifiers.
std::string EntropyHex(size_t bytes);

}  // namespace fleetmedic

#endif  // FLEETMEDIC_BASE_RANDOM_H_
