#include "base/metrics.h"

#include <gtest/gtest.h>

namespace fleetmedic {
namespace {

TEST(Metrics, WritesThePrometheusTextFormat) {
  Metrics metrics;
  metrics.Counter("fleetmedic_lines_read_total", "Lines.", {{"source", "a\"b"}}).Add(3);
  metrics.Gauge("fleetmedic_queue_items", "Items.").Set(-2.5);
  const MetricHistogram histogram =
      metrics.Histogram("fleetmedic_turn_duration_seconds", "Turns.", {0.1, 1});
  histogram.Observe(0.05);
  histogram.Observe(7);
  EXPECT_EQ(metrics.Text(),
            "# HELP fleetmedic_lines_read_total Lines.\n"
            "# TYPE fleetmedic_lines_read_total counter\n"
            "fleetmedic_lines_read_total{source=\"a\\\"b\"} 3\n"
            "# HELP fleetmedic_metric_series_refused_total Series that were counted as \"other\": "
            "their metric has too many label values.\n"
            "# TYPE fleetmedic_metric_series_refused_total counter\n"
            "fleetmedic_metric_series_refused_total 0\n"
            "# HELP fleetmedic_queue_items Items.\n"
            "# TYPE fleetmedic_queue_items gauge\n"
            "fleetmedic_queue_items -2.5\n"
            "# HELP fleetmedic_turn_duration_seconds Turns.\n"
            "# TYPE fleetmedic_turn_duration_seconds histogram\n"
            "fleetmedic_turn_duration_seconds_count 2\n"
            "fleetmedic_turn_duration_seconds_sum 7.05\n"
            "fleetmedic_turn_duration_seconds_bucket{le=\"0.1\"} 1\n"
            "fleetmedic_turn_duration_seconds_bucket{le=\"1\"} 1\n"
            "fleetmedic_turn_duration_seconds_bucket{le=\"+Inf\"} 2\n");
}

TEST(Metrics, TheSameNameAndLabelsAreTheSameSeries) {
  Metrics metrics;
  const MetricCounter a = metrics.Counter("fleetmedic_x_total", "X.", {{"k", "1"}});
  const MetricCounter b = metrics.Counter("fleetmedic_x_total", "X.", {{"k", "1"}});
  const MetricCounter c = metrics.Counter("fleetmedic_x_total", "X.", {{"k", "2"}});
  a.Add();
  b.Add();
  EXPECT_EQ(a.value(), 2);
  EXPECT_EQ(c.value(), 0);
}

TEST(Metrics, SeriesPastTheLimitAreCountedAsOther) {
  Metrics metrics;
  for (size_t i = 0; i < Metrics::kSeriesPerNameMax + 5; ++i) {
    metrics.Counter("fleetmedic_x_total", "X.", {{"k", std::to_string(i)}}).Add();
  }
  EXPECT_EQ(metrics.Counter("fleetmedic_x_total", "X.", {{"k", "other"}}).value(), 5);
  EXPECT_NE(metrics.Text().find("fleetmedic_metric_series_refused_total 5\n"), std::string::npos);
}

TEST(Metrics, AHandleOfNothingCountsNothing) {
  MetricCounter().Add();
  MetricGauge().Set(1);
  MetricHistogram().Observe(1);
  EXPECT_EQ(MetricCounter().value(), 0);
}

TEST(MetricsDeathTest, NamesKeepTheConventions) {
  Metrics metrics;
  EXPECT_DEATH(metrics.Counter("lines_total", "X."), "check failed");
  EXPECT_DEATH(metrics.Counter("fleetmedic_lines", "X."), "check failed");
  EXPECT_DEATH(metrics.Gauge("fleetmedic_lines_total", "X."), "check failed");
  EXPECT_DEATH(metrics.Gauge("fleetmedic_Lines", "X."), "check failed");
  metrics.Gauge("fleetmedic_lines", "X.", {{"a", ""}});
  EXPECT_DEATH(metrics.Gauge("fleetmedic_lines", "X.", {{"b", ""}}), "check failed");
  EXPECT_DEATH(metrics.Histogram("fleetmedic_lines", "X.", {1}), "check failed");
}

}  // namespace
}  // namespace fleetmedic
