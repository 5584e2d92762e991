// What a bench measured, beside what it must reach.
#ifndef FLEETMEDIC_BENCH_FIGURES_H_
#define FLEETMEDIC_BENCH_FIGURES_H_

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "base/time.h"

namespace fleetmedic {

struct Figure {
  std::string name;
  std::string unit = "ms";
  double value = 0;
  double spread = 0;  // largest less smallest of the batches' values
  std::optional<double> must = {};
  std::optional<double> goal = {};
  bool more_is_better = false;

  bool falls_short() const { return must && (more_is_better ? value < *must : value > *must); }
};

double MsOf(Micros span);

// Nearest rank. Requires samples.
double Percentile(std::vector<double> samples, double share);

// The percentile of all samples, and how far those of five batches are apart.
Figure FigureOf(std::string name, const std::vector<double>& samples, double share);

Json ToJson(const std::vector<Figure>& figures);
std::string FigureTable(const std::vector<Figure>& figures);

// Measures and prints. A bench's exit code: 1 where a figure falls short, 2 where `measure` failed.
int RunBench(std::string_view name, bool json,
             const std::function<Result<std::vector<Figure>>()>& measure);

// A flag's value; false where it is no number from `min` to `max`.
bool ReadNumber(const std::string& text, int min, int max, int* number);

}  // namespace fleetmedic

#endif  // FLEETMEDIC_BENCH_FIGURES_H_
