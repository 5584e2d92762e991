// What of a scenario's expectations a run did not show.
#include <algorithm>

#include <fmt/format.h>

#include "simulation/scenario_run.h"

namespace fleetmedic::sim {
namespace {

class Judge {
 public:
  void AtMost(std::string_view key, double max, double seen) {
    if (max >= 0 && seen > max) Miss(key, max, seen);
  }
  void AtLeast(std::string_view key, double min, double seen) {
    if (min >= 0 && seen < min) Miss(key, min, seen);
  }
  // Nothing seen is too late.
  void Within(std::string_view key, const std::optional<Millis>& max,
              const std::optional<Micros>& seen) {
    if (!max || (seen && *seen <= *max)) return;
    missed.push_back(fmt::format(
        "{} = \"{}\", and it was {}", key, FormatDuration(*max),
        seen ? FormatDuration(std::chrono::ceil<Millis>(*seen)) : std::string("never")));
  }
  std::vector<std::string> missed;

 private:
  void Miss(std::string_view key, double asked, double seen) {
    missed.push_back(fmt::format("{} = {:g}, and it was {:g}", key, asked, seen));
  }
};

double Share(int64_t part, int64_t whole, double of_none) {
  return whole == 0 ? of_none : static_cast<double>(part) / static_cast<double>(whole);
}

}  // namespace

std::vector<std::string> Missed(const Expectation& expect, const World& world) {
  const Figures& figures = world.figures();
  const FigureCounts& counts = figures.counts();
  const auto number = [](int64_t value) { return static_cast<double>(value); };
  Judge judge;
  judge.AtMost("acts_max", expect.acts_max, number(counts.acts()));
  judge.AtLeast("acts_min", expect.acts_min, number(counts.acts()));
  judge.AtMost("hosts_acted_on_max", expect.hosts_acted_on_max,
               static_cast<double>(figures.acted_on().size()));
  judge.AtMost("out_max", expect.out_max, figures.out_max());
  if (expect.out_share_max >= 0) {
    const double hosts = world.options().fleet.hosts;
    const double max = std::max(1.0, expect.out_share_max * hosts);
    judge.AtMost("out_share_max", expect.out_share_max,
                 figures.out_max() <= max ? 0 : figures.out_max() / hosts);
  }
  judge.AtMost("drains_max", expect.drains_max, number(counts.drains));
  judge.AtMost("drains_while_braked_max", expect.drains_while_braked_max,
               number(counts.drains_while_braked));
  judge.AtMost("wrong_acts_max", expect.wrong_acts_max, number(counts.wrong_acts));
  judge.AtMost("wrong_acts_per_1000_max", expect.wrong_acts_per_1000_max,
               1000 * Share(counts.wrong_acts, counts.acts(), 0));
  judge.AtMost("pages_max", expect.pages_max, number(counts.pages));
  judge.AtLeast("pages_min", expect.pages_min, number(counts.pages));
  judge.AtMost("brake_trips_max", expect.brake_trips_max, number(counts.brake_trips));
  judge.Within("brake_within", expect.brake_within, figures.brake_after());
  judge.AtLeast("healed_share_min", expect.healed_share_min,
                Share(counts.healed, counts.episodes, 1));
  judge.AtLeast("episodes_min", expect.episodes_min, number(counts.episodes));
  if (!figures.to_taint().empty()) {
    judge.Within("taint_p99_max", expect.taint_p99_max, Percentile(figures.to_taint(), 0.99));
  }
  judge.Within("true_again_within", expect.true_again_within, world.true_again_after());
  judge.AtMost("host_taints_per_hour_max", expect.host_taints_per_hour_max,
               figures.host_taints_per_hour_max());
  judge.AtMost("host_drains_max", expect.host_drains_max, figures.host_drains_max());
  judge.AtMost("retired_max", expect.retired_max, number(counts.retired));
  judge.AtLeast("retired_min", expect.retired_min, number(counts.retired));
  judge.AtMost("tasks_killed_max", expect.tasks_killed_max, number(counts.tasks_killed));
  if (!expect.blocked_by.empty() &&
      std::ranges::none_of(figures.blocked_by(), [&](const std::string& text) {
        return text.find(expect.blocked_by) != std::string::npos;
      })) {
    judge.missed.push_back("blocked_by = \"" + expect.blocked_by + "\", and nothing named it");
  }
  std::string why;
  if (expect.all_well && !world.AllWell(true, &why)) judge.missed.push_back("all_well: " + why);
  return std::move(judge.missed);
}

}  // namespace fleetmedic::sim
