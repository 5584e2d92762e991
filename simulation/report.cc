#include "simulation/report.h"

#include <algorithm>

#include <fmt/format.h>

namespace fleetmedic::sim {
namespace {

void AddCounts(const FigureCounts& more, FigureCounts* sum) {
  sum->taints += more.taints;
  sum->drains += more.drains;
  sum->give_backs += more.give_backs;
  for (size_t i = 0; i < kRungCount; ++i) sum->repairs[i] += more.repairs[i];
  sum->wrong_acts += more.wrong_acts;
  sum->grants += more.grants;
  sum->refusals += more.refusals;
  sum->pages += more.pages;
  sum->brake_trips += more.brake_trips;
  sum->episodes += more.episodes;
  sum->healed += more.healed;
  sum->retired += more.retired;
  sum->drains_while_braked += more.drains_while_braked;
  sum->tasks_killed += more.tasks_killed;
}

void Append(const std::vector<Micros>& more, std::vector<Micros>* all) {
  all->insert(all->end(), more.begin(), more.end());
}

std::string Spent(const std::vector<Micros>& values, double share) {
  const std::optional<Micros> at = Percentile(values, share);
  if (!at) return "-";
  // To a tenth of a second: nobody needs more of a quarter of an hour.
  const Millis rounded((at->count() + 50'000) / 100'000 * 100);
  return FormatDuration(rounded);
}

Json MillisOrNull(const std::vector<Micros>& values, double share) {
  const std::optional<Micros> at = Percentile(values, share);
  return at ? Json(std::chrono::duration_cast<Millis>(*at).count()) : Json();
}

double WrongPer1000(const FigureCounts& counts) {
  if (counts.acts() == 0) return 0;
  return 1000.0 * static_cast<double>(counts.wrong_acts) / static_cast<double>(counts.acts());
}

}  // namespace

void Report::Add(RunResult run) {
  if (runs_ == 0) first_seed_ = run.seed;
  last_seed_ = run.seed;
  ++runs_;
  hosts_ = run.hosts;
  host_hours_ += run.hosts * static_cast<double>(run.simulated.count()) / 3.6e9;
  events_ += run.events;
  AddCounts(run.counts, &counts_);
  out_max_ = std::max(out_max_, run.out_max);
  acted_on_max_ = std::max(acted_on_max_, run.acted_on.size());
  pages_max_ = std::max(pages_max_, run.counts.pages);
  if (run.brake_after) brake_after_.push_back(*run.brake_after);
  Append(run.to_taint, &to_taint_);
  Append(run.to_give_back, &to_give_back_);
  if (run.ok()) return;
  ++failed_;
  broken_ += run.broken.empty() ? 0 : 1;
  if (failures_.size() < kFailedRunsMax) failures_.push_back(std::move(run));
}

std::vector<std::pair<std::string, std::string>> Report::Row() const {
  const auto healed = counts_.episodes == 0
                          ? std::string("-")
                          : fmt::format("{:.1f} %", 100.0 * static_cast<double>(counts_.healed) /
                                                        static_cast<double>(counts_.episodes));
  int64_t repairs = 0;
  for (const int64_t count : counts_.repairs) repairs += count;
  return {{"SCENARIO", name_},
          {"HOSTS", fmt::format("{}", hosts_)},
          {"SEEDS", fmt::format("{}-{}", first_seed_, last_seed_)},
          {"FAILED", fmt::format("{}", failed_)},
          {"OVER", fmt::format("{}", broken_)},
          {"TAINTS", fmt::format("{}", counts_.taints)},
          {"DRAINS", fmt::format("{}", counts_.drains)},
          {"REPAIRS", fmt::format("{}", repairs)},
          {"WRONG/1000", fmt::format("{:.1f}", WrongPer1000(counts_))},
          {"HEALED", healed},
          {"TAINT P50", Spent(to_taint_, 0.5)},
          {"P99", Spent(to_taint_, 0.99)},
          {"BACK P50", Spent(to_give_back_, 0.5)},
          {"PAGES", fmt::format("{}", counts_.pages)},
          {"BRAKE", fmt::format("{}", counts_.brake_trips)}};
}

Json Report::ToJson() const {
  Json repairs(Json::Object{});
  for (size_t i = 0; i < kRungCount; ++i) {
    if (counts_.repairs[i] > 0) repairs.Set(RungName(static_cast<Rung>(i)), counts_.repairs[i]);
  }
  Json figures;
  figures.Set("runs_with_a_broken_invariant", broken_);
  figures.Set("acts", counts_.acts());
  figures.Set("taints", counts_.taints);
  figures.Set("drains", counts_.drains);
  figures.Set("repairs", std::move(repairs));
  figures.Set("give_backs", counts_.give_backs);
  figures.Set("wrong_acts", counts_.wrong_acts);
  figures.Set("wrong_acts_per_1000", WrongPer1000(counts_));
  figures.Set("grants", counts_.grants);
  figures.Set("refusals", counts_.refusals);
  figures.Set("episodes", counts_.episodes);
  figures.Set("episodes_healed_without_a_person", counts_.healed);
  figures.Set("retired", counts_.retired);
  figures.Set("pages", counts_.pages);
  figures.Set("pages_in_one_run_max", pages_max_);
  figures.Set("brake_trips", counts_.brake_trips);
  figures.Set("brake_after_p99_ms", MillisOrNull(brake_after_, 0.99));
  figures.Set("drains_while_braked", counts_.drains_while_braked);
  figures.Set("hosts_out_at_once_max", out_max_);
  figures.Set("hosts_acted_on_in_one_run_max", static_cast<int64_t>(acted_on_max_));
  figures.Set("fault_to_taint_p50_ms", MillisOrNull(to_taint_, 0.5));
  figures.Set("fault_to_taint_p99_ms", MillisOrNull(to_taint_, 0.99));
  figures.Set("taint_to_give_back_p50_ms", MillisOrNull(to_give_back_, 0.5));
  figures.Set("taint_to_give_back_p99_ms", MillisOrNull(to_give_back_, 0.99));
  figures.Set("tasks_killed", counts_.tasks_killed);
  Json failed(Json::Array{});
  for (const RunResult& run : failures_) {
    Json item;
    item.Set("seed", run.seed);
    item.Set("broken", run.broken);
    Json missed(Json::Array{});
    for (const std::string& text : run.missed) missed.Append(text);
    item.Set("missed", std::move(missed));
    failed.Append(std::move(item));
  }
  Json json;
  json.Set("scenario", name_);
  json.Set("file", file_);
  json.Set("title", title_);
  json.Set("hosts", hosts_);
  json.Set("first_seed", first_seed_);
  json.Set("last_seed", last_seed_);
  json.Set("runs", runs_);
  json.Set("runs_failed", failed_);
  json.Set("host_hours", host_hours_);
  json.Set("events", events_);
  json.Set("figures", std::move(figures));
  json.Set("failed", std::move(failed));
  return json;
}

std::string Report::FailureText(const std::string& command) const {
  std::string text;
  for (const RunResult& run : failures_) {
    text += fmt::format("\n{}, seed {}:\n", name_, run.seed);
    if (!run.broken.empty()) text += "  an invariant broke: " + run.broken + "\n";
    for (const std::string& missed : run.missed) text += "  expected " + missed + "\n";
    text += fmt::format("  replay: {} --seeds {}\n", command, run.seed);
    // Of one of them: all end alike, mostly.
    if (&run == &failures_.front()) text += "  the last of its trace:\n" + run.trace_tail;
  }
  if (static_cast<size_t>(failed_) > failures_.size()) {
    text += fmt::format("\n... and {} more runs that failed\n",
                        static_cast<size_t>(failed_) - failures_.size());
  }
  return text;
}

}  // namespace fleetmedic::sim
