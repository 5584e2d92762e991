// Numbers about ourselves for Prometheus. A name says what is counted and its unit, the unit last:
// fleetmedic_turn_duration_seconds, fleetmedic_lines_read_total.
#ifndef FLEETMEDIC_BASE_METRICS_H_
#define FLEETMEDIC_BASE_METRICS_H_

#include <cstddef>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace prometheus {
class Counter;
class Gauge;
class Histogram;
}  // namespace prometheus

namespace fleetmedic {

using MetricLabels = std::map<std::string, std::string>;

// Handles are copied like pointers and stay valid as long as the Metrics they come from. One made
// by its default constructor counts nothing: for pieces that are tested without metrics.
// Thread-safe, without a lock (a histogram takes a short one).
class MetricCounter {
 public:
  MetricCounter() = default;
  // Requires amount >= 0.
  void Add(double amount = 1) const;
  double value() const;

 private:
  friend class Metrics;
  explicit MetricCounter(prometheus::Counter* metric) : metric_(metric) {}
  prometheus::Counter* metric_ = nullptr;
};

class MetricGauge {
 public:
  MetricGauge() = default;
  void Set(double value) const;
  void Add(double amount) const;
  double value() const;

 private:
  friend class Metrics;
  explicit MetricGauge(prometheus::Gauge* metric) : metric_(metric) {}
  prometheus::Gauge* metric_ = nullptr;
};

class MetricHistogram {
 public:
  MetricHistogram() = default;
  void Observe(double value) const;

 private:
  friend class Metrics;
  explicit MetricHistogram(prometheus::Histogram* metric) : metric_(metric) {}
  prometheus::Histogram* metric_ = nullptr;
};

// Bounds for durations in seconds, from 100 microseconds to a minute.
std::vector<double> DurationBuckets();

// Thread-safe. Asking again for the same name and labels gives the same series; asking for a name
// with another kind, other label names or other buckets is a bug and ends the process, as is a
// name outside the conventions (prefix fleetmedic_, lower case, counters and only they end in
// _total).
class Metrics {
 public:
  // Past this many series of one name, further label values are counted in one series whose label
  // values are all "other", and in fleetmedic_metric_series_refused_total.
  static constexpr size_t kSeriesPerNameMax = 2000;

  Metrics();
  Metrics(const Metrics&) = delete;
  Metrics& operator=(const Metrics&) = delete;
  ~Metrics();

  MetricCounter Counter(std::string_view name, std::string_view help,
                        const MetricLabels& labels = {});
  MetricGauge Gauge(std::string_view name, std::string_view help, const MetricLabels& labels = {});
  // `buckets` are upper bounds, ascending; the one for +Inf is added.
  MetricHistogram Histogram(std::string_view name, std::string_view help,
                            const std::vector<double>& buckets, const MetricLabels& labels = {});

  // All series in the Prometheus text format 0.0.4 (kMetricsContentType), names in order.
  std::string Text() const;

 private:
  struct Registry;
  std::unique_ptr<Registry> registry_;
};

inline constexpr std::string_view kMetricsContentType = "text/plain; version=0.0.4; charset=utf-8";

}  // namespace fleetmedic

#endif  // FLEETMEDIC_BASE_METRICS_H_
