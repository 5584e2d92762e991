#include "simulation/event_loop.h"

#include <algorithm>

#include <fmt/format.h>

namespace fleetmedic::sim {

void EventLoop::After(Micros delay, std::function<void()> run) {
  events_.push_back({clock_.Mono() + delay, next_order_++, std::move(run)});
  std::ranges::push_heap(events_, std::less<>());
}

void EventLoop::Every(Micros period, Micros jitter, std::function<void()> run) {
  const Micros delay = period + Between(Micros(0), jitter);
  After(delay, [this, period, jitter, run = std::move(run)]() mutable {
    run();
    Every(period, jitter, std::move(run));
  });
}

Micros EventLoop::Between(Micros low, Micros high) {
  const uint64_t span = static_cast<uint64_t>((high - low).count());
  return low + Micros(static_cast<int64_t>(random_.Below(span + 1)));
}

void EventLoop::RunUntil(MonoTime until) {
  while (!events_.empty() && events_.front().at <= until) {
    std::ranges::pop_heap(events_, std::less<>());
    const Event event = std::move(events_.back());
    events_.pop_back();
    if (event.at > clock_.Mono()) clock_.Advance(event.at - clock_.Mono());
    ++events_run_;
    event.run();
  }
  if (until > clock_.Mono()) clock_.Advance(until - clock_.Mono());
}

void EventLoop::Trace(std::string_view what) {
  std::string line = fmt::format("{} {}", FormatWall(clock_.Wall()), what);
  for (const char c : line) {
    trace_hash_ = (trace_hash_ ^ static_cast<unsigned char>(c)) * 1099511628211ULL;
  }
  if (tail_.size() == kTraceTailMax) tail_.pop_front();
  tail_.push_back(std::move(line));
}

std::string EventLoop::TraceTail() const {
  std::string text;
  for (const std::string& line : tail_) text += line + "\n";
  return text;
}

Status SimWorkers::Submit(std::string_view, std::function<void()> work) {
  // Mostly quick; now and then as slow as a scheduler that is busy.
  const Micros delay = loop_->random().Chance(slow_chance_) ? loop_->Between(Seconds(1), slow_max_)
                                                            : loop_->Between(Millis(1), Millis(60));
  loop_->After(delay, [life = std::weak_ptr<const bool>(life_), work = std::move(work)] {
    if (!life.expired()) work();
  });
  return {};
}

}  // namespace fleetmedic::sim
