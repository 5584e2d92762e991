// The metrics that a text names: a source, a dashboard, an answer of /metrics.
#ifndef FLEETMEDIC_TESTS_METRIC_NAMES_H_
#define FLEETMEDIC_TESTS_METRIC_NAMES_H_

#include <regex>
#include <set>
#include <string>

namespace fleetmedic {

inline std::set<std::string> MetricsIn(const std::string& text) {
  static const std::regex kName("fleetmedic_[a-z0-9_]+");
  std::set<std::string> names;
  for (std::sregex_iterator it(text.begin(), text.end(), kName), end; it != end; ++it) {
    names.insert(it->str());
  }
  return names;
}

}  // namespace fleetmedic

#endif  // FLEETMEDIC_TESTS_METRIC_NAMES_H_
