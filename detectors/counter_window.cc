#include "detectors/counter_window.h"

namespace fleetmedic {

void CounterWindow::Add(std::string_view name, uint64_t value, MonoTime now) {
  auto counter = counters_.find(name);
  if (counter == counters_.end()) {
    if (counters_.size() >= kCountersMax) return;
    counter = counters_.emplace(std::string(name), std::deque<Look>()).first;
  }
  std::deque<Look>& looks = counter->second;
  if (!looks.empty() && value < looks.back().value) looks.clear();
  // One look from before the window stays: growth is over the whole of it.
  while (looks.size() > 1 && looks[1].at <= now - window_) looks.pop_front();
  if (looks.size() >= kLooksMax) looks.pop_front();
  looks.push_back({now, value});
}

uint64_t CounterWindow::Growth(std::string_view name) const {
  const auto counter = counters_.find(name);
  if (counter == counters_.end()) return 0;
  return counter->second.back().value - counter->second.front().value;
}

Micros CounterWindow::Span(std::string_view name) const {
  const auto counter = counters_.find(name);
  if (counter == counters_.end()) return Micros(0);
  return std::chrono::duration_cast<Micros>(counter->second.back().at - counter->second.front().at);
}

double CounterWindow::PerSecond(std::string_view name) const {
  const Micros span = Span(name);
  if (span <= Micros(0)) return 0;
  return static_cast<double>(Growth(name)) * 1e6 / static_cast<double>(span.count());
}

void CounterWindow::ForgetOlderThan(MonoTime before) {
  std::erase_if(counters_,
                [before](const auto& counter) { return counter.second.back().at < before; });
}

}  // namespace fleetmedic
