#include "bench/figures.h"

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <utility>

#include <fmt/format.h>

#include "base/logging.h"

namespace fleetmedic {
namespace {

constexpr size_t kBatches = 5;

}  // namespace

double MsOf(Micros span) { return std::chrono::duration<double, std::milli>(span).count(); }

double Percentile(std::vector<double> samples, double share) {
  FLEETMEDIC_CHECK(!samples.empty());
  std::ranges::sort(samples);
  const auto rank = static_cast<size_t>(share * static_cast<double>(samples.size()) + 0.999999);
  return samples[std::clamp<size_t>(rank, 1, samples.size()) - 1];
}

Figure FigureOf(std::string name, const std::vector<double>& samples, double share) {
  Figure figure{.name = std::move(name), .value = Percentile(samples, share)};
  std::vector<double> batches;
  const size_t size = std::max<size_t>(1, samples.size() / kBatches);
  for (size_t at = 0; at + size <= samples.size(); at += size) {
    const auto first = samples.begin() + static_cast<std::ptrdiff_t>(at);
    batches.push_back(Percentile({first, first + static_cast<std::ptrdiff_t>(size)}, share));
  }
  figure.spread = std::ranges::max(batches) - std::ranges::min(batches);
  return figure;
}

Json ToJson(const std::vector<Figure>& figures) {
  Json list(Json::Array{});
  for (const Figure& figure : figures) {
    Json item;
    item.Set("name", figure.name);
    item.Set("value", figure.value);
    item.Set("unit", figure.unit);
    item.Set("spread", figure.spread);
    item.Set("must", figure.must ? Json(*figure.must) : Json());
    item.Set("goal", figure.goal ? Json(*figure.goal) : Json());
    item.Set("better", figure.more_is_better ? "more" : "less");
    list.Append(std::move(item));
  }
  return list;
}

std::string FigureTable(const std::vector<Figure>& figures) {
  const auto or_dash = [](const std::optional<double>& value) {
    return value ? fmt::format("{:g}", *value) : std::string("-");
  };
  std::string text = fmt::format("{:<32} {:>10} {:<8} {:>10} {:>6} {:>6}\n", "figure", "value",
                                 "unit", "spread", "must", "goal");
  for (const Figure& figure : figures) {
    text += fmt::format("{:<32} {:>10.3f} {:<8} {:>10.3f} {:>6} {:>6}{}\n", figure.name,
                        figure.value, figure.unit, figure.spread, or_dash(figure.must),
                        or_dash(figure.goal), figure.falls_short() ? "  FALLS SHORT" : "");
  }
  return text;
}

int RunBench(std::string_view name, bool json,
             const std::function<Result<std::vector<Figure>>()>& measure) {
  SetLogLevel(LogLevel::kError);
  const Result<std::vector<Figure>> figures = measure();
  if (!figures) {
    fmt::print(stderr, "{}: {}\n", name, figures.error().message);
    return 2;
  }
  fmt::print("{}", json ? ToJson(*figures).DumpPretty() + "\n" : FigureTable(*figures));
  return std::ranges::any_of(*figures, &Figure::falls_short) ? 1 : 0;
}

bool ReadNumber(const std::string& text, int min, int max, int* number) {
  const char* const last = text.data() + text.size();
  return std::from_chars(text.data(), last, *number).ptr == last && *number >= min &&
         *number <= max;
}

}  // namespace fleetmedic
