// bench_remediator [-o json] [--rounds N] [--events N] [--hosts N] [--only acts|intake|state]
//
// What the remediator costs and how fast it is, on the embedded log and stores: from a health event
// to a directive that the scheduler acknowledged, a thousand hosts that go bad at once, health
// events taken in within a second, and the memory and the start with the state of many hosts.
//
// Exit code 1 when a figure misses what it must reach, 2 when the run itself failed.
#include <cstdio>
#include <vector>

#include "bench/remediator_parts.h"

namespace fleetmedic {
namespace {

struct Flags {
  bool json = false;
  int rounds = 3;
  int events = 200'000;
  int hosts = 100'000;
  std::string only;
};

bool Read(const std::vector<std::string>& args, Flags* flags) {
  for (size_t i = 0; i < args.size(); i += 2) {
    if (i + 1 == args.size()) return false;
    const std::string& name = args[i];
    const std::string& value = args[i + 1];
    bool good = false;
    if (name == "-o") {
      good = flags->json = value == "json";
    } else if (name == "--only") {
      good = value == "acts" || value == "intake" || value == "state";
      flags->only = value;
    } else if (name == "--rounds") {
      good = ReadNumber(value, 1, 100, &flags->rounds);
    } else if (name == "--events") {
      good = ReadNumber(value, 5000, 10'000'000, &flags->events);
    } else if (name == "--hosts") {
      good = ReadNumber(value, 1, 1'000'000, &flags->hosts);
    }
    if (!good) return false;
  }
  return true;
}

Result<std::vector<Figure>> Measure(const Flags& flags) {
  std::vector<Figure> all;
  const auto add = [&](std::string_view part, Result<std::vector<Figure>> (*measure)(int),
                       int size) -> Status {
    if (!flags.only.empty() && flags.only != part) return {};
    FLEETMEDIC_ASSIGN_OR_RETURN(const std::vector<Figure> figures, measure(size));
    all.insert(all.end(), figures.begin(), figures.end());
    return {};
  };
  FLEETMEDIC_RETURN_IF_ERROR(add("acts", MeasureActs, flags.rounds));
  FLEETMEDIC_RETURN_IF_ERROR(add("intake", MeasureIntake, flags.events));
  FLEETMEDIC_RETURN_IF_ERROR(add("state", MeasureState, flags.hosts));
  return all;
}

int Main(const std::vector<std::string>& args) {
  Flags flags;
  if (!Read(args, &flags)) {
    std::fputs(
        "usage: bench_remediator [-o json] [--rounds N] [--events N] [--hosts N]\n"
        "                        [--only acts|intake|state]\n",
        stderr);
    return 2;
  }
  return RunBench("bench_remediator", flags.json, [&] { return Measure(flags); });
}

}  // namespace
}  // namespace fleetmedic

int main(int argc, char** argv) {
  return fleetmedic::Main(std::vector<std::string>(argv + 1, argv + argc));
}
