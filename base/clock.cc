#include "base/clock.h"

#include <ctime>

namespace fleetmedic {
namespace {

Micros ReadClock(clockid_t id) {
  timespec ts{};
  FLEETMEDIC_CHECK(clock_gettime(id, &ts) == 0);
  return std::chrono::duration_cast<Micros>(Seconds(ts.tv_sec) +
                                            std::chrono::nanoseconds(ts.tv_nsec));
}

constexpr Seconds kSimulatedWallStart{1'767'225'600};  // 2026-01-01T00:00:00Z
constexpr Hours kSimulatedMonoStart{1};

}  // namespace

MonoTime SystemClock::Mono() const { return MonoTime(ReadClock(CLOCK_BOOTTIME)); }
WallTime SystemClock::Wall() const { return WallTime(ReadClock(CLOCK_REALTIME)); }

SimulatedClock::SimulatedClock() : mono_(kSimulatedMonoStart), wall_(kSimulatedWallStart) {}

void SimulatedClock::Advance(Micros step) {
  FLEETMEDIC_CHECK(step >= Micros(0));
  mono_ += step;
  wall_ += step;
}

}  // namespace fleetmedic
