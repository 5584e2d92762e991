#include "detectors/mesos/mesos_json.h"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "base/http.h"
#include "base/json.h"

namespace fleetmedic {
namespace {

constexpr size_t kTextCharsMax = 256;
constexpr size_t kPathCharsMax = 4096;

std::string Text(const Json& json, size_t chars_max = kTextCharsMax) {
  return json.string() == nullptr ? "" : json.string()->substr(0, chars_max);
}

Result<Json> ParseObject(std::string_view text, std::string_view what) {
  Result<Json> json = Json::Parse(text);
  if (!json) return Fail(Code::kCorrupt, std::string(what) + ": " + json.error().message);
  if (!json->is_object()) return Fail(Code::kCorrupt, std::string(what) + " is no object");
  return json;
}

}  // namespace

Result<MesosState> MesosStateFromJson(std::string_view text) {
  FLEETMEDIC_ASSIGN_OR_RETURN(const Json json, ParseObject(text, "/state"));
  MesosState state;
  state.id = Text(json["id"]);
  state.hostname = Text(json["hostname"]);
  state.version = Text(json["version"]);
  state.master_hostname = Text(json["master_hostname"]);
  const Json& flags = json["flags"];
  state.master_flag = Text(flags["master"], kPathCharsMax);
  state.work_dir = Text(flags["work_dir"], kPathCharsMax);
  if (!state.work_dir.starts_with('/')) state.work_dir.clear();
  // Flags are texts, numbers too.
  const std::string headroom = Text(flags["gc_disk_headroom"]);
  double value = 0;
  const auto [end, error] =
      std::from_chars(headroom.data(), headroom.data() + headroom.size(), value);
  if (error == std::errc() && end == headroom.data() + headroom.size() && value >= 0 &&
      value <= 1) {
    state.gc_disk_headroom = value;
  }
  return state;
}

Result<MesosMetrics> MesosMetricsFromJson(std::string_view text) {
  FLEETMEDIC_ASSIGN_OR_RETURN(const Json json, ParseObject(text, "/metrics/snapshot"));
  MesosMetrics metrics;
  for (const auto& [name, value] : *json.object()) {
    if (metrics.size() >= kMesosMetricsMax) break;
    if (!name.starts_with("slave/") && !name.starts_with("containerizer/")) continue;
    const std::optional<double> number = value.number();
    if (name.size() > kTextCharsMax || !number.has_value() || !std::isfinite(*number)) continue;
    metrics[name] = *number;
  }
  return metrics;
}

std::optional<std::string> NumericMaster(std::string_view master_flag) {
  const std::string_view address = master_flag.substr(0, master_flag.find('/'));
  if (address.find(':') == std::string_view::npos) return std::nullopt;
  const Result<HttpAddress> parsed = HttpAddress::Parse(address);
  if (!parsed || !parsed->unix_path.empty() || parsed->port == 0) return std::nullopt;
  return std::string(address);
}

}  // namespace fleetmedic
