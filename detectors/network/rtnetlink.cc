#include "detectors/network/rtnetlink.h"

#include <arpa/inet.h>
#include <linux/fib_rules.h>
#include <linux/if.h>
#include <linux/if_arp.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>

#include <algorithm>
#include <array>
#include <cstring>

#include <fmt/format.h>

namespace fleetmedic {
namespace {

constexpr size_t kAttributesMax = 1024;  // of one message
constexpr size_t kNameBytesMax = IFNAMSIZ;
constexpr size_t kMacBytesMax = 32;  // MAX_ADDR_LEN

size_t Aligned(size_t bytes) { return (bytes + 3) & ~size_t{3}; }

// A struct from the start of the bytes, whatever their alignment.
template <typename T>
bool Take(std::string_view bytes, T* out) {
  if (bytes.size() < sizeof(T)) return false;
  std::memcpy(out, bytes.data(), sizeof(T));
  return true;
}

Error Torn(std::string_view what) {
  return {Code::kCorrupt, "rtnetlink: a length in " + std::string(what) + " does not fit"};
}

// Calls `each(type, payload)` for the attributes in the bytes. False: a length does not fit.
template <typename Each>
bool EachAttribute(std::string_view bytes, Each each) {
  for (size_t i = 0; i < kAttributesMax && bytes.size() >= sizeof(rtattr); ++i) {
    rtattr header;
    (void)Take(bytes, &header);
    if (header.rta_len < sizeof(rtattr) || header.rta_len > bytes.size()) return false;
    each(static_cast<uint16_t>(header.rta_type & NLA_TYPE_MASK),
         bytes.substr(sizeof(rtattr), header.rta_len - sizeof(rtattr)));
    bytes.remove_prefix(std::min(Aligned(header.rta_len), bytes.size()));
  }
  return true;
}

std::string TextOf(std::string_view payload) {
  return std::string(payload.substr(0, std::min(payload.find('\0'), kNameBytesMax)));
}

std::string MacOf(std::string_view payload) {
  std::string text;
  if (payload.size() > kMacBytesMax) return text;
  for (const char byte : payload) {
    text += fmt::format("{}{:02x}", text.empty() ? "" : ":", static_cast<unsigned char>(byte));
  }
  return text;
}

std::string AddressOf(bool ipv6, std::string_view payload) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  if (payload.size() != (ipv6 ? sizeof(in6_addr) : sizeof(in_addr))) return "";
  if (::inet_ntop(ipv6 ? AF_INET6 : AF_INET, payload.data(), text.data(), text.size()) == nullptr) {
    return "";
  }
  return text.data();
}

std::optional<LinkCounters> CountersOf(std::string_view payload) {
  // Newer kernels send more at the end, older ones less.
  rtnl_link_stats64 stats{};
  if (payload.size() < offsetof(rtnl_link_stats64, multicast)) return std::nullopt;
  std::memcpy(&stats, payload.data(), std::min(payload.size(), sizeof(stats)));
  return LinkCounters{stats.rx_packets, stats.tx_packets, stats.rx_errors,
                      stats.tx_errors,  stats.rx_dropped, stats.tx_dropped};
}

bool TakeLink(std::string_view body, NetworkLink* link) {
  ifinfomsg header;
  if (!Take(body, &header)) return false;
  link->index = header.ifi_index;
  link->ethernet = header.ifi_type == ARPHRD_ETHER;
  link->loopback = (header.ifi_flags & IFF_LOOPBACK) != 0;
  link->admin_up = (header.ifi_flags & IFF_UP) != 0;
  link->carrier = (header.ifi_flags & IFF_LOWER_UP) != 0;
  body.remove_prefix(std::min(Aligned(sizeof(header)), body.size()));
  bool nested_fits = true;
  const bool fits = EachAttribute(body, [&](uint16_t type, std::string_view payload) {
    uint32_t number = 0;
    switch (type) {
      case IFLA_IFNAME:
        link->name = TextOf(payload);
        break;
      case IFLA_ADDRESS:
        link->mac = MacOf(payload);
        break;
      case IFLA_MTU:
        if (Take(payload, &number)) link->mtu = number;
        break;
      case IFLA_CARRIER_CHANGES:
        if (Take(payload, &number)) link->carrier_changes = number;
        break;
      case IFLA_STATS64:
        link->counters = CountersOf(payload);
        break;
      case IFLA_LINKINFO:
        nested_fits = EachAttribute(payload, [link](uint16_t inner, std::string_view value) {
          if (inner == IFLA_INFO_KIND) link->kind = TextOf(value);
        });
        break;
      default:
        break;
    }
  });
  return fits && nested_fits;
}

bool TakeAddress(std::string_view body, NetworkAddress* address) {
  ifaddrmsg header;
  if (!Take(body, &header)) return false;
  address->index = static_cast<int>(header.ifa_index);
  address->ipv6 = header.ifa_family == AF_INET6;
  address->global = header.ifa_scope < RT_SCOPE_LINK;
  address->prefix_bits = header.ifa_prefixlen;
  body.remove_prefix(std::min(Aligned(sizeof(header)), body.size()));
  return EachAttribute(body, [address](uint16_t type, std::string_view payload) {
    // Of a point-to-point link IFA_ADDRESS is the other end's.
    if (type == IFA_LOCAL || (type == IFA_ADDRESS && address->address.empty())) {
      address->address = AddressOf(address->ipv6, payload);
    }
  });
}

// RTA_MULTIPATH: rtnexthop after rtnexthop, each with attributes of its own.
bool TakeNextHops(std::string_view payload, std::vector<int>* links) {
  while (payload.size() >= sizeof(rtnexthop)) {
    rtnexthop hop;
    (void)Take(payload, &hop);
    if (hop.rtnh_len < sizeof(rtnexthop) || hop.rtnh_len > payload.size()) return false;
    if (links->size() < kNetworkRoutesMax) links->push_back(hop.rtnh_ifindex);
    payload.remove_prefix(std::min(Aligned(hop.rtnh_len), payload.size()));
  }
  return true;
}

struct RouteMessage {
  bool is_default = false;
  NetworkDefaultRoute route;
};

bool TakeRoute(std::string_view body, RouteMessage* out) {
  rtmsg header;
  if (!Take(body, &header)) return false;
  out->is_default = header.rtm_dst_len == 0 && header.rtm_type == RTN_UNICAST &&
                    (header.rtm_flags & RTM_F_CLONED) == 0;
  if (!out->is_default) return true;
  out->route.ipv6 = header.rtm_family == AF_INET6;
  out->route.table = header.rtm_table;
  body.remove_prefix(std::min(Aligned(sizeof(header)), body.size()));
  bool hops_fit = true;
  const bool fits = EachAttribute(body, [&](uint16_t type, std::string_view payload) {
    uint32_t number = 0;
    if (type == RTA_TABLE && Take(payload, &number)) out->route.table = number;
    if (type == RTA_OIF && Take(payload, &number)) {
      out->route.links.push_back(static_cast<int>(number));
    }
    if (type == RTA_MULTIPATH) hops_fit = TakeNextHops(payload, &out->route.links);
  });
  return fits && hops_fit;
}

bool TakeRule(std::string_view body, NetworkRule* rule) {
  fib_rule_hdr header;
  if (!Take(body, &header)) return false;
  rule->ipv6 = header.family == AF_INET6;
  rule->prefix_bits = header.src_len;
  rule->table = header.action == FR_ACT_TO_TBL ? header.table : 0;
  body.remove_prefix(std::min(Aligned(sizeof(header)), body.size()));
  return EachAttribute(body, [&](uint16_t type, std::string_view payload) {
    uint32_t number = 0;
    if (type == FRA_SRC) rule->source = AddressOf(rule->ipv6, payload);
    if (type == FRA_TABLE && header.action == FR_ACT_TO_TBL && Take(payload, &number)) {
      rule->table = number;
    }
  });
}

template <typename T>
Status Keep(T item, size_t items_max, std::vector<T>* items) {
  if (items->size() >= items_max) {
    return Fail(Code::kFull, fmt::format("rtnetlink: more than {} entries", items_max));
  }
  items->push_back(std::move(item));
  return {};
}

Status TakeMessage(uint16_t type, std::string_view body, NetworkTables* tables) {
  switch (type) {
    case RTM_NEWLINK: {
      NetworkLink link;
      if (!TakeLink(body, &link)) return tl::unexpected<Error>(Torn("a link"));
      return Keep(std::move(link), kNetworkLinksMax, &tables->links);
    }
    case RTM_NEWADDR: {
      NetworkAddress address;
      if (!TakeAddress(body, &address)) return tl::unexpected<Error>(Torn("an address"));
      return Keep(std::move(address), kNetworkAddressesMax, &tables->addresses);
    }
    case RTM_NEWROUTE: {
      RouteMessage message;
      if (!TakeRoute(body, &message)) return tl::unexpected<Error>(Torn("a route"));
      if (!message.is_default) return {};
      return Keep(std::move(message.route), kNetworkRoutesMax, &tables->default_routes);
    }
    case RTM_NEWRULE: {
      NetworkRule rule;
      if (!TakeRule(body, &rule)) return tl::unexpected<Error>(Torn("a rule"));
      if (rule.source.empty() || rule.table == 0) return {};
      return Keep(std::move(rule), kNetworkRulesMax, &tables->rules);
    }
    default:
      return {};
  }
}

// Takes the next message off the datagram. False: a length does not fit, or nothing is left.
bool NextMessage(std::string_view* datagram, nlmsghdr* header, std::string_view* body) {
  if (!Take(*datagram, header)) return false;
  if (header->nlmsg_len < sizeof(nlmsghdr) || header->nlmsg_len > datagram->size()) return false;
  *body = datagram->substr(sizeof(nlmsghdr), header->nlmsg_len - sizeof(nlmsghdr));
  datagram->remove_prefix(std::min(Aligned(header->nlmsg_len), datagram->size()));
  return true;
}

bool MessageMatters(uint16_t type, std::string_view body, const WatchedLinks& watched) {
  const auto knows = [&watched](int index) {
    return std::ranges::any_of(watched, [index](const auto& link) { return link.second == index; });
  };
  switch (type) {
    case RTM_NEWLINK:
    case RTM_DELLINK: {
      NetworkLink link;
      return !TakeLink(body, &link) || link.physical() || knows(link.index) ||
             watched.contains(link.name);
    }
    case RTM_NEWADDR:
    case RTM_DELADDR: {
      NetworkAddress address;
      return !TakeAddress(body, &address) || knows(address.index);
    }
    case RTM_NEWROUTE:
    case RTM_DELROUTE: {
      RouteMessage message;
      return !TakeRoute(body, &message) || message.is_default;
    }
    case RTM_NEWRULE:
    case RTM_DELRULE:
      return true;
    default:
      return false;
  }
}

}  // namespace

Result<RtnetlinkProgress> ParseRtnetlink(std::string_view datagram, uint32_t sequence,
                                         NetworkTables* tables) {
  RtnetlinkProgress progress;
  while (!datagram.empty() && !progress.done) {
    nlmsghdr header;
    std::string_view body;
    if (!NextMessage(&datagram, &header, &body)) return tl::unexpected<Error>(Torn("a message"));
    if (header.nlmsg_seq != sequence) continue;
    if ((header.nlmsg_flags & NLM_F_DUMP_INTR) != 0) progress.interrupted = true;
    if (header.nlmsg_type == NLMSG_DONE || header.nlmsg_type == NLMSG_ERROR) {
      int32_t error = 0;
      (void)Take(body, &error);
      // A number that cannot be negated is none of the kernel's.
      progress.error_number = error < 0 && error > -4096 ? -error : 0;
      progress.done = true;
      continue;
    }
    FLEETMEDIC_RETURN_IF_ERROR(TakeMessage(header.nlmsg_type, body, tables));
  }
  return progress;
}

std::string RtnetlinkDumpRequest(uint16_t type, uint8_t family, uint32_t sequence) {
  // Every one of these requests begins with a struct whose first byte is the family; the longest
  // is ifinfomsg, and the kernel takes a longer one than it needs only from RTM_GETLINK.
  const size_t body = type == RTM_GETADDR    ? sizeof(ifaddrmsg)
                      : type == RTM_GETROUTE ? sizeof(rtmsg)
                      : type == RTM_GETRULE  ? sizeof(fib_rule_hdr)
                                             : sizeof(ifinfomsg);
  nlmsghdr header{};
  header.nlmsg_len = static_cast<uint32_t>(sizeof(header) + Aligned(body));
  header.nlmsg_type = type;
  header.nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
  header.nlmsg_seq = sequence;
  std::string request(header.nlmsg_len, '\0');
  std::memcpy(request.data(), &header, sizeof(header));
  request[sizeof(header)] = static_cast<char>(family);
  return request;
}

bool RtnetlinkNoticeMatters(std::string_view datagram, const WatchedLinks& watched) {
  while (!datagram.empty()) {
    nlmsghdr header;
    std::string_view body;
    if (!NextMessage(&datagram, &header, &body)) return true;
    if (MessageMatters(header.nlmsg_type, body, watched)) return true;
  }
  return false;
}

}  // namespace fleetmedic
