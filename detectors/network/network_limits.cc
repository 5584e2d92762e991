#include "detectors/network/network_limits.h"

#include <algorithm>
#include <charconv>

#include <fmt/format.h>

#include "detectors/condition_types.h"
#include "detectors/proc_text.h"

namespace fleetmedic {
namespace {

constexpr size_t kFileBytesMax = size_t{1} << 20;
constexpr std::string_view kListenOverflows = "tcp/listen_overflows";

std::string TableFullsName(std::string_view unit) { return "table_fulls/" + std::string(unit); }

std::optional<uint64_t> Hex(std::string_view text) {
  uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, 16);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

// Reads files for one condition type and notes what may not be read.
class Files {
 public:
  Files(const FsRoot& root, NetworkLimitsSample* sample) : root_(root), sample_(sample) {}

  // Empty where there is none.
  std::string Text(std::string_view type, std::string_view path) {
    Result<std::string> text = root_.ReadFile(path, kFileBytesMax);
    if (text) return *std::move(text);
    if (text.error().code != Code::kNotFound) {
      sample_->refused.emplace(type, text.error().message);
    }
    return "";
  }
  std::optional<uint64_t> Count(std::string_view type, std::string_view path) {
    return ParseCount(Text(type, path));
  }

 private:
  const FsRoot& root_;
  NetworkLimitsSample* const sample_;
};

Condition ConntrackCondition(const NetworkLimitsSample& sample,
                             const NetworkLimitsThresholds& thresholds) {
  const double share =
      static_cast<double>(*sample.conntrack_count) / static_cast<double>(*sample.conntrack_max);
  const bool hard = share >= thresholds.conntrack_hard_share;
  const bool bad = share >= thresholds.conntrack_share;
  Condition condition = MakeCondition(
      "ConntrackTableFull", "", bad ? Verdict::kBad : Verdict::kOk,
      hard  ? "EntriesGone"
      : bad ? "EntriesLow"
            : "EntriesLeft",
      fmt::format("{} of {} connections are tracked ({:.1f} %, told from {:.0f} % on)",
                  *sample.conntrack_count, *sample.conntrack_max, share * 100,
                  thresholds.conntrack_share * 100));
  if (bad && !hard) condition.severity = Severity::kSoft;
  return condition;
}

void AddNeighbourConditions(const NetworkLimitsSample& sample, const CounterWindow& window,
                            const NetworkLimitsThresholds& thresholds,
                            std::vector<Condition>* conditions) {
  bool bad = false;
  for (const NeighbourSample& neighbour : sample.neighbours) {
    const uint64_t fulls = window.Growth(TableFullsName(neighbour.unit));
    const double share = neighbour.entries_max == 0
                             ? 0
                             : static_cast<double>(neighbour.table.entries) /
                                   static_cast<double>(neighbour.entries_max);
    if (fulls == 0 && share < thresholds.neighbours_share) continue;
    bad = true;
    conditions->push_back(MakeCondition(
        "NeighbourTableFull", neighbour.unit, Verdict::kBad,
        fulls > 0 ? "TableOverflowed" : "EntriesLow",
        fmt::format("{} entries of at most {} (gc_thresh3); {} were refused within {}",
                    neighbour.table.entries, neighbour.entries_max, fulls,
                    FormatDuration(window.window()))));
  }
  if (!bad && !sample.neighbours.empty()) {
    conditions->push_back(MakeCondition("NeighbourTableFull", "", Verdict::kOk, "EntriesLeft",
                                        "the tables of neighbours have room"));
  }
}

Condition PortsCondition(const NetworkLimitsSample& sample,
                         const NetworkLimitsThresholds& thresholds) {
  const uint64_t ports = *sample.port_last - *sample.port_first + 1;
  const uint64_t used = *sample.tcp_in_use + sample.tcp_time_wait.value_or(0);
  const double share = static_cast<double>(used) / static_cast<double>(ports);
  const bool bad = share >= thresholds.ports_share;
  return MakeCondition(
      "EphemeralPortsLow", "", bad ? Verdict::kBad : Verdict::kOk, bad ? "PortsLow" : "PortsLeft",
      fmt::format("{} TCP sockets ({} in use, {} in TIME_WAIT) with {} ephemeral ports, {} to {}; "
                  "told from {:.0f} % on",
                  used, *sample.tcp_in_use, sample.tcp_time_wait.value_or(0), ports,
                  *sample.port_first, *sample.port_last, thresholds.ports_share * 100));
}

}  // namespace

std::optional<NeighbourTable> NeighbourTableFrom(std::string_view text) {
  const std::vector<std::string_view> lines = Lines(text);
  if (lines.size() < 2) return std::nullopt;
  const std::vector<std::string_view> names = Fields(lines[0]);
  const auto fulls_name = std::ranges::find(names, std::string_view("table_fulls"));
  const auto entries_name = std::ranges::find(names, std::string_view("entries"));
  if (entries_name == names.end()) return std::nullopt;
  NeighbourTable table;
  for (size_t i = 1; i < lines.size(); ++i) {
    const std::vector<std::string_view> values = Fields(lines[i]);
    if (values.size() != names.size()) return std::nullopt;
    const auto at = [&](auto name) {
      return name == names.end() ? std::optional<uint64_t>(0)
                                 : Hex(values[static_cast<size_t>(name - names.begin())]);
    };
    const std::optional<uint64_t> entries = at(entries_name);
    const std::optional<uint64_t> fulls = at(fulls_name);
    if (!entries || !fulls) return std::nullopt;
    table.entries = *entries;
    table.table_fulls += *fulls;
  }
  return table;
}

std::optional<uint64_t> NetstatValue(std::string_view text, std::string_view group,
                                     std::string_view name) {
  const std::vector<std::string_view> lines = Lines(text);
  for (size_t i = 0; i + 1 < lines.size(); ++i) {
    const std::vector<std::string_view> names = Fields(lines[i]);
    if (names.empty() || names[0] != std::string(group) + ":") continue;
    const std::vector<std::string_view> values = Fields(lines[i + 1]);
    if (values.size() != names.size() || values[0] != names[0]) return std::nullopt;
    const auto found = std::ranges::find(names, name);
    if (found == names.end()) return std::nullopt;
    return ParseCount(values[static_cast<size_t>(found - names.begin())]);
  }
  return std::nullopt;
}

std::optional<uint64_t> SockstatValue(std::string_view text, std::string_view group,
                                      std::string_view name) {
  for (const std::string_view line : Lines(text)) {
    const std::vector<std::string_view> fields = Fields(line);
    if (fields.empty() || fields[0] != std::string(group) + ":") continue;
    for (size_t i = 1; i + 1 < fields.size(); i += 2) {
      if (fields[i] == name) return ParseCount(fields[i + 1]);
    }
  }
  return std::nullopt;
}

NetworkLimitsSample ReadNetworkLimits(const FsRoot& root) {
  NetworkLimitsSample sample;
  Files files(root, &sample);
  constexpr std::string_view kConntrack = "ConntrackTableFull";
  sample.conntrack_count = files.Count(kConntrack, "/proc/sys/net/netfilter/nf_conntrack_count");
  sample.conntrack_max = files.Count(kConntrack, "/proc/sys/net/netfilter/nf_conntrack_max");

  struct Family {
    std::string_view unit;
    std::string_view statistics;
    std::string_view limit;
  };
  constexpr std::string_view kNeighbours = "NeighbourTableFull";
  for (const Family& family :
       {Family{"ipv4", "/proc/net/stat/arp_cache", "/proc/sys/net/ipv4/neigh/default/gc_thresh3"},
        Family{"ipv6", "/proc/net/stat/ndisc_cache",
               "/proc/sys/net/ipv6/neigh/default/gc_thresh3"}}) {
    const auto table = NeighbourTableFrom(files.Text(kNeighbours, family.statistics));
    if (!table) continue;
    // Only the first network namespace has the limit.
    const uint64_t limit = files.Count(kNeighbours, family.limit).value_or(0);
    sample.neighbours.push_back({std::string(family.unit), *table, limit});
  }

  constexpr std::string_view kPorts = "EphemeralPortsLow";
  const std::string range = files.Text(kPorts, "/proc/sys/net/ipv4/ip_local_port_range");
  const std::vector<std::string_view> bounds = Fields(Lines(range).empty() ? "" : Lines(range)[0]);
  if (bounds.size() == 2) {
    sample.port_first = ParseCount(bounds[0]);
    sample.port_last = ParseCount(bounds[1]);
  }
  const std::string sockets = files.Text(kPorts, "/proc/net/sockstat");
  sample.tcp_in_use = SockstatValue(sockets, "TCP", "inuse");
  sample.tcp_time_wait = SockstatValue(sockets, "TCP", "tw");
  sample.listen_overflows = NetstatValue(files.Text("TcpListenOverflow", "/proc/net/netstat"),
                                         "TcpExt", "ListenOverflows");
  return sample;
}

void AddNetworkLimits(const NetworkLimitsSample& sample, MonoTime now, CounterWindow* window) {
  for (const NeighbourSample& neighbour : sample.neighbours) {
    window->Add(TableFullsName(neighbour.unit), neighbour.table.table_fulls, now);
  }
  if (sample.listen_overflows) window->Add(kListenOverflows, *sample.listen_overflows, now);
}

std::vector<Condition> EvaluateNetworkLimits(const NetworkLimitsSample& sample,
                                             const CounterWindow& window,
                                             const NetworkLimitsThresholds& thresholds) {
  std::vector<Condition> conditions;
  const auto add = [&](std::string_view type, bool seen, auto make) {
    if (const auto refused = sample.refused.find(std::string(type));
        refused != sample.refused.end()) {
      conditions.push_back(
          MakeCondition(type, "", Verdict::kUnknown, "CannotRead", refused->second));
    } else if (seen) {
      make();
    }
  };
  add("ConntrackTableFull", sample.conntrack_count && sample.conntrack_max.value_or(0) > 0,
      [&] { conditions.push_back(ConntrackCondition(sample, thresholds)); });
  add("NeighbourTableFull", true,
      [&] { AddNeighbourConditions(sample, window, thresholds, &conditions); });
  add("EphemeralPortsLow",
      sample.tcp_in_use && sample.port_first && sample.port_last &&
          *sample.port_first <= *sample.port_last && *sample.port_last <= 65535,
      [&] { conditions.push_back(PortsCondition(sample, thresholds)); });
  add("TcpListenOverflow", sample.listen_overflows.has_value(), [&] {
    const uint64_t growth = window.Growth(kListenOverflows);
    const bool bad = growth >= thresholds.listen_overflows_max;
    conditions.push_back(MakeCondition(
        "TcpListenOverflow", "", bad ? Verdict::kBad : Verdict::kOk,
        bad ? "QueueOverflowed" : "NoOverflow",
        fmt::format("{} connections were dropped within {} because a listener's queue was full "
                    "(told from {} on)",
                    growth, FormatDuration(window.window()), thresholds.listen_overflows_max)));
  });
  return conditions;
}

}  // namespace fleetmedic
