// The one place where the tree learns what time it is. Decisions take `now` as an argument and
// never a Clock; roles hold a Clock and pass its reading down.
#ifndef FLEETMEDIC_BASE_CLOCK_H_
#define FLEETMEDIC_BASE_CLOCK_H_

#include "base/time.h"

namespace fleetmedic {

// Thread-safe in every implementation.
class Clock {
 public:
  virtual ~Clock() = default;
  virtual MonoTime Mono() const = 0;
  virtual WallTime Wall() const = 0;
};

// CLOCK_BOOTTIME and CLOCK_REALTIME of the machine.
class SystemClock final : public Clock {
 public:
  MonoTime Mono() const override;
  WallTime Wall() const override;
};

// Stands still until it is moved. Not synchronised: for tests and the simulator, on one thread.
class SimulatedClock final : public Clock {
 public:
  // Starts at 2026-01-01T00:00:00Z, and at one hour of monotonic time so that subtracting a
  // window from "now" never passes below zero.
  SimulatedClock();

  MonoTime Mono() const override { return mono_; }
  WallTime Wall() const override { return wall_; }

  // Both clocks forward. Requires step >= 0.
  void Advance(Micros step);
  // The wall clock alone, either way: what an operator or a bad NTP server does.
  void JumpWall(Micros step) { wall_ += step; }

 private:
  MonoTime mono_;
  WallTime wall_;
};

}  // namespace fleetmedic

#endif  // FLEETMEDIC_BASE_CLOCK_H_
