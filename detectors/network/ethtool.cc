#include "detectors/network/ethtool.h"

#include <linux/ethtool.h>
#include <linux/if.h>
#include <linux/sockios.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

namespace fleetmedic {
namespace {

constexpr std::array<std::string_view, 5> kAllowanceCounters = {
    "bw_in_allowance_exceeded", "bw_out_allowance_exceeded", "pps_allowance_exceeded",
    "conntrack_allowance_exceeded", "linklocal_allowance_exceeded"};

static_assert(kEthtoolNameBytes == ETH_GSTRING_LEN);

// A request of ethtool's: a struct of 32-bit words and what follows it. uint64_t aligns it.
template <typename Header>
std::vector<uint64_t> RequestOf(const Header& header, size_t payload_bytes) {
  std::vector<uint64_t> request((sizeof(Header) + payload_bytes + 7) / 8, 0);
  std::memcpy(request.data(), &header, sizeof(header));
  return request;
}

}  // namespace

bool IsAllowanceCounter(std::string_view name) {
  return std::ranges::find(kAllowanceCounters, name) != kAllowanceCounters.end();
}

std::map<size_t, std::string> AllowanceCounterPlaces(std::string_view strings) {
  std::map<size_t, std::string> places;
  for (size_t i = 0; (i + 1) * kEthtoolNameBytes <= strings.size(); ++i) {
    const std::string_view slot = strings.substr(i * kEthtoolNameBytes, kEthtoolNameBytes);
    const std::string_view name = slot.substr(0, slot.find('\0'));
    if (IsAllowanceCounter(name)) places.emplace(i, name);
  }
  return places;
}

Status EthtoolReader::Call(const std::string& interface, void* request) const {
  ifreq call{};
  if (interface.size() >= sizeof(call.ifr_name)) {
    return Fail(Code::kInvalidArgument, "ethtool: the interface's name is too long");
  }
  std::memcpy(call.ifr_name, interface.c_str(), interface.size() + 1);
  call.ifr_data = static_cast<char*>(request);
  if (::ioctl(socket_.get(), SIOCETHTOOL, &call) != 0) return FailErrno("ethtool", errno);
  return {};
}

Result<EthtoolReader::Layout> EthtoolReader::AskLayout(const std::string& interface) const {
  Layout layout;
  ethtool_sset_info info{};
  info.cmd = ETHTOOL_GSSET_INFO;
  info.sset_mask = uint64_t{1} << ETH_SS_STATS;
  std::vector<uint64_t> count = RequestOf(info, sizeof(uint32_t));
  if (const Status asked = Call(interface, count.data()); !asked) {
    // A driver without statistics, or no ethtool at all.
    if (asked.error().code == Code::kUnsupported) return layout;
    return tl::unexpected<Error>(asked.error());
  }
  std::memcpy(&info, count.data(), sizeof(info));
  if (info.sset_mask == 0) return layout;
  std::memcpy(&layout.counters, reinterpret_cast<const char*>(count.data()) + sizeof(info),
              sizeof(layout.counters));
  if (layout.counters == 0) return layout;
  if (layout.counters > kEthtoolCountersMax) {
    return Fail(Code::kFull, "ethtool: the driver has too many counters");
  }
  ethtool_gstrings strings{};
  strings.cmd = ETHTOOL_GSTRINGS;
  strings.string_set = ETH_SS_STATS;
  strings.len = layout.counters;
  // The kernel writes as many names as the driver has at that moment, whatever `len` says.
  std::vector<uint64_t> names = RequestOf(strings, kEthtoolCountersMax * kEthtoolNameBytes);
  FLEETMEDIC_RETURN_IF_ERROR(Call(interface, names.data()));
  layout.places =
      AllowanceCounterPlaces({reinterpret_cast<const char*>(names.data()) + sizeof(strings),
                              layout.counters * kEthtoolNameBytes});
  return layout;
}

Result<std::map<std::string, uint64_t>> EthtoolReader::AllowanceCounters(
    const std::string& interface, int index) {
  std::map<std::string, uint64_t> counters;
  if (!socket_.ok()) socket_ = UniqueFd(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (!socket_.ok()) return FailErrno("socket(AF_INET)", errno);
  auto layout = layouts_.find(index);
  if (layout == layouts_.end()) {
    FLEETMEDIC_ASSIGN_OR_RETURN(Layout asked, AskLayout(interface));
    layout = layouts_.emplace(index, std::move(asked)).first;
  }
  if (layout->second.places.empty()) return counters;
  ethtool_stats stats{};
  stats.cmd = ETHTOOL_GSTATS;
  stats.n_stats = layout->second.counters;
  // As with the names: room for a driver that got more queues since, and a new look at the names.
  std::vector<uint64_t> reply = RequestOf(stats, kEthtoolCountersMax * sizeof(uint64_t));
  FLEETMEDIC_RETURN_IF_ERROR(Call(interface, reply.data()));
  std::memcpy(&stats, reply.data(), sizeof(stats));
  if (stats.n_stats != layout->second.counters) {
    layouts_.erase(layout);
    return counters;
  }
  for (const auto& [place, name] : layout->second.places) {
    uint64_t value = 0;
    std::memcpy(&value,
                reinterpret_cast<const char*>(reply.data()) + sizeof(stats) + place * sizeof(value),
                sizeof(value));
    counters.emplace(name, value);
  }
  return counters;
}

void EthtoolReader::KeepOnly(const std::vector<int>& indexes) {
  std::erase_if(layouts_, [&indexes](const auto& layout) {
    return std::ranges::find(indexes, layout.first) == indexes.end();
  });
}

}  // namespace fleetmedic
