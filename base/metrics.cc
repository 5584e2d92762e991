#include "base/metrics.h"

#include <algorithm>
#include <functional>
#include <set>

#include <prometheus/counter.h>
#include <prometheus/family.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "base/result.h"

namespace fleetmedic {
namespace {

constexpr std::string_view kPrefix = "fleetmedic_";
constexpr std::string_view kCounterSuffix = "_total";

bool IsWord(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
  });
}

void CheckName(std::string_view name, bool counter) {
  FLEETMEDIC_CHECK(IsWord(name) && name.starts_with(kPrefix) && name.size() > kPrefix.size());
  FLEETMEDIC_CHECK(name.ends_with(kCounterSuffix) == counter);
}

std::vector<std::string> LabelNames(const MetricLabels& labels) {
  std::vector<std::string> names;
  for (const auto& [name, value] : labels) {
    FLEETMEDIC_CHECK(IsWord(name) && name != "le" && !name.starts_with("__"));
    names.push_back(name);
  }
  return names;
}

// All series of one name.
template <typename Metric>
struct Family {
  prometheus::Family<Metric>* family = nullptr;
  std::vector<std::string> label_names;
  std::vector<double> buckets;
  std::set<MetricLabels> series;
};

template <typename Metric>
using Families = std::map<std::string, Family<Metric>, std::less<>>;

}  // namespace

struct Metrics::Registry {
  template <typename Metric, typename Builder, typename... Buckets>
  Metric* Series(Families<Metric>* families, Builder builder, std::string_view name,
                 std::string_view help, MetricLabels labels, const Buckets&... buckets)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex) {
    const std::vector<std::string> label_names = LabelNames(labels);
    auto found = families->find(name);
    if (found == families->end()) {
      FLEETMEDIC_CHECK(names.insert(std::string(name)).second);  // not of another kind
      Family<Metric> fresh;
      fresh.family = &builder().Name(std::string(name)).Help(std::string(help)).Register(registry);
      fresh.label_names = label_names;
      found = families->emplace(std::string(name), std::move(fresh)).first;
      ((found->second.buckets = buckets), ...);
    }
    Family<Metric>& family = found->second;
    FLEETMEDIC_CHECK(family.label_names == label_names);
    FLEETMEDIC_CHECK(((family.buckets == buckets) && ...));
    if (!family.series.contains(labels)) {
      if (family.series.size() >= kSeriesPerNameMax) {
        for (auto& [label, value] : labels) value = "other";
        refused->Increment();
      }
      family.series.insert(labels);
    }
    return &family.family->Add(labels, buckets...);
  }

  mutable absl::Mutex mutex;
  prometheus::Registry registry;  // has a lock of its own
  prometheus::Counter* refused = nullptr;
  std::set<std::string> names ABSL_GUARDED_BY(mutex);
  Families<prometheus::Counter> counters ABSL_GUARDED_BY(mutex);
  Families<prometheus::Gauge> gauges ABSL_GUARDED_BY(mutex);
  Families<prometheus::Histogram> histograms ABSL_GUARDED_BY(mutex);
};

void MetricCounter::Add(double amount) const {
  FLEETMEDIC_CHECK(amount >= 0);
  if (metric_ != nullptr) metric_->Increment(amount);
}
double MetricCounter::value() const { return metric_ == nullptr ? 0 : metric_->Value(); }

void MetricGauge::Set(double value) const {
  if (metric_ != nullptr) metric_->Set(value);
}
void MetricGauge::Add(double amount) const {
  if (metric_ != nullptr) metric_->Increment(amount);
}
double MetricGauge::value() const { return metric_ == nullptr ? 0 : metric_->Value(); }

void MetricHistogram::Observe(double value) const {
  if (metric_ != nullptr) metric_->Observe(value);
}

std::vector<double> DurationBuckets() {
  return {0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05,
          0.1,    0.25,    0.5,    1,     2.5,    5,     10,   30,    60};
}

Metrics::Metrics() : registry_(std::make_unique<Registry>()) {
  const MetricCounter refused =
      Counter("fleetmedic_metric_series_refused_total",
              "Series that were counted as \"other\": their metric has too many label values.");
  registry_->refused = refused.metric_;
}
Metrics::~Metrics() = default;

MetricCounter Metrics::Counter(std::string_view name, std::string_view help,
                               const MetricLabels& labels) {
  CheckName(name, true);
  absl::MutexLock lock(&registry_->mutex);
  return MetricCounter(
      registry_->Series(&registry_->counters, prometheus::BuildCounter, name, help, labels));
}

MetricGauge Metrics::Gauge(std::string_view name, std::string_view help,
                           const MetricLabels& labels) {
  CheckName(name, false);
  absl::MutexLock lock(&registry_->mutex);
  return MetricGauge(
      registry_->Series(&registry_->gauges, prometheus::BuildGauge, name, help, labels));
}

MetricHistogram Metrics::Histogram(std::string_view name, std::string_view help,
                                   const std::vector<double>& buckets, const MetricLabels& labels) {
  CheckName(name, false);
  FLEETMEDIC_CHECK(std::is_sorted(buckets.begin(), buckets.end()));
  absl::MutexLock lock(&registry_->mutex);
  return MetricHistogram(registry_->Series(&registry_->histograms, prometheus::BuildHistogram, name,
                                           help, labels, buckets));
}

std::string Metrics::Text() const {
  std::vector<prometheus::MetricFamily> families = registry_->registry.Collect();
  std::sort(families.begin(), families.end(),
            [](const auto& a, const auto& b) { return a.name < b.name; });
  return prometheus::TextSerializer().Serialize(families);
}

}  // namespace fleetmedic
