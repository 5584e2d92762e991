// The whole control plane on one thread, from one seed: simulated clock, log, store, hosts and
// people around the real remediator and the real scheduler core.
#ifndef FLEETMEDIC_SIMULATION_EVENT_LOOP_H_
#define FLEETMEDIC_SIMULATION_EVENT_LOOP_H_

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/random.h"
#include "base/workers.h"

namespace fleetmedic::sim {

// Events in the order of their time, and of their making where times are equal. Running one moves
// the clock to its time.
class EventLoop {
 public:
  explicit EventLoop(uint64_t seed) : random_(seed) {}

  SimulatedClock& clock() { return clock_; }
  Random& random() { return random_; }
  WallTime wall() const { return clock_.Wall(); }
  MonoTime mono() const { return clock_.Mono(); }

  void After(Micros delay, std::function<void()> run);
  // Again and again every `period`, each time up to `jitter` later, until the loop ends.
  void Every(Micros period, Micros jitter, std::function<void()> run);
  // Uniform in [low, high].
  Micros Between(Micros low, Micros high);

  // Every order is as likely.
  template <typename T>
  void Shuffle(std::vector<T>* items) {
    for (size_t left = items->size(); left > 1; --left) {
      const size_t other = random_.Below(left);
      // Not std::swap: a vector<bool> has no references.
      T item = std::move((*items)[left - 1]);
      (*items)[left - 1] = std::move((*items)[other]);
      (*items)[other] = std::move(item);
    }
  }

  void RunUntil(MonoTime until);

  // What happened, in order: the same seed gives the same hash.
  void Trace(std::string_view what);
  uint64_t trace_hash() const { return trace_hash_; }
  uint64_t events_run() const { return events_run_; }
  // The last lines of the trace, oldest first: what a failure prints.
  std::string TraceTail() const;

 private:
  struct Event {
    MonoTime at;
    uint64_t order;
    std::function<void()> run;
    // The heap's top is the greatest: of two events the earlier is it.
    bool operator<(const Event& other) const {
      return at != other.at ? at > other.at : order > other.order;
    }
  };
  static constexpr size_t kTraceTailMax = 60;

  SimulatedClock clock_;
  Random random_;
  std::vector<Event> events_;  // a heap
  uint64_t next_order_ = 0;
  uint64_t events_run_ = 0;
  uint64_t trace_hash_ = 14695981039346656037ULL;  // FNV-1a's offset basis
  std::deque<std::string> tail_;
};

// Work that ends some simulated time after it was submitted. What has not ended when these are
// destroyed is dropped unrun, as a killed process drops it.
class SimWorkers final : public Workers {
 public:
  explicit SimWorkers(EventLoop* loop) : loop_(loop) {}
  Status Submit(std::string_view name, std::function<void()> work) override;
  // So often, work waits between a second and this.
  void BeSlow(double chance, Micros max) {
    slow_chance_ = chance;
    slow_max_ = max;
  }

 private:
  EventLoop* const loop_;
  const std::shared_ptr<const bool> life_ = std::make_shared<const bool>(true);
  double slow_chance_ = 0.02;
  Micros slow_max_ = Seconds(20);
};

}  // namespace fleetmedic::sim

#endif  // FLEETMEDIC_SIMULATION_EVENT_LOOP_H_
